"""A hash table of rows of small integers, for millions of them.

A dict of ten million Python objects takes over a gigabyte. Here a row takes eight octets for its key and
four for each column, in arrays that are 40 to 70 % full. The table is cut into shards, so that growing one
copies some thousand rows and stalls nothing; rows are dropped when their shard is swept or grows.

Keys are what `hash` gives, 64 bits and never 0: at ten million rows the chance that any two keys share one
is about three in a million.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator

SHARD_BITS = 10
SHARDS = 1 << SHARD_BITS
SMALLEST = 8
"""Slots of a new shard."""

FULLEST = 0.7
GROWTH = 1.8


class Shard:
    """Slots with linear probing. `keys` has 0 in free slots; `cells` has `width` columns for each slot."""

    __slots__ = ("cells", "keys", "size", "used", "width")

    def __init__(self, width: int, size: int = SMALLEST) -> None:
        self.width = width
        self.size = size
        self.used = 0
        self.keys = array("q", bytes(8 * size))
        self.cells = array("I", bytes(4 * width * size))

    def find(self, key: int) -> int:
        """Where in `cells` the row of a key begins, or -1."""
        keys, size = self.keys, self.size
        slot = (key >> SHARD_BITS) % size
        while True:
            held = keys[slot]
            if held == key:
                return slot * self.width
            if not held:
                return -1
            slot = slot + 1 if slot + 1 < size else 0

    def place(self, key: int) -> int:
        """The same for a key that is not in yet: its new row, all zeros. There must be a free slot."""
        keys, size = self.keys, self.size
        slot = (key >> SHARD_BITS) % size
        while keys[slot]:
            slot = slot + 1 if slot + 1 < size else 0
        keys[slot] = key
        self.used += 1
        return slot * self.width


Keep = Callable[[int, "array[int]"], bool]
"""Whether a row, given by its key and its cells, is still wanted."""


class Table:
    """Rows of `width` unsigned 32-bit integers by signed 64-bit keys that are not 0. Not shared between
    threads.

    A row that `keep` does not want may vanish at any time.
    """

    __slots__ = ("_at", "_cells", "_keep", "_key", "_shards", "width")

    def __init__(self, width: int, keep: Keep | None = None) -> None:
        self.width = width
        self._keep = keep
        self._shards = [Shard(width) for _ in range(SHARDS)]
        self._key, self._cells, self._at = 0, self._shards[0].cells, 0  # the last row that was found

    def __len__(self) -> int:
        return sum(shard.used for shard in self._shards)

    @property
    def octets(self) -> int:
        """Memory held by the rows and free slots."""
        return sum(shard.size * (8 + 4 * self.width) for shard in self._shards)

    def find(self, key: int) -> tuple[array[int], int] | None:
        """The cells in which the row of a key is, and where it begins; good until the next `place`."""
        shard = self._shards[key & SHARDS - 1]  # what Shard.find does, without the call
        keys = shard.keys
        slot = (key >> SHARD_BITS) % shard.size
        while (held := keys[slot]) != key:
            if not held:
                return None
            slot = slot + 1 if slot + 1 < shard.size else 0
        self._key = key
        self._cells = cells = shard.cells
        self._at = at = slot * self.width
        return cells, at

    def place(self, key: int) -> tuple[array[int], int]:
        """The same, but a key without a row gets one of zeros."""
        if key == self._key:  # who counts has just looked
            return self._cells, self._at
        index = key & SHARDS - 1
        shard = self._shards[index]
        at = shard.find(key)
        if at < 0:
            if shard.used >= shard.size * FULLEST:
                shard = self._shards[index] = self._rebuilt(shard)
            at = shard.place(key)
        return shard.cells, at

    def rows(self) -> Iterator[tuple[int, array[int]]]:
        """Every key and a copy of its row."""
        for shard in self._shards:
            for slot, key in enumerate(shard.keys):
                if key:
                    yield key, shard.cells[slot * self.width : (slot + 1) * self.width]

    def sweep(self) -> Iterator[int]:
        """Drop the rows that `keep` does not want, one shard a step; yields how many rows are left in it."""
        for index in range(SHARDS):
            shard = self._shards[index] = self._rebuilt(self._shards[index])
            yield shard.used

    def _rebuilt(self, old: Shard) -> Shard:
        self._key = 0
        width, keep, cells = self.width, self._keep, old.cells
        rows = [(key, slot * width) for slot, key in enumerate(old.keys) if key]
        if keep is not None:
            rows = [(key, at) for key, at in rows if keep(key, cells[at : at + width])]
        new = Shard(width, max(SMALLEST, int(len(rows) / FULLEST * GROWTH)))
        for key, at in rows:
            to = new.place(key)
            new.cells[to : to + width] = cells[at : at + width]
        return new
