"""The conditions of a rule that no index holds: what the text, the PDU and the clock must be like.

Words and scripts are none: the router looks for those of several rules at once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from math import inf
from zoneinfo import ZoneInfo

from gateway.message import Message
from gateway.settings.patterns import LONGEST
from gateway.settings.routing import WEEKDAYS, Dates, Hours, Match

Condition = Callable[[Message, float], bool]
"""Whether a message fits at a moment in unix seconds."""


def conditions_of(match: Match) -> tuple[Condition, ...]:
    """What is left of a match when account, category and destination fit, the cheapest first."""
    return tuple(_conditions(match))


def _conditions(match: Match) -> Iterator[Condition]:
    if match.data_coding:
        codings = frozenset(match.data_coding)
        yield lambda message, now: getattr(message.pdu, "data_coding", 0) in codings
    if match.source:
        yield _source(match.source)
    if match.segments is not None:
        yield _segments(match.segments.least, match.segments.most)
    for tag, value in match.tlvs.items():
        yield _tlv(tag, value)
    if match.hours:
        yield _Hours(match.hours)
    if match.dates:
        edges = _edges(map(_dates, match.dates))
        yield lambda message, now: bisect_right(edges, now) & 1 == 1
    if match.text is not None:
        search = match.text.search
        yield lambda message, now: search(message.text or "", 0, LONGEST) is not None


def _source(sources: tuple[str, ...]) -> Condition:
    exact = frozenset(source for source in sources if not source.endswith("*"))
    prefixes = tuple(source[:-1] for source in sources if source.endswith("*"))
    return lambda message, now: message.source in exact or message.source.startswith(prefixes)


def _segments(least: int, most: int | None) -> Condition:
    def fits(message: Message, now: float) -> bool:
        count = message.part.total if message.part is not None else 1
        return least <= count and (most is None or count <= most)

    return fits


def _tlv(tag: int, value: str | None) -> Condition:
    wanted: tuple[bytes, ...] = ()
    if value is not None:
        wanted = (value.encode(), value.encode() + b"\0")
        if value.startswith("0x"):
            wanted = (bytes.fromhex(value[2:]),)
    return lambda message, now: any(
        tlv.tag == tag and (not wanted or tlv.value in wanted) for tlv in message.pdu.tlvs
    )


class _Hours:
    """Whether some hours hold, found once a minute: no zone's clock differs from another's by less."""

    def __init__(self, hours: Iterable[Hours]) -> None:
        self._spans = tuple(map(_hours, hours))
        self._last = (-1.0, False)  # a minute, and whether they hold in it

    def __call__(self, message: Message, now: float) -> bool:
        minute = now // 60
        last = self._last
        if last[0] != minute:
            last = self._last = minute, any(span(minute * 60) for span in self._spans)
        return last[1]


def _hours(hours: Hours) -> Callable[[float], bool]:
    """Whether a moment lies in the hours; the days are those on which they begin."""
    zone = ZoneInfo(hours.zone)
    days = frozenset(WEEKDAYS.index(day) for day in hours.days)
    since, until = _minutes(hours.since), _minutes(hours.until)

    def within(now: float) -> bool:
        local = datetime.fromtimestamp(now, zone)
        minute = local.hour * 60 + local.minute
        if since < until:
            return since <= minute < until and local.weekday() in days
        if minute >= since:
            return local.weekday() in days
        return minute < until and (local - timedelta(days=1)).weekday() in days

    return within


def _dates(dates: Dates) -> tuple[float, float]:
    """The unix seconds between which the days lie."""

    def midnight(day: date) -> float:
        return datetime.combine(day, time(), ZoneInfo(dates.zone)).timestamp()

    since = -inf if dates.since is None else midnight(dates.since)
    return since, inf if dates.until is None else midnight(dates.until)


def _edges(stretches: Iterable[tuple[float, float]]) -> list[float]:
    """Where what is in some stretch of time begins and ends, by turns."""
    edges: list[float] = []
    for since, until in sorted(stretches):
        if edges and since <= edges[-1]:
            edges[-1] = max(edges[-1], until)
        else:
            edges += since, until
    return edges


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
