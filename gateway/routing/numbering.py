"""Country and kind of a destination, by the data of phonenumbers behind a cache of prefixes.

phonenumbers takes some 80 microseconds to say; what it says follows from the length and the first digits, so
it is asked once for each of those.
"""

from __future__ import annotations

from typing import NamedTuple

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneNumberType,
    number_type,
    parse,
    region_code_for_number,
)

KEY = 9
"""Digits that decide, by the data of phonenumbers."""

KEY_NANP = 7
"""The same under calling code 1, where area code and exchange decide."""

SHORT_CODE = 7  # digits below which it is no subscriber's number
CACHED = 100_000
NON_GEOGRAPHIC = "001"


class Kind(NamedTuple):
    """The ISO 3166 code of a number's country ("" for none), and its type as `match.number_type` names it."""

    country: str
    type: str


NOTHING = Kind("", "unknown")
_asked: dict[tuple[int, str], Kind] = {}


def kind_of(digits: str) -> Kind:
    """The kind of a number in international form."""
    if len(digits) < SHORT_CODE:
        return Kind("", "short_code")
    key = len(digits), digits[:KEY_NANP] if digits[0] == "1" else digits[:KEY]
    return _asked.get(key) or _ask(key, digits)


def _ask(key: tuple[int, str], digits: str) -> Kind:
    if len(_asked) >= CACHED:
        for old in list(_asked)[: CACHED // 4]:
            del _asked[old]
    kind = _asked[key] = ask(digits)
    return kind


def ask(digits: str) -> Kind:
    """The kind, uncached. A number that no plan assigns gets the main country of its calling code."""
    try:
        number = parse("+" + digits)
    except NumberParseException:
        return NOTHING
    country = region_code_for_number(number)
    if country is None:
        country = COUNTRY_CODE_TO_REGION_CODE.get(number.country_code or 0, (NON_GEOGRAPHIC,))[0]
    name = PhoneNumberType.to_string(number_type(number)).lower()
    return Kind("" if country == NON_GEOGRAPHIC else country, name)
