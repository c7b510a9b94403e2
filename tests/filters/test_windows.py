"""Windows in the recipient's own time, at fixed instants and by property."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.filters.calendars import Calendar, Day
from gateway.filters.windows import (
    Layer,
    Window,
    WindowSet,
    closing,
    opening,
    parse_clock,
    parse_days,
    release,
    window,
)

SHANGHAI, PARIS, NEW_YORK, KOLKATA = "Asia/Shanghai", "Europe/Paris", "America/New_York", "Asia/Kolkata"


def at(zone: str, text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def shown(zone: str, instant: float | None) -> str:
    assert instant is not None
    return datetime.fromtimestamp(instant, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def windows(*rules: tuple[str, str, str], calendar: Calendar | None = None) -> WindowSet:
    return WindowSet([Layer(tuple(window(*rule) for rule in rules), calendar)])


DAILY = windows(("daily", "08:00", "21:00"))
FRANCE = windows(("mon-sat", "08:00", "20:00"), calendar=Calendar("FR"))


class TestFixedInstants:
    def test_the_window_is_half_open(self) -> None:
        for text, opens in [
            ("2026-03-10T07:59:59", "2026-03-10 08:00:00"),
            ("2026-03-10T08:00:00", "2026-03-10 08:00:00"),
            ("2026-03-10T20:59:59", "2026-03-10 20:59:59"),
            ("2026-03-10T21:00:00", "2026-03-11 08:00:00"),
            ("2026-03-10T22:00:00", "2026-03-11 08:00:00"),
            ("2026-03-10T00:00:00", "2026-03-10 08:00:00"),
        ]:
            assert shown(SHANGHAI, opening(DAILY, (SHANGHAI,), at(SHANGHAI, text))) == opens

    def test_an_open_instant_is_returned_as_it_is(self) -> None:
        now = at(SHANGHAI, "2026-03-10T12:34:56") + 0.789
        assert opening(DAILY, (SHANGHAI,), now) == now

    def test_the_opening_follows_the_wall_clock_when_it_changes(self) -> None:
        spring = opening(DAILY, (NEW_YORK,), at(NEW_YORK, "2026-03-07T21:00:00"))
        assert shown(NEW_YORK, spring) == "2026-03-08 08:00:00"
        assert spring == at(NEW_YORK, "2026-03-07T21:00:00") + 10 * 3600
        autumn = opening(DAILY, (NEW_YORK,), at(NEW_YORK, "2026-10-31T21:00:00"))
        assert shown(NEW_YORK, autumn) == "2026-11-01 08:00:00"
        assert autumn == at(NEW_YORK, "2026-10-31T21:00:00") + 12 * 3600

    def test_a_window_that_opens_in_the_hour_that_is_skipped(self) -> None:
        early = windows(("daily", "02:30", "05:00"))
        opens = opening(early, (NEW_YORK,), at(NEW_YORK, "2026-03-08T00:00:00"))
        assert shown(NEW_YORK, opens) == "2026-03-08 03:00:00"
        skipped = windows(("daily", "02:10", "02:50"))
        opens = opening(skipped, (NEW_YORK,), at(NEW_YORK, "2026-03-08T00:00:00"))
        assert shown(NEW_YORK, opens) == "2026-03-09 02:10:00"

    def test_a_window_in_the_hour_that_comes_twice_opens_twice(self) -> None:
        twice = windows(("daily", "01:00", "01:30"))
        first = at(NEW_YORK, "2026-11-01T01:00:00")
        assert opening(twice, (NEW_YORK,), first - 1) == first
        assert closing(twice, (NEW_YORK,), first) == first + 1800
        assert opening(twice, (NEW_YORK,), first + 1800) == first + 3600

    def test_offsets_of_half_and_quarter_hours(self) -> None:
        for zone in (KOLKATA, "Asia/Kathmandu", "Australia/Lord_Howe"):
            opens = opening(DAILY, (zone,), at(zone, "2026-04-04T23:00:00"))
            assert shown(zone, opens) == "2026-04-05 08:00:00"

    def test_overnight(self) -> None:
        night = windows(("fri", "22:00", "06:00"))
        for text, opens in [
            ("2026-03-13T21:59:59", "2026-03-13 22:00:00"),
            ("2026-03-14T00:00:00", "2026-03-14 00:00:00"),
            ("2026-03-14T05:59:59", "2026-03-14 05:59:59"),
            ("2026-03-14T06:00:00", "2026-03-20 22:00:00"),
            ("2026-03-13T01:00:00", "2026-03-13 22:00:00"),
        ]:
            assert shown(PARIS, opening(night, (PARIS,), at(PARIS, text))) == opens
        assert (
            shown(PARIS, closing(night, (PARIS,), at(PARIS, "2026-03-13T23:00:00"))) == "2026-03-14 06:00:00"
        )

    def test_midnight_to_midnight_never_closes(self) -> None:
        always = windows(("daily", "00:00", "24:00"))
        now = at(PARIS, "2026-03-10T23:59:59")
        assert opening(always, (PARIS,), now) == now
        assert closing(always, (PARIS,), now) > now + 30 * 86400

    def test_saturday_evening_in_france(self) -> None:
        saturday = at(PARIS, "2026-03-14T20:00:00")
        assert shown(PARIS, opening(FRANCE, (PARIS,), saturday)) == "2026-03-16 08:00:00"
        assert opening(FRANCE, (PARIS,), saturday - 1) == saturday - 1
        before_easter_monday = at(PARIS, "2026-04-04T20:30:00")
        assert shown(PARIS, opening(FRANCE, (PARIS,), before_easter_monday)) == "2026-04-07 08:00:00"
        over_the_change = at(PARIS, "2026-03-28T20:00:00")
        assert shown(PARIS, opening(FRANCE, (PARIS,), over_the_change)) == "2026-03-30 08:00:00"

    def test_holidays_and_swapped_days_in_china(self) -> None:
        office = windows(
            ("mon-fri", "09:00", "18:00"), ("holiday", "10:00", "12:00"), calendar=Calendar("CN")
        )
        assert shown(SHANGHAI, opening(office, (SHANGHAI,), at(SHANGHAI, "2026-02-13T18:00:00"))) == (
            "2026-02-14 09:00:00"
        )
        assert shown(SHANGHAI, opening(office, (SHANGHAI,), at(SHANGHAI, "2026-02-17T00:00:00"))) == (
            "2026-02-17 10:00:00"
        )

    def test_leap_day(self) -> None:
        opens = opening(DAILY, (PARIS,), at(PARIS, "2028-02-28T21:00:00"))
        assert shown(PARIS, opens) == "2028-02-29 08:00:00"
        closed = windows(("mon-sun", "08:00", "21:00"), calendar=Calendar(holidays=[date(2028, 2, 29)]))
        assert (
            shown(PARIS, opening(closed, (PARIS,), at(PARIS, "2028-02-28T21:00:00"))) == "2028-03-01 08:00:00"
        )

    def test_an_hour_of_validity_a_minute_before_closing(self) -> None:
        received = at(SHANGHAI, "2026-03-10T20:59:00")
        deadline = received + 3600
        assert opening(DAILY, (SHANGHAI,), received) == received
        released_late = opening(DAILY, (SHANGHAI,), received + 60)
        assert released_late is not None
        assert released_late > deadline


class TestSeveralZones:
    def test_open_only_where_all_are_open(self) -> None:
        zones = (NEW_YORK, "America/Los_Angeles")
        assert (
            shown(NEW_YORK, opening(DAILY, zones, at(NEW_YORK, "2026-03-10T08:00:00")))
            == "2026-03-10 11:00:00"
        )
        assert (
            shown(NEW_YORK, closing(DAILY, zones, at(NEW_YORK, "2026-03-10T12:00:00")))
            == "2026-03-10 21:00:00"
        )

    def test_never_where_they_do_not_meet(self) -> None:
        mornings = windows(("daily", "09:00", "11:00"))
        assert opening(mornings, (SHANGHAI, NEW_YORK), at(SHANGHAI, "2026-03-10T09:30:00")) is None

    def test_no_zone_and_a_wrong_zone_are_errors(self) -> None:
        with pytest.raises(ValueError, match="no time zone"):
            opening(DAILY, (), 0.0)
        with pytest.raises(ZoneInfoNotFoundError):
            opening(DAILY, ("Mars/Olympus",), 0.0)


class TestLayers:
    def test_the_stricter_holds(self) -> None:
        texas = windows(("mon-sat", "09:00", "21:00"), ("sun", "12:00", "21:00"))
        both = DAILY & texas
        assert shown(NEW_YORK, opening(both, (NEW_YORK,), at(NEW_YORK, "2026-03-15T08:00:00"))) == (
            "2026-03-15 12:00:00"
        )
        assert shown(NEW_YORK, opening(both, (NEW_YORK,), at(NEW_YORK, "2026-03-16T08:00:00"))) == (
            "2026-03-16 09:00:00"
        )

    def test_a_rule_speaks_between_its_dates(self) -> None:
        rule = Layer((window("mon-sat", "08:00", "20:00"),), None, date(2026, 10, 18), date(2026, 11, 1))
        dated = WindowSet([rule])
        sunday = at(NEW_YORK, "2026-10-11T12:00:00")
        assert opening(dated, (NEW_YORK,), sunday) == sunday
        assert shown(NEW_YORK, opening(dated, (NEW_YORK,), at(NEW_YORK, "2026-10-18T12:00:00"))) == (
            "2026-10-19 08:00:00"
        )
        repealed = at(NEW_YORK, "2026-11-01T12:00:00")
        assert opening(dated, (NEW_YORK,), repealed) == repealed

    def test_no_layers_are_always_open(self) -> None:
        assert opening(WindowSet([]), (PARIS,), 5.0) == 5.0


class TestParsing:
    def test_days(self) -> None:
        assert parse_days("mon-sat") == {Day(day) for day in range(6)}
        assert parse_days("sat-mon, holiday") == {Day.SAT, Day.SUN, Day.MON, Day.HOLIDAY}
        assert len(parse_days("daily")) == 7

    @pytest.mark.parametrize("text", ["", "monday", "mon-", "mon-holiday", "1"])
    def test_what_is_no_day(self, text: str) -> None:
        with pytest.raises(ValueError, match="is no day"):
            parse_days(text)

    @pytest.mark.parametrize("text", ["8", "08.00", "24:01", "08:60", "-1:00", "8:0", "001:00", "²:00"])
    def test_what_is_no_time(self, text: str) -> None:
        with pytest.raises(ValueError, match="is no time of day"):
            parse_clock(text)

    def test_an_empty_window_is_refused(self) -> None:
        with pytest.raises(ValueError, match="is no window"):
            window("daily", "08:00", "08:00")


ZONES = [SHANGHAI, PARIS, NEW_YORK, KOLKATA, "Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca"]
MINUTES = st.integers(0, 288).map(lambda five: five * 5)
WINDOWS = st.builds(
    Window,
    st.frozensets(st.sampled_from(Day), min_size=1),
    MINUTES.filter(lambda m: m < 1440),
    MINUTES.filter(bool),
).filter(lambda w: w.start != w.end)
CALENDARS = st.sampled_from(
    [None, Calendar("FR"), Calendar(holidays=[date(2026, 3, 28), date(2026, 10, 25)])]
)
LAYERS = st.builds(Layer, st.lists(WINDOWS, min_size=1, max_size=3).map(tuple), CALENDARS)
INSTANTS = st.one_of(
    st.integers(int(at("UTC", "2026-03-07T00:00")), int(at("UTC", "2026-03-09T00:00"))),
    st.integers(int(at("UTC", "2026-03-27T00:00")), int(at("UTC", "2026-04-07T00:00"))),
    st.integers(int(at("UTC", "2026-10-23T00:00")), int(at("UTC", "2026-11-03T00:00"))),
    st.integers(int(at("UTC", "2028-02-27T00:00")), int(at("UTC", "2028-03-02T00:00"))),
)


def is_open(layers: list[Layer], zones: tuple[str, ...], instant: float) -> bool:
    """The definition, read off the wall clocks."""
    for zone in zones:
        local = datetime.fromtimestamp(instant, UTC).astimezone(ZoneInfo(zone))
        minute, today = local.hour * 60 + local.minute, local.date()
        for layer in layers:
            kind = layer.calendar.day if layer.calendar else lambda day: Day(day.weekday())
            inside = False
            for days, start, end in layer.windows:
                if start < end:
                    inside |= kind(today) in days and start <= minute < end
                else:
                    inside |= kind(today) in days and minute >= start
                    inside |= kind(today - timedelta(days=1)) in days and minute < end
            if not inside:
                return False
    return True


@settings(max_examples=250, deadline=None)
@given(
    st.lists(LAYERS, min_size=1, max_size=2),
    st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True).map(tuple),
    INSTANTS,
)
def test_the_opening_is_open_everywhere_the_earliest_and_idempotent(
    layers: list[Layer], zones: tuple[str, ...], now: int
) -> None:
    rules = WindowSet(layers)
    opens = opening(rules, zones, now)
    looked_at = now + 3 * 86400 if opens is None else min(opens, now + 3 * 86400)
    earlier = range(now - now % 300 + 300, int(looked_at), 300)
    assert not any(
        is_open(layers, zones, instant) for instant in (*earlier, *([now] if opens != now else []))
    )
    if opens is not None:
        assert opens >= now
        assert is_open(layers, zones, opens)
        assert opening(rules, zones, opens) == opens
        assert opening(WindowSet(layers), zones, opens) == opens
        closes = closing(rules, zones, opens)
        assert closes > opens
        assert is_open(layers, zones, closes - 1)
        assert not is_open(layers, zones, closes) or closes > opens + 30 * 86400


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 50_000), st.integers(0, 7200))
def test_a_release_is_spread_inside_the_window(fraction: float, length: int, spread: int) -> None:
    opens = 1_770_000_000.0
    leaves = release(opens, opens + length, spread, fraction)
    assert opens <= leaves <= opens + min(length, spread)


def test_a_release_after_the_deadline_is_an_error() -> None:
    with pytest.raises(ValueError, match="closes before"):
        release(10.0, 10.0, 60, 0.5)
