"""The PostgreSQL that tests use: the one that GATEWAY_TEST_POSTGRES names."""

import os
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

POSTGRES = os.environ.get("GATEWAY_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


def postgres_admin() -> "psycopg.Connection[Any]":
    """A connection to the tests' PostgreSQL, or the end of this test."""
    url = make_url(POSTGRES).set(drivername="postgresql")
    try:
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True, connect_timeout=60)
    except psycopg.OperationalError as error:
        reason = f"NO POSTGRESQL AT {url!r} (set GATEWAY_TEST_POSTGRES): {str(error).splitlines()[0]}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
