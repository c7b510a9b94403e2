"""What belongs to a number: to the longest of its prefixes, or to itself alone."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Generic, TypeVar

Value = TypeVar("Value")

SHARDS = 1024
VALUE_BITS = 14  # 15 digits take 50 bits of 64
MOST_VALUES = 1 << VALUE_BITS


class Prefixes(Generic[Value]):
    """Values by prefix; the longest prefix of a number counts."""

    __slots__ = ("__weakref__", "_values", "_widths")

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values
        self._widths = sorted({len(prefix) for prefix in values}, reverse=True)

    def find(self, digits: str) -> Value | None:
        """The value of the longest prefix of `digits`, or None."""
        find = self._values.get
        for width in self._widths:
            value = find(digits[:width])
            if value is not None:
                return value
        return None

    def own(self, prefix: str) -> Value | None:
        """The value of just this prefix, or None."""
        return self._values.get(prefix)

    def items(self) -> Iterator[tuple[str, Value]]:
        """Every prefix and its value."""
        return iter(self._values.items())

    def __len__(self) -> int:
        return len(self._values)


class Numbers:
    """Values of single numbers in eight octets each: sorted arrays, so that millions fit.

    Filled number by number, then `settle` sorts one shard a step, so that no step takes long.
    """

    __slots__ = ("__weakref__", "_ids", "_shards", "values")

    def __init__(self) -> None:
        self.values: list[str] = []
        self._ids: dict[str, int] = {}
        self._shards = [array("Q") for _ in range(SHARDS)]

    def add(self, number: int, value: str) -> None:
        """Take one number. Raises ValueError when there are too many different values."""
        id = self._ids.get(value)
        if id is None:
            if len(self.values) >= MOST_VALUES:
                raise ValueError(f"there are more than {MOST_VALUES} different values")
            id = self._ids[value] = len(self.values)
            self.values.append(value)
        self._shards[number % SHARDS].append(number << VALUE_BITS | id)

    def settle(self) -> Iterator[int]:
        """Sort, and yield each number that was added more than once."""
        for at, shard in enumerate(self._shards):
            self._shards[at] = shard = array("Q", sorted(shard))
            numbers = [packed >> VALUE_BITS for packed in shard]
            yield from (one for one, other in pairwise(numbers) if one == other)

    def find(self, digits: str) -> str | None:
        """The value of a number, or None."""
        try:
            number = int(digits)
        except ValueError:
            return None
        shard = self._shards[number % SHARDS]
        at = bisect_left(shard, number << VALUE_BITS)
        if at < len(shard) and shard[at] >> VALUE_BITS == number:
            return self.values[shard[at] & MOST_VALUES - 1]
        return None

    def __len__(self) -> int:
        return sum(map(len, self._shards))
