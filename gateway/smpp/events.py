"""What a session is made with and what comes out of it: options, events, and the errors of its owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from .constants import V34
from .pdus import Pdu
from .stencils import Said


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How a session behaves. Timers are in seconds, None switches one off.

    `version`: our interface version; the lower of ours and the peer's is in force. `window`: how many of
    our requests may be outstanding. `max_pdu`: the longest PDU that is taken, in octets; `max_pdu_unbound`:
    from a client that has not bound. `tlvs`: whether the peer understands TLVs (None: as its interface
    version says). `session_init`: from connection to bind. `enquire_link`: silence before the peer is
    probed. `response`: for each answer. `inactivity`: without a message before we unbind. `partial_pdu`:
    for the rest of a PDU.
    """

    version: int = V34
    window: int = 100
    max_pdu: int = 70_000
    max_pdu_unbound: int = 512
    tlvs: bool | None = None
    session_init: float | None = 10.0
    enquire_link: float | None = 30.0
    response: float = 60.0
    inactivity: float | None = None
    partial_pdu: float | None = 10.0


class Received(NamedTuple):
    """A request of the peer, for `Session.respond` (outbind and alert_notification have no answer).

    `frame` are its octets where it is a message, `said` is its stencil where that is known.
    """

    pdu: Pdu
    frame: bytes = b""
    said: Said | None = None


class Answered(NamedTuple):
    """The peer's *_resp, or generic_nack, to the request that we sent with `context` at `sent_at`."""

    pdu: Pdu
    context: Any
    sent_at: float


class Unanswered(NamedTuple):
    """Our request has no answer and will get none: whether the peer took it is not known."""

    context: Any
    sent_at: float
    reason: str


class Violation(NamedTuple):
    """The peer broke the protocol; the session has answered it (with `status`) or ignored it already."""

    detail: str
    status: int = 0


class Unbound(NamedTuple):
    """The peer unbinds. The session answers: at once, or after the owner's last answer to its requests."""


class Close(NamedTuple):
    """The session is over: write what `Session.output` has, then close the transport."""

    reason: str


Event = Received | Answered | Unanswered | Violation | Unbound | Close

TRAFFIC = frozenset({Received, Answered})
"""Events that are most of what comes."""


class WindowFull(Exception):
    """As many requests are outstanding as the window allows."""


class WrongState(Exception):
    """Our role may not send this now, or it answers nothing."""
