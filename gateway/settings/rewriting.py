"""What is changed in a message for one carrier: addresses, text, length, TLVs and single fields."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from gateway.settings.accounts import Alphabet
from gateway.settings.node import Section
from gateway.settings.scalars import Flag, FreeText, Octet, Text, Timer, as_written, written


def a_tag(text: object) -> int:
    """The number of a TLV, as keys of a mapping have it: `0x1400` or `5120`."""
    try:
        tag = int(str(text), 0)
    except ValueError:
        tag = 0
    if not 0x0100 <= tag <= 0xFFFF:
        raise ValueError(f"'{text}' is no tag of a TLV: write it as 0x1400")
    return tag


def a_number(text: object) -> int:
    """A command_status, as keys of a mapping have it: `0x0409` or `1033`."""
    try:
        number = int(str(text), 0)
    except ValueError:
        number = 0
    if not 0 < number <= 0xFFFFFFFF:
        raise ValueError(f"'{text}' is no command_status: write it as 0x0409")
    return number


def digits(text: str) -> str:
    """Nothing but digits, as at the beginning of a number in international form without +."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"'{text}' is not made of digits")
    return text


def octets(value: object) -> bytes:
    """The value of a TLV: a text as ASCII, `0x` and hexadecimal digits as octets."""
    text = str(as_written(value))
    try:
        return bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode("ascii")
    except ValueError:
        raise ValueError(f"'{text}' is neither ASCII nor 0x and pairs of hexadecimal digits") from None


TagName = Annotated[int, BeforeValidator(a_tag), WithJsonSchema({"type": "string"})]
Digits = Annotated[FreeText, AfterValidator(digits)]
ServiceType = Annotated[FreeText, Field(max_length=5), written(maxLength=5)]
Address = Annotated[Text, Field(max_length=20), written(minLength=1, maxLength=20)]
TlvValue = Annotated[bytes, BeforeValidator(octets), WithJsonSchema({"type": "string"})]
StateName = Literal[
    "delivered", "expired", "deleted", "undeliverable", "accepted", "unknown", "rejected", "enroute"
]
Written = Literal["kept", "digits", "plus", "zeros", "national"]


class Numbers(Section):
    """How the carrier wants numbers to be written."""

    form: Written = "kept"
    """`digits` 447700900123, `plus` +447700900123, `zeros` 00447700900123, `national` as dialled in
    `country`, `kept` as the client wrote it. What stands between the digits is taken off but for `kept`."""
    country: Digits = ""
    """Code of the country whose national numbers are meant: 44."""
    trunk: Digits = "0"
    """What stands before a national number of that country."""
    short: Annotated[int, Field(strict=True, ge=0, le=20)] = 8
    """Numbers of at most so many digits are short codes and stay as they are."""
    keep: tuple[Digits, ...] = ()
    """Numbers that begin so stay as they are: `["106"]`."""
    replace: dict[Digits, FreeText] = Field(default_factory=dict)
    """Other beginnings for numbers in international form without +, the longest first: `{"86": "17951"}`.
    What is written so is sent so, whatever `form` says."""
    ton: Octet | Literal["by_form"] | None = None
    """The type of number: one for all; `by_form`: 5 for names, 3 for short codes, 2 for national numbers, 1
    for all other; null: as the client sent it."""
    npi: Octet | Literal["by_form"] | None = None
    """The numbering plan: one for all; `by_form`: 0 for names and short codes, 1 for all other; null: as the
    client sent it."""


