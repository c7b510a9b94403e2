"""What the relay itself costs a message, the whole way, in CPU: `python benchmarks/bench_relay.py`.

The real relay with its real sessions, in one process: filters off, the octets in memory, and a store that
says yes at the next turn. Only what the gateway does is counted, by part of the way, so that the figures
compare on a machine that does other things too.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from struct import Struct
from typing import Any, cast

from sqlalchemy import make_url
from timing import machine
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock, StringTransport

from gateway.interpreter import settle_garbage_collector
from gateway.relay.clocks import Clocks
from gateway.relay.node import Relay
from gateway.settings.models import Account, Carrier, Filters, Generation, Node, Route
from gateway.smpp.codec import decode, encode
from gateway.smpp.constants import Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import (
    BindTransceiver,
    BindTransceiverResp,
    DeliverSm,
    DeliverSmResp,
    Pdu,
    SubmitSm,
    SubmitSmResp,
)
from gateway.smpp.protocol import SmppProtocol
from gateway.store.engine import Store, migrate, packed, reading_engine
from gateway.store.journal import Journal
from gateway.store.ledger import Ledger
from gateway.store.rows import Frame
from gateway.store.writer import STORED, Outcome

GSM = b"Example Shop: 20% off all shoes this week at shop.example.com. Reply STOP to opt out"
CHINESE = (
    "【示例商店】周末全场八折，满二百元再减三十元，新会员进店即送精美礼品一份，详情请见店内海报或致电咨询，欢迎光临本店选购，拒收请回复R"[
        :70
    ]
).encode("utf-16-be")
SPEAKS_34 = Tlv(Tag.sc_interface_version, b"\x34")
LENGTH = Struct(">I")
PARTS = ("submits", "committed", "answers", "receipts", "receipts committed", "taken")
"""In what order the way is gone: the submits come; they are on disk, answered and given to carriers; carriers
answer; their receipts come; those are on disk and with the clients; the clients have taken them.
"""


class Agreeing:
    """A store that keeps nothing and says yes at the next turn; frames are packed as for the writer."""

    def __init__(self) -> None:
        self.calls: deque[tuple[Callable[[], Any], Deferred[Any]]] = deque()
        self.last = 1

    def __call__(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.calls.append((lambda: function(*args), done))
        return done

    def pack(self, frame: Frame) -> bytes:
        """What would go to the writer."""
        return packed(None, frame)

    def write(self, frames: Any) -> Deferred[list[Outcome]]:
        """Nothing is kept."""
        return self(lambda: [(STORED, "")] * len(frames))

    def read(self, name: str, *args: Any) -> Deferred[Any]:
        """Nothing is worked out behind the traffic."""
        return Deferred()

    def reserve(self, name: str, number: int) -> Deferred[int]:
        """Ids that count up."""
        first, self.last = self.last, self.last + number
        return self(lambda: first)

    def turn(self) -> None:
        """Answer all that was asked."""
        while self.calls:
            call, done = self.calls.popleft()
            done.callback(call())


class Wire:
    """One connection of the relay: what it writes is cut into PDUs."""

    def __init__(self, protocol: SmppProtocol) -> None:
        self.protocol = protocol
        self.transport: Any = StringTransport()
        protocol.makeConnection(self.transport)  # type: ignore[no-untyped-call]

    def read(self) -> list[Pdu]:
        """All PDUs that the relay has written."""
        octets, pdus, at = self.transport.value(), [], 0
        self.transport.clear()
        while at < len(octets):
            (length,) = LENGTH.unpack_from(octets, at)
            pdus.append(decode(octets[at : at + length]))
            at += length
        return pdus


def generation(accounts: int, carriers: int, rules: int) -> Generation:
    """One generation of so many accounts, carriers and rules, the last of which takes every message."""
    shop = {"tenant": "Shop", "password": "secret", "sessions": 2000, "window": 1000}
    carrier = {"system_id": "gateway", "password": "secret", "window": 1000}
    names = [f"carrier{index}" for index in range(carriers)]
    routes: list[dict[str, Any]] = [
        {"name": f"rule{index}", "match": {"destination": [f"999{index}"]}, "carriers": [names[0]]}
        for index in range(rules - 1)
    ]
    return Generation(
        number=1,
        digest="",
        loaded_at=time.time(),
        directory=Path(),
        node=Node.model_validate({}),
        accounts={f"shop{index}": Account.model_validate(shop) for index in range(accounts)},
        carriers={
            name: Carrier.model_validate({**carrier, "binds": ({"endpoint": f"tcp:127.0.0.1:{9000 + at}"},)})
            for at, name in enumerate(names)
        },
        routes=tuple(
            Route.model_validate(route) for route in [*routes, {"name": "default", "carriers": names[:2]}]
        ),
        filters=Filters(),
    )


class House:
    """A relay, its clients and its carriers."""

    def __init__(self, directory: Path, settings: Generation, sessions: int) -> None:
        url = make_url(f"sqlite:///{directory / 'gateway.db'}")
        migrate(url)
        self.reactor = cast(Any, MemoryReactorClock())
        self.reactor.seconds = time.monotonic
        self.store = cast(Any, Agreeing())
        self.engine = reading_engine(url, 1)
        journal = Journal(self.store, self.reactor, floor=0.0, patience=0.0)
        store = Store(journal, Ledger(self.engine, self.store, self.store), url, ExitStack())
        self.relay = Relay(settings, store, self.reactor, Clocks(self.reactor))
        self.relay.adopt(settings, {})
        for step in (self.relay.start, self.relay.recover):
            done = Deferred.fromCoroutine(step())
            while not done.called:
                self.store.turn()
        self.carriers = [self._carrier(factory) for _, _, factory, *_ in self.reactor.tcpClients]
        self.clients = [
            self._client(f"shop{index % len(settings.accounts)}", index) for index in range(sessions)
        ]
        self.spent = dict.fromkeys(PARTS, 0.0)
        self.sent = 0
        self.ids = 1

    def _carrier(self, factory: Any) -> Wire:
        wire = Wire(factory.buildProtocol(None))
        wire.read()
        wire.protocol.dataReceived(encode(BindTransceiverResp(1, 0, "smsc", (SPEAKS_34,))))
        return wire

    def _client(self, name: str, index: int) -> Wire:
        wire = Wire(self.relay.server.buildProtocol(None))  # type: ignore[arg-type]
        wire.protocol.dataReceived(encode(BindTransceiver(1, 0, name, "secret", interface_version=0x34)))
        assert wire.read()[0].command_status == 0
        return wire

    def close(self) -> None:
        """End what has threads."""
        self.relay.binding.stop()
        self.engine.dispose()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What the gateway does in it counts for this part of the way."""
        began = time.process_time()
        yield
        self.spent[name] += time.process_time() - began

    def round(self, burst: int) -> None:
        """Each client submits a burst in one read, and all messages go their whole way."""
        bursts = [[self._submits(burst)] for _ in self.clients]
        with self.part("submits"):
            read_all(self.clients, bursts)
        with self.part("committed"):
            self.store.turn()
        assert [len(wire.read()) for wire in self.clients] == [burst] * len(self.clients)
        submits = [wire.read() for wire in self.carriers]
        assert sum(map(len, submits)) == burst * len(self.clients)
        ids = [[str(self.ids + at) for at in range(len(pdus))] for pdus in submits]
        self.ids += burst * len(self.clients)
        answers = [
            reads(
                [SubmitSmResp(pdu.sequence_number, 0, id) for pdu, id in zip(pdus, names, strict=True)], burst
            )
            for pdus, names in zip(submits, ids, strict=True)
        ]
        with self.part("answers"):
            read_all(self.carriers, answers)
            self.store.turn()
        receipts = [
            reads([receipt(pdu, id) for pdu, id in zip(pdus, names, strict=True)], burst)
            for pdus, names in zip(submits, ids, strict=True)
        ]
        with self.part("receipts"):
            read_all(self.carriers, receipts)
        with self.part("receipts committed"):
            self.store.turn()
        told = [wire.read() for wire in self.clients]
        assert sum(map(len, told)) == burst * len(self.clients)
        for wire in self.carriers:
            wire.read()
        taken = [reads([DeliverSmResp(pdu.sequence_number) for pdu in pdus], burst) for pdus in told]
        with self.part("taken"):
            read_all(self.clients, taken)
            self.store.turn()

    def _submits(self, burst: int) -> bytes:
        """The octets of a burst, half short GSM and half 70-character Chinese."""
        self.sent += burst
        return b"".join(
            encode(
                SubmitSm(
                    number + 2,
                    source_addr_ton=5,
                    source_addr="10690001",
                    dest_addr_ton=1,
                    dest_addr_npi=1,
                    destination_addr=str(
                        (61_491_570_000, 8_619_900_000_000)[number % 2] + self.sent + number
                    ),
                    registered_delivery=1,
                    data_coding=(0, 8)[number % 2],
                    short_message=(GSM, CHINESE)[number % 2],
                )
            )
            for number in range(burst)
        )


