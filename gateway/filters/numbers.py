"""Whose number it is: E.164 digits, country, region and the time zones its holder may be in.

phonenumbers takes some 80 microseconds to say; what it says follows from the length and the first nine digits
(the longest prefix in its data), so it is asked once for each of those. Its geocoder (6 seconds and 99 MB to
import) is never imported: regions, such as the states of the US, come from a table of prefixes that the rule
packs bring.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    is_possible_number,
    parse,
    region_code_for_number,
)
from phonenumbers.timezone import time_zones_for_number
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

SHORTEST, LONGEST = 7, 15
"""Digits of a number with its calling code; shorter ones are short codes. E.164 allows 15."""

KEY = 9
"""Digits that decide on country and zones, by the data of phonenumbers."""

KEY_NANP = 7
"""The same under calling code 1, where area code and exchange decide: a cache there serves 10,000 numbers an
entry.
"""

CACHED = 200_000
"""Prefixes remembered, at some 130 octets each; the oldest quarter goes when there are more."""

UNKNOWN_ZONE = "Etc/Unknown"
NON_GEOGRAPHIC = "001"
TON_NATIONAL = 2
TON_ALPHANUMERIC = 5

_SEPARATORS = str.maketrans("", "", " -.()/")


class Place(NamedTuple):
    """Where a number belongs.

    `country` is the ISO 3166 code, "" for numbers of no country (satellite, shared cost). `region` is the
    name that the table of regions gives ("FL"), or "". `zones` are IANA names; several when the number alone
    does not tell, none when nothing is known.
    """

    country: str
    region: str
    zones: tuple[str, ...]


NOWHERE = Place("", "", ())


def normalise(address: str, ton: int = 1, calling_code: str = "") -> str | None:
    """The E.164 digits of an SMPP address, or None for what is no subscriber's number (short codes, names).

    `ton` is the SMPP type of number. A leading `+` or `00` is taken off, and separators. With `calling_code`,
    one leading zero and the type "national" stand for that country; without, a national number is taken as it
    stands, since many clients declare complete numbers so and a list must not be missed for it; one with a
    leading zero, or of a length that no complete number of that calling code has, is None. Other types than
    "alphanumeric" change nothing: carriers deliver by the digits, whatever they are declared as.
    """
    if ton <= 1 and address.isdigit() and address.isascii() and address[0] != "0":  # as nearly all are
        return address if SHORTEST <= len(address) <= LONGEST else None
    if ton == TON_ALPHANUMERIC:
        return None
    digits = address
    if not digits.isdigit():
        digits = address.translate(_SEPARATORS).removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        return None
    if digits[0] == "0":
        if digits.startswith("00"):
            digits = digits[2:]
        elif calling_code:
            digits = calling_code + digits[1:]
    elif ton == TON_NATIONAL and digits == address and (calling_code or not _may_be_complete(digits)):
        if not calling_code:
            return None
        if not (digits.startswith(calling_code) and _may_be_complete(digits)):
            digits = calling_code + digits
    if not SHORTEST <= len(digits) <= LONGEST or digits[0] == "0":
        return None
    return digits


def _may_be_complete(digits: str) -> bool:
    """Whether a number with its calling code may be so long."""
    return _has_length(digits[:3], len(digits))


@lru_cache(maxsize=20_000)
def _has_length(beginning: str, length: int) -> bool:
    try:
        number = parse("+" + beginning.ljust(length, "0"))
    except NumberParseException:
        return False
    return is_possible_number(number)


def calling_code_of(digits: str) -> str:
    """The calling code that E.164 `digits` begin with, or ""."""
    for length in (1, 2, 3):
        if digits[:length].isdigit() and int(digits[:length]) in COUNTRY_CODE_TO_REGION_CODE:
            return digits[:length]
    return ""


def zones_by_prefix(digits: str) -> tuple[str, ...]:
    """The zones of the longest prefix of `digits` in the data; () when it is in none."""
    for length in range(min(TIMEZONE_LONGEST_PREFIX, len(digits)), 0, -1):
        zones = TIMEZONE_DATA.get(digits[:length])
        if zones is not None:
            return tuple(str(zone) for zone in zones)
    return ()


def ask(digits: str) -> Place:
    """Country and zones of E.164 `digits` from phonenumbers, uncached (some 80 microseconds).

    Numbers that no plan assigns (the ranges kept for examples, say) get the zones of their longest known
    prefix, and the main country of their calling code. So do all numbers under calling code 1, where
    phonenumbers gives all 42 zones to Caribbean mobiles although their area code tells the island.
    """
    code = calling_code_of(digits)
    if not code:
        return NOWHERE
    try:
        number = parse("+" + digits)
    except NumberParseException:
        return NOWHERE
    country = region_code_for_number(number) or COUNTRY_CODE_TO_REGION_CODE[int(code)][0]
    if country == NON_GEOGRAPHIC:
        return NOWHERE
    zones = () if code == "1" else tuple(str(zone) for zone in time_zones_for_number(number))
    if not zones or zones == (UNKNOWN_ZONE,):
        zones = zones_by_prefix(digits)
    return Place(country, "", tuple(zone for zone in zones if zone != UNKNOWN_ZONE))


def _uniform_codes() -> dict[str, Place]:
    """The calling codes all of whose numbers are in one country and one set of zones, such as 86 and 91."""
    zones: dict[str, set[tuple[str, ...]]] = {}
    for prefix, names in TIMEZONE_DATA.items():
        zones.setdefault(calling_code_of(prefix), set()).add(tuple(str(name) for name in names))
    found = {}
    for code, countries in COUNTRY_CODE_TO_REGION_CODE.items():
        choices = zones.get(str(code), set())
        if len(countries) == 1 and countries[0] != NON_GEOGRAPHIC and str(code) in TIMEZONE_DATA:
            only = choices.pop() if len(choices) == 1 else (UNKNOWN_ZONE,)
            if only != (UNKNOWN_ZONE,):
                found[str(code)] = Place(countries[0], "", only)
    return found


class Numbering:
    """Places of numbers, cached. Not shared between threads.

    `regions` maps prefixes in E.164 digits ("1305") to names of regions ("FL"); the longest counts.
    """

    __slots__ = ("_asked", "_places", "_regions", "_uniform", "_widths")

    def __init__(self, regions: Mapping[str, str] | None = None) -> None:
        self._regions = dict(regions or {})
        self._widths = sorted({len(prefix) for prefix in self._regions}, reverse=True)
        regional = {calling_code_of(prefix) for prefix in self._regions}
        self._uniform = {code: place for code, place in _uniform_codes().items() if code not in regional}
        self._asked: dict[tuple[int, str], Place] = {}
        self._places: dict[Place, Place] = {}

    def place(self, digits: str) -> Place:
        """The place of E.164 `digits` (as `normalise` returns them)."""
        uniform = self._uniform.get(digits[:2]) or self._uniform.get(digits[:3])
        if uniform is not None:
            return uniform
        key = (len(digits), digits[:KEY_NANP] if digits[0] == "1" else digits[:KEY])
        return self._asked.get(key) or self._ask(key, digits)

    def region(self, digits: str) -> str:
        """The name of the longest prefix of `digits` in the table of regions, or ""."""
        for width in self._widths:
            name = self._regions.get(digits[:width])
            if name is not None:
                return name
        return ""

    def __len__(self) -> int:
        """Prefixes remembered."""
        return len(self._asked)

    def _ask(self, key: tuple[int, str], digits: str) -> Place:
        if len(self._asked) >= CACHED:
            for old in list(self._asked)[: CACHED // 4]:
                del self._asked[old]
        place = ask(digits)._replace(region=self.region(digits))
        place = self._places.setdefault(place, place)
        self._asked[key] = place
        return place
