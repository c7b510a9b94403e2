"""Strategies for PDUs, made from the tables, and a slow encoder by which the generated ones are judged."""

import struct
from typing import Any

from hypothesis import strategies as st

from gateway.smpp.fields import DistributionList, SmeAddress, Tlv, UnsuccessSme
from gateway.smpp.pdus import CLASSES, Pdu
from gateway.smpp.spec import PDUS, Field, Kind, PduSpec

octet = st.integers(0, 0xFF)
four_octets = st.integers(0, 0xFFFFFFFF)


def c_octets(size: int) -> st.SearchStrategy[str]:
    """Texts that fit into a C-octet string of `size` octets."""
    return st.text(st.characters(min_codepoint=1, max_codepoint=0xFF), max_size=size - 1)


sme_address = st.builds(SmeAddress, octet, octet, c_octets(21))
destination = sme_address | st.builds(DistributionList, c_octets(21))
unsuccess_sme = st.builds(UnsuccessSme, octet, octet, c_octets(21), four_octets)
tlv = st.builds(Tlv, st.integers(0, 0xFFFF), st.binary(max_size=30))
tlvs = st.lists(tlv, max_size=5).map(tuple)


def values(field: Field) -> st.SearchStrategy[Any]:
    """Everything that a field can hold."""
    match field.kind:
        case Kind.INTEGER:
            return octet
        case Kind.C_OCTETS | Kind.TIME:
            return c_octets(field.accepted)
        case Kind.SHORT_MESSAGE:
            return st.binary(max_size=field.accepted)
        case Kind.DESTINATIONS:
            return st.lists(destination, max_size=4).map(tuple)
        case Kind.UNSUCCESS:
            return st.lists(unsuccess_sme, max_size=4).map(tuple)


def pdus_of(spec: PduSpec) -> st.SearchStrategy[Pdu]:
    """PDUs of one kind."""
    parts = [four_octets, four_octets, *map(values, spec.fields), *([tlvs] if spec.tlvs else [])]
    return st.tuples(*parts).map(lambda made: CLASSES[spec.command_id](*made))


pdus = st.one_of([pdus_of(spec) for spec in PDUS])


def field_octets(field: Field, value: Any) -> bytes:
    """The octets of one field, by the letter of the specification."""
    match field.kind:
        case Kind.INTEGER:
            return struct.pack(">B", value)
        case Kind.C_OCTETS | Kind.TIME:
            return bytes(map(ord, value)) + b"\0"
        case Kind.SHORT_MESSAGE:
            return bytes((len(value), *value))
        case Kind.DESTINATIONS:
            return struct.pack(">B", len(value)) + b"".join(map(destination_octets, value))
        case Kind.UNSUCCESS:
            parts = [
                struct.pack(">BB", ton, npi) + addr.encode("latin-1") + struct.pack(">xI", status)
                for ton, npi, addr, status in value
            ]
            return struct.pack(">B", len(value)) + b"".join(parts)


def destination_octets(value: SmeAddress | DistributionList) -> bytes:
    """The octets of one destination of submit_multi."""
    if isinstance(value, DistributionList):
        return b"\2" + value.dl_name.encode("latin-1") + b"\0"
    ton, npi, addr = value
    return struct.pack(">BBB", 1, ton, npi) + addr.encode("latin-1") + b"\0"


def frame_of(command_id: int, command_status: int, sequence_number: int, body: bytes) -> bytes:
    """A frame of this header and body."""
    return struct.pack(">IIII", 16 + len(body), command_id, command_status, sequence_number) + body


def body_parts(spec: PduSpec, pdu: Pdu) -> list[bytes]:
    """The octets of each field of a PDU, without its TLVs."""
    return [field_octets(field, getattr(pdu, field.name)) for field in spec.fields]


def slow_encode(spec: PduSpec, pdu: Pdu) -> bytes:
    """The frame of a PDU, field by field."""
    parts = body_parts(spec, pdu)
    parts += [struct.pack(">HH", tag, len(value)) + value for tag, value in getattr(pdu, "tlvs", ())]
    return frame_of(spec.command_id, pdu.command_status, pdu.sequence_number, b"".join(parts))
