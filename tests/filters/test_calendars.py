"""Kinds of days: official dates, swapped working days, overrides, years not yet published."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from gateway.filters.calendars import Calendar, Day


def test_china_works_on_some_weekend_days() -> None:
    china = Calendar("CN")
    assert china.day(date(2026, 2, 14)) is Day.MON
    assert china.day(date(2026, 2, 23)) is Day.HOLIDAY
    assert china.day(date(2026, 2, 17)) is Day.HOLIDAY
    assert china.day(date(2026, 3, 7)) is Day.SAT
    assert china.day(date(2025, 10, 11)) is Day.MON
    assert china.day(date(2025, 9, 28)) is Day.MON


@pytest.mark.parametrize(
    "day",
    [(1, 1), (4, 6), (5, 1), (5, 8), (5, 14), (5, 25), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)],
)
def test_the_eleven_public_holidays_of_france(day: tuple[int, int]) -> None:
    assert Calendar("FR").day(date(2026, *day)) is Day.HOLIDAY


def test_regions_have_their_own_holidays() -> None:
    birthday = date(2026, 2, 19)
    assert Calendar("IN", "MH").day(birthday) is Day.HOLIDAY
    assert Calendar("IN", "DL").day(birthday) is Day.THU


def test_overrides_win() -> None:
    calendar = Calendar("FR", holidays=[date(2026, 7, 13)], workdays=[date(2026, 7, 14), date(2026, 7, 18)])
    assert calendar.day(date(2026, 7, 13)) is Day.HOLIDAY
    assert calendar.day(date(2026, 7, 14)) is Day.TUE
    assert calendar.day(date(2026, 7, 18)) is Day.MON


def test_without_a_country_there_are_only_the_overrides() -> None:
    calendar = Calendar(holidays=[date(2028, 2, 29)])
    assert calendar.day(date(2028, 2, 29)) is Day.HOLIDAY
    assert calendar.day(date(2028, 12, 25)) is Day.MON
    assert calendar.gaps(date(2028, 12, 25)) == []


def test_next_months_year_without_swapped_days_is_a_gap() -> None:
    china = Calendar("CN")
    assert china.gaps(date(2026, 11, 15)) == []
    year = next(year for year in range(2026, 2100) if china.gaps(date(year, 12, 20)))
    assert china.gaps(date(year, 12, 20)) == [year + 1]
    assert Calendar("CN", workdays=[date(year + 1, 2, 14)]).gaps(date(year, 12, 20)) == []
    assert Calendar("FR").gaps(date(year, 12, 20)) == []


def test_an_unknown_country_or_region_is_told() -> None:
    with pytest.raises(ValueError, match="no holidays are known for XX"):
        Calendar("XX").load(2026)
    with pytest.raises(ValueError, match="US ZZ"):
        Calendar("US", "ZZ").day(date(2026, 1, 1))


def test_other_countries_are_not_imported() -> None:
    looked = (
        "import sys; from datetime import date; from gateway.filters.calendars import Calendar;"
        "print(Calendar('AX').day(date(2026, 12, 6)).name,"
        "*sorted(m for m in sys.modules if m.startswith('holidays.countries.')))"
    )
    done = subprocess.run([sys.executable, "-c", looked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "HOLIDAY",
        "holidays.countries.aland_islands",
        "holidays.countries.finland",
    ]
