"""The Twisted edge of a session: transport on one side, handler on the other, nothing decided here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, cast

from twisted.internet.interfaces import IAddress, IReactorTime, ITCPTransport
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from .events import Event
from .pdus import Pdu
from .session import Session
from .states import BOUND, State
from .writing import write_at_once, writes_at_once

log = Logger(__name__)

LINGER = 5.0
"""Seconds that a peer has to take our last octets and close before the connection is cut."""


class Clock(Protocol):
    """A reactor whose `seconds` is monotonic, or `twisted.internet.task.Clock`."""

    def seconds(self) -> float:
        """The moment, in seconds that never jump."""

    def callLater(self, delay: float, callable: Callable[..., object], *args: object) -> Any:
        """Call after so many seconds."""


class Handler(Protocol):
    """The owner of links. What it raises is logged and closes that link only."""

    def connected(self, link: SmppProtocol) -> None:
        """The transport is there. A client sends its bind from here."""

    def received(self, link: SmppProtocol, events: list[Event]) -> None:
        """What one read, or one tick, brought. Whatever is sent from here is written in one go afterwards."""

    def lost(self, link: SmppProtocol, events: list[Event]) -> None:
        """The transport is gone; `events` end what was outstanding. Nothing more comes from this link."""


Tap = Callable[["SmppProtocol", bytes, bool], None]
"""Hears the octets of a link: those that came (True) before they are served, those that go when they are
written. It must not raise.
"""


class SmppProtocol(TwistedProtocol):
    """A link: one session on one transport.

    One read becomes one batch of events and one write. Reading stops while the peer does not read what we
    write, and while the owner wants it to (`pause`). Outside `Handler.connected` and `Handler.received`,
    `send` and `respond` have to be followed by `flush`.
    """

    def __init__(
        self,
        session_factory: Callable[[float], Session],
        handler: Handler,
        clock: Clock,
        ticker: Ticker | None = None,
    ) -> None:
        self.session = session_factory(clock.seconds())
        self.handler = handler
        self.tap: Tap | None = None
        self._clock = clock
        self._ticker = ticker
        self._wire: Any = None
        self._write: Callable[[bytes], object] = lambda octets: None
        self._producing = False  # registered with the transport
        self._paused = False  # by the owner
        self._choked = False  # by the transport: the peer does not read
        self._closing_since: float | None = None

    @property
    def peer(self) -> str:
        """The address of the peer; behind a PROXY header the client's, as soon as the header has come."""
        return str(getattr(self._wire.getPeer(), "host", "local"))

    @property
    def peer_address(self) -> IAddress:
        """The same as Twisted has it, with its port."""
        address: IAddress = self._wire.getPeer()
        return address

    @property
    def own_address(self) -> IAddress:
        """Our own address on this link."""
        address: IAddress = self._wire.getHost()
        return address

    # From the owner

    def send(self, pdu: Pdu, context: object = None) -> int:
        """`Session.send`, now. Raises WrongState, WindowFull, ValueError."""
        return self.session.send(pdu, self._clock.seconds(), context)

    def respond(self, pdu: Pdu) -> None:
        """`Session.respond`. Raises WrongState, ValueError."""
        self.session.respond(pdu)

    def flush(self) -> None:
        """Write what was sent; close if the session is over."""
        octets = self.session.output()
        if octets and self._closing_since is None:
            self._write(octets)
            if self.tap is not None:
                self.tap(self, octets, False)
        if self.session.state is State.CLOSED:
            self._lose()

    def close(self) -> None:
        """Leave politely: unbind and wait for the answer if bound, close when what was written is out."""
        if self.session.state in BOUND:
            self.session.unbind(self._clock.seconds())
            self.flush()
        elif self.session.state is State.OPEN:
            self.flush()
            self._lose()

    def abort(self) -> None:
        """Cut the connection at once."""
        self._wire.abortConnection()

    def pause(self) -> None:
        """Stop reading. The peer's silence is not held against it meanwhile."""
        self._paused = True
        self.session.pause(self._clock.seconds())
        self._read_or_not()

    def resume(self) -> None:
        """Read again."""
        self._paused = False
        self.session.resume(self._clock.seconds())
        self._read_or_not()

    # From Twisted

    def connectionMade(self) -> None:
        self._wire = self.transport
        self._write = partial(write_at_once, self._wire) if writes_at_once(self._wire) else self._wire.write
        if ITCPTransport.providedBy(self._wire):
            self._wire.setTcpNoDelay(True)
            self._wire.setTcpKeepAlive(True)
        if self._ticker is not None:
            self._ticker.add(self)
            self.tap = self._ticker.tap
        self._guarded(self.handler.connected)

    def dataReceived(self, data: bytes) -> None:
        if self._closing_since is not None:
            return
        if not self._producing:
            # Not before: TLS pauses its producer during the handshake, which then could not go on.
            self._producing = True
            self._wire.registerProducer(self, True)
        if self.tap is not None:
            self.tap(self, data, True)
        events = self.session.receive(data, self._clock.seconds())
        if events:
            self._guarded(self.handler.received, events)
        else:
            self.flush()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._closing_since = self._clock.seconds()
        if self._ticker is not None:
            self._ticker.discard(self)
        self._guarded(self.handler.lost, self.session.close(reason.getErrorMessage()))

    def pauseProducing(self) -> None:
        self._choked = True
        self._read_or_not()

    def resumeProducing(self) -> None:
        self._choked = False
        self._read_or_not()

    def stopProducing(self) -> None:
        """Of no interest: the transport says in connectionLost that it is gone."""

    # From the ticker

    def tick(self, now: float) -> None:
        """Let the session do what is due; cut a connection that does not close."""
        if self._closing_since is not None:
            if now >= self._closing_since + LINGER:
                self.abort()
        elif self.session.deadline <= now:
            events = self.session.tick(now)
            if events:
                self._guarded(self.handler.received, events)
            else:
                self.flush()

    def _guarded(self, call: Callable[..., None], *args: object) -> None:
        try:
            call(self, *args)
        except Exception:
            log.failure("The handler failed; link to {peer} is closed", peer=self.peer)
            self.flush()  # what was answered before it failed holds
            self._lose()
        else:
            self.flush()

    def _read_or_not(self) -> None:
        if self._closing_since is not None:
            return
        if self._paused or self._choked:
            self._wire.pauseProducing()
        else:
            self._wire.resumeProducing()

    def _lose(self) -> None:
        if self._closing_since is not None:
            return
        self._closing_since = self._clock.seconds()
        if self._producing:
            self._wire.unregisterProducer()  # else the transport waits for it before it closes
        self._wire.loseConnection()


