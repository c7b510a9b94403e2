"""What people have done, put on record: with the batch that does it, or in one of its own."""

from __future__ import annotations

from collections import Counter

from twisted.internet.defer import Deferred

from gateway.relay.batch import Batch, Committer
from gateway.relay.clocks import Clocks
from gateway.store import audit as rows
from gateway.store.ledger import Ledger


class Audit:
    """Appends to the chain of records. Batches that carry a record are committed with `must`."""

    def __init__(self, ledger: Ledger, committer: Committer, clocks: Clocks) -> None:
        self.ledger = ledger
        self.committer = committer
        self.clocks = clocks
        self.counts: Counter[str] = Counter()
        self.head = rows.GENESIS

    async def start(self) -> None:
        """Learn where the chain ends. Nothing may be recorded before."""
        self.head = await self.ledger.read(rows.head_of)

    def record(
        self,
        batch: Batch,
        actor: str,
        act: str,
        subject: str = "",
        detail: str = "",
        *,
        number: str | None = None,
        purpose: str = "",
    ) -> int:
        """Put on record that `actor` did `act` to `subject`; returns the record's position.

        A person's number goes into `number` alone, whole: it is masked when shown, and can be erased.
        """
        entry = {"actor": actor, "subject": subject, "detail": detail, "purpose": purpose, "number": number}
        told = {name: value for name, value in entry.items() if value}
        row = rows.extend(self.head, self.clocks.now_ms(), act, number, told)
        self.head = rows.Head(row.position, row.hash)
        self.counts[act] += 1
        batch.changes.add("audit", tuple(row))
        return row.position

    def at_once(
        self,
        actor: str,
        act: str,
        subject: str = "",
        detail: str = "",
        *,
        number: str | None = None,
        purpose: str = "",
    ) -> Deferred[None]:
        """`record` in a batch of its own; fires when it is on disk."""
        batch = Batch()
        self.record(batch, actor, act, subject, detail, number=number, purpose=purpose)
        return self.committer.commit(batch, must=True)
