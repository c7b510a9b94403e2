"""The models of carriers.yaml: to whom messages go, and how each of them behaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from gateway.settings.accounts import BindType, TlvTag
from gateway.settings.node import Section
from gateway.settings.preset import preset_names, with_preset
from gateway.settings.rewriting import ReceiptLayout, Rewrite, TagName, a_number
from gateway.settings.scalars import (
    ClientEndpoint,
    Count,
    Duration,
    Flag,
    FreeText,
    Number,
    Octet,
    StatusName,
    SystemId,
    Text,
    Timer,
    as_written,
    nearest,
    written,
)
from gateway.settings.secrets import Password
from gateway.settings.statement import Statement

Share = Annotated[float, Field(strict=True, ge=0.01, le=1)]
IdRule = Literal["exact", "caseless", "hex", "dec"]
StatusNumber = Annotated[int, BeforeValidator(a_number), WithJsonSchema({"type": "string"})]
InterfaceVersion = Annotated[
    Literal["3.3", "3.4", "5.0"],
    BeforeValidator(as_written),
    WithJsonSchema({"enum": ["3.3", "3.4", "5.0", 3.3, 3.4, 5.0]}),
]


def a_preset(name: str) -> str:
    """One of those that are shipped."""
    names = preset_names()
    if name not in names:
        raise ValueError(f"unknown preset '{name}'{nearest(name, names)}: there are {', '.join(names)}")
    return name


class Bind(Section):
    """Connections to a carrier that are alike."""

    mode: BindType = "transceiver"
    """The bind that is sent."""
    endpoint: ClientEndpoint
    """A Twisted client endpoint: `tcp:10.0.0.7:2775`, `tls:smsc.example:3550`, with a local address
    `tcp:10.0.0.7:2775:bindAddress=10.0.0.8`."""
    count: Count = 1
    """How many such connections."""


def transmits(binds: tuple[Bind, ...]) -> tuple[Bind, ...]:
    """A carrier to which nothing can be sent is none."""
    if all(bind.mode == "receiver" for bind in binds):
        raise ValueError("at least one bind must transmit")
    return binds


class AddressRange(Section):
    """The addresses whose replies and receipts the bind asks for."""

    ton: Octet = 0
    """addr_ton of the bind."""
    npi: Octet = 0
    """addr_npi of the bind."""
    range: Annotated[FreeText, Field(max_length=40), written(maxLength=40)] = ""
    """address_range of the bind."""


class Reconnect(Section):
    """Exponential back-off between attempts."""

    initial: Timer = 1.0
    """The first pause."""
    maximum: Timer = 60.0
    """The longest pause."""
    jitter: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.2
    """Each pause is longer or shorter by up to this share of it."""


class Ids(Section):
    """How the carrier writes its message ids, so that a receipt finds its message: `exact` as they stand,
    `caseless` in small letters or capitals, `hex` and `dec` as numbers, padded or not."""

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
    next: Literal["any", "other", "same"] = "any"
    """By which carrier it is tried again: as its route says then, rather by another one, or by this one
    alone."""


DEFAULT_RETRIES: Mapping[str, RetryRule] = {
    "ESME_RTHROTTLED": RetryRule(tries=100, delay=1.0, pause=1.0),
    "ESME_RMSGQFUL": RetryRule(tries=100, delay=5.0, pause=5.0),
    "ESME_RSYSERR": RetryRule(tries=5, delay=10.0),
    "ESME_RX_T_APPN": RetryRule(tries=5, delay=30.0),
}


class Retry(Section):
    """Which answers of the carrier are temporary."""

    statuses: dict[StatusName, RetryRule] = Field(default_factory=lambda: dict(DEFAULT_RETRIES))
    """By name of the command_status. Those not named here keep their defaults; any other status is final."""

    @field_validator("statuses")
    @classmethod
    def over_the_defaults(cls, statuses: dict[str, RetryRule]) -> dict[str, RetryRule]:
        return {**DEFAULT_RETRIES, **statuses}


class HealthRule(Section):
    """When the carrier counts as failing, and how it is taken up again: one message at a time, after a pause
    that doubles with each failure. What is temporary by its nature (throttled, full) does not count here."""

    statuses: tuple[StatusName, ...] = ("ESME_RSYSERR", "ESME_RX_T_APPN", "ESME_RINVBNDSTS")
    """Answers by which it fails. No answer at all is always one."""
    memory: Count = 20
    """Of how many of the latest answers the share of failures is reckoned."""
    suspect: Share = 0.2
    """The share from which it is taken only where no other can."""
    out: Share = 0.5
    """The share from which it is not taken at all."""
    row: Count = 5
    """Failures in a row after which it is not taken, whatever their share."""
    pause: Timer = 1.0
    """How long it is then left alone for the first time."""
    longest: Timer = 60.0
    """The longest pause; so long must it be well, too, for the first pause to count again."""
    probes: Count = 3
    """Good answers in a row after which it is trusted again."""

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if self.suspect > self.out:
            raise ValueError("suspect is more than out")
        if self.pause > self.longest:
            raise ValueError("pause is longer than longest")
        return self


CodeMeaning = Literal["opted_out", "do_not_disturb", "complaint", "invalid", "reassigned"]


class PeopleCodes(Section):
    """What the carrier's refusals say of the person: the number goes on a list by itself."""

    statuses: dict[StatusName, CodeMeaning] = Field(default_factory=dict)
    """By name of the command_status in submit_sm_resp."""
    errors: dict[Text, CodeMeaning] = Field(default_factory=dict)
    """By what a receipt has as `err`, or as `stat` where that is a code of the carrier's own: `MK:1004`."""


