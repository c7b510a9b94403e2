"""Makes messages findable by their number, behind the traffic and in order of ids."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from gateway.relay.batch import Batch, Committer
from gateway.relay.clocks import Clocks
from gateway.store import numbers
from gateway.store.ledger import Ledger
from gateway.store.queries import get_counter
from gateway.store.rows import MessageRow, StoreUnavailable
from gateway.store.vault import Vault

log = Logger()

INTERVAL = 2.0
SLICE = 200
REST = 0.02
SETTLED_MS = 10_000  # ids are given out a little before they are stored: younger ones may still come


class Numbering:
    """Follows the messages. `tenant_of` names the tenant of an account, "" if it is not known any more."""

    def __init__(
        self,
        ledger: Ledger,
        committer: Committer,
        vault: Vault | None,
        tenant_of: Callable[[str], str],
        clocks: Clocks,
    ) -> None:
        self.ledger = ledger
        self.committer = committer
        self.vault = vault
        self.tenant_of = tenant_of
        self.clocks = clocks
        self._tenants: set[str] = set()
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
                self._tenants.update(await self.ledger.read(numbers.tenants))
            while rows := self._settled(await self.ledger.read(numbers.messages_after, self._reached, SLICE)):
                await self._note(rows)
                self._reached = rows[-1].id
                if len(rows) < SLICE or not self._loop.running:
                    return
                rested: Deferred[None] = Deferred()
                self.clocks.timer.callLater(REST, rested.callback, None)
                await rested
        except StoreUnavailable:
            return  # the next turn looks again

    def _settled(self, rows: list[MessageRow]) -> list[MessageRow]:
        last = self.clocks.now_ms() - SETTLED_MS
        young = next((at for at, row in enumerate(rows) if row.accepted_at > last), len(rows))
        return rows[:young]

    async def _note(self, rows: list[MessageRow]) -> None:
        batch = Batch()
        for row in rows:
            tenant = self.tenant_of(row.account)
            if tenant not in self._tenants:
                self._tenants.add(tenant)
                batch.changes.add("count", (numbers.TENANT + tenant, 1))
            if row.destination:
                key = numbers.key_of(self.vault, tenant, row.destination)
                batch.changes.add("number", (key, row.id))
        batch.changes.add("count", (numbers.NUMBERED, rows[-1].id))
        await self.committer.commit(batch, must=True)
