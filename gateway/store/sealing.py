"""Which fields of which rows are sealed before they go to the writer, and how they are read again.

One blob holds all of a row's fields that concern a person; in their own columns stands nothing, or by what
the row is found. Rows that were written before there were keys stay readable as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import Connection, CursorResult
from sqlalchemy.exc import DBAPIError

from gateway.store.rows import Frame, MessageRow, OutboxRow, Row, StrayRow
from gateway.store.seals import is_sealed, message_parts
from gateway.store.vault import FOUND, TEXT, Vault

T = TypeVar("T", bound=NamedTuple)
Seal = Callable[[Vault, Any], Iterable[tuple[str, Row]]]

PARTS = ("source", "destination", "decision", "pdu")
"""The fields of a message that are sealed."""

OPTION = "vault"
"""The execution option of a connection that holds its vault."""


def vault_of(connection: Connection) -> Vault | None:
    """What opens the rows that are read here."""
    return cast("Vault | None", connection.get_execution_options().get(OPTION))


# frames


def sealed(vault: Vault, frame: Frame) -> Frame:
    """The frame as it goes to the writer, which seals the rest (`seals`)."""
    seals = SEALS if vault.sealing else FINDS
    if not any(name in seals for name, _ in frame):
        return frame
    made: Frame = []
    for operation in frame:
        seal = seals.get(operation[0])
        if seal is None:
            made.append(operation)
        else:
            made += seal(vault, operation[1])
    return made


SEALS: dict[str, Seal] = {}
"""How the rows of a statement are sealed, by its name; the modules of the store add theirs."""

FINDS: dict[str, Seal] = {}
"""The same while nothing is sealed any more, but what was sealed before is still there."""


# rows


def is_sealed_text(text: str | None) -> bool:
    """Whether a text column holds a blob."""
    return text is not None and text.startswith(TEXT)


def is_key(number: str) -> bool:
    """Whether what stands for a number is by what it is found."""
    return number.startswith(FOUND)


def messages(connection: Connection, found: CursorResult[Any]) -> list[MessageRow]:
    """Rows of messages as they were before they were sealed. Raises Damaged."""
    vault = vault_of(connection)
    rows = plain(found)
    return list(map(MessageRow._make, rows)) if vault is None else [_message(vault, row) for row in rows]


def plain(found: CursorResult[Any]) -> Sequence[Any]:
    """All rows as the driver has them: to make SQLAlchemy's own of them costs a third of what reading them
    does. Raises DBAPIError.
    """
    cursor = found.cursor
    try:
        return [] if cursor is None else cursor.fetchall()
    except found.connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError("", None, error) from error
    finally:
        found.close()


def opened_message(connection: Connection, row: MessageRow) -> MessageRow:
    """A stored message as it was before it was sealed. Raises Damaged."""
    vault = vault_of(connection)
    return row if vault is None else _message(vault, row)


def _message(vault: Vault, row: Sequence[Any]) -> MessageRow:
    if not is_sealed(row[9]):
        vault.refuse_plain(b"message %d" % row[0])
        return MessageRow._make(row)
    source, destination, decision, pdu = message_parts(vault, row[0], row[9])
    return MessageRow._make((*row[:4], source, destination, *row[6:9], pdu, decision, *row[11:]))


def parts_of_messages(connection: Connection, kind: type[T], found: Iterable[Any]) -> list[T]:
    """Rows that have some fields of a message, selected first and in order, and with its id and its PDU."""
    vault = vault_of(connection)
    fields = kind._fields
    made: list[T] = []
    for row in found:
        if vault is None or not is_sealed(row.pdu):
            if vault is not None:
                vault.refuse_plain(b"message %d" % row.id)
            made.append(kind._make(row[: len(fields)]))
            continue
        parts = zip(PARTS, message_parts(vault, row.id, row.pdu), strict=True)
        values = {**row._mapping, **dict(parts)}
        made.append(kind._make(values[name] for name in fields))
    return made


def outbox_rows(connection: Connection, found: Iterable[Any]) -> list[OutboxRow]:
    """Rows of an outbox. Raises Damaged."""
    vault = vault_of(connection)
    rows = list(map(OutboxRow._make, found))
    return rows if vault is None else [_outbox_row(vault, row) for row in rows]


def _outbox_row(vault: Vault, row: OutboxRow) -> OutboxRow:
    if not is_sealed(row.pdu):
        vault.refuse_plain(b"outbox %d" % row.seq)
        return row
    return row._replace(pdu=vault.open(row.pdu, b"outbox %d" % row.seq))


def stray_rows(connection: Connection, found: Iterable[Any]) -> list[StrayRow]:
    """Receipts that matched nothing. Raises Damaged."""
    vault = vault_of(connection)
    rows = list(map(StrayRow._make, found))
    return rows if vault is None else [_stray_row(vault, row) for row in rows]


def _stray_row(vault: Vault, row: StrayRow) -> StrayRow:
    if not is_sealed(row.pdu):
        vault.refuse_plain(b"stray %d" % row.seq)
        return row
    destination, pdu = vault.open(row.pdu, b"stray %d" % row.seq).split(b"\0", 1)
    return row._replace(destination=destination.decode(), pdu=pdu)
