"""The whole way under loads of several shapes: windows, rates, TLS; two to four minutes.

    python benchmarks/bench_load.py [--count 20000] [--runs 3] [--quick]

One gateway with everything on (see `configured.py`), one shape after the other, so that they share what is in
its memory. Rates give the latencies of a machine that is not full: `throughput and latency` of the plots.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

from bench_whole_way import checked
from campaign import Campaign, campaign
from configured import Scale
from timing import figure, machine

RATES = (250, 500, 1000, 2000, 3000, 5000, 8000, 12000)
SECONDS = 5  # of a run at a rate
FULL = 0.95  # of the rate asked: less, and the machine is full


def told(name: str, runs: list[dict[str, Any]], latencies: bool = True) -> None:
    """The lines of one shape."""
    figure([run["per_second"] for run in runs], "/s", f"messages, {name}")
    figure([run["cpu_us"] for run in runs], "us", f"CPU a message, {name}")
    if latencies:
        for what in ("response", "receipt"):
            for share in ("p50", "p99"):
                figure([run[what][share] for run in runs], "ms", f"submit to {what} {share}, {name}")


def shapes(running: Campaign, count: int, repeat: int) -> None:
    """As fast as it goes, each shape in turn with the others."""
    ways: dict[str, dict[str, Any]] = {
        "8 sessions, window 100": {},
        "own texts": {"own": True},
        "TLS": {"tls": True},
        "1 session, window 10": {"sessions": 1, "window": 10},
        "1 session, window 100": {"sessions": 1},
        "100 sessions, window 10": {"sessions": 100, "window": 10},
    }
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    for _ in range(repeat):
        for name, how in ways.items():
            runs[name].append(checked(running.load(count, **how)))
    for name, those in runs.items():
        told(name, those)


def rates(running: Campaign, repeat: int, quick: bool) -> None:
    """Latencies at rising rates, until the machine is full."""
    for rate in RATES[2::2] if quick else RATES:
        runs = [checked(running.load(rate * SECONDS, rate=rate)) for _ in range(repeat)]
        told(f"at {rate} a second", runs)
        if min(run["per_second"] for run in runs) < FULL * rate:
            break


def main() -> None:
    """Start the parts, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    scale = Scale(words=10_000, suppressed=10_000, consents=150_000) if given.quick else Scale()
    count, repeat = (5000, 1) if given.quick else (given.count, given.runs)
    directory = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with campaign(directory, scale) as running:
            print(f"{machine()}\n{scale}")
            running.load(5000)
            shapes(running, count, repeat)
            running.rest()
            rates(running, repeat, given.quick)
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
