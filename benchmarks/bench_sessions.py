"""What sessions cost: `python benchmarks/bench_sessions.py`, some minutes.

Real processes and sockets. Idle: bound sessions that say nothing, in KiB of the gateway's resident memory
each. Busy: the same number of messages a second over few sessions and over many, in CPU a message.
"""

from __future__ import annotations

import argparse
import resource
import socket
import tempfile
import time
from pathlib import Path

from campaign import PASSWORD, Campaign, Scale, campaign, resident
from timing import machine

from gateway.smpp.codec import decode, encode
from gateway.smpp.pdus import BindTransceiver

SMALL = Scale(words=1000, suppressed=1000, consents=0)


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


def main() -> None:
    """Prints memory a session, and CPU a message by sessions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--idle", type=int, default=1900)
    parser.add_argument("--rate", type=float, default=5000, help="messages a second over all sessions")
    parser.add_argument("--count", type=int, default=20_000)
    asked = parser.parse_args()
    print(f"sessions\n{machine()}\n")
    resource.setrlimit(resource.RLIMIT_NOFILE, 2 * resource.getrlimit(resource.RLIMIT_NOFILE)[1:])
    with (
        tempfile.TemporaryDirectory(prefix="bench-sessions-") as directory,
        campaign(Path(directory), SMALL) as running,
    ):
        print(f"{idle(running, asked.idle):7.1f} KiB  an idle session, of {asked.idle}")
        running.load(2000)
        for sessions in (10, 1000, 10, 1000):
            window = max(1, 2000 // sessions)
            report = running.load(asked.count, sessions=sessions, window=window, rate=asked.rate)
            print(
                f"{report['cpu_us']:7.1f} us  a message over {sessions} sessions, "
                f"{report['per_second']:.0f} messages/s"
            )


if __name__ == "__main__":
    main()
