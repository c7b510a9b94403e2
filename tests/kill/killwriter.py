"""A writer's process that is killed when it passes a named point for the nth time, and its gateway with it,
or one of the two alone.

Run as a program in the place of `gateway.store.writer_process`: an order in JSON, and its descriptor.
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

from gateway.store import writer_process
from gateway.store.postgres_driver import PostgresDriver
from gateway.store.sqlite_driver import SqliteDriver
from gateway.store.writer import Writer

NO_LIMIT = 1 << 30
STALL = 0.2  # seconds

BOTH, ITSELF, PARENT = "both", "writer", "gateway"


class Passage:
    """Counts who passes; at the nth the victim is killed: this process, its parent or both."""

    def __init__(self, number: int, victim: str = ITSELF) -> None:
        self.left = number
        self.victim = victim

    def __call__(self) -> None:
        self.left -= 1
        if not self.left:
            if self.victim != ITSELF:
                os.kill(os.getppid(), signal.SIGKILL)
            if self.victim != PARENT:
                os.kill(os.getpid(), signal.SIGKILL)


class Slow:
    """Takes its time before the passage that kills: whoever takes the commit for done is found out."""

    def __init__(self, passed: Passage) -> None:
        self.passed = passed

    def __call__(self) -> None:
        if self.passed.left == 1:
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
        driver.run = lambda self, runs, number: original(self, last(runs), number)

    patch(SqliteDriver)
    patch(PostgresDriver)


POINTS: dict[str, Callable[[Passage], None]] = {
    "before-commit": lambda passed: before(Writer, "_transact", passed),
    "slow-commit": lambda passed: before(Writer, "_transact", Slow(passed)),
    "inside-commit": inside_commit,
    "after-commit": lambda passed: after(Writer, "_transact", passed),
}
"""The points of a commit, and how each is watched."""


def limit_pages(file: Path) -> None:
    """While there is this file, no page more: SQLite says what it says when the disk is full."""
    original = SqliteDriver.run

    def run(self: SqliteDriver, runs: Any, number: int) -> None:
        connection = self._connected()
        connection.execute(f"PRAGMA max_page_count={1 if file.exists() else NO_LIMIT}")
        original(self, runs, number)

    SqliteDriver.run = run  # type: ignore[method-assign]


def main() -> None:
    """Be a writer, until killed or stopped."""
    order = json.loads(sys.argv[1])
    if order.get("point") in POINTS:
        POINTS[order["point"]](Passage(order["passage"], order["victim"]))
    if order.get("page_limit"):
        limit_pages(Path(order["page_limit"]))
    writer_process.main(int(sys.argv[2]))


if __name__ == "__main__":
    main()
