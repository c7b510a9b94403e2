"""The sweep: every open message has a deadline, and what is due is acted on, once a second, in pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from gateway.filters.review import approval_of
from gateway.relay.batch import Batch, Committer
from gateway.relay.book import Book, Entry
from gateway.relay.clocks import Clocks
from gateway.relay.gathering import Gathering
from gateway.relay.judging import Judging
from gateway.relay.recover import scheduled
from gateway.relay.replies import Replies
from gateway.relay.traffic import Traffic
from gateway.store.rows import State, StoreUnavailable

log = Logger(__name__)

INTERVAL = 1.0
LONGEST_PAUSE = 15.0  # seconds until a store that could not be read is tried again
PAGE = 1000
NO_RECEIPT = {
    "unknown": State.UNKNOWN,
    "expired": State.EXPIRED,
    "undeliverable": State.UNDELIVERABLE,
}


class Sweep:
    """Expires what waits too long, releases what is due, ends what no receipt came for."""

    def __init__(
        self,
        book: Book,
        judging: Judging,
        gathering: Gathering,
        traffic: Traffic,
        replies: Replies,
        committer: Committer,
        clocks: Clocks,
    ) -> None:
        self.book = book
        self.judging = judging
        self.gathering = gathering
        self.dispatch = traffic.dispatch
        self.inquiring = traffic.inquiring
        self.replies = replies
        self.committer = committer
        self.clocks = clocks
        self._loop = LoopingCall(self._turn)
        self._loop.clock = clocks.timer  # type: ignore[assignment]
        self.besides: Callable[[Batch], None] = lambda batch: None
        self._sweeping: Deferred[None] | None = None
        self._failures = 0  # to read the store, in a row
        self._not_before = 0.0  # seconds of the timer

    def start(self) -> None:
        """Begin to sweep."""
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> None:
        """Sweep no more."""
        if self._loop.running:
            self._loop.stop()

    def _turn(self) -> None:
        if self._sweeping is None:
            self._sweeping = Deferred.fromCoroutine(self.sweep())
            self._sweeping.addErrback(lambda failure: log.failure("the sweep failed", failure))
            self._sweeping.addBoth(self._swept)

    def _swept(self, _: object) -> None:
        self._sweeping = None

    async def sweep(self) -> None:
        """Act on what is due now."""
        self.gathering.overdue()
        late = Batch()
        self.replies.overdue(late)
        self.besides(late)
        self.committer.commit(late, must=True)
        while self.clocks.timer.seconds() >= self._not_before:
            now = self.clocks.now_ms()
            try:
                rows = await self.book.ledger.due(now, PAGE)
                batch = Batch()
                async with self.book.loaded([row.id for row in rows]) as entries:
                    acted = [self._act(entry, now, batch) for entry in entries]
            except StoreUnavailable as error:
                self._put_off(str(error))
                return
            if self._failures:
                log.info("what is due is read again, after {count} failures", count=self._failures)
                self._failures = 0
            batch.after.append(self.dispatch.pump)
            await self.committer.commit(batch, must=True)
            if len(rows) < PAGE or not any(acted):
                return

    def _put_off(self, error: str) -> None:
        """The store cannot be read: that is said once, and tried again less and less often."""
        if not self._failures:
            log.warn("what is due cannot be read: {error}", error=error)
        self._failures += 1
        self._not_before = self.clocks.timer.seconds() + min(LONGEST_PAUSE, INTERVAL * 2**self._failures)

    async def hasten(self, ids: Sequence[int]) -> None:
        """Judge messages anew that are deferred, now: what they waited for is there."""
        batch = Batch()
        try:
            async with self.book.loaded(ids) as entries:
                for entry in entries:
                    if entry.state is State.DEFERRED:
                        message = entry.message
                        message.due = scheduled(message.pdu, message.accepted_at)
                        self._release(entry, batch)
        except StoreUnavailable as error:
            log.warn("what was deferred could not be read: {error}", error=str(error))
            return  # it is acted on when it is due
        batch.after.append(self.dispatch.pump)
        await self.committer.commit(batch, must=True)

    def _act(self, entry: Entry, now: int, batch: Batch) -> bool:
        """What the deadline of an entry means in its state; False if it has moved on since it was read."""
        if entry.state.final or entry.deadline is None or entry.deadline > now:
            return False
        if entry.state in (State.WAITING, State.HELD):
            return self.book.end(entry, State.EXPIRED, 0, now, batch)
        if entry.state is State.SENT:
            return self._no_receipt(entry, now, batch)
        if entry.state is State.DEFERRED:
            self._release(entry, batch)
            return True
        if entry.state is State.GATHERING:
            return self.gathering.late(entry, batch)
        return False  # sending ends with its answer or its connection

    def _no_receipt(self, entry: Entry, now: int, batch: Batch) -> bool:
        """No receipt has come in time: the message ends, or its carrier is asked."""
        carrier = self.dispatch.carriers.get(entry.carrier or "")
        policy = carrier.settings.no_receipt if carrier is not None else "unknown"
        if carrier is not None and policy == "query":
            if self.inquiring.asks(carrier, entry, now, batch):
                return True
            policy = carrier.settings.query.then
        return self.book.end(entry, NO_RECEIPT[policy], 0, now, batch)

    def _release(self, entry: Entry, batch: Batch) -> None:
        """A deferred message is due: it is judged anew, a segment when its whole text is due."""
        if entry.message.part is not None and entry.message.part.total > 1:
            self.gathering.release(entry, batch)
        else:
            judgement = self.judging.judge(entry.message, approval_of(entry.decision))
            self.judging.settle(entry, judgement, batch)
