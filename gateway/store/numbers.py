"""By what messages of a number are found: keyed hashes, others for each tenant, filled behind the traffic.

`gateway.relay.numbering` fills blocks of them in order of ids; what it has not reached yet is read message by
message. There is no index: a search looks through all blocks, 16 octets a message, which takes a tenth of a
second for a million messages; an index would cost each of them two random writes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, exists, func, select

from gateway.store import queries, sealing
from gateway.store.behind import ID, KEY, number_key
from gateway.store.queries import get_counter
from gateway.store.rows import Frame, MessageRow, StrayRow
from gateway.store.schema import counter, message, number_block, outbox
from gateway.store.sealing import vault_of
from gateway.store.statements import Statement, columns, register, upsertion
from gateway.store.vault import Vault

NUMBERED = "numbered"
"""The counter of the last message that can be found by its number."""

TENANT = "tenant:"
"""How the counters that name the tenants of numbered messages begin."""

BLOCK = 2000  # messages
PAGE = 1000
GONE = bytes(KEY)
"""What stands for the key of a message that is found no more."""

for _statement in (
    Statement("number", upsertion(number_block), columns(number_block), slot="number"),
    # Blocks up to this message none of whose messages is there any more.
    Statement(
        "unnumber",
        delete(number_block).where(
            number_block.c.last <= bindparam("until"),
            ~exists().where(message.c.id.between(number_block.c.first, number_block.c.last)),
        ),
        ("until",),
    ),
):
    register(_statement)


class NumberBlock(NamedTuple):
    """Messages in order of ids, and by what each is found."""

    first: int
    last: int
    ids: bytes
    keys: bytes

    @classmethod
    def of(cls, keys: Mapping[int, bytes]) -> NumberBlock:
        """The block of these keys by message, in order; at least one."""
        ids = b"".join(id.to_bytes(ID, "big") for id in keys)
        return cls(min(keys), max(keys), ids, b"".join(keys.values()))

    def found(self, keys: Collection[bytes]) -> list[int]:
        """The messages that have one of these keys."""
        ids: list[int] = []
        for key in keys:
            at = self.keys.find(key)
            while at >= 0:
                if at % KEY == 0:
                    ids.append(int.from_bytes(self.ids[at : at + ID], "big"))
                at = self.keys.find(key, at + 1)
        return ids

    def without(self, gone: Collection[int]) -> NumberBlock:
        """The block in which some messages are found no more."""
        keys = bytearray(self.keys)
        for id in gone:
            at = self.ids.find(id.to_bytes(ID, "big"))
            while at >= 0 and at % ID:
                at = self.ids.find(id.to_bytes(ID, "big"), at + 1)
            if at >= 0:
                keys[at : at + KEY] = GONE
        return self._replace(keys=bytes(keys))


def key_of(vault: Vault | None, tenant: str, number: str) -> str:
    """By what the number of a tenant's message is found."""
    return number if vault is None else vault.found_by(tenant, number)


def forgotten(connection: Connection, ids: Sequence[int]) -> Frame:
    """What is to be stored so that these messages, in order, are found no more."""
    frame: Frame = []
    query = select(number_block).where(number_block.c.first <= ids[-1], number_block.c.last >= ids[0])
    for block in map(NumberBlock._make, connection.execute(query.order_by(number_block.c.first))):
        gone = [id for id in ids if block.first <= id <= block.last]
        if gone:
            frame.append(("number", tuple(block.without(gone))))
    return frame


def _blocks(connection: Connection) -> Iterator[NumberBlock]:
    after = -1
    query = select(number_block).where(number_block.c.first > bindparam("after"))
    query = query.order_by(number_block.c.first).limit(PAGE // 10)
    while rows := connection.execute(query, {"after": after}).all():
        yield from map(NumberBlock._make, rows)
        after = rows[-1].first


def unnumbered(connection: Connection, number: str) -> list[MessageRow]:
    """Messages to this number that cannot be found by it yet."""
    after = get_counter(connection, NUMBERED)
    found: list[MessageRow] = []
    while rows := messages_after(connection, after, PAGE):
        found += [row for row in rows if row.destination == number]
        after = rows[-1].id
    return found


def messages_after(connection: Connection, after: int, limit: int) -> list[MessageRow]:
    """Messages with an id above `after`, in order of id."""
    query = select(message).where(message.c.id > after).order_by(message.c.id).limit(limit)
    return sealing.messages(connection, connection.execute(query))


def tenants(connection: Connection) -> list[str]:
    """Whose messages can be found."""
    names = connection.scalars(select(counter.c.name).where(counter.c.name.like(f"{TENANT}%")))
    return [name.removeprefix(TENANT) for name in names]


def messages_to(connection: Connection, number: str) -> list[int]:
    """Ids of all messages to a number, whosever they are, in order; seldom one that is to another."""
    found = {row.id for row in unnumbered(connection, number)}
    vault = vault_of(connection)
    vaults = {vault, None}
    names = ["", *tenants(connection)]
    keys = {number_key(each, tenant, number) for each in vaults for tenant in names}
    for block in _blocks(connection):
        found.update(block.found(keys))
    return sorted(found)


def waiting_about(connection: Connection, ids: Sequence[int]) -> int:
    """How many receipts of these messages wait for their client."""
    receipts = 0
    for start in range(0, len(ids), PAGE):
        query = select(func.count()).where(outbox.c.message_id.in_(ids[start : start + PAGE]))
        receipts += connection.scalar(query) or 0
    return receipts


def strays_about(connection: Connection, number: str) -> list[StrayRow]:
    """What carriers have sent about a number and nobody has got: receipts without a message, replies that are
    nobody's, parts of long ones.
    """
    found: list[StrayRow] = []
    after = 0
    while rows := queries.strays(connection, after, PAGE):
        found += [row for row in rows if row.destination.lstrip("+") == number]
        after = rows[-1].seq
    return found
