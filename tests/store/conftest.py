"""Every test that takes `place` runs on SQLite and on a real PostgreSQL, each time on an empty database."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from sqlalchemy import make_url
from store_samples import postgres
from testing_postgres import POSTGRES, postgres_admin
from twisted.internet import reactor

from gateway.store.engine import Store, migrate, open_store
from gateway.store.sqlite_driver import SqliteDriver
from gateway.store.writer import Driver


@dataclass(frozen=True)
class Place:
    """An empty database."""

    kind: str
    url: str

    def migrate(self) -> None:
        migrate(make_url(self.url))

    def driver(self) -> Driver:
        if self.kind == "sqlite":
            return SqliteDriver(Path(str(make_url(self.url).database)))
        return postgres(make_url(self.url))


@pytest.fixture
def sqlite_place(tmp_path: Path) -> Place:
    return Place("sqlite", f"sqlite:///{tmp_path}/gateway.db")


@pytest.fixture
def postgres_place() -> Iterator[Place]:
    schema = f"gateway_{uuid.uuid4().hex}"
    with postgres_admin() as admin:
        admin.execute(f"CREATE SCHEMA {schema}")
        url = make_url(POSTGRES).update_query_dict({"options": f"-csearch_path={schema}"})
        yield Place("postgresql", url.render_as_string(hide_password=False))
        admin.execute("SET client_min_messages = warning")
        admin.execute("SET lock_timeout = '10s'")
        admin.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> Place:
    which = "sqlite_place" if request.param == "sqlite" else "postgres_place"
    chosen: Place = request.getfixturevalue(which)
    return chosen


Open = Callable[..., Store]


@pytest_twisted.async_yield_fixture
async def open_at() -> AsyncIterator[Open]:
    """Opens stores by URL and closes them after the test."""
    stores: list[Store] = []

    def open_it(url: str, **options: Any) -> Store:
        stores.append(open_store(url, reactor, **options))
        return stores[-1]

    yield open_it
    for store in stores:
        await store.close()


@pytest.fixture
def open_here(place: Place, open_at: Open) -> Open:
    """Opens the store at `place`."""
    return partial(open_at, place.url)
