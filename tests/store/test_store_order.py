"""The journal under a database that fails at will: each batch gets one true answer, and the order is kept."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from store_samples import HandOver, inserts
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock

from gateway.store.journal import PROBE, Journal
from gateway.store.rows import ChangeRefused, Frame, StoreUnavailable
from gateway.store.writer import IN_DOUBT, REFUSED, STORED, UNAVAILABLE, Outcome

WELL, FULL, LOST_AFTER, LOST_BEFORE, FULL_HALFWAY = range(5)


class Fickle:
    """A writer that does what it is told to, and keeps what it has stored; every seventh batch is refused."""

    def __init__(self) -> None:
        self.mood = WELL
        self.stored: list[int] = []
        self.doubted: list[int] | None = None
        self.doubted_stored = False

    def write(self, frames: Sequence[Frame]) -> list[Outcome]:
        numbers = [0 if frame == [PROBE] else frame[0][1][0] for frame in frames]
        if self.doubted is not None:
            assert numbers == self.doubted
            if self.mood != WELL:
                return [(IN_DOUBT, "down")] * len(numbers)
            self.doubted = None
            if self.doubted_stored:
                return [(STORED, "")] * len(numbers)
        if self.mood == FULL:
            return [(UNAVAILABLE, "full")] * len(numbers)
        if self.mood in (LOST_AFTER, LOST_BEFORE) and not any(number % 7 == 6 for number in numbers):
            self.doubted, self.doubted_stored = numbers, self.mood == LOST_AFTER
            self.stored += numbers if self.doubted_stored else []
            return [(IN_DOUBT, "lost")] * len(numbers)
        return [self._one(number, place, len(numbers)) for place, number in enumerate(numbers)]

    def _one(self, number: int, place: int, total: int) -> Outcome:
        if self.mood == FULL_HALFWAY and place * 2 >= total:
            return UNAVAILABLE, "full"
        if number % 7 == 6:
            return REFUSED, "sixth"
        self.stored.append(number)
        return STORED, ""

    def reserve(self, name: str, number: int) -> int:
        return number


class Run:
    def __init__(self) -> None:
        self.writer, self.clock = Fickle(), Clock()
        self.jobs: list[tuple[Deferred[Any], Any, tuple[Any, ...]]] = []
        self.journal = Journal(HandOver(self.writer, self.run), self.clock, limit=3)
        self.must: dict[int, bool] = {}
        self.told: dict[int, type[Exception] | None] = {}

    def run(self, function: Any, *args: Any) -> Deferred[Any]:
        assert not self.jobs, "one call at a time"
        self.jobs.append((Deferred(), function, args))
        return self.jobs[0][0]

    def commit(self, must: bool) -> None:
        number = len(self.must) + 1
        self.must[number] = must

        def tell(outcome: type[Exception] | None) -> None:
            assert number not in self.told
            self.told[number] = outcome

        done = self.journal.commit(inserts(number), must)
        done.addCallbacks(lambda _: tell(None), lambda failure: tell(failure.type))

    def turn(self, mood: int) -> None:
        if self.jobs:
            self.writer.mood = mood
            done, function, args = self.jobs.pop()
            maybeDeferred(function, *args).chainDeferred(done)


steps = st.one_of(
    st.tuples(st.just("commit"), st.booleans()),
    st.tuples(st.just("turn"), st.sampled_from([WELL, WELL, FULL, LOST_AFTER, LOST_BEFORE, FULL_HALFWAY])),
    st.tuples(st.just("wait"), st.sampled_from([0.001, 0.002, 0.1, 10.0])),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(steps, max_size=60))
def test_each_batch_gets_one_true_answer_in_order(history):
    run = Run()
    for step, value in history:
        if step == "wait":
            run.clock.advance(value)
        else:
            getattr(run, step)(value)
    for _ in range(len(history) + 2):
        run.turn(WELL)
        run.clock.advance(10.0)
    assert run.journal.queued == 0
    assert not run.journal.failing
    assert run.told.keys() == run.must.keys()
    stored = [number for number in run.writer.stored if number]
    assert stored == sorted(set(stored))
    for number, outcome in run.told.items():
        assert (outcome is None) == (number in stored)
        if run.must[number]:
            assert outcome in (None, ChangeRefused)
        else:
            assert outcome in (None, ChangeRefused, StoreUnavailable)


@settings(deadline=None)
@given(st.lists(steps, max_size=30), st.sampled_from([WELL, FULL, LOST_AFTER]))
def test_stopping_answers_everyone(history, mood):
    run = Run()
    for step, value in history:
        if step == "wait":
            run.clock.advance(value)
        else:
            getattr(run, step)(value)
    stopped = run.journal.stop()
    for _ in range(len(history) + 2):
        run.turn(mood)
    assert stopped.called
    assert run.told.keys() == run.must.keys()
    assert run.clock.getDelayedCalls() == []
