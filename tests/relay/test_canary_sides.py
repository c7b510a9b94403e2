"""A canary decides for its share alone: each person on one side and counted there; it is undone again."""

from __future__ import annotations

import json
from typing import Any

from relay_house import START, House, MakeHouse, carrier, generation
from twisted.internet.defer import Deferred

from gateway.canaries import Canaries
from gateway.filters.chain import Chain, Mode
from gateway.filters.verdict import REASONS, Action, Verdict
from gateway.message import Message
from gateway.relay.canary import Canary
from gateway.routing.router import Router
from gateway.smpp.text import segment_text
from gateway.store.rows import State

NUMBERS = [f"8619912340{n:03}" for n in range(60)]
CARRIERS = {"alpha": carrier("alpha"), "beta": carrier("beta")}
BEFORE = [{"name": "default", "carriers": ["alpha"]}]


class Refusing:
    """Refuses a word."""

    name = "words"

    def judge(self, message: Message, now: float) -> Verdict | None:
        if "lottery" not in (message.text or ""):
            return None
        return Verdict(Action.REFUSE, self.name, "lottery", reason=REASONS["content_blocked"])


def make(make_house: MakeHouse, **settings: Any) -> tuple[House, Canaries, Canary]:
    """A house with two carriers, and a canary for half of the people that routes to the other of them."""
    house = make_house(generation(carriers=CARRIERS, routes=BEFORE))
    candidate = generation(carriers=CARRIERS, routes=[{"name": "default", "carriers": ["beta"]}], number=7)
    router = Router.of(candidate)
    router.put_aside("generation 7")
    usual: dict[str, Any] = {"share": 0.5, "accounts": frozenset(), "since": int(START * 1000), "by": "Ann"}
    canary = Canary(candidate, {}, router, **(usual | settings))
    canary.chain_of = lambda account, category: Chain(((Refusing(), Mode.ENFORCE),))
    nothing: Any = None
    canaries = Canaries(house.relay, nothing, dict, nothing)
    canaries.take_up(canary)
    return house, canaries, canary


def send_all(house: House, text: bytes = b"hello", to: list[str] = NUMBERS) -> dict[str, str]:
    """Send to each number; by which carrier each went."""
    client, before = house.client(), len(house.submits)
    for number in to:
        client.submit(destination_addr=number, short_message=text)
    return {pdu.destination_addr: name for name, pdu in house.submits[before:]}


def test_each_person_stays_on_one_side_and_its_record_names_the_generation(make_house: MakeHouse) -> None:
    house, _, canary = make(make_house)
    sides = send_all(house)
    assert 15 <= list(sides.values()).count("beta") <= 45
    assert send_all(house) == sides
    for row in house.rows():
        number = 7 if sides[row.destination] == "beta" else 1
        assert json.loads(row.decision)["generation"] == row.generation == number
        assert json.loads(row.trail)[0]["generation"] == number
    assert canary.own.accepted == 2 * list(sides.values()).count("beta")
    assert canary.own.accepted + canary.rest.accepted == 120


def test_the_parts_of_a_long_text_are_on_one_side(make_house: MakeHouse) -> None:
    house, _, _ = make(make_house)
    client = house.client()
    for reference, number in enumerate(NUMBERS[:8]):
        for part in segment_text("a long text " * 30, reference):
            client.submit(destination_addr=number, esm_class=0x40, short_message=part.short_message)
    by_number: dict[str, set[str]] = {}
    for name, pdu in house.submits:
        by_number.setdefault(pdu.destination_addr, set()).add(name)
    assert len(by_number) == 8
    assert all(len(names) == 1 for names in by_number.values())


def test_only_its_filters_refuse_on_its_side(make_house: MakeHouse) -> None:
    house, _, canary = make(make_house)
    passed = send_all(house, b"a lottery")
    assert set(passed.values()) == {"alpha"}
    assert canary.own.refused == {"content_blocked": 60 - len(passed)}
    assert canary.rest.refused == {}
    assert {row.error for row in house.rows() if row.destination not in passed} == {911}


def test_an_account_that_it_leaves_alone(make_house: MakeHouse) -> None:
    house, _, canary = make(make_house, accounts=frozenset({"other"}))
    assert set(send_all(house).values()) == {"alpha"}
    assert (canary.own.accepted, canary.rest.accepted) == (0, 0)


def test_what_waits_goes_by_the_generation_in_force_when_it_is_withdrawn(make_house: MakeHouse) -> None:
    house, canaries, _ = make(make_house)
    house.down.add("beta")
    house.upstream("beta").cut()
    house.settle()
    sent = send_all(house)
    waiting = [row for row in house.rows() if row.state == State.WAITING]
    assert len(waiting) == 60 - len(sent) > 0
    Deferred.fromCoroutine(canaries.withdraw("Ann"))
    house.settle()
    assert {pdu.destination_addr for _, pdu in house.submits} == set(NUMBERS)
    assert set(send_all(house, b"a lottery").values()) == {"alpha"}
    steps = [json.loads(row.trail)[-1]["generation"] for row in house.rows()]
    assert set(steps) == {1}
    assert canaries.canary is None


def test_it_withdraws_itself_when_too_much_is_lost(make_house: MakeHouse) -> None:
    house, canaries, canary = make(make_house, worse=0.2, least=10)
    client = house.client()
    for number in NUMBERS:
        client.submit(destination_addr=number, short_message=b"a lottery")
        if house.submits and house.submits[-1][1].destination_addr == number:
            house.receipt(str(house.accepted), house.submits[-1][1])
        if canaries.canary is None:
            break
    assert canaries.canary is None
    assert min(canary.own.settled, canary.rest.settled) == 10
    assert canaries.last is not None
    assert "100.0% were not delivered on its side" in canaries.last["why"]
    assert [key for key in house.relay.alarms.open if "canary_withdrawn" in str(key)]
