"""What became of ended messages, attested: a digest of each block of them goes into the record of acts.

Of each message a block keeps a leaf: a hash of what cannot change any more and of a salted commitment to what
concerns a person. Erasure does away with the salt, and the leaf tells nothing; what was erased is on record
with the old commitment and a hash of what stands there now. Purged ones are on record as ranges of ids. Texts
are not attested: retention blanks them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from gateway.store.behind import FINAL, ID, LEAF, SALT
from gateway.store.queries import get_counter
from gateway.store.rows import Row
from gateway.store.schema import attestation, message
from gateway.store.sealing import SEALS, vault_of
from gateway.store.seals import is_sealed
from gateway.store.statements import Statement, columns, deletion, insertion, register, revision
from gateway.store.vault import Vault

ATTESTED = "attested"
"""The counter of the last message that was looked at."""

ATTEST, ERASE, PURGE = "attest", "erase messages", "purge messages"
"""The acts of the records that a verification goes by."""

NO_SALT, PURGED = bytes(SALT), b"\xff" * SALT
"""What stands for the salt of an erased message, and of one that was purged."""

PLAIN = b"\0"
"""What salts begin with that are not sealed."""

PAGE = 500


class Mark(NamedTuple):
    """What a block keeps of a message."""

    leaf: bytes
    salt: bytes


class Attestation(NamedTuple):
    """A block: of messages that follow each other, or of some `late` ones. `left` are those that had not
    ended, as far as no later block has them.
    """

    number: int
    first: int
    last: int
    late: int
    left: bytes
    ids: bytes
    leaves: bytes
    salts: bytes

    @property
    def marks(self) -> dict[int, Mark]:
        leaves, salts = _split(self.leaves, LEAF), _split(self.salts[1:], SALT)
        return {id: Mark(*mark) for id, *mark in zip(ids_of(self.ids), leaves, salts, strict=True)}

    @property
    def digest(self) -> str:
        return blake2b(self.ids + self.leaves, digest_size=32, person=b"attestation").hexdigest()

    def salted(self, salts: Mapping[int, bytes]) -> Row:
        """The row of `amend_attestation` that gives some messages other salts."""
        return PLAIN + b"".join(salts.get(id, mark.salt) for id, mark in self.marks.items()), self.number

    def told(self) -> dict[str, Any]:
        """What goes on record."""
        return {
            "block": self.number,
            "first": self.first,
            "last": self.last,
            "late": self.late,
            "count": len(self.ids) // ID,
            "left": ids_of(self.left),
            "digest": self.digest,
        }


for _statement in (
    Statement("attest", insertion(attestation), columns(attestation)),
    Statement(
        "amend_attestation", revision(attestation, ["salts"], "number"), ("salts", "of"), slot="salts", key=1
    ),
    Statement("attest_left", revision(attestation, ["left"], "number"), ("left", "of"), slot="left", key=1),
    Statement("unattest", deletion(attestation, "number"), ("of",), slot="salts"),
):
    register(_statement)


def block(
    number: int,
    marks: Mapping[int, Mark],
    left: Collection[int] = (),
    unreadable: Collection[int] = (),
    *,
    late: bool = False,
) -> Attestation:
    """The block of these messages."""
    known = [*marks, *left, *unreadable]
    return Attestation(
        number,
        min(known),
        max(known),
        int(late),
        packed(sorted(left)),
        packed(marks),
        b"".join(each.leaf for each in marks.values()),
        PLAIN + b"".join(each.salt for each in marks.values()),
    )


def packed(ids: Iterable[int]) -> bytes:
    """Ids as octets."""
    return b"".join(id.to_bytes(ID, "big") for id in ids)


def ids_of(octets: bytes) -> list[int]:
    """What was packed."""
    return [int.from_bytes(each, "big") for each in _split(octets, ID)]


def _split(octets: bytes, width: int) -> list[bytes]:
    return [octets[at : at + width] for at in range(0, len(octets), width)]


# what is asked of the store


class Ahead(NamedTuple):
    """The next messages in order of ids: which have ended, and which have not."""

    ended: list[int]
    left: list[int]


def ahead(connection: Connection, limit: int, settled: int, ripe: int, patience: int) -> Ahead | None:
    """The messages of the next block; None while it is to wait.

    Younger ones than `settled` do not count. A block that is not full waits until its first message is older
    than `ripe`, and one with messages that have not ended until its last is older than `patience`; all three
    are moments of acceptance in unix ms.
    """
    query = select(message.c.id, message.c.accepted_at, message.c.state)
    query = query.where(message.c.id > get_counter(connection, ATTESTED)).order_by(message.c.id).limit(limit)
    rows = connection.execute(query).all()
    young = next((at for at, row in enumerate(rows) if row.accepted_at > settled), len(rows))
    rows = rows[:young]
    if not rows or (len(rows) < limit and rows[0].accepted_at > ripe):
        return None
    left = [row.id for row in rows if row.state < FINAL]
    if left and rows[-1].accepted_at > patience:
        return None
    return Ahead([row.id for row in rows if row.state >= FINAL], left)


def left_over(connection: Connection) -> dict[int, list[int]]:
    """The messages that had not ended when their block was attested, by block."""
    query = select(attestation.c.number, attestation.c.left).where(attestation.c.left != b"")
    return {number: ids_of(left) for number, left in connection.execute(query.order_by(attestation.c.number))}


def ended_of(connection: Connection, ids: Iterable[int], limit: int) -> list[int]:
    """Those of the messages that have ended."""
    found: list[int] = []
    rest = iter(ids)
    while len(found) < limit and (some := list(islice(rest, PAGE))):
        query = select(message.c.id).where(message.c.id.in_(some), message.c.state >= FINAL)
        found += connection.scalars(query.order_by(message.c.id))
    return found[:limit]


def attestations(connection: Connection, after: int, limit: int) -> list[Attestation]:
    """Blocks in order. Raises Damaged, as those below."""
    query = select(attestation).where(attestation.c.number > after).order_by(attestation.c.number)
    return [opened(connection, Attestation._make(row)) for row in connection.execute(query.limit(limit))]


def covering(connection: Connection, ids: Collection[int]) -> list[Attestation]:
    """The blocks that have any of these messages."""
    wanted = sorted(ids)
    found: dict[int, Attestation] = {}
    spans = select(attestation.c.number, attestation.c.first, attestation.c.last)
    spans = spans.where(attestation.c.last >= wanted[0], attestation.c.first <= wanted[-1])
    for number, first, last in connection.execute(spans).all():
        at = bisect_right(wanted, last)
        if at and wanted[at - 1] >= first:
            row = connection.execute(select(attestation).where(attestation.c.number == number)).one_or_none()
            if row is not None:
                found[number] = opened(connection, Attestation._make(row))
    sought = set(ids)
    return [each for each in found.values() if not sought.isdisjoint(ids_of(each.ids))]


def ids_between(connection: Connection, first: int, last: int) -> list[int]:
    """All messages of a stretch of ids."""
    query = select(message.c.id).where(message.c.id.between(first, last))
    return list(connection.scalars(query.order_by(message.c.id)))


# sealing


def opened(connection: Connection, row: Attestation) -> Attestation:
    """A stored block as it was before it was sealed. Raises Damaged."""
    vault = vault_of(connection)
    if vault is None or not is_sealed(row.salts):
        return row
    return row._replace(salts=vault.open(row.salts, b"attestation %d" % row.number))


def _seal(vault: Vault, row: Any) -> list[tuple[str, Row]]:
    return [("attest", (*row[:7], vault.seal(row[7], b"attestation %d" % row[0])))]


def _amend(vault: Vault, row: Any) -> list[tuple[str, Row]]:
    return [("amend_attestation", (vault.seal(row[0], b"attestation %d" % row[1]), row[1]))]


SEALS.update(attest=_seal, amend_attestation=_amend)
