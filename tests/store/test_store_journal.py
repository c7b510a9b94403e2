"""Group commit, on a clock and a thread that the test turns by hand."""

from collections.abc import Callable, Sequence
from typing import Any

from store_samples import HandOver, inserts
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock

from gateway.store.journal import PROBE, Journal
from gateway.store.rows import ChangeRefused, Changes, Frame, StoreUnavailable
from gateway.store.writer import IN_DOUBT, REFUSED, STORED, UNAVAILABLE, Outcome


class Paper:
    """A writer on which the test decides what happens; keeps what each call was given."""

    def __init__(self) -> None:
        self.calls: list[list[Frame]] = []
        self.fate = STORED
        self.refused: list[Frame] = []
        self.error: Exception | None = None

    def write(self, frames: Sequence[Frame]) -> list[Outcome]:
        self.calls.append(list(frames))
        if self.error is not None:
            raise self.error
        return [(REFUSED, "twice") if frame in self.refused else (self.fate, "full") for frame in frames]

    def reserve(self, name: str, number: int) -> int:
        return number


class Thread:
    """Runs nothing before it is told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Deferred[Any], Callable[..., Any], tuple[Any, ...]]] = []

    def __call__(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.waiting.append((done, function, args))
        return done

    def turn(self) -> None:
        done, function, args = self.waiting.pop(0)
        maybeDeferred(function, *args).chainDeferred(done)


class Desk:
    """A journal with its parts, and what became of each commit by its number."""

    def __init__(self, **options: Any) -> None:
        self.paper, self.thread, self.clock = Paper(), Thread(), Clock()
        self.writer = HandOver(self.paper, self.thread)
        self.journal = Journal(self.writer, self.clock, **options)
        self.told: list[tuple[int, str]] = []

    def commit(self, number: int, must: bool = False, patient: bool = False) -> Deferred[Any]:
        done = self.journal.commit(inserts(number), must, patient)
        return done.addCallbacks(
            lambda _: self.told.append((number, "stored")),
            lambda failure: self.told.append((number, failure.type.__name__)),
        )

    def written(self) -> list[list[int]]:
        """The numbers in each transaction tried; a probe is an empty one."""
        return [[frame[0][1][0] for frame in call if frame != [PROBE]] for call in self.paper.calls]


def test_an_idle_journal_commits_at_once():
    desk = Desk(floor=0.001)
    desk.commit(1)
    assert len(desk.thread.waiting) == 1
    assert desk.told == []
    desk.thread.turn()
    assert desk.told == [(1, "stored")]
    desk.clock.advance(0.001)
    desk.commit(2)
    desk.thread.turn()
    assert desk.written() == [[1], [2]]


def test_what_gathers_after_a_commit_has_begun_goes_together_after_the_floor():
    desk = Desk(floor=0.002)
    for number in (1, 2, 3):
        desk.commit(number)
    assert desk.journal.queued == 3
    desk.thread.turn()
    desk.commit(4)
    assert desk.thread.waiting == []
    desk.clock.advance(0.0019)
    assert desk.thread.waiting == []
    desk.clock.advance(0.0002)
    desk.thread.turn()
    assert desk.written() == [[1], [2, 3, 4]]
    assert desk.told == [(1, "stored"), (2, "stored"), (3, "stored"), (4, "stored")]
    assert desk.journal.queued == 0


def test_a_commit_longer_than_the_floor_is_followed_at_once():
    desk = Desk(floor=0.002)
    desk.commit(1)
    desk.commit(2)
    desk.clock.advance(0.01)
    desk.thread.turn()
    desk.thread.turn()
    assert desk.written() == [[1], [2]]


def test_with_two_under_way_the_second_begins_after_the_floor_and_the_third_with_the_first_answer():
    desk = Desk(floor=0.002, depth=2)
    for number in (1, 2):
        desk.commit(number)
    desk.clock.advance(0.002)
    desk.commit(3)
    desk.clock.advance(1)
    assert len(desk.thread.waiting) == 2
    desk.thread.turn()
    assert desk.written() == [[1]]
    desk.thread.turn()
    desk.thread.turn()
    assert desk.written() == [[1], [2], [3]]


def test_a_burst_is_worth_a_commit_of_its_own():
    desk = Desk(floor=0.002, patience=0.005, burst=3, depth=2)
    desk.commit(1)
    desk.thread.turn()
    desk.commit(2)
    desk.commit(3, patient=True)
    assert desk.thread.waiting == []
    desk.journal.commit(inserts(4, 5, 6))
    assert len(desk.thread.waiting) == 1
    desk.thread.turn()
    assert desk.written() == [[1], [2, 3, 4]]
    assert desk.clock.getDelayedCalls() == []
    desk.journal.commit(inserts(7, 8, 9), patient=True)
    assert desk.thread.waiting == []


def test_a_burst_of_what_no_client_waits_for_keeps_to_the_floor():
    desk = Desk(floor=0.002, burst=3, depth=2)
    desk.commit(1)
    desk.thread.turn()
    desk.journal.commit(inserts(2, 3, 4), must=True)
    assert desk.thread.waiting == []
    desk.clock.advance(0.002)
    desk.thread.turn()
    assert desk.written() == [[1], [2]]


def test_a_burst_that_came_while_another_was_written_is_written_with_its_answer():
    desk = Desk(floor=0.002, burst=3)
    desk.commit(1)
    desk.commit(2)
    desk.journal.commit(inserts(3, 4, 5))
    desk.thread.turn()
    desk.thread.turn()
    assert desk.written() == [[1], [2, 3]]


def test_when_all_have_been_told_that_is_said_once():
    desk = Desk(floor=0.002)
    said: list[list[tuple[int, str]]] = []
    desk.journal.told = lambda: said.append([*desk.told])
    desk.commit(1)
    desk.commit(2)
    desk.commit(3)
    desk.thread.turn()
    desk.clock.advance(0.002)
    assert not desk.journal.telling
    desk.thread.turn()
    assert said == [[(1, "stored")], [(1, "stored"), (2, "stored"), (3, "stored")]]


def test_what_is_patient_joins_the_next_commit():
    desk = Desk(floor=0.002, patience=0.005)
    desk.clock.advance(1)
    desk.commit(1, patient=True)
    desk.clock.advance(0.004)
    assert desk.thread.waiting == []
    desk.commit(2)
    desk.thread.turn()
    assert desk.written() == [[1, 2]]
    assert desk.clock.getDelayedCalls() == []


def test_what_is_patient_waits_no_longer_than_its_patience():
    desk = Desk(floor=0.002, patience=0.005)
    desk.commit(1, patient=True)
    desk.clock.advance(0.004)
    desk.commit(2, patient=True)
    desk.clock.advance(0.002)
    desk.thread.turn()
    assert desk.written() == [[1, 2]]


def test_what_is_patient_grows_until_it_is_written():
    desk = Desk(floor=0.002, patience=0.005)
    desk.clock.advance(1)
    patient = inserts(1)
    desk.journal.commit(patient, must=True, patient=True)
    patient.merge(inserts(2))
    assert not patient.closed
    desk.commit(3)
    assert patient.closed
    desk.thread.turn()
    (frames,) = desk.paper.calls
    assert [[row[0] for _, row in frame] for frame in frames] == [[1, 2], [3]]


def test_what_is_patient_and_cannot_be_stored_is_refused_when_it_is_written():
    desk = Desk(floor=0.002, patience=0.005)

    def pack(frame: Frame) -> Frame:
        if frame[0][1] == ("bad", 1):
            raise ValueError("no such counter")
        return frame

    desk.writer.pack = pack
    desk.clock.advance(1)
    changes = Changes()
    changes.add("count", ("bad", 1))
    told: list[str] = []
    desk.journal.commit(changes, patient=True).addErrback(lambda failure: told.append(failure.type.__name__))
    desk.clock.advance(0.004)
    desk.commit(2)
    desk.thread.turn()
    assert told == ["ChangeRefused"]
    assert desk.told == [(2, "stored")]


def test_patience_of_one_does_not_make_others_wait():
    desk = Desk(floor=0.002, patience=0.005)
    desk.commit(1)
    desk.commit(2, patient=True)
    desk.thread.turn()
    assert desk.thread.waiting == []
    desk.commit(3)
    desk.clock.advance(0.002)
    desk.thread.turn()
    assert desk.written() == [[1], [2, 3]]
    desk.commit(4)
    desk.commit(5, patient=True)
    desk.clock.advance(0.002)
    desk.thread.turn()
    assert desk.written() == [[1], [2, 3], [4, 5]]


def test_what_is_patient_is_tried_again_as_the_rest_when_the_database_fails():
    desk = Desk(patience=0.005, retry=1.0)
    desk.paper.fate = UNAVAILABLE
    desk.commit(1, must=True, patient=True)
    desk.clock.advance(0.005)
    desk.thread.turn()
    assert desk.journal.failing
    desk.commit(2, must=True, patient=True)
    desk.paper.fate = STORED
    desk.clock.advance(0.9)
    assert desk.thread.waiting == []
    desk.clock.advance(0.1)
    desk.thread.turn()
    assert desk.written() == [[1], [1, 2]]
    assert desk.told == [(1, "stored"), (2, "stored")]


def test_a_transaction_is_bounded():
    desk = Desk(floor=0.0, limit=2)
    for number in range(1, 7):
        desk.commit(number)
    while desk.thread.waiting:
        desk.thread.turn()
    assert desk.written() == [[1], [2, 3], [4, 5], [6]]


def test_an_empty_batch_is_stored_already():
    desk = Desk()
    done = desk.journal.commit(Changes())
    assert done.called
    assert desk.thread.waiting == []


def test_a_refused_batch_fails_alone():
    desk = Desk()
    desk.paper.refused = [inserts(2).frame()]
    for number in (1, 2, 3):
        desk.commit(number, must=True)
    desk.thread.turn()
    desk.clock.advance(1)
    desk.thread.turn()
    assert desk.told == [(1, "stored"), (2, "ChangeRefused"), (3, "stored")]
    assert not desk.journal.failing
    assert desk.journal.stats.refused == 1


def test_a_failing_database_keeps_what_must_be_kept_and_refuses_the_rest():
    desk = Desk(retry=1.0, retry_most=4.0)
    desk.paper.fate = UNAVAILABLE
    desk.commit(1, must=True)
    desk.commit(2)
    desk.commit(3, must=True)
    desk.thread.turn()
    # 2 was not in the transaction that failed, and need not wait for the next to hear it.
    assert desk.told == [(2, "StoreUnavailable")]
    assert desk.journal.failing
    assert desk.journal.failure == "full"
    desk.commit(4)
    assert desk.told[1:] == [(4, "StoreUnavailable")]
    desk.commit(5, must=True)
    for seconds in (1.0, 2.0, 4.0, 4.0):
        desk.clock.advance(seconds - 0.1)
        assert desk.thread.waiting == []
        desk.clock.advance(0.1)
        desk.thread.turn()
    assert desk.written()[1:] == [[1, 3, 5]] * 4
    assert desk.journal.stats.failures == 5
    desk.paper.fate = STORED
    desk.clock.advance(4.0)
    desk.thread.turn()
    assert desk.told[2:] == [(1, "stored"), (3, "stored"), (5, "stored")]
    assert not desk.journal.failing
    desk.clock.advance(1)
    desk.commit(6)
    desk.thread.turn()
    assert desk.told[-1] == (6, "stored")


def test_what_comes_while_a_retry_runs_shares_its_fate():
    desk = Desk(retry=1.0)
    desk.paper.fate = UNAVAILABLE
    desk.commit(1, must=True)
    desk.thread.turn()
    desk.clock.advance(1.0)
    desk.commit(2)
    desk.commit(3, must=True)
    desk.thread.turn()
    assert desk.told == [(2, "StoreUnavailable")]
    desk.paper.fate = STORED
    desk.clock.advance(2.0)
    desk.thread.turn()
    assert desk.told[1:] == [(1, "stored"), (3, "stored")]


def test_it_finds_out_by_itself_that_the_database_is_back():
    desk = Desk(retry=1.0)
    desk.paper.fate = UNAVAILABLE
    desk.commit(1)
    desk.thread.turn()
    desk.clock.advance(1.0)
    desk.thread.turn()
    assert desk.journal.failing
    desk.paper.fate = STORED
    desk.clock.advance(2.0)
    desk.thread.turn()
    assert not desk.journal.failing
    assert desk.written() == [[1], [], []]


def test_a_writer_that_breaks_is_a_database_that_fails():
    desk = Desk(retry=1.0)
    desk.paper.error = RuntimeError("broken")
    desk.commit(1)
    desk.commit(2, must=True)
    desk.thread.turn()
    assert desk.told == [(1, "StoreUnavailable")]
    desk.paper.error = None
    desk.clock.advance(1.0)
    desk.thread.turn()
    assert desk.told == [(1, "StoreUnavailable"), (2, "stored")]


def test_frames_in_doubt_are_written_again_alone_before_any_other():
    desk = Desk(retry=1.0)
    desk.paper.fate = IN_DOUBT
    desk.commit(1)
    desk.commit(2, must=True)
    desk.thread.turn()
    assert desk.told == []
    assert desk.journal.queued == 2
    desk.clock.advance(1.0)
    desk.thread.turn()
    desk.paper.fate = STORED
    desk.clock.advance(2.0)
    desk.thread.turn()
    desk.clock.advance(1.0)
    desk.thread.turn()
    assert desk.written() == [[1], [1], [1], [2]]
    assert desk.told == [(1, "stored"), (2, "stored")]


def test_stop_writes_what_is_queued():
    desk = Desk(floor=1.0)
    desk.commit(1)
    desk.commit(2)
    desk.thread.turn()
    stopped = desk.journal.stop()
    assert not stopped.called
    desk.commit(3)
    desk.thread.turn()
    assert stopped.called
    assert desk.told == [(1, "stored"), (3, "StoreUnavailable"), (2, "stored")]
    assert desk.journal.stop() is stopped
    assert desk.clock.getDelayedCalls() == []


def test_stop_of_an_idle_journal_is_done_at_once():
    assert Desk().journal.stop().called


def test_stop_tries_a_failing_database_once_more_and_gives_up():
    desk = Desk(retry=60.0)
    desk.paper.fate = UNAVAILABLE
    desk.commit(1, must=True)
    desk.thread.turn()
    stopped = desk.journal.stop()
    desk.thread.turn()
    assert stopped.called
    assert desk.told == [(1, "StoreUnavailable")]
    assert desk.written() == [[1], [1]]
    assert desk.clock.getDelayedCalls() == []


def test_stop_during_a_commit_waits_for_it():
    desk = Desk()
    desk.commit(1)
    desk.commit(2)
    stopped = desk.journal.stop()
    desk.thread.turn()
    desk.thread.turn()
    assert stopped.called
    assert desk.told == [(1, "stored"), (2, "stored")]


def test_a_clock_that_is_set_back_does_not_hold_the_commits():
    desk = Desk(floor=0.002)
    desk.clock.advance(3600)
    desk.commit(1)
    desk.commit(2)
    desk.clock.rightNow -= 3600
    desk.thread.turn()
    desk.clock.advance(0.003)
    desk.thread.turn()
    assert desk.told == [(1, "stored"), (2, "stored")]


def test_what_is_counted():
    desk = Desk(floor=0.0)
    for number in (1, 2, 3):
        desk.commit(number)
    desk.clock.advance(0.5)
    desk.thread.turn()
    desk.clock.advance(0.25)
    desk.thread.turn()
    stats = desk.journal.stats
    assert (stats.commits, stats.operations, stats.seconds) == (2, 3, 0.75)
    assert (stats.last_operations, stats.last_seconds) == (2, 0.25)


def test_errors_say_what_they_are():
    desk = Desk(floor=0.0)
    desk.paper.refused = [inserts(1).frame()]
    failures: list[Any] = []
    desk.journal.commit(inserts(1)).addErrback(failures.append)
    desk.thread.turn()
    desk.paper.fate = UNAVAILABLE
    desk.journal.commit(inserts(2)).addErrback(failures.append)
    desk.thread.turn()
    assert [(failure.type, str(failure.value)) for failure in failures] == [
        (ChangeRefused, "twice"),
        (StoreUnavailable, "full"),
    ]
