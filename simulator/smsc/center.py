"""All carriers of one profile in one process: start, stop, and what can be asked of them meanwhile."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from typing import Any, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from gateway.smpp.constants import ESM_UDHI, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import AlertNotification, DeliverSm, Outbind
from gateway.smpp.protocol import Clock, Ticker
from gateway.smpp.session import State
from gateway.smpp.states import BOUND
from gateway.smpp.text import choose_encoding, segment_text
from simulator.endpoints import connect, listen, stop_listening
from simulator.smsc.capture import Capture
from simulator.smsc.carrier import Carrier, Fault, Surroundings
from simulator.smsc.deliveries import Delivery
from simulator.smsc.profile import Profile

_KEPT_FAULTS = 1000
_FAREWELL_STEP = 0.02
_FAREWELL_STEPS = 100


class NoSuchThing(Exception):
    """A carrier, account or connection that is not there."""


class Smsc:
    """Simulated carriers, on any reactor and clock.

    `clock` gives monotonic seconds (a `MonotonicClock`, or `task.Clock` in tests), `wall` unix seconds.
    `capture` overrides the profile's. The carriers are in `carriers` by name; `faults` has the last
    thousand breaches of the protocol that were seen, `fault_count` how many there were of each kind.
    """

    def __init__(
        self,
        profile: Profile,
        clock: Clock,
        wall: Callable[[], float] = time.time,
        capture: Path | None = None,
    ) -> None:
        self.profile = profile
        self.faults: deque[Fault] = deque(maxlen=_KEPT_FAULTS)
        self.fault_count: Counter[str] = Counter()
        self.on_fault: Callable[[Fault], None] = lambda fault: None
        self._clock = clock
        self._ticker = Ticker(clock)
        path = capture or profile.capture
        self._capture = None if path is None else Capture(path, wall)
        around = Surroundings(
            clock, wall, self._ticker, profile.seed, profile.strict, self._capture, self._fault
        )
        self.carriers = {name: Carrier(name, body, around) for name, body in profile.carriers.items()}
        self._ports: dict[str, list[Any]] = {}
        self._references = count(1)
        self._stopped = False

    async def start(self, reactor: Any) -> None:
        """Listen for every carrier. Raises what the endpoints raise, CannotListenError above all."""
        self._ticker.start()
        for name, carrier in self.carriers.items():
            factory = carrier.factory()
            ports = self._ports[name] = []
            for endpoint in carrier.profile.listen:
                ports.append(await listen(reactor, endpoint, factory))

    def addresses(self, carrier: str) -> list[tuple[str, int]]:
        """Where a carrier listens: host and port of each of its endpoints."""
        addresses = [port.getHost() for port in self._ports[carrier]]
        return [(address.host, address.port) for address in addresses]

    async def stop(self) -> None:
        """Listen no more, unbind every bind, and cut what has not gone after two seconds. Once is enough."""
        if self._stopped:
            return
        self._stopped = True
        for port in (port for ports in self._ports.values() for port in ports):
            await stop_listening(port)
        for carrier in self.carriers.values():
            for bind in list(carrier.binds.values()):
                bind.leave()
        for _ in range(_FAREWELL_STEPS):
            if not any(carrier.binds for carrier in self.carriers.values()):
                break
            await deferLater(cast("IReactorTime", self._clock), _FAREWELL_STEP)
        for carrier in self.carriers.values():
            carrier.stop()
            for link in list(carrier.binds):
                link.abort()
        self._ticker.stop()
        if self._capture is not None:
            await deferLater(cast("IReactorTime", self._clock), 0)
            self._capture.close()

    # What can be asked of it

    def carrier(self, name: str | None = None) -> Carrier:
        """A carrier by name, or the first. Raises NoSuchThing."""
        if name is None:
            return next(iter(self.carriers.values()))
        if name not in self.carriers:
            raise NoSuchThing(f"no carrier {name!r}; there are {', '.join(self.carriers)}")
        return self.carriers[name]

    def reply(
        self,
        source: str,
        destination: str,
        text: str,
        carrier: str | None = None,
        account: str | None = None,
        payload: bool = False,
    ) -> int:
        """Let a handset (`source`) send a text; returns how many deliver_sm it takes. Raises NoSuchThing.

        Long texts are segmented by UDH, or with `payload` put in one message_payload. Without a bind that
        receives, they wait for one.
        """
        pdus = _reply_pdus(source, destination, text, payload, next(self._references) % 0x100)
        for pdu in pdus:
            self.deliver(pdu, carrier, account)
        return len(pdus)

    def deliver(
        self, pdu: DeliverSm, carrier: str | None = None, account: str | None = None, kind: str = "replies"
    ) -> None:
        """Deliver any deliver_sm to an account of a carrier, by default the first. Raises NoSuchThing."""
        at = self.carrier(carrier)
        at.deliveries(self._account(at, account)).offer(Delivery(pdu, kind))
        at.flush()

    def alert(self, source: str, esme: str, carrier: str | None = None, account: str | None = None) -> None:
        """Send an alert_notification: the handset `source` can be reached again. Raises NoSuchThing."""
        at = self.carrier(carrier)
        pdu = AlertNotification(source_addr_ton=1, source_addr_npi=1, source_addr=source, esme_addr=esme)
        at.deliveries(self._account(at, account)).offer(Delivery(pdu, "alerts"))
        at.flush()

    def counters(self) -> dict[str, dict[str, int]]:
        """Per carrier, what happened how often, and what is open now."""
        return {name: _counters_of(carrier) for name, carrier in self.carriers.items()}

    def unbind(self, carrier: str | None = None, connection: int | None = None) -> int:
        """Unbind one bind, or all of a carrier; returns how many."""
        bound = [bind for bind in self._binds(carrier, connection) if bind.link.session.state in BOUND]
        for bind in bound:
            bind.leave()
        return len(bound)

    def cut(self, carrier: str | None = None, connection: int | None = None, how: str = "reset") -> int:
        """Cut one connection, or all of a carrier, by `fin` or `reset`; returns how many."""
        binds = list(self._binds(carrier, connection))
        for bind in binds:
            if how == "fin":
                bind.wire.close()
            else:
                bind.wire.reset()
        return len(binds)

    async def outbind(
        self, reactor: Any, to: str, carrier: str | None = None, account: str | None = None
    ) -> None:
        """Connect to an ESME's listener and ask it to bind. Raises NoSuchThing, or what connecting raises."""
        at = self.carrier(carrier)
        name = self._account(at, account)
        wire = await connect(reactor, to, at.factory())
        bind = next(bind for bind in at.binds.values() if bind.wire is wire)
        if bind.link.session.state is State.OPEN:
            bind.link.send(Outbind(system_id=name, password=at.profile.accounts[name].password))
            bind.link.flush()

    def _account(self, carrier: Carrier, name: str | None) -> str:
        accounts = carrier.profile.accounts
        if name is None:
            return next(iter(accounts))
        if name not in accounts:
            raise NoSuchThing(f"no account {name!r} at {carrier.name}; there are {', '.join(accounts)}")
        return name

    def _binds(self, carrier: str | None, connection: int | None) -> Iterable[Any]:
        binds = list(self.carrier(carrier).binds.values())
        if connection is None:
            return binds
        found = [bind for bind in binds if bind.number == connection]
        if not found:
            raise NoSuchThing(f"no connection {connection}; there are {[bind.number for bind in binds]}")
        return found

    def _fault(self, fault: Fault) -> None:
        self.faults.append(fault)
        self.fault_count[fault.detail] += 1
        self.on_fault(fault)


def _counters_of(carrier: Carrier) -> dict[str, int]:
    now = {
        "connections": len(carrier.binds),
        "bound": sum(bind.link.session.state in BOUND for bind in carrier.binds.values()),
        "open_messages": carrier.network.open,
        "waiting_deliveries": sum(len(carrier.deliveries(account)) for account in carrier.profile.accounts),
    }
    return dict(sorted(carrier.counters.items())) | now


def _reply_pdus(source: str, destination: str, text: str, payload: bool, reference: int) -> list[DeliverSm]:
    base = DeliverSm(
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=source,
        dest_addr_npi=1,
        destination_addr=destination,
    )
    if payload:
        data_coding, octets = choose_encoding(text)
        return [base._replace(data_coding=data_coding, tlvs=(Tlv(Tag.message_payload, octets),))]
    return [
        base._replace(esm_class=ESM_UDHI if udhi else 0, data_coding=data_coding, short_message=octets)
        for udhi, data_coding, octets in segment_text(text, reference)
    ]
