"""Seals the store anew by the newest key, behind the traffic; a node that was stopped in between goes on."""

from __future__ import annotations

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from gateway.relay.batch import Batch, Committer
from gateway.relay.book import Book
from gateway.relay.clocks import Clocks
from gateway.settings.keys import Keyring
from gateway.store import rotation
from gateway.store.ledger import Ledger
from gateway.store.opening import SEALED
from gateway.store.queries import get_counter
from gateway.store.rows import State, StoreUnavailable
from gateway.store.vault import Vault

log = Logger(__name__)

SLICE = 100  # rows in one commit
REST = 0.02  # seconds between slices
AGAIN = 60.0  # seconds until it is tried again after a failure of the store


class Resealing:
    """Brings every row to the newest version of the key. `housekeeping` is held while it writes, against
    erasure and purge.
    """

    def __init__(
        self,
        ledger: Ledger,
        book: Book,
        committer: Committer,
        vault: Vault | None,
        housekeeping: DeferredLock,
        clocks: Clocks,
    ) -> None:
        self.ledger = ledger
        self.book = book
        self.committer = committer
        self.vault = vault
        self.housekeeping = housekeeping
        self.clocks = clocks
        self.done = 0  # rows since the start
        self.working = False
        self._stopped = False

    def start(self) -> None:
        """Do what is to be done, from now on behind the traffic; nothing when all is sealed already."""
        if self.vault is not None and not self.working:
            self.working = True
            Deferred.fromCoroutine(self._work()).addErrback(
                lambda failure: log.failure("sealing the store anew failed", failure)
            )

    def stop(self) -> None:
        """Break off; the next start goes on."""
        self._stopped = True

    def turn(self, keyring: Keyring) -> None:
        """Seal by other keys from now on, and bring all to them."""
        assert self.vault is not None
        self.vault.turn(keyring)
        self.start()

    async def _work(self) -> None:
        assert self.vault is not None
        version = rotation.target(self.vault)
        before = self.done
        while not self._stopped:
            try:
                await self._bring_to(version)
            except StoreUnavailable as error:
                log.warn("sealing the store anew waits: {error}", error=str(error))
                await self._rest(AGAIN)
                continue
            if version == rotation.target(self.vault):
                break
            version = rotation.target(self.vault)
        self.working = False
        if self.done > before and not self._stopped:
            log.info("{rows} rows are sealed by key {version} now", rows=self.done - before, version=version)

    async def _bring_to(self, version: int) -> None:
        """All rows to one version, if they are not known to be; what is written meanwhile is sealed by it."""
        assert self.vault is not None
        if await self.ledger.read(get_counter, SEALED) == version + 1:
            return
        await self._messages(version)
        for kind in rotation.OTHERS:
            await self._others(kind, version)
        if not self._stopped and version == rotation.target(self.vault):
            batch = Batch()
            batch.changes.add("count", (SEALED, version + 1))
            await self.committer.commit(batch, must=True)
            self.vault.strict = version != rotation.PLAIN

    async def _messages(self, version: int) -> None:
        after = 0
        while not self._stopped:
            ids = await self.ledger.read(rotation.messages_left, version, after, SLICE)
            if not ids:
                return
            async with self.housekeeping:
                await self._revise(ids)
            await self._rest(REST)
            after = ids[-1]

    async def _revise(self, ids: list[int]) -> None:
        """Final messages as they are stored; open ones as they are in memory, where alone they change."""
        batch = Batch()
        rows = await self.ledger.messages(ids)
        open_ids = [row.id for row in rows if not State(row.state).final]
        async with self.book.loaded(open_ids) as entries:
            for row in rows:
                if State(row.state).final:
                    batch.changes.revise(row)
            for entry in entries:
                batch.changes.revise(entry.row())
            await self._commit(batch)

    async def _others(self, kind: rotation.Kind, version: int) -> None:
        after: rotation.Place | None = None
        while not self._stopped:
            async with self.housekeeping:
                after = await self._page(kind, version, after)
            if after is None:
                return
            await self._rest(REST)

    async def _page(
        self, kind: rotation.Kind, version: int, after: rotation.Place | None
    ) -> rotation.Place | None:
        frame, last = await self.ledger.read(rotation.others_left, kind, version, after, SLICE)
        batch = Batch()
        for name, row in frame:
            batch.changes.add(name, row)
        await self._commit(batch)
        return last

    async def _commit(self, batch: Batch) -> None:
        self.done += len(batch.changes)
        await self.committer.commit(batch, must=True)

    def _rest(self, seconds: float) -> Deferred[None]:
        rested: Deferred[None] = Deferred()
        self.clocks.timer.callLater(seconds, rested.callback, None)
        return rested
