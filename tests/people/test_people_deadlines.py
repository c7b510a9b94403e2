"""Deadlines of tiers: what is not with its carrier in time raises one alarm, which ends."""

from __future__ import annotations

from typing import Any

from people_house import PeopleHouse, shanghai
from relay_house import HANDSET

from gateway.store.rows import State

TENANTS = {
    "Shop": {"program": "offers", "programs": {"offers": {"tier": 2}}},
    "Bank": {"program": "codes", "programs": {"codes": {"tier": 1}}},
}
LATE = ("tier_deadline", "tier 1, account bank, program codes")


def cut(house: PeopleHouse) -> None:
    house.down.add("alpha")
    house.upstream().cut()


def test_codes_that_find_no_carrier_raise_one_alarm_that_ends_when_they_have_gone(make_people: Any) -> None:
    house = make_people(tenants=TENANTS)
    house.code("8619912340001")
    cut(house)
    for number in range(3):
        house.code(f"86199123400{number + 10}")
    house.advance(14 * 60, step=20.0)
    assert LATE not in house.relay.alarms.open
    house.advance(140, step=20.0)
    assert "3 were not with their carrier in time" in house.relay.alarms.open[LATE].text
    house.down.clear()
    house.advance(200, step=20.0)
    assert {row.state for row in house.rows()} <= {State.SENT, State.DELIVERED}
    assert LATE not in house.relay.alarms.open


def test_what_waits_is_found_again_after_a_restart(make_people: Any) -> None:
    house = make_people(tenants=TENANTS)
    cut(house)
    house.code()
    house.restart()
    house.advance(17 * 60, step=20.0)
    assert LATE in house.relay.alarms.open


def test_a_schedule_moves_the_deadline(make_people: Any) -> None:
    house = make_people(tenants=TENANTS)
    house.code(schedule_delivery_time="000000010000000R")
    house.advance(55 * 60, step=30.0)
    cut(house)
    house.advance(18 * 60, step=30.0)
    assert house.rows()[0].state == State.WAITING
    assert LATE not in house.relay.alarms.open
    house.advance(4 * 60, step=30.0)
    assert LATE in house.relay.alarms.open


def test_what_waits_for_the_morning_is_late_too(make_people: Any) -> None:
    house = make_people(tenants=TENANTS)
    house.wall = shanghai("2026-11-20 22:00")
    house.consent(HANDSET)
    assert State(house.offer().state) is State.DEFERRED
    house.advance(118 * 60, step=60.0)
    assert not house.relay.alarms.open
    house.advance(4 * 60, step=60.0)
    assert list(house.relay.alarms.open) == [("tier_deadline", "tier 2, account shop, program offers")]


def test_where_nothing_has_a_tier_nothing_is_read(make_people: Any) -> None:
    house = make_people()
    cut(house)
    house.code()
    house.advance(20 * 60, step=30.0)
    assert not [kind for kind, _ in house.relay.alarms.open if kind == "tier_deadline"]
    assert house.relay.lookout.deadlines._after == {1: 0, 2: 0, 3: 0}
