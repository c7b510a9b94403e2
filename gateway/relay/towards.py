"""What a carrier is to get of a message now: the whole of it, or the next of its segments."""

from __future__ import annotations

from gateway.message import MtPdu
from gateway.relay.addressing import Unfit
from gateway.relay.book import Entry
from gateway.relay.carrier import Link, Slot
from gateway.relay.outbound import as_it_came, outbound
from gateway.relay.parts import due
from gateway.smpp.constants import CommandId, CommandStatus

SUBMIT = int(CommandId.submit_sm)


def pdu_for(entry: Entry, link: Link, now_ms: int) -> MtPdu:
    """The PDU to be written. Raises Unfit for a message that this carrier cannot be given."""
    carrier = link.carrier
    pdu = outbound(entry.message, now_ms, carrier.settings.tags)
    bare = link.protocol.session.without_tlvs
    as_it_is = not bare or (not pdu.tlvs and pdu.command_id == SUBMIT)
    if as_it_is and entry.parts is None and carrier.adapter.idle:
        return pdu
    pdus = carrier.adapter.adapt(pdu, entry.message, now_ms, bare=bare)
    entry.parts = due(entry.parts, len(pdus), entry.only == carrier.name)
    return pdus[len(entry.parts.taken) if entry.parts is not None else 0]


def frame_for(entry: Entry, link: Link, now_ms: int) -> tuple[bytes, int]:
    """The frame to be written, and its command_id. Raises Unfit."""
    message, carrier = entry.message, link.carrier
    if message.octets and entry.parts is None and carrier.adapter.idle:
        frame = as_it_came(message, now_ms)
        if frame:
            return frame, SUBMIT
    pdu = pdu_for(entry, link, now_ms)
    try:
        return link.protocol.session.encoded(pdu), pdu.command_id
    except ValueError as error:
        raise Unfit(str(error), CommandStatus.ESME_RINVMSGLEN) from error


def send(entry: Entry, slot: Slot, now_ms: int) -> bool:
    """Write what its carrier is to get by a slot, which is used or given back; False if the link is gone.
    Raises Unfit.
    """
    try:
        frame, command = frame_for(entry, slot.link, now_ms)
    except Unfit:
        slot.give_back()
        raise
    try:
        sent = slot.send(frame, command, entry)
    except ValueError as error:
        raise Unfit(str(error), CommandStatus.ESME_RINVMSGLEN) from error
    entry.message.octets = b""
    return sent
