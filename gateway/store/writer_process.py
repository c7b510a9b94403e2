"""The writer as a process of its own: `python -m gateway.store.writer_process FD`, started by the gateway.

It takes its orders over the socket pair whose end is FD, and nothing from a command line or the environment.
It imports little, and ends when the other end is gone: it finishes what it has heard by then. Until it has
ended nobody else writes to the same database, since it holds the lock of the writer.

An order is a tuple, marshalled, behind its length in four octets; so is an answer, and answers come in order.

    ("open", {...})                       -> (code, why, number)      the first order: where, program, keys
    ("write", frames, first, again)       -> (outcomes, number)       frames are marshalled each by itself
    ("reserve", name, number)             -> (first, why)             None if the store is not available
    ("read", strict, name, args...)       -> (value, why)             None if the store is not available
    ("keys", search, versions, sealing)   -> nothing                  go by these from now on
"""

from __future__ import annotations

import fcntl
import marshal
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gateway.settings.keys import Keyring
from gateway.store.rows import StoreLocked, StoreUnavailable
from gateway.store.sqlite_driver import SqliteDriver
from gateway.store.vault import Vault
from gateway.store.writer import IN_DOUBT, STORED, UNAVAILABLE, Driver, Outcome, Prepared, Program, Writer

OPENED, LOCKED, FAILED = range(3)
HEAD = 4
PATIENCE = 15.0  # seconds that the writer of a gateway that was killed has to finish


def packed(order: tuple[Any, ...]) -> bytes:
    """An order or an answer as it goes over the line. Raises ValueError for what is not plain."""
    octets = marshal.dumps(order, 2)
    return len(octets).to_bytes(HEAD, "big") + octets


def lock_writer(path: Path, patience: float = PATIENCE) -> int:
    """Become the one writer of a database file; the descriptor returned is to be closed.

    Raises StoreLocked if another still writes after this many seconds.
    """
    lock = os.open(f"{path}.writer", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(lock)
                raise StoreLocked(f"{path}: the writer of an earlier gateway has not ended") from None
            time.sleep(0.01)
        else:
            return lock


def main(descriptor: int) -> None:
    """Serve the gateway at the other end until it is gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the end is told by the gateway, when all is written
    with socket.socket(fileno=descriptor) as line, line.makefile("rb", buffering=1 << 18) as orders:
        try:
            serve(heard(orders), line.sendall)
        except (BrokenPipeError, ConnectionResetError):
            return  # the gateway was killed: it has no use for the answer


def heard(orders: Any) -> Iterator[tuple[Any, ...]]:
    """The orders as they come, to the end of the line."""
    while len(head := orders.read(HEAD)) == HEAD:
        size = int.from_bytes(head, "big")
        octets = orders.read(size)
        if len(octets) < size:
            return
        yield marshal.loads(octets)


def serve(orders: Iterator[tuple[Any, ...]], answer: Callable[[bytes], object]) -> None:
    """Do as ordered."""
    opening = next(orders, None)
    if opening is None:
        return
    desk = Desk(opening[1])
    answer(packed(desk.open()))
    for name, *order in orders:
        answered = getattr(desk, name)(*order)
        if answered is not None:
            answer(packed(answered))
    desk.close()


class Desk:
    """The writer and what it needs, as the first order says."""

    def __init__(self, where: dict[str, Any]) -> None:
        self._path = Path(where["path"]) if "path" in where else None
        self._lock: int | None = None
        self.driver = driver_of(where)
        self.vault = vault_of(where)
        statements, queries, reserve = where["program"]
        program = Program(tuple(Prepared(*each) for each in statements), queries, reserve)
        self.writer = Writer(self.driver, program, self.vault)

    def open(self) -> tuple[int, str, int]:
        """Whether the store can be written to, why not, and the number of the last frame on record."""
        try:
            self._locked()
            return OPENED, "", self.writer.open()
        except StoreLocked as error:
            return LOCKED, str(error), 0
        except (StoreUnavailable, OSError) as error:
            return FAILED, str(error), 0

    def write(self, frames: Sequence[bytes], first: int, again: bool) -> tuple[list[Outcome] | None, int]:
        """The outcome of each frame, None if all are stored, and the number of the last frame on record."""
        try:
            self._locked()
        except (StoreUnavailable, OSError) as error:
            fate = IN_DOUBT if again else UNAVAILABLE
            return [(fate, str(error))] * len(frames), self.writer.number
        outcomes = self.writer.write([marshal.loads(frame) for frame in frames], first, again)
        whole = all(fate == STORED for fate, _ in outcomes)
        return None if whole else outcomes, self.writer.number

    def reserve(self, name: str, number: int) -> tuple[int | None, str]:
        """The first of these ids, or None and why not."""
        try:
            self._locked()
            return self.writer.reserve(name, number), ""
        except (StoreUnavailable, OSError) as error:
            return None, str(error)

    def read(self, strict: bool, name: str, *args: Any) -> tuple[Any, str]:
        """What was worked out behind the traffic, or None and why not."""
        if self.vault is not None:
            self.vault.strict = strict
        try:
            return self.writer.read(name, *args), ""
        except StoreUnavailable as error:
            return None, str(error)

    def keys(self, search: bytes, versions: dict[int, bytes], sealing: bool) -> None:
        """Seal by the newest of these from now on, or not at all."""
        if self.vault is not None:
            self.vault.sealing = sealing
            self.vault.turn(Keyring(search, versions))

    def close(self) -> None:
        """Let go of the database, and then of the lock."""
        self.writer.close()
        if self._lock is not None:
            os.close(self._lock)

    def _locked(self) -> None:
        if self._path is not None and self._lock is None:
            self._lock = lock_writer(self._path)


def driver_of(where: dict[str, Any]) -> Driver:
    """The driver of the database that the first order names."""
    if "path" in where:
        return SqliteDriver(Path(where["path"]))
    from gateway.store.postgres_driver import PostgresDriver

    return PostgresDriver(where["conninfo"], where["where"], where["node"])


def vault_of(where: dict[str, Any]) -> Vault | None:
    """The keys that came with the first order, if there are any."""
    if where["keys"] is None:
        return None
    search, versions, sealing = where["keys"]
    return Vault(Keyring(search, versions), sealing=sealing)


if __name__ == "__main__":
    main(int(sys.argv[1]))
