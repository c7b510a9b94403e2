"""How a response leaves when a rule has acted: spoilt, in another order, with the line cut, or not at all."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from typing import Protocol

from gateway.smpp.pdus import Pdu
from gateway.smpp.states import BOUND
from simulator.smsc.bind import Bind
from simulator.smsc.faults import spoil
from simulator.smsc.profile import Answer
from simulator.smsc.timeline import Timeline

_PATIENCE = 0.5
_LAST_OCTETS = 0.02
_LENGTH = struct.Struct(">I")


class Note(Protocol):
    def __call__(self, event: str, bind: Bind, **details: object) -> None: ...


class Answering:
    """Puts the responses of one carrier on the wire as its rules say.

    The session is told of every response, so that its books stay right, and its octets are then taken in
    hand. Responses held to be sent in another order wait at most half a second for the rest. A line is cut
    by reset a moment after octets that are to arrive before.
    """

    def __init__(
        self, timeline: Timeline, source: random.Random, note: Note, wrote: Callable[[Bind], None]
    ) -> None:
        self._timeline = timeline
        self._source = source
        self._note = note
        self._wrote = wrote

    def answer(self, bind: Bind, response: Pdu, answer: Answer, rule: str) -> None:
        """Answer a request that the session has handed out."""
        link = bind.link
        link.flush()
        link.respond(response)
        octets = link.session.output()
        (length,) = _LENGTH.unpack_from(octets)
        message_id: str = getattr(response, "message_id", "")
        body = message_id.encode("latin-1") + b"\0"
        self.put(bind, octets[:length], body, answer, rule)
        if len(octets) > length:
            bind.wire.write(octets[length:])
        if answer.unbind and link.session.state in BOUND:
            bind.leave()

    def put(self, bind: Bind, frame: bytes, body: bytes, answer: Answer, rule: str) -> None:
        """Put the octets of one response on the wire."""
        if not bind.alive:
            return
        if answer.silence:
            self._note("silence", bind, rule=rule)
            if answer.cut is None:
                return
        bind.misframed |= answer.length is not None or bool(answer.garbage)
        octets = b"" if answer.silence else spoil(frame, answer, body, self._source)
        if answer.cut is not None:
            self._cut(bind, octets, answer, rule)
        elif answer.reorder is not None:
            self._hold(bind, octets, answer.reorder, rule)
        else:
            bind.wire.write_spoilt(octets, rule)

    def _cut(self, bind: Bind, octets: bytes, answer: Answer, rule: str) -> None:
        keep = {"before": 0, "middle": len(octets) // 2, "after": len(octets)}[answer.cut_when]
        if keep:
            bind.wire.write_spoilt(octets[:keep], rule)
        self._note("cut", bind, rule=rule, how=answer.cut)
        bind.alive = False
        if answer.cut == "fin":
            bind.wire.close()
        elif keep:
            self._timeline.later(_LAST_OCTETS, bind.wire.reset)
        else:
            bind.wire.reset()

    def _hold(self, bind: Bind, octets: bytes, wanted: int, rule: str) -> None:
        bind.held.append((octets, rule))
        if len(bind.held) >= wanted:
            self._release(bind)
        elif len(bind.held) == 1:
            self._timeline.later(_PATIENCE, self._release, bind)

    def _release(self, bind: Bind) -> None:
        """Send what was held, the last first."""
        held, bind.held = bind.held, []
        if bind.alive:
            for octets, rule in reversed(held):
                bind.wire.write_spoilt(octets, rule)
