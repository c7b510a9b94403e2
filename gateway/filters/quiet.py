"""The filter of quiet hours: outside the recipient's windows a message waits for the next one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from gateway.filters.persons import REMEMBERED, Person, Persons, Standing
from gateway.filters.rulebook import Hours, Ruled
from gateway.filters.verdict import REASONS, Action, Verdict, beside
from gateway.filters.windows import closing, opening, release
from gateway.message import Message
from gateway.settings.protection import Quiet as Settings

GOLDEN = 0.6180339887498949
URGENT = 1


class Quiet:
    """Defers, or refuses where the next window opens too late."""

    name: ClassVar[str] = "quiet"

    def __init__(self, persons: Persons, settings: Settings) -> None:
        self.persons = persons
        self.settings = settings
        self._open: dict[Standing, tuple[float, float]] = {}

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A deferral to a moment in the next window that is this message's own, or a refusal."""
        person = self.persons.person(message)
        if person is None:
            return None
        standing = person.standing
        if self.spares(standing, now):
            return None
        verdict = self._judge(person, message, now) if standing.rules.hours is not None else None
        if standing.rules.shadows:
            return beside(self.name, verdict, list(self._shadows(person, now)))
        return verdict

    def spares(self, standing: Standing, now: float) -> bool:
        """Whether it is known to be open there, or does not matter."""
        known = self._open.get(standing)
        if known is not None and known[0] <= now < known[1]:
            return True
        rules = standing.rules
        return standing.tier == URGENT or (rules.hours is None and not rules.shadows)

    def _shadows(self, person: Person, now: float) -> Iterator[Verdict]:
        """What windows in shadow, each for itself, would have made wait."""
        for ruled, windows in person.rules.shadows if person.zones else ():
            opens = opening(windows, person.zones, now)
            if opens != now:
                detail = f"closed until {_local(opens, person)}" if opens is not None else "never open"
                reason = REASONS["quiet_hours"]
                yield Verdict(Action.DEFER, self.name, ruled.name, ruled.place, reason, detail, opens)

    def _judge(self, person: Person, message: Message, now: float) -> Verdict | None:
        if not person.zones:
            return self._refuse("no time zone", "", "nobody knows what time it is there")
        hours = person.rules.when(person.zones, now, message.expires_at / 1000)
        if hours.opens == now:
            if hours.doubtful:
                return self._doubt(hours)
            self._remember(person.standing, now)
            return None
        ruled = hours.closed[0]
        if hours.opens is None:
            return self._refuse(ruled.name, ruled.place, "no window opens before its validity ends")
        if self.settings.outside == "refuse":
            return self._refuse(ruled.name, ruled.place, f"closed until {_local(hours.opens, person)}")
        return self._defer(message, person, hours, ruled)

    def _remember(self, standing: Standing, now: float) -> None:
        """It is open there from now on, until it closes. Windows in shadow are always asked."""
        hours = standing.rules.hours
        if hours is None or standing.rules.shadows:
            return
        if len(self._open) > REMEMBERED:
            self._open.clear()
        self._open[standing] = now, closing(hours, standing.zones, now)

    def _defer(self, message: Message, person: Person, hours: Hours, ruled: Ruled) -> Verdict:
        assert hours.opens is not None
        windows = person.rules.sure_hours if hours.doubtful else person.rules.hours
        closes = (hours.opens + message.expires_at / 1000) / 2  # the rest of its validity is for its carrier
        if windows is not None:
            closes = min(closes, closing(windows, person.zones, hours.opens))
        # The golden ratio spreads ids that follow each other evenly over any spread.
        until = release(hours.opens, closes, self.settings.spread, message.id * GOLDEN % 1)
        detail = f"closed until {_local(hours.opens, person)}"
        reason = REASONS["quiet_hours"]
        return Verdict(Action.DEFER, self.name, ruled.name, ruled.place, reason, detail, until)

    def _doubt(self, hours: Hours) -> Verdict:
        ruled = hours.closed[0]
        detail = "only unsure rules forbid this hour, and a later one would be too late"
        return Verdict(Action.WARN, self.name, ruled.name, ruled.place, None, detail)

    def _refuse(self, rule: str, place: str, detail: str) -> Verdict:
        return Verdict(Action.REFUSE, self.name, rule, place, REASONS["quiet_hours"], detail)


def _local(moment: float, person: Person) -> str:
    zone = person.zones[0]
    more = f" and {len(person.zones) - 1} zones more" if len(person.zones) > 1 else ""
    return f"{datetime.fromtimestamp(moment, ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}{more}"
