"""Stencils: what the submit_sm of a campaign have in common is read once.

They differ in sequence number and destination alone. What stands before the destination and behind it is
the stencil: where it was seen before, nothing of it is decoded or checked again.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from .codec import PduError, decode
from .constants import ESM_UDHI, HEADER_OCTETS, V50, CommandId
from .pdus import SubmitSm
from .validate import check_request

MOST: Final = 1024
"""Stencils remembered."""

LONGEST: Final = 400
"""Octets up to which a frame is looked at, so that they stay small: two mebibytes in all at the most."""

SUBMIT: Final = int(CommandId.submit_sm).to_bytes(4)
LONGEST_ADDRESS: Final = 21
"""Octets of an address with its NUL (SMPP 3.4, section 4.4.1)."""

_DESTINATION: Final = SubmitSm._fields.index("destination_addr")
_status_and_number: Final = Struct(">II").unpack_from
_new = tuple.__new__


class Said:
    """What all submit_sm of a stencil say: one object for each, so that others may remember by it what they
    have worked out. `fields` are those of one of them.
    """

    __slots__ = ("fields",)

    def __init__(self, pdu: SubmitSm) -> None:
        self.fields: list[object] = [*pdu]


_KNOWN: Final[tuple[dict[bytes, Said], dict[bytes, Said]]] = ({}, {})
"""Stencils by their octets, before version 5.0 and from there on."""

_MET: Final[set[int]] = set()
"""Hashes of the octets of what was met once: texts that nobody sends again leave no more than that."""


def recall(frame: bytes, version: int) -> tuple[SubmitSm, Said] | None:
    """The PDU of a submit_sm that a client of this interface version may send, and its stencil, if that was
    met before; None where only `decode` and `check_request` know what it is.
    """
    if not HEADER_OCTETS < len(frame) <= LONGEST:
        return None
    at = frame.find(0, HEADER_OCTETS, HEADER_OCTETS + 6) + 3 if frame[HEADER_OCTETS] else HEADER_OCTETS + 3
    start = frame.find(0, at, at + LONGEST_ADDRESS) + 3
    end = frame.find(0, start, start + LONGEST_ADDRESS)
    status, number = _status_and_number(frame, 8)
    if at < 3 or start < 3 or end <= start or status:
        return None
    if len(frame) < end + 2 or frame[end + 1] & ESM_UDHI:
        return None  # parts of long texts are all different
    octets = frame[HEADER_OCTETS:start] + frame[end:]
    said = _KNOWN[version >= V50].get(octets)
    if said is None and (said := _met(octets, frame, version)) is None:
        return None
    fields = said.fields.copy()
    fields[0], fields[_DESTINATION] = number, frame[start:end].decode("latin-1")
    return _new(SubmitSm, fields), said


def _met(octets: bytes, frame: bytes, version: int) -> Said | None:
    """The stencil of what was met before; not of what is wrong."""
    met = hash(octets)
    if met not in _MET:
        if len(_MET) >= MOST:
            _MET.clear()
        _MET.add(met)
        return None
    try:
        pdu = decode(frame)
    except PduError:
        return None
    if not isinstance(pdu, SubmitSm) or check_request(pdu, version):
        return None
    known = _KNOWN[version >= V50]
    if len(known) >= MOST:
        known.clear()
    said = known[octets] = Said(pdu)
    return said
