"""Batch: everything that one read from a socket changes, committed together, and what waits for that
commit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from gateway.store.journal import Journal
from gateway.store.rows import Changes

log = Logger()


class Peer(Protocol):
    """A connection whose output is gathered until it is flushed."""

    def flush(self) -> None:
        """Write what has gathered."""


@dataclass(slots=True)
class Batch:
    """Changes to the store, and what is to be done when they are on disk (`after`) or are known not to be
    (`failed`).
    """

    changes: Changes = field(default_factory=Changes)
    after: list[Callable[[], None]] = field(default_factory=list)
    failed: list[Callable[[], None]] = field(default_factory=list)


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


class Committer:
    """Commits batches, and then runs what waits for them and flushes the connections that it wrote to."""

    def __init__(self, journal: Journal, outgoing: Outgoing) -> None:
        self.journal = journal
        self.outgoing = outgoing

    def commit(self, batch: Batch, *, must: bool) -> Deferred[None]:
        """Commit, then run `after`, or `failed` if the store refused. With `must` the journal tries until it
        succeeds.

        The Deferred fires with None when everything has run, in either case.
        """
        if batch.changes.empty:
            self._run(batch.after)
            return succeed(None)
        committed = self.journal.commit(batch.changes, must=must)
        committed.addCallbacks(
            lambda _: self._run(batch.after), lambda failure: self._refused(batch, failure)
        )
        return committed.addErrback(
            lambda failure: log.failure("a commit's callback failed", failure=failure)
        )

    def _refused(self, batch: Batch, failure: Failure) -> None:
        log.debug("the store refused a batch: {reason}", reason=failure.getErrorMessage())
        self._run(batch.failed)

    def _run(self, steps: list[Callable[[], None]]) -> None:
        for step in steps:
            try:
                step()
            except Exception:  # one step's fault must not keep the others from running
                log.failure("a step after a commit failed")
        self.outgoing.flush()
