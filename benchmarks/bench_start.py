"""Starts on what is unfinished: `python benchmarks/bench_start.py [--count 1000000] [--quick] [STATE ...]`.

For each state of a message, for receipts that wait for their account (OUTBOX) and for those that matched
nothing (STRAY), a store that holds so many: seconds until the first bind is answered and until carriers are
called, and memory then. Of what waits, how fast it is drained while the rest is learnt, after that, and
beside new messages of another account. `--full` with the words, numbers and consents of a national campaign.
Some fifteen minutes, most of them to make the rows.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from bench_sessions import bound
from campaign import Campaign, campaign, cpu, family, resident
from configured import HERE, Scale
from timing import figure, machine

SMALL = Scale(words=1000, suppressed=1000, consents=100_000)
STATES = ("", "SENT", "DEFERRED", "HELD", "SENDING", "GATHERING", "OUTBOX", "STRAY", "WAITING")
DRAINED = 20.0
"""Seconds for which the draining of what waits is watched."""
BESIDE = 3000
"""New messages a second beside it."""


def fill(directory: Path, count: int, state: str) -> None:
    """Rows of this kind, into the store on which nobody runs."""
    command = [sys.executable, str(HERE / "fill.py"), str(directory / "config"), str(count), state]
    subprocess.run(command, check=True)


def proportional(pid: int) -> float:
    """Resident memory in MiB of a process by itself, of what it shares its part alone."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def memory(running: Campaign, what: str) -> None:
    """What the gateway and its writer take now."""
    pid = running.gateway.pid
    figure([resident(pid)], "MiB", f"{what}: resident")
    for part, each in zip(("gateway", "writer"), family(pid), strict=False):
        figure([proportional(each)], "MiB", f"{what}: of the {part} alone, what is shared by halves")


def begin(running: Campaign, count: int, state: str) -> None:
    """Start on so many rows of a kind."""
    began = 0.0

    def meanwhile() -> None:
        nonlocal began
        if count:
            fill(running.directory, count, state)
        began = time.monotonic()

    running.restart(meanwhile, learn=False)
    bound(running.ports["listen"], "shop1").close()
    what = f"{count} {state.lower()}" if count else "an empty store"
    figure([time.monotonic() - began], "s", f"{what}: until the first bind is answered")
    while "ids" in running.status()["loading"]:
        time.sleep(0.02)
    figure([time.monotonic() - began], "s", f"{what}: until carriers are called")
    memory(running, f"{what}: then")


@dataclass(slots=True)
class Draining:
    """Watches what waits go."""

    running: Campaign
    most: float = 0.0
    states: list[int] = field(default_factory=list)

    def waiting(self) -> int:
        """Messages that wait for a carrier; notes the most memory that the gateway takes."""
        pid = self.running.gateway.pid
        self.most = max(self.most, sum(map(proportional, family(pid))))
        return int(self.running.status()["messages"].get("waiting", 0))

    def watch(self, what: str, goes_on: Callable[[], bool]) -> None:
        """How fast it goes while something lasts."""
        before, used, began = self.waiting(), cpu(self.running.gateway.pid), time.monotonic()
        left = before
        while left and goes_on():
            time.sleep(0.25)
            left = self.waiting()
        gone, seconds = before - left, time.monotonic() - began
        if gone:
            spent = cpu(self.running.gateway.pid) - used
            figure([gone / seconds], "/s", f"drained of what waits, {what}")
            figure([spent / gone * 1e6], "us", f"a message that is drained, {what}")


def drain(running: Campaign) -> None:
    """How fast what waits goes: while the gateway learns, then alone, then beside new messages."""
    draining = Draining(running)
    draining.watch("consents being learnt", lambda: "consents" in running.status()["loading"])
    draining.watch("counts being learnt", lambda: bool(running.status()["loading"]))
    until = time.monotonic() + DRAINED
    draining.watch("alone", lambda: time.monotonic() < until)
    if draining.waiting():
        reports = []
        load = Thread(
            target=lambda: reports.append(running.load(10 * BESIDE, rate=BESIDE, account="shop1", own=True))
        )
        load.start()
        draining.watch(f"beside {BESIDE}/s of new messages", load.is_alive)
        load.join()
        figure([reports[0]["per_second"]], "/s", "new messages, beside what is drained")
        for which in ("response", "receipt"):
            figure([reports[0][which]["p99"]], "ms", f"{which} of a new message, the 99th of a hundred")
    figure([draining.most], "MiB", "most memory while what waits is drained, what is shared by halves")
    memory(running, "after that")


def main() -> None:
    """Start on each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("states", nargs="*", metavar="STATE", default=STATES)
    asked = parser.parse_args()
    count = 50_000 if asked.quick else asked.count
    print(f"start\n{machine()}\n")
    for state in asked.states:
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as directory,
            campaign(Path(directory), Scale() if asked.full else SMALL) as at,
        ):
            at.load(2000)
            begin(at, count if state else 0, state)
            if state == "WAITING":
                drain(at)
            elif not state:
                at.learn()
                memory(at, "an empty store: when all is learnt")
                report = at.load(20_000)
                figure([report["per_second"]], "/s", "new messages, beside")
                figure([report["cpu_us"]], "us", "a new message, beside")


if __name__ == "__main__":
    main()
