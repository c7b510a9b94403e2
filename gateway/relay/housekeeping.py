"""Housekeeping: what has ended leaves the memory, some milliseconds of it at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from gateway.filters.known import Known
from gateway.filters.listed import FILE
from gateway.relay.clocks import Clocks

log = Logger(__name__)

INTERVAL = 3600.0
BREATH = 0.02  # seconds between two steps, each of some milliseconds


class Housekeeping:
    """Once an hour: counts that no limit looks at any more, and entries of lists that have ended."""

    def __init__(self, known: Callable[[], Known], clocks: Clocks) -> None:
        self.known = known
        self.clocks = clocks
        self.counts: Counter[str] = Counter()
        self._loop = LoopingCall(self._turn)
        self._loop.clock = clocks.timer  # type: ignore[assignment]
        self._busy = False

    def start(self) -> None:
        """Begin."""
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> None:
        """End."""
        if self._loop.running:
            self._loop.stop()

    def _turn(self) -> None:
        if not self._busy:
            self._busy = True
            done = Deferred.fromCoroutine(self.tidy())
            done.addErrback(lambda failure: log.failure("housekeeping failed", failure))
            done.addBoth(self._done)

    def _done(self, _: object) -> None:
        self._busy = False

    async def tidy(self) -> None:
        """All of it once."""
        known = self.known()
        now = self.clocks.wall()
        before = sum(len(counter) for counter in known.counters())
        for counter in known.counters():
            await self._slowly(counter.sweep(now))
        self.counts["counts"] += max(0, before - sum(len(counter) for counter in known.counters()))
        for suppressions in (known.suppressions, known.shadowed):
            self.counts["entries"] += await self._slowly(suppressions.tidy(now, FILE))

    async def _slowly(self, steps: Iterator[int]) -> int:
        total = 0
        for step in steps:
            total += step
            if not self._loop.running:
                break
            await deferLater(self.clocks.timer, BREATH)  # type: ignore[arg-type]
        return total
