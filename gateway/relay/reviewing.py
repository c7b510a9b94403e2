"""Reviewing: held messages wait for a person within their validity, who lets them pass or refuses them.

What a person approves is judged once more, past the rules that held it: people and hours may forbid it by
now, and then it stays forbidden. The decision record names the person and the time. Segments of a long text
are one, known by the number of the one that was accepted first.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from gateway.filters.chain import Judgement, Mode
from gateway.filters.review import Approval, approval_of, held_by
from gateway.filters.verdict import REASONS, Action, Verdict
from gateway.message import Message, joined
from gateway.relay.book import Book, Entry
from gateway.relay.clocks import Clocks
from gateway.relay.gathering import Gathering
from gateway.relay.judging import Judging
from gateway.relay.outbound import utc
from gateway.store.rows import MessageRow, State

PAGE = 500


class NotHeld(ValueError):
    """No held message has this number: there never was one, or it has moved on."""


def number_of(row: MessageRow) -> int:
    """By what a person knows a held text: its own number, or that of its first segment."""
    return row.id if row.segment_of is None else row.segment_of


class Reviewing:
    """Finds held messages and settles them as a person says."""

    def __init__(self, book: Book, judging: Judging, gathering: Gathering, clocks: Clocks) -> None:
        self.book = book
        self.judging = judging
        self.gathering = gathering
        self.clocks = clocks
        self.counts: Counter[str] = Counter()

    async def held(self, limit: int) -> list[MessageRow]:
        """The oldest held texts, each by the row of its first segment that is held. Raises
        StoreUnavailable.
        """
        found: dict[int, MessageRow] = {}
        after = 0
        while rows := await self.book.ledger.open_after(after, (State.HELD,), PAGE):
            for row in rows:
                found.setdefault(number_of(row), row)
            if len(found) >= limit or len(rows) < PAGE:
                break
            after = rows[-1].id
        return list(found.values())[:limit]

    @asynccontextmanager
    async def text(self, number: int) -> AsyncIterator[list[Entry]]:
        """The held segments of one text, in order. Raises NotHeld and StoreUnavailable."""
        ids: list[int] = []
        after = number - 1
        while rows := await self.book.ledger.open_after(after, (State.HELD,), PAGE):
            ids += [row.id for row in rows if number_of(row) == number]
            if len(rows) < PAGE or (rows[0].segment_of is None and ids == [number]):
                break
            after = rows[-1].id
        async with self.book.loaded(ids) as loaded:
            entries = [entry for entry in loaded if entry.state is State.HELD]
            if not entries:
                raise NotHeld(f"no message {number} is held")
            yield sorted(entries, key=_place)

    async def approve(self, number: int, by: str, note: str) -> str:
        """Let a text pass the rules that hold it; returns the state that it came to."""
        async with self.text(number) as entries:
            earlier = approval_of(entries[0].decision)
            rules = held_by(entries[0].decision) | (earlier.rules if earlier is not None else frozenset())
            approval = Approval(by, self._now(), note, rules)
            judgement = self.judging.judge(whole(entries), approval)
            return await self._settle(entries, judgement._replace(approval=approval), "approved")

    async def refuse(self, number: int, by: str, note: str) -> str:
        """Refuse a text: its segments end as rejected, by receipt."""
        async with self.text(number) as entries:
            said = f"by {by} at {self._now()}" + (f": {note}" if note else "")
            verdict = Verdict(
                Action.REFUSE, "review", "refused by a person", reason=REASONS["review_refused"], detail=said
            )
            words = (*_words_of(entries[0].decision), (verdict, Mode.ENFORCE))
            return await self._settle(entries, Judgement(verdict, words), "refused")

    async def _settle(self, entries: list[Entry], judgement: Judgement, outcome: str) -> str:
        await self.gathering.settle(entries, judgement)
        self.counts[outcome] += 1
        return entries[0].state.name.lower()

    def _now(self) -> str:
        return utc(self.clocks.now_ms()).isoformat(timespec="seconds")


def whole(entries: list[Entry]) -> Message:
    """The message that stands for a held text."""
    messages = [entry.message for entry in entries]
    return joined(messages) if len(messages) > 1 else messages[0]


def _words_of(decision: str) -> Iterator[tuple[Verdict, Mode]]:
    """What the filters said of a held message, by its decision record: it stays on record."""
    for word in json.loads(decision).get("words", ()):
        verdict = Verdict(
            Action(word["action"]),
            word["filter"],
            word["rule"],
            word["place"],
            REASONS.get(word.get("reason", "")),
            word.get("detail", ""),
            word.get("until"),
        )
        yield verdict, Mode(word["mode"])


def _place(entry: Entry) -> tuple[int, int]:
    part = entry.message.part
    return (part.number if part is not None else 0, entry.message.id)
