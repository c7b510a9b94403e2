"""Opening the store: locks, migrations, the writer's process or thread, the readers' threads."""

import fcntl
import marshal
import os
import sqlite3
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from gateway.settings.node import Node
from gateway.store import migrations
from gateway.store.journal import Journal, Runner, Timer
from gateway.store.ledger import Ledger
from gateway.store.line import Line, threaded
from gateway.store.remote import WriterProcess
from gateway.store.rows import Frame, StoreLocked, StoreUnavailable, brief
from gateway.store.sealing import OPTION, sealed
from gateway.store.statements import program
from gateway.store.vault import Vault
from gateway.store.writer import Writer
from gateway.store.writer_process import driver_of, lock_writer

# Names the lock that keeps two gateways that start at once on one PostgreSQL from both migrating it.
MIGRATION_LOCK = 7_126_533_201

KINDS = ("sqlite", "postgresql+psycopg")


@dataclass(slots=True)
class Store:
    """An open store. Close it after everything that writes has stopped."""

    journal: Journal
    ledger: Ledger
    _url: URL
    _held: ExitStack
    vault: Vault | None = None
    writer: WriterProcess | None = None  # None: it is a thread

    async def close(self) -> None:
        """Write what the journal still holds, end the threads, close the database, let others open it."""
        await self.journal.stop()
        self._held.close()

    def sizes(self) -> dict[str, int]:
        """Octets of the database and of its write-ahead log; empty for a database elsewhere."""
        if self._url.get_backend_name() != "sqlite":
            return {}
        files = {"database": Path(f"{self._url.database}"), "log": Path(f"{self._url.database}-wal")}
        return {name: path.stat().st_size if path.exists() else 0 for name, path in files.items()}


def open_store(
    url: str | URL,
    reactor: Any,
    *,
    clock: Timer | None = None,
    node: str = "node",
    floor: float = 0.002,
    readers: int = 2,
    vault: Vault | None = None,
    apart: bool = True,
) -> Store:
    """Open the store at `sqlite:////path` or `postgresql+psycopg://…`, creating or migrating it as needed.

    `clock` is monotonic and defaults to the reactor, `node` names this writer among those of a PostgreSQL,
    `floor` is the least time between commits in seconds, `readers` the number of reading threads,
    `vault` seals what is written and opens what is read; `apart`: the writer is a process of its own, not a
    thread.
    Blocks. Raises StoreLocked if another process has this state open, StoreUnavailable if it cannot be
    opened, ValueError for a URL of another kind.
    """
    place = make_url(url)
    where = place_of(place, node)
    with ExitStack() as held:
        if "path" in where:
            held.callback(os.close, lock_state(Path(where["path"])))
        migrate(place)
        engine = reading_engine(place, readers, vault)
        held.callback(engine.dispose)
        if apart:
            writer = _process(where, reactor, vault, held)
            pack = partial(packed, vault)
            line = Line(writer.write, writer.reserve, writer.read, writer.open(), pack)
        else:
            writer = None
            line = _thread(where, reactor, vault, held)
        reading = _thread_pool("store-reader", readers, held)
        journal = Journal(line, clock or reactor, floor=floor, depth=2 if apart else 1)
        ledger = Ledger(engine, _runner(reactor, reading), line)
        return Store(journal, ledger, place, held.pop_all(), vault, writer)


def _process(where: dict[str, Any], reactor: Any, vault: Vault | None, held: ExitStack) -> WriterProcess:
    """The writer in a process of its own, not yet started."""
    keys = None if vault is None else (vault.keyring.search, vault.keyring.versions, vault.sealing)
    kind = "sqlite" if "path" in where else "postgresql"
    statements, queries, reserve = program(kind)
    order = {**where, "keys": keys, "program": (tuple(map(tuple, statements)), queries, reserve)}
    writer = WriterProcess(reactor, order, vault)
    held.callback(writer.close)
    return writer


