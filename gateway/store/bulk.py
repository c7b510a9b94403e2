"""Many rows in one statement of PostgreSQL: as arrays, one for each column, or by COPY.

A statement costs PostgreSQL and its driver more than a row does. Only for statements whose rows are all of
different keys.
"""

from __future__ import annotations

import re
from itertools import count

PARAMETER = re.compile(r"%s(?:::(\w+))?")
NAMES = {"BIGINT": "int8", "VARCHAR": "text", "BYTEA": "bytea"}
VALUES = re.compile(r"VALUES \(([^)]*)\)")

MANY = frozenset({"insert", "progress", "sent", "delivered", "enqueue", "dequeue"})
"""The statements on the way of a message."""


def copied(sql: str) -> tuple[str, tuple[str, ...]] | None:
    """COPY in the place of an INSERT that no conflict is foreseen for, and the types of its columns."""
    found = re.fullmatch(r"INSERT INTO (\w+ \([^)]*\)) VALUES \(([^)]*)\)", sql)
    if found is None:
        return None
    return f"COPY {found[1]} FROM STDIN (FORMAT BINARY)", tuple(NAMES[kind] for kind in types(found[2]))


def arrays(sql: str) -> str:
    """The statement with an array for each parameter. Raises ValueError for one of another form."""
    kinds = types(sql)
    source = f"unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})"
    columns = [f"c{at}" for at in range(len(kinds))]
    if sql.startswith("INSERT"):
        return VALUES.sub(f"SELECT * FROM {source}", sql, count=1)
    at = count()
    named = PARAMETER.sub(lambda _: f"v.c{next(at)}", sql)
    word = {"UPDATE": "FROM", "DELETE": "USING"}.get(sql[:6])
    head, where, condition = named.partition(" WHERE ")
    if word is None or not where:
        raise ValueError(f"not for many rows at once: {sql}")
    return f"{head} {word} {source} AS v({', '.join(columns)}) WHERE {condition}"


def types(sql: str) -> tuple[str, ...]:
    """The types of the parameters; what is not cast is octets."""
    return tuple((kind or "BYTEA").upper() for kind in PARAMETER.findall(sql))
