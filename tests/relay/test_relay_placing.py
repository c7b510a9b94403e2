"""What ties a message to a carrier, and the order for each recipient."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from relay_house import HANDSET, House, MakeHouse, carrier, generation, receipt

from gateway.relay import dispatch
from gateway.smpp.constants import CommandStatus
from gateway.smpp.text import segment_text
from gateway.store.rows import State

TWO = {"alpha": carrier("alpha"), "beta": carrier("beta")}
LONG = "a long text that goes in parts " * 12
OTHER = "8619912340002"


def route(**settings: Any) -> list[dict[str, Any]]:
    return [{"name": "r", "carriers": ["alpha", "beta"], **settings}]


def names(house: House) -> list[str]:
    return [name for name, _ in house.submits]


def silent(house: House) -> None:
    house.answer = lambda name, pdu: None


def long_text(client: Any, reference: int, **fields: Any) -> None:
    for segment in segment_text(LONG, reference):
        client.submit(
            esm_class=0x40, data_coding=segment.data_coding, short_message=segment.short_message, **fields
        )


def test_the_parts_of_a_text_stay_on_one_carrier(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers=TWO, routes=route(choose="turn")))
    client = house.client()
    for reference in range(1, 5):
        long_text(client, reference)
    parts = len(segment_text(LONG, 1))
    assert parts == 3
    assert names(house) == ["alpha"] * 3 + ["beta"] * 3 + ["alpha"] * 3 + ["beta"] * 3


def test_they_wait_for_it_and_hold_up_nobody(make_house: MakeHouse) -> None:
    carriers = {"alpha": carrier("alpha", window=1), "beta": carrier("beta")}
    house = make_house(generation(carriers=carriers, routes=route()))
    silent(house)
    client = house.client()
    long_text(client, 1)
    client.submit()
    assert names(house) == ["alpha", "beta"]
    alpha = house.upstream("alpha")
    for number in range(3):
        alpha.respond(alpha.pending[0], 0, str(number))
        house.settle()
    assert names(house) == ["alpha", "beta", "alpha", "alpha"]


def test_what_is_left_of_a_text_goes_on_when_its_carrier_is_gone(make_house: MakeHouse) -> None:
    carriers = {"alpha": carrier("alpha", window=1), "beta": carrier("beta")}
    house = make_house(generation(carriers=carriers, routes=route()))
    silent(house)
    long_text(house.client(), 1)
    house.down.add("alpha")
    house.upstream("alpha").cut()
    house.settle()
    assert names(house) == ["alpha", "beta", "beta"]


def test_sticky_waits_for_its_carrier_and_survives_a_restart(make_house: MakeHouse) -> None:
    routes = route(choose="turn", sticky="recipient")
    house = make_house(generation(carriers=TWO, routes=routes))
    client = house.client()
    client.submit()
    first = names(house)[0]
    for _ in range(3):
        client.submit()
    house.restart()
    client = house.client()
    client.submit()
    assert names(house) == [first] * 5
    house.relay.dispatch.carriers[first].pause(5.0)
    client.submit()
    assert len(house.submits) == 5, "it is merely busy"
    house.advance(6)
    assert names(house) == [first] * 6
    house.down.add(first)
    house.upstream(first).cut()
    client.submit()
    assert names(house)[-1] != first


def test_ordered_by_recipient(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers=TWO, routes=route(choose="turn", ordered="recipient")))
    silent(house)
    client = house.client()
    for text in (b"one", b"two", b"three"):
        client.submit(short_message=text)
    client.submit(destination_addr=OTHER, short_message=b"other")
    assert [pdu.short_message for _, pdu in house.submits] == [b"one", b"other"]
    alpha = house.upstream("alpha")
    alpha.respond(alpha.pending[0], 0, "1")
    house.settle()
    house.advance(0.1)
    assert [pdu.short_message for _, pdu in house.submits] == [b"one", b"other", b"two"]
    house.answer = house.accept
    for name in TWO:
        for pdu in list(house.upstream(name).pending):
            house.upstream(name).respond(pdu, 0, f"{name}{pdu.sequence_number}")
    house.advance(0.1)
    assert [pdu.short_message for _, pdu in house.submits][3:] == [b"three"]
    assert house.states() == [State.SENT] * 4


def test_the_order_holds_while_one_is_tried_again(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers=TWO, routes=route(ordered="recipient")))
    first = [(CommandStatus.ESME_RSYSERR, "")]
    house.answer = lambda name, pdu: first.pop() if first else house.accept(name, pdu)
    client = house.client()
    for text in (b"one", b"two"):
        client.submit(short_message=text)
    assert len(house.submits) == 1
    house.advance(11)
    assert [pdu.short_message for _, pdu in house.submits] == [b"one", b"one", b"two"]


def test_one_that_ends_lets_the_next_go(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers=TWO, routes=route(ordered="recipient")))
    house.answer = lambda name, pdu: (CommandStatus.ESME_RINVDSTADR, "")
    client = house.client()
    for text in (b"one", b"two", b"three"):
        client.submit(short_message=text)
        house.advance(0.1)
    assert house.states() == [State.REJECTED] * 3
    assert house.relay.dispatch.ordering.count == 0


def test_unanswered_it_goes_by_the_same_carrier_alone(make_house: MakeHouse) -> None:
    both = {"alpha": carrier("alpha", unanswered="resend"), "beta": carrier("beta")}
    house = make_house(generation(carriers=both))
    silent(house)
    client = house.client()
    client.submit()
    house.down.add("alpha")
    house.upstream("alpha").cut()
    house.settle()
    house.advance(10)
    assert names(house) == ["alpha"]
    assert house.states() == [State.WAITING]
    house.restart()
    house.advance(10)
    assert names(house) == ["alpha"], "also after a restart"
    house.down.clear()
    house.answer = house.accept
    house.advance(60)
    assert names(house) == ["alpha", "alpha"]
    steps = json.loads(house.row().trail)
    assert (steps[0]["only"], steps[0]["after"]) == ("alpha", "no answer")


@pytest.mark.parametrize(("next", "expected"), [("any", "alpha"), ("other", "beta"), ("same", "alpha")])
def test_by_which_carrier_it_is_tried_again(make_house: MakeHouse, next: str, expected: str) -> None:
    statuses = {"ESME_RSYSERR": {"tries": 3, "delay": "1s", "next": next}}
    both = {"alpha": carrier("alpha", retry={"statuses": statuses}), "beta": carrier("beta")}
    house = make_house(generation(carriers=both))
    first = [(CommandStatus.ESME_RSYSERR, "")]
    house.answer = lambda name, pdu: first.pop() if first else house.accept(name, pdu)
    house.client().submit()
    if next == "same":
        house.down.add("alpha")
        house.upstream("alpha").cut()
        house.advance(5)
        assert names(house) == ["alpha"]
        house.down.clear()
    house.advance(30)
    assert names(house) == ["alpha", expected]
    if next == "other":
        assert json.loads(house.row().trail)[1]["passed"] == {"alpha": "refused it before"}


def test_quality_is_learnt_from_what_becomes_of_messages(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers=TWO, routes=route(choose="quality")))
    placing = house.relay.dispatch.placing
    placing.view = replace(placing.view, chance=lambda: 0.9)
    client = house.client()
    client.submit()
    assert names(house) == ["alpha"]
    house.upstream("alpha").deliver(receipt("1", stat="UNDELIV"))
    house.settle()
    assert house.states() == [State.UNDELIVERABLE]
    client.submit()
    assert names(house) == ["alpha", "beta"]
    scores = house.relay.dispatch.placing.quality.items()
    assert [(name, country) for name, country, _ in scores] == [("alpha", "CN")]
    assert HANDSET.startswith("86")


def test_a_new_generation_places_a_backlog_in_slices(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers=TWO, routes=route()))
    house.down.update(TWO)
    for name in TWO:
        house.upstream(name).cut()
    client = house.client()
    before, dispatch.SLICE = dispatch.SLICE, 2
    try:
        texts = [f"text {at}".encode() for at in range(7)]
        for text in texts[:6]:
            client.submit(short_message=text)
        house.relay.adopt(generation(carriers=TWO, routes=route(name="s"), number=2), {})
        assert house.relay.dispatch.lanes.count == 2
        assert house.relay.dispatch.waiting == 6
        client.submit(short_message=texts[6])
        house.down.clear()
        house.advance(10)
        assert [pdu.short_message for _, pdu in house.submits] == texts
    finally:
        dispatch.SLICE = before
