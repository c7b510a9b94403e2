"""The ledger: reads of the store, in threads with connections of their own."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from twisted.internet.defer import Deferred

from gateway.store import queries
from gateway.store.journal import Runner
from gateway.store.queries import OpenCount, Sought
from gateway.store.rows import MessageRow, OutboxRow, State, StoreUnavailable, StrayRow, brief

P = ParamSpec("P")
T = TypeVar("T")


class Reserving(Protocol):
    """What the ledger needs of the writer: a `Line` to it."""

    reserve: Callable[[str, int], Deferred[int]]
    read: Callable[..., Deferred[Any]]


class Ledger:
    """Reads what the journal has committed. Every method fails with StoreUnavailable if the database does."""

    def __init__(self, engine: Engine, run: Runner, writer: Reserving) -> None:
        self._engine = engine
        self._run = run
        self._writer = writer

    def read(
        self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **named: P.kwargs
    ) -> Deferred[T]:
        """Run a query, one of `queries` or another room's, on a connection in a thread."""

        def ask() -> T:
            try:
                with self._engine.connect() as connection:
                    return query(connection, *args, **named)
            except SQLAlchemyError as error:
                raise StoreUnavailable(brief(error)) from error

        return self._run(ask)

    def message(self, id: int) -> Deferred[MessageRow | None]:
        return self.read(queries.get_message, id)

    def messages(self, ids: Sequence[int]) -> Deferred[list[MessageRow]]:
        """Those of the ids that are there, in order of id."""
        return self.read(queries.messages, ids)

    def open_after(self, after: int, states: Collection[int], limit: int) -> Deferred[list[MessageRow]]:
        """Messages not finished, in one of the states, with an id above `after`, in order of id."""
        return self.read(queries.open_after, after, states, limit)

    def due(self, now: int, limit: int) -> Deferred[list[MessageRow]]:
        """Messages whose deadline has come, the earliest first."""
        return self.read(queries.due, now, limit)

    def oldest_open(self) -> Deferred[int | None]:
        """When the oldest message that is not finished was accepted."""
        return self.read(queries.oldest_open)

    def open_counts(self) -> Deferred[dict[State, OpenCount]]:
        """Messages in each open state."""
        return self.read(queries.open_counts)

    def search(
        self, sought: Sought, before: int | None = None, limit: int = 100
    ) -> Deferred[list[MessageRow]]:
        """Messages that match, youngest first, with an id below `before`."""
        return self.read(queries.search, sought, before, limit)

    def outbox(self, account: str, after: int, limit: int) -> Deferred[list[OutboxRow]]:
        """What waits for an account, with a seq above `after`, in order."""
        return self.read(queries.get_outbox, account, after, limit)

    def outbox_counts(self) -> Deferred[dict[str, int]]:
        """How many rows wait for each account that has any."""
        return self.read(queries.outbox_counts)

    def strays(self, after: int, limit: int) -> Deferred[list[StrayRow]]:
        """Receipts that matched nothing, with a seq above `after`, in order."""
        return self.read(queries.strays, after, limit)

    def reserve_ids(self, name: str, number: int) -> Deferred[int]:
        """The first of `number` ids in a row, durably never given out again; names are independent."""
        return self._writer.reserve(name, number)

    def behind(self, name: str, *args: Any) -> Deferred[Any]:
        """What the writer works out of a slice of messages, see `behind.BEHIND`."""
        return self._writer.read(name, *args)
