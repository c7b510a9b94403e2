"""How fast a carrier is sent to: its rate, halved when it says that it is throttled, and slowly grown again.

Pure: the clock is handed in.
"""

from __future__ import annotations

from gateway.relay.bucket import Bucket

FEW = 20  # a complaint for so many messages says nothing of the rate
APART = 1.0  # seconds between two cuts: the answers to what was under way are one complaint
GROWN_IN = 20.0  # seconds in which what a cut took comes back
LEAST, LEAST_UNLIMITED = 1.0, 20.0  # messages a second that remain, with a configured rate and without


class Pace:
    """`rate` is the configured one, None for none; `limit` what holds now, None for nothing."""

    __slots__ = (
        "_before",
        "_complaints",
        "_count",
        "_cut_at",
        "_grown_at",
        "_second",
        "base",
        "bucket",
        "limit",
        "rate",
    )

    def __init__(self, rate: float | None, now: float) -> None:
        self.limit: float | None = None
        self.bucket: Bucket | None = None
        self.base = 0.0
        self._cut_at = self._grown_at = now - APART
        self._second, self._count, self._before = now, 0, 0
        self._complaints = 0
        self.configure(rate, now)

    def configure(self, rate: float | None, now: float) -> None:
        """Take the rate of a new generation; what was cut is forgotten if it is another."""
        self.rate = rate
        self._drop(now)

    def take(self, now: float) -> bool:
        """Send one message, if it may be sent now."""
        if self.limit is not None:
            self._grow(now)
        if self.bucket is not None and not self.bucket.take(1, now):
            return False
        if now - self._second >= 1.0:
            self._before = self._count if now - self._second < 2.0 else 0
            self._second, self._count = now, 0
            self._complaints //= 2
        self._count += 1
        return True

    def give_back(self) -> None:
        """A message that was taken is not sent."""
        if self.bucket is not None:
            self.bucket.give_back(1)

    def wait(self, now: float) -> float:
        """Seconds until a message may be sent."""
        self._grow(now)
        return 0.0 if self.bucket is None else self.bucket.wait(1, now)

    def throttled(self, now: float) -> None:
        """The carrier complains: half of the rate at most from now on, unless it complains of few only."""
        self._complaints += 1
        if now - self._cut_at < APART or FEW * self._complaints < self._count + self._before:
            return
        least = LEAST if self.rate is not None else LEAST_UNLIMITED
        self.base = self.limit or self.rate or float(max(self._count, self._before))
        self._cut_at = self._grown_at = now
        self._set(max(least, self.base / 2), now)

    def _grow(self, now: float) -> None:
        if self.limit is None or now - self._grown_at < APART:
            return
        limit = self.limit + max(LEAST, self.base / 2 / GROWN_IN) * (now - self._grown_at)
        self._grown_at = now
        enough = self.rate if self.rate is not None else max(2 * self.base, 2 * LEAST_UNLIMITED)
        if limit >= enough:
            self._drop(now)
        else:
            self._set(limit, now)

    def _set(self, limit: float, now: float) -> None:
        self.limit = limit
        burst = limit if self.rate is None else max(1.0, limit / 10)
        if self.bucket is None:
            self.bucket = Bucket(limit, burst, now)
            return
        self.bucket.wait(0, now)  # what has gathered by the old rate
        self.bucket.rate, self.bucket.burst = limit, burst
        self.bucket.tokens = min(self.bucket.tokens, self.bucket.burst)

    def _drop(self, now: float) -> None:
        """The configured rate, or none."""
        self.limit = None
        self.bucket = None
        if self.rate is not None:
            self.bucket = Bucket(self.rate, max(1.0, self.rate / 10), now)
