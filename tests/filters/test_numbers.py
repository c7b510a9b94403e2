"""Country, region and zones of numbers, and what is a number at all."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.filters import numbers
from gateway.filters.numbers import NOWHERE, Numbering, ask, normalise


@pytest.mark.parametrize(
    ("address", "ton", "calling_code", "digits"),
    [
        ("8619912340001", 1, "", "8619912340001"),
        ("+8619912340001", 0, "", "8619912340001"),
        ("008619912340001", 0, "", "8619912340001"),
        ("+1 (202) 555-0123", 1, "", "12025550123"),
        ("19912340001", 2, "86", "8619912340001"),
        ("07700900123", 0, "44", "447700900123"),
        ("07700900123", 0, "", None),
        ("8619912340001", 2, "", "8619912340001"),
        ("+8619912340001", 2, "86", "8619912340001"),
        ("10086", 1, "", None),
        ("36180", 0, "33", None),
        ("36180", 3, "", None),
        ("8619912340001", 5, "", None),
        ("Bank", 0, "", None),
        ("", 0, "", None),
        ("00", 0, "", None),
        ("+", 1, "", None),
        ("²²²²²²²²²", 1, "", None),
        ("1234567890123456", 1, "", None),
    ],
)
def test_only_subscribers_numbers_become_digits(
    address: str, ton: int, calling_code: str, digits: str | None
) -> None:
    assert normalise(address, ton, calling_code) == digits


@given(st.text(max_size=25), st.integers(0, 8), st.sampled_from(["", "1", "86"]))
def test_normalising_never_fails_and_is_idempotent(address: str, ton: int, code: str) -> None:
    digits = normalise(address, ton, code)
    if digits is not None:
        assert 7 <= len(digits) <= 15
        assert digits[0] != "0"
        assert normalise(digits) == digits


def test_places() -> None:
    numbering = Numbering({"1305": "FL", "1": "?"})
    assert numbering.place("8619912340001") == ("CN", "", ("Asia/Shanghai",))
    assert numbering.place("13055550123") == ("US", "FL", ("America/New_York",))
    assert numbering.place("12025550123").region == "?"
    assert numbering.place("12085550123").zones == ("America/Boise", "America/Los_Angeles")
    assert len(numbering.place("18005550123").zones) == 42
    assert len(numbering.place("61412345678").zones) == 8
    assert numbering.place("85298765432").zones == ("Asia/Hong_Kong",)


def test_unassigned_numbers_still_have_a_country_and_zones() -> None:
    numbering = Numbering()
    place = numbering.place("447700900123")
    assert place.country == "GB"
    assert "Europe/London" in place.zones
    assert numbering.place("12642351234").zones == ("America/Anguilla",)


def test_numbers_of_no_country_are_nowhere() -> None:
    numbering = Numbering()
    assert numbering.place("88101234567") == NOWHERE
    assert numbering.place("999123456789") == NOWHERE


CODES = st.sampled_from(
    ["1", "7", "86", "44", "33", "61", "55", "52", "358", "262", "590", "212", "47", "39"]
)


@settings(max_examples=150)
@given(
    CODES,
    st.text("0123456789", min_size=7, max_size=8),
    st.lists(st.text("0123456789", min_size=3, max_size=3)),
)
def test_the_cache_never_changes_the_answer(code: str, head: str, tails: list[str]) -> None:
    numbering = Numbering()
    for tail in tails:
        digits = code + head + tail
        assert numbering.place(digits) == ask(digits)


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "CACHED", 8)
    numbering = Numbering()
    for exchange in range(200, 250):
        numbering.place(f"1202{exchange}0123")
        assert len(numbering) <= 8


def test_the_geocoder_is_never_imported() -> None:
    code = (
        "import sys, gateway.filters.numbers as n; n.ask('12025550123');"
        "print([m for m in sys.modules if m.startswith('phonenumbers.') and ('geo' in m or 'carrier' in m)])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
