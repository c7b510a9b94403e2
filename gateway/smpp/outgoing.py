"""What we are about to write: encoded, our requests numbered, and gathered until the transport takes it."""

from __future__ import annotations

from collections.abc import Container
from struct import Struct
from typing import Any, Final

from .codec import encode, find_tlv
from .constants import HEADER_OCTETS, Tag
from .pdus import Pdu

MAX_SEQUENCE_NUMBER: Final = 0x7FFFFFFF
"""Our sequence numbers run from 1 to this and begin again (SMPP 3.4 section 5.1.4, 5.0 section 4.7.24)."""

LONGEST_SHORT_MESSAGE: Final = 254
"""Octets of a short_message (SMPP 3.4 section 5.2.22)."""

NUMBER_AT: Final = 12
"""Where in the header the sequence number stands."""

_pack_number: Final = Struct(">I").pack_into
_header: Final = Struct(">IIII").pack


class Outgoing:
    """Octets to the peer in their order. With `without_tlvs` set, everything goes without its TLVs.

    `add` and `encoded` raise ValueError if a value cannot be encoded, or a message_payload does not fit
    without TLVs.
    """

    __slots__ = ("_frames", "_number", "without_tlvs")

    def __init__(self, without_tlvs: bool = False) -> None:
        self.without_tlvs = without_tlvs
        self._frames: list[bytes | bytearray] = []
        self._number = 0

    def add(self, pdu: Pdu) -> None:
        """Add a PDU as it is numbered: a response."""
        self._frames.append(encode(_bare(pdu) if self.without_tlvs else pdu))

    def accept(self, command: int, number: int, message_id: str) -> None:
        """Add the *_resp that says yes to a message: what `add` makes of one with our id and no TLV."""
        body = message_id.encode("latin-1") + b"\0"
        self._frames.append(_header(HEADER_OCTETS + len(body), command, 0, number) + body)

    def encoded(self, pdu: Pdu) -> bytes:
        """The frame in which a PDU goes to this peer."""
        return encode(_bare(pdu) if self.without_tlvs else pdu)

    def add_request(self, frame: bytes, taken: Container[int]) -> int:
        """Add a frame under our next sequence number that is not in `taken`, and return that number."""
        number = self._number % MAX_SEQUENCE_NUMBER + 1
        while number in taken:
            number = number % MAX_SEQUENCE_NUMBER + 1
        self._number = number
        numbered = bytearray(frame)  # cheaper than a copy of the PDU with another number in it
        _pack_number(numbered, NUMBER_AT, number)
        self._frames.append(numbered)
        return number

    def take(self) -> bytes:
        """All that was added since the last time."""
        octets = b"".join(self._frames)
        self._frames.clear()
        return octets


def _bare(pdu: Any) -> Pdu:
    """The PDU without TLVs. Its text must not go with them: a message_payload becomes the short_message."""
    tlvs = getattr(pdu, "tlvs", ())
    payload = find_tlv(tlvs, Tag.message_payload) if tlvs else None
    bare: Pdu = pdu._replace(tlvs=()) if tlvs else pdu
    if payload is None:
        return bare
    if not hasattr(pdu, "short_message") or len(payload) > LONGEST_SHORT_MESSAGE:
        raise ValueError("its message_payload does not fit into a peer without TLVs")
    moved: Pdu = pdu._replace(tlvs=(), short_message=payload)
    return moved
