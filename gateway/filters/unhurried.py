"""Long work in a thread beside the traffic, so that nothing it does holds the interpreter for long."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from time import sleep
from typing import TypeVar

T = TypeVar("T")

STEP = 5000


def looked_at(large: T) -> T:
    """A large collection just made. The garbage collector goes through it now, by itself, and not through
    several such at once.
    """
    gc.collect(0)
    return large


def unhurried(items: Iterable[T]) -> Iterator[T]:
    """The items. Every few thousand the garbage collector looks at what was made of them: it would else look
    at hundreds of thousands at once, by the thresholds that are good for messages. And the interpreter is let
    go, which compiled code does not do by itself.
    """
    for index, item in enumerate(items, 1):
        yield item
        if not index % STEP:
            gc.collect(0)
            sleep(0)
