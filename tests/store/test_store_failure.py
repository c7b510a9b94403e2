"""The database fails under the journal and comes back: a full disk, a killed session, a cut line."""

import contextlib
import os
import resource
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_twisted
from sqlalchemy import create_engine, make_url, text
from store_samples import changes, inserts, message, postgres, sent, write_all, writer_on
from testing_postgres import postgres_admin
from twisted.internet.defer import gatherResults

from gateway.store import queries
from gateway.store.engine import reading_engine
from gateway.store.rows import ChangeRefused, StoreUnavailable
from gateway.store.sqlite_driver import SqliteDriver
from gateway.store.writer import IN_DOUBT, REFUSED, STORED, UNAVAILABLE, UNTRIED

BIG = 200_000


class SmallDisk(SqliteDriver):
    """A SQLite that may have so many pages and no more."""

    pages = 50

    def connect(self):
        connection = super().connect()
        connection.execute(f"PRAGMA max_page_count={self.pages}")
        return connection


def big(id):
    return changes(lambda batch: batch.insert(message(id, pdu=bytes(BIG))))


def test_a_full_disk_stores_nothing_until_there_is_room(sqlite_place):
    sqlite_place.migrate()
    driver = SmallDisk(Path(make_url(sqlite_place.url).database))
    writer = writer_on(driver)
    outcomes = writer.write([inserts(1).frame(), big(2).frame(), big(3).frame()])
    assert [fate for fate, _ in outcomes] == [UNAVAILABLE] * 3
    assert "full" in outcomes[0][1]
    assert writer.write([inserts(4).frame()]) == [(STORED, "")]
    driver.pages = 10_000
    writer.close()
    assert writer.write([inserts(1).frame(), big(2).frame()]) == [(STORED, "")] * 2
    writer.close()
    engine = reading_engine(make_url(sqlite_place.url), 1)
    with engine.connect() as connection:
        assert [row.id for row in queries.messages(connection, range(9))] == [1, 2, 4]
    engine.dispose()


def test_a_disk_that_fills_while_batches_are_stored_one_by_one(sqlite_place):
    sqlite_place.migrate()
    writer = writer_on(SmallDisk(Path(make_url(sqlite_place.url).database)))
    twice = inserts(5, 5).frame()
    outcomes = write_all(writer, [inserts(1).frame(), twice, big(2).frame(), inserts(3).frame()])
    assert [fate for fate, _ in outcomes] == [STORED, REFUSED, UNAVAILABLE, UNAVAILABLE]
    writer.close()


@contextlib.contextmanager
def no_file_longer_than(octets: int, process: int) -> Iterator[None]:
    """Writes of a process beyond this position of any file fail, as on a disk without room."""
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("apart", [True, False], ids=["process", "thread"])
@pytest_twisted.ensureDeferred
async def test_the_journal_outlives_a_disk_that_takes_no_more(sqlite_place, open_at, apart):
    store = open_at(sqlite_place.url, apart=apart)
    process = store.writer.pid if apart else os.getpid()
    await store.journal.commit(changes(lambda batch: batch.insert(message(1, pdu=bytes(2_000_000)))))
    assert await store.ledger.message(2) is None  # a reader that keeps the log from being reused
    with no_file_longer_than(store.sizes()["log"], process):
        with pytest.raises(StoreUnavailable):
            await store.journal.commit(inserts(2))
        assert store.journal.failing
        kept = [store.journal.commit(inserts(id), must=True) for id in (3, 4)]
        with pytest.raises(StoreUnavailable):
            await store.journal.commit(inserts(5))
        with pytest.raises(StoreUnavailable):
            await store.ledger.reserve_ids("message", 1)
        assert not any(done.called for done in kept)
    await gatherResults(kept)
    assert not store.journal.failing
    await store.journal.commit(inserts(6))
    assert [row.id for row in await store.ledger.messages(range(10))] == [1, 3, 4, 6]


def kill_sessions(name: str) -> int:
    """End the sessions of a writer on the server, as an administrator or a crash would."""
    with postgres_admin() as admin:
        query = (
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = %s"
        )
        ((killed,),) = admin.execute(query, (f"gateway writer:{name}",)).fetchall()
    return int(killed)


@pytest_twisted.ensureDeferred
async def test_a_killed_session_costs_one_commit_at_most(postgres_place, open_at):
    store = open_at(postgres_place.url, node=postgres_place.url[-8:])
    await store.journal.commit(inserts(1))
    assert kill_sessions(postgres_place.url[-8:]) == 1
    may = store.journal.commit(inserts(2))
    must = [store.journal.commit(inserts(id), must=True) for id in (3, 4)]
    with pytest.raises(StoreUnavailable):
        await may
    assert store.journal.failing
    await gatherResults(must)
    assert not store.journal.failing
    await store.journal.commit(inserts(5))
    assert [row.id for row in await store.ledger.messages(range(10))] == [1, 3, 4, 5]


