"""`simulator load`: one run in the foreground, with a progress bar and a report."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from twisted.internet.task import LoopingCall

from simulator.load.journal import Journal
from simulator.load.options import LoadOptions
from simulator.load.report import for_people
from simulator.load.runner import Load

_SHOW_EVERY = 0.2
WIDE = 2000

OnInterrupt = Callable[[Any, Callable[[], None]], Awaitable[None]]


async def run_load(
    reactor: Any, options: LoadOptions, capture: Path | None, as_json: bool, on_interrupt: OnInterrupt
) -> int:
    """Run to the end; returns 1 if anything was amiss.

    Interrupted, it sends no more and waits for what is owed; interrupted again, it ends.
    """
    journal = None if capture is None else Journal(capture, time.time)
    load = Load(options, reactor, journal=journal)
    interrupt = _Interrupt(load)
    await on_interrupt(reactor, interrupt)
    if as_json:
        report = await load.run()
        print(json.dumps(report.as_dict(), ensure_ascii=False))
    else:
        with _Bar(load, reactor):
            report = await load.run()
        # what goes to a file or to another program is never cut
        Console(highlight=False, width=None if sys.stdout.isatty() else WIDE).print(for_people(report))
    return 0 if report.ok else 1


class _Interrupt:
    def __init__(self, load: Load) -> None:
        self._load = load
        self._calls = 0

    def __call__(self) -> None:
        self._calls += 1
        if self._calls == 1:
            self._load.stop()
        else:
            self._load.abandon()


class _Bar:
    """Shows how far a load is, while it is entered."""

    def __init__(self, load: Load, reactor: Any) -> None:
        self._load = load
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            auto_refresh=False,
        )
        count = load.options.count
        self._accepted = self._progress.add_task("accepted", total=count, state="")
        self._receipted = self._progress.add_task("receipts", total=count, state="")
        self._loop = LoopingCall(self._show)
        self._loop.clock = reactor

    def __enter__(self) -> None:
        self._progress.start()
        self._loop.start(_SHOW_EVERY)

    def __exit__(self, *_: object) -> None:
        self._loop.stop()
        self._show()
        self._progress.stop()

    def _show(self) -> None:
        progress = self._load.progress
        total = max(self._load.options.count, self._load.traffic.pieces)
        state = f"{progress.bound} bound, {progress.waiting} waiting"
        done = progress.accepted + progress.refused
        self._progress.update(self._accepted, completed=done, total=total, state=state)
        self._progress.update(self._receipted, completed=progress.receipted, total=total)
        self._progress.refresh()
