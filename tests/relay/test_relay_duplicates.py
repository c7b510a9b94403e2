"""What comes twice within an account's window: one message, one id, also over sessions and restarts."""

from __future__ import annotations

import json
from typing import Any

from relay_house import House, MakeHouse, account, generation, submit

from gateway.message import Message
from gateway.relay.batch import Batch
from gateway.relay.duplicates import Duplicates, key_of
from gateway.settings.quotas import Duplicates as Settings
from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import DataSm
from gateway.store.rows import State

LONG = [b"\x05\x00\x03\x2a\x02" + bytes((number,)) + b"half" for number in (1, 2)]


def house_of(make_house: MakeHouse, within: float = 60.0, **settings: Any) -> House:
    found: House = make_house(
        generation(accounts={"bank": account(duplicates={"within": f"{within}s"}, **settings)})
    )
    return found


def test_the_second_has_the_answer_of_the_first_and_is_not_sent(make_house: MakeHouse) -> None:
    house = house_of(make_house)
    one, other = house.client(), house.client()
    first = one.submit()
    assert other.submit().message_id == first.message_id
    assert one.submit(short_message=b"hello?").message_id != first.message_id
    assert one.submit(destination_addr="8619912340002").message_id != first.message_id
    assert one.submit(source_addr="10690009").message_id != first.message_id
    assert len(house.submits) == 4
    counts = next(iter(house.relay.accounts)).counts
    assert (counts["duplicate"], counts["accepted"]) == (1, 4)


def test_both_in_one_read_and_while_the_first_is_on_its_way_to_the_disk(make_house: MakeHouse) -> None:
    house = house_of(make_house)
    one, other = house.client(), house.client()
    numbers = [one.send(submit()), one.send(submit())]
    house.wires()
    later = other.send(submit())
    house.wires()
    assert not any(number in one.answers for number in numbers)
    assert later not in other.answers
    house.settle()
    told = {one.answers[number].message_id for number in numbers} | {other.answers[later].message_id}  # type: ignore[attr-defined]
    assert len(told) == 1
    assert house.states() == [State.SENT]


def test_if_the_first_is_not_stored_neither_is_told(make_house: MakeHouse) -> None:
    house = house_of(make_house)
    client = house.client()
    house.driver.broken = True
    numbers = [client.send(submit()), client.send(submit())]
    house.settle()
    refused = {client.answers[number].command_status for number in numbers}  # type: ignore[attr-defined]
    assert refused == {CommandStatus.ESME_RTHROTTLED}
    house.driver.broken = False
    house.advance(3)
    assert client.submit().command_status == 0
    assert len(house.submits) == 1


def test_over_a_restart_and_until_the_window_is_over(make_house: MakeHouse) -> None:
    house = house_of(make_house, within=60)
    first = house.client().submit()
    house.restart()
    house.advance(30)
    assert house.client().submit().message_id == first.message_id
    house.advance(31)
    assert house.client().submit().message_id != first.message_id
    assert len(house.submits) == 2


def test_segments_that_come_again_are_the_same_text(make_house: MakeHouse) -> None:
    house = house_of(make_house)
    client = house.client()
    for _ in range(2):
        for part in LONG:
            client.ask(submit(esm_class=0x40, short_message=part))
    assert len(house.submits) == 2
    other = [part.replace(b"\x2a", b"\x2b") for part in LONG]
    for part in other:
        client.ask(submit(esm_class=0x40, short_message=part))
    assert len(house.submits) == 4


def test_what_was_refused_in_the_response_may_come_again(make_house: MakeHouse) -> None:
    house = house_of(make_house, refusals="response", quota={"messages_per_day": 1})
    client = house.client()
    client.submit(short_message=b"first")
    assert client.submit().command_status == CommandStatus.ESME_RSUBMITFAIL
    assert client.submit().command_status == CommandStatus.ESME_RSUBMITFAIL
    assert client.submit(short_message=b"first").command_status == 0


def test_what_was_refused_by_receipt_may_come_again(make_house: MakeHouse) -> None:
    house = house_of(make_house, balance={"currency": "EUR", "price": 1})
    client = house.client()
    refused = client.submit().message_id
    house.restart()
    client = house.client()
    spending = house.relay.spending
    spending.top_up(next(iter(house.relay.accounts)), 5_000_000, Batch())
    sent = client.submit().message_id
    assert sent != refused
    assert client.submit().message_id == sent
    assert house.states() == [State.REJECTED, State.SENT]


def test_memory_is_bounded() -> None:
    window = Duplicates(Settings.model_validate({"within": "10s", "most": 3}))
    for number in range(10):
        window.put(bytes((number,)), str(number), 100.0)
    assert len(window) == 3
    window.put(b"late", "11", 200.0)
    assert len(window) == 1


def test_off_remembers_nothing(make_house: MakeHouse) -> None:
    house = make_house(generation(accounts={"bank": account()}))
    client = house.client()
    assert client.submit().message_id != client.submit().message_id
    assert next(iter(house.relay.accounts)).duplicates is None


def test_data_sm_is_known_again(make_house: MakeHouse) -> None:
    house = house_of(make_house)
    client = house.client()
    pdu = DataSm(source_addr="10690001", destination_addr="8619912340001")
    assert client.ask(pdu).message_id == client.ask(pdu).message_id


def test_a_plus_is_no_difference() -> None:
    def message(to: str) -> Message:
        return Message(1, "bank", "Bank", "1", 0, submit(destination_addr=to), "otp", 1, 0)

    assert key_of(message("+8619912340001")) == key_of(message("8619912340001"))


def test_a_window_in_shadow_sends_what_comes_twice_and_says_so(make_house: MakeHouse) -> None:
    house = make_house(generation(accounts={"bank": account(duplicates={"within": "60s", "mode": "shadow"})}))
    client = house.client()
    ids = {client.submit().message_id for _ in range(3)}
    assert len(ids) == len(house.submits) == 3
    words = [json.loads(row.decision).get("words", []) for row in house.rows()]
    said = {"filter": "gateway", "mode": "shadow", "action": "refuse", "rule": "duplicates", "place": ""}
    assert [word and word[0].items() >= said.items() for word in words] == [[], True, True]
    assert house.relay.judging.counts["bank", "gateway", "shadow", "refuse"] == 2
    assert next(iter(house.relay.accounts)).counts["duplicate"] == 0
    for _ in range(2):  # segments of a long text are counted: the record is of the whole
        for half in LONG:
            client.send(submit(short_message=half, esm_class=0x40))
    house.settle()
    assert house.relay.judging.counts["bank", "gateway", "shadow", "refuse"] == 4
    assert house.states() == [State.SENT] * 7
