"""The record of what people have done: who, when, what, why. Nothing in it can be changed unseen.

Each record is chained to the one before by a hash. What is chained is not the record but a salted commitment
to it, so that a person's number can be erased from it: text and salt go, the commitment stays and tells
nothing, and the chain holds. Nor do keys that change at rest touch it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Container, Iterator, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, select

from gateway.store.schema import audit
from gateway.store.sealing import SEALS, is_sealed_text, vault_of
from gateway.store.statements import Statement, columns, insertion, register, revision
from gateway.store.vault import Vault

SALT = 16
OCTETS = 32
PAGE = 1000


class AuditRow(NamedTuple):
    """One record; `entry` is JSON, and None with its salt once erased. `person` is the number it is about."""

    position: int
    at: int  # unix milliseconds
    act: str
    person: str | None
    entry: str | None
    salt: bytes | None
    commitment: bytes
    hash: bytes


class Head(NamedTuple):
    """Where the chain ends."""

    position: int
    hash: bytes


GENESIS = Head(0, blake2b(digest_size=OCTETS, person=b"audit genesis").digest())

for _statement in (
    Statement("audit", insertion(audit), columns(audit)),
    Statement(
        "amend_audit",
        revision(audit, ["person", "entry", "salt"], "position"),
        ("person", "entry", "salt", "of"),
        slot="audit",
        key=3,
    ),
):
    register(_statement)


def extend(head: Head, at: int, act: str, person: str | None, entry: Mapping[str, Any]) -> AuditRow:
    """The record that follows."""
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    salt = os.urandom(SALT)
    position = head.position + 1
    commitment = _commitment(act, text, salt)
    digest = _link(head.hash, position, at, commitment)
    return AuditRow(position, at, act, person, text, salt, commitment, digest)


def head_of(connection: Connection) -> Head:
    """Where the stored chain ends."""
    query = select(audit.c.position, audit.c.hash).order_by(audit.c.position.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return GENESIS if row is None else Head(*row)


def records(connection: Connection, after: int, limit: int) -> list[AuditRow]:
    """Records in order."""
    query = select(audit).where(audit.c.position > after).order_by(audit.c.position).limit(limit)
    return _opened(connection, query)


def latest(connection: Connection, limit: int, act: str | None = None) -> list[AuditRow]:
    """The youngest first."""
    query = select(audit).order_by(audit.c.position.desc()).limit(limit)
    if act is not None:
        query = query.where(audit.c.act == act)
    return _opened(connection, query)


def records_of(connection: Connection, person: str) -> list[AuditRow]:
    """What was done about a number, in order."""
    vault = vault_of(connection)
    keys = [person] if vault is None else [person, vault.found_by("", person)]
    return _opened(connection, select(audit).where(audit.c.person.in_(keys)).order_by(audit.c.position))


def flaws(connection: Connection, kept: str = "", erased: Container[int] = ()) -> Iterator[tuple[int, str]]:
    """Where the chain does not hold, and how; `kept` is a head (hex) that was told earlier, `erased` are the
    records that may say nothing.
    """
    last, met = GENESIS, not kept or GENESIS.hash.hex() == kept
    while found := records(connection, last.position, PAGE):
        for row in found:
            if row.position != last.position + 1:
                yield row.position, f"it follows {last.position}"
            if row.hash != _link(last.hash, row.position, row.at, row.commitment):
                yield row.position, "it does not follow from the record before"
            if (row.entry is None) != (row.salt is None):
                yield row.position, "it is half erased"
            elif row.entry is None and row.position not in erased:
                yield row.position, "it was erased, and that is not on record"
            elif not _matches(row):
                yield row.position, "it is not what was recorded"
            last = Head(row.position, row.hash)
            met = met or row.hash.hex() == kept
    if not met:
        yield last.position, "the head that was kept is not in it: records are missing at the end"


def _opened(connection: Connection, query: Select[Any]) -> list[AuditRow]:
    return [opened(connection, AuditRow._make(row)) for row in connection.execute(query)]


def opened(connection: Connection, row: AuditRow) -> AuditRow:
    """A stored record as it was before it was sealed. Raises Damaged."""
    vault = vault_of(connection)
    if vault is None or row.entry is None or not is_sealed_text(row.entry):
        return row
    salt, person, entry = vault.open_text(row.entry, b"audit %d" % row.position).split("\0", 2)
    return row._replace(salt=bytes.fromhex(salt), person=person or None, entry=entry)


def _seal(vault: Vault, row: Any) -> list[tuple[str, Any]]:
    made = AuditRow._make(row)
    what = made.person, made.entry, made.salt, made.position
    ((_, (person, entry, salt, _)),) = _seal_amended(vault, what)
    return [("audit", tuple(made._replace(person=person, entry=entry, salt=salt)))]


def _seal_amended(vault: Vault, row: Any) -> list[tuple[str, Any]]:
    person, entry, salt, position = row
    if entry is None:
        return [("amend_audit", row)]
    blob = vault.seal_text(f"{salt.hex()}\0{person or ''}\0{entry}", b"audit %d" % position)
    return [("amend_audit", (person and vault.found_by("", person), blob, b"", position))]


SEALS.update(audit=_seal, amend_audit=_seal_amended)


def _matches(row: AuditRow) -> bool:
    """Whether the commitment is to the record that is there; one that is erased says nothing against it."""
    if row.entry is None or row.salt is None:
        return True
    return row.commitment == _commitment(row.act, row.entry, row.salt)


def _commitment(act: str, text: str, salt: bytes) -> bytes:
    return blake2b(f"{act}\0{text}".encode(), digest_size=OCTETS, key=salt, person=b"audit record").digest()


def _link(before: bytes, position: int, at: int, commitment: bytes) -> bytes:
    numbers = position.to_bytes(8, "big") + at.to_bytes(8, "big")
    return blake2b(before + numbers + commitment, digest_size=OCTETS, person=b"audit link").digest()
