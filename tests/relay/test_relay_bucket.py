"""The token bucket: never more than burst, debt and rate allow, and what it says of waiting is true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.relay.bucket import Bucket

steps = st.lists(st.tuples(st.floats(0, 10), st.integers(1, 5)), max_size=60)


def test_a_burst_then_the_rate() -> None:
    bucket = Bucket(2.0, 3, now=0.0)
    assert [bucket.take(1, 0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.wait(1, 0.0) == pytest.approx(0.5)
    assert bucket.take(1, 0.5)
    assert not bucket.take(1, 0.5)


def test_a_debt_is_a_little_over_the_rate() -> None:
    bucket = Bucket(1.0, 2, now=0.0, debt=1)
    assert [bucket.take(1, 0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.tokens == -1
    assert bucket.wait(0, 0.0) == pytest.approx(1.0)
    assert bucket.wait(1, 0.0) == pytest.approx(2.0)


def test_what_was_not_used_is_given_back_up_to_the_burst() -> None:
    bucket = Bucket(1.0, 2, now=0.0)
    bucket.take(2, 0.0)
    bucket.give_back(1)
    assert bucket.take(1, 0.0)
    bucket.give_back(50)
    assert bucket.tokens == 2


def test_a_rate_below_one_still_lets_one_through() -> None:
    bucket = Bucket(0.5, 0.05, now=0.0)
    assert bucket.take(1, 0.0)
    assert bucket.wait(1, 0.0) == pytest.approx(2.0)


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(1.0, 1, now=10.0)
    assert bucket.take(1, 10.0)
    assert not bucket.take(1, 5.0)
    assert not bucket.take(1, 10.5)
    assert bucket.take(1, 11.0)


@given(rate=st.floats(0.1, 100), burst=st.integers(1, 50), debt=st.integers(0, 50), steps=steps)
def test_never_more_than_allowed(rate: float, burst: int, debt: int, steps: list[tuple[float, int]]) -> None:
    bucket = Bucket(rate, burst, 0.0, debt)
    now, taken = 0.0, 0
    for passed, count in steps:
        now += passed
        taken += count * bucket.take(count, now)
        assert taken <= burst + debt + rate * now + 1e-6
        assert -debt <= bucket.tokens <= burst


@given(rate=st.floats(0.1, 100), burst=st.integers(1, 50), steps=steps)
def test_after_the_wait_it_can_be_taken(rate: float, burst: int, steps: list[tuple[float, int]]) -> None:
    bucket = Bucket(rate, burst, 0.0)
    now = 0.0
    for passed, _ in steps:
        now += passed
        if not bucket.take(1, now):
            now += bucket.wait(1, now) + 1e-6
            assert bucket.take(1, now)
