"""Whether a carrier fails: healthy, suspect, out, and back by one message at a time. Pure.

healthy  <->  suspect: the share of failures is over `suspect`; back under half of it
healthy, suspect -> out: the share is over `out`, or `row` failures in a row
out -> probing: after a pause, which doubles each time that probing fails or is soon undone
probing -> healthy after `probes` good answers, one message at a time; -> out at the first failure
"""

from __future__ import annotations

from enum import Enum

from gateway.settings.carriers import HealthRule
from gateway.smpp.enums import quick

FORGOTTEN = 0.001
"""A share of failures that is as good as none."""


@quick
class Phase(Enum):
    """How far a carrier is trusted."""

    HEALTHY = "healthy"
    SUSPECT = "suspect"
    OUT = "out"
    PROBING = "probing"


HEALTHY = Phase.HEALTHY
"""For what is asked of every message."""


class Trust:
    """What the answers of one carrier say of it. Times are seconds of one clock, which never goes back."""

    __slots__ = (
        "_good",
        "_pause",
        "_recovered",
        "_row",
        "_until",
        "outs",
        "phase",
        "probe",
        "rule",
        "share",
        "since",
    )

    def __init__(self, rule: HealthRule, now: float) -> None:
        self.rule = rule
        self.phase = Phase.HEALTHY
        self.since = now
        self.share = 0.0
        """Of failures among the latest answers."""
        self.probe = False
        """Whether the one message of probing is under way."""
        self.outs = 0
        self._row = 0
        self._good = 0
        self._pause = 0.0
        self._until = 0.0
        self._recovered = now

    def at(self, now: float) -> Phase:
        """The phase at a moment: what was out for its pause may be probed."""
        if self.phase is Phase.OUT and now >= self._until:
            self._enter(Phase.PROBING, now)
            self._good, self.probe = 0, False
        return self.phase

    @property
    def spotless(self) -> bool:
        """Whether another good answer would change nothing."""
        return self.phase is HEALTHY and not self.share and not self._row

    def waits(self, now: float) -> float:
        """Seconds until it may be probed, never more than its pause; 0 if it is not out."""
        return max(0.0, min(self._pause, self._until - now)) if self.phase is Phase.OUT else 0.0

    def took(self) -> None:
        """A message is given to it."""
        self.probe = self.phase is Phase.PROBING

    def gave_back(self) -> None:
        """That message was not sent after all."""
        self.probe = False

    def heard(self, good: bool, sent_at: float, now: float) -> None:
        """The answer to a message that was sent at `sent_at`, or that none came. What was sent before the
        phase began says nothing new of one that is out or probed.
        """
        phase = self.at(now)
        if phase in (Phase.OUT, Phase.PROBING):
            if phase is Phase.PROBING and sent_at >= self.since:
                self._probed(good, now)
            return
        if sent_at < self._recovered:
            return
        self.share += ((0.0 if good else 1.0) - self.share) / self.rule.memory
        if good and self.share < FORGOTTEN:
            self.share = 0.0
        self._row = 0 if good else self._row + 1
        if self._row >= self.rule.row or self.share >= self.rule.out:
            self._pause = self.rule.pause if self._calm(now) else self._longer()
            self._go_out(now)
        elif phase is Phase.HEALTHY and self.share >= self.rule.suspect:
            self._enter(Phase.SUSPECT, now)
        elif phase is Phase.SUSPECT and self.share < self.rule.suspect / 2:
            self._enter(Phase.HEALTHY, now)

    def _probed(self, good: bool, now: float) -> None:
        self.probe = False
        if not good:
            self._pause = self._longer()
            self._go_out(now)
            return
        self._good += 1
        if self._good >= self.rule.probes:
            self._enter(Phase.HEALTHY, now)
            self._recovered = now
            self.share, self._row = 0.0, 0

    def _calm(self, now: float) -> bool:
        """Whether it has been well for so long that its next outage is a new one."""
        return not self._pause or now - self._recovered > self.rule.longest

    def _longer(self) -> float:
        return min(self.rule.longest, max(self.rule.pause, 2 * self._pause))

    def _go_out(self, now: float) -> None:
        self._enter(Phase.OUT, now)
        self._until = now + self._pause
        self.probe = False
        self.outs += 1

    def _enter(self, phase: Phase, now: float) -> None:
        self.phase, self.since = phase, now
