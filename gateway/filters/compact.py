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


Held = list[tuple[int, int]]
"""Rows, by their keys and where they begin."""

Kept = Callable[["array[int]", Held], Held]
"""Which of the rows in some cells are still wanted."""


class Table:
    """Rows of `width` unsigned 32-bit integers by signed 64-bit keys that are not 0. Not shared between
    threads.

    Rows that `kept` leaves out may vanish at any time.
    """

    __slots__ = ("_kept", "_key", "_shard", "_shards", "_slot", "width")

    def __init__(self, width: int, kept: Kept | None = None) -> None:
        self.width = width
        self._kept = kept
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
            for slot, key in enumerate(shard.keys):
                if key:
                    yield key, shard.cells[slot * self.width : (slot + 1) * self.width]

    def sweep(self) -> Iterator[int]:
        """Drop the rows that `kept` leaves out, one shard a step; yields how many rows are left in it."""
        for index in range(SHARDS):
            shard = self._shards[index] = self._rebuilt(self._shards[index])
            yield shard.used

    def _rebuilt(self, old: Shard) -> Shard:
        self._key = 0
        width, cells = self.width, old.cells
        held = [(key, slot * width) for slot, key in enumerate(old.keys) if key]
        if self._kept is not None:
            held = self._kept(cells, held)
        size = max(SMALLEST, int(len(held) / FULLEST * GROWTH))
        new = Shard(width, size)
        new.used = len(held)
        keys, octets, item = new.keys, cells.tobytes(), cells.itemsize
        rows = [bytes(item * width)] * size  # as octets: so many small arrays would cost more
        for key, at in held:
            slot = (key >> SHARD_BITS) % size
            while keys[slot]:
                slot = slot + 1 if slot + 1 < size else 0
            keys[slot] = key
            rows[slot] = octets[item * at : item * (at + width)]
        new.cells = array("I", b"".join(rows))
        return new
