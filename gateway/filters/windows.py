"""When a message may be sent: windows of the day in the recipient's own time.

A WindowSet answers for instants (unix seconds) and IANA zones. An instant is open when, in every zone the
recipient may be in, the wall clock is inside a window of every layer (a statute, a state's stricter hours, a
tenant's own). Windows are half-open, `from` included and `to` not; one whose `to` is not after its `from`
runs into the next day and belongs to the day it began. The offset of a zone is looked up at the instant in
question, so that on the day clocks change the window still opens when the wall clock says so: no hours are
ever added to an instant.

Everything here is a pure function of its arguments; WindowSet only remembers what it has worked out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.filters.calendars import WEEK, Calendar, Day

DAY = 86400
"""Seconds of a UTC day, and of a day on a wall clock (a day with a change of clocks reads no others)."""

HORIZON = 35
"""Days looked ahead: windows that never open together in five weeks never do."""

REMEMBERED = 4096
"""Days of zones remembered in one set."""

_EPOCH = date(1970, 1, 1).toordinal()

Span = tuple[int, int]
"""Seconds, the first included, the last not."""


class Window(NamedTuple):
    """`start` and `end` are minutes after midnight, 0..1440, on each of `days`."""

    days: frozenset[Day]
    start: int
    end: int


def parse_clock(text: str) -> int:
    """Minutes after midnight of "08:00"; "24:00" is 1440. Raises ValueError."""
    hours, colon, minutes = text.partition(":")
    if colon and len(minutes) == 2 and (hours + minutes).isascii() and (hours + minutes).isdigit():
        total = int(hours) * 60 + int(minutes)
        if int(minutes) < 60 and total <= 1440 and len(hours) <= 2:
            return total
    raise ValueError(f"'{text}' is no time of day: write it as 08:00, up to 24:00")


def parse_days(text: str) -> frozenset[Day]:
    """The days of "mon-sat", "mon-fri, holiday", "sun", "daily" (all seven). Raises ValueError.

    "holiday" counts only where the window has a calendar; there, a holiday is no weekday.
    """
    days: set[Day] = set()
    for part in text.replace(" ", "").lower().split(","):
        first, dash, last = part.partition("-")
        try:
            if part == "daily":
                days |= WEEK
            elif dash:
                begin, end = Day[first.upper()], Day[last.upper()]
                if Day.HOLIDAY in (begin, end):
                    raise KeyError(part)
                days |= {Day((begin + step) % 7) for step in range((end - begin) % 7 + 1)}
            else:
                days.add(Day[first.upper()])
        except KeyError:
            raise ValueError(f"'{part}' is no day: use mon to sun, holiday, daily, or mon-fri") from None
    return frozenset(days)


def window(days: str, start: str, end: str) -> Window:
    """A window as files write it. Raises ValueError."""
    found = Window(parse_days(days), parse_clock(start), parse_clock(end))
    if found.start == found.end or found.start == 1440 or found.end == 0:
        raise ValueError(f"from {start} to {end} is no window: a whole day is from 00:00 to 24:00")
    return found


@dataclass(frozen=True, slots=True)
class Layer:
    """One rule's windows. With a calendar, holidays are days of their own.

    Before the local date `since` and from the local date `until` on the rule does not speak: everything is
    open.
    """

    windows: tuple[Window, ...]
    calendar: Calendar | None = None
    since: date | None = None
    until: date | None = None

    def spans(self, day: date) -> list[Span]:
        """The open seconds of the wall clock on a local date, some of which may overlap."""
        if (self.since and day < self.since) or (self.until and day >= self.until):
            return [(0, DAY)]
        today, before = self._kind(day), self._kind(date.fromordinal(day.toordinal() - 1))
        found = []
        for days, start, end in self.windows:
            if end > start:
                if today in days:
                    found.append((start * 60, end * 60))
                continue
            if today in days:
                found.append((start * 60, DAY))
            if before in days:
                found.append((0, end * 60))
        return found

    def _kind(self, day: date) -> Day:
        return self.calendar.day(day) if self.calendar else Day(day.weekday())


class WindowSet:
    """Layers that must all be open. Immutable; not shared between threads."""

    __slots__ = ("_local", "_spans", "layers")

    def __init__(self, layers: Iterable[Layer]) -> None:
        self.layers = tuple(layers)
        self._local: dict[int, list[Span]] = {}
        self._spans: dict[tuple[tuple[str, ...], int], list[Span]] = {}

    def __and__(self, other: WindowSet) -> WindowSet:
        """The set that is open where both are."""
        return WindowSet(self.layers + other.layers)

    def spans(self, zones: tuple[str, ...], day: int) -> list[Span]:
        """The open spans of UTC day `day` (days since 1970) in all `zones`, in unix seconds, ascending,
        apart."""
        key = (zones, day)
        found = self._spans.get(key)
        if found is None:
            if len(self._spans) >= REMEMBERED:
                self._spans.clear()
                self._local.clear()
            found = [(day * DAY, (day + 1) * DAY)]
            for zone in zones:
                found = intersect(found, self._zone_spans(zone, day)) if found else []
            self._spans[key] = found
        return found

    def _zone_spans(self, name: str, day: int) -> list[Span]:
        found = []
        for begin, end, offset in steady(ZoneInfo(name), day * DAY, (day + 1) * DAY):
            for local in range((begin + offset) // DAY, (end - 1 + offset) // DAY + 1):
                midnight = local * DAY - offset
                for first, last in self._local_spans(local):
                    span = max(begin, midnight + first), min(end, midnight + last)
                    if span[0] < span[1]:
                        found.append(span)
        return merge(found)

    def _local_spans(self, local: int) -> list[Span]:
        found = self._local.get(local)
        if found is None:
            found = [(0, DAY)]
            for layer in self.layers:
                found = intersect(found, merge(layer.spans(date.fromordinal(_EPOCH + local))))
            self._local[local] = found
        return found


def steady(zone: ZoneInfo, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The parts (first, end, offset in seconds) of a UTC day in which the zone keeps one offset: one, seldom
    two."""
    at_begin, at_end = offset_at(zone, begin), offset_at(zone, end - 1)
    if at_begin == at_end:
        yield begin, end, at_begin
        return
    low, high = begin, end - 1
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(zone, middle) == at_begin:
            low = middle
        else:
            high = middle
    yield begin, high, at_begin
    yield high, end, at_end


