"""The writer: frames in, outcomes out, one transaction for all of them when all is well.

It is synchronous, knows no reactor and no SQLAlchemy, and so runs in a small process of its own
(`writer_process`) or in a thread. Frames are numbered by who hands them over, and each transaction records
the number of its last one. So whoever does not know whether a frame was stored asks again, and it is stored
once.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from gateway.store.behind import BEHIND
from gateway.store.rows import ChangeRefused, Frame, Row, StoreUnavailable, Value
from gateway.store.seals import seal_rows
from gateway.store.vault import Vault

STORED, REFUSED, UNAVAILABLE, IN_DOUBT, UNTRIED = range(5)
Outcome = tuple[int, str]
"""What became of a frame: one of the five above, and why."""


class InDoubt(StoreUnavailable):
    """The line to the database broke at the commit: stored or not will be seen when it is back."""


class Prepared(NamedTuple):
    """A statement as the database takes it, with positional parameters.

    Of rows in one `slot` with the same key, `row[key]` or `row[slice(*key)]`, only the last is run, whichever
    statement it is for. Without a slot each row is run.
    """

    name: str
    sql: str
    slot: str | None
    key: int | tuple[int | None, int | None]
    many: str | None = None  # for many rows: each parameter is an array
    copy: tuple[str, tuple[str, ...]] | None = None  # a COPY, and the types of its columns


class Program(NamedTuple):
    """All that a writer can run, in the order in which it runs it, as plain values."""

    statements: tuple[Prepared, ...]
    queries: dict[str, str]  # what is read behind the traffic, by name
    reserve: str  # its row: name, 1 + number, number, number


class Driver(Protocol):
    """One connection to a database, made when needed and dropped when it fails."""

    kind: str  # sqlite or postgresql

    def open(self) -> int:
        """Connect, unless it is; the number of the last frame on record. Raises StoreUnavailable."""

    def run(self, runs: Iterable[tuple[Prepared, Sequence[Row]]], number: int) -> None:
        """Run statements, each on many rows, in one transaction that is on disk when this returns, and puts
        a number on record.

        Raises ChangeRefused if the rows are at fault, StoreUnavailable if the database is; then nothing of it
        is stored, unless it is InDoubt.
        """

    def ask(self, sql: str, row: Row) -> int:
        """Run one statement in a transaction of its own and return the number it returns."""

    def query(self, sql: str, row: Row) -> list[Row]:
        """All rows of a query. Raises StoreUnavailable, as `ask` does."""

    def close(self) -> None:
        """Give the connection up."""


class Writer:
    """Writes frames through a driver. Not thread-safe: one thread at a time."""

    def __init__(self, driver: Driver, program: Program, vault: Vault | None = None) -> None:
        """`vault` makes of a frame what may stand on disk."""
        self.vault = vault
        self._driver = driver
        self._queries = program.queries
        self._statements = {each.name: each for each in program.statements}
        self._slots = slots(program.statements)
        self._reserve = program.reserve
        self._doubt = False
        self.number = 0
        """Of the last frame on record, as far as that is known."""

    def open(self) -> int:
        """Connect, unless it is; the number of the last frame on record. Raises StoreUnavailable."""
        self.number = self._driver.open()
        return self.number

    def write(self, frames: Sequence[Frame], first: int | None = None, again: bool = False) -> list[Outcome]:
        """Store frames in one transaction: all of them or, when one is refused, those before it.

        `first` is the number of the first of them; None: the one after what is on record. What is UNTRIED
        has nothing wrong with it and is to be written again, after what went before it is decided. What is
        IN_DOUBT is to be written `again` under its number, alone, in order and before any others; so is what
        was handed to a writer that has died. It is stored only if it is not on record.
        """
        try:
            number = self.open()
        except StoreUnavailable as error:
            return [(IN_DOUBT if again else UNAVAILABLE, str(error))] * len(frames)
        if again:
            self._doubt = False
            stored = min(max(0, number + 1 - (first or number + 1)), len(frames))
            if stored:
                return [(STORED, "")] * stored + [(UNTRIED, "")] * (len(frames) - stored)
            first = None
        if self._doubt or first not in (None, number + 1):
            return [(UNTRIED, "")] * len(frames)
        return self._store(frames, number)

    def reserve(self, name: str, number: int) -> int:
        """The first of `number` ids that nobody has had or will have again. Raises StoreUnavailable."""
        return self._driver.ask(self._reserve, (name, 1 + number, number, number))

    def read(self, name: str, *args: Any) -> Any:
        """Work something out behind the traffic, see `behind`. Raises StoreUnavailable."""
        return BEHIND[name](self._query, self.vault, *args)

    def _query(self, name: str, row: Row) -> list[Row]:
        return self._driver.query(self._queries[name], row)

    def close(self) -> None:
        self._driver.close()

    def _store(self, frames: Sequence[Frame], number: int) -> list[Outcome]:
        count = len(frames)
        outcome = self._transact(frames, number + count)
        while outcome[0] == REFUSED and count > 1:
            count //= 2
            outcome = self._transact(frames[:count], number + count)
        return [outcome] * count + [(UNTRIED, "")] * (len(frames) - count)

    def _transact(self, frames: Sequence[Frame], number: int) -> Outcome:
        try:
            vault = self.vault
            ready = frames if vault is None else [seal_rows(vault, frame) for frame in frames]
            runs = fold(ready, self._slots)
        except (LookupError, TypeError, ValueError) as error:
            return REFUSED, f"not a change: {error!r}"
        try:
            self._driver.run(((self._statements[name], rows) for name, rows in runs), number)
        except ChangeRefused as error:
            return REFUSED, str(error)
        except InDoubt as error:
            self._doubt = True
            return IN_DOUBT, str(error)
        except StoreUnavailable as error:
            return UNAVAILABLE, str(error)
        self.number = number
        return STORED, ""


Slots = dict[str, tuple[str | None, int | slice]]
"""The slot of each statement and where in a row its key stands, in the order in which they run."""


def slots(statements: Iterable[Prepared]) -> Slots:
    """As `fold` needs them."""
    return {
        each.name: (each.slot, each.key if isinstance(each.key, int) else slice(*each.key))
        for each in statements
    }


OF_A_MESSAGE = ("progress", "body", "category")
"""The slots of what is changed of a message: before it was inserted there was nothing to change."""


def fold(frames: Iterable[Frame], known: Slots) -> list[tuple[str, list[Row]]]:
    """The rows of all frames by statement, in the order of statements, with what was overridden left out.

    Raises LookupError if a frame names no known statement or has a row too short for its key.
    """
    rows: dict[str, list[Row]] = {name: [] for name in known}
    kept: dict[str, dict[Value | Row, tuple[str, Row]]] = {}
    for frame in frames:
        for name, row in frame:
            slot, key = known[name]
            if slot is None:
                rows[name].append(row)
                if name == "insert":
                    for changed in OF_A_MESSAGE:
                        if changed in kept:
                            kept[changed].pop(row[0], None)
            else:
                kept.setdefault(slot, {})[row[key]] = (name, row)
    for last in kept.values():
        for name, row in last.values():
            rows[name].append(row)
    return [(name, those) for name, those in rows.items() if those]
