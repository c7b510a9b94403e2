"""Versions of what stands under keys: each is what was put into it, whatever was put into others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.layered import MERGED_AT, Layered

KEYS = st.sampled_from("abcdefgh")
CHANGES = st.lists(st.tuples(KEYS, st.lists(st.integers(0, 3), max_size=2).map(tuple)), max_size=6)


@given(st.lists(CHANGES, max_size=8))
def test_each_version_is_as_it_was_made(steps: list[list[tuple[str, tuple[int, ...]]]]) -> None:
    layered: Layered[int] = Layered()
    model: dict[str, tuple[int, ...]] = {}
    versions = []
    for changes in steps:
        layered, model = layered.next(), model.copy()
        for key, values in changes:
            layered.put(key, values)
            model[key] = values
        versions.append((layered, model))
    for made, like in versions:
        assert sorted(made) == sorted(key for key, values in like.items() if values)
        for key in "abcdefgh":
            assert made.get(key) == like.get(key, ())
            assert (key in made) == bool(like.get(key))


def test_a_small_change_copies_only_what_is_different() -> None:
    first: Layered[int] = Layered()
    for number in range(100):
        first.put(str(number), (number,))
    second = first.next()
    second.put("new", (1,))
    third = second.next()
    assert third._shared is second._shared
    for number in range(100 // MERGED_AT):
        third.put(str(number), ())
    assert third.next()._shared is not third._shared
    assert len(list(third.next())) == 101 - 100 // MERGED_AT
