"""What the store keeps of quotas and balances: one row for each account that has any."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from gateway.store.queries import OPEN
from gateway.store.rows import State
from gateway.store.schema import account_usage, message
from gateway.store.statements import Statement, columns, register, upsertion


class UsageRow(NamedTuple):
    """What an account has used in a day (yyyymmdd) and month (yyyymm), and its balance in millionths."""

    account: str
    day: int
    month: int
    messages_per_day: int
    segments_per_day: int
    messages_per_month: int
    segments_per_month: int
    balance: int
    level: int


register(Statement("use", upsertion(account_usage), columns(account_usage), slot="usage"))


def usages(connection: Connection) -> list[UsageRow]:
    """Of all accounts."""
    return list(map(UsageRow._make, connection.execute(select(account_usage))))


def unsent(connection: Connection) -> dict[str, int]:
    """How many messages of each account no carrier has taken yet."""
    query = select(message.c.account, func.count()).where(
        OPEN, message.c.state != int(State.SENT), message.c.client_id != ""
    )
    return {str(name): int(count) for name, count in connection.execute(query.group_by(message.c.account))}
