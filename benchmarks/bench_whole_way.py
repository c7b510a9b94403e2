"""The whole way: load maker, gateway and carrier as processes of this machine.

    python benchmarks/bench_whole_way.py [--count 40000] [--runs 3] [--sessions 8] [--window 100] [--rate 0]
        [--delay 0] [--words 100000] [--suppressed 1000000] [--consents 1000000] [--store URL]

Everything that is promised is on (see `campaign.py`); receipts are asked for all. Prints the median
(least-most) of the runs: messages a second with all receipts back, CPU a message of the gateway with all its
processes, and the latencies that the load maker saw. Ports are free ones, state is in a temporary directory.
Some minutes: the consents are imported first.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from campaign import Scale, campaign
from timing import machine

FIGURES = {
    "messages/s": lambda report: report["per_second"],
    "gateway CPU us/message": lambda report: report["cpu_us"],
    "submit to response p50 ms": lambda report: report["response"]["p50"],
    "submit to response p99 ms": lambda report: report["response"]["p99"],
    "submit to receipt p50 ms": lambda report: report["receipt"]["p50"],
    "submit to receipt p99 ms": lambda report: report["receipt"]["p99"],
    "gateway resident MiB": lambda report: report["resident"],
}


def checked(report: dict[str, Any]) -> dict[str, Any]:
    """The report of a run in which every message was taken and delivered. Raises SystemExit for another."""
    if not report["submitted"] == report["accepted"] == report["delivered"]:
        raise SystemExit(f"not every message was delivered: {report}")
    return report


def main() -> None:
    """Start the parts, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=40_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--window", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--delay", type=int, default=0, help="of the carrier's receipts, in milliseconds")
    parser.add_argument("--store", default="")
    for name in ("words", "suppressed", "consents"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Scale(), name))
    given = parser.parse_args()
    scale = Scale(words=given.words, suppressed=given.suppressed, consents=given.consents, store=given.store)
    directory = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with campaign(directory, scale, given.delay) as running:
            how = {"sessions": given.sessions, "window": given.window}
            running.load(5000, **how)
            runs = [checked(running.load(given.count, rate=given.rate, **how)) for _ in range(given.runs)]
    finally:
        shutil.rmtree(directory)
    print(machine())
    print(f"{scale}, carrier's delay {given.delay} ms, listening after {running.ready:.1f} s")
    print(f"{given.count} messages, {given.sessions} sessions, window {given.window}, rate {given.rate}")
    for name, figure in FIGURES.items():
        values = [figure(run) for run in runs]
        print(f"  {name:<28} {statistics.median(values):>10.1f}  ({min(values):.1f}-{max(values):.1f})")


if __name__ == "__main__":
    main()
