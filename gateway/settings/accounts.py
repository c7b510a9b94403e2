"""The models of accounts.yaml: who may bind, and what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, ValidationInfo, model_validator

from gateway.settings.filters import Filters
from gateway.settings.modes import FilterMode, Modes, mode_for
from gateway.settings.node import Section
from gateway.settings.quotas import Balance, Duplicates, Quota
from gateway.settings.scalars import (
    UNIQUE,
    Category,
    ClientEndpoint,
    Count,
    Flag,
    Network,
    Number,
    Prefix,
    SystemId,
    Text,
    Tier,
    Timer,
    TimeZone,
    distinct,
    nearest,
    written,
)
from gateway.settings.secrets import HashedPassword, Password

BindType = Literal["transmitter", "receiver", "transceiver"]
Alphabet = Literal["gsm7", "latin1", "ascii", "gsm7-packed"]


def known_filter(name: str, info: ValidationInfo) -> str:
    names = {*Filters.names(), *((info.context or {}).get("plugin") or ())}
    if name not in names:
        raise ValueError(f"unknown filter '{name}'{nearest(name, names)}")
    return name


TlvTag = Annotated[int, Field(strict=True, ge=0x0100, le=0xFFFF)]
DECLARED: Mapping[str, Category] = {
    "OTP": "otp",
    "ARN": "transactional",
    "MKT": "promotional",
    "SRV": "service",
    "GOV": "government",
}
FilterName = Annotated[Text, AfterValidator(known_filter)]
FilterModes = Annotated[
    Annotated[Literal["all"], Tag("word")] | Annotated[dict[FilterName, Modes], Tag("modes")],
    Discriminator(lambda value: "modes" if isinstance(value, dict) else "word"),
]


class Rate(Section):
    """A token bucket: a little over is slowed, far over gets ESME_RTHROTTLED."""

    per_second: Number
    """Messages a second in the long run."""
    burst: Count
    """Messages that may come at once after a pause."""


class ReceiptStyle(Section):
    """How the receipts for this account are written."""

    dates: Literal[10, 12, 14] = 10
    """Digits of `submit date` and `done date`: YYMMDDhhmm, YYMMDDhhmmss or YYYYMMDDhhmmss."""
    time_zone: TimeZone = "UTC"
    """The zone of these dates."""


class Declaration(Section):
    """How its messages say their category: the first of TLV, service_type and source address that says one
    counts.
    """

    tag: TlvTag | None = None
    """The TLV that names the category, such as 0x1414; it is taken off on the way to the carrier. null:
    none does."""
    values: dict[Text, Category] = Field(default_factory=lambda: dict(DECLARED))
    """What that TLV may say, in any case, and which category it means."""
    required: Flag = False
    """A message without the TLV is refused with 0xC3, one with another value with 0xC4. Otherwise such a
    message counts as undeclared."""
    service_types: dict[Text, Category] = Field(default_factory=dict)
    """By service_type."""
    sources: dict[Text, Category] = Field(default_factory=dict)
    """By source address, exact or as `prefix*`; the longest counts."""

    @model_validator(mode="after")
    def what_is_required_has_a_tag(self) -> Self:
        if self.required and self.tag is None:
            raise ValueError("a TLV that is required needs a tag")
        return self


class Outbind(Section):
    """Where the account's system can be called, so that it binds and fetches what waits for it."""

    endpoint: ClientEndpoint
    """A Twisted client endpoint, such as `tcp:10.1.0.5:2775`."""
    system_id: Annotated[Text, Field(max_length=15), written(minLength=1, maxLength=15)] = "gateway"
    """How the gateway names itself in the outbind."""
    password: Password | None = None
    """What the client's system may ask for, from `${NAME}` or `${file:PATH}`."""
    interval: Timer = 60.0
    """The least time between two calls."""


class Urgency(Section):
    """How urgent its messages are: tier 1 (with its carrier within 15 minutes), 2 (two hours) or 3 (a day).
    The first of this TLV, the program (people.yaml), the category and the default that says one counts.
    Tier 1 passes quiet hours and frequency caps, never a list; tiers come before priority_flag in the queue,
    and what is late raises an alarm.
    """

    tag: TlvTag | None = None
    """The TLV that names the tier, as a digit or an octet; it is taken off on the way to the carrier. Another
    value says nothing. null: none does."""
    categories: dict[Category, Tier] = Field(default_factory=dict)
    """By category."""
    default: Tier | None = None
    """Of messages that nothing else is said of; null: none."""

    @property
    def says_something(self) -> bool:
        return self.tag is not None or bool(self.categories) or self.default is not None


