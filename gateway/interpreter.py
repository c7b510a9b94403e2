"""The interpreter, set for a process that passes messages on and now and then does long work in a thread."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

USUAL = sys.getswitchinterval()
BRIEF = USUAL / 10
"""Seconds for which a thread may have the interpreter when another wants it."""


def settle_garbage_collector() -> None:
    """Keep what start-up made out of the collector's sight, and let it look less often.

    Messages make many objects and hardly any cycles: by its defaults it takes a quarter of the CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)


@contextmanager
def brief_turns() -> Iterator[None]:
    """For a thread beside the traffic: while it lasts the interpreter changes hands ten times as often. The
    reactor, which lets go of it whenever it reads or writes, would wait for a whole turn each time.
    """
    global _threads
    with _lock:
        _threads += 1
        sys.setswitchinterval(BRIEF)
    try:
        yield
    finally:
        with _lock:
            _threads -= 1
            if not _threads:
                sys.setswitchinterval(USUAL)


_lock = Lock()
_threads = 0
