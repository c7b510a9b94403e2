"""By what messages of a number are found: a keyed hash for each tenant, filled behind the traffic.

`gateway.relay.numbering` fills it in order of ids; what it has not reached yet is read message by message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql

from gateway.store import queries, sealing
from gateway.store.queries import get_counter
from gateway.store.rows import MessageRow
from gateway.store.schema import counter, message, message_number, outbox
from gateway.store.sealing import vault_of
from gateway.store.statements import Statement, columns, deletion, register
from gateway.store.vault import Vault

NUMBERED = "numbered"
"""The counter of the last message that can be found by its number."""

TENANT = "tenant:"
"""How the counters that name the tenants of numbered messages begin."""

FORGET = "unnumber"
"""The statement by which a message is found no more."""

PAGE = 1000

for _statement in (
    Statement(
        "number",
        postgresql.insert(message_number).on_conflict_do_nothing(),
        columns(message_number),
    ),
    Statement(FORGET, deletion(message_number, "message_id"), ("of",), slot="number"),
):
    register(_statement)


def key_of(vault: Vault | None, tenant: str, number: str) -> str:
    """By what the number of a tenant's message is found."""
    return number if vault is None else vault.found_by(tenant, number)


def numbers(connection: Connection, tenant: str, number: str, after: int, limit: int) -> list[int]:
    """Ids of a tenant's messages to this number (digits with the calling code) above `after`, in order.

    Messages of the last seconds may be missing: `unnumbered` has them.
    """
    vault = vault_of(connection)
    query = select(message_number.c.message_id).where(
        message_number.c.number.in_({number, key_of(vault, tenant, number)}),
        message_number.c.message_id > after,
    )
    return list(connection.scalars(query.order_by(message_number.c.message_id).limit(limit)))


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
    """Ids of all messages to a number, whosever they are, in order."""
    found = {row.id for row in unnumbered(connection, number)}
    for tenant in tenants(connection):
        found.update(_all(connection, tenant, number))
    return sorted(found)


def waiting_about(connection: Connection, ids: Sequence[int], number: str) -> tuple[int, int]:
    """How many receipts of these messages wait for their client, and how many receipts about a number have
    matched no message.
    """
    receipts = 0
    for start in range(0, len(ids), PAGE):
        query = select(func.count()).where(outbox.c.message_id.in_(ids[start : start + PAGE]))
        receipts += connection.scalar(query) or 0
    strays, after = 0, 0
    while rows := queries.strays(connection, after, PAGE):
        strays += sum(row.destination == number for row in rows)
        after = rows[-1].seq
    return receipts, strays


def _all(connection: Connection, tenant: str, number: str) -> Iterable[int]:
    after = 0
    while ids := numbers(connection, tenant, number, after, PAGE):
        yield from ids
        after = ids[-1]
