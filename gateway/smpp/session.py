"""One SMPP session as a pure state machine: octets and moments in, events and octets out.

It knows no socket and no clock. Where the protocol leaves no choice it acts by itself: enquire_link and
unbind are answered, requests in the wrong state, unknown or malformed ones are refused, stray responses are
dropped, timers are kept. What is the owner's to decide comes out as an event. Sources: SMPP 3.4 sections
2.2-2.8, 4 and 7.2, and 5.0 section 2.8.2.
"""

from __future__ import annotations

from math import inf

from .codec import Header, PduError, decode, encode, find_tlv, refusal
from .constants import HEADER_OCTETS, RESPONSE, V33, V34, CommandId, CommandStatus, Tag
from .events import (
    TRAFFIC,
    Answered,
    Close,
    Event,
    Received,
    SessionOptions,
    Unanswered,
    Unbound,
    Violation,
    WindowFull,
    WrongState,
)
from .framing import Framer, FramingError
from .outgoing import Outgoing
from .pdus import EnquireLink, EnquireLinkResp, Pdu, SubmitSm, Unbind, UnbindResp
from .states import (
    BINDS,
    BOUND,
    NOT_BY_SEND,
    PERMISSIONS,
    TRANSITIONS,
    UNANSWERABLE,
    BindPdu,
    Role,
    State,
    messages_of,
    misplaced,
    named,
    permitted,
    tolerated,
)
from .stencils import SUBMIT, recall
from .timers import Due, Timers
from .validate import check_request
from .window import Window

__all__ = ["PERMISSIONS", "TRANSITIONS", "Role", "Session", "State"]

_new = tuple.__new__
_CLOSED, _SMSC = State.CLOSED, Role.SMSC
"""For what is asked of every message: in CPython 3.11 `State.CLOSED` costs ten times as much."""


