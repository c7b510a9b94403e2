"""Arbitrary octets and arbitrary interleavings: a session never raises, and everything ends exactly once."""

from __future__ import annotations

from collections import Counter
from struct import pack

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from talk import BIND_FOR, DELIVER, SAMPLES, SUBMIT, answer_to, bound, numbered, pdus_of

from gateway.smpp.constants import RESPONSE, CommandId
from gateway.smpp.events import (
    Answered,
    Close,
    Event,
    Received,
    SessionOptions,
    Unanswered,
    WindowFull,
    WrongState,
)
from gateway.smpp.pdus import CLASSES, Pdu
from gateway.smpp.session import Role, Session, State

OPTIONS = SessionOptions(
    window=3, session_init=10, enquire_link=5, response=8, inactivity=30, partial_pdu=4, max_pdu=2000
)
ROLES = st.sampled_from(Role)
BINDS = st.sampled_from(list(BIND_FOR.values()))
MESSAGES = st.sampled_from([command for command in SAMPLES if command is not CommandId.unbind])
ANY_COMMAND = st.sampled_from([*CLASSES, 0x111, 0x0BAD, 0x80000BAD])
SECONDS = st.floats(0, 6)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Something like a PDU: a whole one, one with an octet spoilt, a header before noise, or noise."""
    number = draw(st.integers(0, 12) | st.integers(0, 0xFFFFFFFF))
    match draw(st.integers(0, 3)):
        case 0:
            return numbered(draw(st.sampled_from(list(SAMPLES.values()))), number)
        case 1:
            octets = bytearray(numbered(draw(st.sampled_from(list(SAMPLES.values()))), number))
            octets[draw(st.integers(4, len(octets) - 1))] = draw(st.integers(0, 255))
            return bytes(octets)
        case 2:
            body = draw(st.binary(max_size=40))
            status = draw(st.sampled_from([0, 0x58, 0x1234]))
            return pack(">IIII", 16 + len(body), draw(ANY_COMMAND), status, number) + body
        case _:
            return draw(st.binary(max_size=40))


class Ends:
    """The books of one side: what it sent and how often each of these ended."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.ended: Counter[object] = Counter()
        self.owed: list[Pdu] = []

    def note(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Answered | Unanswered):
                self.ended[event.context] += 1
            elif isinstance(event, Received) and event.pdu.command_id | RESPONSE in CLASSES:
                self.owed.append(event.pdu)

    def outstanding(self) -> int:
        assert all(times == 1 for times in self.ended.values())
        return len(self.sent) - len(self.ended)


def send(session: Session, command: CommandId, now: float, books: Ends) -> None:
    context = len(books.sent)
    try:
        session.send(SAMPLES[command], now, context)
    except (WindowFull, WrongState):
        return
    except ValueError:
        # The text of a data_sm is a TLV: to a peer without TLVs it cannot be said, and nothing was sent.
        assert command is CommandId.data_sm
        assert session._out.without_tlvs
        return
    if command | RESPONSE in CLASSES:
        books.sent.append(context)


class Alone(RuleBasedStateMachine):
    """One session, a peer that sends anything, an owner that does anything."""

    @initialize(role=ROLES, state=st.sampled_from([*BIND_FOR, State.OPEN]))
    def begin(self, role: Role, state: State) -> None:
        self.now = 0.0
        self.books = Ends()
        self.session = Session(role, OPTIONS, 0.0) if state is State.OPEN else bound(role, state, OPTIONS)
        self.closed = 0

    def note(self, events: list[Event]) -> None:
        self.books.note(events)
        self.closed += sum(isinstance(event, Close) for event in events)
        assert self.closed <= 1

    @rule(parts=st.lists(frames(), max_size=5), seconds=SECONDS)
    def receive(self, parts: list[bytes], seconds: float) -> None:
        self.now += seconds
        self.note(self.session.receive(b"".join(parts), self.now))

    @rule(seconds=SECONDS)
    def tick(self, seconds: float) -> None:
        self.now += seconds
        self.note(self.session.tick(self.now))
        assert self.session.deadline > self.now

    @rule(command=MESSAGES)
    def send(self, command: CommandId) -> None:
        send(self.session, command, self.now, self.books)

    @precondition(lambda self: self.books.owed)
    @rule(which=st.integers(0, 100), status=st.sampled_from([0, 8, 0x58]))
    def respond(self, which: int, status: int) -> None:
        owed = self.books.owed
        self.session.respond(answer_to(owed.pop(which % len(owed)), status))

    @rule()
    def unbind(self) -> None:
        if self.session.state in BIND_FOR:
            self.session.unbind(self.now)

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        (self.session.pause if paused else self.session.resume)(self.now)

    @invariant()
    def the_books_agree(self) -> None:
        assert self.books.outstanding() == self.session.outstanding
        if self.session.state is not State.CLOSED:
            assert len(self.books.owed) == self.session.incoming
        pdus_of(self.session.output())

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.note(self.session.close("lost"))
            assert self.books.outstanding() == self.session.outstanding == 0


TestAlone = Alone.TestCase


