"""One session of the load: many PDUs a write, made beforehand, and a suspicious eye on what comes back.

It does without `gateway.smpp.session`: a load maker has to be faster than what it loads, and knows exactly
which PDUs it sends. What it reads goes through the framing and the codec that it shares with everyone.
"""

from __future__ import annotations

import struct
from typing import Any, Protocol

from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from gateway.smpp.codec import PduError, decode, encode
from gateway.smpp.constants import RESPONSE, CommandId, CommandStatus
from gateway.smpp.framing import Framer, FramingError
from gateway.smpp.pdus import BindReceiver, BindTransceiver, BindTransmitter, DeliverSm, EnquireLink, Unbind

_MAX_PDU = 70_000
_LAST_SEQUENCE = 0x7FFFFFFF
_HEADER = struct.Struct(">IIII")
_DELIVER_SM_RESP = struct.Struct(">IIIIx")
_BINDS: dict[str, type[BindTransceiver | BindTransmitter | BindReceiver]] = {
    "transceiver": BindTransceiver,
    "transmitter": BindTransmitter,
    "receiver": BindReceiver,
}
_BIND_RESPONSES = frozenset(
    {
        CommandId.bind_transceiver_resp,
        CommandId.bind_transmitter_resp,
        CommandId.bind_receiver_resp,
    }
)


class Owner(Protocol):
    """What a link tells of; all of it happens within one read, before the link writes."""

    def bound(self, link: LoadLink) -> None: ...
    def bind_refused(self, link: LoadLink, status: int) -> None: ...
    def accepted(self, link: LoadLink, piece: int, message_id: str) -> None: ...
    def refused(self, link: LoadLink, piece: int, status: int) -> None: ...
    def delivered(self, link: LoadLink, pdu: DeliverSm) -> None: ...
    def violated(self, link: LoadLink, detail: str) -> None: ...
    def read(self, link: LoadLink) -> None: ...
    def lost(self, link: LoadLink, reason: str) -> None: ...


