"""Breakers in the whole relay: what trips them, what waits, what a person lets go, over restarts."""

from __future__ import annotations

import json
from typing import Any

from people_house import NOON, PeopleHouse, replying, words
from relay_house import HANDSET
from twisted.internet.defer import Deferred

from gateway.filters.breakers import BY_HAND, Subject
from gateway.filters.verdict import REASONS
from gateway.relay.batch import Batch
from gateway.store.calls import calls
from gateway.store.rows import State

OFFERS = Subject("shop", "offers")


def rule(**settings: Any) -> dict[str, Any]:
    usual = {"name": "opt-outs", "counts": "opt_outs", "above": 0.2, "messages": 4, "least": 2}
    return {**usual, **settings}


def numbers(count: int) -> list[str]:
    return [f"86199123400{n:02}" for n in range(10, 10 + count)]


def deliver(house: PeopleHouse, count: int, stat: str = "DELIVRD") -> None:
    """Offers to people who agreed, and their receipts."""
    for number in numbers(count):
        house.consent(number)
        row = house.offer(number, f"【商店】sale {number}")
        house.receipt(row.carrier_message_id or "", source=number, stat=stat)


def house_of(make_people: Any, **settings: Any) -> PeopleHouse:
    house: PeopleHouse = make_people(
        breakers=[rule(**settings)],
        webhooks={"crm": {"url": "http://127.0.0.1:1", "secret": "x" * 16, "events": ["breaker", "alarm"]}},
    )
    return house


def told(house: PeopleHouse) -> list[str]:
    """What the webhook is to be told."""
    rows = house.read(calls, "crm", False, 0, 100)
    return [event["type"] for row in rows for event in json.loads(row.body)["events"]]


def resume(house: PeopleHouse, subject: Subject = OFFERS, name: str = "opt-outs") -> None:
    batch = Batch()
    breaking = house.protection.breaking
    assert breaking.resume(name, subject, "operator", "looked into it", batch)
    house.relay.committer.commit(batch, must=True)
    Deferred.fromCoroutine(breaking.release())
    house.settle()


def test_too_many_opt_outs_stop_the_offers_until_a_person_resumes_them(make_people: Any) -> None:
    house = house_of(make_people)
    deliver(house, 6)
    for number in numbers(2):
        house.reply("退订", number)
    assert list(house.relay.alarms.open) == [("breaker", "opt-outs: account shop, program offers")]
    house.consent(HANDSET)
    waiting = house.offer(HANDSET, "【商店】one more")
    assert State(waiting.state) is State.DEFERRED
    assert words(waiting) == [("paused", "defer", "opt-outs")]
    assert "2 opt_outs of 6 messages" in waiting.decision
    assert State(house.code().state) is State.SENT
    house.advance(2)
    assert told(house) == ["breaker.tripped", "alarm.raised"]

    house.restart()
    assert list(house.relay.alarms.open) == [("breaker", "opt-outs: account shop, program offers")]
    house.consent("8619912340077")
    assert State(house.offer("8619912340077", "【商店】after the restart").state) is State.DEFERRED
    resume(house)
    assert State(next(row for row in house.rows() if row.id == waiting.id).state) is State.SENT
    assert State(house.rows()[-1].state) is State.SENT
    assert not house.relay.alarms.open
    assert "breaker.resumed" in told(house)
    house.restart()
    assert not house.protection.people.known.breakers.trips


def test_what_waits_for_its_carrier_is_stopped_too(make_people: Any) -> None:
    house = house_of(make_people)
    deliver(house, 6)
    house.consent(HANDSET)
    house.relay.dispatch.paused = True
    waiting = house.offer(HANDSET, "【商店】not yet gone")
    assert State(waiting.state) is State.WAITING
    for number in numbers(2):
        house.upstream().deliver(replying("退订", number))
    house.settle()
    house.relay.dispatch.paused = False
    house.relay.dispatch.pump()
    house.settle()
    assert State(next(row for row in house.rows() if row.id == waiting.id).state) is State.DEFERRED


def test_one_that_refuses_says_so(make_people: Any) -> None:
    house = house_of(make_people, then="refuse")
    deliver(house, 6)
    for number in numbers(2):
        house.reply("退订", number)
    house.consent(HANDSET)
    row = house.offer(HANDSET, "【商店】one more")
    assert (State(row.state), row.error) == (State.REJECTED, REASONS["paused"].err)


def test_what_waits_ends_with_its_validity(make_people: Any) -> None:
    house = house_of(make_people)
    deliver(house, 6)
    for number in numbers(2):
        house.reply("退订", number)
    house.consent(HANDSET)
    waiting = house.offer(HANDSET, "【商店】one more", validity_period="000000000100000R")
    assert (waiting.deadline or 0) == waiting.expires_at - 1000
    house.advance(62, step=2.0)
    ended = next(row for row in house.rows() if row.id == waiting.id)
    assert (State(ended.state), ended.error) == (State.REJECTED, REASONS["paused"].err)


def test_failures_of_a_carrier_stop_what_would_go_by_it(make_people: Any) -> None:
    house = house_of(make_people, name="failures", counts="failures", by=["carrier"])
    deliver(house, 5, stat="UNDELIV")
    assert list(house.relay.alarms.open) == [("breaker", "failures: carrier alpha")]
    house.consent(HANDSET)
    house.offer(HANDSET, "【商店】one more")
    house.advance(0.01)
    waiting = house.rows()[-1]
    assert State(waiting.state) is State.DEFERRED
    assert words(waiting) == [("paused", "defer", "failures")]
    assert State(house.code().state) is State.SENT
    resume(house, Subject(carrier="alpha"), "failures")
    assert State(next(row for row in house.rows() if row.id == waiting.id).state) is State.SENT


def test_complaints_count(make_people: Any) -> None:
    house = make_people(
        breakers=[rule(counts="complaints")],
        captures=[{"name": "complaint", "words": ["投诉"], "complaint": True}],
    )
    deliver(house, 6)
    for number in numbers(2):
        house.reply("我要投诉", number)
    assert house.protection.people.known.breakers.stops("shop", "offers") is not None


def test_a_person_stops_a_program_by_hand(make_people: Any) -> None:
    house = house_of(make_people)
    batch = Batch()
    house.protection.breaking.trip(OFFERS, False, "tripped by night desk", "night desk", batch)
    house.relay.committer.commit(batch, must=True)
    house.settle()
    house.restart()
    house.consent(HANDSET)
    assert State(house.offer(HANDSET).state) is State.DEFERRED
    resume(house, name=BY_HAND)
    assert State(house.rows()[-1].state) is State.SENT
    assert house.wall >= NOON