def offset_at(zone: ZoneInfo, instant: int) -> int:
    """Seconds east of UTC at an instant."""
    local = datetime.fromtimestamp(instant, UTC).astimezone(zone)
    return int(local.utcoffset().total_seconds())  # type: ignore[union-attr]


def merge(spans: list[Span]) -> list[Span]:
    """Spans in order, those that touch joined."""
    joined: list[Span] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def intersect(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """What both have; each is ascending and apart."""
    found = []
    for first, last in one:
        for begin, end in other:
            if begin >= last:
                break
            if end > first:
                found.append((max(first, begin), min(last, end)))
    return found


def opening(windows: WindowSet, zones: tuple[str, ...], now: float) -> float | None:
    """The first open instant not before `now` (unix seconds): `now` itself, a later one, or None for never.

    `zones` are all zones the recipient may be in. Never means not within HORIZON days: the zones' windows do
    not meet. Raises ValueError without a zone and KeyError (ZoneInfoNotFoundError) for one that does not
    exist.
    """
    if not zones:
        raise ValueError("no time zone")
    today = int(now // DAY)
    for day in range(today, today + HORIZON):
        for first, last in windows.spans(zones, day):
            if last > now:
                return now if first <= now else float(first)
    return None


def closing(windows: WindowSet, zones: tuple[str, ...], instant: float) -> float:
    """The end of the open stretch that an open `instant` is in; `instant` itself when it is not open.

    A stretch longer than HORIZON days ends there.
    """
    end = instant
    today = int(instant // DAY)
    for day in range(today, today + HORIZON):
        reached = [last for first, last in windows.spans(zones, day) if first <= end < last]
        if not reached:
            break
        end = float(reached[0])
        if reached[0] < (day + 1) * DAY:
            break
    return end


def release(opens: float, closes: float, spread: float, fraction: float) -> float:
    """When one of many deferred messages leaves: spread over the first `spread` seconds of the opening.

    `fraction` in [0, 1) is the message's own (random, or drawn from its id), `closes` the closing of the
    window or the message's deadline, whichever is first; the result is not after it. Raises ValueError when
    `closes` is not after `opens`.
    """
    if closes <= opens:
        raise ValueError("the window closes before it opens")
    return opens + fraction * min(spread, closes - opens)
