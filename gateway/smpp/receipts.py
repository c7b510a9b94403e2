"""Delivery receipts: the text of Appendix B, its TLVs, and message ids that two sides write differently.

SMPP 3.4 sections 2.11, 5.2.12, 5.3.2.12, 5.3.2.31 and 5.3.2.35. The layout of the text is "vendor specific":
fields are read in any order, some missing, with dates of 10, 12 or 14 digits, and the TLVs count for more.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from struct import Struct
from typing import Literal, NamedTuple

from .concat import Carried, body_of
from .constants import (
    ESM_TYPE,
    ESM_TYPE_DEFAULT,
    ESM_TYPE_INTERMEDIATE,
    ESM_TYPE_RECEIPT,
    ESM_UDHI,
    HEADER_OCTETS,
    CommandId,
    MessageState,
    Tag,
)
from .text import decode_text

_RECEIPTED_MESSAGE_ID = int(Tag.receipted_message_id)  # plain numbers compare three times as fast
_MESSAGE_STATE = int(Tag.message_state)
_NETWORK_ERROR_CODE = int(Tag.network_error_code)
_new = tuple.__new__
_DELIVER_SM = int(CommandId.deliver_sm)

IdRule = Literal["exact", "caseless", "hex", "dec"]
DateDigits = Literal[10, 12, 14]

STATS: Mapping[int, str] = {
    MessageState.SCHEDULED: "SCHEDLD",
    MessageState.ENROUTE: "ENROUTE",
    MessageState.DELIVERED: "DELIVRD",
    MessageState.EXPIRED: "EXPIRED",
    MessageState.DELETED: "DELETED",
    MessageState.UNDELIVERABLE: "UNDELIV",
    MessageState.ACCEPTED: "ACCEPTD",
    MessageState.UNKNOWN: "UNKNOWN",
    MessageState.REJECTED: "REJECTD",
    MessageState.SKIPPED: "SKIPPED",
}
"""The seven characters that `stat:` has for each state."""

_STATES: Mapping[str, MessageState] = {
    **{stat: MessageState(state) for state, stat in STATS.items()},
    **{state.name: state for state in MessageState},
    "UNDELIVERED": MessageState.UNDELIVERABLE,
    "FAILED": MessageState.UNDELIVERABLE,
}

_COMMON = re.compile(
    r"sub:(\d{1,9}) dlvrd:(\d{1,9}) submit date:(\d+) done date:(\d+) stat:(\w+) err:(\w+)"
    r"(?: [Tt]ext:(.*))?",
    re.ASCII | re.DOTALL,
)
_FIELD = re.compile(
    r"(?<!\w)(id|sub|dlvrd|submit[ _-]*date|done[ _-]*date|stat(?:us)?|err(?:or)?|text)\s*:",
    re.ASCII | re.IGNORECASE,
)
_OTHER_FIELD = re.compile(r"\s[a-z_]+:", re.IGNORECASE)
_MARKS = " \t\r\n\0,;"


class Receipt(NamedTuple):
    """What a receipt says; None or "" where it says nothing.

    `state` is the TLV message_state, else what `stat` means if it is a known word. Dates are as written,
    without a zone. `sub` and `dlvrd` count messages. `network_error_code` is (network type, code).
    """

    message_id: str | None = None
    state: MessageState | None = None
    submit_date: datetime | None = None
    done_date: datetime | None = None
    sub: int | None = None
    dlvrd: int | None = None
    stat: str = ""
    err: str = ""
    text: str = ""
    network_error_code: tuple[int, int] | None = None
    intermediate: bool = False


def parse_receipt(pdu: Carried) -> Receipt | None:
    """What a deliver_sm or data_sm reports, or None if it is not a receipt.

    A receipt has esm_class 0x04, an intermediate notification 0x20; one that a carrier forgot to mark is
    known by its receipted_message_id, never by its text, which any handset could write.
    """
    kind = pdu.esm_class & ESM_TYPE
    if not pdu.tlvs and kind == ESM_TYPE_RECEIPT:
        return parse_receipt_text(text_of(pdu))
    message_id, state, network_error_code = told_by_tlvs(pdu)
    marked = kind in (ESM_TYPE_RECEIPT, ESM_TYPE_INTERMEDIATE)
    if not marked and (message_id is None or kind != ESM_TYPE_DEFAULT):
        return None
    told = parse_receipt_text(text_of(pdu))
    return Receipt(
        told.message_id if message_id is None else message_id,
        told.state if state is None else state,
        *told[2:9],
        network_error_code,
        kind == ESM_TYPE_INTERMEDIATE,
    )


def told_by_tlvs(pdu: Carried) -> tuple[str | None, MessageState | None, tuple[int, int] | None]:
    """Message id, state and network error code, as far as the TLVs tell them."""
    message_id = state = network_error_code = None
    for tag, value in pdu.tlvs:
        if tag == _RECEIPTED_MESSAGE_ID:
            message_id = value.decode("latin-1").strip(" \0") or None
        elif tag == _MESSAGE_STATE and len(value) == 1:
            state = MessageState(value[0])
        elif tag == _NETWORK_ERROR_CODE and len(value) == 3:
            network_error_code = value[0], value[1] << 8 | value[2]
    return message_id, state, network_error_code


def text_of(pdu: Carried) -> str:
    """The text of a receipt, in whatever coding."""
    body: bytes = body_of(pdu) if pdu.tlvs or pdu.esm_class & ESM_UDHI else getattr(pdu, "short_message", b"")
    if pdu.data_coding > 3:
        text = decode_text(body, pdu.data_coding)
        if text is not None:
            return text
    return body.decode("latin-1")


def parse_receipt_text(text: str) -> Receipt:
    """The fields of a receipt's text, whichever are there; never raises."""
    if not text:
        return Receipt()
    head, _, rest = text.partition(" ")
    if head.startswith("id:") and len(head) > 3 and head.isprintable():
        told = _parse_rest(rest)
        if told is not None:
            return _new(Receipt, (head[3:], *told))
    return _parse_tolerantly(text)


