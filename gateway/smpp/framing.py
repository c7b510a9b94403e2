"""Octets to frames: a stream is cut at command_length (v3.4 section 3.2)."""

from __future__ import annotations

from struct import Struct
from typing import ClassVar

from .constants import HEADER_OCTETS, CommandStatus
from .pdus import CLASSES, GenericNack

_LENGTH = Struct(">I").unpack_from
_HEADER = Struct(">IIII").unpack_from
LENGTH_OCTETS = 4


class FramingError(Exception):
    """The octets are no PDUs any more: answer with `answer`, and close.

    `frames` are the whole frames that came before, still to be served; `sequence_number` is that of the bad
    PDU where its header can be trusted, else 0 (v3.4 section 4.3.1).
    """

    status: ClassVar[CommandStatus] = CommandStatus.ESME_RINVCMDLEN

    def __init__(
        self,
        detail: str,
        frames: list[bytes] | None = None,
        sequence_number: int = 0,
        speaks_smpp: bool = True,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.frames = frames or []
        self.sequence_number = sequence_number
        self.speaks_smpp = speaks_smpp

    @property
    def answer(self) -> GenericNack | None:
        """generic_nack, or None where the peer speaks another protocol and would not understand it."""
        return GenericNack(self.sequence_number, self.status) if self.speaks_smpp else None


class Framer:
    """Cuts a stream into frames. `limit` is the longest command_length in octets; it may be set anew."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._partial = bytearray()
        self._needed = LENGTH_OCTETS

    @property
    def pending(self) -> int:
        """Octets of a PDU that has not come whole yet."""
        return len(self._partial)

    @property
    def unfinished(self) -> bytes:
        """Those octets."""
        return bytes(self._partial)

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that `data` completes. Raises FramingError, and again whenever it is fed after that."""
        if self._partial:
            self._partial += data
            if len(self._partial) < self._needed:
                return []
            data = bytes(self._partial)
        frames: list[bytes] = []
        offset, size, limit = 0, len(data), self.limit
        while size - offset >= LENGTH_OCTETS:
            (needed,) = _LENGTH(data, offset)
            if not HEADER_OCTETS <= needed <= limit:
                self._partial = bytearray(data[offset : offset + HEADER_OCTETS])
                self._needed = LENGTH_OCTETS
                raise framing_error(bytes(self._partial), frames)
            end = offset + needed
            if size < end:
                break
            frames.append(data[offset:end])
            offset = end
        else:
            needed = LENGTH_OCTETS
        if self._partial or offset < size:
            self._partial = bytearray(data[offset:])
        self._needed = needed
        return frames


def framing_error(head: bytes, frames: list[bytes]) -> FramingError:
    """What is wrong with the PDU that begins with `head`, at most 16 octets of it."""
    if all(0x20 <= octet < 0x7F for octet in head[:LENGTH_OCTETS]):
        return FramingError(f"not SMPP: {head!r}", frames, speaks_smpp=False)
    (length,) = _LENGTH(head)
    sequence_number = 0
    if length >= HEADER_OCTETS and len(head) == HEADER_OCTETS:
        _, command_id, _, sequence_number = _HEADER(head)
        # A length that is out of all bounds beside a command that nobody knows is noise, not a header.
        sequence_number = sequence_number if command_id in CLASSES else 0
    return FramingError(f"command_length {length}", frames, sequence_number)