class Session:
    """One side of one connection, from its opening at `now` (monotonic seconds) to `Close` or `close`.

    `version` is the interface version in force, `peer_version` what the peer says it speaks, `incoming` how
    many of its requests the owner has not answered yet (the owner decides how many are too many). `window`
    holds our own requests on their way.
    """

    def __init__(self, role: Role, options: SessionOptions, now: float) -> None:
        self.role = role
        self.options = options
        self.version = self.peer_version = options.version
        self.incoming = 0
        self._framer = Framer(options.max_pdu_unbound if role is Role.SMSC else options.max_pdu)
        self.window = Window(options.window)
        self._timers = Timers(options, now)
        self.without_tlvs = options.tlvs is False  # whether everything goes to the peer without its TLVs
        self._out = Outgoing(self.without_tlvs)
        self._enquire_link = self._unbind = 0  # sequence numbers of our own requests on their way
        self._bind = 0  # command_id of the bind, ours or the peer's, that waits for its answer
        self._farewell: UnbindResp | None = None  # waits for the owner's last answer
        self._reason = ""
        self._last_words: list[Event] = []
        self._enter(State.OPEN)

    @property
    def window_free(self) -> int:
        """How many requests may be sent now."""
        return self.window.free

    @property
    def outstanding(self) -> int:
        """How many of our requests the peer has not answered."""
        return len(self.window)

    @property
    def unfinished(self) -> bytes:
        """Octets of a PDU that has not come whole yet."""
        return self._framer.unfinished

    @property
    def deadline(self) -> float:
        """The moment at which `tick` has something to do (`inf`: none)."""
        if self.state is State.CLOSED:
            return -inf if self._last_words else inf
        return self._timers.deadline(self.state, self.window.oldest)

    def set_window(self, window: int) -> None:
        """Let so many of our requests be outstanding from now on."""
        self.window.limit = window

    def output(self) -> bytes:
        """Take what is to be written to the peer."""
        return self._out.take()

    # What the peer sends

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take in what was read. Never raises, whatever the octets."""
        events: list[Event] = []
        if self.state is _CLOSED:
            return events
        broken: FramingError | None = None
        try:
            frames = self._framer.feed(data)
        except FramingError as ended:
            frames, broken = ended.frames, ended
        listened = self._timers.listened(now)
        self._timers.octets(listened, len(frames), self._framer.pending)
        for frame in frames:
            if self._submits and frame[4:8] == SUBMIT and (known := recall(frame, self.version)):
                self.incoming += 1
                events.append(_new(Received, (known[0], frame, known[1])))
                continue
            try:
                pdu = decode(frame)
            except PduError as error:
                self._undecodable(error, events)
                continue
            if type(pdu) in self._messages:
                if self.role is _SMSC and (status := check_request(pdu, self.version)):
                    self._refuse(pdu, status, events)
                else:
                    self.incoming += 1
                    events.append(_new(Received, (pdu, frame, None)))
                continue
            command = pdu.command_id
            if command & RESPONSE:
                self._response(pdu, command, events)
            else:
                self._request(pdu, command, listened, events)
            if events and isinstance(events[-1], Close):
                return events
        if not TRAFFIC.isdisjoint(map(type, events)):
            self._timers.active = listened
        if broken is not None:
            if broken.answer is not None:
                self._out.add(broken.answer)
            events.append(Violation(f"framing lost: {broken}", broken.status))
            self._finish(f"framing lost: {broken}", events)
        return events

    def _request(self, pdu: Pdu, command: int, listened: float, events: list[Event]) -> None:
        """A request that is not a message, or not one that may come in this state."""
        if not self._taken(command) or (command in BINDS and self._bind):
            self._refuse(pdu, self._misplaced(command), events)
        elif command == CommandId.enquire_link:
            self._out.add(EnquireLinkResp(pdu.sequence_number))
        elif command == CommandId.unbind:
            self._unbound(pdu, listened, events)
        else:
            if isinstance(pdu, BindPdu):
                self._await_answer(command)
                self._peer_speaks(pdu.interface_version)
            elif command in tolerated(self.role.other, self.state):
                events.append(
                    Violation(f"{named(pdu)} is taken in {self.state.value}, where it is not allowed")
                )
            self.incoming += command not in UNANSWERABLE
            events.append(Received(pdu))

    def _response(self, pdu: Pdu, command: int, events: list[Event]) -> None:
        number = pdu.sequence_number
        if (request := self.window.match(number, command)) is not None:
            response, context, sent_at, _ = request
            if self._bind and response == self._bind | RESPONSE:
                self._bind_answered(pdu)
            events.append(_new(Answered, (pdu, context, sent_at)))
            return
        nack = command == CommandId.generic_nack
        if number == self._enquire_link != 0 and (nack or command == CommandId.enquire_link_resp):
            self._enquire_link = 0
        elif number == self._unbind != 0 and (nack or command == CommandId.unbind_resp):
            self._unbind = 0
            if self._farewell is None:
                self._finish(self._reason, events)
        else:
            events.append(Violation(f"{named(pdu)} answers nothing"))

    def _undecodable(self, error: PduError, events: list[Event]) -> None:
        command, number = error.header.command_id, error.header.sequence_number
        detail = f"{CommandId(command).name} {number}: {error.detail}"
        if not command & RESPONSE:
            here = self._taken(command) or command not in PERMISSIONS
            status = error.status if here else self._misplaced(command)
            self._out.add(refusal(error.header, status))
            events.append(Violation(detail, status))
            return
        events.append(Violation(detail))
        if (request := self.window.match(number, command)) is not None:
            response, context, sent_at, _ = request
            if response == self._bind | RESPONSE:
                self._await_answer(0)
            events.append(Unanswered(context, sent_at, f"answer not understood: {error.detail}"))

    def _unbound(self, pdu: Pdu, listened: float, events: list[Event]) -> None:
        if self._farewell is not None:
            self._refuse(pdu, CommandStatus.ESME_RINVBNDSTS, events)
            return
        self._farewell = UnbindResp(pdu.sequence_number)
        self._reason = "unbound by the peer"
        events.append(Unbound())
        if self.state in BOUND:
            self._leave(listened)
        if not self.incoming:
            self._say_farewell(events)

    def _taken(self, command: int) -> bool:
        peer = self.role.other
        return command in permitted(peer, self.state, self.version) or command in tolerated(peer, self.state)

    def _misplaced(self, command: int) -> CommandStatus:
        if self._unbind and self.role is Role.ESME and command in (CommandId.deliver_sm, CommandId.data_sm):
            return CommandStatus.ESME_RX_T_APPN  # it crossed our unbind: the carrier shall keep it
        return misplaced(command, self.state, bool(self._bind))

    def _refuse(self, pdu: Pdu, status: CommandStatus, events: list[Event]) -> None:
        header = Header(HEADER_OCTETS, pdu.command_id, 0, pdu.sequence_number)
        self._out.add(refusal(header, status))
        events.append(Violation(f"{named(pdu)}: {status.name}", status))

    # What the owner sends

    def send(self, pdu: Pdu, now: float, context: object = None) -> int:
        """Send a request; returns the sequence number that it got, whatever its own was.

        It ends in one `Answered` or `Unanswered` with this context (outbind and alert_notification have no
        answer). To a peer without TLVs it goes without them, message_payload included. Raises WrongState if
        our role may not send it now, WindowFull, or ValueError if a value cannot be encoded; then nothing
        was sent.
        """
        command = pdu.command_id
        if command not in self._sendable or (self._bind and command in BINDS):
            raise WrongState(f"{CommandId(command).name} in {self.state.value} as {self.role.value}")
        frame = self._out.encoded(pdu)
        if command in UNANSWERABLE:
            return self._out.add_request(frame, self.window.outstanding)
        number = self.send_frame(frame, command, now, context)
        if command in BINDS:
            self._await_answer(command)
        return number

    def encoded(self, pdu: Pdu) -> bytes:
        """The frame in which a PDU goes to this peer, without TLVs if it knows none. Raises ValueError."""
        return self._out.encoded(pdu)

    def send_frame(self, frame: bytes, command: int, now: float, context: object = None) -> int:
        """`send` for a message that is `encoded` already: nothing changes but its sequence number."""
        if command not in self._sendable:
            raise WrongState(f"{CommandId(command).name} in {self.state.value} as {self.role.value}")
        window = self.window
        if len(window.outstanding) >= window.limit:
            raise WindowFull(f"{len(window)} outstanding")
        number = self._out.add_request(frame, window.outstanding)
        window.add(number, command, context, now, self._timers.listened(now))
        return number

    def respond(self, pdu: Pdu) -> None:
        """Answer a request that was `Received`, with its sequence number. After `Close` this does nothing.

        An ESME_ROK bind response binds the session. Raises WrongState if no request waits for this answer,
        ValueError if a value cannot be encoded; then nothing was sent.
        """
        if self.state is _CLOSED:
            return
        if not self.incoming or (self._bind and pdu.command_id not in (self._bind | RESPONSE, RESPONSE)):
            raise WrongState(f"{named(pdu)} answers nothing")
        self._out.add(pdu)
        self.incoming -= 1
        if self._bind:
            self._bind_answered(pdu)
        elif self._farewell is not None and not self.incoming:
            self._say_farewell(self._last_words)

    def accept(self, command: int, number: int, message_id: str = "") -> None:
        """`respond` to a message, as most are: with this *_resp, ESME_ROK, an id of ours and no TLV."""
        if self.state is _CLOSED:
            return
        if not self.incoming or self._bind:
            raise WrongState(f"{CommandId(command).name} {number} answers nothing")
        self._out.accept(command, number, message_id)
        self.incoming -= 1
        if self._farewell is not None and not self.incoming:
            self._say_farewell(self._last_words)

    def unbind(self, now: float, reason: str = "unbound") -> None:
        """Send an unbind; `Close` with this reason follows its answer. Raises WrongState if not bound."""
        if self.state not in BOUND:
            raise WrongState(f"unbind in {self.state.value}")
        self._reason = reason
        self._unbind = self._out.add_request(encode(Unbind()), self.window.outstanding)
        self._leave(self._timers.listened(now))

    def close(self, reason: str) -> list[Event]:
        """The transport is gone: `Unanswered` for everything outstanding."""
        self._enter(State.CLOSED)
        self._last_words.clear()
        return [Unanswered(context, sent_at, reason) for _, context, sent_at, _ in self.window.drain()]

    # Time

    def pause(self, now: float) -> None:
        """The owner stops reading: timers stand still."""
        self._timers.pause(now)

    def resume(self, now: float) -> None:
        """The owner reads again: timers go on where they stood."""
        self._timers.resume(now)

    def tick(self, now: float) -> list[Event]:
        """Do what is due: probe the peer, give up requests, close. Call it at `deadline`, or at any time."""
        events, self._last_words = self._last_words, []
        if self._timers.paused or self.state is State.CLOSED:
            return events
        listened = self._timers.listened(now)
        limit = self.options.response
        for response, context, sent_at, _ in self.window.expired(listened - limit):
            events.append(Unanswered(context, sent_at, f"no response within {limit:g} s"))
            if response == self._bind | RESPONSE:
                self._finish("bind not answered", events)
                return events
        while (first := self._timers.next(self.state))[0] <= listened:
            self._act(first[1], listened, now, events)
        return events

    def _act(self, due: Due, listened: float, now: float, events: list[Event]) -> None:
        """Do one thing that is due; what comes after it is due later, or nothing is."""
        if due is Due.ENQUIRE_LINK:
            self._enquire_link = self._out.add_request(encode(EnquireLink()), self.window.outstanding)
            self._timers.probed = listened
        elif due is Due.INACTIVITY:
            self.unbind(now, due.value)
        elif self._farewell is not None:
            self._say_farewell(events)
        else:
            self._finish(due.value, events)

    # What changes the state

    def _enter(self, state: State) -> None:
        self.state = state
        self._messages = messages_of(self.role.other, state, self.version)
        self._submits = self.role is Role.SMSC and SubmitSm in self._messages
        self._sendable = permitted(self.role, state, self.version) - NOT_BY_SEND

    def _await_answer(self, bind: int) -> None:
        self._bind = bind
        self._timers.binding = bool(bind)

    def _peer_speaks(self, version: int) -> None:
        self.peer_version = version
        self.version = min(version, self.options.version)
        self.without_tlvs = version < V34 if self.options.tlvs is None else not self.options.tlvs
        self._out.without_tlvs = self.without_tlvs

    def _bind_answered(self, pdu: Pdu) -> None:
        """A bind response was sent or received, whichever our role has."""
        self._await_answer(0)
        state = TRANSITIONS[State.OPEN].get(CommandId(pdu.command_id))
        if state is None or pdu.command_status != CommandStatus.ESME_ROK:
            return
        if self.role is Role.ESME:
            version = find_tlv(getattr(pdu, "tlvs", ()), Tag.sc_interface_version)
            self._peer_speaks(version[0] if version else V33)
        self._framer.limit = self.options.max_pdu
        self._enter(state)

    def _leave(self, listened: float) -> None:
        self._timers.left = listened
        self._enter(TRANSITIONS[self.state][CommandId.unbind])

    def _say_farewell(self, events: list[Event]) -> None:
        if self._farewell is not None:
            self._out.add(self._farewell)
        self._farewell = None
        self._finish(self._reason, events)

    def _finish(self, reason: str, events: list[Event]) -> None:
        events.append(Close(reason))
        self._enter(State.CLOSED)
