"""What the gateway owns in a message on its way to a carrier; everything else stays the client's own octets.

Owned: registered_delivery (a receipt is always asked for), the validity that remains, the schedule (the
gateway has kept it, so it is cleared), replace_if_present_flag (the gateway has replaced what was to be
replaced), and the TLVs by which the account declares a category and a tier (taken off). A carrier's settings
may give TLVs other tags, or take them off.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from gateway.message import Message, MtPdu
from gateway.smpp.constants import Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import SubmitSm
from gateway.smpp.smpptime import format_relative

_RECEIPT_BITS = 0x03
_RECEIPT_ALWAYS = 0x01
_BEHIND = 5
"""Octets from registered_delivery to short_message."""


NO_TAGS: Mapping[int, int | None] = {}


def outbound(message: Message, now_ms: int, tags: Mapping[int, int | None] = NO_TAGS) -> MtPdu:
    """The PDU for the carrier, but for its sequence number; `tags` are those of its settings."""
    pdu = message.pdu
    if pdu.tlvs and (tags or message.taken_off):
        pdu = pdu._replace(tlvs=_tagged(pdu.tlvs, message.taken_off, tags))
    registered_delivery = (pdu.registered_delivery & ~_RECEIPT_BITS) | _RECEIPT_ALWAYS
    if not isinstance(pdu, SubmitSm):
        return pdu._replace(
            registered_delivery=registered_delivery, tlvs=_remaining(pdu.tlvs, message, now_ms)
        )
    return pdu._replace(
        registered_delivery=registered_delivery,
        schedule_delivery_time="",
        validity_period=_validity(pdu.validity_period, message, now_ms),
        replace_if_present_flag=0,
    )


def as_it_came(message: Message, now_ms: int) -> bytes:
    """The client's octets, if of what the gateway owns only registered_delivery may have to change in them;
    empty if there is more to do.
    """
    pdu, octets = message.pdu, message.octets
    if (
        pdu.tlvs
        or not isinstance(pdu, SubmitSm)
        or pdu.replace_if_present_flag
        or pdu.schedule_delivery_time
        or (pdu.validity_period and _validity(pdu.validity_period, message, now_ms) != pdu.validity_period)
    ):
        return b""
    registered_delivery = (pdu.registered_delivery & ~_RECEIPT_BITS) | _RECEIPT_ALWAYS
    if registered_delivery == pdu.registered_delivery:
        return octets
    at = len(octets) - len(pdu.short_message) - _BEHIND
    return octets[:at] + bytes((registered_delivery,)) + octets[at + 1 :]


def _tagged(tlvs: tuple[Tlv, ...], off: tuple[int, ...], tags: Mapping[int, int | None]) -> tuple[Tlv, ...]:
    """The TLVs without those that are taken off, and with the tags that the carrier knows them by."""
    named = ((tags.get(tlv.tag, tlv.tag), tlv.value) for tlv in tlvs if tlv.tag not in off)
    return tuple(Tlv(tag, value) for tag, value in named if tag is not None)


def _validity(asked: str, message: Message, now_ms: int) -> str:
    """What remains of a relative validity; an absolute one and none at all stay as they are."""
    if not asked.endswith("R") or now_ms - message.accepted_at < 1000:
        return asked
    return format_relative(_left(message, now_ms))


def _remaining(tlvs: tuple[Tlv, ...], message: Message, now_ms: int) -> tuple[Tlv, ...]:
    """data_sm says its validity in seconds, in qos_time_to_live."""
    if now_ms - message.accepted_at < 1000:
        return tlvs
    left = int(_left(message, now_ms).total_seconds()).to_bytes(4, "big")
    return tuple(Tlv(t.tag, left) if t.tag == Tag.qos_time_to_live else t for t in tlvs)


def _left(message: Message, now_ms: int) -> timedelta:
    return timedelta(seconds=max(1, (message.expires_at - now_ms) // 1000))


def utc(ms: int) -> datetime:
    """A unix millisecond as an aware datetime."""
    return datetime.fromtimestamp(ms / 1000, UTC)
