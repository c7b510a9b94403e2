"""Plain counters and small histograms; /metrics reads them when it is asked."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TypeVar

K = TypeVar("K")

BOUNDS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0)
"""Upper bounds of the buckets in seconds; an eighth bucket takes what is longer."""


class Counts(dict[K, int]):
    """A Counter for what happens to every message: into the library's each number goes by way of a method of
    its own, which doubles the cost.
    """

    __slots__ = ()

    def __missing__(self, key: K) -> int:
        return 0


@dataclass(slots=True)
class Latency:
    """How long something took: counts by bucket, and their sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float, times: int = 1) -> None:
        """Count a duration of one thing, or of several that took as long."""
        self.counts[bisect_left(BOUNDS, seconds)] += times
        self.total += seconds * times
