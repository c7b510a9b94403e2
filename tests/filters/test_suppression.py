"""Typed lists: scopes, what each type lets pass, changes seen at once, lists read from files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters import listfiles, suppression
from gateway.filters.listfiles import ListFile, Refused
from gateway.filters.numbersets import NumberSet, Span
from gateway.filters.suppression import (
    PASSES,
    REASON,
    REVERSIBLE_BY,
    ListKey,
    ListType,
    Scope,
    Suppressions,
)
from gateway.filters.verdict import REASONS

NUMBER = "8619912340001"
CATEGORIES = ("otp", "transactional", "service", "promotional", "government")


def blocked(lists: Suppressions, category: str = "promotional", now: float = 0.0) -> ListType | None:
    hit = lists.find(NUMBER, "acme", "offers", category, now)
    return hit.key.type if hit else None


def test_each_type_blocks_its_categories() -> None:
    for kind in ListType:
        lists = Suppressions()
        lists.add(ListKey(kind, Scope(), "test"), NUMBER)
        for category in CATEGORIES:
            assert blocked(lists, category) is (None if category in PASSES[kind] else kind)


def test_every_type_is_wholly_described() -> None:
    for kind in ListType:
        assert REASON[kind] in REASONS
        assert REVERSIBLE_BY[kind]
    assert [kind for kind in ListType if "person" in REVERSIBLE_BY[kind]] == [
        ListType.TENANT_OPTOUT,
        ListType.PROGRAM_OPTOUT,
        ListType.CATEGORY_OPTOUT,
    ]


def test_an_unknown_category_passes_nothing() -> None:
    lists = Suppressions()
    lists.add(ListKey(ListType.CARRIER_DND, Scope(), "test"), NUMBER)
    assert blocked(lists, "newsletter") is ListType.CARRIER_DND


@pytest.mark.parametrize(
    ("scope", "applies"),
    [
        (Scope(), True),
        (Scope("acme"), True),
        (Scope("other"), False),
        (Scope("acme", "offers", "service"), False),
        (Scope("acme", "offers"), True),
        (Scope("acme", "news"), False),
        (Scope("acme", "", "promotional"), True),
        (Scope("acme", "", "service"), False),
        (Scope("acme", "offers", "promotional"), True),
        (Scope("acme", "news", "promotional"), False),
    ],
)
def test_scopes(scope: Scope, applies: bool) -> None:
    lists = Suppressions()
    lists.add(ListKey(ListType.PROGRAM_OPTOUT, scope, "replies"), NUMBER)
    assert (blocked(lists) is not None) is applies


def test_the_gravest_list_is_told() -> None:
    lists = Suppressions()
    for kind in (ListType.PROGRAM_OPTOUT, ListType.CARRIER_DND, ListType.LEGAL_ORDER):
        lists.add(ListKey(kind, Scope(), "test"), NUMBER)
        assert blocked(lists) is kind
    assert [hit.key.type for hit in lists.find_all(NUMBER, 0.0)] == [
        ListType.PROGRAM_OPTOUT,
        ListType.CARRIER_DND,
        ListType.LEGAL_ORDER,
    ]


def test_a_change_is_seen_by_the_next_look_up() -> None:
    lists, key = Suppressions(), ListKey(ListType.TENANT_OPTOUT, Scope("acme"), "replies")
    assert blocked(lists) is None
    lists.add(key, NUMBER)
    assert blocked(lists) is ListType.TENANT_OPTOUT
    lists.discard(key, NUMBER)
    assert blocked(lists) is None
    lists.add(key, "86199*", Span(10, 20))
    assert blocked(lists, now=9) is None
    assert blocked(lists, now=10) is ListType.TENANT_OPTOUT
    assert blocked(lists, now=20) is None
    assert list(lists.tidy(20))
    lists.discard(key, "86199*")
    assert blocked(lists, now=15) is None


def test_a_list_is_replaced_and_dropped_whole() -> None:
    lists, key = Suppressions(), ListKey(ListType.CARRIER_DND, Scope(), "dnd.csv")
    lists.put(key, NumberSet([int(NUMBER)]))
    assert blocked(lists) is ListType.CARRIER_DND
    lists.put(key, NumberSet([4477009_00001]))
    assert blocked(lists) is None
    assert lists.find("447700900001", "acme", "", "promotional", 0.0) is not None
    lists.drop(key)
    assert lists.find("447700900001", "acme", "", "promotional", 0.0) is None
    lists.drop(key)
    lists.discard(key, NUMBER)
    with pytest.raises(ValueError, match="is a tenant's"):
        lists.put(key._replace(scope=Scope("", "offers")), NumberSet())


SCOPES = [
    Scope(),
    Scope("acme"),
    Scope("acme", "offers"),
    Scope("acme", "", "service"),
    Scope("acme", "offers", "service"),
    Scope("other"),
]
KEYS = st.builds(
    ListKey,
    st.sampled_from(ListType),
    st.sampled_from(SCOPES),
    st.just("test"),
)
ENTRIES = st.sampled_from([NUMBER, "8619912340002", "86199*", "44*"])
SPANS = st.builds(Span, st.none() | st.integers(0, 9), st.none() | st.integers(0, 9))
CHANGES = st.lists(
    st.tuples(st.sampled_from(["add", "discard", "drop", "tidy", "step", "put"]), KEYS, ENTRIES, SPANS),
    max_size=20,
)


@given(CHANGES, st.integers(0, 9), st.sampled_from(CATEGORIES), st.sampled_from([0, 1, suppression.LARGE]))
def test_no_order_of_changes_misses_or_invents_an_entry(
    changes: list[tuple[str, ListKey, str, Span]], now: int, category: str, large: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suppression, "LARGE", large)
        _change(changes, now, category)


def _change(changes: list[tuple[str, ListKey, str, Span]], now: int, category: str) -> None:
    lists, model = Suppressions(), dict[tuple[ListKey, str], Span]()
    tidying = lists.tidy(0)
    for name, key, entry, span in changes:
        if name == "add":
            lists.add(key, entry, span)
            model[key, entry] = span
        elif name == "discard":
            lists.discard(key, entry)
            model.pop((key, entry), None)
        elif name == "put":
            lists.put(key, NumberSet([int(NUMBER)]))
            model = {place: held for place, held in model.items() if place[0] != key} | {
                (key, NUMBER): Span()
            }
        elif name == "drop":
            lists.drop(key)
            model = {place: held for place, held in model.items() if place[0] != key}
        elif name == "step":
            if next(tidying, None) is None:
                tidying = lists.tidy(0)
        else:
            tidying.close()
            list(tidying := lists.tidy(0))
    forbidding = [
        key.type
        for (key, entry), span in model.items()
        if span.holds(now)
        and (entry == NUMBER or entry == "86199*")
        and category not in PASSES[key.type]
        and key.scope.tenant != "other"
        and key.scope.category in ("", category)
    ]
    gravest = min(forbidding, key=list(ListType).index) if forbidding else None
    assert blocked(lists, category, now) is gravest


class TestFiles:
    def test_a_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(listfiles, "STEP", 3)
        text = """number,since,until
# complaints of March
8619912340001
+86 199 1234 0002,2026-03-01
86170*,2026-03-01,2026-09-01T12:00:00+08:00
07700900001

007
12x
8619912340003,yesterday
8619912340004,2026-03-02,2026-03-01
0*
*
"""
        file = ListFile("44")
        assert list(file.read(text.splitlines())) == [3, 6, 9, 12, 13]
        assert set(file.numbers.numbers) == {8619912340001, 447700900001}
        assert file.numbers.dated == {8619912340002: (1772323200, None)}
        assert file.numbers.prefixes == {"86170": (1772323200, 1788235200)}
        assert file.refused_count == 6
        assert [refused.line for refused in file.refused] == [8, 9, 10, 11, 12, 13]
        assert file.refused[2] == Refused(10, "a date is written as 2026-03-01 or 2026-03-01T12:00:00Z")

    @given(st.lists(st.text("0123456789+*,-: #xTZ\x00²", max_size=20)))
    def test_no_line_stops_the_reading(self, lines: list[str]) -> None:
        file = ListFile()
        for _ in file.read(lines):
            pass
        assert file.lines == len(lines)
