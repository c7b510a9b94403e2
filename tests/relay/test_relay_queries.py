"""query_sm, cancel_sm and replace_sm in every state of a message."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from relay_house import BANK, HANDSET, START, House, MakeHouse, account, carrier, generation, name_of, submit
from twisted.internet.defer import Deferred, fail

from gateway.filters.verdict import REASONS, Action, Verdict
from gateway.message import Message
from gateway.smpp.concat import make_sar
from gateway.smpp.constants import CommandStatus
from gateway.smpp.fields import SmeAddress
from gateway.smpp.pdus import CancelSm, QuerySm, ReplaceSm, SubmitMulti, SubmitSm
from gateway.smpp.smpptime import format_absolute
from gateway.store.rows import State, StoreUnavailable


class Words:
    name = "words"

    def judge(self, message: Message, now: float) -> Verdict | None:
        if "bad" in (message.text or ""):
            return Verdict(Action.REFUSE, self.name, "bad", "words.txt:1", REASONS["content_blocked"])
        return Verdict(Action.HOLD, self.name, "odd") if "odd" in (message.text or "") else None


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    return make_house(
        generation(accounts={"bank": account(), "shop": account()}, carriers={"alpha": carrier(window=1)}),
        words=Words(),
    )


def bring(house: House, client: Any, state: State) -> str:
    """A message in this state; its id."""
    house.answer = lambda name, pdu: (int(CommandStatus.ESME_RINVDSTADR), "")
    if state is State.REJECTED:
        return str(client.submit().message_id)
    if state in (State.WAITING, State.SENDING):
        house.answer = lambda name, pdu: None
        if state is State.WAITING:
            client.submit(destination_addr="8619900000000")
        return str(client.submit().message_id)
    house.answer = house.accept
    special: dict[State, dict[str, Any]] = {
        State.DEFERRED: {"schedule_delivery_time": "000000001000000R"},
        State.GATHERING: {"tlvs": make_sar(1, 2, 1)},
        State.HELD: {"short_message": b"odd"},
    }
    told = str(client.submit(**special.get(state, {})).message_id)
    if state is State.DELIVERED:
        house.receipt("1")
    return told


def query(client: Any, told: str, source: str = BANK) -> Any:
    return client.ask(QuerySm(message_id=told, source_addr=source))


def cancel(client: Any, told: str = "", **fields: Any) -> str:
    pdu = CancelSm(**{"message_id": told, "source_addr": BANK, "destination_addr": HANDSET, **fields})
    return name_of(client.ask(pdu).command_status)


def replace(client: Any, told: str, **fields: Any) -> str:
    usual = {"message_id": told, "source_addr": BANK, "short_message": b"other", "registered_delivery": 1}
    return name_of(client.ask(ReplaceSm(**{**usual, **fields})).command_status)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.WAITING, 1),
        (State.SENDING, 1),
        (State.SENT, 1),
        (State.DEFERRED, 1),
        (State.HELD, 1),
        (State.GATHERING, 1),
        (State.DELIVERED, 2),
        (State.REJECTED, 8),
    ],
)
def test_query_in_every_state(house: House, state: State, said: int) -> None:
    client = house.client()
    told = bring(house, client, state)
    assert house.states()[-1] is state
    house.advance(0.5)
    answer = query(client, told)
    assert (answer.command_status, answer.message_id, answer.message_state) == (0, told, said)
    assert bool(answer.final_date) is state.final
    if state is State.REJECTED:
        assert answer.error_code == CommandStatus.ESME_RINVDSTADR
        assert answer.final_date == format_absolute(datetime.fromtimestamp(START, UTC))


def test_a_scheduled_message_is_scheduled_for_version_50(house: House) -> None:
    told = bring(house, house.client(), State.DEFERRED)
    assert query(house.client(version=0x50), told).message_state == 0


def test_what_is_not_ones_own_is_not_there(house: House) -> None:
    told = bring(house, house.client(), State.WAITING)
    other = house.client("shop")
    assert name_of(query(other, told).command_status) == "ESME_RINVMSGID"
    assert cancel(other, told) == "ESME_RINVMSGID"
    assert replace(other, told) == "ESME_RINVMSGID"
    assert name_of(query(house.client(), told, source="other").command_status) == "ESME_RINVMSGID"
    assert name_of(query(house.client(), "0000009999").command_status) == "ESME_RINVMSGID"
    assert name_of(query(house.client(), "rubbish!").command_status) == "ESME_RINVMSGID"


CANCELLABLE = (State.WAITING, State.DEFERRED, State.HELD, State.GATHERING)
STATES = (*CANCELLABLE, State.SENDING, State.SENT, State.DELIVERED, State.REJECTED)


@pytest.mark.parametrize("state", STATES)
def test_cancel_in_every_state(house: House, state: State) -> None:
    client = house.client()
    told = bring(house, client, state)
    before = len(client.receipts)
    can = state in CANCELLABLE
    assert cancel(client, told) == ("ESME_ROK" if can else "ESME_RCANCELFAIL")
    assert house.states()[-1] is (State.DELETED if can else state)
    assert [found.stat for found in client.receipts[before:]] == (["DELETED"] if can else [])
    assert cancel(client, told) == "ESME_RCANCELFAIL"


@pytest.mark.parametrize("state", STATES)
def test_replace_in_every_state(house: House, state: State) -> None:
    client = house.client()
    told = bring(house, client, state)
    can = state in (State.WAITING, State.DEFERRED, State.HELD)
    assert replace(client, told) == ("ESME_ROK" if can else "ESME_RREPLACEFAIL")
    # What was held for its text is free with another.
    free = State.WAITING if state is State.WAITING else State.SENT if state is State.HELD else state
    assert house.states()[-1] is free


def test_cancel_by_addresses_takes_all_that_wait(house: House) -> None:
    client = house.client()
    bring(house, client, State.WAITING)
    for fields in ({}, {"service_type": "CMT"}, {"destination_addr": "8619912340002"}, {"source_addr": "1"}):
        client.submit(**fields)
    assert cancel(client, service_type="CMT") == "ESME_ROK"
    assert house.states()[2:] == [State.WAITING, State.DELETED, State.WAITING, State.WAITING]
    assert cancel(client) == "ESME_ROK"
    assert house.states()[1:] == [*[State.DELETED] * 3, State.WAITING, State.WAITING]
    assert cancel(client) == "ESME_RCANCELFAIL"


def test_cancel_with_a_destination_that_is_not_the_messages(house: House) -> None:
    client = house.client()
    told = bring(house, client, State.WAITING)
    assert cancel(client, told, destination_addr="8619912349999") == "ESME_RINVMSGID"
    assert cancel(client, told, destination_addr="+" + HANDSET) == "ESME_ROK"


def test_cancel_of_a_submit_multi(house: House) -> None:
    client = house.client()
    house.answer = lambda name, pdu: None
    client.submit()
    numbers = ("8619912340001", "8619912340002", "8619912340003")
    addresses = tuple(SmeAddress(1, 1, number) for number in numbers)
    told = client.ask(SubmitMulti(source_addr=BANK, dest_addresses=addresses, short_message=b"x")).message_id
    assert replace(client, told) == "ESME_RREPLACEFAIL"
    assert cancel(client, told, destination_addr=numbers[1]) == "ESME_ROK"
    assert house.states()[1:] == [State.WAITING, State.DELETED, State.WAITING]
    assert query(client, told).message_state == 1
    assert cancel(client, told, destination_addr="") == "ESME_ROK"
    assert query(client, told).message_state == 4


def test_a_replaced_text_is_judged(house: House) -> None:
    client = house.client()
    told = bring(house, client, State.WAITING)
    assert replace(client, told, short_message=b"so bad") == "ESME_RREPLACEFAIL"
    assert house.states()[-1] is State.WAITING
    assert replace(client, told, short_message=b"odd") == "ESME_ROK"
    assert house.states()[-1] is State.HELD


def test_the_new_text_is_what_is_sent_also_after_a_restart(house: House) -> None:
    house.answer = lambda name, pdu: None
    client = house.client()
    client.submit()
    told = client.submit().message_id
    assert replace(client, told, registered_delivery=2) == "ESME_ROK"
    house.restart()
    house.answer = house.accept
    house.advance(2)
    pdu = next(pdu for _, pdu in house.submits[::-1] if isinstance(pdu, SubmitSm))
    assert pdu.short_message == b"other"


def test_replaced_times(house: House) -> None:
    client = house.client()
    told = bring(house, client, State.WAITING)
    assert replace(client, told, validity_period="rubbish") == "ESME_RINVEXPIRY"
    assert replace(client, told, schedule_delivery_time="rubbish") == "ESME_RINVSCHED"
    assert replace(client, told, validity_period="260101000000000+") == "ESME_RINVEXPIRY"
    assert replace(client, told, sm_default_msg_id=1) == "ESME_RINVDFTMSGID"
    later = format_absolute(datetime.fromtimestamp(START + 600, UTC))
    assert replace(client, told, schedule_delivery_time=later) == "ESME_ROK"
    assert house.states()[-1] is State.DEFERRED
    assert house.rows()[-1].deadline == int((START + 600) * 1000)
    until = format_absolute(datetime.fromtimestamp(START + 900, UTC))
    assert replace(client, told, validity_period=until) == "ESME_ROK"
    assert house.rows()[-1].expires_at == int((START + 900) * 1000)
    assert house.states()[-1] is State.DEFERRED


def test_a_store_that_cannot_be_read_is_a_pause(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    client = house.client()
    told = bring(house, client, State.WAITING)

    def fails(ids: object) -> Deferred[Any]:
        return fail(StoreUnavailable("disk I/O error"))

    monkeypatch.setattr(house.relay.store.ledger, "messages", fails)
    assert name_of(query(client, told).command_status) == "ESME_RTHROTTLED"
    assert cancel(client, told) == "ESME_RTHROTTLED"
    assert replace(client, told) == "ESME_RTHROTTLED"
    monkeypatch.undo()
    assert query(client, told).command_status == 0


def test_a_cancel_that_races_with_its_carrier_has_one_end(house: House) -> None:
    client = house.client()
    for turn in range(12):
        house.answer = lambda name, pdu: None
        number = client.send(submit(destination_addr=f"86199123{turn:05d}"))
        for _ in range(turn):
            house.step()
        cancelled = client.send(CancelSm(message_id=f"{turn + 1:010d}", source_addr=BANK))
        house.settle()
        ok = client.answers[cancelled].command_status == 0
        assert client.answers[number].command_status == 0
        assert house.states()[-1] is (State.DELETED if ok else State.SENDING)
        for upstream in house.upstreams():
            for pdu in list(upstream.pending):
                upstream.respond(pdu, int(CommandStatus.ESME_RINVDSTADR))
        house.settle()
        assert len(client.receipts) == turn + 1
