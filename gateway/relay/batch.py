"""Batch: everything that one read from a socket changes, committed together, and what waits for that
commit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from gateway.store.journal import Journal
from gateway.store.rows import Changes

if TYPE_CHECKING:
    from gateway.filters.verdict import Reason
    from gateway.message import MtPdu
    from gateway.relay.book import Entry
    from gateway.relay.carrier import Link
    from gateway.relay.client import Client
    from gateway.relay.outbox import Outbox
    from gateway.smpp.pdus import DataSm, DeliverSm
    from gateway.store.rows import OutboxRow

log = Logger(__name__)


class Peer(Protocol):
    """A connection whose output is gathered until it is flushed."""

    def flush(self) -> None:
        """Write what has gathered."""


Answer = tuple["Client", "MtPdu", str, "Reason | None"]
"""What a client's submit is answered when it is on disk: (client, its request, this id, or why not)."""


class Batch:
    """Changes to the store, and what is to be done when they are on disk (`after`) or are known not to be
    (`failed`).

    What happens to every message is not a step of its own but noted in the other lists, which are gone
    through at once (see following.py): new messages, answers to their client, messages that have ended, rows
    for clients, rows that these have taken, and requests of carriers to be answered. `began` is the monotonic
    second at which a client's requests came, `now` the unix millisecond at which a peer's read came (0: it is
    not about one).
    """

    __slots__ = (
        "accepted",
        "after",
        "answers",
        "began",
        "changes",
        "delivered",
        "ended",
        "failed",
        "now",
        "taken",
        "told",
    )

    def __init__(self, began: float = 0.0, now: int = 0) -> None:
        self.began = began
        self.now = now
        self.changes = Changes()
        self.after: list[Callable[[], None]] = []
        self.failed: list[Callable[[], None]] = []
        self.accepted: list[Entry] = []
        self.answers: list[Answer] = []
        self.ended: list[Entry] = []
        self.told: list[tuple[Outbox, OutboxRow]] = []
        self.taken: list[tuple[Outbox, int]] = []
        self.delivered: list[tuple[Link, DeliverSm | DataSm]] = []


class Outgoing:
    """The connections that have something to write: each gets one write for all that a batch has for it."""

    def __init__(self) -> None:
        self._peers: dict[Peer, None] = {}

    def add(self, peer: Peer) -> None:
        """Something was put into this connection's output."""
        self._peers[peer] = None

    def flush(self) -> None:
        """Write to all of them."""
        peers, self._peers = self._peers, {}
        for peer in peers:
            peer.flush()


class Follow(Protocol):
    """Goes through a batch whose fate is known."""

    def __call__(self, batch: Batch, stored: bool) -> None:
        """It is on disk, or the store has refused it."""


def run_steps(batch: Batch, stored: bool) -> None:
    """The steps alone. One step's fault must not keep the others from running."""
    for step in batch.after if stored else batch.failed:
        try:
            step()
        except Exception:
            log.failure("a step after a commit failed")


class Committer:
    """Commits batches, lets `follow` go through them, and flushes the connections that this wrote to."""

    def __init__(self, journal: Journal, outgoing: Outgoing) -> None:
        self.journal = journal
        self.outgoing = outgoing
        self.follow: Follow = run_steps
        self._answers = Batch()
        self._waiting: Batch | None = None  # the answers that the journal has
        journal.told = self._flush

    def commit(self, batch: Batch, *, must: bool, patient: bool = False) -> Deferred[None]:
        """Commit, then do what waits for that, or for the store's refusal. With `must` the journal tries
        until it succeeds; what is `patient` joins a commit that others wait for.

        The Deferred fires with None when everything is done, in either case.
        """
        if batch.changes.empty:
            self._settle(batch, True)
            return succeed(None)
        committed = self.journal.commit(batch.changes, must, patient)
        return committed.addCallbacks(
            self._stored, self._refused, callbackArgs=(batch,), errbackArgs=(batch,)
        )

    def answers(self) -> Batch:
        """A batch for what clients have taken, since nobody waits for that: many reads share it.
        `commit_answers` when something was noted in it.
        """
        if self._answers.changes.closed:
            self._answers = Batch()
        return self._answers

    def commit_answers(self) -> None:
        """Commit what clients have taken with the next commit that somebody waits for, or a little later."""
        batch = self._answers
        if batch is not self._waiting and not batch.changes.empty:
            self._waiting = batch
            self.commit(batch, must=True, patient=True)

    def _stored(self, _: None, batch: Batch) -> None:
        self._settle(batch, True)

    def _refused(self, failure: Failure, batch: Batch) -> None:
        log.debug("the store refused a batch: {reason}", reason=failure.getErrorMessage())
        self._settle(batch, False)

    def _settle(self, batch: Batch, stored: bool) -> None:
        try:
            self.follow(batch, stored)
        except Exception:
            log.failure("what follows a commit failed")
        if not self.journal.telling:
            self._flush()

    def _flush(self) -> None:
        try:
            self.outgoing.flush()
        except Exception:
            log.failure("what follows a commit could not be written")