class SmppFactory(Factory):
    """Makes links that share a handler, a clock and a ticker, for Twisted's server and client endpoints."""

    noisy = False

    def __init__(
        self,
        session_factory: Callable[[float], Session],
        handler: Handler,
        clock: Clock,
        ticker: Ticker | None = None,
    ) -> None:
        self._parts = (session_factory, handler, clock, ticker)

    def buildProtocol(self, addr: IAddress | None) -> SmppProtocol:
        link = SmppProtocol(*self._parts)
        link.factory = self
        return link


class Ticker:
    """Ticks all live links, four times a second, by one call of the clock; and has them tapped."""

    INTERVAL = 0.25

    def __init__(self, clock: Clock) -> None:
        self.tap: Tap | None = None
        self._clock = clock
        self._links: dict[SmppProtocol, None] = {}
        self._loop = LoopingCall(self._tick)
        self._loop.clock = cast("IReactorTime", clock)

    def __len__(self) -> int:
        return len(self._links)

    def start(self) -> None:
        """Begin to tick."""
        self._loop.start(self.INTERVAL, now=False)

    def stop(self) -> None:
        """Tick no more."""
        self._loop.stop()

    def listen(self, tap: Tap | None) -> None:
        """Have all links tapped, those to come too; None: no more."""
        self.tap = tap
        for link in self._links:
            link.tap = tap

    def add(self, link: SmppProtocol) -> None:
        """Tick this link from now on."""
        self._links[link] = None

    def discard(self, link: SmppProtocol) -> None:
        """Tick this link no more."""
        self._links.pop(link, None)

    def _tick(self) -> None:
        now = self._clock.seconds()
        for link in tuple(self._links):
            try:
                link.tick(now)
            except Exception:
                log.failure("A tick failed; link to {peer} is cut", peer=link.peer)
                link.abort()
