"""Between a transport and its session: sees every octet for the capture; rules may answer for the session."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.interfaces import IProtocol
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory

from gateway.smpp.constants import CommandId
from gateway.smpp.framing import Framer, FramingError
from gateway.smpp.protocol import SmppFactory
from simulator.smsc.capture import Capture

_LIMIT = 1 << 20
_HEAD = struct.Struct(">II")
_OWN_ANSWERS = frozenset({CommandId.enquire_link_resp, CommandId.unbind_resp})


class Wire(ProtocolWrapper):
    """One connection. What the session gives itself as an answer goes to `intercept`, which may keep it."""

    capture: Capture | None = None
    carrier = ""
    connection = 0
    intercept: Callable[[bytes], bool] | None = None

    def __init__(self, factory: Any, wrapped: IProtocol) -> None:
        super().__init__(factory, wrapped)
        self._framer = Framer(_LIMIT)
        self._lost = False

    @property
    def _link(self) -> Any:
        return self.wrappedProtocol

    @property
    def _out(self) -> Any:
        return self.transport

    def close(self) -> None:
        """End the connection without a word, when what was written is out."""
        self._out.loseConnection()

    def reset(self) -> None:
        """End the connection at once, by RST."""
        self._out.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        if self.capture is not None and not self._lost:
            self._capture_incoming(self.capture, data)
        self._link.dataReceived(data)
        if self.capture is not None:
            self.capture.flush()

    def write(self, data: bytes) -> None:
        """Octets of the session: always whole PDUs."""
        if self.intercept is not None:
            data = b"".join(frame for frame in frames_of(data) if not self._intercepted(frame))
        if self.capture is not None:
            for frame in frames_of(data):
                self.capture.pdu("out", self.carrier, self.connection, frame)
            self.capture.flush()
        if data:
            self._out.write(data)

    def write_spoilt(self, data: bytes, rule: str | None) -> None:
        """Octets that a rule has made; they need not be a PDU."""
        if self.capture is not None:
            self.capture.pdu("out", self.carrier, self.connection, data, rule)
            self.capture.flush()
        self._out.write(data)

    def _intercepted(self, frame: bytes) -> bool:
        _, command = _HEAD.unpack_from(frame)
        return self.intercept is not None and command in _OWN_ANSWERS and self.intercept(frame)

    def _capture_incoming(self, capture: Capture, data: bytes) -> None:
        try:
            frames = self._framer.feed(data)
        except FramingError as error:
            frames = error.frames
            self._lost = True
        for frame in frames:
            capture.pdu("in", self.carrier, self.connection, frame)
        if self._lost:
            capture.event("framing lost", self.carrier, self.connection, hex=data.hex())


class WireFactory(WrappingFactory[Wire]):
    """Puts a wire under each link that another factory makes."""

    protocol = Wire
    noisy = False

    def __init__(self, links: SmppFactory) -> None:
        self.wrappedFactory = links
        self.protocols: dict[Wire, int] = {}


def frames_of(data: bytes) -> Iterator[bytes]:
    """The PDUs of octets that hold nothing else."""
    start = 0
    while start < len(data):
        (length, _) = _HEAD.unpack_from(data, start)
        yield data[start : start + length]
        start += length
