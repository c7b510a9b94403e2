"""Where a number lies: all that tables and rules say of it by its first digits, found by one look.

Numbers that have the same longest prefix in every table are of one place. Made once for the tables of a
generation; another with the same tables, and rules that name the same prefixes, has the same places.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from time import sleep
from typing import NamedTuple
from weakref import WeakValueDictionary

from gateway.settings.prefixes import Prefixes
from gateway.settings.tables import MICRO, Prices, Step, Tables

STEP = 200
"""Prefixes that are joined before other threads have their turn: about a millisecond."""


class Price(NamedTuple):
    """What a segment costs: comparable, in millionths of the one currency, and as the table has it."""

    micro: float
    said: str


NOTHING = Prefixes[str]({})
UNPRICED = Price(inf, "")


class Offer(NamedTuple):
    """A price from a moment (unix seconds, 0: ever) on."""

    since: int
    price: Price


Offers = tuple[Offer, ...]
"""Of one carrier, those of the longest prefix last: the last that has begun counts."""


class Place:
    """What is known of the numbers that lie there.

    `prefix` is the longest of those that rules name, `region` and `network` stand in the tables; "" for none.
    `offers` are of the carriers that have a price table, in the order of `Places.columns`.
    """

    __slots__ = ("_prices", "_since", "_until", "network", "offers", "prefix", "region")

    def __init__(self, prefix: str, region: str, network: str, offers: tuple[Offers, ...]) -> None:
        self.prefix = prefix
        self.region = region
        self.network = network
        self.offers = offers
        self._prices: tuple[Price, ...] = ()
        self._until = -inf  # with _since, when these are the prices
        self._since = inf

    def prices(self, now: float) -> tuple[Price, ...]:
        """What each of those carriers asks at a moment (unix seconds); behind them UNPRICED."""
        if not self._since <= now < self._until:
            self._prices = (*[_begun(offers, now) for offers in self.offers], UNPRICED)
            self._since, self._until = span([offer.since for offers in self.offers for offer in offers], now)
        return self._prices


def span(dates: Iterable[float], now: float) -> tuple[float, float]:
    """Between which of some dates a moment lies."""
    return (
        max([date for date in dates if date <= now], default=-inf),
        min([date for date in dates if date > now], default=inf),
    )


def _begun(offers: Offers, now: float) -> Price:
    for offer in reversed(offers):
        if offer.since <= now:
            return offer.price
    return UNPRICED


class Places:
    """The places of all numbers.

    `of_rules` are the prefixes that rules name; `exchange` is what one unit of each currency is in that in
    which prices are compared.
    """

    def __init__(self, tables: Tables, of_rules: frozenset[str], exchange: Mapping[str, float]) -> None:
        self._tables = tables
        self.of_rules = of_rules
        self.columns = {carrier: at for at, carrier in enumerate(tables.prices)}
        """By carrier that has a price table, which of a place's prices is its own."""
        self._nowhere = Place("", "", "", ((),) * len(self.columns))
        self._by_prefix: dict[str, Place] = {}
        self._dates: set[int] = set()
        self._widths: tuple[int, ...] = ()
        self._join(exchange)
        self._last = "", self._nowhere

    def span(self, now: float) -> tuple[float, float]:
        """From when until when no price changes."""
        return span(self._dates, now)

    def at(self, digits: str) -> Place:
        """The place of a number."""
        last = self._last
        if last[0] == digits:
            return last[1]
        place = self._find(digits)
        self._last = digits, place
        return place

    def _find(self, digits: str) -> Place:
        find = self._by_prefix.get
        for width in self._widths:
            place = find(digits[:width])
            if place is not None:
                return place
        return self._nowhere

    def _join(self, exchange: Mapping[str, float]) -> None:
        """Find the place of each prefix: where a table does not have it, a shorter one counts."""
        regions, networks = self._tables.regions or NOTHING, self._tables.networks or NOTHING
        prices = [_Column(table, exchange) for table in self._tables.prices.values()]
        same: dict[tuple[object, ...], Place] = {}
        at = 0
        for width, prefixes in sorted(self._prefixes().items()):
            for prefix in prefixes:
                above = self._find(prefix)
                own = (
                    prefix if prefix in self.of_rules else above.prefix,
                    regions.own(prefix) or above.region,
                    networks.own(prefix) or above.network,
                )
                pairs = zip(prices, above.offers, strict=True)
                offers = tuple([column.offers(prefix, shorter) for column, shorter in pairs])
                key = (*own, *map(id, offers))
                place = same.get(key)
                if place is None:
                    place = same[key] = Place(*own, offers)
                self._by_prefix[prefix] = place
                at += 1
                if at % STEP == 0:
                    sleep(0)  # lets go of the interpreter
            self._widths = width, *self._widths
        self._dates.update(*[column.dates for column in prices])

    def _prefixes(self) -> dict[int, set[str]]:
        """All prefixes of rules and tables, by their length."""
        tables = self._tables
        by_width: dict[int, set[str]] = {}
        for table in (tables.regions, tables.networks, *tables.prices.values()):
            for prefix, _ in table.items() if table is not None else ():
                by_width.setdefault(len(prefix), set()).add(prefix)
        for prefix in self.of_rules:
            by_width.setdefault(len(prefix), set()).add(prefix)
        return by_width


class _Column:
    """One carrier's price table, its prices in the one currency; what is the same is one object."""

    def __init__(self, table: Prices, exchange: Mapping[str, float]) -> None:
        self._table = table
        self._exchange = exchange
        self._own: dict[int, Offers] = {}  # by the id of the table's steps
        self._joined: dict[tuple[int, int], Offers] = {}
        self.dates: set[int] = set()

    def offers(self, prefix: str, shorter: Offers) -> Offers:
        """What it asks for a prefix, given what it asks for a shorter one: that counts where it does not have
        this one, and until its first price begins.
        """
        steps = self._table.own(prefix)
        if steps is None:
            return shorter
        own = self._own.get(id(steps))
        if own is None:
            own = self._own[id(steps)] = tuple(map(self._offer, steps))
        if not shorter or not own[0].since:
            return own
        return self._joined.setdefault((id(own), id(shorter)), shorter + own)

    def _offer(self, step: Step) -> Offer:
        self.dates.add(step.since)
        micro = step.micro * self._exchange[step.currency]
        return Offer(step.since, Price(micro, f"{step.micro / MICRO:.6g} {step.currency}"))


def places_of(tables: Tables, of_rules: Iterable[str], exchange: Mapping[str, float]) -> Places:
    """The places of tables, made anew only where there are none yet."""
    prefixes = frozenset(of_rules)
    parts: tuple[Prefixes[str] | Prices | None, ...] = (
        tables.regions,
        tables.networks,
        *tables.prices.values(),
    )
    # their ids are theirs as long as the places hold them
    key = tuple(map(id, parts)), tuple(tables.prices), prefixes, frozenset(exchange.items())
    places = _made.get(key)
    if places is None:
        places = _made[key] = Places(tables, prefixes, exchange)
    return places


_made: WeakValueDictionary[object, Places] = WeakValueDictionary()
