"""What sessions cost: `python benchmarks/bench_sessions.py`, some minutes.

Real processes and sockets. Idle: bound sessions that say nothing, in KiB of the gateway's resident memory
each. Busy: the same number of messages a second over few sessions and over many, in turns, in CPU a message.
What binds and unbinds cost is not in it: a run of one message a session is taken off each run, and told for
itself.
"""

from __future__ import annotations

import argparse
import resource
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench_whole_way import checked
from campaign import Campaign, campaign, resident
from configured import PASSWORD, Scale
from timing import figure, machine

from gateway.smpp.codec import decode, encode
from gateway.smpp.pdus import BindTransceiver

SMALL = Scale(words=1000, suppressed=1000, consents=300_000)
FEW, MANY = 10, 1000


def bound(port: int, account: str) -> socket.socket:
    """A session that has been bound."""
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(encode(BindTransceiver(1, 0, account, PASSWORD, interface_version=0x34)))
    answer = decode(client.recv(1000))
    if answer.command_status:
        raise SystemExit(f"not bound: {answer}")
    return client


def idle(running: Campaign, count: int) -> float:
    """KiB that each of so many idle sessions takes."""
    port = running.ports["listen"]
    first = [bound(port, "shop") for _ in range(count)]  # they take what start-up has left unused
    time.sleep(1)
    before = resident(running.gateway.pid)
    clients = [bound(port, "shop1") for _ in range(count)]
    time.sleep(1)
    each = (resident(running.gateway.pid) - before) * 1024 / count
    for client in (*first, *clients):
        client.close()
    time.sleep(1)
    return each


@dataclass(frozen=True, slots=True)
class Busy:
    """What the gateway spent on a run over so many sessions, in microseconds of CPU."""

    a_session: float
    """A bind, one message and an unbind."""
    a_message: float
    """Each message more."""


def busy(running: Campaign, sessions: int, count: int, rate: float) -> Busy:
    """Two runs, of one message a session and of `count` more."""
    how: dict[str, Any] = {"sessions": sessions, "window": max(1, 2000 // sessions), "rate": rate}
    first, whole = (
        float(checked(running.load(messages, **how))["cpu_us"]) * messages
        for messages in (sessions, sessions + count)
    )
    return Busy(first / sessions, (whole - first) / count)


def main() -> None:
    """Prints memory a session, and CPU a message by sessions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--idle", type=int, default=1900)
    parser.add_argument("--rate", type=float, default=5000, help="messages a second over all sessions")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    print(f"sessions\n{machine()}\n")
    resource.setrlimit(resource.RLIMIT_NOFILE, 2 * resource.getrlimit(resource.RLIMIT_NOFILE)[1:])
    with (
        tempfile.TemporaryDirectory(prefix="bench-sessions-") as directory,
        campaign(Path(directory), SMALL) as running,
    ):
        figure([idle(running, asked.idle)], "KiB", f"an idle session, of {asked.idle}")
        running.load(2000)
        few, many = zip(
            *(
                (busy(running, FEW, asked.count, asked.rate), busy(running, MANY, asked.count, asked.rate))
                for _ in range(asked.runs)
            ),
            strict=True,
        )
    figure([run.a_session for run in many], "us", "a bind, one message and an unbind")
    figure([run.a_message for run in few], "us", f"a message over {FEW} sessions")
    figure([run.a_message for run in many], "us", f"a message over {MANY} sessions")
    ratios = [there.a_message / here.a_message for here, there in zip(few, many, strict=True)]
    figure(ratios, "x", f"a message over {MANY} sessions, of {FEW}")


if __name__ == "__main__":
    main()