class Sources(Numbers):
    """How the carrier wants source addresses to be written, and from which it takes messages."""

    names: Literal["kept", "refused"] | Address = "kept"
    """Names instead of numbers (alphanumeric addresses): `kept`, `refused` (REJECTD), or the number that is
    sent in their place."""
    pools: dict[FreeText, Annotated[tuple[Address, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """Addresses that are sent in the place of the client's, by the beginning of the destination in
    international form without +, the longest first; `""` is for all others. A recipient sees always the same
    of them while the pool is the same."""


class Charset(Section):
    """Which texts the carrier can read. What it could not is encoded anew."""

    default: Alphabet | None = None
    """What its data_coding 0 means; null: the same as that of the account."""
    takes: tuple[Octet, ...] = ()
    """Every data_coding that it takes; none named: all of them."""
    otherwise: Literal["ucs2", "transliterate", "refuse"] = "ucs2"
    """What becomes of characters that data_coding 0 does not have, where the text must be encoded anew:
    `ucs2` sends it by data_coding 8; `transliterate` puts like ones in their place (é without its accent,
    straight quotes) and does as `ucs2` where there are none; `refuse` ends it REJECTD. So does UCS-2 which
    the carrier does not take."""


class TlvRules(Section):
    """The TLVs that the carrier wants, and those that it does not."""

    add: dict[TagName, TlvValue] = Field(default_factory=dict)
    """Sent with each message that has not got them: tag to value, which is ASCII, or octets as `"0x01ff"`."""
    required: tuple[TagName, ...] = ()
    """A message without one of these ends REJECTD; what `add` gives counts."""
    remove: tuple[TagName, ...] = ()
    """Taken off."""
    only: tuple[TagName, ...] | None = None
    """All but these are taken off (message_payload and SAR stay); null: none is."""


class Validity(Section):
    """How the carrier wants the validity to be told."""

    form: Literal["kept", "relative", "absolute", "omitted"] = "kept"
    """`relative` and `absolute` tell what remains in that form, also where the client told none."""
    most: Timer | None = None
    """The longest that is told; null: any. A relative one never exceeds 31 days."""


class Rewrite(Section):
    """What is changed for this carrier. What is not named here passes as the client sent it."""

    source: Sources = Sources()
    destination: Numbers = Numbers()
    charset: Charset = Charset()
    long: Literal["kept", "payload", "udh8", "udh16", "sar"] = "kept"
    """How it wants texts longer than one short message: in message_payload, or in segments with a header of
    8 or 16 bits, or with SAR TLVs. Segments of a client's change from one form to the other; a
    message_payload is cut, and the client has one receipt when all its segments have ended. `kept` passes on
    what it can."""
    tlvs: TlvRules = TlvRules()
    data_sm: Flag | None = None
    """Whether it takes data_sm, which else becomes submit_sm; null: where it is sent TLVs."""
    service_type: dict[FreeText, ServiceType] = Field(default_factory=dict)
    """The client's service_type to the carrier's; `"*"` is for all others."""
    protocol_id: Octet | None = None
    """protocol_id of every message."""
    priority: dict[FreeText, Annotated[int, Field(strict=True, ge=0, le=4)]] = Field(default_factory=dict)
    """The client's priority_flag to the carrier's: `{"3": 1}`; `"*"` is for all others."""
    receipt_bits: Octet | None = None
    """registered_delivery of every message; its lowest bits must ask for a final receipt."""
    mode: Annotated[int, Field(strict=True, ge=0, le=3)] | None = None
    """The messaging mode, bits 1 and 0 of esm_class: 0 default, 1 datagram, 3 store and forward."""
    validity: Validity = Validity()

    @field_validator("receipt_bits")
    @classmethod
    def asks_for_a_receipt(cls, value: int | None) -> int | None:
        if value is not None and value & 0x03 != 0x01:
            raise ValueError("bits 1 and 0 must be 01: a final receipt is always asked for")
        return value

    @field_validator("priority")
    @classmethod
    def of_priorities(cls, value: dict[str, int]) -> dict[str, int]:
        for name in value:
            if name not in ("*", "0", "1", "2", "3"):
                raise ValueError(f"'{name}' is no priority_flag: 0 to 3, or *")
        return value

    @model_validator(mode="after")
    def encodes_what_it_takes(self) -> Self:
        takes = self.charset.takes
        if takes and not {0, 3, 8} & {*takes}:
            raise ValueError("charset.takes has neither 0, 3 nor 8, so that no text could be encoded anew")
        return self


class ReceiptLayout(Section):
    """How the carrier's receipts differ from what the specification shows."""

    pattern: Text | None = None
    """A regular expression, found in the text, with the groups `id`, `stat` and, if there, `err`, `sub`,
    `dlvrd`, `submit_date`, `done_date`, `text`; null: Appendix B, in any order and with fields missing."""
    unmarked: Flag = False
    """Whether a deliver_sm is a receipt without the esm_class of one where its text fits `pattern`, which
    must then be given and should be narrow: any handset can write to a number."""
    id_from: Literal["either", "text", "tlv"] = "either"
    """Where its id counts; `either`: the TLV if it is there."""
    state_from: Literal["either", "text", "tlv"] = "either"
    """Where its state counts; `either`: the TLV if it is there."""
    states: dict[FreeText, StateName] = Field(default_factory=dict)
    """Its own words for states, in any case: `{"OK": delivered, "MK:0001": undeliverable}`."""
    encoding: Literal["plain", "quoted_printable", "ucs2", "hex"] = "plain"
    """How the text is wrapped: `ucs2` for UCS-2 that data_coding does not tell."""

    @field_validator("pattern")
    @classmethod
    def finds_ids(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                groups = re.compile(value).groupindex
            except re.error as error:
                raise ValueError(f"no regular expression: {error}") from None
            if "id" not in groups and "stat" not in groups:
                raise ValueError("it needs a group (?P<id>…) or (?P<stat>…)")
        return value

    @model_validator(mode="after")
    def known_by_its_pattern(self) -> Self:
        if self.unmarked and self.pattern is None:
            raise ValueError("unmarked needs a pattern by which a receipt is known")
        return self
