"""The filter of breakers: promotional messages of what is tripped wait for a person, or are refused."""

from __future__ import annotations

from typing import ClassVar

from gateway.filters.breakers import Trip
from gateway.filters.known import Known
from gateway.filters.persons import Persons
from gateway.filters.verdict import REASONS, Action, Verdict, beside
from gateway.message import Message

PROMOTIONAL = "promotional"
AGAIN = 3600.0  # seconds after which what waits is looked at, though nobody has resumed it
SPREAD = 600.0
GOLDEN = 0.6180339887498949


class Paused:
    """Defers within the validity, or refuses, as the breaker says."""

    name: ClassVar[str] = "paused"

    def __init__(self, persons: Persons, known: Known) -> None:
        self.persons = persons
        self.known = known

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A word only where something is tripped that the message is part of."""
        breakers = self.known.breakers
        if not breakers.trips or message.category != PROMOTIONAL:
            return None
        program = self.persons.program(message)
        trip = breakers.stops(message.account, program)
        said = verdict(trip, message, now) if trip is not None else None
        shadow = breakers.stops(message.account, program, shadow=True) if breakers.shadows else None
        return beside(self.name, said, () if shadow is None else (verdict(shadow, message, now),))


def verdict(trip: Trip, message: Message, now: float) -> Verdict:
    """What becomes of a message that a breaker stops."""
    reason = REASONS["paused"]
    detail = f"{trip.subject}: {trip.why}"
    last = message.expires_at / 1000 - 1
    if trip.refuses or last <= now:
        return Verdict(Action.REFUSE, Paused.name, trip.rule, "", reason, detail)
    until = min(now + AGAIN + message.id * GOLDEN % 1 * SPREAD, last)
    return Verdict(Action.DEFER, Paused.name, trip.rule, "", reason, detail, until)
