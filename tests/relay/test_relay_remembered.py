"""What was last said of pairs: the latest are known, the earliest go, what was before comes beneath."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.relay.remembered import Remembered


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 9))), st.integers(1, 5))
def test_the_latest_pairs_are_known(puts: list[tuple[str, int]], most: int) -> None:
    remembered: Remembered[int] = Remembered(most)
    for name, value in puts:
        remembered.put(name, "1069", value)
    last = dict(puts)
    latest = list(dict.fromkeys(name for name, _ in reversed(puts)))[:most]
    assert all(remembered.get(name, "1069") == last[name] for name in latest)
    assert all(remembered.get(name, "1069") in (None, last[name]) for name in "abcdefgh" if name in last)
    assert remembered.get("a", "1070") is None
    assert len(remembered) <= 2 * most


def test_what_was_before_comes_beneath() -> None:
    now: Remembered[str] = Remembered(2)
    before: Remembered[str] = Remembered(3)
    for name in "abcd":
        before.put(name, "1", f"{name} before")
    for name in "xcy":
        now.put(name, "1", name)
    now.beneath(before, lambda was, value: f"{was}, {value}")
    found = {name: now.get(name, "1") for name in "abcdxyz"}
    assert found == {
        "a": "a before",
        "b": "b before",
        "c": "c before, c",
        "d": "d before",
        "x": "x",
        "y": "y",
        "z": None,
    }


PUTS = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3)), max_size=12)


@given(PUTS, PUTS, st.integers(1, 12))
def test_beneath_is_as_if_all_had_been_put_in_order(
    earlier: list[tuple[str, int]], later: list[tuple[str, int]], most: int
) -> None:
    before: Remembered[int] = Remembered(20)
    now: Remembered[int] = Remembered(most)
    for each, puts in ((before, earlier), (now, later)):
        for name, value in puts:
            each.put(name, "1069", value)
    known = {name: now.get(name, "1069") for name in "abcdef"}
    was = dict(earlier)
    now.beneath(before, lambda one, other: 10 * one + other)
    for name, last in known.items():
        joined = last if last is None or name not in was else 10 * was[name] + last
        assert now.get(name, "1069") == (was.get(name) if last is None else joined)
