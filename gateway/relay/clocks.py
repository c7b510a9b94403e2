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


class MonotonicTimer:
    """The reactor's timers with a monotonic `seconds`, since the reactor's own follow the wall clock."""

    def __init__(self, reactor: Any) -> None:
        self.callLater = reactor.callLater
        self.seconds = time.monotonic


@dataclass(frozen=True, slots=True)
class Clocks:
    """`timer` is monotonic; `wall` gives unix seconds."""

    timer: Timer
    wall: Callable[[], float] = time.time

    def now_ms(self) -> int:
        """The wall clock in unix milliseconds, as the store keeps times."""
        return int(self.wall() * 1000)
