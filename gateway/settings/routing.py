"""The models of routing.yaml: by which carrier."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from phonenumbers import SUPPORTED_REGIONS
from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from gateway.settings.modes import RuleMode
from gateway.settings.node import Section
from gateway.settings.patterns import bounded
from gateway.settings.rewriting import TagName
from gateway.settings.scalars import (
    UNIQUE,
    AccountName,
    CarrierName,
    Category,
    ConfigFile,
    Count,
    Country,
    Currency,
    FreeText,
    Number,
    Octet,
    Prefix,
    TenantName,
    Text,
    TimeZone,
    distinct,
    nearest,
)
from gateway.settings.tables import network_code

NumberType = Literal[
    "mobile",
    "fixed_line",
    "fixed_line_or_mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
    "short_code",
    "unknown",
]
Script = Literal[
    "latin",
    "greek",
    "cyrillic",
    "armenian",
    "hebrew",
    "arabic",
    "devanagari",
    "bengali",
    "tamil",
    "telugu",
    "thai",
    "hangul",
    "kana",
    "han",
    "other",
]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
Strategy = Literal["order", "weight", "cost", "load", "quality", "turn"]
CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")


def a_known_country(code: str) -> str:
    """A country that has telephone numbers."""
    if code not in SUPPORTED_REGIONS:
        raise ValueError(f"'{code}' is no country with telephone numbers{nearest(code, SUPPORTED_REGIONS)}")
    return code


def a_network(text: str) -> str:
    """An MCC, or MCC and MNC."""
    if len(text) == 3 and text.isascii() and text.isdigit() and "2" <= text[0] <= "7":
        return text
    return network_code(text)


def a_destination(prefix: str) -> str:
    """Digits with which numbers may begin."""
    if not (prefix.isascii() and prefix.isdigit() and len(prefix) <= 15):
        raise ValueError(f"'{prefix}' is no prefix of a number: write digits such as 86 or 4477")
    return prefix


def a_time_of_day(text: str) -> str:
    """Hours and minutes."""
    if not CLOCK.fullmatch(text):
        raise ValueError(f"'{text}' is no time of day: write it as 08:30")
    return text


def known_choice(name: str, info: ValidationInfo) -> str:
    """While a configuration is loaded: the name of a carrier or of a group."""
    context = info.context or {}
    if context.get("carrier") is not None and context.get("group") is not None:
        names = {*context["carrier"], *context["group"]}
        if name not in names:
            what = "carrier or group" if context["group"] else "carrier"
            raise ValueError(f"unknown {what} '{name}'{nearest(name, names)}")
    return name


TimeOfDay = Annotated[Text, AfterValidator(a_time_of_day)]
Choosable = Annotated[Text, AfterValidator(known_choice)]


class Hours(Section):
    """Hours of the day in one zone; past midnight where `until` is before `since`."""

    zone: TimeZone = "UTC"
    """The zone whose clock counts."""
    days: tuple[Weekday, ...] = WEEKDAYS
    """The days on which they begin."""
    since: TimeOfDay = "00:00"
    """Their beginning."""
    until: TimeOfDay = "24:00"
    """Their end, which is not one of them."""

    @model_validator(mode="after")
    def not_empty(self) -> Self:
        if self.since == self.until:
            raise ValueError("since and until are the same")
        return self


class Dates(Section):
    """Days in one zone."""

    zone: TimeZone = "UTC"
    """Where they begin and end."""
    since: date | None = None
    """The first of them, `2026-11-20`; null: any before."""
    until: date | None = None
    """The first that is not one of them; null: none."""

    @model_validator(mode="after")
    def some_days(self) -> Self:
        if self.since is None and self.until is None:
            raise ValueError("neither since nor until is given: that is every day")
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise ValueError("until is not after since: that is no day")
        return self


class SegmentCount(Section):
    """A number of segments."""

    least: Count = 1
    """At least so many."""
    most: Count | None = None
    """At most so many; null: any number."""

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if self.most is not None and self.most < self.least:
            raise ValueError("most is less than least")
        return self


class Match(Section):
    """What a route takes. Every key that is given must fit; of a list, any entry."""

    account: Annotated[tuple[AccountName, ...], AfterValidator(distinct), UNIQUE] = ()
    """system_ids."""
    tenant: tuple[TenantName, ...] = ()
    """Tenants of accounts."""
    tag: tuple[Text, ...] = ()
    """Tags of accounts."""
    category: tuple[Category, ...] = ()
    """Categories."""
    tier: tuple[Annotated[int, Field(strict=True, ge=0, le=3)], ...] = ()
    """Tiers of urgency, 0 for none."""
    destination: tuple[Annotated[Prefix, AfterValidator(a_destination)], ...] = ()
    """Prefixes of the destination in international form; a `+` is dropped."""
    country: tuple[Annotated[Country, AfterValidator(a_known_country)], ...] = ()
    """Countries of the destination."""
    region: tuple[Text, ...] = ()
    """Names that the table of regions has for the destination."""
    network: tuple[Annotated[Text, AfterValidator(a_network)], ...] = ()
    """The destination's network, as MCC and MNC (`460-00`) or MCC alone (`460`): by the table of ported
    numbers, else by that of networks."""
    number_type: tuple[NumberType, ...] = ()
    """Kinds of the destination's number."""
    preference: tuple[Text, ...] = ()
    """Tags that the table of preferences has for the destination."""
    source: tuple[Text, ...] = ()
    """Source addresses, exact or as `prefix*`."""
    text: Annotated[re.Pattern[str], AfterValidator(bounded)] | None = None
    """A regular expression found in the first 1,000 characters of the text as the handset will show it."""
    words: tuple[Text, ...] = ()
    """Pieces of the text, in small or capital letters."""
    script: tuple[Script, ...] = ()
    """The script in which most letters of the text are: its language, as far as letters tell it."""
    segments: SegmentCount | None = None
    """Of how many segments the text is."""
    data_coding: tuple[Octet, ...] = ()
    """data_coding of the submit."""
    tlvs: dict[TagName, FreeText | None] = Field(default_factory=dict)
    """TLVs that the submit has, by tag (`"0x1400"`): with this value, as text or as hexadecimal `0x00ff`, or
    with any for null."""
    hours: tuple[Hours, ...] = ()
    """When the message is routed."""
    dates: tuple[Dates, ...] = ()
    """On which days it is."""

    @property
    def everything(self) -> bool:
        """Whether it takes every message."""
        return not any(getattr(self, name) for name in type(self).model_fields)


