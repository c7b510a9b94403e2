"""query_sm before a message without receipt is given up: what the carrier answers, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from relay_house import BANK, House, MakeHouse, carrier, generation

from gateway.relay.inquiring import written
from gateway.settings.carriers import Query
from gateway.smpp.constants import CommandStatus, MessageState, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import QuerySm, QuerySmResp
from gateway.smpp.receipts import canonical_id
from gateway.store.rows import State

SETTINGS = {"receipt_timeout": "1m", "no_receipt": "query"}
QUERY = {"every": "20s", "tries": 3, "then": "undeliverable", "rate": 1000.0}


def house_of(make_house: MakeHouse, query: dict[str, Any] | None = None, **settings: Any) -> House:
    asked = QUERY | (query or {})
    return make_house(generation(carriers={"alpha": carrier(**SETTINGS, query=asked, **settings)}))


def says(state: MessageState | int, **fields: Any) -> Any:
    """An answer about whatever was asked."""
    return lambda pdu: QuerySmResp(message_id=pdu.message_id, message_state=int(state), **fields)


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        (MessageState.DELIVERED, State.DELIVERED),
        (MessageState.EXPIRED, State.EXPIRED),
        (MessageState.DELETED, State.DELETED),
        (MessageState.UNDELIVERABLE, State.UNDELIVERABLE),
        (MessageState.UNKNOWN, State.UNKNOWN),
        (MessageState.REJECTED, State.REJECTED),
    ],
)
def test_a_final_state_ends_it_as_a_receipt_would(
    make_house: MakeHouse, state: MessageState, ends: State
) -> None:
    house = house_of(make_house)
    house.tell = says(state, error_code=5)
    client = house.client()
    client.submit()
    house.advance(59)
    assert house.asked == []
    house.advance(3)
    ((told,), (row,)) = house.asked, house.rows()
    assert (told.message_id, told.source_addr) == ("1", BANK)
    assert State(row.state) is ends
    assert row.error == 5
    assert len(client.receipts) == 1
    house.receipt("1")
    assert (house.states(), len(client.receipts)) == ([ends], 1)


@pytest.mark.parametrize("state", [MessageState.ENROUTE, MessageState.ACCEPTED, MessageState.SCHEDULED])
def test_one_that_is_under_way_is_asked_about_again_and_then_given_up(
    make_house: MakeHouse, state: MessageState
) -> None:
    house = house_of(make_house)
    house.tell = says(state)
    client = house.client()
    client.submit()
    house.advance(62)
    assert (house.states(), len(house.asked)) == ([State.SENT], 1)
    house.advance(57)
    assert (house.states(), len(house.asked)) == ([State.SENT], 3)
    house.advance(4)
    assert (house.states(), len(house.asked)) == ([State.UNDELIVERABLE], 3)
    assert len(client.receipts) == 1


@pytest.mark.parametrize(
    ("tell", "counted"),
    [
        (lambda pdu: None, "unanswered"),
        (lambda pdu: QuerySmResp(command_status=CommandStatus.ESME_RQUERYFAIL), "refused"),
        (lambda pdu: QuerySmResp(message_id="77", message_state=2), "of_another"),
        (lambda pdu: QuerySmResp(message_id=pdu.message_id, message_state=99), "under_way"),
    ],
)
def test_what_says_nothing_ends_nothing(make_house: MakeHouse, tell: Any, counted: str) -> None:
    """Least of all as delivered; a receipt that comes late still does."""
    house = house_of(make_house, response="5s")
    house.tell = tell
    client = house.client()
    for _ in range(2):
        client.submit()
    house.advance(90)
    assert house.states() == [State.SENT] * 2
    assert house.relay.traffic.inquiring.counts["alpha", counted] >= 2
    house.receipt("1")
    assert house.states() == [State.DELIVERED, State.SENT]
    house.advance(33)
    assert house.states() == [State.DELIVERED, State.UNDELIVERABLE]


def test_a_late_answer_still_counts(make_house: MakeHouse) -> None:
    house = house_of(make_house)
    house.client().submit()
    house.advance(62)
    (pdu,) = house.asked
    upstream = house.upstream()
    upstream.session.respond(QuerySmResp(pdu.sequence_number, 0, "1", "", MessageState.DELIVERED, 0))
    house.settle()
    assert house.states() == [State.DELIVERED]


def test_over_a_restart_it_is_asked_neither_too_often_nor_for_ever(make_house: MakeHouse) -> None:
    house = house_of(make_house)
    house.client().submit()
    house.advance(62)
    house.restart()
    house.advance(5)
    assert len(house.asked) == 1, "the next question is not due yet"
    house.advance(20)
    assert len(house.asked) == 2
    house.crash()
    house.reactor.rightNow += 600
    house.wall += 600
    house.start()
    house.client()
    house.advance(3)
    assert (house.states(), len(house.asked)) == ([State.UNDELIVERABLE], 2)


def test_with_the_carrier_down_it_is_put_off(make_house: MakeHouse) -> None:
    house = house_of(make_house, reconnect={"initial": "1s", "maximum": "2s"})
    house.client().submit()
    house.down.add("alpha")
    house.upstream().cut()
    house.advance(70)
    assert (house.states(), house.asked) == ([State.SENT], [])
    house.tell = says(MessageState.DELIVERED)
    house.down.clear()
    house.advance(20)
    assert house.states() == [State.DELIVERED]
    assert house.relay.traffic.inquiring.counts["alpha", "put_off"] >= 1


def test_questions_keep_their_rate(make_house: MakeHouse) -> None:
    house = house_of(make_house, {"rate": 2.0, "every": "10m"})
    house.tell = says(MessageState.DELIVERED)
    client = house.client()
    for _ in range(10):
        client.submit()
    house.advance(59)
    house.advance(3, 0.5)
    assert 3 <= len(house.asked) <= 6
    house.advance(5, 0.5)
    assert house.states() == [State.DELIVERED] * 10


def test_an_id_in_hexadecimal_and_a_rewritten_source(make_house: MakeHouse) -> None:
    house = house_of(
        make_house,
        {"id": "HEX", "width": 8},
        ids={"response": "hex"},
        rewrite={"source": {"pools": {"": ["12345"]}}},
    )
    house.answer = lambda name, pdu: (0, "0000BEEF")
    house.tell = says(MessageState.DELIVERED)
    house.client().submit()
    house.advance(62)
    ((told,), sent) = house.asked, house.submits[0][1]
    assert told.message_id == "0000BEEF"
    assert told.source_addr == sent.source_addr == "12345"
    assert house.states() == [State.DELIVERED]


def test_of_a_message_in_segments_each_that_is_open_is_asked_about(make_house: MakeHouse) -> None:
    house = house_of(make_house, tlvs=False)
    client = house.client()
    text = b"a long text that does not fit " * 12
    client.submit(short_message=b"", tlvs=(Tlv(Tag.message_payload, text),))
    count = len(house.submits)
    assert count == 3
    house.receipt("2")
    house.tell = says(MessageState.DELIVERED)
    house.advance(65)
    assert sorted(pdu.message_id for pdu in house.asked) == ["1", "3"]
    assert house.states() == [State.DELIVERED]
    assert len(client.receipts) == 1


@given(st.integers(0, 2**63), st.sampled_from(["hex", "HEX"]), st.integers(0, 32))
def test_an_id_as_it_is_written_means_the_same(number: int, form: Any, width: int) -> None:
    asked = written(str(number), Query(id=form, width=width))
    assert canonical_id(asked, "hex") == str(number)


def test_an_id_that_is_no_number_stays_as_it_is() -> None:
    assert written("abc-1", Query(id="hex")) == "abc-1"
    assert QuerySm(message_id="x").message_id == "x"
