"""Alarms: what a person has to see to, each told once when it begins and once when it is over.

An alarm is known by its kind (what is wrong) and its subject (with what). Raised again while it is open it is
counted, not told again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from twisted.logger import Logger

from gateway.relay.clocks import Clocks

log = Logger(__name__)


@dataclass(slots=True)
class Alarm:
    """One that is open. Times are unix milliseconds; `text` is what was said last."""

    kind: str
    subject: str
    text: str
    raised_at: int
    last_at: int
    count: int = 1
    told_at: int = 0


Told = Callable[[str, Alarm], None]
"""Tells people: `raised`, `reminded` or `recovered`, and the alarm."""


class Alarms:
    """The alarms of one node."""

    def __init__(self, clocks: Clocks) -> None:
        self.clocks = clocks
        self.open: dict[tuple[str, str], Alarm] = {}
        self.counts: Counter[str] = Counter()
        self.told: Told = lambda what, alarm: None

    def alarm(self, kind: str, subject: str, text: str) -> None:
        """Raise an alarm. `kind` and `subject` are plain words without numbers of persons: they are labels
        in the metrics. `text` is a sentence: what happened, where, what to do.
        """
        now = self.clocks.now_ms()
        self.counts[kind] += 1
        known = self.open.get((kind, subject))
        if known is not None:
            known.text, known.last_at = text, now
            known.count += 1
            return
        alarm = self.open[kind, subject] = Alarm(kind, subject, text, now, now)
        log.error("alarm {kind}, {subject}: {text}", kind=kind, subject=subject, text=text)
        self.told("raised", alarm)

    def recovered(self, kind: str, subject: str, text: str = "") -> None:
        """It is over; nothing happens if it is not open."""
        alarm = self.open.pop((kind, subject), None)
        if alarm is None:
            return
        alarm.text, alarm.last_at = text or f"over: {alarm.text}", self.clocks.now_ms()
        log.info("alarm {kind}, {subject} is over: {text}", kind=kind, subject=subject, text=alarm.text)
        self.told("recovered", alarm)
