"""A gateway that counts what its reactor's thread is at: `python profiled.py FILE run --config DIRECTORY`.

A timer of the CPU's time interrupts it 500 times a second; the innermost function of a room of the gateway
is what it is at, with all that it has called, else what is round them. SIGUSR2 begins anew. At the end FILE
has the microseconds by room, as JSON. What other threads and processes do is not seen.
"""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from time import thread_time
from types import FrameType

INTERVAL = 0.002
AROUND = {"gateway.app", "gateway.cli"}  # they run the reactor


def room(frame: FrameType | None) -> str:
    """`gateway.filters` of the innermost function there, `the reactor` where none is."""
    while frame is not None:
        name = ".".join(str(frame.f_globals.get("__name__", "")).split(".")[:2])
        if name.startswith("gateway.") and name not in AROUND:
            return name
        frame = frame.f_back
    return "the reactor"


def main(file: Path, arguments: list[str]) -> None:
    """Run the command line with the timer on."""
    from gateway.cli import app

    counts: Counter[str] = Counter()
    last = thread_time()

    def interrupted(number: int, frame: FrameType | None) -> None:
        nonlocal last
        now = thread_time()
        counts[room(frame)] += round((now - last) * 1e6)  # what other threads took is not this one's
        last = now

    signal.signal(signal.SIGPROF, interrupted)
    signal.signal(signal.SIGUSR2, lambda *_: counts.clear())
    signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
    try:
        app(arguments)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        file.write_text(json.dumps(counts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
