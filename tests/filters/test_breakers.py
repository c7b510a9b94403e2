"""Breakers: minimum counts, windows that slide, trips that stay until they are resumed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.breakers import SLICES, Breakers, Subject
from gateway.settings.models import Breaker

SHOP = Subject("shop", "offers", "alpha")
NOW = 1_790_000_000.0


def breaker(**settings: Any) -> Breaker:
    usual = {"name": "stops", "counts": "opt_outs", "above": 0.1, "messages": 10, "least": 2, "window": 600}
    return Breaker.model_validate({**usual, **settings})


def breakers(**settings: Any) -> Breakers:
    made = Breakers()
    made.configure((breaker(**settings),))
    return made


def test_one_of_two_does_not_trip() -> None:
    made = breakers()
    for _ in range(2):
        made.ended(SHOP, False, NOW)
    assert made.counted("opt_outs", SHOP, NOW) == []
    assert made.counted("opt_outs", SHOP, NOW) == []
    assert made.stops("shop", "offers") is None


def test_above_the_share_it_trips_once_and_stops_its_program_alone() -> None:
    made = breakers()
    for _ in range(20):
        made.ended(SHOP, False, NOW)
    assert made.counted("opt_outs", SHOP, NOW) == []
    assert made.counted("complaints", SHOP, NOW) == []
    assert made.counted("opt_outs", SHOP, NOW) == []
    (trip,) = made.counted("opt_outs", SHOP, NOW)
    assert (trip.subject, trip.why) == (Subject("shop", "offers"), "3 opt_outs of 20 messages, above 0.1")
    assert made.counted("opt_outs", SHOP, NOW) == []
    assert made.stops("shop", "offers") == trip
    assert made.stops("shop", "news") is None
    assert made.stops("bank", "offers") is None
    assert made.resume("stops", Subject("shop", "offers")) == trip
    assert made.resume("stops", Subject("shop", "offers")) is None
    assert made.stops("shop", "offers") is None
    assert made.counted("opt_outs", SHOP, NOW) == []


@pytest.mark.parametrize(
    ("by", "stopped", "free"),
    [
        (["account"], ("shop", "news", ""), ("bank", "offers", "")),
        (["program"], ("bank", "offers", ""), ("shop", "news", "")),
        (["carrier"], ("bank", "news", "alpha"), ("shop", "offers", "beta")),
        (["program", "carrier"], ("bank", "offers", "alpha"), ("shop", "news", "alpha")),
    ],
)
def test_what_is_watched_is_what_is_stopped(by: list[str], stopped: Any, free: Any) -> None:
    made = breakers(by=by, counts="failures")
    for _ in range(20):
        made.ended(SHOP, True, NOW)
    assert made.stops(*stopped) is not None
    assert made.stops(*free) is None
    assert made.at_carriers == ("carrier" in by)


def test_what_is_not_known_of_a_message_is_not_counted() -> None:
    made = breakers(by=["carrier"], counts="failures")
    for _ in range(50):
        assert made.ended(Subject("shop", "offers", ""), True, NOW) == []


def test_a_rule_that_stays_keeps_its_window_one_that_changed_begins_anew() -> None:
    made = breakers()
    for _ in range(15):
        made.ended(SHOP, False, NOW)
    made.configure((breaker(), breaker(name="other")))
    made.counted("opt_outs", SHOP, NOW)
    assert len(made.counted("opt_outs", SHOP, NOW)) == 1
    made.configure((breaker(above=0.2),))
    assert made.stops("shop", "offers") is not None
    assert not made._windows


steps = st.lists(
    st.tuples(st.sampled_from(["ended", "opt_out", "resume"]), st.integers(0, 200)), max_size=120
)


@given(steps)
def test_it_trips_exactly_when_the_window_says_so(taken: list[tuple[str, int]]) -> None:
    made, rule = breakers(), breaker()
    seen: list[tuple[int, int, int]] = []  # slice, messages, opt-outs
    now, tripped = NOW, False
    for what, seconds in taken:
        now += seconds
        index = int(now * SLICES // rule.window)
        if what == "resume":
            assert (made.resume("stops", Subject("shop", "offers")) is not None) == tripped
            seen, tripped = [], False
            continue
        opted = what == "opt_out"
        seen.append((index, int(not opted), int(opted)))
        found = made.counted("opt_outs", SHOP, now) if opted else made.ended(SHOP, False, now)
        lately = [each for each in seen if each[0] >= index - SLICES]
        messages, outs = sum(each[1] for each in lately), sum(each[2] for each in lately)
        due = opted and messages >= 10 and outs >= 2 and outs > 0.1 * messages
        assert bool(found) == (due and not tripped)
        tripped |= due
        assert (made.stops("shop", "offers") is not None) == tripped
