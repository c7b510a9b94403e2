"""Small numbers by hashed keys: as a dict, however many there are and wherever they collide."""

from __future__ import annotations

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from gateway.relay.matching import Finished
from gateway.relay.slots import Slots

KEYS = st.one_of(st.integers(1, 40), st.integers(-(2**63), 2**63 - 1)).filter(bool)


@given(
    st.lists(st.tuples(KEYS, st.integers(0, 2**32 - 1)), max_size=300),
    st.sampled_from(("I", "Q")),
    st.integers(0, 100),
)
def test_slots_are_as_a_dict(puts: list[tuple[int, int]], kind: Literal["I", "Q"], room: int) -> None:
    slots = Slots(kind, room)
    known: dict[int, int] = {}
    for key, number in puts:
        slots.put(key, number)
        known[key] = number
        assert slots.used == len(known)
    assert dict(slots.items()) == known
    assert all(slots.get(key) == number for key, number in known.items())
    assert all(slots.get(key) is None for key in range(1, 42) if key not in known)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(("8619", "+8619", "61", "x")))))
def test_an_id_is_known_with_each_of_its_numbers(ended: list[tuple[str, str]]) -> None:
    finished = Finished(100)
    for name, number in ended:
        finished.add(name, number)
    for name in "abc":
        wanted = {number.lstrip("+").replace("x", "0") for known, number in ended if known == name}
        assert sorted(finished.numbers(name)) == sorted(wanted)


def test_those_that_ended_long_ago_are_known_no_more() -> None:
    finished = Finished(100)
    for number in range(1000):
        finished.add(str(number), "8619912340001")
    known = [number for number in range(1000) if any(finished.numbers(str(number)))]
    assert known == list(range(known[0], 1000))
    assert 50 < len(known) <= 100
