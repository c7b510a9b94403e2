"""Reading the store in the background, for as long as it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.task import deferLater
from twisted.logger import Logger

from gateway.relay.clocks import Clocks
from gateway.store.ledger import Ledger
from gateway.store.rows import StoreUnavailable

log = Logger(__name__)

PAUSE = 1.0


async def read(ledger: Ledger, clocks: Clocks, query: Callable[..., Any], *args: Any) -> Any:
    """What a query finds; where the store cannot be read it is tried again every second."""
    while True:
        try:
            return await ledger.read(query, *args)
        except StoreUnavailable as error:
            log.warn("the store could not be read, it is tried again: {error}", error=str(error))
            await deferLater(clocks.timer, PAUSE)  # type: ignore[arg-type]
