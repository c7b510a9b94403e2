"""The journal: group commit. What gathers while one transaction runs goes into the next one."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from gateway.store.rows import ChangeRefused, Changes, Frame, StoreUnavailable
from gateway.store.writer import IN_DOUBT, REFUSED, STORED, UNAVAILABLE, Outcome

T = TypeVar("T")

log = Logger()

# What is written to see if a failed database is back when nothing else waits to be written.
PROBE: Frame = [("count", ("probe", 0))]


class FrameWriter(Protocol):
    """What the journal needs of a `Writer`, wherever that runs."""

    def write(self, frames: Sequence[Frame]) -> list[Outcome]: ...

    def reserve(self, name: str, number: int) -> int: ...


class Timer(Protocol):
    """Monotonic seconds and delayed calls; `task.Clock` is one."""

    def seconds(self) -> float: ...

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any) -> IDelayedCall: ...


class Runner(Protocol):
    """Calls a function where it may block, one call at a time and in order."""

    def __call__(self, function: Callable[..., T], *args: Any) -> Deferred[T]: ...


@dataclass(slots=True)
class JournalStats:
    """Counters since the start; seconds are from handing frames to the writer to having its answer."""

    commits: int = 0  # transactions that stored something
    operations: int = 0  # row operations in them
    seconds: float = 0.0
    last_operations: int = 0
    last_seconds: float = 0.0
    refused: int = 0  # batches
    failures: int = 0  # times that the database failed


@dataclass(slots=True, eq=False)
class _Entry:
    frame: Frame
    must: bool
    done: Deferred[None] = field(default_factory=Deferred)


class Journal:
    """Commits batches of changes in order, many to a transaction.

    When idle it commits at once, under load at most every `floor` seconds, at most about `limit` operations
    in one transaction. After a failure it tries again by itself, `retry` seconds later and then ever less
    often up to every `retry_most`; until that has succeeded whatever need not be kept is refused at once.
    """

    def __init__(
        self,
        writer: FrameWriter,
        run: Runner,
        clock: Timer,
        *,
        floor: float = 0.002,
        limit: int = 10_000,
        retry: float = 0.1,
        retry_most: float = 5.0,
        seal: Callable[[Frame], Frame] | None = None,
    ) -> None:
        """`seal` makes of a frame what may stand on disk."""
        self.stats = JournalStats()
        self.failure: str | None = None  # why, while the database fails
        self._writer = writer
        self._run = run
        self._seal = seal
        self._clock = clock
        self._floor = floor
        self._limit = limit
        self._retry = self._retry_next = retry
        self._retry_most = retry_most
        self._queue: deque[_Entry] = deque()
        self._doubted: list[_Entry] = []
        self._writing: list[_Entry] = []
        self._timer: Any = None  # an IDelayedCall; mypy reads the methods of zope's interfaces wrongly
        self._started = clock.seconds()
        self._stopped: Deferred[None] | None = None

    @property
    def failing(self) -> bool:
        """Whether the last transaction failed for the database's fault."""
        return self.failure is not None

    @property
    def queued(self) -> int:
        """Batches that are not on disk yet."""
        return len(self._queue) + len(self._doubted) + len(self._writing)

    def commit(self, changes: Changes, must: bool = False) -> Deferred[None]:
        """Store a batch; fires when it is on disk.

        Fails with ChangeRefused if the rows are at fault. If the database is, fails with StoreUnavailable and
        nothing is stored, but with `must` it is kept, in order, and tried until it is stored.
        """
        if changes.empty:
            return succeed(None)
        if self._stopped is not None:
            return fail(StoreUnavailable("the store is stopping"))
        if self.failure is not None and self._timer is not None and not must:
            return fail(StoreUnavailable(self.failure))
        try:
            frame = changes.frame() if self._seal is None else self._seal(changes.frame())
        except (ValueError, TypeError) as error:
            return fail(ChangeRefused(f"cannot be sealed: {error}"))
        entry = _Entry(frame, must)
        self._queue.append(entry)
        if self._timer is None and not self._writing:
            self._write()
        return entry.done

    def reserve(self, name: str, number: int) -> Deferred[int]:
        """The first of `number` ids never given out before. Fails with StoreUnavailable."""
        return self._run(self._writer.reserve, name, number)

    def stop(self) -> Deferred[None]:
        """Take no more, write what has gathered, give up what a failing database does not take."""
        if self._stopped is None:
            self._stopped = Deferred()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if not self._writing:
                self.failure = None  # for a last attempt
                self._finish()
        return self._stopped

    def _write(self) -> None:
        self._timer = None
        entries = self._doubted or self._gather() or [_probe()]
        self._doubted = []
        self._writing = entries
        self._started = self._clock.seconds()
        written = self._run(self._writer.write, [entry.frame for entry in entries])
        written.addErrback(self._broken)
        written.addCallback(self._written)

    def _gather(self) -> list[_Entry]:
        entries: list[_Entry] = []
        operations = 0
        while self._queue and operations < self._limit:
            entry = self._queue.popleft()
            operations += len(entry.frame)
            entries.append(entry)
        return entries

    def _broken(self, failure: Failure) -> list[Outcome]:
        log.failure("the writer of the store broke", failure=failure)
        return [(UNAVAILABLE, failure.getErrorMessage())] * len(self._writing)

    def _written(self, outcomes: list[Outcome]) -> None:
        """Tell each batch its outcome, and only then go on: what that leads to joins the next commit."""
        pairs = list(zip(self._writing, outcomes, strict=True))
        loaded = bool(self._queue)
        self._count(pairs)
        self._judge(next((why for fate, why in outcomes if fate in (UNAVAILABLE, IN_DOUBT)), None))
        self._doubted = [entry for entry, (fate, _) in pairs if fate == IN_DOUBT]
        kept = [entry for entry, (fate, _) in pairs if fate == UNAVAILABLE and entry.must]
        self._queue.extendleft(reversed(kept))
        for entry, (fate, why) in pairs:
            if fate == STORED:
                entry.done.callback(None)
            elif fate == REFUSED:
                log.error("the store refused a batch: {why}", why=why)
                entry.done.errback(ChangeRefused(why))
            elif fate == UNAVAILABLE and not entry.must:
                entry.done.errback(StoreUnavailable(why))
        if self.failure is not None:
            self._turn_away(self.failure)
        self._writing = []
        self._next(self._floor if loaded else 0.0)

    def _count(self, pairs: list[tuple[_Entry, Outcome]]) -> None:
        stats = self.stats
        stats.refused += sum(fate == REFUSED for _, (fate, _) in pairs)
        stored = sum(len(entry.frame) for entry, (fate, _) in pairs if fate == STORED)
        if stored:
            stats.commits += 1
            stats.operations += stored
            stats.last_operations = stored
            stats.last_seconds = self._clock.seconds() - self._started
            stats.seconds += stats.last_seconds

    def _judge(self, failure: str | None) -> None:
        if failure is not None:
            if self.failure is None:
                log.error("the store fails: {why}", why=failure)
            self.stats.failures += 1
        else:
            if self.failure is not None:
                log.info("the store works again")
            self._retry_next = self._retry
        self.failure = failure

    def _turn_away(self, why: str) -> None:
        """Nobody who may be refused has to wait until a failing database works again."""
        waiting, self._queue = self._queue, deque(entry for entry in self._queue if entry.must)
        for entry in waiting:
            if not entry.must:
                entry.done.errback(StoreUnavailable(why))

    def _next(self, floor: float) -> None:
        if self._stopped is not None:
            self._finish()
        elif self.failure is not None:
            self._timer = self._clock.callLater(self._retry_next, self._write)
            self._retry_next = min(2 * self._retry_next, self._retry_most)
        elif self._queue:
            rest = self._started + floor - self._clock.seconds()
            if rest > 0:
                self._timer = self._clock.callLater(min(rest, floor), self._write)  # clocks are set back
            else:
                self._write()

    def _finish(self) -> None:
        """Write what is left, or give it up once that has failed."""
        assert self._stopped is not None
        left = [*self._doubted, *self._queue]
        if left and self.failure is None:
            self._write()
            return
        self._doubted = []
        self._queue.clear()
        for entry in left:
            entry.done.errback(StoreUnavailable(f"stopped before it could be stored: {self.failure}"))
        self._stopped.callback(None)


def _probe() -> _Entry:
    entry = _Entry(PROBE, must=False)
    entry.done.addErrback(lambda _: None)
    return entry
