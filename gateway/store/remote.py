"""The gateway's end of the line to the writer's process: starts it, hands it orders, begins it anew."""

from __future__ import annotations

import contextlib
import marshal
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionDone
from twisted.logger import Logger

from gateway.settings.keys import Keyring
from gateway.store.line import Answer, WriterGone
from gateway.store.rows import StoreLocked, StoreUnavailable
from gateway.store.vault import Vault
from gateway.store.writer import STORED
from gateway.store.writer_process import HEAD, LOCKED, OPENED, heard, packed

log = Logger(__name__)

COMMAND = [sys.executable, "-m", "gateway.store.writer_process"]
"""What runs the writer; the descriptor of its end of the line follows."""

ROOT = Path(__file__).parents[2]
OPENING = 60.0  # seconds
CLOSING = 30.0
READ = 1 << 16  # octets


class WriterProcess:
    """One writer after the other: when one has died the next order begins another."""

    def __init__(self, reactor: Any, where: dict[str, Any], vault: Vault | None = None) -> None:
        """`where` is the first order, see `writer_process`; `vault` has the keys that are in it."""
        self._reactor = reactor
        self._vault = vault
        if vault is not None:
            vault.turned = self._turn
        self._where = where
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._line: _Line | None = None
        self._closed = False
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """Of the process that writes now."""
        return None if self._process is None else self._process.pid

    def open(self) -> int:
        """Start it; the number of the last frame on record. Blocks.

        Raises StoreLocked if another process writes to this store, StoreUnavailable if it cannot be opened.
        """
        line = self._start()
        try:
            line.settimeout(OPENING)
            line.sendall(packed(("open", self._where)))
            with line.makefile("rb", buffering=0) as answers:
                answer = next(heard(answers), None)
            line.settimeout(None)
        except OSError as error:
            self.close()
            raise StoreUnavailable(f"the writer of the store does not answer: {error}") from error
        if answer is None:
            self.close()
            raise StoreUnavailable("the writer of the store ended while it opened it")
        code, why, number = answer
        if code != OPENED:
            self.close()
            raise StoreLocked(why) if code == LOCKED else StoreUnavailable(why)
        self._adopt(line)
        return int(number)

    def write(self, frames: Sequence[bytes], first: int, again: bool) -> Deferred[Answer]:
        """Have frames written, each marshalled; fails with WriterGone."""
        count = len(frames)

        def told(answer: tuple[Any, ...]) -> Answer:
            outcomes, number = answer
            return Answer([(STORED, "")] * count if outcomes is None else outcomes, number)

        return self._ask("write", frames, first, again).addCallback(told)

    def reserve(self, name: str, number: int) -> Deferred[int]:
        """The first of `number` ids. Fails with StoreUnavailable."""

        return self._ask("reserve", name, number).addCallback(_available)

    def read(self, name: str, *args: Any) -> Deferred[Any]:
        """Work something out behind the traffic, see `behind`. Fails with StoreUnavailable."""
        strict = self._vault is not None and self._vault.strict
        return self._ask("read", strict, name, *args).addCallback(_available)

    def _turn(self, keyring: Keyring) -> None:
        """Seal by other keys what is written from now on."""
        assert self._vault is not None
        keys = (keyring.search, keyring.versions, self._vault.sealing)
        self._where["keys"] = keys
        if self._line is not None:
            self._line.order(packed(("keys", *keys)))

    def close(self) -> None:
        """End it when it has done what it was told, and wait for that. Blocks."""
        self._closed = True
        process, self._process = self._process, None
        line, self._line = self._line, None
        if line is not None:
            line.end()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
            self._socket.close()
        if process is not None:
            try:
                process.wait(CLOSING)
            except subprocess.TimeoutExpired:
                log.error("the writer of the store, process {pid}, does not end", pid=process.pid)
                process.kill()

    def _ask(self, *order: Any) -> Deferred[Any]:
        line = self._line
        if line is None:
            try:
                line = self._begin()
            except StoreUnavailable as error:
                return fail(WriterGone(str(error)))
        return line.ask(packed(order))

    def _begin(self) -> _Line:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        line = self._adopt(self._start())
        line.ask(packed(("open", self._where))).addCallbacks(self._reopened, lambda _: None)
        return line

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [*COMMAND, str(theirs.fileno())],
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                )
        except OSError as error:
            ours.close()
            raise StoreUnavailable(f"the writer of the store cannot be started: {error}") from error
        self._socket = ours
        self.starts += 1
        return ours

    def _adopt(self, line: socket.socket) -> _Line:
        line.setblocking(False)
        self._line = _Line(self, line, self._reactor)
        return self._line

    @staticmethod
    def _reopened(answer: tuple[Any, ...]) -> None:
        code, why, _ = answer
        if code != OPENED:
            log.error("the writer of the store cannot open it: {why}", why=why)

    def lost(self, line: _Line) -> None:
        """The process at the other end has ended, or ends."""
        if line is not self._line:
            return
        self._line = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        process, self._process = self._process, None
        if process is not None and not self._closed:
            process.kill()  # if it lives it is not heard any more
            log.error("the writer of the store, process {pid}, has died; another is begun", pid=process.pid)


def _available(answer: tuple[Any, str]) -> Any:
    value, why = answer
    if value is None:
        raise StoreUnavailable(why)
    return value


class _Line:
    """One process: answers come in the order of the questions.

    No transport of Twisted's, which sends only when the reactor comes round again: the writer is to begin
    while the reactor goes on with its turn.
    """

    def __init__(self, owner: WriterProcess, line: socket.socket, reactor: Any) -> None:
        self._owner = owner
        self._socket = line
        self._reactor = reactor
        self._octets = b""
        self._unsent = b""
        self._asked: deque[Deferred[Any]] = deque()
        reactor.addReader(self)

    def ask(self, order: bytes) -> Deferred[Any]:
        """Its answer; fails with WriterGone."""
        asked: Deferred[Any] = Deferred()
        self._asked.append(asked)
        self.order(order)
        return asked

    def order(self, order: bytes) -> None:
        """What is not answered."""
        if self._unsent:
            self._unsent += order
            return
        self._unsent = order
        self._send()
        if self._unsent:
            self._reactor.addWriter(self)

    def end(self) -> None:
        """Hear and say no more."""
        self._reactor.removeReader(self)
        self._reactor.removeWriter(self)
        asked, self._asked = self._asked, deque()
        for each in asked:
            each.errback(WriterGone("the writer of the store has died"))

    # From the reactor

    def logPrefix(self) -> str:
        return "store"

    def fileno(self) -> int:
        return self._socket.fileno()

    def doRead(self) -> Exception | None:
        try:
            data = self._socket.recv(READ)
        except BlockingIOError:
            return None
        except OSError as error:
            return error
        if not data:
            return ConnectionDone()
        octets = self._octets + data if self._octets else data
        at = 0
        while len(octets) - at >= HEAD:
            end = at + HEAD + int.from_bytes(octets[at : at + HEAD], "big")
            if len(octets) < end:
                break
            answer = marshal.loads(octets[at + HEAD : end])
            at = end
            self._asked.popleft().callback(answer)
        self._octets = octets[at:]
        return None

    def doWrite(self) -> None:
        self._send()
        if not self._unsent:
            self._reactor.removeWriter(self)

    def _send(self) -> None:
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            return
        except OSError:
            sent = len(self._unsent)  # it has died, as the end of its answers will tell
        self._unsent = self._unsent[sent:]

    def connectionLost(self, reason: Any = None) -> None:
        self._owner.lost(self)
        self.end()