class Account(Section):
    """A system_id with which a tenant's system binds."""

    tenant: Text
    """The legal sender to whom the account belongs."""
    password: HashedPassword
    """A scrypt hash (`python -m gateway.settings.secrets` makes one), `${NAME}` from the environment or
    `${file:PATH}`."""
    networks: tuple[Network, ...] = ()
    """Networks (CIDR) it may bind from; none named: any."""
    bind_types: tuple[BindType, ...] = ("transmitter", "receiver", "transceiver")
    """How it may bind."""
    sessions: Count = 20
    """Sessions at the same time."""
    window: Count = 100
    """Requests of one session that may be unanswered, in either direction."""
    rate: Rate | None = None
    """How fast it may send; null: as fast as it likes."""
    quota: Quota | None = None
    """How much it may send in a day and a month; null: as much as it likes."""
    balance: Balance | None = None
    """What it has paid for, counted down; null: it is not prepaid."""
    duplicates: Duplicates | None = None
    """What comes twice is sent once; null: as often as it comes."""
    sources: tuple[Text, ...] = ()
    """Source addresses it may use, exact or as `prefix*`; none named: any."""
    priority: Annotated[int, Field(strict=True, ge=0, le=3)] = 3
    """The highest priority_flag that counts here: what waits with a higher one leaves before what any account
    has with a lower one. The carrier gets the flag that the client sent."""
    tags: Annotated[tuple[Text, ...], AfterValidator(distinct), UNIQUE] = ()
    """Words of yours by which routes can match accounts."""
    category: Category = "promotional"
    """What the law sees in its messages, unless a message says otherwise."""
    declares: Declaration = Declaration()
    urgency: Urgency = Urgency()
    message_id: Literal["decimal", "hex", "base36"] = "decimal"
    """How message ids are written for it; clients of version 3.3 get at most 8 characters."""
    receipts: ReceiptStyle = ReceiptStyle()
    refusals: Literal["receipt", "response"] = "receipt"
    """Where it is told of a refusal: accepted and then REJECTD by receipt, or refused in the response."""
    validity: Timer = 48 * 3600.0
    """How long a message is tried when the client names no validity_period."""
    longest_validity: Timer = 168 * 3600.0
    """The longest validity_period that a client may name; a longer one is shortened."""
    default_alphabet: Alphabet = "gsm7"
    """What its data_coding 0 means."""
    numbers: tuple[Prefix, ...] = ()
    """Its own numbers, or prefixes of them: replies to these go to it."""
    keywords: tuple[Text, ...] = ()
    """First words of replies that are for it, where several accounts share a number."""
    replies: Literal["joined", "segments"] = "segments"
    """Long replies joined to one message, or segment by segment, in order; either way when all have come, or
    after the time-out of `multipart`."""
    outbind: Outbind | None = None
    """Called when receipts or replies wait and no receiving session is bound; null: never."""
    filters: FilterModes = "all"
    """`all`: every filter in the mode that filters.yaml states; or a mapping of filter to mode (or to modes
    by category), the others being off."""

    @model_validator(mode="after")
    def validity_within_the_longest(self) -> Self:
        if self.validity > self.longest_validity:
            raise ValueError("validity must not be longer than longest_validity")
        return self

    @property
    def taken_off(self) -> tuple[int, ...]:
        """The TLVs that are for the gateway and not for carriers."""
        return tuple(tag for tag in (self.declares.tag, self.urgency.tag) if tag is not None)

    def filter_mode(self, name: str, category: str, filters: Filters) -> FilterMode:
        """The mode in which the filter `name` (a key of filters.yaml) judges its messages of a category."""
        if self.filters == "all":
            return filters.mode(name, category)
        return mode_for(self.filters.get(name, "off"), category)


NAMES: dict[str, Any] = {"propertyNames": {"minLength": 1, "maxLength": 15}}
"""system_ids as keys, for editors."""


class Accounts(Section):
    """accounts.yaml: who may bind."""

    accounts: Annotated[dict[SystemId, Account], Field(min_length=1, json_schema_extra=NAMES)]
    """By system_id."""
