"""Sliding windows: exact against a plain list of moments, reservations, memory that does not grow without
end.
"""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.compact import Table
from gateway.filters.frequency import (
    Cap,
    Counter,
    Excess,
    Facts,
    Frequency,
    Limit,
    Reservation,
    Spent,
    key_of,
    parse_limit,
)

FACTS = Facts("shop", "acme", "【Acme】", "offers", "promotional", "", "8619912340001", "sale")


def drained(steps: object) -> None:
    for _ in steps:  # type: ignore[attr-defined]
        pass


class TestLimits:
    @pytest.mark.parametrize(
        ("text", "limit"), [("1/30s", (1, 30)), ("3/7d", (3, 604800)), ("50/24h", (50, 86400))]
    )
    def test_parsing(self, text: str, limit: tuple[int, int]) -> None:
        assert parse_limit(text) == limit

    @pytest.mark.parametrize(
        "text", ["", "3", "0/7d", "-1/7d", "3/", "3/250ms", "3/1500ms", "x/7d", "3/week"]
    )
    def test_what_is_no_limit(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"no limit|a duration"):
            parse_limit(text)


class TestCounter:
    def test_several_limits_at_once(self) -> None:
        counter = Counter([Limit(1, 30), Limit(3, 1000), Limit(4, 5000)])
        assert counter.spent(7, 10_000) is None
        counter.record(7, 10_000)
        assert counter.spent(7, 10_029) == (Limit(1, 30), 10_030)
        assert counter.spent(7, 10_030) is None
        counter.record(7, 10_030)
        counter.record(7, 10_060)
        assert counter.spent(7, 10_061) == (Limit(3, 1000), 11_000)
        counter.record(7, 11_000)
        assert counter.spent(7, 12_000) == (Limit(4, 5000), 15_000)
        assert counter.spent(7, 15_000) is None
        assert counter.spent(8, 10_061) is None

    def test_what_is_given_back_was_never_sent(self) -> None:
        counter = Counter([Limit(6, 100)])
        for moment in range(1, 7):
            counter.record(7, moment)
        assert counter.spent(7, 50) is not None
        counter.give_back(7, 3)
        assert counter.spent(7, 50) is None
        counter.give_back(7, 99)
        counter.give_back(8, 3)
        counter.record(7, 50)
        assert counter.spent(7, 99) == (Limit(6, 100), 101)

    def test_old_keys_vanish(self) -> None:
        counter = Counter([Limit(6, 100)])
        for key in range(1, 5000):
            counter.record(key, 10)
        for moment in range(1, 11):
            counter.record(9999, moment)
        drained(counter.sweep(105))
        assert len(counter) == 5000
        drained(counter.sweep(110))
        assert len(counter) == 0
        assert counter.spent(9999, 0) is None

    def test_memory_is_bounded_by_what_lives(self) -> None:
        counter = Counter([Limit(2, 100)])
        for key in range(1, 100_000):
            counter.record(key, key / 50)
        assert len(counter) < 40_000


LIMITS = st.lists(st.builds(Limit, st.integers(1, 8), st.integers(1, 60)), min_size=1, max_size=3)
EVENTS = st.lists(
    st.tuples(st.sampled_from(["record", "reserve", "sweep"]), st.integers(1, 3), st.integers(0, 15)),
    max_size=60,
)


@given(LIMITS, EVENTS)
def test_it_is_exact(limits: list[Limit], events: list[tuple[str, int, int]]) -> None:
    counter, sent, now = Counter(limits), dict[int, list[int]](), 100
    for name, key, step in events:
        now += step
        moments = sent.setdefault(key, [])
        expected = [
            (limit, sorted(moments)[-limit.times] + limit.seconds)
            for limit in limits
            if sum(now - moment < limit.seconds for moment in moments) >= limit.times
        ]
        spent = counter.spent(key, now)
        assert (spent is None) == (not expected)
        if spent is not None:
            assert spent.until == max(until for _, until in expected)
        if name == "record" or (name == "reserve" and spent is None):
            counter.record(key, now)
            moments.append(now)
        elif name == "sweep":
            drained(counter.sweep(now))


