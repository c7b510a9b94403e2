"""Attests what became of messages, behind the traffic: blocks of them, each with its digest on record."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from hashlib import blake2b

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from gateway.relay.auditing import Audit
from gateway.relay.batch import Batch, Committer
from gateway.relay.clocks import Clocks
from gateway.store import attestations as rows
from gateway.store.attestations import ATTEST, ATTESTED, ERASE, NO_SALT, PURGE, PURGED, Mark
from gateway.store.behind import words
from gateway.store.ledger import Ledger
from gateway.store.rows import MessageRow, StoreUnavailable

log = Logger(__name__)

INTERVAL = 60.0
BLOCK = 1000  # messages of one record
SLICE = 50  # messages that the writer reads between two transactions
REST = 0.002  # seconds between slices
SETTLED_MS = 60_000  # ids are given out a little before they are stored: younger ones may still come
RIPE_MS = 3_600_000  # a block that is not full waits so long
PATIENCE_MS = 6 * 3_600_000  # and so long for those of its messages that have not ended
BY = "the node"


class Attesting:
    """Follows the messages. `housekeeping` is held while it works, against erasure and purge."""

    def __init__(
        self, ledger: Ledger, committer: Committer, audit: Audit, housekeeping: DeferredLock, clocks: Clocks
    ) -> None:
        self.ledger = ledger
        self.committer = committer
        self.audit = audit
        self.housekeeping = housekeeping
        self.clocks = clocks
        self._late_at = 0.0
        self._stopped = False
        self._loop = LoopingCall(self._turn)
        self._loop.clock = clocks.timer  # type: ignore[assignment]

    def start(self) -> None:
        """Begin to follow."""
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> None:
        """Follow no more; the next start goes on."""
        self._stopped = True
        if self._loop.running:
            self._loop.stop()

    def _turn(self) -> Deferred[None]:
        done = Deferred.fromCoroutine(self.catch_up())
        return done.addErrback(lambda failure: log.failure("messages could not be attested", failure))

    async def catch_up(self) -> None:
        """Attest what has ended since the last time; once an hour also what had not when its block was."""
        try:
            while await self._guarded_block() and not self._stopped:
                await self._rest()
            if self.clocks.wall() >= self._late_at:
                self._late_at = self.clocks.wall() + RIPE_MS / 1000
                while await self._guarded_late() and not self._stopped:
                    await self._rest()
        except StoreUnavailable as error:
            log.warn("attesting messages waits: {error}", error=str(error))

    async def _guarded_block(self) -> bool:
        async with self.housekeeping:
            return await self._next_block()

    async def _guarded_late(self) -> bool:
        async with self.housekeeping:
            return await self._next_late()

    async def _next_block(self) -> bool:
        """The block that follows, if it is complete."""
        now = self.clocks.now_ms()
        moments = (now - SETTLED_MS, now - RIPE_MS, now - PATIENCE_MS)
        ahead = await self.ledger.read(rows.ahead, BLOCK, *moments)
        if ahead is None:
            return False
        marks, unreadable = await self._marks(ahead.ended)
        batch = Batch()
        batch.changes.add("count", (ATTESTED, max(ahead.ended + ahead.left)))
        self._attest(batch, marks, ahead.left, unreadable, late=False)
        await self.committer.commit(batch, must=True)
        return True

    async def _next_late(self) -> bool:
        """What has ended of that which had not."""
        left = await self.ledger.read(rows.left_over)
        waiting = [id for ids in left.values() for id in ids]
        ended = await self.ledger.read(rows.ended_of, waiting, BLOCK) if waiting else []
        if not ended:
            return False
        marks, unreadable = await self._marks(ended)
        batch = Batch()
        gone = set(ended)
        for number, ids in left.items():
            if not gone.isdisjoint(ids):
                batch.changes.add("attest_left", (rows.packed(id for id in ids if id not in gone), number))
        self._attest(batch, marks, (), unreadable, late=True)
        await self.committer.commit(batch, must=True)
        return True

    async def _marks(self, ids: list[int]) -> tuple[dict[int, Mark], list[int]]:
        """The marks of messages, and which of them cannot be read."""
        marks: dict[int, Mark] = {}
        unreadable: list[int] = []
        for start in range(0, len(ids), SLICE):
            for id, leaf, salt in await self.ledger.behind("marks", ids[start : start + SLICE]):
                if leaf is None:
                    unreadable.append(id)
                else:
                    marks[id] = Mark(leaf, salt)
            await self._rest()
        return marks, unreadable

    def _attest(
        self,
        batch: Batch,
        marks: dict[int, Mark],
        left: Collection[int],
        unreadable: list[int],
        *,
        late: bool,
    ) -> None:
        """Put a block into a batch with its record, whose position is its number."""
        if not marks and not left and not unreadable:
            return
        block = rows.block(self.audit.head.position + 1, marks, left, unreadable, late=late)
        told = block.told() | ({"unreadable": unreadable} if unreadable else {})
        self.audit.record(batch, BY, ATTEST, f"messages {block.first} to {block.last}", json.dumps(told))
        batch.changes.add("attest", tuple(block))

    # erasure and purge, which hold `housekeeping`

    async def erasing(self, pairs: Iterable[tuple[MessageRow, MessageRow]], batch: Batch) -> None:
        """Messages as they are and as they will be: the attested ones lose their salts, and it is put on
        record what stands there from now on.
        """
        changed = {before.id: (before, after) for before, after in pairs}
        if not changed:
            return
        told: dict[int, list[str]] = {}
        for block in await self.ledger.read(rows.covering, list(changed)):
            marks = block.marks
            met = [id for id in marks if id in changed and marks[id].salt not in (NO_SALT, PURGED)]
            for id in met:
                before, after = changed[id]
                told[id] = [words(before, marks[id].salt).hex(), words(after).hex()]
            if met:
                batch.changes.add("amend_attestation", block.salted(dict.fromkeys(met, NO_SALT)))
        if told:
            self.audit.record(batch, BY, ERASE, f"{len(told)} messages", json.dumps(told))

    async def removing(self, ids: list[int]) -> None:
        """Put on record that these messages, in order, are about to go; a block of which nothing is left goes
        too.
        """
        if not ids:
            return
        gone = set(ids)
        blocks = await self.ledger.read(rows.covering, ids)
        there = await self.ledger.read(rows.ids_between, ids[0], ids[-1])
        digest = blake2b(digest_size=32, person=b"purged messages")
        batch = Batch()
        dropped: list[int] = []
        for block in blocks:
            marks = block.marks
            met = [id for id in marks if id in gone]
            for id in met:
                digest.update(rows.packed((id,)) + marks[id].leaf)
            if not block.left and all(m.salt == PURGED or id in gone for id, m in marks.items()):
                dropped.append(block.number)
                batch.changes.add("unattest", (block.number,))
            else:
                batch.changes.add("amend_attestation", block.salted(dict.fromkeys(met, PURGED)))
        told = {
            "count": len(ids),
            "digest": digest.hexdigest(),
            "ranges": runs(there, gone),
            "blocks": dropped,
        }
        self.audit.record(batch, BY, PURGE, f"messages {ids[0]} to {ids[-1]}", json.dumps(told))
        await self.committer.commit(batch, must=True)

    def _rest(self) -> Deferred[None]:
        rested: Deferred[None] = Deferred()
        self.clocks.timer.callLater(REST, rested.callback, None)
        return rested


def runs(there: Iterable[int], gone: Collection[int]) -> list[list[int]]:
    """The messages that go as ranges: between the first and the last of each there is none that stays."""
    found: list[list[int]] = []
    going = False
    for id in there:
        if id not in gone:
            going = False
        elif going:
            found[-1][1] = id
        else:
            found.append([id, id])
            going = True
    return found
