"""Whether messages are as they were attested: block by block, by what the record of acts says of each."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from gateway.store import rotation
from gateway.store.attestations import (
    ATTEST,
    ERASE,
    NO_SALT,
    PAGE,
    PURGE,
    Attestation,
    Mark,
    ids_of,
    opened,
)
from gateway.store.audit import AuditRow
from gateway.store.audit import opened as opened_record
from gateway.store.behind import leaf, words
from gateway.store.rows import MessageRow
from gateway.store.schema import attestation, audit, message
from gateway.store.sealing import opened_message, vault_of
from gateway.store.vault import Damaged

LATER = "it was not there, or had not ended, when those around it were attested"


class Wrong(NamedTuple):
    """A message, or a row of another table, that is not as it must be."""

    table: str
    key: str
    what: str


class Said:
    """What the record of acts says of attested messages."""

    def __init__(self, connection: Connection) -> None:
        self.blocks: dict[int, dict[str, Any]] = {}
        self.dropped: set[int] = set()
        self.erased: dict[int, tuple[bytes, bytes]] = {}
        ranges: list[tuple[int, int]] = []
        query = select(audit).where(audit.c.act.in_((ATTEST, ERASE, PURGE))).order_by(audit.c.position)
        for row in connection.execute(query):
            record = opened_record(connection, AuditRow._make(row))
            told = json.loads(json.loads(record.entry or "{}").get("detail", "{}"))
            if record.act == ATTEST and told.get("block") == record.position:
                self.blocks[record.position] = told
            elif record.act == PURGE:
                ranges += [(first, last) for first, last in told["ranges"]]
                self.dropped.update(told["blocks"])
            elif record.act == ERASE:
                for id, (before, after) in told.items():
                    self.erased[int(id)] = bytes.fromhex(before), bytes.fromhex(after)
        self._starts: list[int] = []
        self._ends: list[int] = []
        for first, last in sorted(ranges):
            if self._ends and first <= self._ends[-1] + 1:
                self._ends[-1] = max(self._ends[-1], last)
            else:
                self._starts.append(first)
                self._ends.append(last)

    def purged(self, id: int) -> bool:
        """Whether a message has gone by retention."""
        at = bisect_right(self._starts, id) - 1
        return at >= 0 and id <= self._ends[at]


class Verified:
    """One verification; `messages` have been compared when all that is wrong has been told."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.said = Said(connection)
        self.messages = 0
        self._late = self._of_late_blocks()

    @property
    def blocks(self) -> int:
        """How many blocks are on record and not purged."""
        return len(self.said.blocks.keys() - self.said.dropped)

    def flaws(self) -> Iterator[Wrong]:
        """All that is wrong."""
        for number, told in sorted(self.said.blocks.items()):
            if number not in self.said.dropped:
                yield from self._block(number, told)
        for number in self.connection.scalars(select(attestation.c.number).order_by(attestation.c.number)):
            if number not in self.said.blocks:
                yield Wrong("attestation", str(number), "it is on no record")
        yield from unsealed(self.connection)

    def _of_late_blocks(self) -> set[int]:
        query = select(attestation.c.ids).where(attestation.c.late == 1)
        return {id for ids in self.connection.scalars(query) for id in ids_of(ids)}

    def _block(self, number: int, told: dict[str, Any]) -> Iterator[Wrong]:
        row = self.connection.execute(select(attestation).where(attestation.c.number == number)).one_or_none()
        block = None if row is None else Attestation._make(row)
        if block is None or block.digest != told["digest"]:
            what = "is missing" if block is None else "was changed"
            span = f"messages {told['first']} to {told['last']} cannot be compared"
            yield Wrong("attestation", str(number), f"it {what}: {span}")
            return
        try:
            marks = opened(self.connection, block).marks
        except Damaged as error:
            yield Wrong("attestation", str(number), str(error))
            return
        wanted = list(marks) + [id for id in told["left"] if id not in self._late]
        stored = self._stored(wanted, None if told["late"] else (told["first"], told["last"]))
        for id in told.get("unreadable", ()):
            yield Wrong("message", str(id), "it could not be read any more when it was to be attested")
        for id in wanted:
            if id in stored:
                if id in marks and not self.said.purged(id):
                    yield from self._message(stored[id], marks[id])
            elif not self.said.purged(id):
                yield Wrong("message", str(id), "it is missing")
        known = {*wanted, *told["left"], *told.get("unreadable", ())}
        for id in sorted(stored.keys() - known):
            if not self.said.purged(id):
                yield Wrong("message", str(id), LATER)

    def _stored(self, ids: list[int], span: tuple[int, int] | None) -> dict[int, MessageRow]:
        """The messages of a block as they are on disk, and whatever else is among them."""
        found: dict[int, MessageRow] = {}
        if span is not None:
            query = select(message).where(message.c.id.between(*span))
            return {row.id: row for row in map(MessageRow._make, self.connection.execute(query))}
        for start in range(0, len(ids), PAGE):
            query = select(message).where(message.c.id.in_(ids[start : start + PAGE]))
            found |= {row.id: row for row in map(MessageRow._make, self.connection.execute(query))}
        return found

    def _message(self, stored: MessageRow, mark: Mark) -> Iterator[Wrong]:
        self.messages += 1
        name = str(stored.id)
        try:
            row = opened_message(self.connection, stored)
        except Damaged as error:
            yield Wrong("message", name, str(error))
            return
        erased = self.said.erased.get(row.id)
        if erased is None and mark.salt == NO_SALT:
            yield Wrong("message", name, "it was erased, and that is not on record")
        elif erased is not None and words(row) != erased[1]:
            yield Wrong("message", name, "it is not what the erasure left")
        elif leaf(row, words(row, mark.salt) if erased is None else erased[0]) != mark.leaf:
            yield Wrong("message", name, "it is not what was attested")


def unsealed(connection: Connection) -> Iterator[Wrong]:
    """Rows of other tables that are not encrypted, where all must be."""
    vault = vault_of(connection)
    if vault is None or not vault.strict:
        return
    for kind in rotation.OTHERS:
        key = list(kind.table.primary_key)
        query = select(*key).where(kind.blob.is_not(None), func.length(kind.blob) > 0)
        for row in connection.execute(query.where(kind.current(rotation.PLAIN))):
            name = str(row[0]) if len(key) == 1 else "a row"
            yield Wrong(kind.table.name, name, "it is not encrypted, as all rows are: not the gateway's")