@lru_cache(maxsize=4096)
def _parse_rest(text: str) -> tuple[object, ...] | None:
    """What stands behind the id, in the order of Appendix B with nothing missing; else None. Of a campaign's
    receipts it is the same for many: their dates are in minutes.
    """
    match = _COMMON.fullmatch(text.rstrip("\0"))
    if match is None:
        return None
    sub, dlvrd, submit_date, done_date, stat, err, said = match.groups("")
    state, submitted, done = _STATES.get(stat.upper()), _date(submit_date), _date(done_date)
    return Receipt(None, state, submitted, done, int(sub), int(dlvrd), stat, err, said)[1:]


def state_of(stat: str) -> MessageState | None:
    """What a `stat` means; None if it is no known word."""
    return _STATES.get(stat.upper())


def _parse_tolerantly(text: str) -> Receipt:
    fields = _fields(text)
    stat = _word(fields.get("stat", ""))
    return Receipt(
        _word(fields.get("id", "")) or None,
        _STATES.get(stat.upper()),
        _moment(fields.get("submitdate", "")),
        _moment(fields.get("donedate", "")),
        _count(fields.get("sub", "")),
        _count(fields.get("dlvrd", "")),
        stat,
        _word(fields.get("err", "")),
        fields.get("text", "").strip(" \r\n\0"),
    )


def _fields(text: str) -> dict[str, str]:
    """Each field's value up to the next field's name.

    After the text field only names not seen before count, never an id, and none at all if id and stat came
    before it, as in the standard order: the rest is the message's own text, which may look like fields.
    """
    spans: dict[str, tuple[int, int]] = {}
    current = ""
    for match in _FIELD.finditer(text):
        name = re.sub(r"[ _-]", "", match[1].lower())
        name = {"status": "stat", "error": "err"}.get(name, name)
        if current == "text" and (name == "id" or name in spans or spans.keys() >= {"id", "stat"}):
            continue
        if current:
            spans[current] = spans[current][0], match.start()
        current = "" if name in spans else name
        spans.setdefault(name, (match.end(), len(text)))
    return {name: text[start:end] for name, (start, end) in spans.items()}


def _word(value: str) -> str:
    words = value.strip(_MARKS).split()
    return words[0].rstrip(_MARKS) if words else ""


