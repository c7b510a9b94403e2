"""User data headers and the parts of long messages.

3GPP TS 23.040 section 9.2.3.24 (headers, concatenation, ports, national language shifts) and SMPP 3.4
sections 5.2.12 and 5.3.2.20 to 5.3.2.24 (UDHI, ports, SAR). What is malformed is ignored, never an error:
that is what 23.040 asks of a receiver.
"""

from typing import Literal, NamedTuple, Protocol

from .constants import ESM_UDHI, Tag
from .fields import Tlv

CONCAT_8 = 0x00
PORTS_8 = 0x04
PORTS_16 = 0x05
CONCAT_16 = 0x08
SINGLE_SHIFT = 0x24
LOCKING_SHIFT = 0x25

_MESSAGE_PAYLOAD = int(Tag.message_payload)  # plain numbers compare three times as fast
_SAR = (int(Tag.sar_msg_ref_num), int(Tag.sar_total_segments), int(Tag.sar_segment_seqnum))

Element = tuple[int, bytes]
"""An information element: its identifier and its data."""


class Carried(Protocol):
    """What is read here of submit_sm, submit_multi, deliver_sm and data_sm; data_sm has no short_message."""

    @property
    def esm_class(self) -> int: ...
    @property
    def data_coding(self) -> int: ...
    @property
    def tlvs(self) -> tuple[Tlv, ...]: ...


class Udh(NamedTuple):
    """A user data header: its elements in order, and its length in octets with the length octet itself."""

    elements: tuple[Element, ...]
    header_length: int

    def find(self, identifier: int) -> bytes | None:
        """The data of the last element of that identifier: of repeated ones the last counts (9.2.3.24)."""
        found = None
        for iei, data in self.elements:
            if iei == identifier:
                found = data
        return found

    @property
    def locking(self) -> int:
        """National language identifier of the locking shift table (9.2.3.24.16), 0 if none is named."""
        data = self.find(LOCKING_SHIFT)
        return data[0] if data else 0

    @property
    def single(self) -> int:
        """National language identifier of the single shift table (9.2.3.24.15), 0 if none is named."""
        data = self.find(SINGLE_SHIFT)
        return data[0] if data else 0


class Part(NamedTuple):
    """One part of a long message: `number` counts from 1 to `total`."""

    kind: Literal["udh8", "udh16", "sar"]
    reference: int
    total: int
    number: int


class Ports(NamedTuple):
    """Application ports (9.2.3.24.3 and .4; SMPP 5.3.2.20 and 21): the text is meant for a program."""

    destination: int
    source: int | None


def parse_udh(user_data: bytes) -> Udh | None:
    """The header at the start of `user_data`, or None if its lengths do not add up."""
    if not user_data:
        return None
    end = user_data[0] + 1
    if end > len(user_data):
        return None
    elements = []
    at = 1
    while at < end:
        start = at + 2
        if start > end:
            return None
        at = start + user_data[start - 1]
        if at > end:
            return None
        elements.append((user_data[start - 2], user_data[start:at]))
    return Udh(tuple(elements), end)


def user_data_of(pdu: Carried) -> bytes:
    """message_payload, which by 5.0 section 4.2.1.1 supersedes the other, or else short_message."""
    for tag, value in pdu.tlvs:
        if tag == _MESSAGE_PAYLOAD and value:
            return value
    short_message: bytes = getattr(pdu, "short_message", b"")
    return short_message


def udh_of(pdu: Carried) -> Udh | None:
    """The PDU's user data header, if it has one that is well formed."""
    return parse_udh(user_data_of(pdu)) if pdu.esm_class & ESM_UDHI else None


def body_of(pdu: Carried) -> bytes:
    """The user data without its header; all of it where the header is said to reach past the end."""
    user_data = user_data_of(pdu)
    if pdu.esm_class & ESM_UDHI and user_data and user_data[0] < len(user_data):
        return user_data[user_data[0] + 1 :]
    return user_data


def part_of(pdu: Carried) -> Part | None:
    """Which part of a long message it is, by its header or else its three SAR TLVs; None if it is whole."""
    if pdu.esm_class & ESM_UDHI:
        udh = parse_udh(user_data_of(pdu))
        if udh is not None and (part := udh_part(udh)) is not None:
            return part
    return _sar_part(pdu.tlvs) if pdu.tlvs else None


def udh_part(udh: Udh) -> Part | None:
    """The header's last valid concatenation element, of 8 or 16 bits (9.2.3.24.1 and 9.2.3.24.8)."""
    part = None
    for iei, data in udh.elements:
        if iei == CONCAT_8 and len(data) == 3:
            candidate = Part("udh8", data[0], data[1], data[2])
        elif iei == CONCAT_16 and len(data) == 4:
            candidate = Part("udh16", data[0] << 8 | data[1], data[2], data[3])
        else:
            continue
        if 1 <= candidate.number <= candidate.total:
            part = candidate
    return part


def _sar_part(tlvs: tuple[Tlv, ...]) -> Part | None:
    sar = {tag: value for tag, value in tlvs if tag in _SAR}
    reference, total, number = (sar.get(tag, b"") for tag in _SAR)
    if (len(reference), len(total), len(number)) == (2, 1, 1) and 1 <= number[0] <= total[0]:
        return Part("sar", int.from_bytes(reference), total[0], number[0])
    return None


def ports_of(pdu: Carried) -> Ports | None:
    """The application ports in the header, or else in the TLVs destination_port and source_port."""
    ports = None
    udh = udh_of(pdu)
    for iei, data in udh.elements if udh is not None else ():
        if iei == PORTS_8 and len(data) == 2:
            ports = Ports(data[0], data[1])
        elif iei == PORTS_16 and len(data) == 4:
            ports = Ports(data[0] << 8 | data[1], data[2] << 8 | data[3])
    if ports is not None:
        return ports
    found = {tag: int.from_bytes(value) for tag, value in pdu.tlvs if len(value) == 2}
    destination = found.get(Tag.destination_port)
    return Ports(destination, found.get(Tag.source_port)) if destination is not None else None


def concat_element(reference: int, total: int, number: int) -> Element:
    """A part's element, of 8 bits where `reference` allows it; ValueError if a number is out of range."""
    if not 1 <= number <= total <= 255:
        raise ValueError(f"no part {number} of {total}: both must be from 1 to 255")
    if reference <= 0xFF:
        return CONCAT_8, bytes((reference, total, number))
    return CONCAT_16, bytes((*divmod(reference, 256), total, number))


def make_udh(*elements: Element) -> bytes:
    """A header with these elements, in order; ValueError if it would be longer than 255 octets."""
    content = b"".join(bytes((iei, len(data))) + data for iei, data in elements)
    return bytes((len(content),)) + content


def make_sar(reference: int, total: int, number: int) -> tuple[Tlv, ...]:
    """The three SAR TLVs of a part; OverflowError if a number does not fit (two, one and one octet)."""
    return (
        Tlv(Tag.sar_msg_ref_num, reference.to_bytes(2)),
        Tlv(Tag.sar_total_segments, total.to_bytes(1)),
        Tlv(Tag.sar_segment_seqnum, number.to_bytes(1)),
    )
