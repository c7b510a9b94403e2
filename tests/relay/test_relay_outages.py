"""Carriers that fail: passed over, probed by one message at a time, and preferred again soon after."""

from __future__ import annotations

import json
from typing import Any

from relay_house import House, MakeHouse, carrier, generation

from gateway.smpp.constants import CommandStatus
from gateway.store.rows import State

TWO = {"alpha": carrier("alpha"), "beta": carrier("beta")}
NO = CommandStatus.ESME_RSYSERR


def names(house: House) -> list[str]:
    return [name for name, _ in house.submits]


def trail(house: House, at: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(house.rows()[at].trail)
    return found


def alpha_fails(house: House) -> None:
    house.answer = lambda name, pdu: (NO, "") if name == "alpha" else house.accept(name, pdu)


def test_one_that_fails_is_out_and_comes_back_by_itself(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers=TWO))
    alpha_fails(house)
    client = house.client()
    for _ in range(8):
        client.submit()
    assert names(house)[:5] == ["alpha"] * 5
    assert "alpha" not in names(house)[5:], "after five failures it is out"
    assert house.states()[5:] == [State.SENT] * 3
    assert trail(house, 7)[0]["passed"] == {"alpha": "out since 2026-09-21T14:13:20Z"}
    house.answer = house.accept
    house.advance(1.1)
    for _ in range(6):
        client.submit()
    assert names(house)[-6:] == ["alpha"] * 6
    house.advance(12)
    assert house.states() == [State.SENT] * 14


def test_probed_by_one_message_at_a_time(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers=TWO))
    alpha_fails(house)
    client = house.client()
    for _ in range(5):
        client.submit()
    house.answer = lambda name, pdu: None
    house.advance(1.1)
    before = len(house.submits)
    for _ in range(4):
        client.submit()
    assert names(house)[before:] == ["alpha", "beta", "beta", "beta"]
    assert trail(house, 6)[0]["passed"] == {"alpha": "probing"}
    upstream = house.upstream("alpha")
    upstream.respond(upstream.pending[0], NO)
    house.settle()
    client.submit()
    assert names(house)[-1] == "beta", "the probe failed: it is out for longer"


def test_the_only_carrier_is_probed_by_what_waits(house: House) -> None:
    house.answer = lambda name, pdu: (NO, "")
    client = house.client()
    for _ in range(30):
        client.submit()
    assert len(house.submits) == 5, "what it would only refuse is kept"
    assert house.states().count(State.WAITING) == 30
    house.answer = house.accept
    house.advance(30)
    assert house.states() == [State.SENT] * 30


def test_a_lost_line_in_full_flow(make_house: MakeHouse) -> None:
    both = {"alpha": carrier("alpha", unanswered="elsewhere"), "beta": carrier("beta")}
    house = make_house(generation(carriers=both))
    house.answer = lambda name, pdu: None if name == "alpha" else house.accept(name, pdu)
    client = house.client()
    for _ in range(6):
        client.submit()
    house.upstream("alpha").cut()
    house.settle()
    assert house.states() == [State.SENT] * 6, "all went by the other"
    house.answer = house.accept
    house.advance(3)
    client.submit()
    client.submit()
    assert names(house)[-2:] == ["alpha"] * 2


def test_a_slot_given_back_ends_the_probe(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers=TWO))
    alpha_fails(house)
    client = house.client()
    for _ in range(5):
        client.submit()
    house.advance(1.1)
    house.answer = house.accept
    house.driver.broken = True
    client.submit()
    house.driver.broken = False
    house.advance(1)
    client.submit()
    assert names(house)[-1] == "alpha"
