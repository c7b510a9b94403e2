"""Starts on what is unfinished: `python benchmarks/bench_start.py [--count 1000000] [--quick]`.

For each state of a message a store that holds so many of it: seconds until the first bind is answered and
until carriers are called, and resident memory then. Of what waits, how fast it is drained, beside new
messages over the same connections. Some six minutes, most of them to make the messages.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_sessions import bound
from campaign import HERE, Campaign, Scale, campaign, cpu, resident
from timing import figure, machine

SMALL = Scale(words=1000, suppressed=1000, consents=100_000)
DRAINED = 20.0
"""Seconds for which the draining of what waits is watched."""


def fill(directory: Path, count: int, state: str) -> None:
    """Messages in this state, into the store on which nobody runs."""
    command = [sys.executable, str(HERE / "fill.py"), str(directory / "config"), str(count), state]
    subprocess.run(command, check=True)


def begin(running: Campaign, count: int, state: str) -> None:
    """Start on so many messages in a state."""
    began = 0.0

    def meanwhile() -> None:
        nonlocal began
        if count:
            fill(running.directory, count, state)
        began = time.monotonic()

    running.restart(meanwhile, learn=False)
    bound(running.ports["listen"], "shop").close()
    what = f"{count} {state.lower()}" if count else "an empty store"
    figure([time.monotonic() - began], "s", f"{what}: until the first bind is answered")
    while "ids" in running.status()["loading"]:
        time.sleep(0.02)
    figure([time.monotonic() - began], "s", f"{what}: until carriers are called")
    figure([resident(running.gateway.pid)], "MiB", f"{what}: resident then")


def drain(running: Campaign) -> None:
    """How fast what waits goes, and what it costs."""
    running.learn()
    full = waiting(running)
    while waiting(running) == full:
        time.sleep(0.1)
    before, used, began = waiting(running), cpu(running.gateway.pid), time.monotonic()
    while time.monotonic() - began < DRAINED and waiting(running):
        time.sleep(0.5)
    gone, seconds = before - waiting(running), time.monotonic() - began
    figure([gone / seconds], "/s", "drained of what waits")
    figure([(cpu(running.gateway.pid) - used) / max(1, gone) * 1e6], "us", "a message that is drained")
    figure([resident(running.gateway.pid)], "MiB", "resident while what waits is drained")


def waiting(running: Campaign) -> int:
    """Messages that wait for a carrier."""
    return int(running.status()["messages"].get("waiting", 0))


def main() -> None:
    """Start on each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    count = 50_000 if asked.quick else asked.count
    print(f"start\n{machine()}\n")
    for state in ("", "SENT", "DEFERRED", "WAITING"):
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as directory,
            campaign(Path(directory), SMALL) as at,
        ):
            at.load(2000)
            begin(at, count if state else 0, state)
            if state == "WAITING":
                drain(at)
            elif not state:
                at.learn()
                report = at.load(20_000)
                figure([report["per_second"]], "/s", "new messages, beside")
                figure([report["cpu_us"]], "us", "a new message, beside")


if __name__ == "__main__":
    main()
