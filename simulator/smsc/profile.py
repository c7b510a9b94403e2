"""The YAML profile of simulated carriers: its models, and a loader that names the line of an error."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    field_validator,
    model_validator,
)

from gateway.smpp.constants import CommandId, CommandStatus, MessageState
from simulator.smsc.distributions import Distribution, Fixed, parse_distribution, parse_duration

NEVER = "NEVER"
STATES: dict[str, int] = {state.name: int(state) for state in MessageState}
COMMANDS = {command.name for command in CommandId}
STANDARD_LAYOUT = (
    "id:{id} sub:{sub} dlvrd:{dlvrd} submit date:{submit_date} done date:{done_date} "
    "stat:{stat} err:{err} text:{text}"
)
_ID_FORM = re.compile(r"(dec|hex|HEX)(\d{1,2})?")


class ProfileError(Exception):
    """A profile that cannot be used; the text says where and why, one fault to a line."""


def _status(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    try:
        return int(CommandStatus[str(value)])
    except KeyError:
        raise ValueError(f"{value!r} is no command_status such as ESME_RTHROTTLED, nor a number") from None


def _several(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, str | int) else value


def _word(value: Any) -> Any:
    """A number without quotes where a text is meant: 444 as a prefix, 3.4 as a version."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _id_form(value: Any) -> str:
    if not isinstance(value, str) or _ID_FORM.fullmatch(value) is None:
        raise ValueError(f"{value!r} is no form of id: dec, hex or HEX, and a width if padded, such as hex8")
    return value


