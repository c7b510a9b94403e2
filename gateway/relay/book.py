"""The book: every open message that is in memory, and the only place where a message changes its state.

A message reaches exactly one final state: `end` does nothing the second time. What is final, deferred, held
or far too much leaves the memory when its last change is on disk and is read again when it is wanted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from twisted.internet.defer import DeferredLock

from gateway.message import Message
from gateway.relay.batch import Batch
from gateway.relay.counters import Counts
from gateway.relay.parts import Parts
from gateway.smpp.codec import encode
from gateway.store.ledger import Ledger
from gateway.store.rows import DELIVERED, FINAL, SENT, MessageRow, Row, State

if TYPE_CHECKING:
    from gateway.relay.carrier import Slot

IN_MEMORY = frozenset({State.WAITING, State.GATHERING, State.SENDING, State.SENT})


@dataclass(slots=True, eq=False)
class Entry:
    """One open message and how far it has come. Times are unix milliseconds; `error` is the status that
    decided.
    """

    message: Message
    state: State = State.WAITING
    deadline: int | None = None
    carrier: str | None = None
    carrier_message_id: str | None = None
    attempts: int = 0
    sent_at: int | None = None
    done_at: int | None = None
    error: int = 0
    decision: str = "{}"
    trail: str = "[]"
    stored: bool = False
    judged_at: int = 0  # unix milliseconds
    judged_on: int = -1  # how many changes were known then
    only: str = ""  # the carrier that alone may take it, after what it did with it
    spent: tuple[int, int] | None = None  # segments, and their price in millionths: of quota and balance
    refused_by: str = ""  # the carrier that others are preferred to
    parts: Parts | None = None  # what became of each segment, where its carrier gets several
    slot: Slot | None = None  # where it goes when it is on disk
    parked: bool = False  # in no lane or group: it leaves the memory as soon as nobody reads

    def progressed(self) -> Row:
        """What the store needs for the statement `progress`: the columns that change, and the id."""
        return (
            int(self.state),
            self.deadline,
            self.message.expires_at,
            self.carrier,
            self.carrier_message_id,
            self.attempts,
            self.sent_at,
            self.done_at,
            int(self.error),
            self.trail,
            self.message.id,
        )

    def inserted(self) -> Row:
        """What the store needs for the statement `insert`: the columns of a MessageRow."""
        message = self.message
        return (
            message.id,
            message.account,
            message.client_id,
            message.accepted_at,
            message.source,
            message.destination,
            message.category,
            message.generation,
            message.segment_of,
            message.octets or encode(message.pdu),
            self.decision if self.spent is None else with_spent(self.decision, *self.spent),
            int(self.state),
            self.deadline,
            message.expires_at,
            self.carrier,
            self.carrier_message_id,
            self.attempts,
            self.sent_at,
            self.done_at,
            int(self.error),
            self.trail,
        )

    def row(self) -> MessageRow:
        """The whole row as it is now."""
        return MessageRow._make(self.inserted())


SPENT = re.compile(r'(?:, )?"spent": \[(\d+), (\d+)\]\}$')


def with_spent(decision: str, segments: int, price: int) -> str:
    """A decision record that says at its end what the message has used of its account's quota and balance."""
    comma = ", " if len(decision) > len("{}") else ""
    return f'{decision[:-1]}{comma}"spent": [{segments}, {price}]}}'


def without_spent(decision: str) -> tuple[str, tuple[int, int] | None]:
    """The record as it was before, and what it said."""
    found = SPENT.search(decision)
    if found is None:
        return decision, None
    return f"{decision[: found.start()]}}}", (int(found[1]), int(found[2]))


class Loaded:
    """`async with` the entries of messages, which stay in memory until its end."""

    def __init__(self, book: Book, ids: Sequence[int]) -> None:
        self._book, self._ids = book, ids
        self._entries: list[Entry] = []

    async def __aenter__(self) -> list[Entry]:
        self._entries = await self._book.load(self._ids)
        return self._entries

    async def __aexit__(self, *raised: object) -> None:
        self._book.let_go(entry.message.id for entry in self._entries)


