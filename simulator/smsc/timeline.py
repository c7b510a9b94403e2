"""What is to happen later: thousands of small things a second behind a single timer of the clock."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

from twisted.logger import Logger

from gateway.smpp.protocol import Clock


class Timeline:
    """Calls in the order of their time, then of their entry.

    The clock's own timers are kept for few things; here an entry costs a push on a heap, and all that
    falls due within one `grain` (seconds) runs in one go, so that what it writes can leave in one write.
    `after_each` is called when such a run is over.
    """

    _log = Logger()

    def __init__(
        self, clock: Clock, grain: float = 0.005, after_each: Callable[[], None] = lambda: None
    ) -> None:
        self._clock = clock
        self._grain = grain
        self._after_each = after_each
        self._entries: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()
        self._timer: Any = None
        self._timer_due = 0.0

    def __len__(self) -> int:
        return len(self._entries)

    def later(self, delay: float, call: Callable[..., None], *arguments: Any) -> None:
        """Call after so many seconds, never at once."""
        due = self._clock.seconds() + delay
        heapq.heappush(self._entries, (due, next(self._order), call, arguments))
        if self._timer is None or due < self._timer_due:
            self._wind()

    def stop(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._unwind()

    def _wind(self) -> None:
        self._unwind()
        if self._entries:
            self._timer_due = self._entries[0][0]
            delay = max(self._timer_due - self._clock.seconds(), 0.0) + self._grain
            self._timer = self._clock.callLater(delay, self._run)

    def _unwind(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _run(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        entries = self._entries
        while entries and entries[0][0] <= now:
            _, _, call, arguments = heapq.heappop(entries)
            try:
                call(*arguments)
            except Exception:
                self._log.failure("a call of the timeline failed")
        self._after_each()
        self._wind()