def _thread(where: dict[str, Any], reactor: Any, vault: Vault | None, held: ExitStack) -> Line:
    """The writer in a thread of this process, opened."""
    if "path" in where:
        held.callback(os.close, lock_writer(Path(where["path"])))
    driver = driver_of(where)
    held.callback(driver.close)
    writer = Writer(driver, program(driver.kind), vault)
    run = _runner(reactor, _thread_pool("store-writer", 1, held))
    return threaded(writer, run, partial(_sealed, vault))


def _sealed(vault: Vault | None, frame: Frame) -> Frame:
    return frame if vault is None else sealed(vault, frame)


def packed(vault: Vault | None, frame: Frame) -> bytes:
    """A frame as it goes to the writer's process. Raises ValueError or TypeError for what is not plain."""
    return marshal.dumps(_sealed(vault, frame), 2)


def store_url(node: Node, directory: Path) -> URL:
    """Where the store of the configuration in `directory` is: as it names it, else SQLite in its state
    directory. Raises ValueError.
    """
    if node.store:
        try:
            url = make_url(node.store)
        except ArgumentError:
            raise ValueError("gateway.yaml: store is no URL such as postgresql+psycopg://…") from None
        if url.drivername not in KINDS:
            raise ValueError(f"gateway.yaml: store is {url.drivername}, not one of {', '.join(KINDS)}")
        return url
    return URL.create("sqlite", database=str((directory / node.state).resolve() / "gateway.db"))


def lock_state(path: Path) -> int:
    """Hold the state of a database file for this process; the descriptor returned is to be closed.

    Waits until the writer of a gateway that was killed has finished. Raises StoreLocked if another process
    holds it, StoreUnavailable if its directory cannot be used.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(lock, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise StoreLocked(f"{path}: another gateway, process {owner}, has this state open") from None
    try:
        os.close(lock_writer(path))
    except StoreLocked:
        os.close(lock)
        raise
    os.ftruncate(lock, 0)
    os.write(lock, b"%d\n" % os.getpid())
    return lock


def migrate(url: URL) -> None:
    """Bring the schema to the newest revision, whole or not at all. Raises StoreUnavailable."""
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _leave_transactions_alone)
        event.listen(engine, "begin", _begin)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
            migrations.upgrade(connection)
    except (SQLAlchemyError, migrations.UnknownRevision) as error:
        raise StoreUnavailable(f"{url.render_as_string()}: {brief(error)}") from error


def reading_engine(url: URL, readers: int, vault: Vault | None = None) -> Engine:
    """An engine for reads; each statement sees what is committed and holds no snapshot after it."""
    options = {OPTION: vault}
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, pool_size=readers, max_overflow=0, execution_options=options)
        event.listen(engine, "connect", _read_only)
        return engine
    return create_engine(
        url,
        pool_size=readers,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level="AUTOCOMMIT",
        execution_options=options,
    )


def place_of(url: URL, node: str) -> dict[str, Any]:
    """Where a writer finds the database. Raises ValueError for one of another kind."""
    shown = url.render_as_string()
    if url.drivername == "postgresql+psycopg":
        from psycopg.conninfo import make_conninfo  # only where it is wanted: a quarter of a second, 4 MiB

        place = {**url.translate_connect_args(username="user", database="dbname"), **url.query}
        return {"conninfo": make_conninfo(**place), "where": shown, "node": node}
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise ValueError(f"{shown}: neither sqlite:////path nor postgresql+psycopg://…")
    return {"path": os.path.abspath(url.database)}


def _thread_pool(name: str, threads: int, held: ExitStack) -> ThreadPool:
    pool = ThreadPool(0, threads, name)
    pool.start()
    held.callback(pool.stop)
    return pool


def _runner(reactor: Any, pool: ThreadPool) -> Runner:
    def run(function: Any, *args: Any) -> Deferred[Any]:
        return deferToThreadPool(reactor, pool, function, *args)

    return run


def _leave_transactions_alone(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _read_only(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA busy_timeout=5000")
