"""Opening: the schema and its migrations, the lock, what SQLite is set to, the bounded log."""

import subprocess
import sys
from pathlib import Path

import pytest
import pytest_twisted
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from store_samples import NOW, inserts, postgres, writer_on
from twisted.internet import reactor

from gateway.store import queries
from gateway.store.engine import open_store, reading_engine
from gateway.store.rows import StoreLocked, StoreUnavailable
from gateway.store.schema import metadata
from gateway.store.sealing import plain
from gateway.store.sqlite_driver import SqliteDriver

OPEN_AND_SAY = """
import sys
from twisted.internet import reactor
from gateway.store.engine import open_store
from gateway.store.rows import StoreLocked
try:
    open_store(sys.argv[1], reactor)
except StoreLocked as error:
    print(error)
    sys.exit(3)
"""


def definitions(engine):
    """How the database itself writes down tables and indexes."""
    if engine.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    else:
        query = "SELECT indexname, replace(indexdef, current_schema(), '') FROM pg_indexes"
        query += " WHERE schemaname = current_schema()"
    with engine.connect() as connection:
        rows = connection.execute(text(query)).all()
    return {name: " ".join(sql.replace('"', "").split()) for name, sql in rows if "alembic" not in name}


def test_migrations_make_the_schema(place):
    place.migrate()
    engine = create_engine(place.url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    migrated = definitions(engine)
    assert "WHERE" in migrated["message_deadline"]
    metadata.drop_all(engine)
    metadata.create_all(engine)
    assert definitions(engine) == migrated
    engine.dispose()


def test_migrating_twice_changes_nothing(place):
    place.migrate()
    engine = create_engine(place.url)
    migrated = definitions(engine)
    place.migrate()
    assert definitions(engine) == migrated
    engine.dispose()


def test_a_database_newer_than_the_program_is_not_touched(place):
    place.migrate()
    engine = create_engine(place.url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnavailable, match="9999"):
        open_store(place.url, reactor)
    engine.dispose()


def test_a_migration_that_fails_leaves_nothing_behind(place):
    engine = create_engine(place.url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE counter (name INTEGER)"))
    with pytest.raises(StoreUnavailable):
        place.migrate()
    assert inspect(engine).get_table_names() == ["counter"]
    engine.dispose()


@pytest_twisted.ensureDeferred
async def test_what_was_stored_is_there_after_opening_again(place, open_here):
    store = open_here()
    await store.journal.commit(inserts(1, 2))
    await store.close()
    store = open_here()
    assert [row.id for row in await store.ledger.messages([1, 2])] == [1, 2]


@pytest_twisted.ensureDeferred
async def test_nothing_is_taken_after_closing(open_here):
    store = open_here()
    await store.close()
    with pytest.raises(StoreUnavailable, match="stopping"):
        await store.journal.commit(inserts(1))


def open_elsewhere(url):
    return subprocess.run(
        [sys.executable, "-c", OPEN_AND_SAY, url], capture_output=True, text=True, timeout=60, check=False
    )


@pytest_twisted.ensureDeferred
async def test_a_second_process_is_refused(place, open_here):
    store = open_here()
    second = open_elsewhere(place.url)
    assert second.returncode == 3, second.stderr
    assert "another gateway" in second.stdout
    await store.journal.commit(inserts(1))
    await store.close()
    third = open_elsewhere(place.url)
    assert third.returncode == 0, third.stderr


@pytest_twisted.ensureDeferred
async def test_a_second_writer_in_this_process_is_refused_too(sqlite_place, open_at):
    open_at(sqlite_place.url)
    with pytest.raises(StoreLocked, match="another gateway, process"):
        open_at(sqlite_place.url)


@pytest_twisted.ensureDeferred
async def test_two_nodes_share_a_postgresql(postgres_place, open_at):
    one = open_at(postgres_place.url, node="one")
    two = open_at(postgres_place.url, node="two")
    await one.journal.commit(inserts(1))
    await two.journal.commit(inserts(2))
    assert await one.ledger.reserve_ids("message", 5) == 1
    assert await two.ledger.reserve_ids("message", 5) == 6
    assert [row.id for row in await one.ledger.messages([1, 2])] == [1, 2]


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x", "postgresql://x/y"]
)
def test_other_databases_are_refused(url):
    with pytest.raises(ValueError, match="neither"):
        open_store(url, reactor)


@pytest_twisted.ensureDeferred
async def test_the_directory_is_made_for_its_owner_only(tmp_path, open_at):
    open_at(f"sqlite:///{tmp_path}/deep/state/gateway.db")
    assert (tmp_path / "deep" / "state").stat().st_mode & 0o777 == 0o700


@pytest_twisted.ensureDeferred
async def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path, open_at):
    (tmp_path / "gateway.db").write_bytes(b"this is no database, not at all" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        open_at(f"sqlite:///{tmp_path}/gateway.db")
    with pytest.raises(StoreUnavailable):
        open_at("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(StoreUnavailable, match="Not a directory"):
        open_at(f"sqlite:///{tmp_path}/gateway.db/state/gateway.db")
    (tmp_path / "gateway.db").unlink()
    open_at(f"sqlite:///{tmp_path}/gateway.db")  # what failed before has let go of its lock


def test_sqlite_flushes_every_commit(sqlite_place):
    sqlite_place.migrate()
    connection = sqlite_place.driver().connect()
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.close()


def test_postgresql_flushes_every_commit(postgres_place):
    url = f"{postgres_place.url}%20-csynchronous_commit%3Doff"
    postgres_place.migrate()
    driver = postgres(make_url(url))
    driver.open()
    assert driver._connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    driver.close()


def test_readers_cannot_write(sqlite_place):
    sqlite_place.migrate()
    engine = reading_engine(make_url(sqlite_place.url), 1)
    with engine.connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.execute(text("DELETE FROM message"))
    engine.dispose()


def test_the_log_is_cut_again_when_a_reader_has_let_go(sqlite_place):
    sqlite_place.migrate()
    limit = 200_000
    path = Path(make_url(sqlite_place.url).database)
    log = Path(f"{path}-wal")
    writer = writer_on(SqliteDriver(path, wal_limit=limit))
    engine = reading_engine(make_url(sqlite_place.url), 1)
    ids = iter(range(1, 10**6))
    writer.write([inserts(next(ids)).frame()])
    with engine.connect() as reader:
        reader.exec_driver_sql("BEGIN")
        assert queries.oldest_open(reader) == NOW + 1
        while log.stat().st_size < 3 * limit:
            writer.write([inserts(*(next(ids) for _ in range(50))).frame()])
        assert queries.oldest_open(reader) == NOW + 1
        reader.rollback()
    sizes = []
    for _ in range(200):
        writer.write([inserts(*(next(ids) for _ in range(50))).frame()])
        sizes.append(log.stat().st_size)
    assert max(sizes[100:]) < 2 * limit
    writer.close()
    with engine.connect() as reader:
        assert queries.oldest_open(reader) == NOW + 1
    engine.dispose()


@pytest_twisted.ensureDeferred
async def test_sizes_are_told(place, open_here):
    store = open_here()
    await store.journal.commit(inserts(1))
    sizes = store.sizes()
    if place.kind == "sqlite":
        assert sizes["database"] > 0
        assert sizes["log"] > 0
    else:
        assert sizes == {}


def test_an_error_while_rows_are_fetched_is_the_databases(sqlite_place):
    engine = reading_engine(make_url(sqlite_place.url), 1)
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT i FROM n"
    with engine.connect() as connection:
        found = connection.execute(text(many))
        connection.connection.driver_connection.set_progress_handler(lambda: 1, 100)
        with pytest.raises(DBAPIError, match="interrupted"):
            plain(found)
    engine.dispose()


def test_sqlite_finds_open_and_due_messages_by_index(sqlite_place):
    sqlite_place.migrate()
    asked = []

    class Nothing(list):
        cursor = None
        close = list.clear

    class Spy:
        def execute(self, query):
            asked.append(query)
            return Nothing()

        scalar = execute

        def get_execution_options(self):
            return {}

    queries.open_after(Spy(), 5, (1,), 10)
    queries.due(Spy(), 5, 10)
    queries.sent_after(Spy(), 5, 10)
    queries.oldest_open(Spy())
    queries.get_outbox(Spy(), "bank", 5, 10)
    engine = create_engine(sqlite_place.url)
    plans = []
    with engine.connect() as connection:
        for query in asked:
            sql = str(query.compile(engine, compile_kwargs={"literal_binds": True}))
            plans.append(str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all()))
    engine.dispose()
    expected = ["message_open", "message_deadline", "message_open", "message_open", "outbox_account"]
    for plan, index in zip(plans, expected, strict=True):
        assert f"INDEX {index}" in plan
        assert "TEMP B-TREE" not in plan
