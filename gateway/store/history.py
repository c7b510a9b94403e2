"""What the store keeps of generations: every one that came into force, with its texts."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from gateway.store.schema import generation
from gateway.store.statements import Statement, columns, register, upsertion


class GenerationRow(NamedTuple):
    """A generation that came into force at `loaded_at` (unix ms); `files` is a zip of its texts."""

    number: int
    digest: str
    loaded_at: int
    cause: str
    files: bytes = b""


register(Statement("generation", upsertion(generation), columns(generation), slot="generation"))

_BRIEF = [generation.c[name] for name in GenerationRow._fields[:-1]]

CANARY = "canary"
"""What the cause of a generation begins with that never was in force: one that was only tried."""

_IN_FORCE = ~generation.c.cause.startswith(CANARY)


def last_generation(connection: Connection) -> GenerationRow | None:
    """The youngest one, without its texts."""
    row = connection.execute(select(*_BRIEF).order_by(generation.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else GenerationRow._make((*row, b""))


def get_generation(connection: Connection, number: int) -> GenerationRow | None:
    """One of them, whole."""
    row = connection.execute(select(generation).where(generation.c.number == number)).one_or_none()
    return None if row is None else GenerationRow._make(row)


def generation_at(connection: Connection, moment: int) -> GenerationRow | None:
    """The one that was in force at a unix millisecond, whole; None if none was yet."""
    query = select(generation).where(generation.c.loaded_at <= moment, _IN_FORCE)
    row = connection.execute(query.order_by(generation.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else GenerationRow._make(row)


def generations(connection: Connection, limit: int) -> list[GenerationRow]:
    """The youngest first, without their texts."""
    query = select(*_BRIEF).order_by(generation.c.number.desc()).limit(limit)
    return [GenerationRow._make((*row, b"")) for row in connection.execute(query)]