class Together(RuleBasedStateMachine):
    """An ESME and an SMSC over a wire that delivers in pieces of any size."""

    @initialize(bind=BINDS)
    def begin(self, bind: CommandId) -> None:
        self.now = 0.0
        self.sessions = {role: Session(role, OPTIONS, 0.0) for role in Role}
        self.books = {role: Ends() for role in Role}
        self.wires = dict.fromkeys(Role, b"")
        send(self.sessions[Role.ESME], bind, self.now, self.books[Role.ESME])

    def carry(self, receiver: Role, octets: int) -> None:
        sender = receiver.other
        self.wires[sender] += self.sessions[sender].output()
        data, self.wires[sender] = self.wires[sender][:octets], self.wires[sender][octets:]
        self.books[receiver].note(self.sessions[receiver].receive(data, self.now))

    @rule(receiver=ROLES, octets=st.integers(1, 200))
    def deliver(self, receiver: Role, octets: int) -> None:
        self.carry(receiver, octets)

    @rule(sender=ROLES, command=MESSAGES)
    def send(self, sender: Role, command: CommandId) -> None:
        send(self.sessions[sender], command, self.now, self.books[sender])

    @rule(role=ROLES, which=st.integers(0, 100), status=st.sampled_from([0, 0x58]))
    def respond(self, role: Role, which: int, status: int) -> None:
        owed = self.books[role].owed
        if owed:
            request = owed.pop(which % len(owed))
            bind = request.command_id in BIND_FOR.values()
            self.sessions[role].respond(answer_to(request, 0 if bind else status))

    @rule(role=ROLES, seconds=st.floats(0, 3))
    def tick(self, role: Role, seconds: float) -> None:
        self.now += seconds
        self.books[role].note(self.sessions[role].tick(self.now))

    @rule(role=ROLES)
    def unbind(self, role: Role) -> None:
        if self.sessions[role].state in BIND_FOR:
            self.sessions[role].unbind(self.now)

    @invariant()
    def the_books_agree(self) -> None:
        for role, session in self.sessions.items():
            assert self.books[role].outstanding() == session.outstanding

    def teardown(self) -> None:
        """Let all that is on its way arrive and all that is owed be answered: then nothing may be open."""
        if not hasattr(self, "sessions"):
            return
        for _ in range(6):
            for role in Role:
                self.carry(role, 1_000_000)
                while self.books[role].owed:
                    self.sessions[role].respond(answer_to(self.books[role].owed.pop()))
        for role, session in self.sessions.items():
            alive = all(other.state is not State.CLOSED for other in self.sessions.values())
            assert not (alive and (session.outstanding or session.incoming))
            self.books[role].note(session.close("lost"))
            assert self.books[role].outstanding() == session.outstanding == 0


TestTogether = Together.TestCase


@given(
    role=ROLES,
    state=st.sampled_from(list(BIND_FOR)),
    bodies=st.lists(
        st.tuples(
            st.sampled_from([c for c in [*CLASSES, 0x111, 0x0BAD] if c != CommandId.unbind]),
            st.binary(max_size=30),
        )
    ),
    whole=st.lists(MESSAGES),
)
@settings(max_examples=200)
def test_every_request_of_the_peer_is_answered_once_or_received(
    role: Role, state: State, bodies: list[tuple[int, bytes]], whole: list[CommandId]
) -> None:
    session = bound(role, state)
    data = [
        pack(">IIII", 16 + len(body), command, 0, number) + body
        for number, (command, body) in enumerate(bodies, 100)
        if not command & RESPONSE
    ]
    data += [numbered(SAMPLES[command], number) for number, command in enumerate(whole, 1000)]
    events = session.receive(b"".join(data), 0.0)
    answered = Counter(pdu.sequence_number for pdu in pdus_of(session.output()))
    received = Counter(event.pdu.sequence_number for event in events if isinstance(event, Received))
    numbers = [int.from_bytes(frame[12:16], "big") for frame in data]
    assert answered + received == Counter(numbers)


@given(st.binary(), st.integers(1, 30))
def test_octets_in_pieces_are_the_same_as_at_once(noise: bytes, size: int) -> None:
    data = numbered(SUBMIT, 5) + numbered(DELIVER, 6) + noise
    whole, cut = bound(Role.SMSC), bound(Role.SMSC)
    at_once = whole.receive(data, 0.0)
    in_pieces = [e for i in range(0, len(data), size) for e in cut.receive(data[i : i + size], 0.0)]
    # Where framing is lost, the sequence number has come in time for the nack, or has not.
    assert [type(event) for event in in_pieces] == [type(event) for event in at_once]
    assert in_pieces[:2] == at_once[:2]
    answers = [(pdu.command_id, pdu.command_status) for pdu in pdus_of(cut.output())]
    assert answers == [(pdu.command_id, pdu.command_status) for pdu in pdus_of(whole.output())]


def test_everything_that_is_due_is_done_at_once() -> None:
    session = bound(Role.ESME, State.BOUND_TX, OPTIONS)
    session.tick(30.0)  # an enquire_link since 5 s, and the end for want of messages
    assert session.state is State.UNBINDING
    assert session.deadline > 30.0
