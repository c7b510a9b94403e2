"""What an account may do at once and a second, and the status past it."""

from __future__ import annotations

from gateway.smpp.constants import CommandStatus
from simulator.smsc.profile import Limits


class Bucket:
    """A token bucket: `rate` a second, at most `burst` at once. `now` is in seconds of any clock."""

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = max(float(burst), 1.0)
        self._tokens = self._burst
        self._filled_at = now

    def take(self, now: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class Gatekeeper:
    """The limits of one carrier; each account has a bucket of its own."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buckets: dict[str, Bucket] = {}
        self.idle = limits.window is None and limits.rate is None and limits.queue is None

    def check(self, account: str, unanswered: int, messages: int, now: float) -> int:
        """The status for one more message: ESME_ROK, or that of the first limit it exceeds.

        `unanswered` counts the peer's requests on this bind, this one included; `messages` those of the
        carrier that have not come to an end.
        """
        limits = self._limits
        if limits.window is not None and unanswered > limits.window:
            return limits.window_status
        if limits.queue is not None and messages >= limits.queue:
            return limits.queue_status
        if limits.rate is not None:
            bucket = self._buckets.get(account)
            if bucket is None:
                bucket = self._buckets[account] = Bucket(limits.rate, limits.burst, now)
            if not bucket.take(now):
                return limits.rate_status
        return CommandStatus.ESME_ROK
