"""What follows a commit: all messages of a batch are gone through at once, part after part of the house.

A batch has as many messages as a read brought, so that a step of its own for each thing that each message
waits for would cost more than what it does.
"""

from __future__ import annotations

from twisted.logger import Logger

from gateway.relay.batch import Batch, run_steps
from gateway.relay.book import Book
from gateway.relay.clocks import Clocks
from gateway.relay.dispatch import Dispatch
from gateway.relay.inbound import Inbound
from gateway.relay.outbox import Outbox
from gateway.relay.submits import Submits

log = Logger(__name__)


class Following:
    """Goes through the batches of one node. The fault of one message keeps nothing from the others."""

    def __init__(
        self, book: Book, dispatch: Dispatch, inbound: Inbound, submits: Submits, clocks: Clocks
    ) -> None:
        self.book = book
        self.dispatch = dispatch
        self.inbound = inbound
        self.submits = submits
        self.clocks = clocks

    def __call__(self, batch: Batch, stored: bool) -> None:
        """The batch is on disk, or the store has refused it."""
        if not stored:
            self._refused(batch)
            return
        if batch.accepted:
            self._accepted(batch)
        if batch.answers:
            self.submits.answer(batch.answers, batch.began)
        run_steps(batch, True)
        if batch.ended:
            self._ended(batch)
        if batch.taken:
            self._taken(batch)
        if batch.told:
            self._told(batch)
        if batch.delivered:
            self.inbound.answer(batch.delivered)

    def _accepted(self, batch: Batch) -> None:
        """New messages leave for their carriers, or wait."""
        now = self.clocks.now_ms()
        for entry in batch.accepted:
            try:
                self.dispatch.placed(entry, now)
                self.book.stored(entry)
            except Exception:
                log.failure("message {id} is stored and could not go on", id=entry.message.id)

    def _ended(self, batch: Batch) -> None:
        """What was known of messages that have ended is known no more."""
        for entry in batch.ended:
            try:
                self.inbound.forget(entry)
                self.dispatch.ended(entry)
                self.book.release(entry.message.id)
            except Exception:
                log.failure("the end of message {id} could not be followed", id=entry.message.id)

    def _told(self, batch: Batch) -> None:
        """Receipts and replies go to their clients."""
        outboxes: dict[Outbox, None] = {}
        for outbox, row in batch.told:
            outbox.offer(row)
            outboxes[outbox] = None
        for outbox in outboxes:
            try:
                outbox.pump()
            except Exception:
                log.failure("the outbox of {name} could not be given out", name=outbox.account)

    def _taken(self, batch: Batch) -> None:
        """What clients have taken is remembered no more."""
        for outbox, seq in batch.taken:
            try:
                outbox.forget(seq)
            except Exception:
                log.failure("the outbox of {name} could not go on", name=outbox.account)

    def _refused(self, batch: Batch) -> None:
        for entry in batch.accepted:
            try:
                self.dispatch.displaced(entry)
                self.book.forget(entry)
            except Exception:
                log.failure("message {id} is not stored and could not be forgotten", id=entry.message.id)
        run_steps(batch, False)
        self.submits.not_stored(batch.answers)
