"""What a client is told of its message: receipts and intermediate notifications, as its registered_delivery
asks.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.relay.book import Entry
from gateway.relay.ids import Ids
from gateway.smpp.constants import MessageState
from gateway.smpp.receipts import DateDigits, Told, format_date, receipt_frame
from gateway.store.rows import FINAL, Kind, OutboxRow, State

RECEIPT = 0x04  # esm_class, SMPP 3.4 section 5.2.12
INTERMEDIATE = 0x20
ASKS_INTERMEDIATE = 0x10  # registered_delivery, section 5.2.17
OWN_ERRORS = range(900, 1000)
_RECEIPT, _INTERMEDIATE = int(Kind.RECEIPT), int(Kind.INTERMEDIATE)
_new = tuple.__new__

Dates = tuple[str, DateDigits]
"""How the dates of a receipt are written: in which time zone, and with how many digits."""

USUAL: Dates = ("UTC", 10)


def wants_receipt(registered_delivery: int, state: State) -> bool:
    """Whether the client asked to be told of this end: 1 any, 2 failures, 3 (version 5.0) success."""
    asked = registered_delivery & 0x03
    return (
        asked == 1
        or (asked == 2 and state is not State.DELIVERED)
        or (asked == 3 and state is State.DELIVERED)
    )


def receipt_row(entry: Entry, dates: Dates, seqs: Ids, now_ms: int, keep_ms: int) -> OutboxRow | None:
    """The receipt of a message that has ended, or None if its client did not ask for it.

    It is kept for `keep_ms` if nobody takes it.
    """
    if not wants_receipt(entry.message.pdu.registered_delivery, entry.state):
        return None
    error = entry.error
    text = "" if error in OWN_ERRORS else sample(entry)
    frame = _frame(entry, dates, now_ms, entry.state - FINAL, RECEIPT, error, text)
    return _row(entry, seqs.take(), now_ms, keep_ms, _RECEIPT, frame)


def intermediate_row(
    entry: Entry, dates: Dates, seqs: Ids, now_ms: int, keep_ms: int, state: MessageState
) -> OutboxRow | None:
    """An intermediate notification, or None if the client did not ask for it."""
    if not entry.message.pdu.registered_delivery & ASKS_INTERMEDIATE:
        return None
    frame = _frame(entry, dates, now_ms, state, INTERMEDIATE, 0, sample(entry))
    return _row(entry, seqs.take(), now_ms, keep_ms, _INTERMEDIATE, frame)


def _row(entry: Entry, seq: int, now_ms: int, keep_ms: int, kind: int, frame: bytes) -> OutboxRow:
    message = entry.message
    fields = seq, message.account, message.id, kind, now_ms, now_ms + keep_ms, 0, frame
    return _new(OutboxRow, fields)


def _frame(
    entry: Entry, dates: Dates, now_ms: int, state: int, esm_class: int, error: int, text: str
) -> bytes:
    """The sample of the message stays empty where the gateway itself refused (privacy)."""
    message = entry.message
    pdu = message.pdu
    done_ms = entry.done_at or now_ms
    return receipt_frame(
        pdu.service_type,
        (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr[:20]),
        (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr[:20]),
        esm_class,
        message.client_id,
        _told(state, message.accepted_at // 1000, done_ms // 1000, error, dates),
        text,
    )


@lru_cache(maxsize=4096)
def _told(state: int, accepted: int, done: int, error: int, dates: Dates) -> Told:
    """Of a campaign many are accepted in one second and end in one second."""
    zone, digits = dates
    submitted, ended = (datetime.fromtimestamp(at, _zone(zone)) for at in (accepted, done))
    return Told(int(state), format_date(submitted, digits), format_date(ended, digits), min(error, 0xFFFF))


def sample(entry: Entry) -> str:
    """The first 20 characters of the message where they can be shown in ASCII, as Appendix B has them."""
    text = entry.message.text or ""
    return text[:20] if text.isascii() else ""


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
