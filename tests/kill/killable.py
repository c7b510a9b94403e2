"""Gateways that end themselves by SIGKILL when they pass a named point for the nth time.

Run as a program it imports everything, says `ready`, and forks a gateway for each line of JSON on standard
input: `config` (a directory), and optionally `point` and `passage`. It says the process id, and the exit
code when that gateway has ended. What is patched is in `POINTS`; the gateway knows nothing of it.
`page_limit`, a path, lets the SQLite store grow no further while there is a file at that path.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import psycopg  # noqa: F401  for a quick start later
import typer
from twisted.internet.tcp import Connection

from gateway import cli
from gateway.relay.carrier import Slot
from gateway.relay.inbound import Inbound
from gateway.relay.outbox import Outbox
from gateway.relay.recover import Recovery
from gateway.relay.submits import Submits
from gateway.relay.traffic import Traffic
from gateway.store.drivers import PostgresDriver, SqliteDriver
from gateway.store.writer import Writer

NO_LIMIT = 1 << 30
STALL = 0.2  # seconds


class Passage:
    """Counts who passes; the nth does not live to tell."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self) -> None:
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)


class Slow:
    """Takes its time before the passage that kills: whoever takes the commit for done is found out."""

    def __init__(self, passed: Callable[[], None]) -> None:
        self.passed = passed

    def __call__(self) -> None:
        if isinstance(self.passed, Passage) and self.passed.left == 1:
            time.sleep(STALL)
        self.passed()


def before(owner: Any, name: str, passed: Callable[[], None]) -> None:
    """Pass the point whenever a method is called."""
    original = getattr(owner, name)

    @wraps(original)
    def step(*args: Any, **named: Any) -> Any:
        passed()
        return original(*args, **named)

    setattr(owner, name, step)


def after(owner: Any, name: str, passed: Callable[[], None]) -> None:
    """Pass the point whenever a method has returned something that is not false."""
    original = getattr(owner, name)

    @wraps(original)
    def step(*args: Any, **named: Any) -> Any:
        result = original(*args, **named)
        if result:
            passed()
        return result

    setattr(owner, name, step)


def inside_commit(passed: Callable[[], None]) -> None:
    """All statements of a transaction have run, its COMMIT has not."""

    def last(runs: Iterable[Any]) -> Iterator[Any]:
        yield from runs
        passed()

    def patch(driver: Any) -> None:
        original = driver.run
        driver.run = lambda self, runs: original(self, last(runs))

    patch(SqliteDriver)
    patch(PostgresDriver)


def before_deliver_sm_resp(passed: Callable[[], None]) -> None:
    """What a carrier's deliver_sm brings is on disk, and not answered."""
    original = Inbound.take

    def take(self: Inbound, carrier: Any, pdu: Any, answer: Callable[[int], None], batch: Any) -> None:
        def answered(status: int) -> None:
            passed()
            answer(status)

        original(self, carrier, pdu, answered, batch)

    Inbound.take = take  # type: ignore[method-assign]


def after_write(owner: Any, name: str, passed: Callable[[], None]) -> None:
    """What a method gave to a session has been taken by the kernel, or a part of it."""
    given = False

    def give() -> None:
        nonlocal given
        given = True

    def wrote() -> None:
        nonlocal given
        if given:
            given = False
            passed()

    after(owner, name, give)
    after(Connection, "writeSomeData", wrote)


def in_recovery(passed: Callable[[], None]) -> None:
    """All is recovered from the store, and nobody is listened to yet."""
    original = Recovery.run

    async def run(self: Recovery) -> None:
        await original(self)
        passed()

    Recovery.run = run  # type: ignore[method-assign]


POINTS: dict[str, Callable[[Callable[[], None]], None]] = {
    "before-commit": lambda passed: before(Writer, "_transact", passed),
    "slow-commit": lambda passed: before(Writer, "_transact", Slow(passed)),
    "inside-commit": inside_commit,
    "after-commit": lambda passed: after(Writer, "_transact", passed),
    "after-commit-before-answer": lambda passed: before(Submits, "_answer", passed),
    "after-mark-before-write": lambda passed: before(Slot, "send", passed),
    "after-write-to-carrier": lambda passed: after_write(Slot, "send", passed),
    "after-carrier-answer-before-commit": lambda passed: before(Traffic, "_answered", passed),
    "after-receipt-before-commit": lambda passed: before(Inbound, "take", passed),
    "after-receipt-commit-before-deliver_sm_resp": before_deliver_sm_resp,
    "after-write-to-client": lambda passed: after_write(Outbox, "_give", passed),
    "after-client-took-receipt-before-dequeue": lambda passed: before(Outbox, "answered", passed),
    "in-recovery": in_recovery,
}
"""The points between a commit and an answer, and how each is watched."""


def limit_pages(file: Path) -> None:
    """While there is this file, no page more: SQLite says what it says when the disk is full."""
    original = SqliteDriver.run

    def run(self: SqliteDriver, runs: Any) -> None:
        connection = self._connected()
        connection.execute(f"PRAGMA max_page_count={1 if file.exists() else NO_LIMIT}")
        original(self, runs)

    SqliteDriver.run = run  # type: ignore[method-assign]


def run(order: dict[str, Any]) -> None:
    """Be a gateway, until killed or stopped."""
    if order.get("point"):
        POINTS[order["point"]](Passage(order["passage"]))
    if order.get("page_limit"):
        limit_pages(Path(order["page_limit"]))
    try:
        cli.run(Path(order["config"]))
    except typer.Exit as ended:
        sys.exit(ended.exit_code)


def main() -> None:
    """Fork a gateway for each order. The reactor is not imported here: it could not be forked."""
    print("ready", flush=True)
    while line := sys.stdin.readline():
        child = os.fork()
        if not child:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            run(json.loads(line))
            return
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
