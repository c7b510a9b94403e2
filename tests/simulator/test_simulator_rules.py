"""Which rule takes which PDU, and what happens later."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from simulator.smsc.limits import Bucket
from simulator.smsc.profile import Rule
from simulator.smsc.rules import Rulebook, Subject
from simulator.smsc.timeline import Timeline

SUBMIT = Subject("submit_sm", "gateway", "10690001", "8619912340001")


def book(*matches: dict[str, Any], seed: int = 1) -> Rulebook:
    rules = [Rule.model_validate({"match": match, "do": {}}) for match in matches]
    return Rulebook(rules, random.Random(seed))


def acts(rulebook: Rulebook, count: int, subject: Subject = SUBMIT) -> list[int]:
    """The numbers of the PDUs, from 1, that a rule takes."""
    return [number for number in range(1, count + 1) if rulebook.find(subject)]


@pytest.mark.parametrize(
    ("match", "taken"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"nth": 3}, [3]),
        ({"nth": [1, 4]}, [1, 4]),
        ({"every": 2}, [2, 4, 6]),
        ({"every": 2, "after": 1}, [3, 5]),
        ({"after": 4}, [5, 6]),
        ({"times": 2}, [1, 2]),
        ({"every": 2, "times": 1}, [2]),
        ({"chance": 0}, []),
        ({"chance": 1}, [1, 2, 3, 4, 5, 6]),
        ({"destination": ["44", "86199"]}, [1, 2, 3, 4, 5, 6]),
        ({"destination": "44"}, []),
        ({"source": "1069", "account": "gateway"}, [1, 2, 3, 4, 5, 6]),
        ({"source": "1070"}, []),
        ({"account": "other"}, []),
        ({"command": "data_sm"}, []),
        ({"command": ["data_sm", "submit_sm"]}, [1, 2, 3, 4, 5, 6]),
    ],
    ids=str,
)
def test_terms(match: dict[str, Any], taken: list[int]) -> None:
    assert acts(book(match), 6) == taken


def test_only_pdus_that_hold_the_other_terms_are_counted() -> None:
    rulebook = book({"destination": "44", "nth": 2})
    other = SUBMIT._replace(destination="447700900001")
    assert [rulebook.find(subject) is not None for subject in (other, SUBMIT, SUBMIT, other)] == [
        False,
        False,
        False,
        True,
    ]


@given(st.integers(), st.floats(min_value=0, max_value=1))
def test_chance_repeats_with_its_seed(seed: int, chance: float) -> None:
    assert acts(book({"chance": chance}, seed=seed), 30) == acts(book({"chance": chance}, seed=seed), 30)


def test_rules_without_a_name_are_known_by_their_place() -> None:
    rulebook = book({"destination": "44"}, {})
    found = rulebook.find(SUBMIT)
    assert found is not None
    assert found.name == "rules[1]"


@given(st.lists(st.floats(min_value=0, max_value=50), max_size=30))
def test_the_timeline_calls_in_order_of_time_then_of_entry(delays: list[float]) -> None:
    clock, called = Clock(), list[int]()
    timeline = Timeline(clock, grain=0.5)
    for number, delay in enumerate(delays):
        timeline.later(delay, called.append, number)
    clock.pump([0.25] * 210)
    assert called == sorted(range(len(delays)), key=lambda number: (delays[number], number))
    assert len(timeline) == 0


def test_what_falls_due_together_is_done_in_one_run() -> None:
    clock, called = Clock(), list[str]()
    timeline = Timeline(clock, grain=0.5, after_each=lambda: called.append("written"))
    for delay in (1.0, 1.2, 1.4, 3.0):
        timeline.later(delay, called.append, str(delay))
    clock.pump([1.5, 2.0])
    assert called == ["1.0", "1.2", "1.4", "written", "3.0", "written"]


def test_a_timeline_that_is_stopped_calls_nothing() -> None:
    clock, called = Clock(), list[int]()
    timeline = Timeline(clock)
    timeline.later(1.0, called.append, 1)
    timeline.stop()
    clock.advance(10)
    assert called == []
    assert clock.getDelayedCalls() == []


def test_an_earlier_entry_is_not_kept_waiting() -> None:
    clock, called = Clock(), list[int]()
    timeline = Timeline(clock, grain=0.1)
    timeline.later(100.0, called.append, 2)
    timeline.later(1.0, called.append, 1)
    clock.advance(1.2)
    assert called == [1]


@given(st.floats(min_value=1, max_value=1000), st.integers(min_value=1, max_value=50))
def test_a_bucket_gives_its_burst_then_its_rate(rate: float, burst: int) -> None:
    bucket = Bucket(rate, burst, now=0.0)
    assert sum(bucket.take(0.0) for _ in range(burst + 5)) == burst
    assert bucket.take(1.001 / rate)
    assert not bucket.take(1.001 / rate)
