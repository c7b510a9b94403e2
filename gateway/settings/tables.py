"""The tables that routing.yaml names: regions and networks by prefix, ported numbers, preferences, prices.

A table is built once for what stands in its file: another generation with the same file has the same table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from gateway.settings.csvfiles import CsvFault, Refused, read_csv
from gateway.settings.prefixes import Numbers, Prefixes
from gateway.settings.yaml import Mark

LONGEST = 15  # digits of a number (E.164)
MICRO = 1_000_000
MOST_PRICE = 1000.0


class Step(NamedTuple):
    """A price of a segment from a moment (unix seconds, 0: ever) on, in millionths of its currency."""

    since: int
    micro: int
    currency: str


class Prices(Prefixes[tuple[Step, ...]]):
    """What one carrier asks for a segment, by prefix; the latest step that has begun counts."""

    __slots__ = ("currencies",)

    def __init__(self, steps: Mapping[str, tuple[Step, ...]], currencies: Mapping[str, Mark]) -> None:
        super().__init__(steps)
        self.currencies = currencies

    def at(self, digits: str, now: float) -> Step | None:
        """The price of the longest prefix that has one now."""
        find = self._values.get
        for width in self._widths:
            steps = find(digits[:width])
            if steps is None:
                continue
            step = steps[-1]
            if step.since <= now:
                return step
            for step in reversed(steps):
                if step.since <= now:
                    return step
        return None

    def future(self, now: float) -> Iterator[str]:
        """The prefixes that have no price yet."""
        return (prefix for prefix, steps in self.items() if steps[0].since > now)


class Preferences:
    """What people prefer: tags by number, else by the longest prefix."""

    __slots__ = ("__weakref__", "_numbers", "_prefixes", "tags")

    def __init__(self, numbers: Numbers, prefixes: Prefixes[str]) -> None:
        self._numbers = numbers
        self._prefixes = prefixes
        told = {*numbers.values, *(value for _, value in prefixes.items())}
        self.tags = {value: frozenset(value.split("|")) for value in told}

    def told(self, digits: str) -> str:
        """The tags of a number, joined by `|`; a key of `tags`, or ""."""
        return self._numbers.find(digits) or self._prefixes.find(digits) or ""

    def __len__(self) -> int:
        return len(self._numbers) + len(self._prefixes)


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables of one generation. What is not named is None or empty."""

    regions: Prefixes[str] | None = None
    networks: Prefixes[str] | None = None
    ported: Numbers | None = None
    preferences: Preferences | None = None
    prices: Mapping[str, Prices] = field(default_factory=dict)
    """By carrier."""


Made = tuple[Any, list[CsvFault]]
_made: WeakValueDictionary[tuple[str, bytes], Any] = WeakValueDictionary()


def read_table(kind: str, octets: bytes) -> Made:
    """The table of a kind (a key of MAKERS) from what stands in its file, and what is wrong with it."""
    key = kind, hashlib.sha256(octets).digest()
    table = _made.get(key)
    if table is not None:
        return table, []
    table, faults = MAKERS[kind](octets)
    if not faults:
        _made[key] = table
    return table, faults


def network_code(text: str) -> str:
    """MCC and MNC as five or six digits, from `460-00`, `46000`, `310-260`. Raises ValueError."""
    mcc, dash, mnc = text.partition("-")
    if not dash:
        mcc, mnc = text[:3], text[3:]
    digits = mcc + mnc
    if not (digits.isascii() and digits.isdigit() and len(mcc) == 3 and len(mnc) in (2, 3)):
        raise ValueError(f"'{text}' is no network: write MCC and MNC as 460-00 or 310-260")
    if not "2" <= mcc[0] <= "7":
        raise ValueError(f"'{text}' is no network: an MCC begins with 2 to 7")
    return digits


def _digits(text: str, column: int = 0) -> str:
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and digits[0] != "0" and len(digits) <= LONGEST):
        raise Refused(column, f"'{text}' is no prefix: write digits that begin with the calling code")
    return digits


def _by_prefix(octets: bytes, column: str, value_of: Callable[[str], str]) -> Made:
    found: dict[str, str] = {}
    lines: dict[str, int] = {}
    known: dict[str, str] = {}

    def take(fields: list[str], line: int) -> None:
        prefix = _digits(fields[0])
        if prefix in found:
            raise Refused(0, f"prefix {prefix} stands in line {lines[prefix]} already")
        value = known.get(fields[1])
        if value is None:
            try:
                value = known[fields[1]] = value_of(fields[1])
            except ValueError as error:
                raise Refused(1, str(error)) from None
        found[prefix], lines[prefix] = value, line

    faults = read_csv(octets, ("prefix", column), 2, take)
    return Prefixes(found), faults


