"""Judging: which filters judge a message, and what its verdict does with it.

A message is judged when it is accepted, when a deferred one is released and when its text is replaced; each
time by the generation in force, which the decision record names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from twisted.logger import Logger

from gateway.filters.chain import ALLOWED, Chain, Judgement, Mode, record
from gateway.filters.verdict import REASONS, Action, Reason, Verdict
from gateway.message import Message
from gateway.relay.batch import Batch
from gateway.relay.book import Book, Entry
from gateway.relay.clocks import Clocks
from gateway.relay.dispatch import Dispatch
from gateway.store.rows import State

log = Logger()

ChainOf = Callable[[str, str], Chain]
"""The chain of an account's name and a category."""


def refusal(filter: str, rule: str, reason: Reason, detail: str = "") -> Judgement:
    """A refusal that the relay itself decides."""
    verdict = Verdict(Action.REFUSE, filter, rule, reason=reason, detail=detail)
    return Judgement(verdict, ())


class Judging:
    """Judges by the chains of the generation in force, and settles messages by their verdicts."""

    def __init__(self, book: Book, dispatch: Dispatch, clocks: Clocks) -> None:
        self.book = book
        self.dispatch = dispatch
        self.clocks = clocks
        self.chain_of: ChainOf = lambda account, category: Chain()
        self.generation = 0
        self.counts: Counter[tuple[str, str, str, str]] = Counter()

    def judge(self, message: Message) -> Judgement:
        """What the filters say of a message at the moment when it may leave."""
        chain = self.chain_of(message.account, message.category)
        if not chain.filters:
            return ALLOWED
        now = self.clocks.wall()
        judgement = chain.judge(message, now if message.due is None else max(now, message.due / 1000))
        for verdict, mode in judgement.words:
            self.counts[message.account, verdict.filter, mode.value, verdict.action.value] += 1
        return judgement

    def record(self, judgement: Judgement) -> str:
        """The decision record, made once for all that pass without a word."""
        if not judgement.words and judgement.verdict.action is Action.ALLOW:
            return _plain(self.generation)
        return record(judgement, self.generation)

    def admit(self, entry: Entry, judgement: Judgement, batch: Batch) -> Reason | None:
        """Give a new message the state that its verdict means; the reason if it is refused. It is not
        booked here.
        """
        message = entry.message
        verdict = judgement.verdict
        now = self.clocks.now_ms()
        reason = self._refused(message, judgement)
        if reason is None and verdict.action is Action.HOLD:
            entry.state, entry.deadline = State.HELD, message.expires_at
        elif reason is None and (due := self._due(message, verdict, now)) is not None:
            entry.state, entry.deadline = State.DEFERRED, due
        elif reason is None and not self.dispatch.place(entry, batch):
            reason = REASONS["no_route"]
        if reason is not None:
            entry.state, entry.error, entry.done_at, entry.deadline = State.REJECTED, reason.err, now, None
            entry.decision = self._refusal_record(judgement, reason)
        else:
            entry.decision = self.record(judgement)
        return reason

    def settle(self, entry: Entry, judgement: Judgement, batch: Batch) -> None:
        """Bring a booked message (gathered, deferred, held) to the state that its verdict means."""
        message = entry.message
        verdict = judgement.verdict
        now = self.clocks.now_ms()
        reason = self._refused(message, judgement)
        if reason is None and self.dispatch.router.choose(message) is None:
            reason = REASONS["no_route"]
        entry.decision = self._refusal_record(judgement, reason) if reason else self.record(judgement)
        batch.changes.decide(message.id, entry.decision)
        if reason is not None:
            self.book.end(entry, State.REJECTED, reason.err, now, batch)
        elif message.expires_at <= now:
            self.book.end(entry, State.EXPIRED, 0, now, batch)
        elif verdict.action is Action.HOLD:
            self.book.move(entry, State.HELD, message.expires_at, batch)
        elif (due := self._due(message, verdict, now)) is not None:
            self.book.move(entry, State.DEFERRED, due, batch)
        else:
            self.book.move(entry, State.WAITING, message.expires_at, batch)
            batch.after.append(lambda: self.dispatch.enqueue(entry))

    def _refused(self, message: Message, judgement: Judgement) -> Reason | None:
        """The reason of a refusal; also where a deferral would outlast the validity."""
        verdict = judgement.verdict
        if verdict.action is Action.REFUSE:
            return verdict.reason or REASONS["content_blocked"]
        if verdict.action is Action.DEFER and (verdict.until or 0) * 1000 >= message.expires_at:
            return verdict.reason or REASONS["quiet_hours"]
        return None

    @staticmethod
    def _due(message: Message, verdict: Verdict, now: int) -> int | None:
        """When a message may leave, if that is later than now: the client's schedule or the verdict's
        word.
        """
        due = max(message.due or 0, int((verdict.until or 0) * 1000) if verdict.action is Action.DEFER else 0)
        return due if due > now else None

    def _refusal_record(self, judgement: Judgement, reason: Reason) -> str:
        verdict = judgement.verdict
        if verdict.action is Action.REFUSE and not judgement.words:
            judgement = Judgement(verdict, ((verdict, Mode.ENFORCE),))
        elif verdict.action is not Action.REFUSE:
            return self._refusal_record(refusal("gateway", reason.name, reason), reason)
        return record(judgement, self.generation)


@lru_cache(maxsize=16)
def _plain(generation: int) -> str:
    return record(ALLOWED, generation)
