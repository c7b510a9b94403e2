"""The whole way: load maker, gateway and carrier as processes of this machine.

    python benchmarks/bench_whole_way.py [--count 40000] [--runs 3] [--sessions 8] [--window 100] [--rate 0]
        [--delay 0] [--own] [--tls] [--words 100000] [--suppressed 1000000] [--consents 1000000] [--store URL]
        [--profile]

Everything that is promised is on (see `configured.py`); receipts are asked for all. Prints the median
(least-most) of the runs: messages a second with all receipts back, CPU a message of the gateway with all its
processes and by part, and the latencies that the load maker saw. The texts are four, in turn; with `--own`
each message has one of its own, so that no cache of texts is of help. `--profile` says by room what the
reactor's thread did. Ports are free ones, state is in a temporary directory. Some minutes: the consents are
imported first.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from campaign import campaign, compiled, profile
from configured import Scale
from timing import figure, machine

Figure = Callable[[dict[str, Any]], float]
FIGURES: dict[str, tuple[str, Figure]] = {
    "messages with all receipts back": ("/s", lambda report: report["per_second"]),
    "gateway CPU a message": ("us", lambda report: report["cpu_us"]),
    "of it the reactor's thread": ("us", lambda report: report["parts"]["reactor"]),
    "of it other threads of its process": ("us", lambda report: report["parts"]["threads"]),
    "of it other processes (writer)": ("us", lambda report: report["parts"]["processes"]),
    "submit to response p50": ("ms", lambda report: report["response"]["p50"]),
    "submit to response p99": ("ms", lambda report: report["response"]["p99"]),
    "submit to receipt p50": ("ms", lambda report: report["receipt"]["p50"]),
    "submit to receipt p99": ("ms", lambda report: report["receipt"]["p99"]),
    "gateway resident": ("MiB", lambda report: report["resident"]),
}


def checked(report: dict[str, Any]) -> dict[str, Any]:
    """The report of a run in which every message was taken and delivered. Raises SystemExit for another."""
    if not report["submitted"] == report["accepted"] == report["delivered"]:
        raise SystemExit(f"not every message was delivered: {report}")
    return report


def main() -> None:
    """Start the parts, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=40_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--window", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--delay", type=int, default=0, help="of the carrier's receipts, in milliseconds")
    parser.add_argument("--own", action="store_true")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--store", default="")
    for name in ("words", "suppressed", "consents"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Scale(), name))
    given = parser.parse_args()
    scale = Scale(words=given.words, suppressed=given.suppressed, consents=given.consents, store=given.store)
    directory = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with campaign(directory, scale, given.delay, profiled=given.profile) as running:
            how = {"sessions": given.sessions, "window": given.window, "own": given.own, "tls": given.tls}
            running.load(min(5000, given.count), **how)
            runs = [checked(running.load(given.count, rate=given.rate, **how)) for _ in range(given.runs)]
        rooms = profile(directory) if given.profile else {}
    finally:
        shutil.rmtree(directory)
    print(machine())
    print(f"{scale}, carrier's delay {given.delay} ms; compiled modules: {compiled()}")
    print(f"{given.count} messages, {given.sessions} sessions, window {given.window}, rate {given.rate}")
    figure([running.ready], "s", "until it listens")
    for name, (unit, of) in FIGURES.items():
        figure([of(run) for run in runs], unit, name)
    for room, share in rooms.items():
        print(f"  {share:6.1%} of the reactor's thread in {room}")


if __name__ == "__main__":
    main()
