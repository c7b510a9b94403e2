"""Which kind of day a date is in a country: its weekday, a public holiday, a weekend day that is worked.

The `holidays` library knows; it is imported and asked for a year when a date of that year is first looked at.
What a file says overrides it: governments move days at short notice, and publish next year's swaps in its
last weeks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import date, timedelta
from enum import IntEnum
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class Day(IntEnum):
    """Kinds of day. MON to SUN are date.weekday()."""

    MON = 0
    TUE = 1
    WED = 2
    THU = 3
    FRI = 4
    SAT = 5
    SUN = 6
    HOLIDAY = 7


WEEK = frozenset(day for day in Day if day is not Day.HOLIDAY)
MONTH = timedelta(days=31)


def _library(country: str, region: str) -> Any:
    """The library's calendar; raises ValueError for a country or region it does not know."""
    _one_by_one("holidays.countries")
    import holidays  # 70 ms: only where a rule asks for holidays

    try:
        return holidays.country_holidays(country, subdiv=region or None)
    except NotImplementedError:
        raise ValueError(f"no holidays are known for {' '.join((country, region)).strip()}") from None


def _one_by_one(package: str) -> None:
    """Let the modules of a package of the library be imported each by itself, as its registry asks for them.
    The package would import all of its 250 countries when the first is asked for: 7 MiB.
    """
    if package not in sys.modules:
        parent, _, name = package.rpartition(".")
        spec = find_spec(parent)
        bare = sys.modules[package] = ModuleType(package)
        bare.__path__ = [f"{place}/{name}" for place in (spec and spec.submodule_search_locations) or ()]


class Calendar:
    """The days of a country, or of one of its regions ("MH" in "IN").

    `holidays` and `workdays` override the library; a workday is no holiday, and where it falls on a weekend
    it counts as a Monday. Without a country there are only the overrides.
    """

    __slots__ = ("_days", "_holidays", "_known", "_workdays", "country", "region")

    def __init__(
        self,
        country: str = "",
        region: str = "",
        holidays: Iterable[date] = (),
        workdays: Iterable[date] = (),
    ) -> None:
        self.country = country
        self.region = region
        self._holidays = frozenset(holidays)
        self._workdays = frozenset(workdays)
        self._known: Any = None
        self._days: dict[date, Day] = {}

    def __repr__(self) -> str:
        return f"Calendar({self.country!r}, {self.region!r})"

    def load(self, *years: int) -> None:
        """Ask the library for these years now (some 30-120 ms each, once), not at the first date of theirs.

        Raises ValueError for an unknown country or region.
        """
        if self.country:
            known = self._calendar()
            for year in years:
                date(year, 1, 1) in known  # noqa: B015 - looking a date up loads its year

    def day(self, when: date) -> Day:
        """The kind of the date."""
        kind = self._days.get(when)
        if kind is None:
            kind = self._days[when] = self._look_up(when)
        return kind

    def gaps(self, today: date) -> list[int]:
        """The years, this one or that of a month from now, whose swapped working days are not yet known.

        Those are years without any in countries that had some in each of the two years before, unless an
        override is dated in the year. A reason to warn, no more: the plain holidays are known for decades.
        """
        return [year for year in sorted({today.year, (today + MONTH).year}) if self._lacks_swaps(year)]

    def _calendar(self) -> Any:
        if self._known is None:
            self._known = _library(self.country, self.region)
        return self._known

    def _look_up(self, when: date) -> Day:
        weekday = Day(when.weekday())
        if when in self._workdays:
            return Day.MON if weekday >= Day.SAT else weekday
        if when in self._holidays:
            return Day.HOLIDAY
        if not self.country:
            return weekday
        known = self._calendar()
        if when in known:
            return Day.HOLIDAY
        return Day.MON if when in known.weekend_workdays else weekday

    def _lacks_swaps(self, year: int) -> bool:
        if not self.country or any(day.year == year for day in self._holidays | self._workdays):
            return False
        self.load(year - 2, year - 1, year)
        swapped = {day.year for day in self._calendar().weekend_workdays}
        return year not in swapped and {year - 1, year - 2} <= swapped
