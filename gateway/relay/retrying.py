"""What is done with a message after its carrier's word or silence: it goes on, waits again, or ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.relay.batch import Batch
from gateway.relay.book import Entry
from gateway.relay.carrier import Carrier
from gateway.relay.trail import keep_to
from gateway.smpp.constants import CommandStatus
from gateway.store.rows import State

if TYPE_CHECKING:
    from gateway.relay.dispatch import Dispatch


class Retrying:
    """Goes by the retry rules of carriers. `said_no` hears of every refusal."""

    def __init__(self, dispatch: Dispatch) -> None:
        self.dispatch = dispatch
        self.said_no: Callable[[Carrier, Entry, int, Batch], None] = lambda carrier, entry, status, batch: (
            None
        )

    def refused(self, carrier: Carrier, entry: Entry, status: int, batch: Batch) -> None:
        """The carrier said no: again later if its profile calls the status temporary, else the end."""
        rule = carrier.retry_rule(status)
        now = self.dispatch.clocks.now_ms()
        self.said_no(carrier, entry, status, batch)
        if rule is None or entry.attempts >= rule.tries:
            state = State.REJECTED if rule is None else State.UNDELIVERABLE
            self.dispatch.book.end(entry, state, status, now, batch)
            return
        entry.error = status
        entry.refused_by = carrier.name if rule.next == "other" else ""
        if rule.next == "same":
            keep_to(carrier.name, entry, CommandStatus(status).name)
        if rule.pause:
            carrier.pause(rule.pause)
        self.again(entry, batch, 0.0 if rule.pause else rule.delay)

    def go_on(self, carrier: Carrier, entry: Entry, batch: Batch) -> None:
        """The carrier has taken a segment: the next one leaves when it has a slot, which is no new try."""
        entry.only = carrier.name
        entry.attempts -= 1
        self.again(entry, batch)

    def again(self, entry: Entry, batch: Batch, delay: float = 0.0) -> None:
        """Let a message wait for a carrier once more, after `delay` seconds."""
        self.dispatch.book.move(entry, State.WAITING, entry.message.expires_at, batch)
        if delay:
            self.dispatch.clocks.timer.callLater(delay, self._return, entry)
        else:
            self.dispatch.enqueue(entry, front=True)

    def _return(self, entry: Entry) -> None:
        self.dispatch.enqueue(entry, front=True)
        self.dispatch.pump()

    def unanswered(self, carrier: Carrier, entry: Entry, batch: Batch) -> None:
        """A submit whose answer never came: possibly sent. The carrier's policy says what is done."""
        if carrier.settings.unanswered == "resend":
            keep_to(carrier.name, entry, "no answer")
            self.again(entry, batch)
        elif carrier.settings.unanswered == "elsewhere":
            self.again(entry, batch)
        else:
            self.dispatch.book.end(
                entry,
                State.UNKNOWN,
                CommandStatus.ESME_RDELIVERYFAILURE,
                self.dispatch.clocks.now_ms(),
                batch,
            )
