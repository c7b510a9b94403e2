"""The outbox: receipts and replies reach the client once, and hold up nothing behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from relay_house import BANK, Client, House, MakeHouse, account, generation, receipt

from gateway.relay import outbox
from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import BindReceiver, BindTransmitter, CancelSm, DeliverSm
from gateway.store.rows import Kind


def receipts(house: House, client: Client, *numbers: int) -> list[str]:
    """Let a message end for each number; its destination ends with it. Returns the ids."""
    told = []
    for number in numbers:
        destination = f"86199123{number:05d}"
        told.append(client.submit(destination_addr=destination).message_id)
        house.receipt(str(house.accepted), source=destination)
    return told


def got(client: Client) -> list[str | None]:
    return [receipt.message_id for receipt in client.receipts]


def says(**answers: int | None) -> Callable[[Any], int | None]:
    """Answers by the last digit of the sender, `d3=...`; ESME_ROK to the rest."""
    return lambda pdu: answers.get(f"d{pdu.source_addr[-1]}", 0)


def test_taken_is_gone(house: House) -> None:
    client = house.client()
    told = receipts(house, client, 1, 2, 3)
    assert got(client) == told
    assert house.outbox() == []
    assert house.relay.accounts.get("bank").outbox.backlog == 0  # type: ignore[union-attr]


def test_it_waits_for_a_receiving_session(house: House) -> None:
    transmitter = house.client(kind=BindTransmitter)
    told = receipts(house, transmitter, 1, 2, 3)
    assert len(house.outbox()) == 3
    receiver = house.client(kind=BindReceiver)
    assert got(receiver) == told
    assert got(transmitter) == []
    assert house.outbox() == []


def test_it_waits_through_a_restart(house: House) -> None:
    told = receipts(house, house.client(kind=BindTransmitter), 1, 2, 3)
    house.restart()
    bank = house.relay.accounts.get("bank")
    assert bank is not None
    assert bank.outbox.backlog == 3
    client = house.client()
    assert got(client) == told
    assert bank.outbox.backlog == 0


def test_dead_letters_do_not_count_as_waiting_after_a_restart(house: House) -> None:
    client = house.client()
    client.answer = says(d1=CommandStatus.ESME_RX_P_APPN)
    receipts(house, client, 1)
    house.restart()
    client = house.client()
    assert got(client) == []
    assert house.relay.accounts.get("bank").outbox.backlog == 0  # type: ignore[union-attr]


def test_sessions_take_turns(house: House) -> None:
    sender, one, two = (house.client(kind=kind) for kind in (BindTransmitter, BindReceiver, BindReceiver))
    receipts(house, sender, 1, 2, 3, 4)
    assert (len(one.receipts), len(two.receipts)) == (2, 2)


@pytest.mark.parametrize("status", ["ESME_RX_P_APPN", "ESME_RX_R_APPN"])
def test_refused_for_good_is_a_dead_letter(house: House, status: str) -> None:
    client = house.client()
    client.answer = says(d2=int(CommandStatus[status]))
    told = receipts(house, client, 1, 2, 3)
    house.advance(1000, 100)
    assert got(client) == told
    assert [(row.kind, row.attempts) for row in house.outbox()] == [(Kind.DEAD, 1)]
    assert house.relay.accounts.get("bank").outbox.backlog == 0  # type: ignore[union-attr]


@pytest.mark.parametrize("status", ["ESME_RX_T_APPN", "ESME_RTHROTTLED", "ESME_RMSGQFUL", "ESME_RSYSERR"])
def test_later_means_backing_off_without_holding_up_the_rest(house: House, status: str) -> None:
    client = house.client()
    client.answer = says(d1=int(CommandStatus[status]))
    told = receipts(house, client, 1, 2, 3)
    assert got(client) == told
    house.advance(1.5)
    assert len(client.receipts) == 3
    house.advance(1)  # after 2 s
    assert got(client)[3:] == [told[0]]
    house.advance(3.5)
    assert len(client.receipts) == 4
    house.advance(1)  # 4 s after the second
    assert len(client.receipts) == 5
    assert [row.attempts for row in house.outbox()] == [3]
    client.answer = lambda pdu: 0
    house.advance(10)
    assert got(client)[5:] == [told[0]]
    assert house.outbox() == []


def test_attempts_survive_a_restart(house: House) -> None:
    client = house.client()
    client.answer = lambda pdu: CommandStatus.ESME_RX_T_APPN
    receipts(house, client, 1)
    house.advance(3)
    house.restart()
    assert [row.attempts for row in house.outbox()] == [2]


def test_an_odd_answer_is_tried_often_and_then_put_aside(house: House) -> None:
    client = house.client()
    client.answer = lambda pdu: CommandStatus.ESME_RINVDSTADR
    receipts(house, client, 1)
    house.advance(20 * 300, 50)
    assert len(client.receipts) == outbox.TRIES
    assert [row.kind for row in house.outbox()] == [Kind.DEAD]


def test_no_answer_is_given_again(house: House) -> None:
    client = house.client()
    client.answer = lambda pdu: None
    (told,) = receipts(house, client, 1)
    house.advance(59)
    assert got(client) == [told]
    client.answer = lambda pdu: 0
    house.advance(3)
    assert got(client) == [told, told]
    assert house.outbox() == []


def test_a_session_that_goes_leaves_its_own_to_the_next_in_order(house: House) -> None:
    client = house.client()
    client.answer = lambda pdu: None
    told = receipts(house, client, 1, 2, 3)
    client.cut()
    house.settle()
    another = house.client()
    assert got(another) == told


def test_a_session_that_unbinds_gets_nothing_more(house: House) -> None:
    sender = house.client(kind=BindTransmitter)
    receiver = house.client(kind=BindReceiver)
    receiver.session.unbind(house.reactor.seconds())
    house.settle()
    told = receipts(house, sender, 1)
    assert got(receiver) == []
    assert got(house.client()) == told


def test_the_window_of_a_session_holds(make_house: MakeHouse) -> None:
    house = make_house(generation(accounts={"bank": account(window=2)}))
    client = house.client()
    client.answer = lambda pdu: None
    told = receipts(house, client, 1, 2, 3, 4)
    assert got(client) == told[:2]


def test_address_ranges_are_respected(house: House) -> None:
    sender = house.client(kind=BindTransmitter)
    ours = house.client(kind=BindReceiver, address_range="^1069")
    other = house.client(kind=BindReceiver, address_range="2222")
    told = receipts(house, sender, 1, 2)
    assert got(ours) == told
    sender.submit(source_addr="333", destination_addr="8619912300009")
    house.receipt("3", source="8619912300009")
    assert got(other) == []
    assert len(house.outbox()) == 1
    assert len(got(house.client(kind=BindReceiver, address_range="3|4"))) == 1


def test_a_full_session_does_not_hold_up_those_for_another(make_house: MakeHouse) -> None:
    house = make_house(generation(accounts={"bank": account(window=1)}))
    sender = house.client(kind=BindTransmitter)
    stuck = house.client(kind=BindReceiver, address_range="1069")
    stuck.answer = lambda pdu: None
    other = house.client(kind=BindReceiver, address_range="222")
    receipts(house, sender, 1, 2)
    sender.submit(source_addr="222", destination_addr="8619912300009")
    house.receipt("3", source="8619912300009")
    assert len(stuck.receipts) == 1
    assert len(other.receipts) == 1


@pytest.fixture
def small(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Few rows in memory, small pages."""
    monkeypatch.setattr(outbox, "MEMORY", 4)
    monkeypatch.setattr(outbox, "PAGE", 2)
    return house


