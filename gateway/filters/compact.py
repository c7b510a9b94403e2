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
LOW = SHARDS - 1
"""Of a key, the bits that tell its shard."""

SMALLEST = 8
"""Slots of a new shard."""

FULLEST = 0.7
GROWTH = 1.8


class Shard:
    """Slots with linear probing. `keys` has 0 in free slots; `cells` has `width` columns for each slot."""

    __slots__ = ("cells", "keys", "size", "used")

    def __init__(self, width: int, size: int = SMALLEST) -> None:
        self.size = size
        self.used = 0
        self.keys = array("q", bytes(8 * size))
        self.cells = array("I", bytes(4 * width * size))


Keep = Callable[[int, "array[int]"], bool]
"""Whether a row, given by its key and its cells, is still wanted."""


class Table:
    """Rows of `width` unsigned 32-bit integers by signed 64-bit keys that are not 0. Not shared between
    threads.

    A row that `keep` does not want may vanish at any time.
    """

    __slots__ = ("_keep", "_key", "_shard", "_shards", "_slot", "width")

    def __init__(self, width: int, keep: Keep | None = None) -> None:
        self.width = width
        self._keep = keep
        self._shards = [Shard(width) for _ in range(SHARDS)]
        self._key, self._shard, self._slot = 0, self._shards[0], 0  # what was looked for last, and its slot

    def __len__(self) -> int:
        return sum(shard.used for shard in self._shards)

    @property
    def octets(self) -> int:
        """Memory held by the rows and free slots."""
        return sum(shard.size * (8 + 4 * self.width) for shard in self._shards)

    def find(self, key: int) -> tuple[array[int], int] | None:
        """The cells in which the row of a key is, and where it begins; good until the next `place`."""
        self._shard = shard = self._shards[key & LOW]
        keys, size = shard.keys, shard.size
        slot = (key >> SHARD_BITS) % size
        while (held := keys[slot]) != key and held:
            slot = slot + 1 if slot + 1 < size else 0
        self._key, self._slot = key, slot
        return (shard.cells, slot * self.width) if held else None

    def place(self, key: int) -> tuple[array[int], int]:
        """The same, but a key without a row gets one of zeros."""
        if key != self._key:  # who counts has just looked
            self.find(key)
        shard, slot = self._shard, self._slot
        if not shard.keys[slot]:
            if shard.used >= shard.size * FULLEST:
                self._shards[key & LOW] = self._rebuilt(shard)
                return self.place(key)
            shard.keys[slot] = key
            shard.used += 1
        return shard.cells, slot * self.width

    def rows(self) -> Iterator[tuple[int, array[int]]]:
        """Every key and a copy of its row."""
        for shard in self._shards:
            yield from self._rows(shard)

    def sweep(self) -> Iterator[int]:
        """Drop the rows that `keep` does not want, one shard a step; yields how many rows are left in it."""
        for index in range(SHARDS):
            shard = self._shards[index] = self._rebuilt(self._shards[index])
            yield shard.used

    def _rows(self, shard: Shard) -> list[tuple[int, array[int]]]:
        cells, width = shard.cells, self.width
        return [
            (key, cells[slot * width : slot * width + width]) for slot, key in enumerate(shard.keys) if key
        ]

    def _rebuilt(self, old: Shard) -> Shard:
        self._key = 0
        rows = self._rows(old)
        if (keep := self._keep) is not None:
            rows = [(key, row) for key, row in rows if keep(key, row)]
        width = self.width
        size = max(SMALLEST, int(len(rows) / FULLEST * GROWTH))
        new = Shard(width, size)
        new.used = len(rows)
        keys, cells = new.keys, new.cells
        for key, row in rows:
            slot = (key >> SHARD_BITS) % size
            while keys[slot]:
                slot = slot + 1 if slot + 1 < size else 0
            keys[slot] = key
            cells[slot * width : slot * width + width] = row
        return new
