"""A hash table of one small number for each key, in a few octets where a dict of objects takes a hundred."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Literal

ROOM = 1.6
"""Slots for each key, when it is full."""

SMALLEST = 64


class Slots:
    """Unsigned numbers of 32 bits ("I") or 64 ("Q") by 64-bit keys that are not 0: slots with linear probing.
    Made with room for `room` keys, it grows at need.
    """

    __slots__ = ("_keys", "_numbers", "_size", "_until", "used")

    def __init__(self, kind: Literal["I", "Q"], room: int) -> None:
        self.used = 0
        self._make(kind, int(room * ROOM) + 1)

    def put(self, key: int, number: int) -> None:
        """From now on this is the number of the key."""
        keys, size = self._keys, self._size
        slot = key % size
        while (held := keys[slot]) != key:
            if not held:
                if self.used >= self._until:
                    self._grow()
                    self.put(key, number)
                    return
                keys[slot] = key
                self.used += 1
                break
            slot = slot + 1 if slot + 1 < size else 0
        self._numbers[slot] = number

    def setdefault(self, key: int, number: int) -> int:
        """The number of the key: this one, if it has had none."""
        keys, size = self._keys, self._size
        slot = key % size
        while (held := keys[slot]) != key:
            if not held:
                if self.used >= self._until:
                    self.put(key, number)  # which grows
                    return number
                keys[slot] = key
                self.used += 1
                self._numbers[slot] = number
                return number
            slot = slot + 1 if slot + 1 < size else 0
        return self._numbers[slot]

    def get(self, key: int) -> int | None:
        """The number of a key, if there is one."""
        keys, size = self._keys, self._size
        slot = key % size
        while (held := keys[slot]) != key:
            if not held:
                return None
            slot = slot + 1 if slot + 1 < size else 0
        return self._numbers[slot]

    def items(self) -> Iterator[tuple[int, int]]:
        """All keys and their numbers."""
        for slot, key in enumerate(self._keys):
            if key:
                yield key, self._numbers[slot]

    def _make(self, kind: Literal["I", "Q"], size: int) -> None:
        self._keys = array("q", bytes(8 * size))
        self._numbers = array(kind, [0]) * size
        self._size = size
        self._until = (size - 1) / ROOM
        """Keys; one slot at least stays free."""

    def _grow(self) -> None:
        before = list(self.items())
        self._make("Q" if self._numbers.itemsize == 8 else "I", max(SMALLEST, 2 * self._size))
        keys, numbers, size = self._keys, self._numbers, self._size
        for key, number in before:
            slot = key % size
            while keys[slot]:
                slot = slot + 1 if slot + 1 < size else 0
            keys[slot], numbers[slot] = key, number