def _octets(value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueError("octets are written as hexadecimal digits, in quotes")
    return bytes.fromhex(value)


Duration = Annotated[float, BeforeValidator(parse_duration)]
Spread = Annotated[Distribution, PlainValidator(parse_distribution)]
Word = Annotated[str, BeforeValidator(_word)]
Strings = Annotated[tuple[Word, ...], BeforeValidator(_several)]
Counts = Annotated[tuple[int, ...], BeforeValidator(_several)]
Status = Annotated[int, PlainValidator(_status)]
IdForm = Annotated[str, PlainValidator(_id_form)]
Octets = Annotated[bytes, PlainValidator(_octets)]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExtraTlv(Model):
    """A TLV put on a PDU that does not know it."""

    tag: int = Field(ge=0, le=0xFFFF)
    value: Octets = b""


class Account(Model):
    """A system_id that may bind."""

    password: Word
    binds: int = 100


class Limits(Model):
    """What one bind (window) or one account (rate, queue) may do, and the status past it."""

    window: int | None = None
    window_status: Status = int(CommandStatus.ESME_RTHROTTLED)
    rate: float | None = Field(default=None, gt=0)
    burst: int = Field(default=1, ge=1)
    rate_status: Status = int(CommandStatus.ESME_RTHROTTLED)
    queue: int | None = None
    queue_status: Status = int(CommandStatus.ESME_RMSGQFUL)


class Takes(Model):
    """What it takes at all; the rest is refused."""

    tlvs: bool = True
    payload: bool = True
    data_sm: bool = True
    required: tuple[int, ...] = ()
    data_codings: tuple[int, ...] = ()
    longest: int | None = Field(default=None, ge=0)
    segments: tuple[Literal["udh8", "udh16", "sar"], ...] = ()
    source: str = ""
    destination: str = ""
    destination_ton: int | None = None


class Ids(Model):
    """How this carrier writes the number of a message in each place; `first` is where it begins to count."""

    first: int | Literal["seed", "clock"] = "seed"
    prefix: str = ""
    response: IdForm = "dec"
    text: IdForm = "dec"
    tlv: IdForm = "dec"


class Receipts(Model):
    """When and how receipts are told."""

    style: Literal["both", "text", "tlv"] = "both"
    delay: Spread = Fixed(0.2)
    when: Literal["asked", "always", "never"] = "asked"
    dates: Literal[10, 12, 14] = 10
    layout: str = STANDARD_LAYOUT
    text_length: int = Field(default=20, ge=0)
    payload: bool = False
    before_response: bool = False
    copies: int = Field(default=1, ge=1)
    copy_delay: Spread = Fixed(0.0)
    bind: Literal["same", "other", "any"] = "same"
    intermediate: Spread | None = None
    stat: dict[str, str] = {}
    errors: dict[str, str] = {}
    network_type: int | None = Field(default=None, ge=0, le=255)
    tlvs: tuple[ExtraTlv, ...] = ()
    esm_class: int | None = Field(default=None, ge=0, le=255)
    encoding: Literal["plain", "ucs2", "told_ucs2", "quoted_printable", "hex"] = "plain"
    by: Literal["deliver_sm", "data_sm"] = "deliver_sm"
    window: int = Field(default=100, ge=1)
    retry: Duration = 5.0
    tries: int = Field(default=10, ge=1)

    @field_validator("stat", "errors")
    @classmethod
    def _known_states(cls, value: dict[str, str]) -> dict[str, str]:
        return {_state(name): text for name, text in value.items()}

    @field_validator("layout")
    @classmethod
    def _known_fields(cls, value: str) -> str:
        names = ("id", "sub", "dlvrd", "submit_date", "done_date", "stat", "err", "text")
        try:
            value.format(**dict.fromkeys(names, ""))
        except (KeyError, IndexError) as error:
            raise ValueError(f"unknown field {error} in layout; there are {', '.join(names)}") from None
        return value


class Replies(Model):
    """What handsets send by themselves: with `loopback` each message comes back as a reply."""

    loopback: bool = False
    delay: Spread = Fixed(0.2)


class Timers(Model):
    """Seconds, as the SMSC counts them; `unbind` is when it takes leave of a bind by itself."""

    session_init: Duration = 10.0
    enquire_link: Duration = 30.0
    response: Duration = 60.0
    inactivity: Duration | None = None
    unbind: Duration | None = None


class Match(Model):
    """Which PDUs a rule takes: all terms must hold; counts are of the PDUs that hold the other terms."""

    command: Strings = ("submit_sm",)
    account: Strings = ()
    destination: Strings = ()
    source: Strings = ()
    nth: Counts = ()
    every: int | None = Field(default=None, ge=1)
    after: int = Field(default=0, ge=0)
    times: int | None = Field(default=None, ge=1)
    chance: float | None = Field(default=None, ge=0, le=1)

    @field_validator("command")
    @classmethod
    def _known_commands(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in COMMANDS:
                raise ValueError(f"{name!r} is no command such as submit_sm")
        return value


class Answer(Model):
    """What a rule does in place of a plain yes."""

    status: Status = 0
    delay: Spread | None = None
    silence: bool = False
    accepted: bool | None = None
    nack: bool = False
    body: bool = False
    copies: int = Field(default=1, ge=1)
    sequence: Literal["wrong", "zero"] | None = None
    reorder: int | None = Field(default=None, ge=2)
    length: int | Literal["short", "long", "huge"] | None = None
    tlvs: tuple[ExtraTlv, ...] = ()
    garbage: int | Octets = b""
    split: int | None = Field(default=None, ge=1)
    cut: Literal["fin", "reset"] | None = None
    cut_when: Literal["before", "middle", "after"] = "before"
    unbind: bool = False
    outcome: str | None = None
    message_id: str | None = None
    receipts: dict[str, Any] = {}

    @field_validator("outcome")
    @classmethod
    def _known_outcome(cls, value: str | None) -> str | None:
        return None if value is None else _outcome(value)

    @property
    def accepts(self) -> bool:
        """Whether the message is taken, and so has an outcome and a receipt, whatever is answered."""
        if self.accepted is not None:
            return self.accepted
        return self.status == 0 and not self.silence and not (self.cut and self.cut_when != "after")


class Rule(Model):
    name: str = ""
    match: Match = Match()
    do: Answer


class CarrierProfile(Model):
    """One simulated carrier: where it listens, who may bind, and how it behaves."""

    listen: Strings
    accounts: dict[str, Account]
    system_id: str = ""
    interface_version: Annotated[Literal["3.3", "3.4", "5.0", "none"], BeforeValidator(_word)] = "3.4"
    refusal: Status = int(CommandStatus.ESME_RBINDFAIL)
    limits: Limits = Limits()
    takes: Takes = Takes()
    response: Spread = Fixed(0.0)
    outcomes: dict[str, float] = {"DELIVERED": 1.0}
    ids: Ids = Ids()
    receipts: Receipts = Receipts()
    replies: Replies = Replies()
    timers: Timers = Timers()
    remember: int = Field(default=100_000, ge=1)
    rules: tuple[Rule, ...] = ()

    @field_validator("accounts", mode="before")
    @classmethod
    def _bare_passwords(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: body if isinstance(body, dict) else {"password": body} for name, body in value.items()}

    @field_validator("outcomes")
    @classmethod
    def _known_outcomes(cls, value: dict[str, float]) -> dict[str, float]:
        if not value or min(value.values()) < 0 or sum(value.values()) <= 0:
            raise ValueError("at least one outcome needs a weight above 0, and none may be negative")
        return {_outcome(name): weight for name, weight in value.items()}

    @model_validator(mode="after")
    def _receipts_of_rules(self) -> CarrierProfile:
        for rule in self.rules:
            self.receipts_with(rule.do.receipts)
        return self

    def receipts_with(self, changes: dict[str, Any]) -> Receipts:
        """This carrier's receipts with the changes that a rule makes to them."""
        return Receipts.model_validate(dict(self.receipts) | changes) if changes else self.receipts


class Profile(Model):
    """A whole profile: one process, one seed, one control endpoint, any number of carriers."""

    seed: int = 0
    control: str | None = None
    capture: Path | None = None
    strict: bool = True
    carriers: dict[str, CarrierProfile]


def _state(name: str) -> str:
    if name not in STATES:
        raise ValueError(f"{name!r} is no message_state; there are {', '.join(STATES)}")
    return name


def _outcome(name: str) -> str:
    return name if name == NEVER else _state(name)


def load_profile(path: Path) -> Profile:
    """The profile in a file; raises ProfileError with file, line and reason of every fault."""
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ProfileError(f"{path}: {error}") from error
    try:
        return Profile.model_validate(value)
    except ValidationError as error:
        faults = (
            f"{path}:{_line(root, fault['loc'])}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors()
        )
        raise ProfileError("\n".join(faults)) from error


def _line(node: yaml.Node | None, place: tuple[int | str, ...]) -> int:
    """The line of the deepest node on the way to a place; parts that the models added are passed over."""
    if node is None:
        return 1
    line = node.start_mark.line + 1
    for part in place:
        found: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, below in node.value:
                if key.value == str(part):
                    found, line = below, key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = node.value[part]
            line = found.start_mark.line + 1
        if found is not None:
            node = found
    return line
