"""Makes messages findable by their number, behind the traffic and in order of ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from gateway.relay.batch import Batch, Committer
from gateway.relay.clocks import Clocks
from gateway.store import numbers
from gateway.store.behind import KEY
from gateway.store.ledger import Ledger
from gateway.store.numbers import BLOCK, NumberBlock
from gateway.store.queries import get_counter
from gateway.store.rows import StoreUnavailable

log = Logger()

INTERVAL = 2.0
REST = 0.002
SETTLED_MS = 10_000  # ids are given out a little before they are stored: younger ones may still come


class Numbering:
    """Follows the messages. `tenants` are those of the accounts by their name; `housekeeping` is held while a
    block is written, against erasure and purge.
    """

    def __init__(
        self,
        ledger: Ledger,
        committer: Committer,
        tenants: Callable[[], Mapping[str, str]],
        housekeeping: DeferredLock,
        clocks: Clocks,
    ) -> None:
        self.ledger = ledger
        self.committer = committer
        self.tenants = tenants
        self.housekeeping = housekeeping
        self.clocks = clocks
        self._known: set[str] = set()
        self._reached: int | None = None
        self._loop = LoopingCall(self._turn)
        self._loop.clock = clocks.timer  # type: ignore[assignment]

    def start(self) -> None:
        """Begin to follow."""
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> None:
        """Follow no more; the next start goes on."""
        if self._loop.running:
            self._loop.stop()

    def _turn(self) -> Deferred[None]:
        done = Deferred.fromCoroutine(self.catch_up())
        return done.addErrback(lambda failure: log.failure("numbers could not be noted", failure))

    async def catch_up(self) -> None:
        """Note what has settled since the last time."""
        try:
            if self._reached is None:
                self._reached = await self.ledger.read(get_counter, numbers.NUMBERED)
                self._known.update(await self.ledger.read(numbers.tenants))
            more = True
            while more:
                async with self.housekeeping:
                    more = await self._fill(self._reached) and self._loop.running
        except StoreUnavailable:
            return  # the next turn looks again

    async def _fill(self, after: int) -> bool:
        """Write what fits into the last block, or a new one; whether there is more."""
        block = await self.ledger.read(numbers.last_block)
        ids, keys = (b"", b"") if block is None or block.full else (block.ids, block.keys)
        settled, tenants = self.clocks.now_ms() - SETTLED_MS, dict(self.tenants())
        reached, batch = after, Batch()
        while len(keys) < BLOCK * KEY:
            last, more_ids, more_keys, met = await self.ledger.behind("numbered", tenants, reached, settled)
            if last == reached:
                break
            reached, ids, keys = last, ids + more_ids, keys + more_keys
            for tenant in set(met) - self._known:
                self._known.add(tenant)
                batch.changes.add("count", (numbers.TENANT + tenant, 1))
            await self._rest()
        if reached == after:
            return False
        if ids:
            batch.changes.add("number", tuple(NumberBlock.of(ids, keys)))
        batch.changes.add("count", (numbers.NUMBERED, reached))
        await self.committer.commit(batch, must=True)
        self._reached = reached
        return len(keys) >= BLOCK * KEY

    def _rest(self) -> Deferred[None]:
        rested: Deferred[None] = Deferred()
        self.clocks.timer.callLater(REST, rested.callback, None)
        return rested
