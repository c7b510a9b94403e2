"""One simulated carrier: its connections, and an answer to each request, by the profile's rules or plain."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from gateway.smpp.codec import decode, encode
from gateway.smpp.constants import RESPONSE, V33, V34, V50, CommandId, CommandStatus
from gateway.smpp.events import Answered, Event, Received, SessionOptions, Unanswered, Violation
from gateway.smpp.pdus import Pdu, UnbindResp
from gateway.smpp.protocol import Clock, SmppFactory, SmppProtocol, Ticker
from gateway.smpp.session import Role, Session
from gateway.smpp.states import BOUND
from simulator.smsc.answering import Answering
from simulator.smsc.bind import Bind
from simulator.smsc.capture import Capture
from simulator.smsc.deliveries import Deliveries, Delivery
from simulator.smsc.network import Network
from simulator.smsc.profile import Answer, CarrierProfile
from simulator.smsc.rules import Rulebook, Subject
from simulator.smsc.serving import BoundResponse, Serving
from simulator.smsc.timeline import Timeline
from simulator.smsc.wire import Wire, WireFactory

VERSIONS = {"3.3": V33, "3.4": V34, "5.0": V50, "none": V34}
_PLAIN = Answer()
_OWN = {CommandId.enquire_link: "enquire_link", CommandId.unbind: "unbind"}


class Fault(NamedTuple):
    """A breach of the protocol by the peer: unix seconds, carrier, connection number, what."""

    at: float
    carrier: str
    connection: int
    detail: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all carriers of one process share. `wall` gives unix seconds."""

    clock: Clock
    wall: Callable[[], float]
    ticker: Ticker
    seed: int = 0
    strict: bool = True
    capture: Capture | None = None
    report: Callable[[Fault], None] = lambda fault: None