def _name(text: str) -> str:
    if not text:
        raise ValueError("a name is missing")
    return text


def _regions(octets: bytes) -> Made:
    return _by_prefix(octets, "region", _name)


def _networks(octets: bytes) -> Made:
    return _by_prefix(octets, "network", network_code)


def _ported(octets: bytes) -> Made:
    numbers = Numbers()
    known: dict[str, str] = {}

    def take(fields: list[str], line: int) -> None:
        digits = _digits(fields[0])
        network = known.get(fields[1])
        try:
            if network is None:
                network = known[fields[1]] = network_code(fields[1])
            numbers.add(int(digits), network)
        except ValueError as error:
            raise Refused(1, str(error)) from None

    faults = read_csv(octets, ("number", "network"), 2, take)
    return numbers, faults + [_doubled(number, octets) for number in numbers.settle()]


def _preferences(octets: bytes) -> Made:
    numbers, prefixes = Numbers(), dict[str, str]()

    def take(fields: list[str], line: int) -> None:
        tags = "|".join(sorted({_tag(tag.strip()) for tag in fields[1].split("|")}))
        digits = _digits(fields[0].removesuffix("*"))
        if not fields[0].endswith("*"):
            try:
                numbers.add(int(digits), tags)
            except ValueError as error:
                raise Refused(1, str(error)) from None
        elif prefixes.setdefault(digits, tags) != tags:
            raise Refused(0, f"prefix {digits} stands there already, with {prefixes[digits]}")

    faults = read_csv(octets, ("number", "tags"), 2, take)
    doubled = [_doubled(number, octets) for number in numbers.settle()]
    return Preferences(numbers, Prefixes(prefixes)), faults + doubled


def _tag(text: str) -> str:
    if not text:
        raise Refused(1, "a tag is missing: write one, or several as sms|short")
    return text


def _doubled(number: int, octets: bytes) -> CsvFault:
    """The second line of a number. Its text is left out: it is a person's number."""
    lines = [
        at
        for at, line in enumerate(octets.decode("utf-8-sig").splitlines(), 1)
        if line.partition(",")[0].strip().lstrip("+") == str(number)
    ]
    return CsvFault(
        Mark(lines[1] if len(lines) > 1 else 1, 1), f"this number stands in line {lines[0]} already"
    )


def _prices(octets: bytes) -> Made:
    found: dict[str, list[Step] | tuple[Step, ...]] = {}
    lines: dict[str, int] = {}  # by prefix and date as one text: tuples would burden the garbage collector
    currencies: dict[str, Mark] = {}
    same: dict[tuple[str, str, str], tuple[Step, ...]] = {}

    def take(fields: list[str], line: int) -> None:
        prefix = _digits(fields[0])
        key = fields[1], fields[2], fields[3]
        steps = same.get(key)
        if steps is None:
            steps = same[key] = (Step(_date(fields[3]), _price(fields[1]), _currency(fields[2])),)
        since = steps[0].since
        place = f"{prefix} {since}"
        if place in lines:
            message = f"prefix {prefix} has a price from the same date in line {lines[place]} already"
            raise Refused(0, message)
        lines[place] = line
        currencies.setdefault(steps[0].currency, Mark(line, 1))
        before = found.get(prefix)
        found[prefix] = steps if before is None else tuple(sorted((*before, *steps)))

    faults = read_csv(octets, ("prefix", "price", "currency", "from"), 3, take)
    return Prices({prefix: tuple(steps) for prefix, steps in found.items()}, currencies), faults


def _price(text: str) -> int:
    try:
        price = float(text)
    except ValueError:
        price = -1.0
    if not 0 <= price <= MOST_PRICE:
        raise Refused(1, f"'{text}' is no price of a segment: write a number such as 0.035")
    return round(price * MICRO)


def _currency(text: str) -> str:
    if not (len(text) == 3 and text.isascii() and text.isalpha()):
        raise Refused(2, f"'{text}' is no currency: use a code of three letters such as EUR")
    return text.upper()


def _date(text: str) -> int:
    """The unix second at which a day begins (UTC); 0 for none."""
    if not text:
        return 0
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise Refused(3, f"'{text}' is no date: write it as 2026-03-01") from None


MAKERS: Mapping[str, Callable[[bytes], Made]] = {
    "regions": _regions,
    "networks": _networks,
    "ported": _ported,
    "preferences": _preferences,
    "prices": _prices,
}
