"""Sealing anew what is not sealed by the newest key: after a rotation, and what is older than the keys.

What is still to be done is seen in the rows themselves, so the work can be broken off at any point and taken
up again. Only UPDATEs are written: what has gone meanwhile stays gone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, LargeBinary, Table, func, not_, or_, select, tuple_

from gateway.store import attestations, audit, holds, lifted, people, sealing
from gateway.store.attestations import Attestation
from gateway.store.audit import AuditRow
from gateway.store.calls import CallRow, opened_call
from gateway.store.lifted import LiftedRow
from gateway.store.people import CaseRow, ConsentRow, SuppressionRow
from gateway.store.rows import Frame, Value
from gateway.store.schema import (
    attestation,
    consent_event,
    event_call,
    hold,
    lifted_suppression,
    message,
    outbox,
    reply_case,
    stray,
    suppression,
)
from gateway.store.schema import (
    audit as audit_table,
)
from gateway.store.vault import MARKS, TEXT, Vault

PLAIN = 0
"""The version of what is not sealed."""

Place = tuple[Value, ...]


class Kind(NamedTuple):
    """A table that has sealed rows: where the blob is, and how its rows are written anew."""

    table: Table
    column: str
    again: Callable[[Connection, Any], Frame]

    @property
    def blob(self) -> ColumnElement[Any]:
        return self.table.c[self.column]

    def current(self, version: int) -> ColumnElement[bool]:
        """Whether a row is sealed by this version; by none if it is PLAIN."""
        if isinstance(self.blob.type, LargeBinary):
            # Of an empty blob SQLite takes no part: that is NULL.
            mark = func.coalesce(func.substr(self.blob, 1, 1, type_=LargeBinary), b"", type_=LargeBinary)
            head = func.coalesce(func.substr(self.blob, 1, 2, type_=LargeBinary), b"", type_=LargeBinary)
            if version == PLAIN:
                return not_(mark.in_(MARKS))
            return head.in_([mark + bytes((version,)) for mark in MARKS])
        if version == PLAIN:
            return self.blob.not_like(f"{TEXT}%")
        return self.blob.like(f"{TEXT}{version}:%")


def _outbox(connection: Connection, found: Any) -> Frame:
    return [("amend_outbox", (row.pdu, row.seq)) for row in sealing.outbox_rows(connection, found)]


def _stray(connection: Connection, found: Any) -> Frame:
    return [
        ("amend_stray", (row.destination, row.pdu, row.seq)) for row in sealing.stray_rows(connection, found)
    ]


def _consent(connection: Connection, found: Any) -> Frame:
    rows = (people.opened_consent(connection, ConsentRow._make(row)) for row in found)
    return [("amend_consent", (row.salt, row.number, row.event, row.tenant, row.position)) for row in rows]


def _entry(connection: Connection, found: Any) -> Frame:
    frame: Frame = []
    for stored in map(SuppressionRow._make, found):
        row = people.opened_entry(connection, stored)
        frame.append(("amend_entry", (row.number, row.evidence, *stored.key)))
    return frame


def _lifted(connection: Connection, found: Any) -> Frame:
    frame: Frame = []
    for stored in map(LiftedRow._make, found):
        row = lifted.opened_lifted(connection, stored)
        frame.append(("amend_lifted", (row.number, row.evidence, *stored[: len(lifted.PLACE)])))
    return frame


def _case(connection: Connection, found: Any) -> Frame:
    rows = (people.opened_case(connection, CaseRow._make(row)) for row in found)
    return [("amend_case", (row.tenant, row.number, row.reply, row.id)) for row in rows]


def _call(connection: Connection, found: Any) -> Frame:
    rows = (opened_call(connection, CallRow._make(row)) for row in found)
    return [("amend_call", (row.body, row.seq)) for row in rows]


def _record(connection: Connection, found: Any) -> Frame:
    rows = (audit.opened(connection, AuditRow._make(row)) for row in found)
    return [("amend_audit", (row.person, row.entry, row.salt, row.position)) for row in rows]


def _attestation(connection: Connection, found: Any) -> Frame:
    rows = (attestations.opened(connection, Attestation._make(row)) for row in found)
    return [("amend_attestation", (row.salts, row.number)) for row in rows]


def _hold(connection: Connection, found: Any) -> Frame:
    return [("amend_hold", (holds.words_of(connection, row), row.id)) for row in found]


MESSAGES = Kind(message, "pdu", lambda connection, found: [])
"""Written anew by the relay, which knows which of them are open and changing."""

OTHERS = (
    Kind(outbox, "pdu", _outbox),
    Kind(stray, "pdu", _stray),
    Kind(consent_event, "event", _consent),
    Kind(suppression, "evidence", _entry),
    Kind(lifted_suppression, "evidence", _lifted),
    Kind(reply_case, "reply", _case),
    Kind(event_call, "body", _call),
    Kind(audit_table, "entry", _record),
    Kind(hold, "words", _hold),
    Kind(attestation, "salts", _attestation),
)


def messages_left(connection: Connection, version: int, after: int, limit: int) -> list[int]:
    """Messages that are not sealed by this version, by id."""
    query = select(message.c.id).where(message.c.id > after, not_(MESSAGES.current(version)))
    if version == PLAIN:
        query = query.where(message.c.pdu != b"")
    else:
        # A purged row of before has no text and no mark, but its addresses.
        query = query.where(or_(message.c.pdu != b"", message.c.destination != ""))
    return list(connection.scalars(query.order_by(message.c.id).limit(limit)))


def others_left(
    connection: Connection, kind: Kind, version: int, after: Place | None, limit: int
) -> tuple[Frame, Place | None]:
    """What seals the next rows of a table anew, and after which row to go on; None when that was all."""
    key = list(kind.table.primary_key)
    query = select(kind.table).where(kind.blob.is_not(None), not_(kind.current(version)))
    if after is not None:
        query = query.where(tuple_(*key) > after)
    found = connection.execute(query.order_by(*key).limit(limit)).all()
    if not found:
        return [], None
    last = tuple(found[-1]._mapping[column.name] for column in key)
    return kind.again(connection, found), last


def versions(connection: Connection) -> dict[str, Counter[int]]:
    """How many rows of each table are sealed by which version; PLAIN for those that are not. Reads all."""
    found: dict[str, Counter[int]] = {}
    for kind in (MESSAGES, *OTHERS):
        octets = isinstance(kind.blob.type, LargeBinary)
        head = func.substr(kind.blob, 1, 2 if octets else len(TEXT) + 4, type_=kind.blob.type)
        rows = connection.execute(select(head, func.count()).where(kind.blob.is_not(None)).group_by(head))
        counts = found.setdefault(kind.table.name, Counter())
        for value, count in rows:
            counts[_version(value)] += count
    return found


def _version(head: bytes | str | None) -> int:
    if head is None:
        return PLAIN
    if isinstance(head, bytes):
        return head[1] if head[:1] in MARKS and len(head) == 2 else PLAIN
    named = re.match(rf"{TEXT}(\d+):", head)
    return int(named[1]) if named else PLAIN


def target(vault: Vault) -> int:
    """The version by which all is to be sealed."""
    return vault.keyring.current if vault.sealing else PLAIN


def in_use(connection: Connection) -> set[int]:
    """The versions that some row still needs."""
    return {version for counts in versions(connection).values() for version in counts} - {PLAIN}
