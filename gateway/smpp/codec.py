"""Frames to PDUs and back (v3.4 section 3.2). Pure: octets in, values out."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from .constants import HEADER_OCTETS, RESPONSE, CommandId, CommandStatus
from .fields import BODY_ERRORS, Tlv, fault, misfit
from .framing import FramingError
from .pdus import CLASSES, DECODERS, ENCODERS, GenericNack, Pdu
from .spec import BY_COMMAND

_HEADER = Struct(">IIII")


class Header(NamedTuple):
    """The first 16 octets of every PDU (v3.4 section 3.2.1): four unsigned integers, the length in octets."""

    command_length: int
    command_id: int
    command_status: int
    sequence_number: int


class PduError(Exception):
    """A PDU whose framing is sound and whose body is not: answer it with `status`, and go on.

    `header` is that of the PDU, `detail` says for the log which field is wrong and how.
    """

    def __init__(self, status: CommandStatus, header: Header, detail: str) -> None:
        super().__init__(f"{status.name}: {detail}")
        self.status = status
        self.header = header
        self.detail = detail

    @property
    def answer(self) -> Pdu | None:
        """What to send: the *_resp, or generic_nack; None for a response, which is never answered."""
        if self.header.command_id & RESPONSE:
            return None
        return refusal(self.header, self.status)


class UnknownCommand(PduError):
    """A command_id that is not served, ESME_RINVCMDID (v3.4 section 3.3)."""


def header(frame: bytes) -> Header:
    """The header of a frame. Raises FramingError if there are fewer than 16 octets."""
    if len(frame) < HEADER_OCTETS:
        raise FramingError(f"a header of {len(frame)} octets")
    return Header._make(_HEADER.unpack_from(frame))


def decode(frame: bytes) -> Pdu:
    """The PDU of one whole frame.

    A response may lack its body; in one with an error status an unreadable body counts as lacking (v3.4
    section 4.4.2). Values are taken as they are: unknown statuses, unknown TLVs and reserved values pass (see
    validate.py). Raises PduError, UnknownCommand among it; FramingError if command_length is not the length
    of the frame.
    """
    size = len(frame)
    if size < HEADER_OCTETS:
        raise FramingError(f"a PDU of {size} octets")
    command_length, command_id, command_status, sequence_number = _HEADER.unpack_from(frame)
    if command_length != size:
        raise FramingError(f"command_length {command_length} in a frame of {size} octets")
    decoder = DECODERS.get(command_id)
    if decoder is None:
        name = CommandId(command_id).name
        raise UnknownCommand(
            CommandStatus.ESME_RINVCMDID, header(frame), f"command_id 0x{command_id:08X} ({name})"
        )
    try:
        return decoder(frame, sequence_number, command_status)
    except BODY_ERRORS:
        if command_status and command_id & RESPONSE:
            return CLASSES[command_id](sequence_number, command_status)
        status, detail = fault(frame, BY_COMMAND[command_id])
        raise PduError(status, header(frame), detail) from None


def encode(pdu: Pdu) -> bytes:
    """The frame of a PDU. A response with an error status and nothing else to say is a header only.

    Raises ValueError, naming the field, if a value cannot be encoded: too long, out of range, a NUL inside.
    """
    try:
        return ENCODERS[type(pdu)](pdu)
    except BODY_ERRORS:
        spec = BY_COMMAND[pdu.command_id]
        raise ValueError(f"{spec.command_id.name}: {misfit(pdu, spec)}") from None


def refusal(header: Header, status: int) -> Pdu:
    """The response that refuses a request, its *_resp or else generic_nack; echoes the sequence."""
    response = CLASSES.get(header.command_id | RESPONSE, GenericNack)
    return response(header.sequence_number, status)


def find_tlv(tlvs: tuple[Tlv, ...], tag: int) -> bytes | None:
    """The value of the first TLV with that tag, or None."""
    for found, value in tlvs:
        if found == tag:
            return value
    return None
