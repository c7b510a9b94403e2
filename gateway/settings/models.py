"""What the configuration says, as frozen values: one model for each section of each file.

Every key has its default and its meaning here, and nowhere else: docs/configuration.md and docs/schema/ are
generated from this module. Durations are floats of seconds. A secret is a SecretStr that holds a scrypt hash
or, when it came from the environment or a file, the secret itself (see secrets.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from gateway.settings.node import Backlog, Limits, Listener, Logs, Multipart, Node, Retention, Section, Timers
from gateway.settings.scalars import (
    ClientEndpoint,
    ConfigPath,
    Count,
    Duration,
    Flag,
    Number,
    Octet,
    Secret,
    Text,
    TimeZone,
    as_written,
)

__all__ = [
    "DEFAULT_RETRIES",
    "Account",
    "AddressRange",
    "Alphabet",
    "Backlog",
    "Bind",
    "BindType",
    "Carrier",
    "Category",
    "FilterMode",
    "Filters",
    "Generation",
    "IdRule",
    "Ids",
    "InterfaceVersion",
    "Limits",
    "Listener",
    "Logs",
    "Match",
    "Multipart",
    "Node",
    "Place",
    "Rate",
    "ReceiptStyle",
    "Reconnect",
    "Retention",
    "Retry",
    "RetryRule",
    "Route",
    "Routing",
    "Section",
    "Timers",
    "Words",
]

Category = Literal["transactional", "promotional", "otp", "service", "government"]
BindType = Literal["transmitter", "receiver", "transceiver"]
FilterMode = Literal["enforce", "warn", "shadow", "off"]
IdRule = Literal["exact", "hex", "dec"]
InterfaceVersion = Annotated[Literal["3.3", "3.4", "5.0"], BeforeValidator(as_written)]
Alphabet = Literal["gsm7", "latin1", "ascii", "gsm7-packed"]


# accounts.yaml


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


class Account(Section):
    """A system_id with which a tenant's system binds."""

    tenant: Text
    """The legal sender to whom the account belongs."""
    password: Secret
    """A scrypt hash (`gateway hash-password` makes one), `${NAME}` from the environment or `${file:PATH}`."""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks (CIDR) it may bind from; none named: any."""
    bind_types: tuple[BindType, ...] = ("transmitter", "receiver", "transceiver")
    """How it may bind."""
    sessions: Count = 20
    """Sessions at the same time."""
    window: Count = 100
    """Requests of one session that may be unanswered, in either direction."""
    rate: Rate | None = None
    """How fast it may send; null: as fast as it likes."""
    sources: tuple[Text, ...] = ()
    """Source addresses it may use, exact or as `prefix*`; none named: any."""
    category: Category = "transactional"
    """What the law sees in its messages, unless a message says otherwise."""
    message_id: Literal["decimal", "hex", "base36"] = "decimal"
    """How message ids are written for it; clients of version 3.3 get at most 8 characters."""
    receipts: ReceiptStyle = ReceiptStyle()
    refusals: Literal["receipt", "response"] = "receipt"
    """Where it is told of a refusal: accepted and then REJECTD by receipt, or refused in the response."""
    validity: Duration = 48 * 3600.0
    """How long a message is tried when the client names no validity_period."""
    longest_validity: Duration = 168 * 3600.0
    """The longest validity_period that a client may name; a longer one is shortened."""
    default_alphabet: Alphabet = "gsm7"
    """What its data_coding 0 means."""
    numbers: tuple[Text, ...] = ()
    """Its own numbers, or prefixes of them: replies to these go to it."""
    keywords: tuple[Text, ...] = ()
    """First words of replies that are for it, where several accounts share a number."""
    replies: Literal["joined", "segments"] = "segments"
    """Long replies joined to one message, or segment by segment as they came."""
    filters: Literal["all"] | dict[Text, FilterMode] = "all"
    """`all`: every filter in the mode that filters.yaml states; or a mapping of filter to mode, the others
    being off."""

    def filter_mode(self, name: str, filters: Filters) -> FilterMode:
        """The mode in which the filter `name` (a key of filters.yaml) judges this account."""
        if self.filters == "all":
            return filters.mode(name)
        return self.filters.get(name, "off")


# carriers.yaml


class Bind(Section):
    """Connections to a carrier that are alike."""

    mode: BindType = "transceiver"
    """The bind that is sent."""
    endpoint: ClientEndpoint
    """A Twisted client endpoint: `tcp:10.0.0.7:2775`, `tls:smsc.example:3550`, with a local address
    `tcp:10.0.0.7:2775:bindAddress=10.0.0.8`."""
    count: Count = 1
    """How many such connections."""


class AddressRange(Section):
    """The addresses whose replies and receipts the bind asks for."""

    ton: Octet = 0
    """addr_ton of the bind."""
    npi: Octet = 0
    """addr_npi of the bind."""
    range: Annotated[Text, Field(max_length=40)] = ""
    """address_range of the bind."""


class Reconnect(Section):
    """Exponential back-off between attempts."""

    initial: Duration = 1.0
    """The first pause."""
    maximum: Duration = 60.0
    """The longest pause."""
    jitter: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.2
    """Each pause is longer or shorter by up to this share of it."""


class Ids(Section):
    """How the carrier writes its message ids, so that a receipt finds its message."""

    response: IdRule = "exact"
    """In submit_sm_resp."""
    receipt: IdRule = "exact"
    """In receipts."""


class RetryRule(Section):
    """What to do after a temporary refusal."""

    tries: Count
    """Submits in all before the refusal is final; 1 makes it final at once."""
    delay: Duration
    """When the message is tried again."""
    pause: Duration = 0.0
    """How long the whole carrier is left in peace."""


DEFAULT_RETRIES: Mapping[str, RetryRule] = {
    "ESME_RTHROTTLED": RetryRule(tries=100, delay=1.0, pause=1.0),
    "ESME_RMSGQFUL": RetryRule(tries=100, delay=5.0, pause=5.0),
    "ESME_RSYSERR": RetryRule(tries=5, delay=10.0),
    "ESME_RX_T_APPN": RetryRule(tries=5, delay=30.0),
}


class Retry(Section):
    """Which answers of the carrier are temporary."""

    statuses: dict[str, RetryRule] = dict(DEFAULT_RETRIES)
    """By name of the command_status. Those not named here keep their defaults; any other status is final."""

    @field_validator("statuses")
    @classmethod
    def over_the_defaults(cls, statuses: dict[str, RetryRule]) -> dict[str, RetryRule]:
        return {**DEFAULT_RETRIES, **statuses}


class Carrier(Section):
    """An upstream account: who we are for the carrier, and how it behaves."""

    binds: Annotated[tuple[Bind, ...], Field(min_length=1)]
    """The connections that are kept up."""
    system_id: Annotated[Text, Field(max_length=15)]
    """Our name at the carrier."""
    password: Secret
    """At most 8 characters, from `${NAME}` or `${file:PATH}`."""
    system_type: Annotated[Text, Field(max_length=12)] = ""
    """system_type of the bind, where the carrier wants one."""
    address_range: AddressRange = AddressRange()
    interface_version: InterfaceVersion = "3.4"
    """The version of SMPP that the bind announces."""
    tlvs: Flag | None = None
    """Whether it is sent TLVs; null: as its sc_interface_version says."""
    window: Count = 100
    """Requests that may be unanswered, over all binds."""
    rate: Number | None = None
    """The most submit PDUs a second, over all binds; null: no limit."""
    enquire_link: Duration = 30.0
    """Silence after which an enquire_link is sent."""
    response: Duration = 60.0
    """How long a response may take."""
    reconnect: Reconnect = Reconnect()
    ids: Ids = Ids()
    receipt_timeout: Duration = 72 * 3600.0
    """How long after its submit a message waits for its receipt; then `no_receipt` says how it ends."""
    no_receipt: Literal["unknown", "expired", "undeliverable"] = "unknown"
    """The final state of a message whose receipt never came."""
    unanswered: Literal["unknown", "resend"] = "unknown"
    """A submit whose answer never came: `unknown` ends it so (it may have been delivered), `resend` sends it
    again (it may be delivered twice)."""
    accepted_is_final: Flag = False
    """Whether a receipt with the state ACCEPTED is the last word."""
    retry: Retry = Retry()


# routing.yaml


class Match(Section):
    """What a route takes. Every key that is given must fit; of a list, any entry."""

    account: tuple[Text, ...] = ()
    """system_ids."""
    category: tuple[Category, ...] = ()
    """Categories."""
    destination: tuple[Text, ...] = ()
    """Prefixes of the destination, without `+`."""
    source: tuple[Text, ...] = ()
    """Source addresses, exact or as `prefix*`."""
    text: re.Pattern[str] | None = None
    """A regular expression found in the text as the handset will show it."""

    @property
    def everything(self) -> bool:
        """Whether it takes every message."""
        return not (self.account or self.category or self.destination or self.source or self.text)


class Route(Section):
    """A rule of routing.yaml: the first that matches decides."""

    name: Text
    """How logs and explanations call it."""
    match: Match = Match()
    carriers: Annotated[tuple[Text, ...], Field(min_length=1)]
    """In order of preference: the next takes over when one is down, full or throttled."""


class Routing(Section):
    """routing.yaml: by which carrier."""

    routes: Annotated[tuple[Route, ...], Field(min_length=1)]


# filters.yaml


class Words(Section):
    """Sensitive words: a text that contains one is refused."""

    mode: FilterMode = "enforce"
    """For accounts with `filters: all`."""
    files: tuple[ConfigPath, ...] = ()
    """Word lists, one word a line, `#` begins a comment; relative to the configuration."""


class Filters(Section):
    """filters.yaml: may it be sent, and when. Each key is a filter."""

    words: Words = Words()

    def mode(self, name: str) -> FilterMode:
        """The stated mode of the filter `name`."""
        mode: FilterMode = getattr(self, name).mode
        return mode


Place = tuple[str, int]
"""A file and a line in it."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One validated state of all configuration. Each decision uses one, and its record names the number."""

    number: int
    """Counts up with every change, from 1."""
    digest: str
    """SHA-256, in hex, of the files it was read from; equal digests mean the same text."""
    loaded_at: float
    """Unix seconds."""
    directory: Path
    node: Node
    accounts: Mapping[str, Account]
    """By system_id."""
    carriers: Mapping[str, Carrier]
    """By name."""
    routes: tuple[Route, ...]
    filters: Filters
    places: Mapping[str, Place] = field(default_factory=dict, repr=False)
    """By dotted path: `routes[2].carriers`, `accounts.bank`, `gateway.timers`, `filters.words`."""
    warnings: tuple[str, ...] = ()

    def place(self, path: str) -> str:
        """`file:line` of a dotted path, or of the nearest thing around it; empty when there is none."""
        while path and path not in self.places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        if not path:
            return ""
        file, line = self.places[path]
        return f"{file}:{line}"
