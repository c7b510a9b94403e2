"""The line to a writer that dies at will: each batch is stored once or not, in order, and its owner knows."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from store_samples import inserts
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from gateway.store.journal import Journal
from gateway.store.line import Answer, Line, WriterGone
from gateway.store.rows import ChangeRefused, Row, StoreUnavailable
from gateway.store.statements import program
from gateway.store.writer import InDoubt, Prepared, Writer

PROGRAM = program("sqlite")
WELL, FULL, DIES_BEFORE, DIES_AFTER, LINE_BEFORE, LINE_AFTER, DOWN = range(7)


class Died(BaseException):
    """SIGKILL."""


class Disk:
    """What is on disk, and a driver that writes there as its mood is; every seventh batch is refused."""

    kind = "sqlite"

    def __init__(self) -> None:
        self.mood = WELL
        self.stored: list[int] = []
        self.number = 0

    def open(self) -> int:
        if self.mood == DOWN:
            raise StoreUnavailable("down")
        return self.number

    def run(self, runs: Iterable[tuple[Prepared, Sequence[Row]]], number: int) -> None:
        ids = [int(str(row[0])) for each, rows in runs for row in rows if each.name == "insert"]
        if any(id % 7 == 6 for id in ids):
            raise ChangeRefused("sixth")
        if self.mood in (FULL, DOWN):
            raise StoreUnavailable("full")
        if self.mood == DIES_BEFORE:
            raise Died
        if self.mood == LINE_BEFORE:
            raise InDoubt("cut")
        self.stored += ids
        self.number = number
        if self.mood == DIES_AFTER:
            raise Died
        if self.mood == LINE_AFTER:
            raise InDoubt("cut")

    def ask(self, sql: str, row: Row) -> int:
        return 1

    def query(self, sql: str, row: Row) -> list[Row]:
        return []

    def close(self) -> None:
        """Nothing is open."""


class Run:
    """A journal, and its writer in a process that is made of a list."""

    def __init__(self, depth: int) -> None:
        self.disk, self.clock = Disk(), Clock()
        self.writer = Writer(self.disk, PROGRAM)
        self.asked: deque[tuple[Deferred[Answer], tuple[Any, ...]]] = deque()
        line = Line(self.ask, Deferred, Deferred, self.writer.open())
        self.journal = Journal(line, self.clock, limit=3, depth=depth)
        self.must: dict[int, bool] = {}
        self.told: dict[int, type[Exception] | None] = {}

    def ask(self, *order: Any) -> Deferred[Answer]:
        assert len(self.asked) < 2
        done: Deferred[Answer] = Deferred()
        self.asked.append((done, order))
        return done

    def commit(self, must: bool) -> None:
        number = len(self.must) + 1
        self.must[number] = must

        def tell(outcome: type[Exception] | None) -> None:
            assert number not in self.told
            self.told[number] = outcome

        done = self.journal.commit(inserts(number), must)
        done.addCallbacks(lambda _: tell(None), lambda failure: tell(failure.type))

    def turn(self, mood: int) -> None:
        """The writer does what was asked first, or dies of it with all that waits."""
        if not self.asked:
            return
        self.disk.mood = mood
        done, order = self.asked.popleft()
        try:
            answer = Answer(self.writer.write(*order), self.writer.number)
        except Died:
            self.writer = Writer(self.disk, PROGRAM)
            waiting, self.asked = [done, *(each for each, _ in self.asked)], deque()
            for each in waiting:
                each.errback(Failure(WriterGone("died")))
        else:
            done.callback(answer)

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)


moods = [WELL, WELL, WELL, FULL, DIES_BEFORE, DIES_AFTER, LINE_BEFORE, LINE_AFTER, DOWN]
steps = st.one_of(
    st.tuples(st.just("commit"), st.booleans()),
    st.tuples(st.just("turn"), st.sampled_from(moods)),
    st.tuples(st.just("wait"), st.sampled_from([0.001, 0.002, 0.1, 10.0])),
)


@settings(deadline=None, max_examples=500)
@given(st.lists(steps, max_size=60), st.sampled_from([1, 2]))
def test_each_batch_is_stored_once_or_not_and_its_owner_is_told(history, depth):
    run = Run(depth)
    for step, value in history:
        getattr(run, step)(value)
    for _ in range(4 * len(history) + 4):
        run.turn(WELL)
        run.clock.advance(10.0)
    assert run.journal.queued == 0
    assert not run.journal.failing
    assert run.disk.stored == sorted(set(run.disk.stored))
    assert run.told.keys() == run.must.keys()
    stored = {number for number, outcome in run.told.items() if outcome is None}
    assert stored == set(run.disk.stored)
    refused = {number for number in run.must if number % 7 == 6}
    for number, outcome in run.told.items():
        if run.must[number]:
            assert outcome is (ChangeRefused if number in refused else None)


@settings(deadline=None)
@given(st.lists(steps, max_size=40), st.sampled_from([WELL, FULL, DIES_BEFORE, DIES_AFTER]))
def test_stopping_answers_everyone(history, mood):
    run = Run(2)
    for step, value in history:
        getattr(run, step)(value)
    stopped = run.journal.stop()
    for _ in range(4 * len(history) + 4):
        run.turn(mood)
    assert stopped.called
    assert run.told.keys() == run.must.keys()
    assert run.clock.getDelayedCalls() == []


def test_two_are_under_way_and_a_third_waits():
    run = Run(2)
    for _ in range(3):
        run.commit(True)
        run.wait(0.01)
    assert [order[1] for _, order in run.asked] == [1, 2]
    run.turn(WELL)
    run.wait(0.01)
    assert [order[1] for _, order in run.asked] == [2, 3]
