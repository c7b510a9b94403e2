"""What the store keeps of calls: events that are still to be told to a webhook or by mail, or were given up.

Times are unix milliseconds.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from gateway.store.schema import event_call
from gateway.store.statements import Statement, columns, deletion, register, upsertion


class CallRow(NamedTuple):
    """A call that is still to be made. Calls of one `lane` are made in order; lane 0 has no order."""

    seq: int
    webhook: str
    created_at: int  # or when somebody had it tried again
    attempts: int
    due: int
    body: str
    lane: int = 0
    dead: int = 0  # 1: given up
    error: str = ""  # of the last attempt


for _statement in (
    Statement("call", upsertion(event_call), columns(event_call), slot="call"),
    Statement("called", deletion(event_call, "seq"), ("of",), slot="call"),
):
    register(_statement)


def calls_after(connection: Connection, webhook: str, after: int, limit: int) -> list[CallRow]:
    """Calls of a webhook that are not given up, with a seq above `after`, in order."""
    query = select(event_call).where(
        event_call.c.webhook == webhook, event_call.c.dead == 0, event_call.c.seq > after
    )
    return list(map(CallRow._make, connection.execute(query.order_by(event_call.c.seq).limit(limit))))


def calls(connection: Connection, webhook: str, dead: bool, after: int, limit: int) -> list[CallRow]:
    """Calls that wait, or those given up; of one webhook, or of all if that is empty; in order."""
    query = select(event_call).where(event_call.c.dead == int(dead), event_call.c.seq > after)
    if webhook:
        query = query.where(event_call.c.webhook == webhook)
    return list(map(CallRow._make, connection.execute(query.order_by(event_call.c.seq).limit(limit))))


def calls_by_seq(connection: Connection, seqs: Sequence[int]) -> list[CallRow]:
    """Those of the calls that are there, in order."""
    query = select(event_call).where(event_call.c.seq.in_(seqs)).order_by(event_call.c.seq)
    return list(map(CallRow._make, connection.execute(query)))


def call_counts(connection: Connection) -> dict[tuple[str, bool], int]:
    """How many calls each webhook has, waiting and given up."""
    query = select(event_call.c.webhook, event_call.c.dead, func.count())
    rows = connection.execute(query.group_by(event_call.c.webhook, event_call.c.dead))
    return {(str(name), bool(dead)): int(count) for name, dead, count in rows}
