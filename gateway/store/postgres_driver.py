"""PostgreSQL under the writer: what a transaction, a refusal and a failure are."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gateway.store.rows import ChangeRefused, Row, StoreLocked, StoreUnavailable, brief
from gateway.store.writer import InDoubt, Prepared

Run = tuple[Prepared, Sequence[Row]]

MANY = 8
"""So many rows go in one statement, fewer in one each: then a round trip counts."""


class PostgresDriver:
    """PostgreSQL by psycopg 3. One writer of a name at a time, as an advisory lock of its session proves.

    When the line breaks at the commit, the number on record tells afterwards if that is stored: the lock is
    only had once the broken session has ended on the server.
    """

    kind = "postgresql"

    def __init__(self, conninfo: str, where: str, node: str = "node", wait: float = 3.0) -> None:
        """`conninfo` as libpq takes it; `where` it is, for people; `node`: name of the writer; `wait`:
        seconds to wait for a connection or a lock.
        """
        self._conninfo = conninfo
        self._where = where
        self._name = f"writer:{node}"
        self._wait = wait
        self._connection: psycopg.Connection[Any] | None = None
        self._number = 0

    def open(self) -> int:
        """Connect, unless it is; the number of the last frame on record. Raises StoreUnavailable, or
        StoreLocked if another writer has this name.
        """
        self._connected()
        return self._number

    def run(self, runs: Iterable[Run], number: int) -> None:
        connection = self._connected()
        try:
            rest = _after_copy(connection, iter(runs))
            with connection.pipeline(), connection.cursor() as cursor:
                for each, rows in rest:
                    if each.many is not None and len(rows) >= MANY:
                        cursor.execute(each.many, [list(column) for column in zip(*rows, strict=True)])
                    else:
                        cursor.executemany(each.sql, rows)
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
                raise InDoubt(str(self._failed(error))) from error
            raise self._failed(error) from error
        self._number = number

    def ask(self, sql: str, row: Row) -> int:
        connection = self._connected()
        try:
            ((answer,),) = connection.execute(sql, row).fetchall()
            connection.commit()
        except psycopg.Error as error:
            raise self._failed(error) from error
        return int(answer)

    def query(self, sql: str, row: Row) -> list[Row]:
        connection = self._connected()
        try:
            found = connection.execute(sql, row).fetchall()
            connection.commit()
        except psycopg.Error as error:
            raise self._failed(error) from error
        return found

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
        given = {name: str(value) for name, value in conninfo_to_dict(self._conninfo).items()}
        return psycopg.connect(make_conninfo(**{**ours, **given}))

    def _claim(self, connection: psycopg.Connection[Any]) -> int:
        """Become the one writer of this name; the number of its last transaction."""
        for setting, value in (
            ("synchronous_commit", "on"),
            ("lock_timeout", f"{int(self._wait * 1000)}ms"),
            # The planner does not know how many rows an array brings; all are found by their key.
            ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
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


def _after_copy(connection: psycopg.Connection[Any], runs: Iterator[Run]) -> Iterator[Run]:
    """Have the rows of the first statement copied, if it can be and they are many; what is left."""
    first = next(runs, None)
    if first is None:
        return runs
    statement, rows = first
    if statement.copy is None or len(rows) < MANY:
        return chain((first,), runs)
    sql, types = statement.copy
    with connection.cursor() as cursor, cursor.copy(sql) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
    return runs


def _refused(error: psycopg.Error) -> bool:
    """Whether the rows are at fault: a constraint, a value, or what the client could not even send."""
    if isinstance(error, psycopg.ProgrammingError):
        return error.sqlstate is None
    return isinstance(error, psycopg.IntegrityError | psycopg.DataError)
