"""What the generated codec stands on: TLVs, the lists of submit_multi, and what is wrong with a bad body.

The generated functions are straight lines that raise whatever Python raises (ValueError, IndexError,
struct.error) when octets are missing; `fault` and `misfit` then walk the table of spec.py to say which field
it was.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError
from typing import NamedTuple

from .constants import DEST_LIST, DEST_SME, HEADER_OCTETS, CommandStatus
from .spec import DEST_CODES, Field, Kind, PduSpec

S = CommandStatus
BODY_ERRORS = (ValueError, IndexError, OverflowError, TypeError, StructError)

_TLV_HEAD = Struct(">HH")
_STATUS = Struct(">I")
_new = tuple.__new__

ADDRESS_SIZE = 21
LIST_NAME_SIZE = 21


class Tlv(NamedTuple):
    """An optional parameter: its tag and the octets of its value (v3.4 section 3.2.4)."""

    tag: int
    value: bytes


class SmeAddress(NamedTuple):
    """A destination of submit_multi that is an address (v3.4 section 4.5.1.1)."""

    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: str


class DistributionList(NamedTuple):
    """A destination of submit_multi that is a distribution list (v3.4 section 4.5.1.2)."""

    dl_name: str


class UnsuccessSme(NamedTuple):
    """A destination that submit_multi_resp refuses, and why (v3.4 section 4.5.2.1)."""

    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: str
    error_status_code: int


Destination = SmeAddress | DistributionList


class Fault(ValueError):
    """A field that cannot be read: the status to answer with, and the field by name."""

    def __init__(self, status: CommandStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def decode_tlvs(frame: bytes, offset: int) -> tuple[Tlv, ...]:
    """All TLVs from `offset` to the end of the frame, in their order. Raises IndexError or struct.error."""
    size = len(frame)
    found = []
    while offset < size:
        tag, length = _TLV_HEAD.unpack_from(frame, offset)
        start = offset + 4
        offset = start + length
        if offset > size:
            raise IndexError("TLV length past the end of the PDU")
        found.append(_new(Tlv, (tag, frame[start:offset])))
    return tuple(found)


def encode_tlvs(tlvs: tuple[Tlv, ...]) -> bytes:
    """The octets of TLVs in their order. Raises struct.error if a tag or a length exceeds two octets."""
    return b"".join([_TLV_HEAD.pack(tag, len(value)) + value for tag, value in tlvs])


def decode_text(frame: bytes, offset: int, size: int) -> tuple[str, int]:
    """A C-octet string of at most `size` octets, and the offset after its NUL. Raises ValueError."""
    end = frame.index(0, offset, offset + size)
    return frame[offset:end].decode("latin-1"), end + 1


def encode_text(text: str, size: int) -> bytes:
    """The octets of a C-octet string with its NUL. Raises ValueError."""
    octets = text.encode("latin-1")
    if len(octets) >= size or b"\0" in octets:
        raise ValueError(f"{text!r} is no C-octet string of at most {size} octets")
    return octets + b"\0"


def decode_destinations(frame: bytes, offset: int) -> tuple[tuple[Destination, ...], int]:
    """number_of_dests and the dest_address(es), and the offset after them. Raises Fault or IndexError."""
    count = frame[offset]
    offset += 1
    found: list[Destination] = []
    for _ in range(count):
        flag = frame[offset]
        if flag == DEST_SME:
            ton, npi = frame[offset + 1], frame[offset + 2]
            addr, offset = _named_text(frame, offset + 3, ADDRESS_SIZE, DEST_CODES[2], "destination_addr")
            found.append(SmeAddress(ton, npi, addr))
        elif flag == DEST_LIST:
            name, offset = _named_text(frame, offset + 1, LIST_NAME_SIZE, S.ESME_RINVDLNAME, "dl_name")
            found.append(DistributionList(name))
        else:
            raise Fault(S.ESME_RINVDESTFLAG, f"dest_flag {flag}")
    return tuple(found), offset


def encode_destinations(destinations: tuple[Destination, ...]) -> bytes:
    """number_of_dests and the dest_address(es). Raises ValueError."""
    parts = [bytes((len(destinations),))]
    for each in destinations:
        if isinstance(each, SmeAddress):
            parts.append(bytes((DEST_SME, each.dest_addr_ton, each.dest_addr_npi)))
            parts.append(encode_text(each.destination_addr, ADDRESS_SIZE))
        else:
            parts.append(bytes((DEST_LIST,)) + encode_text(each.dl_name, LIST_NAME_SIZE))
    return b"".join(parts)


def decode_unsuccess(frame: bytes, offset: int) -> tuple[tuple[UnsuccessSme, ...], int]:
    """no_unsuccess and the unsuccess_sme(s), and the offset after them. Raises one of BODY_ERRORS."""
    count = frame[offset]
    offset += 1
    found = []
    for _ in range(count):
        ton, npi = frame[offset], frame[offset + 1]
        addr, offset = decode_text(frame, offset + 2, ADDRESS_SIZE)
        (status,) = _STATUS.unpack_from(frame, offset)
        offset += 4
        found.append(UnsuccessSme(ton, npi, addr, status))
    return tuple(found), offset


def encode_unsuccess(refused: tuple[UnsuccessSme, ...]) -> bytes:
    """no_unsuccess and the unsuccess_sme(s). Raises ValueError or struct.error."""
    parts = [bytes((len(refused),))]
    for ton, npi, addr, status in refused:
        parts.append(bytes((ton, npi)) + encode_text(addr, ADDRESS_SIZE) + _STATUS.pack(status))
    return b"".join(parts)


def fault(frame: bytes, spec: PduSpec) -> tuple[CommandStatus, str]:
    """Which field of an undecodable body is at fault: the status of that field, and what is wrong with it.

    Only for a frame on which the generated decoder has failed.
    """
    offset = HEADER_OCTETS
    for field in spec.fields:
        try:
            offset = _skip(frame, offset, field)
        except Fault as error:
            return error.status, f"{spec.command_id.name}: {error.detail}"
        except BODY_ERRORS:
            return field.status, f"{spec.command_id.name}: {field.name} {_complaint(frame, offset, field)}"
    left = len(frame) - offset
    if not spec.tlvs:
        return S.ESME_RINVCMDLEN, f"{spec.command_id.name}: {left} octets after the header"
    return S.ESME_RINVOPTPARSTREAM, f"{spec.command_id.name}: the last {left} octets are no TLVs"


def misfit(pdu: tuple[object, ...], spec: PduSpec) -> str:
    """Which field cannot be encoded, and why. Only for a PDU on which the generated encoder has failed."""
    header, values = pdu[:2], pdu[2:]
    for name, value in zip(("sequence_number", "command_status"), header, strict=True):
        if not isinstance(value, int) or not 0 <= value <= 0xFFFFFFFF:
            return f"{name} {value!r} is no integer of four octets"
    for field, value in zip(spec.fields, values, strict=False):
        if not _fits(field, value):
            return f"{field.name} {value!r} is no {field.kind.value} of at most {field.accepted} octets"
    return "a TLV exceeds its two octets of tag or of length"


def _named_text(frame: bytes, offset: int, size: int, status: CommandStatus, name: str) -> tuple[str, int]:
    try:
        return decode_text(frame, offset, size)
    except ValueError:
        raise Fault(status, f"{name} has no NUL within {size} octets") from None


def _skip(frame: bytes, offset: int, field: Field) -> int:
    match field.kind:
        case Kind.INTEGER:
            if offset >= len(frame):
                raise IndexError
            return offset + 1
        case Kind.C_OCTETS | Kind.TIME:
            return decode_text(frame, offset, field.accepted)[1]
        case Kind.SHORT_MESSAGE:
            end = offset + 1 + frame[offset]
            if end > len(frame):
                raise IndexError
            return end
        case Kind.DESTINATIONS:
            return decode_destinations(frame, offset)[1]
        case Kind.UNSUCCESS:
            return decode_unsuccess(frame, offset)[1]


def _complaint(frame: bytes, offset: int, field: Field) -> str:
    if offset >= len(frame):
        return "is missing"
    if field.kind is Kind.SHORT_MESSAGE:
        return f"has sm_length {frame[offset]} and {len(frame) - offset - 1} octets"
    return f"has no NUL within {field.accepted} octets"


def _fits(field: Field, value: object) -> bool:
    try:
        match field.kind:
            case Kind.INTEGER:
                return isinstance(value, int) and 0 <= value <= 0xFF
            case Kind.C_OCTETS | Kind.TIME:
                return isinstance(value, str) and bool(encode_text(value, field.accepted))
            case Kind.SHORT_MESSAGE:
                return isinstance(value, bytes) and len(value) <= field.accepted
            case Kind.DESTINATIONS:
                return isinstance(value, tuple) and bool(encode_destinations(value))
            case Kind.UNSUCCESS:
                return isinstance(value, tuple) and bool(encode_unsuccess(value))
    except BODY_ERRORS:
        return False
