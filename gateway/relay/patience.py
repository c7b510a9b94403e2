"""Reading the store in the background, for as long as it takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

from twisted.internet.task import deferLater
from twisted.logger import Logger

from gateway.relay.clocks import Clocks
from gateway.store.ledger import Ledger
from gateway.store.rows import StoreUnavailable

log = Logger(__name__)

PAUSE = 1.0

T = TypeVar("T")
P = ParamSpec("P")


async def read(ledger: Ledger, clocks: Clocks, query: Callable[..., Any], *args: Any) -> Any:
    """What a query finds; where the store cannot be read it is tried again every second."""
    return await patiently(clocks, ledger.read, query, *args)


async def patiently(clocks: Clocks, ask: Callable[P, Awaitable[T]], *args: P.args, **named: P.kwargs) -> T:
    """What a question to the store is answered; where it cannot be read it is asked again every second."""
    while True:
        try:
            return await ask(*args, **named)
        except StoreUnavailable as error:
            log.warn("the store could not be read, it is tried again: {error}", error=str(error))
            await deferLater(clocks.timer, PAUSE)  # type: ignore[arg-type]
