"""What a client is told of its message: receipts and intermediate notifications, as its registered_delivery
asks.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.relay.book import Entry
from gateway.relay.ids import Ids
from gateway.settings.models import ReceiptStyle
from gateway.smpp.codec import encode
from gateway.smpp.constants import MessageState, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DeliverSm
from gateway.smpp.receipts import format_receipt_text
from gateway.store.rows import Kind, OutboxRow, State

RECEIPT = 0x04  # esm_class, SMPP 3.4 section 5.2.12
INTERMEDIATE = 0x20
ASKS_INTERMEDIATE = 0x10  # registered_delivery, section 5.2.17
MESSAGE_CENTRE_SPECIFIC = 8  # network type of network_error_code, SMPP 5.0 section 4.8.4.42
OWN_ERRORS = range(900, 1000)


def wants_receipt(registered_delivery: int, state: State) -> bool:
    """Whether the client asked to be told of this end: 1 any, 2 failures, 3 (version 5.0) success."""
    asked = registered_delivery & 0x03
    return (
        asked == 1
        or (asked == 2 and state is not State.DELIVERED)
        or (asked == 3 and state is State.DELIVERED)
    )


def receipt_row(entry: Entry, style: ReceiptStyle, seqs: Ids, now_ms: int, keep_ms: int) -> OutboxRow | None:
    """The receipt of a message that has ended, or None if its client did not ask for it.

    It is kept for `keep_ms` if nobody takes it.
    """
    if not wants_receipt(entry.message.pdu.registered_delivery, entry.state):
        return None
    state = MessageState(entry.state - 10)
    pdu = _pdu(entry, style, now_ms, state, RECEIPT, entry.error)
    return _row(entry, seqs.take(), now_ms, keep_ms, Kind.RECEIPT, pdu)


def intermediate_row(
    entry: Entry, style: ReceiptStyle, seqs: Ids, now_ms: int, keep_ms: int, state: MessageState
) -> OutboxRow | None:
    """An intermediate notification, or None if the client did not ask for it."""
    if not entry.message.pdu.registered_delivery & ASKS_INTERMEDIATE:
        return None
    pdu = _pdu(entry, style, now_ms, state, INTERMEDIATE, 0)
    return _row(entry, seqs.take(), now_ms, keep_ms, Kind.INTERMEDIATE, pdu)


def _row(entry: Entry, seq: int, now_ms: int, keep_ms: int, kind: Kind, pdu: DeliverSm) -> OutboxRow:
    message = entry.message
    return OutboxRow(seq, message.account, message.id, int(kind), now_ms, now_ms + keep_ms, 0, encode(pdu))


def _pdu(
    entry: Entry, style: ReceiptStyle, now_ms: int, state: MessageState, esm_class: int, error: int
) -> DeliverSm:
    message = entry.message
    return DeliverSm(
        service_type=message.pdu.service_type,
        source_addr_ton=message.pdu.dest_addr_ton,
        source_addr_npi=message.pdu.dest_addr_npi,
        source_addr=message.pdu.destination_addr[:20],
        dest_addr_ton=message.pdu.source_addr_ton,
        dest_addr_npi=message.pdu.source_addr_npi,
        destination_addr=message.pdu.source_addr[:20],
        esm_class=esm_class,
        short_message=_text(entry, style, state, error, entry.done_at or now_ms),
        tlvs=(
            Tlv(Tag.receipted_message_id, message.client_id.encode("latin-1") + b"\0"),
            Tlv(Tag.message_state, bytes((state,))),
            Tlv(
                Tag.network_error_code,
                bytes((MESSAGE_CENTRE_SPECIFIC,)) + min(error, 0xFFFF).to_bytes(2, "big"),
            ),
        ),
    )


def _text(entry: Entry, style: ReceiptStyle, state: MessageState, error: int, done_ms: int) -> bytes:
    """The text of Appendix B; the sample of the message stays empty where the gateway itself refused
    (privacy).
    """
    message = entry.message
    zone = _zone(style.time_zone)
    own = error in OWN_ERRORS
    return format_receipt_text(
        message_id=message.client_id,
        state=state,
        submit_date=datetime.fromtimestamp(message.accepted_at / 1000, zone),
        done_date=datetime.fromtimestamp(done_ms / 1000, zone),
        err=f"{min(error, 999):03d}",
        text="" if own else sample(entry),
        sub=1,
        dlvrd=1 if state is MessageState.DELIVERED else 0,
        date_digits=style.dates,
    )


def sample(entry: Entry) -> str:
    """The first 20 characters of the message where they can be shown in ASCII, as Appendix B has them."""
    text = entry.message.text or ""
    return text[:20] if text.isascii() else ""


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
