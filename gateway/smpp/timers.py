"""The timers of a session (SMPP 3.4 section 7.2) as a value: moments go in, what is due comes out.

It holds no clock: moments are seconds of one monotonic clock, less the time in which we did not listen, for a
silence that we cause proves nothing about the peer.
"""

from __future__ import annotations

from enum import Enum
from math import inf

from .enums import quick
from .events import SessionOptions
from .states import State


@quick
class Due(Enum):
    """What has run out."""

    SESSION_INIT = "not bound in time"
    PARTIAL_PDU = "the rest of a PDU did not come"
    ENQUIRE_LINK = "silence: the peer is to be probed"
    ENQUIRE_LINK_UNANSWERED = "enquire_link not answered"
    INACTIVITY = "inactive"
    UNBIND = "unbind not answered"
    NOTHING = ""


class Timers:
    """The moments that the limits in `SessionOptions` count from; the session writes them.

    `heard`: octets arrived (they alone prove life: what we send says nothing about the peer). `active`: a
    message, or the answer to one, came. `probed`: an enquire_link was sent and nothing was heard since.
    `left`: an unbind was sent or received. `binding`: a bind waits for its answer, and session_init does
    not run.
    """

    __slots__ = (
        "_deaf",
        "_options",
        "_partial",
        "_paused",
        "active",
        "binding",
        "heard",
        "left",
        "opened",
        "probed",
    )

    def __init__(self, options: SessionOptions, opened: float) -> None:
        self._options = options
        self.opened = self.heard = self.active = self.left = opened
        self.probed: float | None = None
        self.binding = False
        self._partial: float | None = None
        self._paused: float | None = None
        self._deaf = 0.0

    @property
    def paused(self) -> bool:
        """Whether the timers stand still."""
        return self._paused is not None

    def listened(self, now: float) -> float:
        """This moment of the clock on the time that the timers count."""
        return now - self._deaf

    def pause(self, now: float) -> None:
        """We stop listening."""
        if self._paused is None:
            self._paused = now

    def resume(self, now: float) -> None:
        """We listen again."""
        if self._paused is not None:
            self._deaf += now - self._paused
            self._paused = None

    def octets(self, listened: float, complete: int, pending: int) -> None:
        """Octets came that completed so many PDUs and left so many octets of another."""
        self.heard = listened
        self.probed = None
        if not pending:
            self._partial = None
        elif complete or self._partial is None:
            self._partial = listened

    def deadline(self, state: State, oldest: float | None) -> float:
        """The moment of the clock at which something is due, counting the request that waits longest."""
        if self._paused is not None:
            return inf
        moment, _ = self.next(state)
        return min(moment, _at(oldest, self._options.response)) + self._deaf

    def next(self, state: State) -> tuple[float, Due]:
        """What is due first in this state, and when in time listened (`inf`: nothing is)."""
        if state is State.CLOSED:
            return inf, Due.NOTHING
        options = self._options
        moment, due = _at(self._partial, options.partial_pdu), Due.PARTIAL_PDU
        for since, limit, what in self._running(state):
            at = _at(since, limit)
            if at < moment:
                moment, due = at, what
        return moment, due if moment < inf else Due.NOTHING

    def _running(self, state: State) -> tuple[tuple[float | None, float | None, Due], ...]:
        options = self._options
        if state is State.OPEN:
            return ((None if self.binding else self.opened, options.session_init, Due.SESSION_INIT),)
        if state is State.UNBINDING:
            return ((self.left, options.response, Due.UNBIND),)
        return (
            (self.active, options.inactivity, Due.INACTIVITY),
            (self.heard, options.enquire_link, Due.ENQUIRE_LINK)
            if self.probed is None
            else (self.probed, options.response, Due.ENQUIRE_LINK_UNANSWERED),
        )


def _at(since: float | None, limit: float | None) -> float:
    return inf if since is None or limit is None else since + limit