class Line:
    """A TCP line to the PostgreSQL of the tests that can be cut, also at the very commit."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.cut_at_commit: str | None = None  # "before" the server hears of it, or "after" it has answered
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self.server)
                self._open += [client, server]
                threading.Thread(target=self._up, args=(client, server), daemon=True).start()
                threading.Thread(target=self._down, args=(client, server), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self.cut_at_commit and b"COMMIT" in data:
                    if self.cut_at_commit == "before":
                        self._cut(client, server)
                        return
                    self._mute = True
                server.sendall(data)
            self._cut(client, server)

    _mute = False

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if self._mute:
                    break
                client.sendall(data)
        self._cut(client, server)

    def _cut(self, *ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self._cut(*self._open)
        for end in self._open:
            end.close()


@pytest.fixture
def line(postgres_place):
    url = make_url(postgres_place.url)
    line = Line((url.host or "127.0.0.1", url.port or 5432))
    yield line
    line.close()


@pytest.fixture
def by_line(postgres_place, line):
    postgres_place.migrate()
    return make_url(postgres_place.url).set(host="127.0.0.1", port=line.port)


def stored_ids(place):
    engine = reading_engine(make_url(place.url), 1)
    with engine.connect() as connection:
        found = [row.id for row in queries.messages(connection, range(10))]
    engine.dispose()
    return found


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_line_cut_at_the_commit_leaves_no_doubt_in_the_end(postgres_place, by_line, line, when):
    writer = writer_on(postgres(by_line))
    assert writer.write([inserts(1).frame()]) == [(STORED, "")]
    line.cut_at_commit = when
    frames = [inserts(2).frame(), changes(lambda batch: batch.progress(1, sent(1))).frame()]
    assert [fate for fate, _ in writer.write(frames)] == [IN_DOUBT] * 2
    line.cut_at_commit, line._mute = None, False
    assert stored_ids(postgres_place) == ([1, 2] if when == "after" else [1])
    assert [fate for fate, _ in writer.write([inserts(3).frame()])] == [UNTRIED]
    assert writer.write(frames, 2, again=True) == [(STORED, "")] * 2
    assert stored_ids(postgres_place) == [1, 2]
    assert [fate for fate, _ in write_all(writer, frames)] == [REFUSED, STORED]
    writer.close()


def test_doubt_stays_while_the_line_is_down(by_line, line):
    writer = writer_on(postgres(by_line, wait=1.0))
    writer.write([inserts(1).frame()])
    line.cut_at_commit = "after"
    frames = [inserts(2).frame()]
    assert writer.write(frames)[0][0] == IN_DOUBT
    line.close()
    fate, why = writer.write(frames, 2, again=True)[0]
    assert fate == IN_DOUBT
    assert str(line.port) in why
    writer.close()


def test_a_writer_that_lost_its_name_to_another_stops(postgres_place):
    postgres_place.migrate()
    name = postgres_place.url[-8:]
    first = writer_on(postgres(make_url(postgres_place.url), name, wait=0.2))
    first.write([inserts(1).frame()])
    assert kill_sessions(name) == 1
    second = writer_on(postgres(make_url(postgres_place.url), name))
    assert second.write([inserts(2).frame()]) == [(STORED, "")]
    for _ in range(2):
        fate, why = first.write([inserts(3).frame()])[0]
        assert fate == UNAVAILABLE
    assert "another gateway" in why
    second.close()
    assert first.write([inserts(3).frame()]) == [(STORED, "")]
    first.close()


def test_a_table_that_is_missing_is_no_fault_of_the_rows(place):
    place.migrate()
    writer = writer_on(place.driver())
    writer.write([inserts(1).frame()])
    engine = create_engine(place.url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE message RENAME TO hidden"))
    assert writer.write([inserts(2).frame()])[0][0] == UNAVAILABLE
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE hidden RENAME TO message"))
    assert writer.write([inserts(2).frame()]) == [(STORED, "")]
    writer.close()
    engine.dispose()


@pytest_twisted.ensureDeferred
async def test_readers_come_back_after_their_sessions_were_killed(postgres_place, open_at):
    store = open_at(postgres_place.url, readers=1)
    await store.journal.commit(inserts(1))

    def my_session(connection):
        return connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()

    pid = await store.ledger.read(my_session)
    with postgres_admin() as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    assert (await store.ledger.message(1)).id == 1


@pytest_twisted.ensureDeferred
async def test_a_refused_batch_says_so_to_its_owner_alone(open_here):
    store = open_here()
    first = store.journal.commit(inserts(1))
    good, bad, also = (store.journal.commit(inserts(*ids), must=True) for ids in ((2,), (3, 1), (4,)))
    await gatherResults([first, good, also])
    with pytest.raises(ChangeRefused):
        await bad
    assert [row.id for row in await store.ledger.messages(range(9))] == [1, 2, 4]
