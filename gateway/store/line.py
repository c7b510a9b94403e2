"""The line to a writer: frames are numbered, so that each is stored once, whatever breaks on the way."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.store.journal import Runner
from gateway.store.rows import Frame, StoreUnavailable
from gateway.store.writer import IN_DOUBT, Outcome, Writer

T = TypeVar("T")


class WriterGone(StoreUnavailable):
    """The writer has died: what it was handed is stored or not."""


class Answer(NamedTuple):
    """What a writer says: the outcome of each frame, and the number of the last one on record."""

    outcomes: list[Outcome]
    number: int


Ask = Callable[[Sequence[Any], int, bool], Deferred[Answer]]
"""Hand frames, the number of the first, and whether they come again, to a writer; answers come in order."""


class Line:
    """Hands frames to a writer, by `ask`, and knows which of them may be stored without anybody knowing.

    `number` is the last on record; `reserve` gives ids, `read` works out what is named, `pack` makes of a
    frame what can be handed over.
    """

    def __init__(
        self,
        ask: Ask,
        reserve: Callable[[str, int], Deferred[int]],
        read: Callable[..., Deferred[Any]],
        number: int,
        pack: Callable[[Frame], Any] = lambda frame: frame,
    ) -> None:
        self.pack = pack
        self.reserve = reserve
        self.read = read
        self._ask = ask
        self._next = number + 1
        self._flying = 0
        self._doubtful: int | None = None  # the first that may be on record

    def write(self, frames: Sequence[Any]) -> Deferred[list[Outcome]]:
        """Store packed frames; as `Writer.write`, which says what comes of it."""
        again = self._doubtful is not None
        first = self._next if self._doubtful is None else self._doubtful
        self._next = first + len(frames)
        self._flying += 1
        answered = self._ask(frames, first, again)
        return answered.addCallbacks(
            lambda answer: self._answered(answer, first, again),
            lambda failure: self._lost(failure, first, len(frames)),
        )

    def _answered(self, answer: Answer, first: int, again: bool) -> list[Outcome]:
        self._flying -= 1
        outcomes = answer.outcomes
        if any(fate == IN_DOUBT for fate, _ in outcomes):
            self._doubt(first)
        elif again:
            self._doubtful = None
        if not self._flying:
            self._next = answer.number + 1
        return outcomes

    def _lost(self, failure: Failure, first: int, count: int) -> list[Outcome]:
        self._flying -= 1
        if failure.check(WriterGone) is None:
            self._next = first
            failure.raiseException()
        self._doubt(first)
        return [(IN_DOUBT, failure.getErrorMessage())] * count

    def _doubt(self, first: int) -> None:
        self._doubtful = first if self._doubtful is None else min(first, self._doubtful)


def threaded(writer: Writer, run: Runner, pack: Callable[[Frame], Any] = lambda frame: frame) -> Line:
    """A line to a writer in a thread; opens it here. Raises StoreUnavailable."""

    def write(frames: Sequence[Frame], first: int, again: bool) -> Answer:
        return Answer(writer.write(frames, first, again), writer.number)

    return Line(
        lambda *asked: run(write, *asked),
        lambda name, number: run(writer.reserve, name, number),
        lambda name, *args: run(writer.read, name, *args),
        writer.open(),
        pack,
    )