class Book:
    """The entries in memory by id, counts of what became of all, and the reading of those that are not in
    memory.

    `restore` makes an Entry of a stored row; `ended` is called with each entry that reaches its end, within
    the batch that ends it, so that the client's receipt is committed with it.
    """

    def __init__(
        self,
        ledger: Ledger,
        restore: Callable[[MessageRow], Entry],
        *,
        keep_sent: int = 100_000,
    ) -> None:
        self.ledger = ledger
        self.restore = restore
        self.keep_sent = keep_sent
        self.accepted: Callable[[Entry], None] = lambda entry: None
        self.ended: Callable[[Entry, Batch], None] = lambda entry, batch: None
        self.aged: Callable[[Entry], None] = lambda entry: None
        """Is told what was sent long ago and leaves the memory."""
        self.left: Callable[[Entry], None] | None = None
        """Is told what no longer waits for a carrier, while somebody counts that."""
        self.entries: dict[int, Entry] = {}
        self.states: Counts[State] = Counts()
        self._sent: dict[int, None] = {}
        self._wanted: Counter[int] = Counter()  # by how many a message is loaded
        self._turns = DeferredLock()  # one page at a time
        self._paging = False
        self._leaving: list[int] = []  # what is to leave the memory when a page has been read

    # transitions

    def accept(self, entry: Entry, batch: Batch) -> None:
        """Store a new message in the state that it is in. Nothing may change it before the batch is
        committed.
        """
        self.entries[entry.message.id] = entry
        self.states[entry.state] += 1
        batch.changes.add("insert", entry.inserted())
        batch.accepted.append(entry)
        if entry.state >= FINAL:
            batch.ended.append(entry)
            self.ended(entry, batch)

    def move(self, entry: Entry, state: State, deadline: int | None, batch: Batch) -> None:
        """Bring an open message to another open state; it must act again by `deadline`."""
        assert entry.state < FINAL
        # Since the mark, which is on disk, nothing else has changed.
        only_sent = state is SENT and deadline == entry.deadline and entry.parts is None
        self.states[entry.state] -= 1
        self.states[state] += 1
        entry.state = state
        entry.deadline = deadline
        entry.parked = False
        message_id = entry.message.id
        self.entries[message_id] = entry
        if only_sent:
            batch.changes.sent(message_id, entry.carrier_message_id)
        else:
            batch.changes.add("progress", entry.progressed())
        if state is SENT:
            if self.left is not None:
                self.left(entry)
            self._sent[message_id] = None
            if len(self._sent) > self.keep_sent + self.keep_sent // 64:
                batch.after.append(self._let_sent_go)
        elif state not in IN_MEMORY:
            batch.after.append(partial(self.release, message_id))

    def end(self, entry: Entry, state: State, error: int, now: int, batch: Batch) -> bool:
        """Bring a message to its one end; False, and nothing happens, if it had ended before."""
        if entry.state >= FINAL:
            return False
        # Since it was sent, which is on disk or in this commit, nothing else has changed.
        only_delivered = entry.state is SENT and state is DELIVERED and entry.parts is None
        if self.left is not None and entry.state is not SENT:
            self.left(entry)
        self.states[entry.state] -= 1
        self.states[state] += 1
        entry.state = state
        entry.error = error
        entry.done_at = now
        entry.deadline = None
        entry.parked = False
        message_id = entry.message.id
        self._sent.pop(message_id, None)
        self.entries[message_id] = entry
        if only_delivered:
            batch.changes.delivered(message_id, entry.carrier_message_id, now, error)
        else:
            batch.changes.add("progress", entry.progressed())
        batch.ended.append(entry)
        self.ended(entry, batch)
        return True

    # memory

    def _let_sent_go(self) -> None:
        """Those that were sent first leave the memory, many at once: a dict is slow to tell its first key."""
        for message_id in list(islice(self._sent, max(0, len(self._sent) - self.keep_sent))):
            del self._sent[message_id]
            entry = self.entries.get(message_id)
            if entry is not None:
                self.aged(entry)
            self.release(message_id)

    def get(self, message_id: int) -> Entry | None:
        """The entry if it is in memory."""
        return self.entries.get(message_id)

    def adopt(self, row: MessageRow) -> Entry:
        """Take a stored message into memory, unless it is there already."""
        entry = self.entries.get(row.id)
        if entry is None:
            entry = self.entries[row.id] = self.restore(row)
            if entry.state.final:
                del self.entries[row.id]
        return entry

    def loaded(self, ids: Sequence[int]) -> Loaded:
        """The entries of these ids, from memory or from the store; ids that do not exist are left out.

        Until the end none of them leaves the memory, so that a row read before a change never wins over it.
        Raises StoreUnavailable.
        """
        return Loaded(self, ids)

    async def load(self, ids: Sequence[int]) -> list[Entry]:
        """As `loaded`, until `let_go`."""
        self._wanted.update(ids)
        found: list[Entry] = []
        try:
            missing = [message_id for message_id in ids if message_id not in self.entries]
            rows = await self.ledger.messages(missing) if missing else []
            stored = {row.id: row for row in rows}
            for message_id in ids:
                entry = self.entries.get(message_id)
                if entry is None and message_id in stored:
                    entry = self.restore(stored[message_id])
                    if not entry.state.final:
                        entry.parked = True
                        self.entries[message_id] = entry
                if entry is not None:
                    found.append(entry)
        finally:
            self.let_go({*ids} - {entry.message.id for entry in found})
        return found

    async def read_open(
        self,
        after: int,
        states: Collection[State],
        limit: int,
        wanted: Callable[[Entry], bool] = lambda entry: True,
    ) -> tuple[list[Entry], int | None]:
        """Take the next messages that are in one of the states in the store alone, and are wanted, into
        memory; and the last id if there may be more.

        Meanwhile nothing leaves the memory. Raises StoreUnavailable.
        """
        async with self._turns:
            self._paging = True
            try:
                rows = await self.ledger.open_after(after, states, limit)
                taken = [entry for row in rows if (entry := self._take(row, wanted)) is not None]
            finally:
                self._paging = False
                leaving, self._leaving = self._leaving, []
                for message_id in leaving:
                    self._release_parked(message_id)
        return taken, rows[-1].id if len(rows) == limit else None

    def drop(self, entry: Entry) -> None:
        """Let a waiting message that is safe in the store leave the memory."""
        self.release(entry.message.id)

    def _take(self, row: MessageRow, wanted: Callable[[Entry], bool]) -> Entry | None:
        """The entry of an open row, unless it is in memory for another reason or has moved on."""
        entry = self.entries.get(row.id)
        if entry is None:
            entry = self.restore(row)
            if not wanted(entry):
                return None
            self.entries[row.id] = entry
            return entry
        if not entry.parked or entry.state != row.state or not wanted(entry):
            return None
        entry.parked = False
        return entry

    def let_go(self, ids: Iterable[int]) -> None:
        """Let what was loaded leave the memory, unless others want it too."""
        for message_id in ids:
            self._wanted[message_id] -= 1
            if not self._wanted[message_id]:
                del self._wanted[message_id]
                self._release_parked(message_id)

    def stored(self, entry: Entry) -> None:
        """A new message is on disk."""
        entry.stored = True
        self.accepted(entry)
        if entry.state not in IN_MEMORY:
            self.release(entry.message.id)

    def forget(self, entry: Entry) -> None:
        """A new message was not stored after all."""
        self.states[entry.state] -= 1
        self.entries.pop(entry.message.id, None)

    def release(self, message_id: int) -> None:
        """The last change of a message that is to leave the memory is on disk."""
        entry = self.entries.get(message_id)
        if entry is None or (entry.state in IN_MEMORY and message_id in self._sent):
            return
        if self._paging:
            self._leaving.append(message_id)
        if self._paging or message_id in self._wanted:
            entry.parked = True
        else:
            del self.entries[message_id]

    def _release_parked(self, message_id: int) -> None:
        entry = self.entries.get(message_id)
        if entry is not None and entry.parked:
            self.release(message_id)
