"""Databases of a real PostgreSQL, each for one test, and ways to make one fail."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

POSTGRES = os.environ.get("GATEWAY_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


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


def postgres_admin() -> psycopg.Connection[Any]:
    """A connection to the tests' PostgreSQL, or the end of this test."""
    url = make_url(POSTGRES).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        reason = f"NO POSTGRESQL AT {POSTGRES} (set GATEWAY_TEST_POSTGRES): {str(error).splitlines()[0]}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


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
