"""Counting messages for the limits of frequency: at acceptance, anew at release, back when they end unsent.

A message is counted at the second it was accepted, a deferred one again at its release. After a restart the
counts are made anew of the stored messages.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import get_args

from gateway.filters.capped import Capped
from gateway.filters.packs import CapRule
from gateway.message import Message, joined
from gateway.relay.batch import Batch
from gateway.relay.book import Entry
from gateway.relay.clocks import Clocks
from gateway.relay.patience import read
from gateway.settings.scalars import Category
from gateway.store.ledger import Ledger
from gateway.store.queries import accepted_since, last_message_id
from gateway.store.rows import MessageRow, State

PAGE = 500
CATEGORIES: tuple[str, ...] = get_args(Category)
NEVER_THERE = frozenset({State.REJECTED, State.UNDELIVERABLE})


class Counting:
    """Counts messages of the accounts that the filter judges: `applies` says of which and which category."""

    def __init__(self, ledger: Ledger, clocks: Clocks, applies: Mapping[tuple[str, str], bool]) -> None:
        self.ledger = ledger
        self.clocks = clocks
        self.applies = applies
        self.capped: Capped | None = None
        self.stopped = False
        self._last = 0
        self._touched: set[int] | None = None

    def count(self, message: Message, batch: Batch) -> None:
        """A message has passed: count it; uncount it should the batch fail."""
        if self.capped is None or not self.applies[message.account, message.category]:
            return
        at = message.accepted_at // 1000
        if message.counted_at:
            at = int(self.clocks.wall())
            self.uncount(message)
        if self._touched is not None:
            self._touch(message, self._touched)
        self._record(message, at)
        batch.failed.append(partial(self.uncount, message))

    def uncount(self, message: Message) -> None:
        """A message will not be sent after all."""
        if self._touched is not None:
            self._touch(message, self._touched)
        at, message.counted_at = message.counted_at, 0
        if self.capped is None or not at:
            return
        self.capped.give_back(message, at, self.clocks.wall())

    def ended(self, entry: Entry) -> None:
        """A message has ended: one that never reached the person is not counted any longer."""
        if not reached(entry.state, entry.sent_at, entry.carrier_message_id):
            self.uncount(entry.message)

    @staticmethod
    def _touch(message: Message, touched: set[int]) -> None:
        touched.update(each.id for each in message.segments or (message,))

    def _record(self, message: Message, at: int) -> None:
        assert self.capped is not None
        self.capped.record(message, at, self.clocks.wall())
        message.counted_at = at
        if message.segments:
            message.segments[0].counted_at = at

    # starting

    async def begin(self) -> None:
        """Note what the store holds, before anybody is listened to."""
        self._last = await self.ledger.read(last_message_id)
        self._touched = set()

    async def restore(self, entry_of: Callable[[MessageRow], Entry]) -> None:
        """Count what the store held at the start and a limit still looks at, beside the traffic, until it is
        done or `stopped`. What was counted or uncounted meanwhile is left out.
        """
        if self.capped is not None and self._touched is not None:
            for longest, categories in self._looked_back().items():
                await self._restore(entry_of, longest, categories, self._touched)
        self._touched = None

    async def _restore(
        self,
        entry_of: Callable[[MessageRow], Entry],
        longest: int,
        categories: Collection[str],
        touched: set[int],
    ) -> None:
        since = self.clocks.now_ms() - longest * 1000
        parts: dict[int, list[Message]] = {}
        after = 0
        while found := await read(self.ledger, self.clocks, accepted_since, since, after, PAGE, categories):
            if self.stopped or found[0].id > self._last:
                return
            for row in found:
                applies = self.applies[row.account, row.category]
                if applies and counts(row) and row.id <= self._last and row.id not in touched:
                    self._again(entry_of(row).message, moment(row), parts)
            after = found[-1].id

    def _looked_back(self) -> dict[int, list[str]]:
        """The categories that any limit counts, by the seconds that the longest limit of each looks back."""
        assert self.capped is not None
        longest: dict[str, int] = {}
        for placed in self.capped.persons.book.packs.values():
            for rule in [ruled.rule for ruled in placed.ruled() if isinstance(ruled.rule, CapRule)]:
                seconds = max(limit.seconds for limit in rule.parsed())
                for category in rule.categories or CATEGORIES:
                    longest[category] = max(seconds, longest.get(category, 0))
        found: dict[int, list[str]] = {}
        for category, seconds in longest.items():
            found.setdefault(seconds, []).append(category)
        return found

    def _again(self, message: Message, at: int, parts: dict[int, list[Message]]) -> None:
        """Count a stored message, a long text when its last segment is there."""
        if message.part is None or message.part.total < 2 or message.segment_of is None:
            self._record(message, at)
            return
        group = parts.setdefault(message.segment_of, [])
        group.append(message)
        if len(group) == message.part.total:
            del parts[message.segment_of]
            group.sort(key=lambda segment: segment.part.number if segment.part else 0)
            self._record(joined(group), at)


def moment(row: MessageRow) -> int:
    """The second at which a stored message counts."""
    return (row.sent_at or row.accepted_at) // 1000


def counts(row: MessageRow) -> bool:
    """Whether a stored message counts: it passed the filters, and was or may be sent."""
    state = State(row.state)
    if not row.client_id or state is State.GATHERING:
        return False
    return not state.final or reached(state, row.sent_at, row.carrier_message_id)


def reached(state: State, sent_at: int | None, carrier_message_id: str | None) -> bool:
    """Whether an ended message may have reached the person."""
    return sent_at is not None and (state not in NEVER_THERE or bool(carrier_message_id))
