"""What a message costs, over each dimension of scale: CPU a message from the least to the most.

    python benchmarks/bench_scale.py [--only words,sessions] [--count 10000] [--runs 3] [--quick]

A gateway for each size, with everything on and the other dimensions small, so that one stands out; 15 to 30
seconds a size, more where a million consents are imported or ten million messages are stored before. Each
run of a size takes its turn with a run of the least, on a gateway that is beside it, so that a machine that
is busy with other things is busy for both: the figure is the median of their ratios.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench_whole_way import checked
from campaign import Campaign, campaign
from configured import HERE, Scale
from timing import figure, machine

BASE = Scale(words=1000, suppressed=1000, consents=100_000, templates=2, accounts=2, carriers=2, rules=2)
SIZES: dict[str, tuple[int, ...]] = {
    "accounts": (2, 100, 1000),
    "carriers": (2, 20, 200),
    "rules": (2, 50, 500),
    "templates": (2, 100, 1000),
    "words": (1000, 10_000, 100_000),
    "suppressed": (1000, 100_000, 1_000_000),
    "consents": (100_000, 300_000, 1_000_000),
    "stored": (0, 1_000_000, 10_000_000),
    "sessions": (10, 100, 1000),
}
QUICK = ("rules", "words", "stored", "sessions")
QUICK_MOST = {"stored": 300_000}


def store_messages(directory: Path, count: int) -> None:
    """Messages that have ended, into the store on which nobody runs."""
    command = [sys.executable, str(HERE / "fill.py"), str(directory / "config"), str(count)]
    subprocess.run(command, check=True)


def prepared(stack: ExitStack, dimension: str, size: int) -> Campaign:
    """A gateway of this size, warm."""
    directory = Path(tempfile.mkdtemp(prefix="bench-"))
    stack.callback(shutil.rmtree, directory)
    sized: dict[str, Any] = {} if dimension in ("stored", "sessions") else {dimension: size}
    scale = replace(BASE, **sized)
    running = stack.enter_context(campaign(directory, scale))
    running.load(2000)
    if dimension == "stored" and size:
        running.restart(lambda: store_messages(directory, size))
    return running


def cost(running: Campaign, dimension: str, size: int, count: int) -> float:
    """CPU a message of one run."""
    how = {"sessions": size, "window": 20, "rate": 1000.0} if dimension == "sessions" else {}
    return float(checked(running.load(count, **how))["cpu_us"])  # type: ignore[arg-type]


def measure(dimension: str, sizes: tuple[int, ...], count: int, runs: int) -> None:
    """The lines of one dimension."""
    least, *larger = sizes
    with ExitStack() as small:
        beside = prepared(small, dimension, least)
        figure([cost(beside, dimension, least, count) for _ in range(runs)], "us", f"{dimension} {least}")
        for size in larger:
            with ExitStack() as stack:
                running = prepared(stack, dimension, size)
                pairs = [
                    (cost(running, dimension, size, count), cost(beside, dimension, least, count))
                    for _ in range(runs)
                ]
            figure([here for here, _ in pairs], "us", f"{dimension} {size}")
            figure([here / there for here, there in pairs], "x", f"{dimension} {size}, of {least}")


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    print(f"{machine()}\nthe others are {BASE}")
    for dimension, sizes in SIZES.items():
        chosen = given.only.split(",") if given.only else QUICK if given.quick else SIZES
        if dimension in chosen:
            ends = (sizes[0], QUICK_MOST.get(dimension, sizes[-1])) if given.quick else sizes
            measure(dimension, ends, 3000 if given.quick else given.count, 2 if given.quick else given.runs)


if __name__ == "__main__":
    main()
