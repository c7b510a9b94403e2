"""A whole relay in memory, for tests: real rooms, real SQLite, both ends of every wire in the test's hands.

Time stands still until a test moves it. The threads of the store are queues: a test that does not care lets
`settle` run them, one that does runs a job and delivers its result when it likes.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost, ConnectionRefusedError
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from gateway.filters.verdict import Filter
from gateway.relay.clocks import Clocks
from gateway.relay.node import Relay
from gateway.settings.models import Account, Carrier, Filters, Generation, Node, Route
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.events import Answered, Received, SessionOptions
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import (
    BindReceiver,
    BindReceiverResp,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    BindTransmitterResp,
    DataSm,
    DeliverSm,
    DeliverSmResp,
    Pdu,
    QuerySm,
    QuerySmResp,
    SubmitSm,
    SubmitSmResp,
)
from gateway.smpp.protocol import SmppProtocol
from gateway.smpp.receipts import Receipt, parse_receipt
from gateway.smpp.session import Role, Session
from gateway.store import queries
from gateway.store.engine import Store, migrate, reading_engine
from gateway.store.journal import Journal
from gateway.store.ledger import Ledger
from gateway.store.line import threaded
from gateway.store.rows import MessageRow, OutboxRow, State, StoreUnavailable, StrayRow
from gateway.store.sqlite_driver import SqliteDriver
from gateway.store.statements import program
from gateway.store.writer import Writer

START = 1_790_000_000.0  # unix seconds of the tests' first moment
BANK, HANDSET = "10690001", "8619912340001"
PORTS = {"alpha": 9001, "beta": 9002}
BIND_ANSWERS: dict[type, Any] = {
    BindTransmitter: BindTransmitterResp,
    BindReceiver: BindReceiverResp,
    BindTransceiver: BindTransceiverResp,
}


def account(**settings: Any) -> Account:
    """An account with the password `secret`."""
    return Account.model_validate({"tenant": "Bank", "password": "secret", **settings})


def carrier(name: str = "alpha", **settings: Any) -> Carrier:
    """A carrier of which `House` plays the other end."""
    binds = settings.pop("binds", ({"endpoint": f"tcp:127.0.0.1:{PORTS[name]}"},))
    return Carrier.model_validate({"binds": binds, "system_id": "gateway", "password": "secret", **settings})


def generation(
    accounts: Mapping[str, Account] | None = None,
    carriers: Mapping[str, Carrier] | None = None,
    routes: Iterable[Any] | None = None,
    number: int = 1,
    **node: Any,
) -> Generation:
    """One validated state of all configuration: account `bank`, carrier `alpha`, one route, unless said."""
    carriers = {"alpha": carrier()} if carriers is None else carriers
    routes = [{"name": "default", "carriers": list(carriers)}] if routes is None else routes
    return Generation(
        number=number,
        digest="",
        loaded_at=START,
        directory=Path(),
        node=Node.model_validate(node),
        accounts={"bank": account()} if accounts is None else accounts,
        carriers=carriers,
        routes=tuple(Route.model_validate(route) for route in routes),
        filters=Filters(),
    )


class Thread:
    """Stands for a thread of the store: calls wait, are run in order, and their results are delivered."""

    def __init__(self) -> None:
        self.calls: deque[tuple[Callable[[], Any], Deferred[Any]]] = deque()
        self.results: deque[tuple[Any, Deferred[Any]]] = deque()

    def __call__(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.calls.append((lambda: function(*args), done))
        return done

    def run(self) -> bool:
        """Do what waits first; nobody hears of it yet."""
        if not self.calls:
            return False
        call, done = self.calls.popleft()
        try:
            result = call()
        except Exception:
            result = Failure()
        self.results.append((result, done))
        return True

    def deliver(self) -> bool:
        """Tell the first result."""
        if not self.results:
            return False
        result, done = self.results.popleft()
        done.callback(result)
        return True


class Disk(SqliteDriver):
    """SQLite that can be made to fail."""

    broken = False

    def run(self, runs: Any, number: int) -> None:
        if self.broken:
            raise StoreUnavailable("disk full")
        super().run(runs, number)


@cache
def empty_database() -> Path:
    """A database as the migrations leave it, to be copied."""
    path = Path(tempfile.mkdtemp(prefix="relay-tests-")) / "empty.db"
    migrate(make_url(f"sqlite:///{path}"))
    return path


class Peer:
    """The far end of one connection: a session in the role that the gateway does not play."""

    def __init__(self, house: House, role: Role, protocol: Any, address: str, window: int = 1000) -> None:
        self.house = house
        self.protocol: SmppProtocol = protocol
        self.transport: Any = StringTransport(peerAddress=IPv4Address("TCP", address, 40000))
        options = SessionOptions(version=0x50, window=window, session_init=None, enquire_link=None)
        self.session = Session(role, options, house.reactor.seconds())
        self.heard: list[Pdu] = []
        self.gone = False
        protocol.makeConnection(self.transport)
        house.peers.append(self)

    def pump(self) -> bool:
        """Carry octets both ways; False when nothing moved."""
        if self.gone:
            return False
        now = self.house.reactor.seconds()
        octets = self.transport.value()
        self.transport.clear()
        for event in self.session.receive(octets, now) if octets else ():
            if isinstance(event, Received):
                self.heard.append(event.pdu)
                self.received(event.pdu)
            elif isinstance(event, Answered):
                self.answered(event)
        written = b"" if self.transport.producerState == "paused" else self.session.output()
        if written and not self.transport.disconnecting:
            self.protocol.dataReceived(written)
        if self.transport.disconnecting and not self.transport.value():
            self.cut()
            return True
        return bool(octets or written)

    def cut(self) -> None:
        """The connection is lost."""
        if not self.gone:
            self.gone = True
            self.session.close("cut")
            if self in self.house.peers:  # else the gateway behind it is dead
                self.house.peers.remove(self)
                self.protocol.connectionLost(Failure(ConnectionLost()))

    def send(self, pdu: Pdu, context: object = None) -> int:
        """Send a request; `House.settle` carries it."""
        return self.session.send(pdu, self.house.reactor.seconds(), context)

    def answered(self, event: Answered) -> None:
        """A response has come."""

    def received(self, pdu: Pdu) -> None:
        """A request has come."""


class Client(Peer):
    """A client: remembers each answer by sequence number, and takes every deliver_sm unless told otherwise.

    `answer` gives the command_status for a deliver_sm, None to be silent.
    """

    def __init__(self, house: House, address: str = "127.0.0.1", window: int = 1000) -> None:
        super().__init__(house, Role.ESME, house.relay.server.buildProtocol(None), address, window)
        self.answers: dict[int, Pdu] = {}
        self.answer: Callable[[Pdu], int | None] = lambda pdu: 0

    def answered(self, event: Answered) -> None:
        self.answers[event.pdu.sequence_number] = event.pdu

    def received(self, pdu: Pdu) -> None:
        status = self.answer(pdu) if isinstance(pdu, DeliverSm) else None
        if status is not None:
            self.session.respond(DeliverSmResp(pdu.sequence_number, status))

    def ask(self, pdu: Pdu) -> Any:
        """Send a request, let everything happen, return its answer (None if there is none)."""
        number = self.send(pdu)
        self.house.settle()
        return self.answers.get(number)

    def submit(self, **fields: Any) -> Any:
        """Submit a short message that wants its receipt; returns the response."""
        return self.ask(submit(**fields))

    @property
    def delivered(self) -> list[DeliverSm]:
        """Every deliver_sm so far."""
        return [pdu for pdu in self.heard if isinstance(pdu, DeliverSm)]

    @property
    def receipts(self) -> list[Receipt]:
        """Every receipt so far."""
        return [receipt for pdu in self.delivered if (receipt := parse_receipt(pdu)) is not None]


class Upstream(Peer):
    """A carrier's end of one bind. It answers the bind; a submit when the test says so, or by `answer`.

    `answer` gives (command_status, message id) for a submit, None to be silent for now.
    """

    bind_status = 0

    def __init__(self, house: House, name: str, protocol: Any) -> None:
        self.name = name
        self.pending: list[SubmitSm | DataSm] = []
        super().__init__(house, Role.SMSC, protocol, "127.0.0.1")

    def received(self, pdu: Pdu) -> None:
        if isinstance(pdu, BindTransmitter | BindReceiver | BindTransceiver):
            version = (Tlv(Tag.sc_interface_version, b"\x34"),)
            status = self.house.bind_status
            answer = BIND_ANSWERS[type(pdu)](pdu.sequence_number, status, "smsc", tlvs=version)
            self.session.respond(answer)
        elif isinstance(pdu, SubmitSm | DataSm):
            self.house.submits.append((self.name, pdu))
            self.pending.append(pdu)
            said = self.house.answer(self.name, pdu)
            if said is not None:
                self.respond(pdu, *said)
        elif isinstance(pdu, QuerySm):
            self.house.asked.append(pdu)
            told = self.house.tell(pdu)
            if told is not None:
                self.session.respond(told._replace(sequence_number=pdu.sequence_number))

    def respond(self, pdu: SubmitSm | DataSm, status: int = 0, message_id: str = "") -> None:
        """Answer a submit."""
        self.pending.remove(pdu)
        self.session.respond(SubmitSmResp(pdu.sequence_number, status, message_id))

    def deliver(self, pdu: DeliverSm | DataSm) -> int:
        """Send a deliver_sm or data_sm."""
        return self.send(pdu)


class House:
    """One gateway's relay, its clients and its carriers. `answer` is what carriers say to submits."""

    def __init__(self, directory: Path, settings: Generation | None = None, **filters: Filter) -> None:
        self.path = directory / "gateway.db"
        if not self.path.exists():
            shutil.copy(empty_database(), self.path)
        self.settings = settings or generation()
        self.filters: dict[str, Filter] = filters
        self.wall = START
        self.reactor: Any = MemoryReactorClock()
        self.peers: list[Peer] = []
        self.down: set[str] = set()  # carriers that refuse connections
        self.bind_status = 0
        self.submits: list[tuple[str, SubmitSm | DataSm]] = []
        self.answer: Callable[[str, SubmitSm | DataSm], tuple[int, str] | None] = self.accept
        self.asked: list[QuerySm] = []
        self.tell: Callable[[QuerySm], QuerySmResp | None] = lambda pdu: None
        self.accepted = 0
        self.start()

    def accept(self, name: str, pdu: SubmitSm | DataSm) -> tuple[int, str]:
        """The usual answer: yes, and ids that count up."""
        self.accepted += 1
        return 0, str(self.accepted)

    # the node

    def start(self, *, settle: bool = True) -> None:
        """Open the store and start a relay on it."""
        self.left = False
        self.writing, self.reading = Thread(), Thread()
        self.driver = Disk(self.path)
        url = make_url(f"sqlite:///{self.path}")
        self.engine = reading_engine(url, 2)
        line = threaded(Writer(self.driver, program("sqlite")), self.writing)
        journal = Journal(line, self.reactor, floor=0.0, patience=0.0)
        ledger = Ledger(self.engine, self.reading, line)
        self.store = Store(journal, ledger, url, ExitStack())
        self.relay = Relay(self.settings, self.store, self.reactor, Clocks(self.reactor, lambda: self.wall))
        self.relay.adopt(self.settings, self.filters)
        self.started = Deferred.fromCoroutine(self._begin())
        if settle:
            self.settle()
            assert self.started.called

    async def _begin(self) -> None:
        await self.relay.start()
        await self.relay.recover()

    def leave(self) -> Deferred[None]:
        """Stop the relay politely; nothing has moved yet."""
        self.left = True
        return Deferred.fromCoroutine(self.relay.stop())

    def stop(self) -> None:
        """The end of a test."""
        for peer in list(self.peers):
            peer.gone = True
        if not self.left:
            self.relay.binding.stop()
        self.driver.close()
        self.engine.dispose()

    def crash(self, *, committed: bool = False) -> None:
        """kill -9; what the writer had in hand may have come to the disk or not."""
        while committed and self.writing.run():
            pass
        peers, self.peers = self.peers, []
        for peer in peers:
            peer.cut()
        self.stop()
        seconds = self.reactor.seconds()
        self.reactor = MemoryReactorClock()
        self.reactor.rightNow = seconds

    def restart(self, *, committed: bool = False) -> None:
        """Crash, and come back."""
        self.crash(committed=committed)
        self.start()

    def reload(self, settings: Generation) -> None:
        """Put another generation in force."""
        self.settings = settings
        self.relay.adopt(settings, self.filters)
        self.relay.connect()
        self.settle()

    # letting things happen

    def settle(self) -> None:
        """Until nothing moves: wires, threads, connections. Time stands still."""
        while self.step():
            pass

    def step(self) -> bool:
        """One round of everything that can move."""
        moved = self.carry()
        for thread in (self.writing, self.reading):
            moved |= thread.run()
            moved |= thread.deliver()
        return moved

    def wires(self) -> None:
        """Carry what can be carried, with the threads of the store standing still."""
        while self.carry():
            pass

    def carry(self) -> bool:
        """One round of the wires."""
        moved = self.connect()
        for peer in list(self.peers):
            moved |= peer.pump()
        return moved

    def connect(self) -> bool:
        """Let the gateway's attempts to connect succeed, or fail for carriers that are down."""
        attempts, self.reactor.tcpClients[:] = list(self.reactor.tcpClients), []
        for _, port, factory, *_ in attempts:
            name = next((name for name, its in PORTS.items() if its == port), "")  # "": nobody is there
            if not name or name in self.down:
                factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
            else:
                Upstream(self, name, factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", port)))
        return bool(attempts)

    def advance(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass, in steps."""
        while seconds > 0:
            passed = min(step, seconds)
            seconds -= passed
            self.wall += passed
            self.reactor.advance(passed)
            self.settle()

    # its people

    def client(
        self,
        system_id: str = "bank",
        kind: type[Any] = BindTransceiver,
        version: int = 0x34,
        address: str = "127.0.0.1",
        password: str = "secret",
        window: int = 1000,
        **fields: Any,
    ) -> Client:
        """A client that has tried to bind."""
        client = Client(self, address, window)
        number = client.send(
            kind(system_id=system_id, password=password, interface_version=version, **fields)
        )
        self.settle()
        client.bound = client.answers.get(number)  # type: ignore[attr-defined]
        return client

    def upstreams(self, name: str = "alpha") -> list[Upstream]:
        """The binds of a carrier that are up."""
        return [peer for peer in self.peers if isinstance(peer, Upstream) and peer.name == name]

    def upstream(self, name: str = "alpha") -> Upstream:
        """The one bind of a carrier."""
        (upstream,) = self.upstreams(name)
        return upstream

    def receipt(self, message_id: str, to: SubmitSm | DataSm | None = None, **fields: Any) -> Any:
        """A carrier's receipt arrives, and everything that follows from it; returns the gateway's answer."""
        upstream = self.upstream(fields.pop("carrier", "alpha"))
        number = upstream.deliver(receipt(message_id, to, **fields))
        answers: dict[int, Pdu] = {}
        upstream.answered = lambda event: answers.update({event.pdu.sequence_number: event.pdu})  # type: ignore[method-assign]
        self.settle()
        return answers.get(number)

    # what the store holds

    def read(self, query: Callable[..., Any], *args: Any) -> Any:
        """Ask the store itself."""
        with self.engine.connect() as connection:
            return query(connection, *args)

    def rows(self) -> list[MessageRow]:
        """Every message."""
        found: list[MessageRow] = self.read(queries.search, queries.Sought(), None, 100_000)
        return found[::-1]

    def row(self) -> MessageRow:
        """The one message there is."""
        (row,) = self.rows()
        return row

    def states(self) -> list[State]:
        """The state of every message, in order of id."""
        return [State(row.state) for row in self.rows()]

    def outbox(self, name: str = "bank") -> list[OutboxRow]:
        """What waits for an account on disk."""
        found: list[OutboxRow] = self.read(queries.get_outbox, name, 0, 100_000)
        return found

    def strays(self) -> list[StrayRow]:
        """Receipts, and parts of replies, that wait."""
        found: list[StrayRow] = self.read(queries.strays, 0, 100_000)
        return found


MakeHouse = Callable[..., House]


def submit(**fields: Any) -> SubmitSm:
    """A submit_sm that wants its receipt."""
    usual: dict[str, Any] = {
        "source_addr": BANK,
        "destination_addr": HANDSET,
        "registered_delivery": 1,
        "short_message": b"hello",
    }
    return SubmitSm(**{**usual, **fields})


def receipt(
    message_id: str,
    to: SubmitSm | DataSm | None = None,
    stat: str = "DELIVRD",
    err: str = "000",
    source: str | None = None,
    esm_class: int = 4,
    tlvs: tuple[Tlv, ...] = (),
) -> DeliverSm:
    """A carrier's receipt to a submit (or to `HANDSET`) in the text of Appendix B."""
    text = f"id:{message_id} sub:001 dlvrd:001 submit date:2609010000 done date:2609010000"
    return DeliverSm(
        source_addr=source or (to.destination_addr if to is not None else HANDSET),
        destination_addr=to.source_addr if to is not None else BANK,
        esm_class=esm_class,
        short_message=f"{text} stat:{stat} err:{err} text:".encode(),
        tlvs=tlvs,
    )


def name_of(status: int) -> str:
    """The name of a command_status, for readable assertions."""
    return CommandStatus(status).name
