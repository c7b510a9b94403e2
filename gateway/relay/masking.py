"""What a trace shows of a PDU: without what a person would be known by, and never with a password.

Everything keeps its length where it can, so that what is left is still a PDU of its kind.
"""

from __future__ import annotations

import re
from typing import Any

from gateway.smpp.codec import PduError, decode, encode, header
from gateway.smpp.constants import ESM_UDHI, HEADER_OCTETS, CommandId, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import (
    AlertNotification,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    CancelSm,
    DataSm,
    DeliverSm,
    Outbind,
    Pdu,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
)

HIDDEN = "********"
STAR = b"*"
UCS2 = 8
LONG = 11  # digits: a source address with as many may be a person's
A_RECEIPT = 0x04
KIND = 0x3C  # bits of esm_class
TEXT = re.compile(rb"\btext:", re.IGNORECASE)

SECRET = (BindTransmitter, BindReceiver, BindTransceiver, Outbind)
SECRET_COMMANDS = frozenset(
    {CommandId.bind_transmitter, CommandId.bind_receiver, CommandId.bind_transceiver, CommandId.outbind}
)

PERSONS: dict[type, tuple[str, ...]] = {
    SubmitSm: ("destination_addr",),
    CancelSm: ("destination_addr",),
    DataSm: ("destination_addr", "source_addr"),
    DeliverSm: ("source_addr",),
    AlertNotification: ("source_addr",),
}
"""The fields of a PDU that are a person's number, whatever its length."""

ADDRESSES = ("source_addr", "destination_addr", "esme_addr")

TELLING = frozenset(
    int(tag)
    for tag in (
        Tag.dest_addr_subunit, Tag.dest_network_type, Tag.dest_bearer_type, Tag.dest_telematics_id,
        Tag.source_addr_subunit, Tag.source_network_type, Tag.source_bearer_type, Tag.source_telematics_id,
        Tag.qos_time_to_live, Tag.payload_type, Tag.receipted_message_id, Tag.ms_msg_wait_facilities,
        Tag.privacy_indicator, Tag.user_message_reference, Tag.user_response_code, Tag.source_port,
        Tag.destination_port, Tag.sar_msg_ref_num, Tag.language_indicator, Tag.sar_total_segments,
        Tag.sar_segment_seqnum, Tag.sc_interface_version, Tag.number_of_messages, Tag.dpf_result,
        Tag.set_dpf, Tag.ms_availability_status, Tag.network_error_code, Tag.delivery_failure_reason,
        Tag.more_messages_to_send, Tag.message_state, Tag.congestion_state, Tag.display_time,
        Tag.sms_signal, Tag.ms_validity, Tag.alert_on_message_delivery,
    )
)  # fmt: skip
"""TLVs that say nothing of a person. What any other says is hidden, those of no name among them."""


def masked(number: str) -> str:
    """A number of which the reader sees the first three and the last four digits: 199****0001."""
    digits = number.lstrip("+")
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 8 else "****"


class Shown:
    """A PDU as it may be shown: its frame, and what it says if that can be read."""

    __slots__ = ("detail", "frame", "pdu")

    def __init__(self, frame: bytes, pdu: Pdu | None, detail: str = "") -> None:
        self.frame = frame
        self.pdu = pdu
        self.detail = detail


def shown(frame: bytes, *, whole: bool) -> Shown:
    """A whole frame for who may see persons, or for who may not."""
    try:
        pdu = decode(frame)
    except PduError as error:
        secret = error.header.command_id in SECRET_COMMANDS
        return Shown(frame if whole and not secret else _blank(frame), None, error.detail)
    if isinstance(pdu, SECRET):
        pdu = pdu._replace(password=HIDDEN)
    elif whole:
        return Shown(frame, pdu)
    if not whole:
        pdu = without_persons(pdu)
    try:
        return Shown(encode(pdu), pdu)
    except ValueError as error:
        return Shown(_blank(frame), None, str(error))


def _blank(frame: bytes) -> bytes:
    """A frame of which only the header is left as it is."""
    header(frame)
    return frame[:HEADER_OCTETS] + bytes(len(frame) - HEADER_OCTETS)


def without_persons(pdu: Any) -> Pdu:
    """A PDU without numbers and texts of people."""
    changed: dict[str, Any] = {}
    for name in ADDRESSES:
        address = getattr(pdu, name, "")
        if address and (name in PERSONS.get(type(pdu), ()) or _long(address)):
            changed[name] = masked(address)
    if isinstance(pdu, SubmitMulti):
        changed["dest_addresses"] = tuple(map(_masked, pdu.dest_addresses))
    if isinstance(pdu, SubmitMultiResp):
        changed["unsuccess_sme"] = tuple(map(_masked, pdu.unsuccess_sme))
    text = getattr(pdu, "short_message", b"")
    if text:
        changed["short_message"] = _starred(text, pdu)
    tlvs = getattr(pdu, "tlvs", ())
    if tlvs:
        changed["tlvs"] = tuple(_tlv(tlv, pdu) for tlv in tlvs)
    replaced: Pdu = pdu._replace(**changed)
    return replaced


def _masked(one: Any) -> Any:
    """A destination of many; a distribution list is none of a person."""
    return (
        one._replace(destination_addr=masked(one.destination_addr))
        if hasattr(one, "destination_addr")
        else one
    )


def _long(address: str) -> bool:
    return sum(character.isdigit() for character in address) >= LONG


def _tlv(tlv: Tlv, pdu: Any) -> Tlv:
    if tlv.tag in TELLING:
        return tlv
    hidden = _starred(tlv.value, pdu) if tlv.tag == Tag.message_payload else bytes(len(tlv.value))
    return Tlv(tlv.tag, hidden)


def _starred(octets: bytes, pdu: Any) -> bytes:
    """A body of which only its header is left, and of a receipt what it says but for the text."""
    esm_class, coding = getattr(pdu, "esm_class", 0), getattr(pdu, "data_coding", 0)
    if isinstance(pdu, DeliverSm) and esm_class & KIND == A_RECEIPT and octets[:3].lower() == b"id:":
        found = TEXT.search(octets)
        return octets if found is None else octets[: found.end()] + STAR * (len(octets) - found.end())
    kept = min(octets[0] + 1, len(octets)) if esm_class & ESM_UDHI and octets else 0
    length = len(octets) - kept
    body = b"\0*" * (length // 2) + STAR * (length % 2) if coding == UCS2 else STAR * length
    return octets[:kept] + body
