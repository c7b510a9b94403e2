"""What one account has used of its quota and has left of its balance. Pure; money is whole millionths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.settings.quotas import LIMITS, Quota

BALANCE, WAITING = "balance", "waiting"


@dataclass(slots=True)
class Usage:
    """The counts of the current day and month (yyyymmdd, yyyymm), the balance, and what it was when it was
    last topped up. None is ever below zero.
    """

    day: int = 0
    month: int = 0
    messages_per_day: int = 0
    segments_per_day: int = 0
    messages_per_month: int = 0
    segments_per_month: int = 0
    balance: int = 0
    level: int = 0
    waiting: int = 0
    ends: float = 0.0
    """The unix second at which the day is over."""

    def at(self, now: float, zone: str) -> None:
        """Begin a new day or month if the clock says so."""
        if now < self.ends:
            return
        here = datetime.fromtimestamp(now, ZoneInfo(zone))
        day, month = _day(here), _day(here) // 100
        if day != self.day:
            self.day, self.messages_per_day, self.segments_per_day = day, 0, 0
        if month != self.month:
            self.month, self.messages_per_month, self.segments_per_month = month, 0, 0
        tomorrow = (here + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        self.ends = tomorrow.astimezone(UTC).timestamp()

    def take(self, quota: Quota | None, messages: int, segments: int, price: int | None) -> str:
        """Reserve, or say what is used up: a limit's name, `waiting` or `balance`; then none is taken."""
        if price is not None and price > self.balance:
            return BALANCE
        if quota is not None:
            if quota.waiting is not None and self.waiting + segments > quota.waiting:
                return WAITING
            for name in LIMITS:
                most = getattr(quota, name)
                more = messages if name.startswith("messages") else segments
                if most is not None and more and getattr(self, name) + more > most:
                    return name
        self._add(messages, segments)
        self.waiting += segments
        self.balance -= price or 0
        return ""

    def give_back(self, accepted_at: float, zone: str, messages: int, segments: int) -> None:
        """What was accepted at a unix second does not count after all, if its day or month goes on."""
        day = _day(datetime.fromtimestamp(accepted_at, ZoneInfo(zone)))
        if day == self.day:
            self.messages_per_day = max(0, self.messages_per_day - messages)
            self.segments_per_day = max(0, self.segments_per_day - segments)
        if day // 100 == self.month:
            self.messages_per_month = max(0, self.messages_per_month - messages)
            self.segments_per_month = max(0, self.segments_per_month - segments)

    def left(self, segments: int) -> None:
        """So many wait no more."""
        self.waiting = max(0, self.waiting - segments)

    def _add(self, messages: int, segments: int) -> None:
        self.messages_per_day += messages
        self.messages_per_month += messages
        self.segments_per_day += segments
        self.segments_per_month += segments

    def copy(self) -> Usage:
        """As it is now."""
        return replace(self)


def _day(moment: datetime) -> int:
    return moment.year * 10_000 + moment.month * 100 + moment.day
