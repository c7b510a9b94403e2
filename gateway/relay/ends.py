"""Receipt events: the end of each message told to webhooks, many in one call, behind the traffic.

No row is written for a message. What ends is gathered in memory once its commit is on disk, and stored once
a second as calls of many events. With them goes a mark: all that ended before it has been stored. After a
crash, or when too much has gathered, what ended since the mark is read from the messages themselves, from
the oldest on that was open then. An end may so be told twice; its event has the same id.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, func, select
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from gateway.relay.accounts import Accounts
from gateway.relay.batch import Batch, Committer
from gateway.relay.book import Entry
from gateway.relay.clocks import Clocks
from gateway.relay.webhooks import Event, Webhooks
from gateway.settings.models import Webhook
from gateway.store.ledger import Ledger
from gateway.store.queries import get_counter
from gateway.store.rows import State, StoreUnavailable
from gateway.store.schema import message

log = Logger(__name__)

RECEIPT = "receipt"
MARK, FROM = "told_until", "told_from"
"""Counters of the store: the two parts of the mark."""

SLICE = 100  # events made at once: a few milliseconds
MEMORY = 50_000  # ends that wait in memory
OLDEST_MARK = 60_000  # milliseconds
MARGIN = 1000  # ids that may be on disk in another order than they were given
WINDOW = 20_000  # ids looked at by one query


class End(NamedTuple):
    """The end of a message."""

    id: int
    account: str
    client_id: str
    source: str
    destination: str
    category: str
    state: int
    error: int
    carrier: str | None
    accepted_at: int
    sent_at: int | None
    done_at: int


class Mark(NamedTuple):
    """All that ended before `at` (unix milliseconds) was told; what ends later has an id above `after`."""

    at: int
    after: int


class Ends:
    """Tells webhooks of the ends of messages."""

    def __init__(
        self, ledger: Ledger, committer: Committer, webhooks: Webhooks, accounts: Accounts, clocks: Clocks
    ) -> None:
        self.ledger = ledger
        self.committer = committer
        self.webhooks = webhooks
        self.accounts = accounts
        self.clocks = clocks
        self.wanted: frozenset[str] | None = frozenset()
        self.off = True
        """Whether no webhook wants to hear of ends."""
        """The accounts whose receipts some webhook wants; None for all of them."""
        self._ended: list[End] = []
        self._uncommitted: dict[int, int] = {}  # when it ended, by id, in order
        self._lost = False  # more than memory holds has ended: it is read from the store
        self._busy = True  # until it has started
        self._mark = 0

    def configure(self, webhooks: Iterable[Webhook]) -> None:
        """The webhooks of a new generation."""
        wanting = [webhook for webhook in webhooks if RECEIPT in webhook.events]
        if any(not webhook.accounts for webhook in wanting):
            self.wanted = None
        else:
            self.wanted = frozenset(name for webhook in wanting for name in webhook.accounts)
        self.off = not wanting

    def _wants(self, account: str) -> bool:
        return self.wanted is None or account in self.wanted

    def ended(self, entry: Entry, batch: Batch) -> None:
        """A message ends with this batch."""
        if not self._wants(entry.message.account) or not entry.message.client_id:
            return
        message_id, now = entry.message.id, entry.done_at or self.clocks.now_ms()
        self._uncommitted[message_id] = now
        batch.after.append(lambda: self._on_disk(entry))
        batch.failed.append(lambda: self._forget(message_id))

    def _forget(self, message_id: int) -> None:
        self._uncommitted.pop(message_id, None)

    def _on_disk(self, entry: Entry) -> None:
        at = self._uncommitted.pop(entry.message.id, None)
        if at is None or self._lost:
            return
        if len(self._ended) >= MEMORY:
            self._lost = True
            self._ended.clear()
            return
        m = entry.message
        self._ended.append(
            End(
                m.id,
                m.account,
                m.client_id,
                m.source,
                m.destination,
                m.category,
                int(entry.state),
                entry.error,
                entry.carrier,
                m.accepted_at,
                entry.sent_at,
                at,
            )
        )

    # telling

    async def start(self) -> None:
        """Learn how far the ends were told. What ended since then is told behind the traffic."""
        self._mark = await self.ledger.read(get_counter, MARK)
        self._lost = bool(self._mark) and not self.off
        self._busy = False

    def tick(self) -> None:
        """Store what has gathered. To be called every second."""
        if self._busy or (self.off and not self._mark):
            return
        self._busy = True
        Deferred.fromCoroutine(self._tell()).addErrback(
            lambda failure: log.failure("the ends of messages could not be told", failure)
        ).addBoth(self._told)

    def _told(self, _: object) -> None:
        self._busy = False

    async def _tell(self) -> None:
        try:
            if self.off:
                await self._set(Mark(0, 0))
            elif self._lost:
                await self._read()
            elif self._ended or self.clocks.now_ms() - self._mark > OLDEST_MARK:
                await self._store()
        except StoreUnavailable as error:
            log.warn("ends of messages are told later: {error}", error=str(error))

    async def _store(self) -> None:
        """Store what is in memory, and the mark up to where that is all."""
        lowest = await self.ledger.read(_lowest_open)
        mark = self._until(lowest)
        ended, self._ended = self._ended, []
        for start in range(0, len(ended), SLICE):
            last = start + SLICE >= len(ended)
            await self._put(ended[start : start + SLICE], mark if last else None)
        if not ended:
            await self._set(mark)

    async def _read(self) -> None:
        """Tell what ended since the mark, out of the store."""
        since, after = self._mark, await self.ledger.read(get_counter, FROM)
        lowest = await self.ledger.read(_lowest_open)
        mark = self._until(lowest)
        self._lost = False  # what ends from here on gathers again
        try:
            highest = await self.ledger.read(_highest)
            while after < highest:
                found = await self.ledger.read(_ends, after, after + WINDOW, since)
                wanted = [end for end in found if self._wants(end.account)]
                for start in range(0, len(wanted), SLICE):
                    await self._put(wanted[start : start + SLICE], None)
                after += WINDOW
        except StoreUnavailable:
            self._lost = True
            raise
        await self._set(mark)

    def _until(self, lowest: int) -> Mark:
        """What ended before this is on disk and in memory, or told; `lowest` was the lowest open id."""
        at = min([self.clocks.now_ms(), *self._uncommitted.values()])
        return Mark(at, max(0, min([lowest, *self._uncommitted]) - MARGIN))

    async def _put(self, ended: list[End], mark: Mark | None) -> None:
        batch = Batch()
        self.webhooks.tell_all(RECEIPT, [self._event(end) for end in ended], batch)
        if mark is not None:
            self._count(mark, batch)
        await self.committer.commit(batch, must=True)

    async def _set(self, mark: Mark) -> None:
        batch = Batch()
        self._count(mark, batch)
        await self.committer.commit(batch, must=True)

    def _count(self, mark: Mark, batch: Batch) -> None:
        self._mark = mark.at
        batch.changes.add("count", (MARK, mark.at))
        batch.changes.add("count", (FROM, mark.after))

    def _event(self, end: End) -> Event:
        account = self.accounts.get(end.account)
        data = {
            "account": end.account,
            "tenant": account.settings.tenant if account is not None else "",
            "message_id": end.client_id,
            "from": end.source,
            "number": end.destination,
            "category": end.category,
            "state": State(end.state).name,
            "error": end.error,
            "carrier": end.carrier,
            "accepted_at": end.accepted_at,
            "sent_at": end.sent_at,
            "at": end.done_at,
        }
        return Event(RECEIPT, f"m{end.id}", data)


def _lowest_open(connection: Connection) -> int:
    """The lowest id that is open, or the one after the highest."""
    query = select(message.c.id).where(message.c.deadline.is_not(None)).order_by(message.c.id).limit(1)
    lowest = connection.scalar(query)
    return lowest if lowest is not None else _highest(connection) + 1


def _highest(connection: Connection) -> int:
    return connection.scalar(select(func.max(message.c.id))) or 0


def _ends(connection: Connection, after: int, until: int, since: int) -> list[End]:
    columns = (
        message.c.id,
        message.c.account,
        message.c.client_id,
        message.c.source,
        message.c.destination,
        message.c.category,
        message.c.state,
        message.c.error,
        message.c.carrier,
        message.c.accepted_at,
        message.c.sent_at,
        message.c.done_at,
    )
    query = select(*columns).where(message.c.id > after, message.c.id <= until, message.c.done_at >= since)
    query = query.where(message.c.state >= 10, message.c.client_id != "")
    return list(map(End._make, connection.execute(query.order_by(message.c.id))))
