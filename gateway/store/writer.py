"""The writer: frames in, outcomes out, one transaction for all of them when all is well.

It is synchronous and knows no reactor, so it runs in a thread or in a process of its own.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlalchemy import Insert, bindparam
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect

from gateway.store.rows import ChangeRefused, Frame, Row, StoreUnavailable
from gateway.store.schema import counter
from gateway.store.statements import Statement, fold, registered

STORED, REFUSED, UNAVAILABLE, IN_DOUBT = range(4)
Outcome = tuple[int, str]
"""What became of a frame: one of the four above, and why."""


class InDoubt(StoreUnavailable):
    """The line to the database broke at the commit: stored or not will be seen when it is back."""


class Driver(Protocol):
    """One connection to a database, made when needed and dropped when it fails."""

    dialect: Dialect

    def run(self, runs: Iterable[tuple[str, Sequence[Row]]]) -> None:
        """Run statements, each on many rows, in one transaction that is on disk when this returns.

        Raises ChangeRefused if the rows are at fault, StoreUnavailable if the database is; then nothing of it
        is stored, unless it is InDoubt.
        """

    def settle(self) -> bool:
        """Whether the transaction that was InDoubt is stored. Raises StoreUnavailable while none can say."""

    def ask(self, sql: str, row: Row) -> int:
        """Run one statement in a transaction of its own and return the number it returns."""

    def close(self) -> None:
        """Give the connection up."""


class Writer:
    """Writes frames through a driver. Not thread-safe: one thread at a time."""

    def __init__(self, driver: Driver, statements: Sequence[Statement] | None = None) -> None:
        self._driver = driver
        self._statements = registered() if statements is None else tuple(statements)
        self._sql = {each.name: each.compile(driver.dialect) for each in self._statements}
        self._reserve = str(_reservation().compile(dialect=driver.dialect))
        self._doubt = False

    def write(self, frames: Sequence[Frame]) -> list[Outcome]:
        """Store frames, all in one transaction or, when one of them is refused, each in its own.

        Frames that come back IN_DOUBT are to be written again, they alone and in the same order, before any
        others.
        """
        if self._doubt:
            try:
                stored = self._driver.settle()
            except StoreUnavailable as error:
                return [(IN_DOUBT, str(error))] * len(frames)
            self._doubt = False
            if stored:
                return [(STORED, "")] * len(frames)
        together = self._transact(frames)
        if together[0] != REFUSED or len(frames) == 1:
            return [together] * len(frames)
        return self._singly(frames)

    def reserve(self, name: str, number: int) -> int:
        """The first of `number` ids that nobody has had or will have again. Raises StoreUnavailable."""
        return self._driver.ask(self._reserve, (name, 1 + number, number, number))

    def close(self) -> None:
        self._driver.close()

    def _singly(self, frames: Sequence[Frame]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for frame in frames:
            outcome = self._transact([frame])
            outcomes.append(outcome)
            if outcome[0] in (UNAVAILABLE, IN_DOUBT):
                break
        return outcomes + [(UNAVAILABLE, outcomes[-1][1])] * (len(frames) - len(outcomes))

    def _transact(self, frames: Sequence[Frame]) -> Outcome:
        try:
            runs = fold(frames, self._statements)
        except (LookupError, TypeError) as error:
            return REFUSED, f"not a change: {error!r}"
        try:
            self._driver.run((self._sql[name], rows) for name, rows in runs)
        except ChangeRefused as error:
            return REFUSED, str(error)
        except InDoubt as error:
            self._doubt = True
            return IN_DOUBT, str(error)
        except StoreUnavailable as error:
            return UNAVAILABLE, str(error)
        return STORED, ""


def _reservation() -> Insert:
    """Move the next free id of a name on, return what it was. Row: name, 1 + number, number, number."""
    return (
        postgresql.insert(counter)
        .values(name=bindparam("of"), value=bindparam("next"))
        .on_conflict_do_update(index_elements=["name"], set_={"value": counter.c.value + bindparam("number")})
        .returning(counter.c.value - bindparam("number"))
    )
