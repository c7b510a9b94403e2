"""A token bucket, pure: how much may be done now, and how long to wait for more."""

from __future__ import annotations


class Bucket:
    """`rate` tokens a second, at most `burst` of them saved up; debts are allowed down to `-debt`."""

    __slots__ = ("_at", "burst", "debt", "rate", "tokens")

    def __init__(self, rate: float, burst: float, now: float, debt: float = 0.0) -> None:
        self.rate = rate
        self.burst = max(burst, 1.0)
        self.debt = debt
        self.tokens = self.burst
        self._at = now

    def take(self, count: float, now: float) -> bool:
        """Take `count` tokens if the debt allows it."""
        self._fill(now)
        if self.tokens - count < -self.debt:
            return False
        self.tokens -= count
        return True

    def give_back(self, count: float) -> None:
        """Return tokens that were taken and not used."""
        self.tokens = min(self.burst, self.tokens + count)

    def wait(self, count: float, now: float) -> float:
        """Seconds until `count` tokens are there without a debt."""
        self._fill(now)
        return max(0.0, (count - self.tokens) / self.rate)

    def _fill(self, now: float) -> None:
        if now > self._at:
            self.tokens = min(self.burst, self.tokens + (now - self._at) * self.rate)
            self._at = now