def _moment(value: str) -> datetime | None:
    """A date however punctuated, up to the name of a field that we do not know."""
    return _date(re.sub(r"[^0-9]", "", _OTHER_FIELD.split(value, 1)[0]))


def _count(value: str) -> int | None:
    word = _word(value)
    return int(word) if len(word) < 10 and word.isascii() and word.isdigit() else None


def _date(digits: str) -> datetime | None:
    """YYMMDDhhmm, YYMMDDhhmmss or YYYYMMDDhhmmss; None for any other length, or no such moment."""
    if len(digits) != 14:
        if len(digits) not in (10, 12):
            return None
        digits = "20" + digits
    try:
        return datetime.fromisoformat(f"{digits[:8]}T{digits[8:]}")
    except ValueError:
        return None


def format_date(moment: datetime, digits: DateDigits = 10) -> str:
    """`moment` as it stands, in its own zone: YYMMDDhhmm, YYMMDDhhmmss or YYYYMMDDhhmmss."""
    date = (moment.year * 100 + moment.month) * 100 + moment.day
    written = str(((date * 100 + moment.hour) * 100 + moment.minute) * 100 + moment.second)
    return written if digits == 14 else written[2 : 2 + digits]


class Told:
    """What receipts of ours tell that are alike but for the id and the sample of the text: an end, its dates
    as `format_date` writes them, and an error, a number of two octets. Of one above 999 `err` says 999,
    network_error_code all of it.
    """

    __slots__ = ("between", "tlvs")

    def __init__(self, state: int, submit_date: str, done_date: str, error: int = 0) -> None:
        delivered = int(state == MessageState.DELIVERED)
        self.between = (
            f" sub:001 dlvrd:{delivered:03d} submit date:{submit_date} done date:{done_date}"
            f" stat:{STATS.get(state, 'UNKNOWN')} err:{min(error, 999):03d} text:"
        )
        # message_state and network_error_code, whose type 8 is message centre specific (5.0 section 4.8.4.42)
        self.tlvs = f"\4\x27\0\1{state:c}\4\x23\0\3\x08{error >> 8:c}{error & 0xFF:c}"

    def text(self, message_id: str, sample: str = "") -> str:
        """The text of a receipt for one message, with every field of Appendix B in its order and the first 20
        characters of `sample`.
        """
        return f"id:{message_id}{self.between}{sample[:20]}"


_HEADER = Struct(">IIII").pack


def receipt_frame(
    service_type: str,
    source: tuple[int, int, str],
    destination: tuple[int, int, str],
    esm_class: int,
    message_id: str,
    told: Told,
    sample: str = "",
) -> bytes:
    """The deliver_sm of a receipt, with its text and its TLVs, and sequence_number 0: one is made for each
    message, so it is written in one piece. Addresses are TON, NPI and number. Raises ValueError.
    """
    text = told.text(message_id, sample)
    ton, npi, number = source
    to_ton, to_npi, to = destination
    body = (
        f"{service_type}\0{chr(ton)}{chr(npi)}{number}\0{chr(to_ton)}{chr(to_npi)}{to}\0{chr(esm_class)}"
        f"\0\0\0\0\0\0\0\0{chr(len(text))}{text}\0\x1e\0{chr(len(message_id) + 1)}{message_id}\0{told.tlvs}"
    ).encode("latin-1")
    return _HEADER(HEADER_OCTETS + len(body), _DELIVER_SM, 0, 0) + body


_HEX = re.compile(r"(?:0[xX])?([0-9A-Fa-f]{1,64})")
_DEC = re.compile(r"[0-9]{1,64}")


def canonical_id(raw: str, rule: IdRule) -> str:
    """The form in which the ids of a carrier's responses and receipts are compared.

    "hex" and "dec" say how `raw` is written; both give the number in decimal without padding, so that a
    padded, upper-case or re-based id still matches. "exact", and an id that is not such a number, gives `raw`
    without surrounding spaces and NULs; "caseless" the same in small letters.
    """
    raw = raw.strip(" \0")
    if rule == "dec" and _DEC.fullmatch(raw):
        return str(int(raw))
    if rule == "hex" and (match := _HEX.fullmatch(raw)):
        return str(int(match[1], 16))
    return raw.casefold() if rule == "caseless" else raw
