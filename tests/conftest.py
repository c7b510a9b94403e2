"""For all tests: what takes long begins first, so that workers end together; and a thread that a test leaves
behind fails the run, instead of keeping it from ending.

It does so in one process, and in the workers of pytest-xdist (`-n`), which tell it to the one that reports.
"""

import os
import sys
import threading
import time
from typing import Any

import pytest

LONG = ("kill", "evasions", "whole", "people", "explain", "examples", "relay")
PATIENCE = 30.0  # seconds after the last test
OF_THE_REACTOR = "PoolThread-twisted.internet.reactor"  # pytest-twisted stops them after everything else
LEFT = "threads that a test left running"

_of_workers: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files stay whole and in their order: `--dist loadfile` gives them to workers in this one."""
    order = {room: at for at, room in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.parent.name, len(order)))


def _left() -> list[str]:
    threads = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    return [
        thread.name for thread in threads if not (thread.daemon or thread.name.startswith(OF_THE_REACTOR))
    ]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker waits for what is left, and hands over its names; who reports fails by them."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        deadline = time.monotonic() + PATIENCE
        while _left() and time.monotonic() < deadline:
            time.sleep(0.05)
        output["threads"] = _left()
    elif _of_workers:
        print(f"\n{LEFT}: {', '.join(_of_workers)}", file=sys.stderr, flush=True)
        session.exitstatus = 3


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker has ended."""
    _of_workers.extend(getattr(node, "workeroutput", {}).get("threads", ()))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Watch the end of the process from a thread that does not hold it up."""
    if not hasattr(config, "workeroutput"):
        threading.Thread(target=_end_all_the_same, daemon=True).start()


def _end_all_the_same() -> None:
    time.sleep(PATIENCE)
    left = [thread.name for thread in threading.enumerate() if not thread.daemon]
    print(f"\n{LEFT}: {', '.join(left)}", file=sys.stderr, flush=True)
    os._exit(3)