class Query(Section):
    """How a carrier is asked by query_sm what became of a message whose receipt never came. Its answer counts
    as a receipt does."""

    tries: Count = 3
    """How often it is asked about one message; times at which it was down count."""
    every: Timer = 600.0
    """Between two questions about one message."""
    rate: Number = 5.0
    """Questions a second, beside the submits."""
    id: Literal["exact", "hex", "HEX"] = "exact"
    """How the message id is written in the question where `ids.response` is `hex` or `dec`: in decimal, or in
    hexadecimal with small or capital letters."""
    width: Annotated[int, Field(strict=True, ge=0, le=64)] = 0
    """The id is filled up with zeros to so many characters."""
    then: Literal["unknown", "expired", "undeliverable"] = "unknown"
    """The final state of a message about which no answer said more."""


class Carrier(Section):
    """An upstream account: who we are for the carrier, and how it behaves."""

    preset: Annotated[Text, AfterValidator(a_preset)] | None = None
    """A shipped profile of such carriers, see docs/carriers.md; what stands here besides overrides it key by
    key."""
    binds: Annotated[tuple[Bind, ...], Field(min_length=1), AfterValidator(transmits)]
    """The connections that are kept up."""
    system_id: SystemId
    """Our name at the carrier."""
    password: Password
    """At most 8 characters, from `${NAME}` or `${file:PATH}`."""
    system_type: Annotated[FreeText, Field(max_length=12), written(maxLength=12)] = ""
    """system_type of the bind, where the carrier wants one."""
    address_range: AddressRange = AddressRange()
    interface_version: InterfaceVersion = "3.4"
    """The version of SMPP that the bind announces."""
    tlvs: Flag | None = None
    """Whether it is sent TLVs; null: as its sc_interface_version says."""
    tags: dict[TagName, TlvTag | None] = Field(default_factory=dict)
    """TLVs that this carrier knows by other tags: ours (`"0x1400"`) to its own (0x1500), or to null: taken
    off."""
    window: Count = 100
    """Requests that may be unanswered, over all binds."""
    rate: Number | None = None
    """The most submit PDUs a second, over all binds; null: no limit."""
    enquire_link: Timer | None = 30.0
    """Silence after which an enquire_link is sent; null: never, for carriers that do not answer it."""
    response: Timer = 60.0
    """How long a response may take."""
    reconnect: Reconnect = Reconnect()
    ids: Ids = Ids()
    receipts: ReceiptLayout = ReceiptLayout()
    rewrite: Rewrite = Rewrite()
    statuses: dict[StatusNumber, StatusName] = Field(default_factory=dict)
    """What the carrier's own statuses mean, by the standard's names: `{"0x0409": ESME_RTHROTTLED}`. `retry`,
    `health` and `people` go by those."""
    receipt_timeout: Timer = 72 * 3600.0
    """How long after its submit a message waits for its receipt; then `no_receipt` says how it ends."""
    no_receipt: Literal["unknown", "expired", "undeliverable", "query"] = "unknown"
    """The final state of a message whose receipt never came; `query`: the carrier is asked by query_sm first,
    as the key `query` says."""
    query: Query = Query()
    unanswered: Literal["unknown", "resend", "elsewhere"] = "unknown"
    """A submit whose answer never came: `unknown` ends it so (it may have been delivered), `resend` sends it
    again by this carrier, `elsewhere` by whichever its route names (either may deliver it twice)."""
    accepted_is_final: Flag = False
    """Whether a receipt with the state ACCEPTED is the last word."""
    retry: Retry = Retry()
    health: HealthRule = HealthRule()
    people: PeopleCodes = PeopleCodes()
    """Its codes for people who do not want to be written to."""
    statement: Statement = Statement()

    @model_validator(mode="before")
    @classmethod
    def on_its_preset(cls, value: Any) -> Any:
        return with_preset(value)


class Carriers(Section):
    """carriers.yaml: to whom messages go."""

    carriers: Annotated[dict[Text, Carrier], Field(min_length=1)]
    """By the name that routes, logs and metrics use."""
