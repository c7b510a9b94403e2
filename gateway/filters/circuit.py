"""A breaker for a service that fails: asked no more for a while, then tried once, then asked as before."""

from __future__ import annotations

from enum import Enum


class Position(Enum):
    """closed: asked. open: not asked. half-open: one question is on its way, to see."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    OPEN = "open"


class Circuit:
    """Opens after `failures` in a row, for `pause` seconds; twice as long after each trial that fails, up to
    `longest`. Time is handed in, in seconds of one clock.
    """

    __slots__ = ("_in_a_row", "_pause", "failures", "longest", "opens_at", "pause", "position")

    def __init__(self, failures: int = 5, pause: float = 30.0, longest: float = 600.0) -> None:
        self.failures = failures
        self.pause = pause
        self.longest = max(longest, pause)
        self.position = Position.CLOSED
        self.opens_at = 0.0
        self._in_a_row = 0
        self._pause = pause

    def refuses(self, now: float) -> bool:
        """Whether it is open, and not yet time for a trial. Changes nothing."""
        return self.position is Position.OPEN and now < self.opens_at

    def may_ask(self, now: float) -> bool:
        """Whether a question may go out now; when it is time for the trial, this is it."""
        if self.position is Position.CLOSED:
            return True
        if self.position is Position.OPEN and now >= self.opens_at:
            self.position = Position.HALF_OPEN
            return True
        return False

    def succeeded(self) -> None:
        """A question was answered."""
        self.position = Position.CLOSED
        self._in_a_row = 0
        self._pause = self.pause

    def failed(self, now: float) -> None:
        """A question was not answered."""
        self._in_a_row += 1
        if self.position is Position.HALF_OPEN:
            self._pause = min(2 * self._pause, self.longest)
        elif self.position is Position.OPEN or self._in_a_row < self.failures:
            return  # one that was on its way when it opened says nothing new
        self.position = Position.OPEN
        self.opens_at = now + self._pause
