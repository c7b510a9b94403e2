"""Databases of a real PostgreSQL, each for one test, and ways to make one fail."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import make_url
from testing_postgres import POSTGRES, postgres_admin


@contextmanager
def new_database() -> Iterator[str]:
    """The URL of an empty database, which is dropped in the end."""
    name = f"kill_{uuid.uuid4().hex}"
    with postgres_admin() as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def allow_connections(url: str, allowed: bool) -> None:
    """Let the server take connections to a database or not."""
    with postgres_admin() as admin:
        admin.execute(f"ALTER DATABASE {make_url(url).database} ALLOW_CONNECTIONS {allowed}")


def end_connections(url: str) -> int:
    """Have the server end every connection to a database; how many."""
    with postgres_admin() as admin:
        cursor = admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            (make_url(url).database,),
        )
        return len(cursor.fetchall())
