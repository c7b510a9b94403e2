"""What is worked out behind the traffic, where the writer is: it has the rows and the keys at hand.

Each of these reads a slice of messages, a millisecond's worth, between two transactions, and returns plain
values. `query` runs one of `statements.QUERIES`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from gateway.store.rows import Row
from gateway.store.seals import is_sealed, message_parts
from gateway.store.vault import Damaged, Vault

ID, LEAF, SALT, KEY = 8, 16, 16, 8
"""Octets of a message's id, its leaf, its salt, and of what its number is found by."""

SLICE = 100
"""Messages that are read at once for their numbers: a millisecond's worth."""

FINAL = 10
"""The first of the states in which a message has ended."""

Query = Callable[[str, Row], list[Row]]


def marks(query: Query, vault: Vault | None, ids: Sequence[int]) -> list[tuple[int, bytes | None, bytes]]:
    """Of messages that have ended, in order: the leaf, None for one that cannot be read, and a salt that
    nobody has had.
    """
    salts = os.urandom(SALT * len(ids))
    wanted = dict.fromkeys(ids)
    near = ids[-1] - ids[0] < 4 * len(ids)
    rows = query("between", (ids[0], ids[-1])) if near else [row for id in ids for row in query("one", (id,))]
    found: list[tuple[int, bytes | None, bytes]] = []
    for at, stored in enumerate(row for row in rows if row[0] in wanted and int(row[11] or 0) >= FINAL):
        salt = salts[at * SALT : (at + 1) * SALT]
        try:
            row = _opened(vault, stored)
        except Damaged:
            found.append((stored[0], None, salt))  # type: ignore[arg-type]
        else:
            found.append((row[0], leaf(row, words(row, salt)), salt))
    return found


def numbered(
    query: Query, vault: Vault | None, tenants: Mapping[str, str], after: int, settled: int
) -> tuple[int, bytes, bytes, list[str]]:
    """A slice of the messages with an id above `after` that were accepted by `settled`: the last id, and of
    those with a number their ids and what they are found by; and the tenants that have any. `tenants` are by
    account.
    """
    last, ids, keys = after, [], []
    met: set[str] = set()
    for id, account, accepted_at, destination, pdu in query("numbers", (after,)):
        if accepted_at > settled:  # type: ignore[operator]
            break
        last = id  # type: ignore[assignment]
        if is_sealed(pdu):  # type: ignore[arg-type]
            try:
                destination = message_parts(vault, id, pdu)[1]  # type: ignore[arg-type]
            except Damaged:
                continue
        if destination:
            tenant = tenants.get(account, "")  # type: ignore[arg-type]
            met.add(tenant)
            ids.append(last.to_bytes(ID, "big"))
            keys.append(number_key(vault, tenant, destination))  # type: ignore[arg-type]
    return last, b"".join(ids), b"".join(keys), sorted(met)


BEHIND: dict[str, Callable[..., Any]] = {"marks": marks, "numbered": numbered}
"""By name, as they are asked for."""


def number_key(vault: Vault | None, tenant: str, number: str) -> bytes:
    """By what the messages of a tenant's to a number are found; another is as good as never the same."""
    if vault is None:
        return blake2b(f"{tenant}\0{number}".encode(), digest_size=KEY).digest()
    return bytes.fromhex(vault.found_by(tenant, number)[1 : 1 + 2 * KEY])


def words(row: Sequence[Any], salt: bytes = b"") -> bytes:
    """The commitment to what of a message's row concerns a person."""
    text = f"{row[4]}\0{row[5]}\0{row[10]}".encode()
    return blake2b(text, digest_size=LEAF, key=salt, person=b"attested words").digest()


def leaf(row: Sequence[Any], words: bytes) -> bytes:
    """A hash of what became of a message, and of the commitment to the rest."""
    end = json.dumps([*row[:4], *row[6:9], *row[11:]], separators=(",", ":"))
    return blake2b(words + end.encode(), digest_size=LEAF, person=b"attested end").digest()


def _opened(vault: Vault | None, row: Any) -> Any:
    """The row of a message as it was before it was sealed. Raises Damaged."""
    if vault is None:
        return row
    if not is_sealed(row[9]):
        vault.refuse_plain(b"message %d" % row[0])
        return row
    source, destination, decision, pdu = message_parts(vault, row[0], row[9])
    return (*row[:4], source, destination, *row[6:9], pdu, decision, *row[11:])