class LoadLink(TwistedProtocol):
    """A session: `outstanding` maps sequence numbers to pieces that have no answer yet."""

    def __init__(
        self, owner: Owner, number: int, slot: int, mode: str, system_id: str, password: str
    ) -> None:
        self.number = number
        self.slot = slot
        self.outstanding: dict[int, int] = {}
        self.bound = False
        self.leaving = False
        self.refused = False
        self._owner = owner
        self._mode = mode
        self._credentials = (system_id, password)
        self._framer = Framer(_MAX_PDU)
        self._sequence = 0
        self._out: list[bytes] = []
        self._pending_enquiry = 0
        self._wire: Any = None

    @property
    def sending(self) -> bool:
        """Whether it may be given pieces."""
        return self.bound and not self.leaving and self._mode != "receiver"

    @property
    def receiving(self) -> bool:
        return self.bound and self._mode != "transmitter"

    def next_sequence(self) -> int:
        self._sequence = self._sequence % _LAST_SEQUENCE + 1
        return self._sequence

    def submit(self, piece: int, sequence_number: int, frame: bytes) -> None:
        """Send a piece; to be flushed."""
        self.outstanding[sequence_number] = piece
        self._out.append(frame)

    def flush(self) -> None:
        """Write what was sent, in one go."""
        if self._out:
            self._wire.write(b"".join(self._out))
            self._out.clear()

    def enquire(self) -> None:
        """Probe the peer; one that has not answered the last probe is dropped."""
        if self._pending_enquiry:
            self._owner.violated(self, "enquire_link was not answered")
            self._wire.abortConnection()
            return
        self._pending_enquiry = self.next_sequence()
        self._out.append(encode(EnquireLink(self._pending_enquiry)))
        self.flush()

    def unbind(self) -> None:
        """Take leave; the connection closes when the peer has answered."""
        if self.bound and not self.leaving:
            self.leaving = True
            self._out.append(encode(Unbind(self.next_sequence())))
            self.flush()
        elif not self.bound:
            self._wire.loseConnection()

    def abort(self) -> None:
        """Cut the connection."""
        self._wire.abortConnection()

    # From Twisted

    def connectionMade(self) -> None:
        self._wire = self.transport
        if hasattr(self._wire, "setTcpNoDelay"):
            self._wire.setTcpNoDelay(True)
        system_id, password = self._credentials
        bind = _BINDS[self._mode](self.next_sequence(), system_id=system_id, password=password)
        self._out.append(encode(bind))
        self.flush()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.bound = False
        self._owner.lost(self, reason.getErrorMessage())

    def dataReceived(self, data: bytes) -> None:
        broken = False
        try:
            frames = self._framer.feed(data)
        except FramingError as error:
            frames, broken = error.frames, True
            self._owner.violated(self, f"framing lost: {error.detail}")
        for frame in frames:
            length, command, status, sequence_number = _HEADER.unpack_from(frame)
            if command == CommandId.submit_sm_resp:
                self._answer(frame, length, status, sequence_number)
            elif command == CommandId.deliver_sm:
                self._deliver(frame, sequence_number)
            else:
                self._other(frame, command, status, sequence_number)
        self._owner.read(self)
        self.flush()
        if broken:
            self._wire.abortConnection()

    def _answer(self, frame: bytes, length: int, status: int, sequence_number: int) -> None:
        piece = self.outstanding.pop(sequence_number, None)
        if piece is None:
            self._owner.violated(self, "submit_sm_resp answers nothing")
        elif status:
            if length > _HEADER.size:
                self._owner.violated(self, "submit_sm_resp with an error and a body")
            self._owner.refused(self, piece, status)
        else:
            end = frame.find(b"\0", _HEADER.size)
            if end < 0:
                self._owner.violated(self, "submit_sm_resp without a whole message_id")
            self._owner.accepted(self, piece, frame[_HEADER.size : end].decode("latin-1"))

    def _deliver(self, frame: bytes, sequence_number: int) -> None:
        try:
            pdu = decode(frame)
        except PduError as error:
            self._owner.violated(self, f"deliver_sm cannot be read: {error.detail}")
            return
        assert isinstance(pdu, DeliverSm)
        if not self.receiving:
            self._owner.violated(self, "deliver_sm to a session that does not receive")
        self._owner.delivered(self, pdu)
        self._out.append(
            _DELIVER_SM_RESP.pack(_DELIVER_SM_RESP.size, CommandId.deliver_sm_resp, 0, sequence_number)
        )

    def _other(self, frame: bytes, command: int, status: int, sequence_number: int) -> None:
        """Everything that is rare."""
        if command in _BIND_RESPONSES:
            self._bind_answered(status)
        elif command in (CommandId.enquire_link, CommandId.unbind):
            self._out.append(_HEADER.pack(_HEADER.size, command | RESPONSE, 0, sequence_number))
            if command == CommandId.unbind:
                self.leaving = True
        elif command == CommandId.enquire_link_resp and sequence_number == self._pending_enquiry:
            self._pending_enquiry = 0
        elif command == CommandId.unbind_resp and self.leaving:
            self._wire.loseConnection()
        elif command == CommandId.generic_nack and sequence_number in self.outstanding:
            self._owner.violated(self, "generic_nack to a good submit_sm")
            self._owner.refused(self, self.outstanding.pop(sequence_number), status)
        else:
            self._owner.violated(self, f"{CommandId(command).name} was not expected")
            if not command & RESPONSE:
                answer = _HEADER.pack(
                    _HEADER.size, CommandId.generic_nack, CommandStatus.ESME_RINVCMDID, sequence_number
                )
                self._out.append(answer)

    def _bind_answered(self, status: int) -> None:
        if self.bound:
            self._owner.violated(self, "a second bind response")
        elif status:
            self.refused = True
            self._wire.loseConnection()
            self._owner.bind_refused(self, status)
        else:
            self.bound = True
            self._owner.bound(self)
