"""The two clocks, injected: a monotonic one for timers, the wall clock for the law and for what is written
down.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall


class Timer(Protocol):
    """What the relay needs of a clock for its timers; `task.Clock` is one."""

    def seconds(self) -> float:
        """Monotonic seconds."""

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any, **kw: Any) -> IDelayedCall:
        """Call after `delay` seconds."""


def monotonic(reactor: Any) -> Timer:
    """The reactor with a clock that never jumps, for its own timers too.

    As it comes, they follow the wall clock.
    To be called before the first `callLater`.
    """
    reactor.seconds = time.monotonic
    timer: Timer = reactor
    return timer


@dataclass(frozen=True, slots=True)
class Clocks:
    """`timer` is monotonic; `wall` gives unix seconds."""

    timer: Timer
    wall: Callable[[], float] = time.time

    def now_ms(self) -> int:
        """The wall clock in unix milliseconds, as the store keeps times."""
        return int(self.wall() * 1000)