def test_more_than_the_memory_holds_is_paged_in_order(small: House) -> None:
    told = receipts(small, small.client(kind=BindTransmitter), *range(1, 16))
    bank = small.relay.accounts.get("bank")
    assert bank is not None
    assert len(bank.outbox._held) == 4
    receiver = small.client(kind=BindReceiver)
    assert got(receiver) == told
    assert small.outbox() == []
    assert bank.outbox.backlog == 0


def test_paging_and_dead_letters_after_a_restart(small: House) -> None:
    client = small.client()
    client.answer = lambda pdu: CommandStatus.ESME_RX_P_APPN
    receipts(small, client, *range(1, 6))
    client.cut()
    told = receipts(small, small.client(kind=BindTransmitter), *range(6, 16))
    small.restart()
    assert got(small.client()) == told
    assert [row.kind for row in small.outbox()] == [Kind.DEAD] * 5


@pytest.mark.parametrize("turn", range(10))
def test_new_rows_while_older_are_read(small: House, turn: int) -> None:
    sender = small.client(kind=BindTransmitter)
    told = receipts(small, sender, *range(1, 9))
    late = [sender.submit(destination_addr=f"86199123{n:05d}").message_id for n in (9, 10, 11)]
    receiver = Client(small)
    receiver.send(BindReceiver(system_id="bank", password="secret", interface_version=0x34))
    for _ in range(turn):
        small.step()
    for message_id in late:
        sender.send(CancelSm(message_id=message_id, source_addr=BANK))
    for number in (9, 10, 11):
        small.upstream().deliver(receipt(str(number), source=f"86199123{number:05d}"))
    small.settle()
    assert sorted(filter(None, got(receiver))) == sorted(told + late)
    assert small.outbox() == []


def test_what_a_failing_store_did_not_note_is_noted_later(house: House) -> None:
    client = house.client()
    client.answer = lambda pdu: None
    (told,) = receipts(house, client, 1)
    house.driver.broken = True
    client.cut()
    client = house.client()
    assert got(client) == [told]
    house.driver.broken = False
    house.advance(20)
    assert house.outbox() == []
    house.restart()
    assert got(house.client()) == []


def test_nobody_is_told_before_the_end_is_on_disk(house: House) -> None:
    client = house.client()
    client.submit()
    house.upstream().deliver(receipt("1"))
    house.wires()
    assert client.delivered == []
    house.restart()
    assert house.client().delivered == []
    assert not [pdu for pdu in client.heard if isinstance(pdu, DeliverSm)]


def test_an_account_that_comes_back_by_a_reload_has_what_waits_for_it(make_house: MakeHouse) -> None:
    both = generation(accounts={"bank": account(), "shop": account()})
    house = make_house(both)
    shop = house.client("shop")
    told = shop.submit(source_addr="10690002").message_id
    shop.cut()
    house.receipt("1")
    house.crash()
    house.settings = generation(accounts={"bank": account()})
    house.start()
    house.reload(both)
    back = house.client("shop")
    house.advance(1)
    assert [receipt.message_id for receipt in back.receipts] == [told]
    found = house.relay.accounts.get("shop")
    assert found is not None
    assert (found.outbox.backlog, house.outbox("shop")) == (0, [])
