"""What is asked of the store: plain functions on a connection, for the ledger and for other processes."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from gateway.store import sealing
from gateway.store.rows import Kind, MessageRow, OutboxRow, State, StrayRow
from gateway.store.schema import counter, message, outbox, stray

# How far the order of ids and the order of acceptance may be apart, in ms.
DISORDER = 3_600_000

SEARCH_PAGE = 500

OPEN = message.c.deadline.is_not(None)


class SentRow(NamedTuple):
    """A message that a carrier has taken and not finished."""

    id: int
    carrier: str
    carrier_message_id: str


class OpenCount(NamedTuple):
    """How many messages are in an open state, and the least id of them."""

    messages: int
    first: int


class Sought(NamedTuple):
    """What a search asks for: all that is given must hold. Times of acceptance, `since` <= time < `until`."""

    account: str | None = None
    source: str | None = None
    destination: str | None = None
    carrier: str | None = None
    states: Collection[int] = ()
    since: int | None = None
    until: int | None = None
    open_only: bool = False  # what is not finished


def get_message(connection: Connection, id: int) -> MessageRow | None:
    """One message, or None."""
    found = sealing.messages(connection, connection.execute(select(message).where(message.c.id == id)))
    return found[0] if found else None


def messages(connection: Connection, ids: Sequence[int]) -> list[MessageRow]:
    """Those of the ids that are there, in order of id."""
    found: list[MessageRow] = []
    rest = iter(sorted(set(ids)))
    while some := list(islice(rest, 500)):
        query = select(message).where(message.c.id.in_(some)).order_by(message.c.id)
        found += sealing.messages(connection, connection.execute(query))
    return found


def open_after(connection: Connection, after: int, states: Collection[int], limit: int) -> list[MessageRow]:
    """Messages not finished, in one of the states, with an id above `after`, in order of id."""
    query = select(message).where(OPEN, message.c.id > after, message.c.state.in_(map(int, states)))
    return sealing.messages(connection, connection.execute(query.order_by(message.c.id).limit(limit)))


def sent_after(connection: Connection, after: int, limit: int) -> list[SentRow]:
    """What awaits its receipt, with an id above `after`, in order of id: enough to find it by the carrier's
    id. What waits or is being sent is among it where some of its segments were taken. There may be a million,
    so nothing is opened.
    """
    query = (
        select(*(message.c[name] for name in SentRow._fields))
        .where(OPEN, message.c.id > after, message.c.state.in_((State.WAITING, State.SENDING, State.SENT)))
        .where(message.c.carrier.is_not(None), message.c.carrier_message_id.is_not(None))
    )
    found = connection.execute(query.order_by(message.c.id).limit(limit))
    return list(map(SentRow._make, sealing.plain(found)))


def due(connection: Connection, now: int, limit: int) -> list[MessageRow]:
    """Messages whose deadline has come, the earliest first."""
    query = select(message).where(message.c.deadline <= now)
    query = query.order_by(message.c.deadline, message.c.id).limit(limit)
    return sealing.messages(connection, connection.execute(query))


def oldest_open(connection: Connection) -> int | None:
    """When the oldest message that is not finished was accepted."""
    return connection.scalar(select(message.c.accepted_at).where(OPEN).order_by(message.c.id).limit(1))


def open_counts(connection: Connection) -> dict[State, OpenCount]:
    """Messages in each open state."""
    query = select(message.c.state, func.count(), func.min(message.c.id)).where(OPEN)
    rows = connection.execute(query.group_by(message.c.state))
    return {State(state): OpenCount(count, first) for state, count, first in rows}


def search(connection: Connection, sought: Sought, before: int | None, limit: int) -> list[MessageRow]:
    """Messages that match, youngest first, with an id below `before` (where the last page ended).

    No index but that of the ids serves this: it reads what was accepted in the given time.
    """
    conditions: list[ColumnElement[bool]] = [OPEN] if sought.open_only else []
    for name in ("account", "carrier"):
        value = getattr(sought, name)
        if value is not None:
            conditions.append(message.c[name] == value)
    if sought.states:
        conditions.append(message.c.state.in_(map(int, sought.states)))
    if sought.since is not None:
        first = first_accepted(connection, sought.since - DISORDER)
        conditions += [message.c.accepted_at >= sought.since, message.c.id >= first]
    if sought.until is not None:
        last = first_accepted(connection, sought.until + DISORDER)
        conditions += [message.c.accepted_at < sought.until, message.c.id <= last]
    found: list[MessageRow] = []
    for row in _downwards(connection, conditions, sought, before, limit):
        if sought.source in (None, row.source) and sought.destination in (None, row.destination):
            found.append(row)
            if len(found) == limit:
                break
    return found


def _downwards(
    connection: Connection,
    conditions: Sequence[ColumnElement[bool]],
    sought: Sought,
    before: int | None,
    limit: int,
) -> Iterator[MessageRow]:
    """What meets the conditions, youngest first. Addresses are asked of the database only of rows that are
    not sealed: of the others nothing can be seen before they are opened.
    """
    query = select(message).where(*conditions).order_by(message.c.id.desc())
    plain = [
        message.c[name] == getattr(sought, name)
        for name in ("source", "destination")
        if getattr(sought, name) is not None
    ]
    if plain:
        query = query.where(or_(and_(*plain), message.c.destination == ""))
        limit = max(limit, SEARCH_PAGE)
    query = query.limit(limit)
    while rows := sealing.messages(
        connection, connection.execute(query if before is None else query.where(message.c.id < before))
    ):
        yield from rows
        if len(rows) < limit:
            return
        before = rows[-1].id


def first_accepted(connection: Connection, since: int) -> int:
    """The lowest id accepted at or after `since`, or one above the highest; found by halving, as ids grow."""
    low = connection.scalar(select(func.min(message.c.id)))  # with max in one statement SQLite reads all
    if low is None:
        return 0
    high = last_message_id(connection) + 1
    while low < high:
        middle = (low + high) // 2
        query = select(message.c.id, message.c.accepted_at).where(message.c.id >= middle)
        found = connection.execute(query.order_by(message.c.id).limit(1)).one_or_none()
        if found is None or found.accepted_at >= since:
            high = middle
        else:
            low = found.id + 1
    return int(low)


def get_outbox(connection: Connection, account: str, after: int, limit: int) -> list[OutboxRow]:
    """What waits for an account, with a seq above `after`, in order."""
    query = select(outbox).where(outbox.c.account == account, outbox.c.seq > after)
    return sealing.outbox_rows(connection, connection.execute(query.order_by(outbox.c.seq).limit(limit)))


def accepted_since(
    connection: Connection, since: int, after: int, limit: int, categories: Collection[str] = ()
) -> list[MessageRow]:
    """Messages accepted at `since` or later, with an id above `after` (0, or where the last page ended), in
    order of id; of some categories, or of all.
    """
    first = after or first_accepted(connection, since - DISORDER) - 1
    query = select(message).where(message.c.id > first, message.c.accepted_at >= since)
    if categories:
        query = query.where(message.c.category.in_(categories))
    return sealing.messages(connection, connection.execute(query.order_by(message.c.id).limit(limit)))


def last_message_id(connection: Connection) -> int:
    """The highest id of a message, 0 if there is none."""
    return connection.scalar(select(func.max(message.c.id))) or 0


def before_latest(connection: Connection, count: int) -> int:
    """The highest id below those of the latest `count` messages, 0 if there are no more than these. Ids have
    gaps: each start begins with new ones.
    """
    query = select(message.c.id).order_by(message.c.id.desc()).offset(count).limit(1)
    return connection.scalar(query) or 0


def outbox_counts(connection: Connection) -> dict[str, int]:
    """How many rows wait for each account that has any; dead letters wait for nobody."""
    query = select(outbox.c.account, func.count()).where(outbox.c.kind != Kind.DEAD)
    rows = connection.execute(query.group_by(outbox.c.account))
    return {str(account): int(count) for account, count in rows}


def strays(connection: Connection, after: int, limit: int) -> list[StrayRow]:
    """Receipts that matched nothing, with a seq above `after`, in order."""
    query = select(stray).where(stray.c.seq > after).order_by(stray.c.seq).limit(limit)
    return sealing.stray_rows(connection, connection.execute(query))


def get_counter(connection: Connection, name: str) -> int:
    """A named number, 0 if nobody has set it."""
    return connection.scalar(select(counter.c.value).where(counter.c.name == name)) or 0
