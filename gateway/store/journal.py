"""The journal: group commit. What gathers while one transaction runs goes into the next one."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from gateway.store.rows import ChangeRefused, Changes, Frame, StoreUnavailable
from gateway.store.writer import IN_DOUBT, REFUSED, STORED, UNAVAILABLE, UNTRIED, Outcome

T = TypeVar("T")

log = Logger(__name__)

# What is written to see if a failed database is back when nothing else waits to be written.
PROBE = ("count", ("probe", 0))


class FrameWriter(Protocol):
    """What the journal needs of a `Writer`, wherever that runs: a `Line` to it."""

    pack: Callable[[Frame], Any]
    """Makes of a frame what can be handed over. Raises ValueError or TypeError if that cannot be stored."""

    def write(self, frames: Sequence[Any]) -> Deferred[list[Outcome]]:
        """Store packed frames. Several calls may be under way; they are answered in order. Frames that come
        back IN_DOUBT are to be written again, they alone and in the same order, before any others.
        """


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
    changes: Changes
    must: bool
    patient: bool = False
    frame: Any = None  # packed
    operations: int = 0  # in it
    done: Deferred[None] = field(default_factory=Deferred)


@dataclass(slots=True, eq=False)
class _Flight:
    """What was handed to the writer in one call."""

    entries: list[_Entry]
    began: float


class Journal:
    """Commits batches of changes in order, many to a transaction.

    It commits at once, but at most every `floor` seconds, and at most about `limit` operations in one
    transaction. A batch of `burst` operations that may be refused is worth a transaction of its own: it may
    be all that a client sends before it is answered. What is patient, since nobody waits for it, joins the
    next transaction, and begins one itself after `patience` seconds. `depth` calls of the writer may be under
    way, so that it need not wait for what an answer of it leads to. After a failure it tries again by itself,
    `retry` seconds later and then ever less often up to every `retry_most`; until that has succeeded whatever
    need not be kept is refused at once.
    """

    def __init__(
        self,
        writer: FrameWriter,
        clock: Timer,
        *,
        floor: float = 0.002,
        burst: int = 8,
        patience: float = 0.005,
        limit: int = 10_000,
        depth: int = 1,
        retry: float = 0.1,
        retry_most: float = 5.0,
    ) -> None:
        self.stats = JournalStats()
        self.failure: str | None = None  # why, while the database fails
        self.telling = False
        """Whether batches are told what became of them, one after the other."""
        self.told: Callable[[], None] = lambda: None
        """Is called when all batches of a transaction have been told."""
        self._writer = writer
        self._clock = clock
        self._floor = floor
        self._burst = burst
        self._patience = patience
        self._limit = limit
        self._depth = depth
        self._retry = self._retry_next = retry
        self._retry_most = retry_most
        self._queue: deque[_Entry] = deque()
        self._flights: deque[_Flight] = deque()
        self._doubted: list[_Entry] = []  # comes again alone, when all flights are back
        self._returned: list[_Entry] = []  # comes again before what is in the queue
        self._timer: Any = None  # an IDelayedCall; mypy reads the methods of zope's interfaces wrongly
        self._hurried = False  # whether the timer is for more than what is patient
        self._started = clock.seconds() - floor  # so that the first need not wait
        self._stopped: Deferred[None] | None = None

    @property
    def failing(self) -> bool:
        """Whether the last transaction failed for the database's fault."""
        return self.failure is not None

    @property
    def queued(self) -> int:
        """Batches that are not on disk yet."""
        flying = sum(len(flight.entries) for flight in self._flights)
        return len(self._queue) + len(self._doubted) + len(self._returned) + flying

    def commit(self, changes: Changes, must: bool = False, patient: bool = False) -> Deferred[None]:
        """Store a batch; fires when it is on disk, which nobody waits for if it is `patient`: then the batch
        may still grow until it is `closed`.

        Fails with ChangeRefused if the rows are at fault. If the database is, fails with StoreUnavailable and
        nothing is stored, but with `must` it is kept, in order, and tried until it is stored.
        """
        if changes.empty:
            return succeed(None)
        if self._stopped is not None:
            return fail(StoreUnavailable("the store is stopping"))
        if self.failure is not None and self._timer is not None and not must:
            return fail(StoreUnavailable(self.failure))
        entry = _Entry(changes, must, patient)
        if not patient and not self._packed(entry):
            return entry.done
        self._queue.append(entry)
        if not self.telling:
            self._next([entry])
        return entry.done

    def stop(self) -> Deferred[None]:
        """Take no more, write what has gathered, give up what a failing database does not take."""
        if self._stopped is None:
            self._stopped = Deferred()
            self._still()
            if not self._flights:
                self.failure = None  # for a last attempt
                self._finish()
        return self._stopped

    @property
    def _may_write(self) -> bool:
        """Whether the writer may be called now: what comes back is decided before anything else."""
        if self.failure is not None or self._doubted or self._returned:
            return not self._flights
        return len(self._flights) < self._depth

    def _write(self) -> None:
        self._still()
        entries = self._doubted or self._gather() or [self._probe()]
        self._doubted = []
        self._started = self._clock.seconds()
        flight = _Flight(entries, self._started)
        self._flights.append(flight)
        written = self._writer.write([entry.frame for entry in entries])
        written.addErrback(self._broken, flight)
        written.addCallback(self._written, flight)

    def _gather(self) -> list[_Entry]:
        entries: list[_Entry] = []
        operations = 0
        while self._queue and operations < self._limit:
            entry = self._queue.popleft()
            if entry.frame is not None or self._packed(entry):
                operations += entry.operations
                entries.append(entry)
        return entries

    def _packed(self, entry: _Entry) -> bool:
        """Make what is handed to the writer; False, and the batch is refused, if that cannot be."""
        frame = entry.changes.frame()
        try:
            entry.frame, entry.operations = self._writer.pack(frame), len(frame)
        except (ValueError, TypeError) as error:
            entry.done.errback(ChangeRefused(f"cannot be stored: {error}"))
            return False
        return True

    def _probe(self) -> _Entry:
        changes = Changes()
        changes.add(*PROBE)
        entry = _Entry(changes, must=False)
        self._packed(entry)
        entry.done.addErrback(lambda _: None)
        return entry

    def _broken(self, failure: Failure, flight: _Flight) -> list[Outcome]:
        log.failure("the writer of the store broke", failure=failure)
        return [(UNAVAILABLE, failure.getErrorMessage())] * len(flight.entries)

    def _written(self, outcomes: list[Outcome], flight: _Flight) -> None:
        """Tell each batch its outcome, and only then go on: what that leads to joins the next commit."""
        pairs = list(zip(flight.entries, outcomes, strict=True))
        self._count(pairs, flight)
        tried = [(fate, why) for fate, why in outcomes if fate != UNTRIED]
        if tried:
            failures = [why for fate, why in tried if fate in (UNAVAILABLE, IN_DOUBT)]
            self._judge(failures[0] if failures else None)
        self.telling = True
        for entry, (fate, why) in pairs:
            if fate == STORED:
                entry.done.callback(None)
            elif fate == REFUSED:
                log.error("the store refused a batch: {why}", why=why)
                entry.done.errback(ChangeRefused(why))
            elif fate == IN_DOUBT:
                self._doubted.append(entry)
            elif fate == UNTRIED or entry.must:
                self._returned.append(entry)
            else:
                entry.done.errback(StoreUnavailable(why))
        self._flights.popleft()
        if not self._flights:
            self._queue.extendleft(reversed(self._returned))
            self._returned.clear()
        if self.failure is not None:
            self._turn_away(self.failure)
        self.telling = False
        self.told()
        self._next(self._queue)

    def _count(self, pairs: list[tuple[_Entry, Outcome]], flight: _Flight) -> None:
        stats = self.stats
        stored = 0
        for entry, (fate, _) in pairs:
            if fate == STORED:
                stored += entry.operations
            elif fate == REFUSED:
                stats.refused += 1
        if stored:
            stats.commits += 1
            stats.operations += stored
            stats.last_operations = stored
            stats.last_seconds = self._clock.seconds() - flight.began
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

    def _next(self, news: Iterable[_Entry]) -> None:
        """Write what waits, of which nobody has seen to these yet, as soon as that may be."""
        if not self._may_write:
            return
        if self._stopped is not None:
            if not self._flights:
                self._finish()
        elif self.failure is not None:
            if self._timer is None:
                self._timer = self._clock.callLater(self._retry_next, self._write)
                self._retry_next = min(2 * self._retry_next, self._retry_most)
        elif self._doubted:
            self._write()
        elif self._queue:
            self._write_after(news)

    def _write_after(self, news: Iterable[_Entry]) -> None:
        """Write when the most urgent of these asks for it, if nothing has asked for that before."""
        urgent = [entry for entry in news if not entry.patient]
        if any(entry.operations >= self._burst and not entry.must for entry in urgent):
            self._write()
        elif self._timer is None or (urgent and not self._hurried):
            rest = self._patience
            if urgent:  # clocks are set back
                rest = min(self._started + self._floor - self._clock.seconds(), self._floor)
            if rest > 0:
                self._still()
                self._timer, self._hurried = self._clock.callLater(rest, self._write), bool(urgent)
            else:
                self._write()

    def _still(self) -> None:
        """Nothing is to be written by the timer."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

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
