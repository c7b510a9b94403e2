"""What was last said of each of very many pairs of numbers, in a few dozen octets each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class Remembered(Generic[V]):
    """The values of the `most` pairs that were put last, and of up to as many before them.

    Pairs are known by 64 bits of a hash: among 200,000 the chance that any two share one is one in a billion.
    Who was put long ago goes with many others, so that no order has to be kept of them.
    """

    __slots__ = ("_earlier", "_latest", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self._latest: dict[int, V] = {}
        self._earlier: dict[int, V] = {}

    def __len__(self) -> int:
        return len(self._latest.keys() | self._earlier.keys())

    def put(self, one: str, other: str, value: V) -> None:
        """From now on this is the value."""
        self._latest[hash((one, other))] = value
        if len(self._latest) >= self.most:
            self._earlier, self._latest = self._latest, {}

    def get(self, one: str, other: str) -> V | None:
        """The value, if it is remembered."""
        pair = hash((one, other))
        found = self._latest.get(pair)
        return self._earlier.get(pair) if found is None else found

    def beneath(self, before: Remembered[V], both: Callable[[V, V], V] = lambda was, now: now) -> None:
        """Take in what was known `before` all that is here; `both` makes one value of what was and is."""
        known = before._earlier | before._latest
        for values in (self._earlier, self._latest):
            for pair, value in values.items():
                if pair in known:
                    values[pair] = both(known[pair], value)
        self._earlier = known | self._earlier