@given(LIMITS, st.lists(st.integers(1, 100), max_size=30))
def test_restoring_in_any_order_is_the_same(limits: list[Limit], moments: list[int]) -> None:
    one, other = Counter(limits), Counter(limits)
    for moment in moments:
        one.record(1, moment)
    for moment in sorted(moments):
        other.record(1, moment)
    assert one.spent(1, 100) == other.spent(1, 100)


@given(LIMITS, st.lists(st.tuples(st.booleans(), st.integers(0, 15)), max_size=40))
def test_a_reservation_given_back_leaves_no_trace(
    limits: list[Limit], events: list[tuple[bool, int]]
) -> None:
    """Reservations are made only where the limits allow it, as the filter does."""
    counter, plain, now = Counter(limits), Counter(limits), 100
    for kept, step in events:
        now += step
        assert counter.spent(1, now) == plain.spent(1, now)
        if counter.spent(1, now) is None:
            counter.record(1, now)
            if kept:
                plain.record(1, now)
            else:
                counter.give_back(1, now)


class TestFrequency:
    CAPS = (
        Cap("same-text", frozenset(), ("recipient", "text"), (Limit(1, 30),)),
        Cap("weekly", frozenset({"promotional"}), ("tenant", "recipient"), (Limit(3, 604800),)),
    )

    def test_all_or_none(self) -> None:
        frequency = Frequency(self.CAPS)
        for text in ("one", "two", "three"):
            assert isinstance(frequency.reserve(FACTS._replace(text=text), 100), Reservation)
        assert frequency.reserve(FACTS._replace(text="one"), 101) == Excess(
            "same-text", Spent(Limit(1, 30), 130)
        )
        excess = frequency.reserve(FACTS._replace(text="four"), 101)
        assert isinstance(excess, Excess)
        assert excess.rule == "weekly"
        other = FACTS._replace(text="four", category="otp")
        assert isinstance(frequency.reserve(other, 101), Reservation)

    def test_given_back_by_all(self) -> None:
        frequency = Frequency(self.CAPS)
        for _ in range(10):
            reservation = frequency.reserve(FACTS, 100)
            assert isinstance(reservation, Reservation)
            frequency.give_back(reservation)
        assert frequency.check(FACTS, 100) is None
        assert len(frequency.counter("weekly")) == 1

    def test_names_are_unique(self) -> None:
        with pytest.raises(ValueError, match="one name"):
            Frequency([self.CAPS[0], self.CAPS[0]])

    def test_a_counter_needs_a_limit(self) -> None:
        with pytest.raises(ValueError, match="needs a limit"):
            Counter([])

    def test_keys_tell_their_parts_apart(self) -> None:
        assert key_of(("ab", "c")) != key_of(("a", "bc"))


@given(st.lists(st.tuples(st.integers(1, 2**64 - 1), st.integers(0, 2**32 - 1))))
def test_a_table_behaves_as_a_dict(rows: list[tuple[int, int]]) -> None:
    table, model = Table(2), dict[int, int]()
    for key, value in rows * 2:
        cells, at = table.place(key)
        assert cells[at] == model.get(key, 0)
        cells[at] = cells[at + 1] = model[key] = value
    assert {key: list(row) for key, row in table.rows()} == {key: [held, held] for key, held in model.items()}
    drained(table.sweep())
    assert len(table) == len(model)
    for key in model:
        assert table.find(key) is not None
        assert table.find(key ^ 1 << 63) is None or key ^ 1 << 63 in model


def test_a_table_of_many_rows_grows_and_shrinks() -> None:
    oldest = 0

    def keep(key: int, row: array[int]) -> bool:
        return row[0] > oldest

    table = Table(1, keep)
    for value in range(1, 100_001):
        cells, at = table.place(hash((str(value),)) & 2**64 - 1 or 1)
        cells[at] = value
    full, oldest = table.octets, 90_000
    drained(table.sweep())
    assert len(table) == 10_000
    assert table.octets < full / 2
