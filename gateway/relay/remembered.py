"""What was last said of each of very many pairs of numbers, in some twenty octets each."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

V = TypeVar("V", bound=Hashable)

ROOM = 1.6
"""Slots for each pair."""


class _Generation(Generic[V]):
    """The values of up to `most` pairs by their keys, which are not 0: slots with linear probing. A slot has
    the place of its value among those that are told apart, from 1 on.
    """

    __slots__ = ("_keys", "_places", "_told", "_values", "size", "used")

    def __init__(self, most: int) -> None:
        self.size = int(most * ROOM) + 1
        self.used = 0
        self._keys = array("q", bytes(8 * self.size))
        self._places = array("I", bytes(4 * self.size))
        self._values: list[V] = []
        self._told: dict[V, int] = {}

    def put(self, key: int, value: V) -> None:
        """From now on this is the value. There must be a free slot."""
        place = self._told.get(value)
        if place is None:
            self._values.append(value)
            place = self._told[value] = len(self._values)
        keys, size = self._keys, self.size
        slot = key % size
        while (held := keys[slot]) != key:
            if not held:
                keys[slot] = key
                self.used += 1
                break
            slot = slot + 1 if slot + 1 < size else 0
        self._places[slot] = place

    def get(self, key: int) -> V | None:
        """The value of a key, if there is one."""
        keys, size = self._keys, self.size
        slot = key % size
        while (held := keys[slot]) != key:
            if not held:
                return None
            slot = slot + 1 if slot + 1 < size else 0
        return self._values[self._places[slot] - 1]

    def items(self) -> Iterator[tuple[int, V]]:
        """All keys and values."""
        for slot, key in enumerate(self._keys):
            if key:
                yield key, self._values[self._places[slot] - 1]


class Remembered(Generic[V]):
    """The values of the `most` pairs that were put last, and of up to as many before them.

    Pairs are known by 64 bits of a hash: among 200,000 the chance that any two share one is one in a billion.
    Who was put long ago goes with many others, so that no order has to be kept of them. Values that are
    equal are kept once.
    """

    __slots__ = ("_earlier", "_latest", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self._latest: _Generation[V] = _Generation(most)
        self._earlier: _Generation[V] = _Generation(0)

    def __len__(self) -> int:
        return len({key for half in (self._latest, self._earlier) for key, _ in half.items()})

    def put(self, one: str, other: str, value: V) -> None:
        """From now on this is the value."""
        latest = self._latest
        latest.put(hash((one, other)) or 1, value)
        if latest.used >= self.most:
            self._earlier, self._latest = latest, _Generation(self.most)

    def get(self, one: str, other: str) -> V | None:
        """The value, if it is remembered."""
        key = hash((one, other)) or 1
        found = self._latest.get(key)
        return self._earlier.get(key) if found is None else found

    def beneath(self, before: Remembered[V], both: Callable[[V, V], V] = lambda was, now: now) -> None:
        """Take in what was known `before` all that is here; `both` makes one value of what was and is."""
        merged: _Generation[V] = _Generation(before._earlier.used + before._latest.used + self._earlier.used)
        for half in (before._earlier, before._latest):
            for key, value in half.items():
                merged.put(key, value)
        for key, value in self._latest.items():
            if (was := merged.get(key)) is not None:
                self._latest.put(key, both(was, value))
        for key, value in self._earlier.items():
            was = merged.get(key)
            merged.put(key, value if was is None else both(was, value))
        self._earlier = merged
