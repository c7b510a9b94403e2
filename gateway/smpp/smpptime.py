"""The time format of SMPP, absolute and relative (v3.4 section 7.1.1)."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta

PIVOT = 38
"""Years 38 to 99 are of the last century, 00 to 37 of this one (v3.4 appendix C)."""

QUARTER = timedelta(minutes=15)
MOST_QUARTERS = 48
DATE_CHARACTERS = 12
MOST_RELATIVE_DAYS = 31

_TIME = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d)(\d\d)([-+R])", re.ASCII)


def parse_time(text: str, now: datetime) -> datetime | None:
    """The moment that a schedule_delivery_time or a validity_period names, in UTC; None for the empty text.

    A relative time counts from `now`, which has a time zone; its years and months are those of the calendar,
    and its parts may exceed their usual bounds (48 hours). Raises ValueError for all that is no SMPP time.
    """
    if not text:
        return None
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no SMPP time")
    parts = [int(part) for part in match.groups()[:8]]
    return _relative(parts, now) if match[9] == "R" else _absolute(parts, match[9])


def parse_final_date(text: str) -> datetime | None:
    """The final_date of query_sm_resp, in UTC: an absolute time that may lack its last four characters.

    None for the empty text. Raises ValueError for all else, a relative time among it.
    """
    if not text:
        return None
    match = _TIME.fullmatch(f"{text}000+" if len(text) == DATE_CHARACTERS else text)
    if match is None or match[9] == "R":
        raise ValueError(f"{text!r} is no final_date")
    return _absolute([int(part) for part in match.groups()[:8]], match[9])


def format_absolute(moment: datetime) -> str:
    """The absolute form of a moment with a time zone, in UTC, rounded down to a tenth of a second.

    Raises ValueError for a year that the format has no room for: before 1938, after 2037.
    """
    utc = moment.astimezone(UTC)
    if not 1900 + PIVOT <= utc.year < 2000 + PIVOT:
        raise ValueError(f"SMPP has no year {utc.year}")
    return f"{utc:%y%m%d%H%M%S}{utc.microsecond // 100_000}00+"


def format_relative(span: timedelta) -> str:
    """The relative form of a span, in days and less, rounded up to a second so that nothing becomes nothing.

    Raises ValueError for a negative one and for more than 31 days, which only months could say.
    """
    seconds = -(-span // timedelta(seconds=1))
    if not timedelta() <= span <= timedelta(days=MOST_RELATIVE_DAYS):
        raise ValueError(f"SMPP has no relative time of {span}")
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return f"0000{day:02}{hour:02}{minute:02}{second:02}000R"


def _absolute(parts: list[int], sign: str) -> datetime:
    year, month, day, hour, minute, second, tenth, quarters = parts
    if quarters > MOST_QUARTERS:
        raise ValueError(f"{quarters} quarters of an hour from UTC are more than {MOST_QUARTERS}")
    century = 1900 if year >= PIVOT else 2000
    local = datetime(century + year, month, day, hour, minute, second, tenth * 100_000, UTC)
    return local - quarters * QUARTER if sign == "+" else local + quarters * QUARTER


def _relative(parts: list[int], now: datetime) -> datetime:
    year, month, day, hour, minute, second, _, _ = parts
    later = _add_months(now.astimezone(UTC), 12 * year + month)
    return later + timedelta(days=day, hours=hour, minutes=minute, seconds=second)


def _add_months(moment: datetime, months: int) -> datetime:
    years, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + years, month + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))
