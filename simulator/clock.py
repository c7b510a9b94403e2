"""The clock of real runs: the reactor's timers, with seconds that never jump."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime


class MonotonicClock:
    """`seconds` and `callLater` as `gateway.smpp.protocol.Clock` asks for."""

    def __init__(self, reactor: IReactorTime) -> None:
        self._call_later: Callable[..., Any] = reactor.callLater

    def seconds(self) -> float:
        return time.monotonic()

    def callLater(self, delay: float, callable: Callable[..., object], *args: object) -> Any:
        return self._call_later(delay, callable, *args)
