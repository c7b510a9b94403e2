"""What a submit means: from the PDU of a client to the message."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.message import Message, MtPdu
from gateway.relay.accounts import Account, Alike
from gateway.smpp.codec import find_tlv
from gateway.smpp.concat import part_of
from gateway.smpp.constants import ESM_UDHI, CommandStatus, Tag
from gateway.smpp.fields import SmeAddress
from gateway.smpp.pdus import DataSm, SubmitMulti, SubmitSm
from gateway.smpp.smpptime import parse_time
from gateway.smpp.stencils import MOST, Said

ALPHANUMERIC = 5


def message_of(
    account: Account, pdu: MtPdu, now: int, generation: int, said: Said | None = None
) -> Message | int:
    """What a submit of an account at `now` (unix ms) means, as yet without an id; or the status that
    refuses it. What a message of the same stencil meant is not worked out again.
    """
    alike = account.alike.get(said) if said is not None else None
    if alike is None:
        message = _message_of(account, pdu, now, generation)
        if said is not None and not isinstance(message, int):
            _note(account, said, message)
        return message
    if not _is_number(pdu.destination_addr):
        return CommandStatus.ESME_RINVDSTADR
    message = Message(
        0,
        account.name,
        account.tenant,
        "",
        now,
        pdu,
        alike.category,
        generation,
        now + alike.valid,
        None,
        account.default_alphabet,
        alike.part,
        None,
        (),
        account.taken_off,
    )
    message.says(alike.said, alike.text, alike.others)
    return message


def _note(account: Account, said: Said, message: Message) -> None:
    """Remember what submits of a stencil mean, where they name no time; this message is the first."""
    pdu = message.pdu
    if not isinstance(pdu, SubmitSm) or pdu.schedule_delivery_time or pdu.validity_period:
        return
    text, others = message.text, message.others
    message.says(said, text, others)
    if len(account.alike) >= MOST:
        account.alike.clear()
    valid = message.expires_at - message.accepted_at
    account.alike[said] = Alike(said, message.category, valid, message.part, text, others)


def _message_of(account: Account, pdu: MtPdu, now: int, generation: int) -> Message | int:
    if not account.may_use(pdu.source_addr):
        return CommandStatus.ESME_RINVSRCADR
    if not _is_number(pdu.destination_addr) or pdu.dest_addr_ton == ALPHANUMERIC:
        return CommandStatus.ESME_RINVDSTADR
    if isinstance(pdu, SubmitSm) and pdu.sm_default_msg_id:
        return CommandStatus.ESME_RINVDFTMSGID
    category = account.categories.of(pdu)
    if not isinstance(category, str):
        return category.status
    times = _times(pdu, now)
    if isinstance(times, int):
        return times
    due, expires_at = times
    begin = max(now, due or 0)
    if expires_at is None:
        expires_at = begin + account.validity_ms
    elif expires_at <= now or (due is not None and expires_at <= due):
        return CommandStatus.ESME_RINVEXPIRY
    return Message(
        0,
        account.name,
        account.tenant,
        "",
        now,
        pdu,
        category,
        generation,
        min(expires_at, begin + account.longest_validity_ms),
        due,
        account.default_alphabet,
        part_of(pdu) if pdu.tlvs or pdu.esm_class & ESM_UDHI else None,
        taken_off=account.taken_off,
    )


def _is_number(address: str) -> bool:
    digits = address.removeprefix("+")
    return digits.isdigit() and digits.isascii()


def single(pdu: SubmitMulti, destination: SmeAddress) -> SubmitSm:
    """The submit_sm that a submit_multi means for one destination."""
    return SubmitSm(
        service_type=pdu.service_type,
        source_addr_ton=pdu.source_addr_ton,
        source_addr_npi=pdu.source_addr_npi,
        source_addr=pdu.source_addr,
        dest_addr_ton=destination.dest_addr_ton,
        dest_addr_npi=destination.dest_addr_npi,
        destination_addr=destination.destination_addr,
        esm_class=pdu.esm_class,
        protocol_id=pdu.protocol_id,
        priority_flag=pdu.priority_flag,
        schedule_delivery_time=pdu.schedule_delivery_time,
        validity_period=pdu.validity_period,
        registered_delivery=pdu.registered_delivery,
        data_coding=pdu.data_coding,
        short_message=pdu.short_message,
        tlvs=pdu.tlvs,
    )


def _times(pdu: MtPdu, now_ms: int) -> tuple[int | None, int | None] | int:
    """(when it may leave, when it expires) in unix milliseconds, None where the client says nothing; or a
    status.
    """
    if isinstance(pdu, DataSm):
        seconds = find_tlv(pdu.tlvs, Tag.qos_time_to_live)
        return None, now_ms + int.from_bytes(seconds, "big") * 1000 if seconds else None
    if not pdu.schedule_delivery_time and not pdu.validity_period:
        return None, None
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    try:
        due = parse_time(pdu.schedule_delivery_time, now)
    except ValueError:
        return CommandStatus.ESME_RINVSCHED
    try:
        expires = parse_time(pdu.validity_period, now)
    except ValueError:
        return CommandStatus.ESME_RINVEXPIRY
    due_ms = None if due is None or due <= now else int(due.timestamp() * 1000)
    return due_ms, None if expires is None else int(expires.timestamp() * 1000)
