"""The Twisted edge: batches and writes on a StringTransport, then real sockets, TLS and PROXY."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_twisted import ensureDeferred
from talk import DELIVER, SAMPLES, SUBMIT, answer_all, numbered, pdus_of
from twisted.internet import reactor, ssl
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    UNIXClientEndpoint,
    serverFromString,
    wrapClientTLS,
)
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure

from gateway.smpp import pdus
from gateway.smpp.codec import encode
from gateway.smpp.constants import CommandId, Tag
from gateway.smpp.events import Answered, Close, Event, Received, SessionOptions, Unanswered, Unbound
from gateway.smpp.fields import Tlv
from gateway.smpp.protocol import LINGER, SmppFactory, SmppProtocol, Ticker
from gateway.smpp.session import Role, Session, State

BIND = SAMPLES[CommandId.bind_transceiver]


class Owner:
    """A handler that keeps what it is told, answers everything if it is told to, and can be waited for."""

    def __init__(self, answers: bool = True) -> None:
        self.answers = answers
        self.links: list[SmppProtocol] = []
        self.events: list[Event] = []
        self.ended: list[Event] | None = None
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []

    def connected(self, link: SmppProtocol) -> None:
        self.links.append(link)
        self._tell()

    def received(self, link: SmppProtocol, events: list[Event]) -> None:
        self.events += events
        if self.answers:
            answer_all(link.session, events)
        self._tell()

    def lost(self, link: SmppProtocol, events: list[Event]) -> None:
        self.ended = events
        self._tell()

    def count(self, kind: type[Event]) -> int:
        return sum(isinstance(event, kind) for event in self.events)

    def until(self, happened: Callable[[], bool]) -> Deferred[None]:
        waiting: Deferred[None] = Deferred()
        waiting.addTimeout(20, reactor)
        self._waiting.append((happened, waiting))
        self._tell()
        return waiting

    def _tell(self) -> None:
        for happened, waiting in list(self._waiting):
            if happened() and not waiting.called:
                self._waiting.remove((happened, waiting))
                waiting.callback(None)


class Binding(Owner):
    """An ESME that binds as soon as it is connected."""

    def connected(self, link: SmppProtocol) -> None:
        link.send(BIND, "bind")
        super().connected(link)


class Wire(StringTransport):
    """A StringTransport that counts writes."""

    writes = 0

    def write(self, data: bytes) -> None:
        self.writes += 1
        super().write(data)

    def taken(self) -> list[pdus.Pdu]:
        octets = self.value()
        self.clear()
        return pdus_of(octets)


def session(role: Role, **options: Any) -> Callable[[float], Session]:
    return lambda now: Session(role, SessionOptions(**options), now)


class Bench:
    """A link on a wire of its own, with clock and ticker; bound unless told otherwise."""

    def __init__(
        self, role: Role = Role.SMSC, owner: Owner | None = None, bind: bool = True, **options: Any
    ) -> None:
        self.clock = Clock()
        self.ticker = Ticker(self.clock)
        self.ticker.start()
        self.owner = owner or (Owner() if role is Role.SMSC else Binding())
        self.link = SmppProtocol(session(role, **options), self.owner, self.clock, self.ticker)
        self.wire = Wire()
        self.link.makeConnection(self.wire)
        if bind:
            answers, self.owner.answers = self.owner.answers, True
            first = encode(pdus.BindTransceiverResp(1)) if role is Role.ESME else numbered(BIND, 1)
            self.link.dataReceived(first)
            self.owner.answers = answers
            self.owner.events.clear()
            self.wire.clear()
            self.wire.writes = 0

    def advance(self, seconds: float) -> None:
        self.clock.pump([0.25] * int(seconds / 0.25))

    def lose(self) -> None:
        self.link.connectionLost(Failure(ConnectionDone()))


@contextmanager
def failures_logged() -> Iterator[list[LogEvent]]:
    seen: list[LogEvent] = []

    def observer(event: LogEvent) -> None:
        if "log_failure" in event:
            seen.append(event)

    globalLogPublisher.addObserver(observer)
    try:
        yield seen
    finally:
        globalLogPublisher.removeObserver(observer)


# Batches


def test_a_client_binds_when_it_is_connected() -> None:
    bench = Bench(Role.ESME, bind=False)
    assert [pdu.command_id for pdu in bench.wire.taken()] == [CommandId.bind_transceiver]
    bench.link.dataReceived(encode(pdus.BindTransceiverResp(1)))
    assert bench.link.session.state is State.BOUND_TRX


def test_one_read_is_one_batch_and_one_write() -> None:
    bench = Bench()
    bench.link.dataReceived(b"".join(numbered(SUBMIT, number) for number in range(2, 102)))
    assert bench.owner.count(Received) == 100
    assert bench.wire.writes == 1
    assert [pdu.sequence_number for pdu in bench.wire.taken()] == list(range(2, 102))


def test_what_the_session_answers_itself_is_written_too() -> None:
    bench = Bench()
    bench.link.dataReceived(numbered(pdus.EnquireLink(), 7))
    assert bench.owner.events == []
    assert bench.wire.taken() == [pdus.EnquireLinkResp(7)]


def test_outside_a_batch_the_owner_flushes() -> None:
    bench = Bench(owner=Owner(answers=False))
    number = bench.link.send(DELIVER, "receipt")
    assert bench.wire.writes == 0
    bench.link.flush()
    bench.link.flush()
    assert bench.wire.writes == 1
    bench.link.dataReceived(numbered(SUBMIT, 5))
    bench.link.respond(pdus.SubmitSmResp(5))
    bench.link.flush()
    assert [pdu.sequence_number for pdu in bench.wire.taken()] == [number, 5]


def test_a_session_that_is_over_is_written_out_and_closed() -> None:
    bench = Bench()
    bench.link.dataReceived(b"\0" * 16 + numbered(SUBMIT, 9))
    assert isinstance(bench.owner.events[-1], Close)
    assert [pdu.command_id for pdu in bench.wire.taken()] == [CommandId.generic_nack]
    assert bench.wire.disconnecting
    assert bench.wire.producer is None
    bench.link.dataReceived(numbered(SUBMIT, 10))
    bench.link.flush()
    assert bench.wire.value() == b""


def test_the_last_answer_after_an_unbind_closes() -> None:
    bench = Bench(owner=Owner(answers=False))
    bench.link.dataReceived(numbered(SUBMIT, 2) + numbered(pdus.Unbind(), 3))
    assert bench.owner.events[-1] == Unbound()
    bench.link.respond(pdus.SubmitSmResp(2))
    bench.link.flush()
    assert bench.wire.taken() == [pdus.SubmitSmResp(2), pdus.UnbindResp(3)]
    assert bench.wire.disconnecting


def test_a_lost_transport_ends_what_is_outstanding() -> None:
    bench = Bench()
    bench.link.send(DELIVER, "receipt")
    assert len(bench.ticker) == 1
    bench.lose()
    assert bench.owner.ended == [Unanswered("receipt", 0.0, "Connection was closed cleanly.")]
    assert len(bench.ticker) == 0
    bench.link.flush()
    bench.link.pause()
    bench.link.resume()


# Closing


def test_close_unbinds_first() -> None:
    bench = Bench(Role.ESME)
    bench.link.close()
    bench.link.close()
    (unbind,) = bench.wire.taken()
    assert (unbind.command_id, bench.wire.disconnecting) == (CommandId.unbind, False)
    bench.link.dataReceived(numbered(pdus.UnbindResp(), unbind.sequence_number))
    assert bench.owner.events == [Close("unbound")]
    assert bench.wire.disconnecting


def test_close_before_a_bind_just_closes() -> None:
    bench = Bench(bind=False)
    bench.link.send(SAMPLES[CommandId.outbind])
    bench.link.close()
    assert [pdu.command_id for pdu in bench.wire.taken()] == [CommandId.outbind]
    assert bench.wire.disconnecting


def test_a_connection_that_does_not_close_is_cut() -> None:
    bench = Bench(bind=False)
    bench.link.close()
    bench.advance(LINGER - 0.25)
    assert not bench.wire.disconnected
    bench.advance(0.25)
    assert bench.wire.disconnected


def test_abort_cuts_at_once() -> None:
    bench = Bench()
    bench.link.abort()
    assert bench.wire.disconnected


# Time


def test_the_ticker_probes_and_closes() -> None:
    bench = Bench(enquire_link=30.0, response=60.0)
    bench.advance(29.75)
    assert bench.wire.writes == 0
    bench.advance(0.25)
    assert [pdu.command_id for pdu in bench.wire.taken()] == [CommandId.enquire_link]
    bench.advance(60.0)
    assert bench.owner.events == [Close("enquire_link not answered")]
    assert bench.wire.disconnecting


def test_a_stopped_ticker_is_still() -> None:
    bench = Bench(enquire_link=30.0)
    bench.ticker.stop()
    bench.advance(100.0)
    assert bench.wire.writes == 0


def test_the_ticker_tells_the_owner_what_was_given_up() -> None:
    bench = Bench(enquire_link=None, response=5.0)
    bench.link.send(DELIVER, "receipt")
    bench.advance(5.0)
    assert bench.owner.count(Unanswered) == 1


# Back-pressure


def test_reading_stops_while_the_peer_does_not_read() -> None:
    bench = Bench()
    assert bench.wire.producer is bench.link
    assert bench.wire.streaming
    bench.link.pauseProducing()
    assert bench.wire.producerState == "paused"
    bench.link.resumeProducing()
    assert bench.wire.producerState == "producing"


def test_reading_goes_on_when_neither_side_objects() -> None:
    bench = Bench()
    bench.link.pause()
    bench.link.pauseProducing()
    bench.link.resumeProducing()
    assert bench.wire.producerState == "paused"
    bench.link.resume()
    assert bench.wire.producerState == "producing"


def test_a_peer_that_we_do_not_listen_to_is_not_taken_for_dead() -> None:
    bench = Bench(enquire_link=30.0)
    bench.link.pause()
    bench.advance(1000.0)
    assert bench.wire.writes == 0
    bench.link.resume()
    bench.advance(29.75)
    assert bench.wire.writes == 0
    bench.advance(0.25)
    assert bench.wire.writes == 1


# Handlers that fail


class Failing(Owner):
    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def _tell(self) -> None:
        raise RuntimeError("in the handler")

    def connected(self, link: SmppProtocol) -> None:
        if self.where == "connected":
            self._tell()

    def received(self, link: SmppProtocol, events: list[Event]) -> None:
        if self.where == "received":
            self._tell()

    def lost(self, link: SmppProtocol, events: list[Event]) -> None:
        self.ended = events
        if self.where == "lost":
            self._tell()


@pytest.mark.parametrize("where", ["connected", "received", "lost"])
def test_a_failing_handler_costs_its_own_link_only(where: str) -> None:
    with failures_logged() as seen:
        bench = Bench(owner=Failing(where), bind=False)
        bench.link.dataReceived(numbered(BIND, 1))
        assert bench.wire.disconnecting == (where != "lost")
        bench.lose()
    assert len(seen) == 1
    assert bench.owner.ended == []


def test_what_a_failing_handler_answered_before_is_written() -> None:
    class Late(Owner):
        def _tell(self) -> None:
            if self.count(Received) > 1:
                raise RuntimeError("after the answer")

    bench = Bench(owner=Late(), bind=False)
    bench.link.dataReceived(numbered(BIND, 1))
    bench.wire.clear()
    with failures_logged():
        bench.link.dataReceived(numbered(SUBMIT, 2))
    assert bench.wire.taken() == [pdus.SubmitSmResp(2)]
    assert bench.wire.disconnecting


def test_a_tick_that_fails_costs_its_own_link_only() -> None:
    good, bad = Bench(enquire_link=30.0), Bench()
    bad.link._clock, bad.link._ticker = good.clock, good.ticker
    bad.link.tick = None
    good.ticker.discard(good.link)
    good.ticker.add(bad.link)
    good.ticker.add(good.link)
    with failures_logged() as seen:
        good.advance(0.25)
        good.ticker.discard(bad.link)
    assert len(seen) == 1
    assert bad.wire.disconnected
    good.advance(30.0)
    assert good.wire.writes == 1


# Real sockets


def factory(role: Role, owner: Owner, **options: Any) -> SmppFactory:
    return SmppFactory(session(role, **options), owner, reactor)


async def listening(description: str, owner: Owner, **options: Any) -> Any:
    return await serverFromString(reactor, description).listen(factory(Role.SMSC, owner, **options))


class Raw(TwistedProtocol):
    """A client that speaks octets, and gathers those that it reads."""

    def __init__(self) -> None:
        self.read = b""
        self.closed: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.read += data

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.closed.callback(None)


async def raw(port: Any) -> Any:
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    return await endpoint.connect(Factory.forProtocol(Raw))


async def talk_over(endpoint: Any, server: Owner) -> None:
    """Bind, 300 messages each way at once, unbind; everything answered, both ends closed."""
    client = Binding()
    await endpoint.connect(factory(Role.ESME, client, window=300))
    await client.until(lambda: client.count(Answered) == 1)
    link, served = client.links[0], server.links[0]
    assert link.session.state is served.session.state is State.BOUND_TRX
    for number in range(300):
        link.send(SUBMIT, number)
        served.send(DELIVER, number)
    link.flush()
    served.flush()
    await client.until(lambda: client.count(Answered) == 301)
    await server.until(lambda: server.count(Answered) == 300)
    link.close()
    await client.until(lambda: client.ended is not None)
    await server.until(lambda: server.ended is not None)
    assert client.events[-1] == Close("unbound")
    assert Unbound() in server.events
    assert client.ended == server.ended == []


@ensureDeferred
async def test_over_tcp() -> None:
    server = Owner()
    port = await listening("tcp:0:interface=127.0.0.1", server, window=300)
    try:
        await talk_over(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), server)
    finally:
        await port.stopListening()


@ensureDeferred
async def test_a_tcp_link_does_not_wait_to_fill_segments_and_notices_dead_peers() -> None:
    server = Owner()
    port = await listening("tcp:0:interface=127.0.0.1", server)
    try:
        client = await raw(port)
        await server.until(lambda: bool(server.links))
        transport: Any = server.links[0].transport
        assert transport.getTcpNoDelay()
        assert transport.getTcpKeepAlive()
        assert server.links[0].peer == "127.0.0.1"
        client.transport.abortConnection()
        await server.until(lambda: server.ended is not None)
    finally:
        await port.stopListening()


@ensureDeferred
async def test_over_a_unix_socket(tmp_path: Path) -> None:
    server = Owner()
    port = await listening(f"unix:{tmp_path}/smpp", server, window=300)
    try:
        await talk_over(UNIXClientEndpoint(reactor, f"{tmp_path}/smpp"), server)
        assert server.links[0].peer == "local"
    finally:
        await port.stopListening()


@ensureDeferred
async def test_a_client_that_does_not_read_is_not_read_either() -> None:
    read_before: list[int] = []

    class Noting(Owner):
        def received(self, link: SmppProtocol, events: list[Event]) -> None:
            read_before.append(len(client.read))
            super().received(link, events)

    server = Noting()
    port = await listening("tcp:0:interface=127.0.0.1", server, window=200)
    try:
        client = await raw(port)
        client.transport.write(numbered(BIND, 1))
        await server.until(lambda: server.count(Received) == 1)
        client.transport.pauseProducing()
        link = server.links[0]
        for _ in range(200):
            link.send(pdus.DeliverSm(tlvs=(Tlv(Tag.message_payload, bytes(60_000)),)))
        link.flush()
        client.transport.write(numbered(SUBMIT, 2))
        client.transport.resumeProducing()
        await server.until(lambda: server.count(Received) == 2)
        assert read_before[-1] > 1_000_000
    finally:
        await port.stopListening()


def self_signed(directory: Path) -> tuple[str, str, ssl.Certificate]:
    """Key and certificate for localhost, made here: their files, and the certificate to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (directory / "certificate.pem").write_bytes(pem)
    (directory / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return str(directory / "key.pem"), str(directory / "certificate.pem"), ssl.Certificate.loadPEM(pem)


@ensureDeferred
async def test_over_tls(tmp_path: Path) -> None:
    key, certificate, trusted = self_signed(tmp_path)
    server = Owner()
    port = await listening(
        f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={certificate}", server, window=300
    )
    try:
        options: Any = ssl.optionsForClientTLS("localhost", trustRoot=trusted)
        plain = HostnameEndpoint(reactor, "localhost", port.getHost().port)
        await talk_over(wrapClientTLS(options, plain), server)
    finally:
        await port.stopListening()


@ensureDeferred
async def test_behind_a_proxy_the_peer_is_the_client() -> None:
    server = Owner()
    port = await listening("haproxy:tcp:0:interface=127.0.0.1", server)
    try:
        client = await raw(port)
        client.transport.write(b"PROXY TCP4 203.0.113.7 203.0.113.1 40000 2775\r\n" + numbered(BIND, 1))
        await server.until(lambda: server.count(Received) == 1)
        assert server.links[0].peer == "203.0.113.7"
        server.links[0].close()
        server.links[0].abort()
        await client.closed
        assert server.ended is not None
    finally:
        await port.stopListening()
