"""SQLite under the writer: what a transaction, a refusal and a failure are."""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.store.rows import ChangeRefused, Row, StoreUnavailable
from gateway.store.writer import Prepared

Runs = Iterable[tuple[Prepared, Sequence[Row]]]

NUMBER = "INSERT INTO counter VALUES ('writer', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


class SqliteDriver:
    """SQLite in write-ahead mode, flushed at every commit."""

    kind = "sqlite"
    # Not the fault of the database: a key or a value that it cannot take.
    refusals = (
        sqlite3.IntegrityError,
        sqlite3.DataError,
        sqlite3.ProgrammingError,
        sqlite3.InterfaceError,
        OverflowError,
        TypeError,
        ValueError,
    )

    def __init__(self, path: Path, busy: float = 5.0, wal_limit: int = 64 * 1024 * 1024) -> None:
        """`busy`: seconds to wait for a lock; `wal_limit`: octets of write-ahead log that are too many."""
        self.path = path
        self._busy = busy
        self._wal = Path(f"{path}-wal")
        self._wal_limit = self._wal_check = wal_limit
        self._connection: sqlite3.Connection | None = None
        self._number = 0

    def open(self) -> int:
        """Connect, unless it is; the number of the last frame on record. Raises StoreUnavailable."""
        self._connected()
        return self._number

    def run(self, runs: Runs, number: int) -> None:
        connection = self._connected()
        try:
            connection.execute("BEGIN IMMEDIATE")
            for statement, rows in runs:
                connection.executemany(statement.sql, rows)
            connection.execute(NUMBER, (number,))
            connection.execute("COMMIT")
        except self.refusals as error:
            self._roll_back(connection)
            raise ChangeRefused(str(error)) from error
        except sqlite3.Error as error:
            self.close()
            raise StoreUnavailable(f"{self.path}: {error}") from error
        except BaseException:
            self.close()
            raise
        self._number = number
        self._bound_wal(connection)

    def ask(self, sql: str, row: Row) -> int:
        connection = self._connected()
        try:
            connection.execute("BEGIN IMMEDIATE")
            ((answer,),) = connection.execute(sql, row).fetchall()
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.close()
            raise StoreUnavailable(f"{self.path}: {error}") from error
        return int(answer)

    def query(self, sql: str, row: Row) -> list[Row]:
        connection = self._connected()
        try:
            return connection.execute(sql, row).fetchall()
        except sqlite3.Error as error:
            self.close()
            raise StoreUnavailable(f"{self.path}: {error}") from error

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def connect(self) -> sqlite3.Connection:
        """Open the database, which must be there already."""
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=self._busy,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        # A page is changed several times while its messages are young: a later checkpoint and a larger cache
        # than SQLite's own write it to the database once.
        connection.execute("PRAGMA cache_size=-4096")
        connection.execute("PRAGMA wal_autocheckpoint=4000")
        connection.execute(f"PRAGMA journal_size_limit={self._wal_limit}")
        return connection

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                connection = self.connect()
                found = connection.execute("SELECT value FROM counter WHERE name = 'writer'").fetchone()
                self._connection, self._number = connection, found[0] if found else 0
            except sqlite3.Error as error:
                raise StoreUnavailable(f"{self.path}: {error}") from error
        return self._connection

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self.close()

    def _bound_wal(self, connection: sqlite3.Connection) -> None:
        """Cut a log that readers have kept from being reused, unless one still holds a part of it."""
        with contextlib.suppress(sqlite3.Error, OSError):
            size = os.stat(self._wal).st_size
            if size <= self._wal_check:
                return
            connection.execute("PRAGMA busy_timeout=20")
            ((held, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.execute(f"PRAGMA busy_timeout={int(self._busy * 1000)}")
            self._wal_check = size + self._wal_limit if held else self._wal_limit
