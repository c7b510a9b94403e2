"""What a rule does to the octets of a response."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence

from gateway.smpp.codec import encode
from gateway.smpp.constants import HEADER_OCTETS, CommandStatus
from gateway.smpp.pdus import GenericNack
from simulator.smsc.profile import Answer, ExtraTlv

_LENGTH = struct.Struct(">I")
_SEQUENCE_AT = 12
_SEQUENCE_OFF_BY = 1_000_003
_HUGE = 0x7FFFFFFF


def spoil(frame: bytes, answer: Answer, body: bytes, source: random.Random) -> bytes:
    """The response as the rule wants it on the wire; `body` is what a body on an error response holds."""
    if answer.nack:
        status = answer.status or CommandStatus.ESME_RSYSERR
        frame = encode(GenericNack(struct.unpack_from(">I", frame, _SEQUENCE_AT)[0], status))
    if answer.body and len(frame) == HEADER_OCTETS:
        frame = _with_length(frame + body)
    if answer.tlvs:
        frame = _with_length(frame + tlv_octets(answer.tlvs))
    if answer.sequence is not None:
        frame = _with_sequence(frame, answer.sequence)
    if answer.length is not None:
        frame = _with_length(frame, _false_length(len(frame), answer.length))
    return _garbage(answer, source) + frame * answer.copies


def tlv_octets(tlvs: Sequence[ExtraTlv]) -> bytes:
    return b"".join(struct.pack(">HH", tlv.tag, len(tlv.value)) + tlv.value for tlv in tlvs)


def _with_length(frame: bytes, length: int | None = None) -> bytes:
    return _LENGTH.pack(len(frame) if length is None else length) + frame[_LENGTH.size :]


def _false_length(true: int, wanted: int | str) -> int:
    if isinstance(wanted, int):
        return wanted
    return {"short": HEADER_OCTETS - 1, "long": true + HEADER_OCTETS, "huge": _HUGE}[wanted]


def _with_sequence(frame: bytes, wanted: str) -> bytes:
    (sequence_number,) = _LENGTH.unpack_from(frame, _SEQUENCE_AT)
    false = 0 if wanted == "zero" else (sequence_number + _SEQUENCE_OFF_BY) & 0x7FFFFFFF
    return frame[:_SEQUENCE_AT] + _LENGTH.pack(false) + frame[HEADER_OCTETS:]


def _garbage(answer: Answer, source: random.Random) -> bytes:
    if isinstance(answer.garbage, bytes):
        return answer.garbage
    return source.randbytes(answer.garbage)
