"""The calls of one webhook, or of the mail: a bounded part of them in memory, the rest in the store.

Calls of one lane are made in order, the others a few at a time. Who cannot be reached is left in peace for
ever longer, and then asked with one call; a call that somebody who is reached does not want waits alone, and
its lane with it. What was not taken in so long a time is given up and kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from gateway.relay.batch import Batch, Committer
from gateway.relay.calls import Outcome
from gateway.relay.clocks import Clocks
from gateway.store.calls import CallRow, calls_after
from gateway.store.ledger import Ledger
from gateway.store.rows import StoreUnavailable

log = Logger(__name__)

MEMORY = 200  # calls of one webhook
PAGE = 100
MOST_TURNS = 20  # a pause is doubled so often at the most


class Terms(NamedTuple):
    """How calls are made; seconds."""

    calls: int
    first: float
    longest: float
    give_up: float


Make = Callable[[CallRow], Awaitable[Outcome]]


class Caller:
    """Makes the calls of one webhook by `make`. `gave_up` is told when a call was given up."""

    def __init__(
        self, name: str, terms: Terms, make: Make, ledger: Ledger, committer: Committer, clocks: Clocks
    ) -> None:
        self.name = name
        self.terms = terms
        self.make = make
        self.ledger = ledger
        self.committer = committer
        self.clocks = clocks
        self.gave_up: Callable[[], None] = lambda: None
        self.counts: Counter[str] = Counter()
        self.waiting = 0  # calls that are neither taken nor given up
        self.dead = 0  # those given up
        self.failing_since: float | None = None  # of the timer
        self.why = ""  # it fails
        self.stopped = False
        self._failures = 0
        self._until = 0.0
        self._queue: dict[int, CallRow] = {}  # in order
        self._under_way: dict[int, int] = {}  # lanes by seq
        self._known: set[int] = set()  # in memory, or not off the disk yet: not to be read again
        self._gone: list[int] = []  # those that left the disk while it was read
        self._beyond: int | None = None  # calls after this seq wait in the store alone
        self._reading = False

    def restore(self, waiting: int, dead: int) -> None:
        """The store holds so many."""
        self.waiting, self.dead = waiting, dead
        if waiting:
            self._beyond = 0

    def offer(self, row: CallRow) -> None:
        """A call that is on disk now, or, with a seq below 0, that no disk could take."""
        self.waiting += 1
        full = self._beyond is not None or self._reading or len(self._queue) >= MEMORY
        if full and row.seq > 0:
            self._left(row.seq)
        else:
            self._put(row)
        self.pump()

    def again(self, rows: Collection[CallRow]) -> None:
        """Calls that had been given up wait again, on disk."""
        self.dead -= len(rows)
        self.waiting += len(rows)
        for row in rows:
            self._left(row.seq)
        self.pump()

    def dropped(self, rows: Collection[CallRow]) -> None:
        """A person has these dropped, on disk."""
        dead = sum(row.dead for row in rows)
        self.dead -= dead
        self.waiting -= len(rows) - dead
        for row in rows:
            self._queue.pop(row.seq, None)
            self._forget(row.seq)
        self.pump()

    def _left(self, seq: int) -> None:
        """A call from this seq on waits in the store alone."""
        self._beyond = seq - 1 if self._beyond is None else min(self._beyond, seq - 1)

    def _put(self, row: CallRow) -> None:
        if row.seq in self._known:
            return
        self._known.add(row.seq)
        if self._queue and row.seq > 0 and row.seq < next(reversed(self._queue)):
            self._queue = dict(sorted([*self._queue.items(), (row.seq, row)]))
        else:
            self._queue[row.seq] = row

    # calling

    def pump(self) -> None:
        """Make the calls that can be made now."""
        if self.stopped:
            return
        now = self.clocks.now_ms()
        if self.failing_since is not None:
            self._bury(now)
        if self.clocks.timer.seconds() >= self._until:
            self._begin(now)
        self._read_on()

    def _bury(self, now: int) -> None:
        """While nobody can be reached, what is too old is given up without one more attempt."""
        batch = Batch()
        for row in list(self._queue.values()):
            if row.seq not in self._under_way and self._too_old(row, now):
                self._give_up(row._replace(error=self.why[:200]), batch)
        self.committer.commit(batch, must=True)

    def _too_old(self, row: CallRow, now: int) -> bool:
        return now - row.created_at >= self.terms.give_up * 1000

    def _begin(self, now: int) -> None:
        blocked = {lane for lane in self._under_way.values() if lane}
        room = (1 if self._failures else self.terms.calls) - len(self._under_way)
        for row in list(self._queue.values()):
            if room <= 0 or len(self._known) - len(self._queue) >= MEMORY:
                return
            if row.seq in self._under_way or row.lane in blocked:
                continue
            if row.lane:
                blocked.add(row.lane)
            if row.due > now:
                continue
            room -= 1
            self._under_way[row.seq] = row.lane
            Deferred.fromCoroutine(self._make(row)).addErrback(
                lambda failure: log.failure("a call of {name} went wrong", failure, name=self.name)
            )

    async def _make(self, row: CallRow) -> None:
        failures = self._failures
        try:
            outcome = await self.make(row)
        except Exception as error:  # whoever makes calls must not stop them
            log.failure("a call of {name} could not be made", name=self.name)
            outcome = Outcome(type(error).__name__)
        del self._under_way[row.seq]
        if row.seq in self._queue:
            self._settle(row, outcome)
        self._judge(outcome, failures)
        self.pump()

    def _judge(self, outcome: Outcome, failures: int) -> None:
        """Whether the other calls wait too. Of calls that fail together the first counts."""
        now = self.clocks.timer.seconds()
        if outcome.reached:
            self._failures, self.failing_since, self.why = 0, None, ""
        elif failures == self._failures:
            if self.failing_since is None:
                log.warn("{name} cannot be called: {why}", name=self.name, why=outcome.why)
                self.failing_since = now
            self._failures += 1
            self.why = outcome.why
            self._until = now + max(self._pause(failures), min(outcome.wait, self.terms.longest))

    def _settle(self, row: CallRow, outcome: Outcome) -> None:
        """Done, again later, or given up."""
        now = self.clocks.now_ms()
        batch = Batch()
        if not outcome.why:
            self.counts["taken"] += 1
            self._leave(row, batch)
            if row.seq > 0:
                batch.changes.add("called", (row.seq,))
        elif self._too_old(row, now):
            self._give_up(row._replace(attempts=row.attempts + 1, error=outcome.why[:200]), batch)
        else:
            self.counts["again"] += 1
            pause = self._pause(row.attempts) if outcome.reached else 0.0
            row = row._replace(
                attempts=row.attempts + 1, due=now + int(pause * 1000), error=outcome.why[:200]
            )
            self._queue[row.seq] = row
            if row.seq > 0:
                batch.changes.add("call", tuple(row))
        self.committer.commit(batch, must=True)

    def _give_up(self, row: CallRow, batch: Batch) -> None:
        self.counts["given_up"] += 1
        log.error("a call of {name} is given up: {why}", name=self.name, why=row.error)
        self._leave(row, batch)
        if row.seq > 0:
            batch.changes.add("call", tuple(row._replace(dead=1)))
            self.dead += 1
            self.gave_up()

    def _leave(self, row: CallRow, batch: Batch) -> None:
        self.waiting -= 1
        del self._queue[row.seq]
        batch.after.append(lambda: self._forget(row.seq))

    def _pause(self, failures: int) -> float:
        return min(self.terms.first * 2.0 ** min(failures, MOST_TURNS), self.terms.longest)

    # the store

    def _forget(self, seq: int) -> None:
        """A call has left the disk, but a read that is under way may have seen it there."""
        if self._reading:
            self._gone.append(seq)
        else:
            self._known.discard(seq)
            self._read_on()

    def _read_on(self) -> None:
        if self._beyond is None or self._reading or self.stopped or len(self._queue) > MEMORY // 2:
            return
        self._reading = True
        Deferred.fromCoroutine(self._read()).addErrback(
            lambda failure: log.failure("the calls of {name} could not be read", failure, name=self.name)
        )

    async def _read(self) -> None:
        after, self._beyond = self._beyond or 0, None
        try:
            rows = await self.ledger.read(calls_after, self.name, after, PAGE)
        except StoreUnavailable:
            self._left(after + 1)
            rows = []
        finally:
            self._reading = False
        for row in rows:
            self._put(row)
        if len(rows) == PAGE:
            self._left(rows[-1].seq + 1)
        self._known.difference_update(self._gone)
        self._gone.clear()
        if rows:
            self.pump()