def receipt(pdu: Any, id: str) -> DeliverSm:
    """A carrier's receipt for what it was given, as Appendix B has it."""
    text = f"id:{id} sub:001 dlvrd:001 submit date:2603011200 done date:2603011201 stat:DELIVRD err:000 text:"
    return DeliverSm(
        int(id),
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=pdu.destination_addr,
        destination_addr=pdu.source_addr,
        esm_class=4,
        short_message=text.encode(),
    )


def reads(pdus: Sequence[Pdu], most: int) -> list[bytes]:
    """The octets of PDUs as reads bring them, at most so many in one."""
    return [b"".join(map(encode, pdus[at : at + most])) for at in range(0, len(pdus), most)]


def read_all(wires: list[Wire], octets: list[list[bytes]]) -> None:
    """Let the relay read."""
    for wire, each in zip(wires, octets, strict=True):
        for read in each:
            wire.protocol.dataReceived(read)


def measure(house: House, messages: int, burst: int) -> dict[str, float]:
    """Microseconds of CPU a message by part, over so many messages."""
    house.spent = dict.fromkeys(PARTS, 0.0)
    before = house.sent
    while house.sent - before < messages:
        house.round(burst)
    return {name: spent / (house.sent - before) * 1e6 for name, spent in house.spent.items()}


def main() -> None:
    """Prints the median of some runs and their range, by part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--burst", type=int, default=50, help="messages that one read brings")
    parser.add_argument("--count", type=int, default=10_000, help="messages of one run")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--accounts", type=int, default=1)
    parser.add_argument("--carriers", type=int, default=2)
    parser.add_argument("--rules", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-relay-") as directory:
        settings = generation(asked.accounts, asked.carriers, asked.rules)
        house = House(Path(directory), settings, asked.sessions)
        settle_garbage_collector()
        try:
            measure(house, 2000, asked.burst)
            runs = [measure(house, asked.count, asked.burst) for _ in range(asked.runs)]
        finally:
            house.close()
    print(f"relay, CPU a message\n{machine()}")
    print(f"{asked.sessions} sessions, {asked.burst} messages a read, {asked.runs} runs of {asked.count}\n")
    for name in PARTS:
        line([run[name] for run in runs], name)
    line([sum(run.values()) for run in runs], "the whole way")


def line(figures: list[float], name: str) -> None:
    """One line of the table."""
    print(f"{statistics.median(figures):7.1f} us ({min(figures):.1f}-{max(figures):.1f})  {name}")


if __name__ == "__main__":
    main()
