"""Copies of an embedded store: made while traffic flows, and put back while no gateway runs.

A copy is older than what carriers and clients have seen. What was not with a carrier when it was made may
have been sent since: a restored store does not send it again unless it is told to.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.settings.models import Node
from gateway.store import audit
from gateway.store.engine import lock_state, migrate, store_url
from gateway.store.opening import KEYS, keyring_of, where
from gateway.store.rows import State, StoreUnavailable
from gateway.store.schema import metadata

PAGES = 2000  # of 4096 octets in one step
REST = 0.005  # seconds between steps
AHEAD = 50_000_000
"""By how much ids go on after a restore: those given out since the copy are not given again."""

UNDECIDED = (State.WAITING, State.GATHERING, State.DEFERRED, State.SENDING)
POLICIES = ("unknown", "hold", "resend")


class CannotCopy(Exception):
    """A copy cannot be made, or not be put back; and why."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What is in a copy: rows by table. `undecided` are messages whose fate the copy does not know."""

    rows: dict[str, int]
    undecided: int
    aside: Path | None = None


def database_of(node: Node, directory: Path) -> Path:
    """The file of the embedded store. Raises CannotCopy for a PostgreSQL."""
    try:
        url = store_url(node, directory)
    except ValueError as error:
        raise CannotCopy(str(error)) from None
    if url.get_backend_name() != "sqlite":
        raise CannotCopy("the store is a PostgreSQL: copy it with pg_dump, put it back with pg_restore")
    return Path(f"{url.database}")


def back_up(source: Path, to: Path, progress: Callable[[int, int], None]) -> Copied:
    """Copy a store, in use or not, into a new file, and check the copy. Raises CannotCopy.

    One snapshot is read: writers go on, and their log cannot be cut until the copy is done.
    """
    if to.exists():
        raise CannotCopy(f"{to} is there already")
    beside = to.with_name(f"{to.name}.part")
    try:
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
        with _opened(source, "ro") as original, _opened(beside, "rw") as copy:
            original.execute("BEGIN")
            before = _rows(original)
            original.backup(
                copy, pages=PAGES, sleep=REST, progress=lambda _, left, total: progress(total - left, total)
            )
            original.execute("ROLLBACK")
            copy.execute("PRAGMA journal_mode=DELETE")
            found = _checked(copy, beside)
        if found.rows != before:
            raise CannotCopy(f"{beside}: the copy has other rows than the store had")
        _flush(beside)
        os.replace(beside, to)
    except (OSError, sqlite3.Error) as error:
        raise CannotCopy(f"{to}: {error}") from None
    finally:
        beside.unlink(missing_ok=True)
    return found


def put_back(node: Node, directory: Path, copy: Path, undecided: str, by: str) -> Copied:
    """Put a copy in the place of the store; the one before is put aside. Raises CannotCopy."""
    target = database_of(node, directory)
    try:
        lock = lock_state(target)
    except StoreUnavailable as error:
        raise CannotCopy(f"{error}: stop it first") from None
    fresh = target.with_name(f"{target.name}.restored")
    try:
        with _opened(copy, "ro") as original:
            found = _checked(original, copy)
            _keys_fit(original, node, directory)
            os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
            with _opened(fresh, "rw") as restored:
                original.backup(restored)
        migrate(store_url(node, directory).set(database=str(fresh)))
        with _opened(fresh, "rw") as restored:
            _settle(restored, undecided, by, copy)
        _flush(fresh)
        aside = _put_aside(target)
        os.replace(fresh, target)
        return Copied(found.rows, found.undecided, aside)
    except (OSError, sqlite3.Error, StoreUnavailable) as error:
        raise CannotCopy(f"{copy}: {error}") from None
    finally:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{fresh}{suffix}").unlink(missing_ok=True)
        os.close(lock)


@contextlib.contextmanager
def _opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise CannotCopy(f"{path}: no store is there")
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=5.0
    )
    try:
        yield connection
    finally:
        connection.close()


def _rows(connection: sqlite3.Connection) -> dict[str, int]:
    """Rows of each table that is there."""
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "message" not in there:
        raise CannotCopy("this is no store of a gateway")
    return {
        name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
        for name in metadata.tables
        if name in there
    }


def _checked(connection: sqlite3.Connection, path: Path) -> Copied:
    """What is in a copy that is sound. Raises CannotCopy."""
    (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if said != "ok":
        raise CannotCopy(f"{path} is damaged: {said}")
    states = ", ".join(str(int(state)) for state in UNDECIDED)
    (open_ones,) = connection.execute(f"SELECT count(*) FROM message WHERE state IN ({states})").fetchone()
    return Copied(_rows(connection), open_ones)


def _keys_fit(connection: sqlite3.Connection, node: Node, directory: Path) -> None:
    kept = connection.execute("SELECT value FROM counter WHERE name = ?", (KEYS,)).fetchone()
    keyring = keyring_of(node, directory)
    if kept and (keyring is None or keyring.fingerprint != kept[0]):
        place = "encryption.keys" if node.encryption.keys is not None else where(node, directory)
        raise CannotCopy(f"it is encrypted by other keys than those of {place}: put its keys back first")


def _settle(connection: sqlite3.Connection, undecided: str, by: str, copy: Path) -> None:
    """What a store must know that is older than what was done since."""
    now = int(time.time() * 1000)
    states = ", ".join(str(int(state)) for state in UNDECIDED)
    connection.execute("BEGIN IMMEDIATE")
    if undecided == "unknown":
        # As if a carrier had taken it and were silent: it ends at once, and its client is told by receipt.
        connection.execute(
            f"UPDATE message SET state = ?, deadline = ?, carrier = NULL WHERE state IN ({states})",
            (int(State.SENT), now),
        )
    elif undecided == "hold":
        connection.execute(
            f"UPDATE message SET state = ?, deadline = expires_at WHERE state IN ({states})",
            (int(State.HELD),),
        )
    connection.execute(
        "UPDATE counter SET value = value + ? WHERE name IN ('message', 'outbox', 'stray', 'case', 'call')",
        (AHEAD,),
    )
    head = connection.execute("SELECT position, hash FROM audit ORDER BY position DESC LIMIT 1").fetchone()
    entry = {"actor": by, "subject": str(copy), "detail": f"undecided messages: {undecided}"}
    row = audit.extend(audit.Head(*head) if head else audit.GENESIS, now, "restore", None, entry)
    connection.execute(f"INSERT INTO audit VALUES ({', '.join('?' * len(row))})", row)
    connection.execute("COMMIT")


def _put_aside(target: Path) -> Path | None:
    """Move the store that was there, with its log, out of the way."""
    if not target.exists():
        return None
    aside = target.with_name(f"{target.name}.before-restore-{time.strftime('%Y%m%d-%H%M%S')}")
    with _opened(target, "rw") as connection, contextlib.suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("-wal", "-shm", ""):
        part = Path(f"{target}{suffix}")
        if part.exists():
            os.replace(part, f"{aside}{suffix}")
    return aside


def _flush(path: Path) -> None:
    for place in (path, path.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
