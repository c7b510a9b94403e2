"""What the store keeps of breakers: those that are tripped."""

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select

from gateway.store.schema import breaker_trip
from gateway.store.statements import Statement, columns, register, upsertion


class TripRow(NamedTuple):
    """A breaker that is tripped; of account, program and carrier those that say nothing are empty."""

    rule: str
    account: str
    program: str
    carrier: str
    tripped_at: int  # unix milliseconds
    refuses: int  # 1: what it stops is refused, 0: it waits
    why: str
    by: str  # a person, or empty


_KEY = TripRow._fields[:4]

for _statement in (
    Statement("trip", upsertion(breaker_trip), columns(breaker_trip), slot="breaker", key=slice(0, 4)),
    Statement(
        "resume",
        delete(breaker_trip).where(*(breaker_trip.c[name] == bindparam(f"of_{name}") for name in _KEY)),
        tuple(f"of_{name}" for name in _KEY),
        slot="breaker",
        key=slice(0, 4),
    ),
):
    register(_statement)


def trips(connection: Connection) -> list[TripRow]:
    """All that are tripped, the oldest first."""
    query = select(breaker_trip).order_by(breaker_trip.c.tripped_at, *(breaker_trip.c[name] for name in _KEY))
    return list(map(TripRow._make, connection.execute(query)))
