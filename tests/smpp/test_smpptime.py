"""The time format: what is read, what is written, and that both agree."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.smpptime import format_absolute, format_relative, parse_final_date, parse_time

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
moments = st.datetimes(
    datetime(1938, 1, 2),
    datetime(2037, 12, 30),
    timezones=st.just(UTC) | st.just(timezone(timedelta(hours=8))),
)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", None),
        ("260401120000000+", datetime(2026, 4, 1, 12, tzinfo=UTC)),
        ("260401120000032+", datetime(2026, 4, 1, 4, tzinfo=UTC)),
        ("260401120000032-", datetime(2026, 4, 1, 20, tzinfo=UTC)),
        ("260401120000948+", datetime(2026, 4, 1, 0, 0, 0, 900_000, tzinfo=UTC)),
        ("370101000000000+", datetime(2037, 1, 1, tzinfo=UTC)),
        ("380101000000000+", datetime(1938, 1, 1, tzinfo=UTC)),
        ("990101000000000+", datetime(1999, 1, 1, tzinfo=UTC)),
        ("000000000000000R", NOW),
        ("000001000000000R", NOW + timedelta(days=1)),
        ("000000480000000R", NOW + timedelta(hours=48)),
        ("000000000130000R", NOW + timedelta(minutes=1, seconds=30)),
        ("000100000000000R", datetime(2026, 2, 28, 12, tzinfo=UTC)),
        ("020100000000000R", datetime(2028, 2, 29, 12, tzinfo=UTC)),
        ("011200000000000R", datetime(2028, 1, 31, 12, tzinfo=UTC)),
        ("020610233429000R", datetime(2028, 8, 11, 11, 34, 29, tzinfo=UTC)),
    ],
)
def test_parse(text: str, moment: datetime | None) -> None:
    assert parse_time(text, NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        "260401120000000",  # no sign
        "260401120000000++",
        "260401120000000r",
        "260401120000000Z",
        "26040112000000+",
        " 60401120000000+",
        "261301120000000+",
        "260230120000000+",
        "260401240000000+",
        "260401126000000+",
        "260401120060000+",
        "260401120000049+",
        "٢٦0401120000000+",
        "2604011200",
        "0",
        "260401120000000+\n",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_time(text, NOW)


@given(st.text(max_size=20) | st.from_regex(r"\A[0-9]{15}[-+R]\Z"))
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    try:
        moment = parse_time(text, NOW)
    except ValueError:
        return
    assert (moment is None) == (text == "")
    assert moment is None or moment.utcoffset() == timedelta(0)


@given(moments)
def test_absolute_times_come_back(moment: datetime) -> None:
    text = format_absolute(moment)
    assert len(text) == 16
    assert parse_time(text, NOW) == moment - timedelta(microseconds=moment.microsecond % 100_000)


@given(st.timedeltas(timedelta(), timedelta(days=31)), moments)
def test_relative_times_come_back(span: timedelta, now: datetime) -> None:
    text = format_relative(span)
    moment = parse_time(text, now)
    assert len(text) == 16
    assert moment is not None
    assert timedelta() <= moment - now - span < timedelta(seconds=1)


@given(st.integers(0, 48), moments)
def test_offsets_are_quarters_of_an_hour(quarters: int, moment: datetime) -> None:
    text = format_absolute(moment)[:13]
    east, west = parse_time(f"{text}{quarters:02}+", NOW), parse_time(f"{text}{quarters:02}-", NOW)
    assert east is not None
    assert west is not None
    assert west - east == 2 * quarters * timedelta(minutes=15)


@pytest.mark.parametrize("year", [1937, 2038])
def test_years_have_two_digits(year: int) -> None:
    with pytest.raises(ValueError, match=str(year)):
        format_absolute(datetime(year, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize("span", [timedelta(seconds=-1), timedelta(days=31, seconds=1), timedelta(days=400)])
def test_spans_that_have_no_relative_form(span: timedelta) -> None:
    with pytest.raises(ValueError, match="no relative time"):
        format_relative(span)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", None),
        ("260401120000", datetime(2026, 4, 1, 12, tzinfo=UTC)),
        ("260401120000004+", datetime(2026, 4, 1, 11, tzinfo=UTC)),
    ],
)
def test_final_date(text: str, moment: datetime | None) -> None:
    assert parse_final_date(text) == moment


@pytest.mark.parametrize("text", ["000001000000000R", "2604011200", "26040112000x", "261301120000"])
def test_what_is_no_final_date(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_final_date(text)
