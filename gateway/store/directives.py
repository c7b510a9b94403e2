"""What the store keeps of directives: those in force."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from gateway.store.queries import OPEN
from gateway.store.schema import message, traffic_directive
from gateway.store.statements import Statement, columns, deletion, register, upsertion


class DirectiveRow(NamedTuple):
    """One directive; of the part those that say nothing are empty. Times are unix milliseconds."""

    id: int
    verb: str
    account: str
    tenant: str
    program: str
    carrier: str
    category: str
    prefix: str
    at: int
    by: str
    note: str
    refuse: str
    carriers: str  # separated by commas
    drained_at: int | None


class Waiting(NamedTuple):
    """How many messages of an account wait in a state, and since when."""

    account: str
    category: str
    state: int
    messages: int
    oldest: int  # unix milliseconds


for _statement in (
    Statement("direct", upsertion(traffic_directive), columns(traffic_directive), slot="directive"),
    Statement("undirect", deletion(traffic_directive, "id"), ("of",), slot="directive"),
):
    register(_statement)


def directives(connection: Connection) -> list[DirectiveRow]:
    """All in force, the oldest first."""
    query = select(traffic_directive).order_by(traffic_directive.c.id)
    return list(map(DirectiveRow._make, connection.execute(query)))


def waiting(connection: Connection, states: list[int]) -> list[Waiting]:
    """What waits, by account, category and state."""
    grouped = message.c.account, message.c.category, message.c.state
    query = select(*grouped, func.count(), func.min(message.c.accepted_at))
    query = query.where(OPEN, message.c.state.in_(states)).group_by(*grouped)
    return list(map(Waiting._make, connection.execute(query)))
