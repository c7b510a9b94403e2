"""A client that goes on through every restart of the gateway, and writes down all that it says and hears."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred

from gateway.smpp.constants import CommandStatus
from gateway.smpp.events import Answered, Event, Received, SessionOptions, Unanswered, Violation
from gateway.smpp.pdus import (
    BindTransceiver,
    BindTransceiverResp,
    DeliverSm,
    DeliverSmResp,
    SubmitSm,
    SubmitSmResp,
)
from gateway.smpp.protocol import SmppFactory, SmppProtocol
from gateway.smpp.session import Role, Session
from gateway.smpp.states import BOUND
from simulator.clock import MonotonicClock
from simulator.endpoints import connect
from simulator.load.receipts import read_receipt

SOURCE = "10690001"
FIRST_DESTINATION = 8619910000000
RECONNECT = 0.02
THROTTLED = 0.05
BINDING = object()


class Line(NamedTuple):
    """One line of the capture. `life`: how often the gateway had been killed when the link was made."""

    life: int
    link: int
    what: str  # submitted, accepted, refused, cut (no answer will come), receipt, reply, fault
    destination: str = ""
    message_id: str = ""
    word: str = ""  # stat of a receipt, status of a refusal, what is wrong


class Client:
    """Keeps `sessions` bound, their windows full while `sending`; every destination is written to once."""

    def __init__(self, reactor: Any, port: int, sessions: int = 2, window: int = 40) -> None:
        self.reactor = reactor
        self.endpoint = f"tcp:127.0.0.1:{port}"
        self.sessions = sessions
        self.window = window
        self.lines: list[Line] = []
        self.life = 0
        self.sending = False
        self.most_owed = 400
        self.owed: set[str] = set()
        self.receipted: set[str] = set()
        self.replied: set[str] = set()
        self.accepted = 0
        self.refused = 0
        self.links: dict[SmppProtocol, Link] = {}
        self._made = 0
        self._put_off = False
        self._stopped = False
        self._destination = FIRST_DESTINATION
        self._awaited: list[tuple[Callable[[], bool], Deferred[None]]] = []

    # what a test asks for

    def start(self) -> None:
        """Connect, and again for ever; called again, with as many sessions more."""
        for _ in range(self.sessions):
            self._connect()

    def stop(self) -> None:
        """Cut all links."""
        self._stopped = True
        for protocol in list(self.links):
            protocol.abort()

    def send(self) -> None:
        """Fill the windows from now on."""
        self.sending = True
        self._go_on()

    @property
    def bound(self) -> int:
        """How many links are bound."""
        return sum(protocol.session.state in BOUND for protocol in self.links)

    def until(self, condition: Callable[[], bool], patience: float = 30.0) -> Deferred[None]:
        """Fires when a condition holds; it is looked at after every read. Fails with TimeoutError."""
        done: Deferred[None] = Deferred()
        if condition():
            done.callback(None)
        else:
            self._awaited.append((condition, done))
            done.addTimeout(patience, self.reactor)
        return done

    @property
    def sends(self) -> bool:
        """Whether there is more to send now: not if very much is on its way already."""
        return self.sending and not self._put_off and len(self.owed) < self.most_owed

    # from the links

    def heard(
        self, link: Link, what: str, destination: str = "", message_id: str = "", word: str = ""
    ) -> None:
        """Write a line."""
        self.lines.append(Line(link.life, link.number, what, destination, message_id, word))

    def feed(self, protocol: SmppProtocol) -> None:
        """Fill a window."""
        session = protocol.session
        while self.sends and session.state in BOUND and session.window_free:
            self._destination += 1
            self.submit(protocol, str(self._destination))

    def submit(self, protocol: SmppProtocol, destination: str, **fields: Any) -> None:
        """Send one submit; to be flushed."""
        pdu = SubmitSm(
            source_addr=SOURCE,
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=destination,
            registered_delivery=1,
            **({"short_message": b"Your parcel will arrive today"} | fields),
        )
        protocol.send(pdu, destination)
        self.heard(self.links[protocol], "submitted", destination)

    def put_off(self) -> None:
        """Send nothing for a moment: the gateway said that it is throttled."""
        if not self._put_off:
            self._put_off = True
            self.reactor.callLater(THROTTLED, self._go_on)

    def _go_on(self) -> None:
        self._put_off = False
        for protocol in list(self.links):
            self.feed(protocol)
            protocol.flush()

    def look(self) -> None:
        """See who waits for what has come to be."""
        for pair in list(self._awaited):
            condition, done = pair
            if done.called:
                self._awaited.remove(pair)
            elif condition():
                self._awaited.remove(pair)
                done.callback(None)

    def lost(self, protocol: SmppProtocol) -> None:
        """A link is gone: make another."""
        self.links.pop(protocol, None)
        self._connect()
        self.look()

    def _connect(self) -> None:
        if self._stopped:
            return
        self._made += 1
        link = Link(self, self._made)
        options = SessionOptions(window=self.window, enquire_link=None)
        clock = MonotonicClock(self.reactor)
        factory = SmppFactory(lambda now: Session(Role.ESME, options, now), link, clock)
        Deferred.fromCoroutine(connect(self.reactor, self.endpoint, factory)).addErrback(
            lambda _: self.reactor.callLater(RECONNECT, self._connect) and None
        )


class Link:
    """The handler of one connection."""

    def __init__(self, client: Client, number: int) -> None:
        self.client = client
        self.number = number
        self.life = 0

    def connected(self, protocol: SmppProtocol) -> None:
        """Bind."""
        self.life = self.client.life
        self.client.links[protocol] = self
        protocol.send(BindTransceiver(system_id="bank", password="bankpass", interface_version=0x34), BINDING)

    def received(self, protocol: SmppProtocol, events: list[Event]) -> None:
        """Write down what was heard, answer it, and only then go on sending."""
        for event in events:
            if isinstance(event, Answered):
                self._answered(event)
            elif isinstance(event, Received):
                self._delivered(protocol, event.pdu)
            elif isinstance(event, Violation):
                self.client.heard(self, "fault", word=str(event))
        self.client.feed(protocol)
        protocol.flush()
        self.client.look()

    def lost(self, protocol: SmppProtocol, events: list[Event]) -> None:
        """What is not answered will never be."""
        for event in events:
            if isinstance(event, Unanswered) and isinstance(event.context, str):
                self.client.heard(self, "cut", event.context)
        self.client.lost(protocol)

    def _answered(self, event: Answered) -> None:
        client, pdu, destination = self.client, event.pdu, event.context
        if event.context is BINDING:
            if not isinstance(pdu, BindTransceiverResp) or pdu.command_status:
                client.heard(self, "fault", word=f"bind: {pdu}")
        elif not isinstance(destination, str):
            client.heard(self, "fault", word=f"unasked: {pdu}")
        elif pdu.command_status == CommandStatus.ESME_ROK and isinstance(pdu, SubmitSmResp):
            client.accepted += 1
            client.heard(self, "accepted", destination, pdu.message_id)
            if destination not in client.receipted:
                client.owed.add(destination)
        else:
            client.refused += 1
            client.put_off()
            client.heard(self, "refused", destination, word=CommandStatus(pdu.command_status).name)

    def _delivered(self, protocol: SmppProtocol, pdu: object) -> None:
        client = self.client
        if not isinstance(pdu, DeliverSm):
            client.heard(self, "fault", word=f"unasked: {pdu}")
            return
        told = read_receipt(pdu)
        if told is None:
            client.heard(self, "reply", pdu.source_addr)
            client.replied.add(pdu.source_addr)
        else:
            for fault in told.faults:
                client.heard(self, "fault", pdu.source_addr, told.message_id, fault)
            client.heard(self, "receipt", pdu.source_addr, told.message_id, told.stat)
            client.receipted.add(pdu.source_addr)
            client.owed.discard(pdu.source_addr)
        protocol.respond(DeliverSmResp(pdu.sequence_number))
