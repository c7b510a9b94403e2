"""Sliding windows: exact against a plain list of moments, reservations, memory that does not grow without
end.
"""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.compact import Held, Table
from gateway.filters.frequency import Counter, Limit, key_of, parse_limit, spent_of
from gateway.filters.recents import MANY, Recents


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


def test_a_counter_needs_a_limit() -> None:
    with pytest.raises(ValueError, match="needs a limit"):
        Counter([])


def test_keys_tell_their_parts_apart() -> None:
    assert key_of(("ab", "c")) != key_of(("a", "bc"))


class TestRecents:
    def test_one_row_tells_of_all_rules(self) -> None:
        recents = Recents()
        text = recents.rule("same-text", ("recipient", "text"), [Limit(1, 30)])
        week = recents.rule("week", ("tenant", "recipient"), [Limit(3, 604800)])
        for index, at in enumerate((100, 200, 300)):
            recents.record(7, [text.tag(f"text {index}"), week.tag("acme")], at)
        row = recents.find(7)
        assert row is not None
        assert row[0][row[1]] == 300
        assert recents.spent(7, row, text, text.tag("text 2"), 329) == (Limit(1, 30), 330)
        assert recents.spent(7, row, text, text.tag("text 2"), 329, but=300) is None
        assert recents.spent(7, row, text, text.tag("text 3"), 329) is None
        assert recents.spent(7, row, week, week.tag("acme"), 301) == (Limit(3, 604800), 604900)
        assert recents.spent(7, row, week, week.tag("acme"), 301, but=200) is None
        assert recents.spent(7, row, week, week.tag("other"), 301) is None
        assert recents.find(8) is None

    def test_a_rule_that_has_changed_begins_anew(self) -> None:
        recents = Recents()
        before = recents.rule("week", ("tenant", "recipient"), [Limit(1, 100)])
        assert recents.rule("week", ("tenant", "recipient"), [Limit(1, 100)]) is before
        after = recents.rule("week", ("tenant", "recipient"), [Limit(1, 200)])
        assert before.tag("acme") != after.tag("acme")

    def test_people_who_had_nothing_lately_are_forgotten(self) -> None:
        recents = Recents()
        short = recents.rule("short", ("recipient",), [Limit(6, 100)])
        recents.rule("long", ("recipient", "text"), [Limit(1, 1000)])
        for key in range(1, 5000):
            recents.record(key, [short.tag("")], 10)
        for moment in range(1, 11):
            recents.record(9999, [short.tag("")], moment)
        drained(recents.sweep(105))
        assert len(recents) == 5000
        drained(recents.sweep(110))
        assert len(recents) == 0
        assert recents.find(9999) is None

    def test_more_lengths_of_windows_than_are_told_apart(self) -> None:
        recents = Recents()
        rules = [recents.rule(f"{index}", ("recipient",), [Limit(2, 10 + index)]) for index in range(40)]
        for rule in rules:
            recents.record(7, [rule.tag("")], 100)
            recents.record(7, [rule.tag("")], 101)
        row = recents.find(7)
        assert row is not None
        for index, rule in enumerate(rules):
            assert recents.spent(7, row, rule, rule.tag(""), 109 + index) == (rule.limits[0], 110 + index)


RULES = st.lists(LIMITS, min_size=1, max_size=3)
TEXTS = st.sampled_from(["", "one", "two"])
DONE = st.lists(
    st.tuples(
        st.sampled_from(["record", "record", "late", "give back", "sweep"]),
        st.integers(1, 2),
        st.integers(0, 15),
        TEXTS,
    ),
    max_size=120,
)


@given(RULES, DONE)
def test_recents_are_exact(rules: list[list[Limit]], done: list[tuple[str, int, int, str]]) -> None:
    """Against plain lists of messages."""
    recents, now = Recents(), 100
    quick = [recents.rule(f"{index}", ("recipient", "text"), rule) for index, rule in enumerate(rules)]
    sent: dict[int, list[tuple[int, str]]] = {1: [], 2: []}
    for name, key, step, text in done:
        now += step
        tags = [rule.tag(text) for rule in quick]
        if name == "record" or name == "late":
            at = now if name == "record" else now - step
            recents.record(key, tags, at)
            sent[key].append((at, text))
        elif name == "give back" and sent[key]:
            at, text = sent[key].pop()
            recents.give_back(key, [rule.tag(text) for rule in quick], at)
        elif name == "sweep":
            drained(recents.sweep(now))
        for rule in quick:
            moments = sorted((at for at, said in sent[key] if said == text), reverse=True)
            row = recents.find(key)
            found = None if row is None else recents.spent(key, row, rule, rule.tag(text), now)
            assert found == spent_of(rule.places, moments, now)


def test_what_no_limit_needs_of_a_person_with_very_many_is_left_out() -> None:
    recents = Recents()
    rule = recents.rule("day", ("recipient", "text"), [Limit(50, 86400)])
    for at in range(1, 10_000):
        recents.record(7, [rule.tag("the same")], at)
    row = recents.find(7)
    assert row is not None
    assert recents.spent(7, row, rule, rule.tag("the same"), 10_000) == (Limit(50, 86400), 9950 + 86400)
    assert recents.entries(7) <= MANY


KEYS = st.integers(-(2**63), 2**63 - 1).filter(bool)


@given(st.lists(st.tuples(KEYS, st.integers(0, 2**32 - 1))))
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
        other = key ^ 1 << 62 or 1
        assert table.find(other) is None or other in model


def test_a_table_of_many_rows_grows_and_shrinks() -> None:
    oldest = 0

    def kept(cells: array[int], held: Held) -> Held:
        return [(key, at) for key, at in held if cells[at] > oldest]

    table = Table(1, kept)
    for value in range(1, 100_001):
        cells, at = table.place(key_of((str(value),)))
        cells[at] = value
    full, oldest = table.octets, 90_000
    drained(table.sweep())
    assert len(table) == 10_000
    assert table.octets < full / 2
