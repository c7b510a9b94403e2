"""The interpreter, set for a process that passes messages on and now and then does long work in a thread."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

from twisted.internet.threads import deferToThread

from gateway.settings.problems import SettingsError

T = TypeVar("T")

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


def settle_memory() -> None:
    """Give what start-up has used and freed back to the system; nothing where the C library has no way to."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def thrifty_memory() -> None:
    """Let all threads take memory from the same two heaps: what one has freed the others use. And let what
    is large have a place of its own, which goes back to the system when it is freed: left alone, the C
    library takes ever larger things from the heaps, and they are full of holes. To be called before there
    are threads; nothing where the C library knows no such options.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_ARENA_MAX, 2)
        set_option(_MMAP_THRESHOLD, LARGE)


_ARENA_MAX, _MMAP_THRESHOLD = -8, -3
"""M_ARENA_MAX and M_MMAP_THRESHOLD of glibc's malloc.h."""

LARGE = 1 << 19
"""Octets from which on something has a place of its own: more than a batch needs."""


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


async def beside_traffic(work: Callable[[], T]) -> T:
    """What long work in a thread comes to, done by brief turns.

    A SettingsError or ValueError comes without the frames in which it arose. The thread's own frame and the
    Failure that it holds refer to each other: all that was made there would stay until the garbage collector
    finds it, and then go at once, while nothing else runs.
    """
    return await deferToThread(_briefly, work)


def _briefly(work: Callable[[], T]) -> T:
    with brief_turns():
        try:
            return work()
        except (SettingsError, ValueError) as error:
            raise error.with_traceback(None) from None
