"""The named statements of the writer: compiled once by SQLAlchemy, run many rows at a time on the driver.

Other rooms add theirs with `register` when they are imported, before the store is opened. Within a
transaction the statements run in the order of registration, so those of one table go: insertions, updates,
deletions.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import (
    Delete,
    Insert,
    Table,
    Update,
    bindparam,
    delete,
    insert,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Dialect

from gateway.store import bulk, schema
from gateway.store.behind import SLICE
from gateway.store.rows import Progress, State
from gateway.store.writer import Prepared, Program


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement by name, with `bindparam`s named and ordered as `parameters`, which is how its rows are.

    Of rows in one `slot` with the same key, `row[key]`, only the last is run, whichever statement it is for.
    Without a slot each row is run.
    """

    name: str
    clause: Insert | Update | Delete
    parameters: tuple[str, ...]
    slot: str | None = None
    key: int | slice = 0

    def compile(self, dialect: Dialect) -> str:
        """SQL with positional parameters. Raises ValueError if they do not come in the order of the row."""
        compiled = self.clause.compile(dialect=dialect)
        if tuple(compiled.positiontup or ()) != self.parameters:
            raise ValueError(f"statement {self.name}: {compiled.positiontup} is not {self.parameters}")
        return str(compiled)

    def prepared(self, dialect: Dialect) -> Prepared:
        """As a writer takes it. Raises ValueError as `compile`."""
        key = (self.key.start, self.key.stop) if isinstance(self.key, slice) else self.key
        sql = self.compile(dialect)
        if dialect.name != "postgresql" or self.name not in bulk.MANY:
            return Prepared(self.name, sql, self.slot, key)
        return Prepared(self.name, sql, self.slot, key, bulk.arrays(sql), bulk.copied(sql))


_registry: dict[str, Statement] = {}


def register(statement: Statement) -> Statement:
    """Make a statement known to every writer opened from now on. Raises ValueError if the name is taken."""
    if statement.name in _registry:
        raise ValueError(f"statement {statement.name} is registered already")
    _registry[statement.name] = statement
    return statement


def registered() -> tuple[Statement, ...]:
    """All statements in the order in which they run."""
    return tuple(_registry.values())


def columns(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns)


def insertion(table: Table) -> Insert:
    """Insert a whole row; a key that is there already is refused."""
    return insert(table).values({name: bindparam(name) for name in columns(table)})


def upsertion(table: Table) -> Insert:
    """Insert a whole row or replace the one with the same primary key, on SQLite and on PostgreSQL."""
    names = columns(table)
    key = [column.name for column in table.primary_key]
    clause = postgresql.insert(table).values({name: bindparam(name) for name in names})  # the same in both
    replaced = {name: clause.excluded[name] for name in names if name not in key}
    return clause.on_conflict_do_update(index_elements=key, set_=replaced)


def revision(table: Table, names: Iterable[str], key: str) -> Update:
    """Set columns of the row whose `key` is the parameter `of`, which comes last."""
    return (
        update(table).values({name: bindparam(name) for name in names}).where(table.c[key] == bindparam("of"))
    )


def deletion(table: Table, key: str) -> Delete:
    """Delete the row whose `key` is the parameter `of`."""
    return delete(table).where(table.c[key] == bindparam("of"))


def program(kind: str, statements: Iterable[Statement] | None = None) -> Program:
    """All statements, or these, as a database of this kind (sqlite or postgresql) takes them."""
    dialect = dialect_of(kind)
    chosen = registered() if statements is None else statements
    prepared = tuple(each.prepared(dialect) for each in chosen)
    queries = {name: str(query.compile(dialect=dialect)) for name, query in QUERIES.items()}
    return Program(prepared, queries, str(_reservation().compile(dialect=dialect)))


def dialect_of(kind: str) -> Dialect:
    """How SQL is written for a database of this kind, with positional parameters."""
    if kind == "sqlite":
        return sqlite.dialect()
    dialect: Dialect = PGDialect_psycopg(paramstyle="format")  # type: ignore[no-untyped-call]
    return dialect


_message = schema.message

QUERIES = {
    "one": select(_message).where(_message.c.id == bindparam("id")),
    "between": select(_message)
    .where(_message.c.id >= bindparam("first"), _message.c.id <= bindparam("last"))
    .order_by(_message.c.id),
    "numbers": select(
        _message.c.id, _message.c.account, _message.c.accepted_at, _message.c.destination, _message.c.pdu
    )
    .where(_message.c.id > bindparam("after"))
    .order_by(_message.c.id)
    .suffix_with(f"LIMIT {SLICE}"),
}
"""What `behind` asks, with positional parameters in this order."""


def _reservation() -> Insert:
    """Move the next free id of a name on, return what it was. Row: name, 1 + number, number, number."""
    counter = schema.counter
    return (
        postgresql.insert(counter)
        .values(name=bindparam("of"), value=bindparam("next"))
        .on_conflict_do_update(index_elements=["name"], set_={"value": counter.c.value + bindparam("number")})
        .returning(counter.c.value - bindparam("number"))
    )


_progress = Progress._fields
REVISED = ("source", "destination", "pdu", "decision")

for _statement in (
    Statement("insert", insertion(schema.message), columns(schema.message)),
    Statement(
        "progress",
        revision(schema.message, _progress, "id"),
        (*_progress, "of"),
        slot="progress",
        key=len(_progress),
    ),
    # The two steps that nearly every message takes. They touch no index that they need not: a column that is
    # set is taken out of its index and put back, changed or not.
    Statement(
        "sent",
        update(schema.message)
        .values(state=literal_column(f"{State.SENT:d}"), carrier_message_id=bindparam("carrier_message_id"))
        .where(schema.message.c.id == bindparam("of")),
        ("carrier_message_id", "of"),
        slot="progress",
        key=1,
    ),
    Statement(
        "delivered",
        update(schema.message)
        .values(
            state=literal_column(f"{State.DELIVERED:d}"),
            deadline=null(),
            carrier_message_id=bindparam("carrier_message_id"),
            done_at=bindparam("done_at"),
            error=bindparam("error"),
        )
        .where(schema.message.c.id == bindparam("of")),
        ("carrier_message_id", "done_at", "error", "of"),
        slot="progress",
        key=3,
    ),
    Statement("revise", revision(schema.message, REVISED, "id"), (*REVISED, "of"), slot="body", key=4),
    Statement(
        "classify", revision(schema.message, ["category"], "id"), ("category", "of"), slot="category", key=1
    ),
    Statement("purge", deletion(schema.message, "id"), ("of",), slot="purge"),
    Statement("enqueue", upsertion(schema.outbox), columns(schema.outbox), slot="outbox"),
    Statement("dequeue", deletion(schema.outbox, "seq"), ("of",), slot="outbox"),
    Statement("stray", upsertion(schema.stray), columns(schema.stray), slot="stray"),
    Statement("unstray", deletion(schema.stray, "seq"), ("of",), slot="stray"),
    # What is sealed anew: rows that have gone meanwhile stay gone.
    Statement(
        "amend_outbox", revision(schema.outbox, ["pdu"], "seq"), ("pdu", "of"), slot="outbox pdu", key=1
    ),
    Statement(
        "amend_stray",
        revision(schema.stray, ["destination", "pdu"], "seq"),
        ("destination", "pdu", "of"),
        slot="stray pdu",
        key=2,
    ),
    Statement("count", upsertion(schema.counter), columns(schema.counter), slot="counter"),
):
    register(_statement)