class Choice(Section):
    """How one of several carriers is chosen. One that is down, out, full or throttled is passed over."""

    choose: Strategy = "order"
    """`order`: as they stand; `weight`: in turn, by `weights`; `turn`: in turn; `cost`: the cheapest for the
    number; `load`: with most of its window free; `quality`: that which delivered best lately to the
    country."""
    carriers: Annotated[tuple[Choosable, ...], Field(min_length=1), AfterValidator(distinct), UNIQUE]
    """Names of carriers, or of groups, whose own choice then counts. The next takes over when one is passed
    over."""
    weights: dict[Text, Annotated[int, Field(strict=True, ge=0, le=1000)]] = Field(default_factory=dict)
    """By name, for `weight`; those not named have 1, and 0 takes only what no other can."""
    sticky: Literal["no", "recipient"] = "no"
    """`recipient`: all messages to a number go by the same carrier while it is up, also after a restart."""

    @model_validator(mode="after")
    def weights_are_of_members(self) -> Self:
        for name in self.weights:
            if name not in self.carriers:
                raise ValueError(
                    f"weights names '{name}', which is not in carriers{nearest(name, self.carriers)}"
                )
        if self.weights and self.choose != "weight":
            raise ValueError(f"weights are for `choose: weight`, and this chooses by {self.choose}")
        if self.sticky != "no" and self.choose not in ("weight", "turn"):
            raise ValueError(f"sticky is for `choose: weight` and `turn`, and this chooses by {self.choose}")
        if self.weights and not any(self.weights.get(name, 1) for name in self.carriers):
            raise ValueError("all weights are 0")
        return self


class Group(Choice):
    """Carriers under one name."""


class Route(Choice):
    """A rule of routing.yaml: the first that matches decides."""

    name: Text
    """How logs and explanations call it."""
    priority: Annotated[int, Field(strict=True, ge=-1000, le=1000)] = 0
    """With `order: priority` the highest is tried first; those of the same in the order in which they
    stand."""
    match: Match = Match()
    mode: RuleMode = "enforce"
    """`shadow`: it takes nothing; of each message that it would have taken, were it not in shadow, record and
    counts say by which carrier that would have gone."""
    ordered: Literal["no", "recipient"] = "no"
    """`recipient`: a message to a number leaves when the one before it has been answered."""


class TableFiles(Section):
    """Tables in CSV files, whose first line names the columns; read at each reload."""

    regions: ConfigFile | None = None
    """`prefix,region`: a name for each prefix of numbers, the longest counts."""
    networks: ConfigFile | None = None
    """`prefix,network`: the network to which a range was given, as `460-00`."""
    ported: ConfigFile | None = None
    """`number,network`: numbers that moved to another network."""
    preferences: ConfigFile | None = None
    """`number,tags`: what people prefer, as tags joined by `|`; a number, or many as `prefix*`."""
    prices: dict[CarrierName, ConfigFile] = Field(default_factory=dict)
    """By carrier: `prefix,price,currency,from`, the price of a segment, perhaps from a date on."""

    def files(self) -> Iterator[tuple[str, str, Path]]:
        """Every file: its kind, the carrier whose it is, its path."""
        for kind in ("regions", "networks", "ported", "preferences"):
            if (path := getattr(self, kind)) is not None:
                yield kind, "", path
        for carrier, path in self.prices.items():
            yield "prices", carrier, path


class Routing(Section):
    """routing.yaml: by which carrier."""

    order: Literal["written", "priority"] = "written"
    """The order in which routes are tried: as they stand, or by their `priority`."""
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    """The first that matches a message decides."""
    groups: dict[Text, Group] = Field(default_factory=dict)
    """Carriers under one name, which routes and other groups may name."""
    tables: TableFiles = TableFiles()
    currency: Currency = "EUR"
    """The currency in which prices are compared and told."""
    exchange: dict[Currency, Number] = Field(default_factory=dict)
    """What one unit of another currency is in `currency`: `USD: 0.92`."""

    @property
    def in_order(self) -> tuple[Route, ...]:
        """The routes in the order in which they are tried."""
        if self.order == "written":
            return self.routes
        return tuple(sorted(self.routes, key=lambda route: -route.priority))

    def reached(self, choice: Choice, seen: tuple[str, ...] = ()) -> Iterator[str]:
        """The carriers that a choice can come to."""
        for name in choice.carriers:
            if name in self.groups and name not in seen:
                yield from self.reached(self.groups[name], (*seen, name))
            elif name not in self.groups:
                yield name
