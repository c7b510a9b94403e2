"""What the store keeps of calls: events that are still to be told to a webhook or by mail, or were given up.

Times are unix milliseconds.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from gateway.store.rows import Row
from gateway.store.schema import event_call
from gateway.store.sealing import SEALS, is_sealed_text, vault_of
from gateway.store.statements import Statement, columns, deletion, register, revision, upsertion
from gateway.store.vault import Vault

PAGE = 500


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
    Statement("amend_call", revision(event_call, ["body"], "seq"), ("body", "of"), slot="call body", key=1),
    Statement("called", deletion(event_call, "seq"), ("of",), slot="call"),
):
    register(_statement)


def calls_after(connection: Connection, webhook: str, after: int, limit: int) -> list[CallRow]:
    """Calls of a webhook that are not given up, with a seq above `after`, in order."""
    query = select(event_call).where(
        event_call.c.webhook == webhook, event_call.c.dead == 0, event_call.c.seq > after
    )
    return _opened(connection, query.order_by(event_call.c.seq).limit(limit))


def calls(connection: Connection, webhook: str, dead: bool, after: int, limit: int) -> list[CallRow]:
    """Calls that wait, or those given up; of one webhook, or of all if that is empty; in order."""
    query = select(event_call).where(event_call.c.dead == int(dead), event_call.c.seq > after)
    if webhook:
        query = query.where(event_call.c.webhook == webhook)
    return _opened(connection, query.order_by(event_call.c.seq).limit(limit))


def calls_by_seq(connection: Connection, seqs: Sequence[int]) -> list[CallRow]:
    """Those of the calls that are there, in order."""
    query = select(event_call).where(event_call.c.seq.in_(seqs)).order_by(event_call.c.seq)
    return _opened(connection, query)


def given_up_before(connection: Connection, moment: int, after: int, limit: int) -> list[CallRow]:
    """Calls made before a moment (unix ms) that were given up, with a seq above `after`, in order."""
    query = select(event_call).where(
        event_call.c.dead == 1, event_call.c.created_at < moment, event_call.c.seq > after
    )
    return _opened(connection, query.order_by(event_call.c.seq).limit(limit))


def calls_with(connection: Connection, number: str) -> list[CallRow]:
    """All calls that tell of a number, in order. Reads every one of them."""
    found: list[CallRow] = []
    after = 0
    while rows := _opened(
        connection, select(event_call).where(event_call.c.seq > after).order_by(event_call.c.seq).limit(PAGE)
    ):
        found += [row for row in rows if number in row.body]
        after = rows[-1].seq
    return found


def call_counts(connection: Connection) -> dict[tuple[str, bool], int]:
    """How many calls each webhook has, waiting and given up."""
    query = select(event_call.c.webhook, event_call.c.dead, func.count())
    rows = connection.execute(query.group_by(event_call.c.webhook, event_call.c.dead))
    return {(str(name), bool(dead)): int(count) for name, dead, count in rows}


def opened_call(connection: Connection, row: CallRow) -> CallRow:
    """A stored call as it was before it was sealed. Raises Damaged."""
    vault = vault_of(connection)
    if vault is None or not is_sealed_text(row.body):
        return row
    return row._replace(body=vault.open_text(row.body, b"call %d" % row.seq))


def _opened(connection: Connection, query: Select[Any]) -> list[CallRow]:
    return [opened_call(connection, CallRow._make(row)) for row in connection.execute(query)]


def _seal(vault: Vault, row: Any) -> list[tuple[str, Row]]:
    return [("call", (*row[:5], vault.seal_text(row[5], b"call %d" % row[0]), *row[6:]))]


def _amend(vault: Vault, row: Any) -> list[tuple[str, Row]]:
    body, seq = row
    return [("amend_call", (vault.seal_text(body, b"call %d" % seq), seq))]


SEALS.update(call=_seal, amend_call=_amend)
