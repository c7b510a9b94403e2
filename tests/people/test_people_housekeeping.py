"""What has ended leaves the memory by itself, a little at a time, and nothing that counts does."""

from __future__ import annotations

from people_house import HANDSET, PeopleHouse

from gateway.filters.numbersets import Span
from gateway.filters.suppression import ListKey, ListType, Scope
from gateway.relay.housekeeping import BREATH, INTERVAL
from gateway.store.rows import State

ORDERS = ListKey(ListType.LEGAL_ORDER, Scope(), "orders")
WEEK = 7 * 86_400.0
LATER = "8619912340002"


def hour(people: PeopleHouse) -> None:
    """An hour passes, and the housekeeping is done."""
    people.advance(INTERVAL, step=INTERVAL)
    people.advance(120, step=BREATH)


def counted(people: PeopleHouse) -> int:
    return sum(len(counter) for counter in people.protection.people.known.counters())


def test_counts_are_forgotten_when_no_limit_looks_at_them_and_not_before(people: PeopleHouse) -> None:
    people.consent()
    assert people.offer().state == State.SENT
    before = counted(people)
    assert before
    hour(people)
    assert 0 < counted(people) <= before
    people.wall += 31 * 86_400
    hour(people)
    assert counted(people) == 0
    assert people.protection.housekeeping.counts["counts"] == before


def test_entries_that_have_ended_are_forgotten_and_new_ones_are_not_lost(people: PeopleHouse) -> None:
    known = people.protection.people.known.suppressions
    now = int(people.wall)
    known.add(ORDERS, HANDSET, Span(None, now + 60))
    known.add(ORDERS, "86170*", Span(None, now + 60))
    people.advance(INTERVAL - 1, step=INTERVAL - 1)
    steps = known.tidy(people.wall)
    next(steps)
    known.add(ORDERS, LATER)  # while it is being tidied
    assert sum(steps) == 0
    assert known.find(LATER, "Shop", "offers", "promotional", people.wall) is not None
    hour(people)
    assert len(known.lists[ORDERS]) == 1
    assert known.find(LATER, "Shop", "offers", "promotional", people.wall) is not None
