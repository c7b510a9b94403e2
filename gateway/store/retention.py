"""What is kept for how long: the purge, class by class, in slices that leave the writer to the traffic."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, LargeBinary, func, or_, select
from twisted.internet.defer import Deferred

from gateway.settings.node import Retention
from gateway.store import queries
from gateway.store.calls import CallRow, given_up_before
from gateway.store.journal import Journal, Timer
from gateway.store.ledger import Ledger
from gateway.store.lifted import lifted_before
from gateway.store.people import PURGE_CASE, CaseRow, closed_cases
from gateway.store.rows import Changes, Frame, Kind, MessageRow
from gateway.store.schema import message, outbox, stray
from gateway.store.vault import BLANK

SLICE = 200  # row operations in one commit: a millisecond or two
REST = 0.01  # seconds between slices
WINDOW = 20_000  # ids or rows looked at by one query

FINAL = message.c.state >= 10


class Keeping(NamedTuple):
    """What keeps records of messages beyond their own retention: whether something wants a message kept at a
    moment (unix ms), and for how many milliseconds at the most anything does.
    """

    needed: Callable[[MessageRow, int], bool]
    longest: float


@dataclass(slots=True)
class Purged:
    """What one purge did away with."""

    bodies: int = 0  # messages whose PDU was blanked
    messages: int = 0
    kept: int = 0  # messages past their time that a pack wants kept longer
    strays: int = 0
    cases: int = 0  # closed ones
    lifted: int = 0  # entries that were taken off their lists
    calls: int = 0  # of webhooks, given up
    held: int = 0  # messages and cases that a legal hold keeps as they are
    outbox: Counter[str] = field(default_factory=Counter)  # rows that no session fetched in time, by account


class Purge:
    """Does away with what is past its time. Messages that are not finished stay, with their bodies."""

    def __init__(
        self,
        journal: Journal,
        ledger: Ledger,
        clock: Timer,
        held: Callable[[MessageRow], bool] | None = None,
        held_case: Callable[[CaseRow], bool] | None = None,
        *,
        removing: Callable[[list[int]], Awaitable[None]] | None = None,
        drop_calls: Callable[[list[CallRow]], Awaitable[object]] | None = None,
        keeping: Keeping | None = None,
        dry: bool = False,
    ) -> None:
        """`held` says of a message whether it must stay, `held_case` of a case; None: nothing is held.
        `removing` is told which messages are about to go, `drop_calls` does away with calls. What `keeping`
        needs stays longer. `dry` counts alone.
        """
        self._keeping = keeping
        self._removing = removing
        self._drop_calls = drop_calls
        self._held_case = held_case
        self._held = held
        self._dry = dry
        self._journal = journal
        self._ledger = ledger
        self._clock = clock

    async def run(self, keep: Retention, now: int) -> Purged:
        """Purge once; `now` is in unix milliseconds. Raises StoreUnavailable; what was done stays done."""
        purged = Purged()
        await self._bodies(now - int(keep.bodies * 1000), purged)
        await self._messages(now - int(keep.messages * 1000), now, purged)
        await self._outbox(now, now - int(keep.outbox * 1000), purged)
        await self._strays(now - int(keep.strays * 1000), purged)
        await self._cases(now - int(keep.cases * 1000), purged)
        if self._held is None:  # what a hold is about may have stood on a list
            await self._lifted(now - int(keep.lifted * 1000), purged)
            await self._calls(now - int(keep.calls * 1000), purged)
        return purged

    async def _bodies(self, before: int, purged: Purged) -> None:
        read = self._ledger.read
        done = await read(queries.get_counter, "bodies")
        # What is open now will have to be looked at again when it is not.
        lowest_open = await read(_lowest_open)
        async for ids in self._finished(done, before, bodies=True):
            for start in range(0, len(ids), SLICE):
                rows = await self._ledger.messages(ids[start : start + SLICE])
                free = [row for row in rows if self._held is None or not self._held(row)]
                purged.held += len(rows) - len(free)
                purged.bodies += len(free)
                await self._apply(operations_of(blanked(row) for row in free))
        end = await read(queries.first_accepted, before - queries.DISORDER)
        reached = end - 1 if lowest_open is None else min(end, lowest_open) - 1
        if reached > done:
            await self._apply([("count", ("bodies", reached))])

    async def _messages(self, before: int, now: int, purged: Purged) -> None:
        if self._keeping is None:
            await self._old_messages(0, before, now, purged, None)
            return
        if self._keeping.longest < now:
            await self._old_messages(0, min(before, now - int(self._keeping.longest)), now, purged, None)
        # What lies between is looked at once: what is kept then goes when it is as old as anything is kept.
        done = await self._ledger.read(queries.get_counter, "messages")
        lowest_open = await self._ledger.read(_lowest_open)
        await self._old_messages(done, before, now, purged, self._keeping)
        end = await self._ledger.read(queries.first_accepted, before - queries.DISORDER)
        reached = end - 1 if lowest_open is None else min(end, lowest_open) - 1
        if reached > done:
            await self._apply([("count", ("messages", reached))])

    async def _old_messages(
        self, after: int, before: int, now: int, purged: Purged, keeping: Keeping | None
    ) -> None:
        """Do away with what is finished, was accepted before a moment, and need not be kept."""
        async for ids in self._finished(after, before, bodies=False):
            if keeping is not None:
                needed = keeping.needed
                needless = await self._free(ids, lambda row, needed=needed: needed(row, now))  # type: ignore[misc]
                purged.kept += len(ids) - len(needless)
                ids = needless
            free = ids if self._held is None else await self._free(ids, self._held)
            if self._removing is not None and not self._dry:
                await self._removing(free)
            operations: Frame = [("purge", (id,)) for id in free]
            await self._apply([*operations, ("unnumber", (ids[-1],))] if free else operations)
            purged.messages += len(free)
            purged.held += len(ids) - len(free)

    async def _free(self, ids: list[int], held: Callable[[MessageRow], bool]) -> list[int]:
        free: list[int] = []
        for start in range(0, len(ids), SLICE):
            rows = await self._ledger.messages(ids[start : start + SLICE])
            free += [row.id for row in rows if not held(row)]
        return free

    async def _finished(self, after: int, before: int, bodies: bool) -> AsyncIterator[list[int]]:
        """Finished messages accepted earlier than `before`, a window of ids at a time."""
        read = self._ledger.read
        end = await read(queries.first_accepted, before + queries.DISORDER)
        while (start := await read(_next_id, after)) is not None and start < end:
            after = min(start + WINDOW, end) - 1
            yield await read(_finished, start, after, before, bodies)

    async def _outbox(self, now: int, before: int, purged: Purged) -> None:
        after = 0
        while rows := await self._ledger.read(_expired, after, now, before):
            await self._apply([("dequeue", (seq,)) for seq, _, _ in rows])
            purged.outbox.update(account for _, account, kind in rows if kind != Kind.DEAD)
            after = rows[-1][0]

    async def _strays(self, before: int, purged: Purged) -> None:
        after = 0
        while seqs := await self._ledger.read(_old_strays, after, before):
            await self._apply([("unstray", (seq,)) for seq in seqs])
            purged.strays += len(seqs)
            after = seqs[-1]

    async def _cases(self, before: int, purged: Purged) -> None:
        after = 0
        while rows := await self._ledger.read(closed_cases, after, before, SLICE):
            free = [row for row in rows if self._held_case is None or not self._held_case(row)]
            await self._apply([(PURGE_CASE, (row.id,)) for row in free])
            purged.cases += len(free)
            purged.held += len(rows) - len(free)
            after = rows[-1].id

    async def _lifted(self, before: int, purged: Purged) -> None:
        while places := await self._ledger.read(lifted_before, before, WINDOW):
            purged.lifted += len(places)
            await self._apply([("forget_lifted", place) for place in places])
            if self._dry or len(places) < WINDOW:
                return

    async def _calls(self, before: int, purged: Purged) -> None:
        after = 0
        while rows := await self._ledger.read(given_up_before, before, after, SLICE):
            purged.calls += len(rows)
            after = rows[-1].seq
            if self._drop_calls is not None and not self._dry:
                await self._drop_calls(rows)

    async def _apply(self, operations: Frame) -> None:
        if self._dry:
            return
        for start in range(0, len(operations), SLICE):
            changes = Changes()
            for name, row in operations[start : start + SLICE]:
                changes.add(name, row)
            await self._journal.commit(changes)
            rested: Deferred[None] = Deferred()
            self._clock.callLater(REST, rested.callback, None)
            await rested


def blanked(row: MessageRow) -> MessageRow:
    """A message without its text."""
    return row._replace(pdu=b"")


def operations_of(rows: Iterable[MessageRow]) -> Frame:
    """What revises these rows."""
    changes = Changes()
    for row in rows:
        changes.revise(row)
    return changes.frame()


def _lowest_open(connection: Connection) -> int | None:
    return connection.scalar(select(message.c.id).where(queries.OPEN).order_by(message.c.id).limit(1))


def _next_id(connection: Connection, after: int) -> int | None:
    query = select(message.c.id).where(message.c.id > after)
    return connection.scalar(query.order_by(message.c.id).limit(1))


def _finished(connection: Connection, first: int, last: int, before: int, bodies: bool) -> list[int]:
    query = select(message.c.id).where(message.c.id.between(first, last), FINAL)
    query = query.where(message.c.accepted_at < before).order_by(message.c.id)
    if bodies:
        mark = func.substr(message.c.pdu, 1, 1, type_=LargeBinary)
        query = query.where(message.c.pdu != b"", mark != BLANK)
    return list(connection.scalars(query))


def _expired(connection: Connection, after: int, now: int, before: int) -> list[tuple[int, str, int]]:
    past = or_(outbox.c.expires_at <= now, outbox.c.created_at < before)
    query = select(outbox.c.seq, outbox.c.account, outbox.c.kind).where(outbox.c.seq > after, past)
    return [tuple(row) for row in connection.execute(query.order_by(outbox.c.seq).limit(WINDOW))]


def _old_strays(connection: Connection, after: int, before: int) -> list[int]:
    query = select(stray.c.seq).where(stray.c.seq > after, stray.c.received_at < before)
    return list(connection.scalars(query.order_by(stray.c.seq).limit(WINDOW)))
