"""Gateways that end themselves by SIGKILL when they pass a named point for the nth time.

Run as a program it imports everything, says `ready`, and forks a gateway for each line of JSON on standard
input: `config` (a directory), and optionally `point`, `passage` and `victim`. It says the process id, and the
exit code when that gateway has ended. What is patched is in `POINTS`, here and in `killwriter`, which runs in
the place of the writer; the gateway knows nothing of it. `page_limit`, a path, lets the SQLite store grow no
further while there is a file at that path.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from killwriter import Passage, after, before
from twisted.internet.tcp import Connection

from gateway import cli
from gateway.relay.carrier import Slot
from gateway.relay.inbound import Inbound
from gateway.relay.outbox import Outbox
from gateway.relay.recover import Recovery
from gateway.relay.submits import Submits
from gateway.relay.traffic import Traffic
from gateway.store import remote


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
    """What clients may be served by is read, and nobody is listened to yet."""
    original = Recovery.begin

    async def begin(self: Recovery) -> None:
        await original(self)
        passed()

    Recovery.begin = begin  # type: ignore[method-assign]


def in_identifying(passed: Callable[[], None]) -> None:
    """Clients are served, the ids of what is sent are read, and no carrier is called yet."""
    original = Recovery.identify

    async def identify(self: Recovery) -> None:
        await original(self)
        passed()

    Recovery.identify = identify  # type: ignore[method-assign]


POINTS: dict[str, Callable[[Callable[[], None]], None]] = {
    "after-commit-before-answer": lambda passed: before(Submits, "answer", passed),
    "after-mark-before-write": lambda passed: before(Slot, "send", passed),
    "after-write-to-carrier": lambda passed: after_write(Slot, "send", passed),
    "after-carrier-answer-before-commit": lambda passed: before(Traffic, "_answered", passed),
    "after-receipt-before-commit": lambda passed: before(Inbound, "take", passed),
    "after-receipt-commit-before-deliver_sm_resp": lambda passed: before(Inbound, "answer", passed),
    "after-write-to-client": lambda passed: after_write(Outbox, "_give", passed),
    "after-client-took-receipt-before-dequeue": lambda passed: before(Outbox, "answered", passed),
    "in-recovery": in_recovery,
    "in-identifying": in_identifying,
}
"""The points between a commit and an answer, and how each is watched; those of a commit: `killwriter`."""


def run(order: dict[str, Any]) -> None:
    """Be a gateway, until killed or stopped."""
    remote.COMMAND[:] = [sys.executable, str(Path(__file__).with_name("killwriter.py")), json.dumps(order)]
    if order.get("point") in POINTS:
        POINTS[order["point"]](Passage(order["passage"]))
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
