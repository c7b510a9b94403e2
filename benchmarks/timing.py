"""Microseconds of CPU per call: the median of some runs, each the best of several loops; and on what machine.

A line of a benchmark is `figure unit (least-most) name`: `all.py` reads it.
"""

from __future__ import annotations

import platform
import statistics
import sys
from collections.abc import Callable, Sequence
from os import cpu_count
from time import process_time_ns, thread_time_ns

LOOP_NANOSECONDS = 20_000_000
YARD = 400
"""Steps of the work that a yardstick times, a fraction of a millisecond in all."""


def microseconds(call: Callable[[], object], best_of: int = 5, runs: int = 3) -> float:
    """Median over `runs` of the best of `best_of` loops, in microseconds per call."""
    return statistics.median(bests(call, best_of, runs))


def bests(call: Callable[[], object], best_of: int, runs: int) -> list[float]:
    """Of each run the best of its loops, in microseconds per call."""
    loops = 1
    while _elapsed(call, loops) < LOOP_NANOSECONDS:
        loops *= 2
    return [min(_elapsed(call, loops) for _ in range(best_of)) / loops / 1000 for _ in range(runs)]


def figure(values: Sequence[float], unit: str, name: str) -> None:
    """Print one line: the median, and the least and the most if there are several."""
    spread = f"({min(values):,.2f}-{max(values):,.2f})  " if len(values) > 1 else ""
    print(f"{statistics.median(values):12,.3f} {unit:5} {spread}{name}", flush=True)


def yardstick() -> float:
    """Microseconds of CPU that a fixed piece of plain Python takes now: how fast the machine is just now.

    Objects, attributes, calls, slices of octets and a dictionary, as in a gateway; a figure of one hour or
    machine divided by its yardstick compares with that of another.
    """
    begin = thread_time_ns()
    known: dict[bytes, _Step] = {}
    octets = bytes(range(256)) * 2
    for number in range(YARD):
        step = _Step(number, octets[number & 255 : (number & 255) + 16])
        known[step.octets] = step.after(known.get(octets[:16]))
    return (thread_time_ns() - begin) / 1000


class _Step:
    __slots__ = ("number", "octets")

    def __init__(self, number: int, octets: bytes) -> None:
        self.number = number
        self.octets = octets

    def after(self, other: _Step | None) -> _Step:
        return self if other is None or other.number < self.number else other


def _elapsed(call: Callable[[], object], loops: int) -> int:
    start = process_time_ns()
    for _ in range(loops):
        call()
    return process_time_ns() - start


def machine() -> str:
    """Processor, cores, system and interpreter, for the head of a table of figures."""
    processor = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as cpuinfo:
            processor = next(
                line.split(":", 1)[1].strip() for line in cpuinfo if line.startswith("model name")
            )
    except (OSError, StopIteration):
        pass
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{processor}, {cpu_count()} cores, {platform.system()} {platform.release()}, {python}"


def report(title: str, calls: dict[str, Callable[[], object]], best_of: int = 5, runs: int = 3) -> None:
    """Prints a line for each named call; words on the command line choose those that have one in the name."""
    chosen = sys.argv[1:]
    print(f"{title}\n{machine()}\nmedian of {runs}, each the best of {best_of} loops\n")
    for name, call in calls.items():
        if not chosen or any(word in name for word in chosen):
            figure(bests(call, best_of, runs), "us", name)
