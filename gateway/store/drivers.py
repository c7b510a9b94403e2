"""The two databases under the writer: what a transaction, a refusal and a failure are in each."""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect

from gateway.store.rows import ChangeRefused, Row, StoreLocked, StoreUnavailable
from gateway.store.writer import InDoubt

Runs = Iterable[tuple[str, Sequence[Row]]]


class SqliteDriver:
    """SQLite in write-ahead mode, flushed at every commit."""

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
        self.dialect: Dialect = sqlite.dialect()
        self.path = path
        self._busy = busy
        self._wal = Path(f"{path}-wal")
        self._wal_limit = self._wal_check = wal_limit
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        """Connect now. Raises StoreUnavailable."""
        self._connected()

    def run(self, runs: Runs) -> None:
        connection = self._connected()
        try:
            connection.execute("BEGIN IMMEDIATE")
            for sql, rows in runs:
                connection.executemany(sql, rows)
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
        self._bound_wal(connection)

    def settle(self) -> bool:
        return False  # a commit in this process has either returned or failed

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
        # A page is changed several times while its messages are young: a larger cache and a later checkpoint
        # than SQLite's own write it to the database once.
        connection.execute("PRAGMA cache_size=-32768")
        connection.execute("PRAGMA wal_autocheckpoint=4000")
        connection.execute(f"PRAGMA journal_size_limit={self._wal_limit}")
        return connection

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connection = self.connect()
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


class PostgresDriver:
    """PostgreSQL by psycopg 3. One writer of a name at a time, as an advisory lock of its session proves.

    Each transaction numbers itself in the counter table. When the line breaks at the commit, that number
    tells afterwards if it is stored: the lock is only had once the broken session has ended on the server.
    """

    def __init__(self, url: URL, node: str = "node", wait: float = 3.0) -> None:
        """`node`: name of the writer; `wait`: seconds to wait for a connection or a lock."""
        self.dialect = create_engine(url, paramstyle="format").dialect
        self._name = f"writer:{node}"
        self._wait = wait
        self._url = url
        self._where = url.render_as_string()
        self._connection: psycopg.Connection[Any] | None = None
        self._number = 0
        self._doubtful = 0

    def open(self) -> None:
        """Connect now. Raises StoreUnavailable, or StoreLocked if another writer has this name."""
        self._connected()

    def run(self, runs: Runs) -> None:
        connection = self._connected()
        number = self._number + 1
        try:
            with connection.pipeline(), connection.cursor() as cursor:
                for sql, rows in runs:
                    cursor.executemany(sql, rows)
                cursor.execute("UPDATE counter SET value = %s WHERE name = %s", (number, self._name))
        except (psycopg.Error, OverflowError, TypeError, ValueError) as error:
            if isinstance(error, psycopg.Error) and not _refused(error):
                raise self._failed(error) from error
            self._roll_back(connection)
            raise ChangeRefused(brief(error)) from error
        except BaseException:
            self.close()
            raise
        try:
            connection.commit()
        except psycopg.Error as error:
            if connection.closed:
                self._doubtful = number
                raise InDoubt(str(self._failed(error))) from error
            raise self._failed(error) from error
        self._number = number

    def settle(self) -> bool:
        self._connected()
        return self._number == self._doubtful

    def ask(self, sql: str, row: Row) -> int:
        connection = self._connected()
        try:
            ((answer,),) = connection.execute(sql, row).fetchall()
            connection.commit()
        except psycopg.Error as error:
            raise self._failed(error) from error
        return int(answer)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                connection.close()

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            try:
                self._connection = connection = self._connect()
                self._number = self._claim(connection)
            except psycopg.errors.LockNotAvailable as error:
                self.close()
                raise StoreLocked(f"another gateway is {self._name} of {self._where}") from error
            except psycopg.Error as error:
                raise self._failed(error) from error
        return self._connection

    def _connect(self) -> psycopg.Connection[Any]:
        # A line that is silently dead must not hold the writer for the two hours of the system's default.
        ours = {
            "connect_timeout": str(int(self._wait)),
            "tcp_user_timeout": "15000",
            "keepalives_idle": "10",
            "application_name": f"gateway {self._name}",
        }
        place = self._url.translate_connect_args(username="user", database="dbname")
        return psycopg.connect(make_conninfo(**{**place, **ours, **self._url.query}))

    def _claim(self, connection: psycopg.Connection[Any]) -> int:
        """Become the one writer of this name; the number of its last transaction."""
        for setting, value in (
            ("synchronous_commit", "on"),
            ("lock_timeout", f"{int(self._wait * 1000)}ms"),
            ("tcp_keepalives_idle", "10"),
            ("tcp_user_timeout", "15s"),
        ):
            connection.execute("SELECT set_config(%s, %s, false)", (setting, value))
        connection.execute(
            "SELECT pg_advisory_lock(hashtextextended(current_schema() || %s, 0))", (self._name,)
        )
        connection.execute("INSERT INTO counter VALUES (%s, 0) ON CONFLICT DO NOTHING", (self._name,))
        ((number,),) = connection.execute(
            "SELECT value FROM counter WHERE name = %s", (self._name,)
        ).fetchall()
        connection.commit()
        return int(number)

    def _failed(self, error: psycopg.Error) -> StoreUnavailable:
        self.close()
        return StoreUnavailable(f"{self._where}: {brief(error)}")

    def _roll_back(self, connection: psycopg.Connection[Any]) -> None:
        try:
            connection.rollback()
        except psycopg.Error:
            self.close()


def _refused(error: psycopg.Error) -> bool:
    """Whether the rows are at fault: a constraint, a value, or what the client could not even send."""
    if isinstance(error, psycopg.ProgrammingError):
        return error.sqlstate is None
    return isinstance(error, psycopg.IntegrityError | psycopg.DataError)


def brief(error: Exception) -> str:
    """The first line of the driver's words: what else there is quotes rows, and so numbers of people."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0]
