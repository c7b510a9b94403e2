"""Makes messages findable by their number, behind the traffic and in order of ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from gateway.relay.batch import Batch, Committer
from gateway.relay.clocks import Clocks
from gateway.store import numbers
from gateway.store.behind import ID, KEY
from gateway.store.ledger import Ledger
from gateway.store.numbers import BLOCK, GONE, NumberBlock
from gateway.store.queries import get_counter
from gateway.store.rows import StoreUnavailable

log = Logger(__name__)

INTERVAL = 2.0
REST = 0.002
RIPE_MS = 600_000  # so long a block waits to be full
SETTLED_MS = 10_000  # ids are given out a little before they are stored: younger ones may still come


class Numbering:
    """Follows the messages. `tenants` are those of the accounts by their name.

    What it has read waits in memory until it fills a block, or for some minutes; a block is written once.
    """

    def __init__(
        self, ledger: Ledger, committer: Committer, tenants: Callable[[], Mapping[str, str]], clocks: Clocks
    ) -> None:
        self.ledger = ledger
        self.committer = committer
        self.tenants = tenants
        self.clocks = clocks
        self._known: set[str] = set()  # tenants that the store knows of
        self._met: set[str] = set()
        self._reached: int | None = None
        self._keys: dict[int, bytes] = {}  # of messages in no block yet, in order
        self._since = 0
        self._loop = LoopingCall(self._turn)
        self._loop.clock = clocks.timer  # type: ignore[assignment]

    def start(self) -> None:
        """Begin to follow."""
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> None:
        """Follow no more; the next start goes on."""
        if self._loop.running:
            self._loop.stop()

    def forget(self, ids: Iterable[int]) -> None:
        """These messages are to be found no more."""
        for id in ids:
            if id in self._keys:
                self._keys[id] = GONE

    def _turn(self) -> Deferred[None]:
        done = Deferred.fromCoroutine(self.catch_up())
        return done.addErrback(lambda failure: log.failure("numbers could not be noted", failure))

    async def catch_up(self) -> None:
        """Note what has settled since the last time."""
        try:
            if self._reached is None:
                self._known.update(await self.ledger.read(numbers.tenants))
                self._reached = await self.ledger.read(get_counter, numbers.NUMBERED)
            while await self._read(self._reached):
                if len(self._keys) >= BLOCK:
                    await self._write(self._reached)
                if not self._loop.running:
                    return
                await self._rest()
            if self._keys and self.clocks.now_ms() - self._since >= RIPE_MS:
                await self._write(self._reached)
        except StoreUnavailable:
            return  # the next turn looks again

    async def _read(self, after: int) -> bool:
        """Take the next slice of what has settled; whether there was any."""
        settled = self.clocks.now_ms() - SETTLED_MS
        reached, ids, keys, met = await self.ledger.behind("numbered", dict(self.tenants()), after, settled)
        if not self._keys:
            self._since = self.clocks.now_ms()
        for at in range(0, len(ids), ID):
            self._keys[int.from_bytes(ids[at : at + ID], "big")] = keys[at : at + KEY]
        self._met.update(met)
        self._reached = reached
        return bool(reached > after)

    async def _write(self, reached: int) -> None:
        """What has gathered becomes a block."""
        keys, self._keys = self._keys, {}
        batch = Batch()
        for tenant in self._met - self._known:
            self._known.add(tenant)
            batch.changes.add("count", (numbers.TENANT + tenant, 1))
        batch.changes.add("number", tuple(NumberBlock.of(keys)))
        batch.changes.add("count", (numbers.NUMBERED, reached))
        await self.committer.commit(batch, must=True)

    def _rest(self) -> Deferred[None]:
        rested: Deferred[None] = Deferred()
        self.clocks.timer.callLater(REST, rested.callback, None)
        return rested