class Carrier:
    """Handler of all links of one carrier."""

    def __init__(self, name: str, profile: CarrierProfile, around: Surroundings) -> None:
        self.name = name
        self.profile = profile
        self.counters: Counter[str] = Counter()
        self.binds: dict[SmppProtocol, Bind] = {}
        self._around = around
        self._connections = 0
        self._dirty: set[Bind] = set()
        self._deliveries: dict[str, Deliveries] = {}
        self._timeline = Timeline(around.clock, after_each=self._write)
        self._rules = Rulebook(profile.rules, self._stream("rules"))
        self._response_delays = self._stream("response")
        self.network = Network(
            profile, self._stream, self._timeline, around.wall, self.counters, self.deliveries
        )
        self._serving = Serving(name, profile, around.clock, self.network, self.counters, self.bound)
        self._answering = Answering(self._timeline, self._stream("faults"), self.note, self._dirty.add)

    def factory(self) -> WireFactory:
        """The factory for this carrier's endpoints."""
        timers = self.profile.timers
        options = SessionOptions(
            version=VERSIONS[self.profile.interface_version],
            window=self.profile.receipts.window,
            session_init=timers.session_init,
            enquire_link=timers.enquire_link,
            response=timers.response,
            inactivity=timers.inactivity,
        )
        around = self._around
        links = SmppFactory(lambda now: Session(Role.SMSC, options, now), self, around.clock, around.ticker)
        return WireFactory(links)

    def deliveries(self, account: str) -> Deliveries:
        """What waits for an account, and goes to it."""
        found = self._deliveries.get(account)
        if found is None:
            found = Deliveries(self.profile.receipts, self._timeline, self.counters, self._dirty.add)
            self._deliveries[account] = found
        return found

    def bound(self, account: str) -> int:
        """How many binds an account has."""
        return sum(bind.account == account for bind in self.binds.values())

    def flush(self) -> None:
        """Write what was sent from outside."""
        self._write()

    def stop(self) -> None:
        """Forget what was planned."""
        self._timeline.stop()

    def note(self, event: str, bind: Bind, **details: object) -> None:
        """A line in the capture that is no PDU."""
        self.counters[event] += 1
        if self._around.capture is not None:
            self._around.capture.event(event, self.name, bind.number, **details)

    # Handler

    def connected(self, link: SmppProtocol) -> None:
        self._connections += 1
        wire = link.transport
        assert isinstance(wire, Wire)
        bind = self.binds[link] = Bind(link, wire, self._connections)
        wire.capture, wire.carrier, wire.connection = self._around.capture, self.name, bind.number
        if any(name in self._rules for name in _OWN.values()):
            wire.intercept = lambda frame: self._intercept(bind, frame)
        self.note("connected", bind, peer=link.peer)

    def received(self, link: SmppProtocol, events: list[Event]) -> None:
        bind = self.binds[link]
        unanswered: list[Unanswered] = []
        for event in events:
            if isinstance(event, Received):
                if bind.alive:
                    self._serve(bind, event.pdu)
            elif isinstance(event, Answered):
                self._answered(bind, event)
            elif isinstance(event, Violation):
                if bind.leaving and event.status == CommandStatus.ESME_RINVBNDSTS:
                    self.note("crossed our unbind", bind, detail=event.detail)
                elif not bind.misframed:
                    self.violate(bind, event.detail)
            elif isinstance(event, Unanswered):
                unanswered.append(event)
        if unanswered:
            self.deliveries(bind.account).unanswered(unanswered)
        self._write()
        bind.settle()

    def lost(self, link: SmppProtocol, events: list[Event]) -> None:
        bind = self.binds.pop(link)
        bind.alive = False
        self.note("lost", bind)
        if bind.account:
            deliveries = self.deliveries(bind.account)
            if bind in deliveries.binds:
                deliveries.binds.remove(bind)
            deliveries.unanswered([event for event in events if isinstance(event, Unanswered)])
            self._write()

    def violate(self, bind: Bind, detail: str) -> None:
        """Report a breach of the protocol by the peer."""
        self.note("violation", bind, detail=detail)
        self._around.report(Fault(self._around.wall(), self.name, bind.number, detail))

    # Requests

    def _serve(self, bind: Bind, pdu: Pdu) -> None:
        command = CommandId(pdu.command_id).name
        self.counters[command] += 1
        fault = bind.begin(pdu.sequence_number)
        if self._around.strict:
            if fault is not None:
                self.violate(bind, f"{command}: {fault}")
            for detail in self._serving.faults(bind, pdu):
                self.violate(bind, f"{command}: {detail}")
        rule = self._rules.find(_subject(command, bind, pdu)) if command in self._rules else None
        answer, name = (_PLAIN, None) if rule is None else (rule.do, rule.name)
        delay = (answer.delay or self.profile.response).sample(self._response_delays)
        response = self._serving.serve(bind, pdu, answer, name, delay)
        if delay > 0:
            self._timeline.later(delay, self._say, bind, response, answer, name)
        else:
            self._say(bind, response, answer, name)

    def _say(self, bind: Bind, response: Pdu, answer: Answer, rule: str | None) -> None:
        if not bind.alive:
            return
        if rule is None:
            bind.link.respond(response)
        else:
            self.counters[f"rule {rule}"] += 1
            self._answering.answer(bind, response, answer, rule)
        bind.answered.append(response.sequence_number)
        self._dirty.add(bind)
        if isinstance(response, BoundResponse) and bind.receiving:
            deliveries = self.deliveries(bind.account)
            deliveries.binds.append(bind)
            deliveries.pump()
            if self.profile.timers.unbind is not None:
                self._timeline.later(self.profile.timers.unbind, self._leave, bind)

    def _answered(self, bind: Bind, event: Answered) -> None:
        if self._around.strict and getattr(event.pdu, "message_id", None):
            self.violate(bind, "deliver_sm_resp with a message_id, which is to be one NULL octet")
        if isinstance(event.context, Delivery):
            self.deliveries(bind.account).answered(event.context, event)

    def _intercept(self, bind: Bind, frame: bytes) -> bool:
        """Let a rule answer what the session would have answered by itself; true if one does."""
        response = decode(frame)
        command = _OWN[CommandId(response.command_id & ~RESPONSE)]
        rule = self._rules.find(Subject(command, bind.account)) if command in self._rules else None
        if rule is None:
            return False
        answer = rule.do
        self.counters[f"rule {rule.name}"] += 1
        octets = encode(type(response)(response.sequence_number, answer.status))
        delay = 0.0 if answer.delay is None else answer.delay.sample(self._response_delays)
        if delay > 0 and not isinstance(response, UnbindResp):
            self._timeline.later(delay, self._answering.put, bind, octets, b"", answer, rule.name)
        else:
            self._answering.put(bind, octets, b"", answer, rule.name)
        return True

    def _leave(self, bind: Bind) -> None:
        if bind.alive and bind.link.session.state in BOUND:
            bind.leave()

    def _write(self) -> None:
        while self._dirty:
            bind = self._dirty.pop()
            if bind.alive:
                bind.link.flush()
            bind.settle()

    def _stream(self, purpose: str) -> random.Random:
        """A source of chance for one purpose, so that a change to one leaves the others as they were."""
        return random.Random(f"{self._around.seed}/{self.name}/{purpose}")


def _subject(command: str, bind: Bind, pdu: Pdu) -> Subject:
    return Subject(
        command,
        bind.account or getattr(pdu, "system_id", ""),
        getattr(pdu, "source_addr", ""),
        getattr(pdu, "destination_addr", ""),
    )
