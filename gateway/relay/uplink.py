"""One configured connection to a carrier: connects, binds, and tries again with capped, jittered back-off."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from gateway.relay.carrier import Carrier, Link
from gateway.settings.models import Bind
from gateway.smpp.constants import CommandStatus
from gateway.smpp.events import (
    TRAFFIC,
    Answered,
    Close,
    Event,
    SessionOptions,
    Unanswered,
    Unbound,
    Violation,
)
from gateway.smpp.pdus import BindReceiver, BindTransceiver, BindTransmitter
from gateway.smpp.protocol import SmppProtocol
from gateway.smpp.session import Role, Session
from gateway.smpp.session import State as SessionState

log = Logger(__name__)

VERSIONS = {"3.3": 0x33, "3.4": 0x34, "5.0": 0x50}
BINDS: dict[str, type[BindTransceiver | BindTransmitter | BindReceiver]] = {
    "transceiver": BindTransceiver,
    "transmitter": BindTransmitter,
    "receiver": BindReceiver,
}
CONNECT_TIMEOUT = 15.0
BIND = object()

Take = Callable[[Carrier, Link, list[Event]], None]


class Uplink:
    """Keeps one bind up until it is stopped. `take` gets every event of the bound connection."""

    def __init__(self, carrier: Carrier, bind: Bind, reactor: Any, ticker: Any, take: Take) -> None:
        self.carrier = carrier
        self.bind = bind
        self.reactor = reactor
        self.ticker = ticker
        self.take = take
        self.link: Link | None = None
        self.bound = False
        self.failures = 0
        self.last_error = ""
        self._stopping = False
        self._gone: Deferred[None] | None = None
        self._sleep: Any = None  # an IDelayedCall, whose methods mypy reads wrongly
        self._connecting: Deferred[Any] | None = None

    def start(self) -> None:
        """Connect now, and again whenever the connection is lost."""
        self._connect()

    def stop(self) -> Deferred[None]:
        """Unbind and close; fires when the connection is gone."""
        self._stopping = True
        if self._sleep is not None and self._sleep.active():
            self._sleep.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
        done: Deferred[None] = Deferred()
        if self.link is None:
            done.callback(None)
            return done
        self._gone = done
        protocol = self.link.protocol
        if self.bound:
            protocol.session.unbind(self.carrier.clocks.timer.seconds())
            protocol.flush()
            self._sleep = self.carrier.clocks.timer.callLater(5.0, protocol.abort)
        else:
            protocol.close()
        return done

    # connecting

    def _connect(self) -> None:
        endpoint = clientFromString(self.reactor, self.bind.endpoint)
        factory = Factory.forProtocol(lambda: self._protocol())
        factory.noisy = False
        self._connecting = endpoint.connect(factory)
        self._connecting.addTimeout(CONNECT_TIMEOUT, self.carrier.clocks.timer)  # type: ignore[arg-type]
        self._connecting.addCallbacks(self._connected, self._not_connected)

    def _protocol(self) -> SmppProtocol:
        return SmppProtocol(self._session, self, self.carrier.clocks.timer, self.ticker)

    def _session(self, now: float) -> Session:
        settings = self.carrier.settings
        options = SessionOptions(
            version=VERSIONS[settings.interface_version],
            window=settings.window,
            tlvs=settings.tlvs,
            enquire_link=settings.enquire_link,
            response=settings.response,
        )
        return Session(Role.ESME, options, now)

    def _connected(self, _: object) -> None:
        self._connecting = None

    def _not_connected(self, failure: Any) -> None:
        self._connecting = None
        if not (self._stopping and failure.check(CancelledError)):
            self._again(failure.getErrorMessage())

    def _again(self, reason: str) -> None:
        if self._stopping:
            return
        reconnect = self.carrier.settings.reconnect
        pause = min(reconnect.maximum, reconnect.initial * 2 ** min(self.failures, 30))
        pause *= 1 + reconnect.jitter * random.uniform(-1, 1)
        self.failures += 1
        self.last_error = reason
        if self.failures in (1, 2, 4, 8) or self.failures % 16 == 0:
            log.warn(
                "carrier {carrier} at {endpoint}: {reason}; next try in {pause:.1f} s",
                carrier=self.carrier.name,
                endpoint=self.bind.endpoint,
                reason=reason,
                pause=pause,
            )
        self._sleep = self.carrier.clocks.timer.callLater(pause, self._connect)

    # what the protocol tells

    def connected(self, protocol: SmppProtocol) -> None:
        """The transport is up: bind."""
        settings = self.carrier.settings
        self.link = Link(self.carrier, protocol)
        password = settings.password.get_secret_value() if settings.password else ""
        protocol.send(
            BINDS[self.bind.mode](
                system_id=settings.system_id,
                password=password,
                system_type=settings.system_type,
                interface_version=VERSIONS[settings.interface_version],
                addr_ton=settings.address_range.ton,
                addr_npi=settings.address_range.npi,
                address_range=settings.address_range.range,
            ),
            BIND,
        )
        protocol.flush()

    def received(self, protocol: SmppProtocol, events: list[Event]) -> None:
        """Events of the connection: those of the bind are ours, the rest is traffic."""
        assert self.link is not None
        if self.bound and TRAFFIC.issuperset(map(type, events)):
            self.take(self.carrier, self.link, events)
            return
        rest: list[Event] = []
        for event in events:
            if isinstance(event, Answered) and event.context is BIND:
                self._bind_answered(event)
            elif isinstance(event, Unanswered) and event.context is BIND:
                self.last_error = event.reason
            elif isinstance(event, Violation):
                log.debug("carrier {name}: {detail}", name=self.carrier.name, detail=event.detail)
            elif isinstance(event, Unbound):
                self._down()
            elif isinstance(event, Close):
                self.last_error = event.reason
                self._down()
            else:
                rest.append(event)
        if rest:
            self.take(self.carrier, self.link, rest)

    def lost(self, protocol: SmppProtocol, events: list[Event]) -> None:
        """The transport is gone: what was unanswered is decided by the carrier's policy."""
        link, self.link = self.link, None
        self._down(link)
        unanswered = [event for event in events if isinstance(event, Unanswered)]
        rest: list[Event] = [event for event in unanswered if event.context is not BIND]
        if len(rest) < len(unanswered):
            self.last_error = unanswered[0].reason  # lost before the bind was answered: TLS says why
        if link is not None and rest:
            self.take(self.carrier, link, rest)
        if self._sleep is not None and self._sleep.active():
            self._sleep.cancel()
        if self._gone is not None:
            self._gone.callback(None)
        self._again(self.last_error or "the connection was lost")

    def _bind_answered(self, event: Answered) -> None:
        assert self.link is not None
        status = CommandStatus(event.pdu.command_status)
        if status != CommandStatus.ESME_ROK or self.link.protocol.session.state is SessionState.OPEN:
            self.last_error = f"bind refused: {status.name}"
            self.link.protocol.close()
            return
        self.failures = 0
        self.last_error = ""
        self.bound = True
        self.carrier.links.append(self.link)
        log.info(
            "carrier {carrier}: bound as {mode} at {endpoint}",
            carrier=self.carrier.name,
            mode=self.bind.mode,
            endpoint=self.bind.endpoint,
        )
        self.take(self.carrier, self.link, [])

    def _down(self, link: Link | None = None) -> None:
        link = link or self.link
        self.bound = False
        if link is not None and link in self.carrier.links:
            self.carrier.links.remove(link)
            if not self._stopping:
                log.warn("carrier {carrier}: connection ended", carrier=self.carrier.name)
