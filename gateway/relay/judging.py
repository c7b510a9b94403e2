"""Judging: which filters judge a message, and what its verdict does with it.

A message is judged when it is accepted, when a deferred one is released and when its text is replaced; each
time by the generation in force, which the decision record names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from twisted.logger import Logger

from gateway.filters.chain import ALLOWED, Chain, Judgement, Mode, record, refuse_failed
from gateway.filters.known import Known
from gateway.filters.lookup import Lookup
from gateway.filters.review import Approval, approval_of
from gateway.filters.verdict import REASONS, Action, Reason, Rewrite, Verdict
from gateway.message import Message, MtPdu
from gateway.relay import rewriting
from gateway.relay.batch import Batch
from gateway.relay.book import Book, Entry
from gateway.relay.clocks import Clocks
from gateway.relay.dispatch import Dispatch
from gateway.store.rows import State

if TYPE_CHECKING:
    from gateway.relay.canary import Canary

log = Logger(__name__)

SECOND = 1000  # milliseconds: hours and consents end with a second

LEAVES = frozenset({Action.ALLOW, Action.WARN, Action.REWRITE})
"""What lets a message leave."""

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
        self.canary: Canary | None = None
        self.counts: Counter[tuple[str, str, str, str]] = Counter()
        self.failures: Counter[str] = Counter()
        self.again_of: ChainOf = lambda account, category: Chain()
        self.known = Known()
        """What is known of people: its `changes` may forbid what was allowed."""
        self.awaits: Callable[[Message, int, Batch], None] = lambda message, due, batch: None
        self.tier_of: Callable[[Message], int] = lambda message: 0
        self.passed: Callable[[Message, Batch], None] = lambda message, batch: None

    def judge(self, message: Message, approval: Approval | None = None) -> Judgement:
        """What the filters say of a message at the moment when it may leave.

        Where they raise its category or rewrite what it says, the message (its segments, if it stands for a
        long text) is changed here. `approval` is a person's word on an earlier judgement.
        """
        judgement = self._judge(message, approval)
        message.tier = tier = self.tier_of(message)
        for each in message.segments:
            each.tier = tier
        return judgement

    def _judge(self, message: Message, approval: Approval | None) -> Judgement:
        chain = (
            self.chain_of(message.account, message.category) if self.canary is None else self._chain(message)
        )
        if not chain.filters:
            return ALLOWED
        now = self.clocks.wall()
        at = now if message.due is None else max(now, message.due / 1000)
        judgement = chain.judge(message, at, approval)
        if judgement.category:
            judgement = self._raised(message, judgement, at, approval)
        for verdict, mode in judgement.words:
            # The plain attributes of enums: `value` is a function in Python.
            self.counts[message.account, verdict.filter, mode._value_, verdict.action._value_] += 1
        return self._rewritten(message, judgement) if judgement.rewrite is not None else judgement

    def _raised(
        self, message: Message, judgement: Judgement, at: float, approval: Approval | None
    ) -> Judgement:
        """The judgement by the chain of the category that a message was raised to."""
        for each in (message, *message.segments):
            each.category = judgement.category
        again = self._chain(message).judge(message, at, approval)
        return again._replace(words=judgement.words + again.words, category=judgement.category)

    def _rewritten(self, message: Message, judgement: Judgement) -> Judgement:
        """The PDUs say what the verdict wants, if they may leave now; a refusal where that does not fit."""
        rewrite = judgement.rewrite
        later = message.due is not None and message.due > self.clocks.now_ms()
        if rewrite is None or judgement.verdict.action not in LEAVES or later:
            return judgement
        messages = message.segments or (message,)
        pdus: list[MtPdu] | None = [each.pdu for each in messages]
        if rewrite.text is not None:
            pdus = rewriting.rewrite(
                [each.pdu for each in messages],
                rewrite.text,
                message.default_alphabet,
                payload=rewrite.payload,
            )
        if pdus is None:
            reason = REASONS["mandatory_text_missing"]
            refused = Verdict(Action.REFUSE, "gateway", "what is missing does not fit", reason=reason)
            words = (*judgement.words, (refused, Mode.ENFORCE))
            return judgement._replace(verdict=refused, words=words, rewrite=None)
        for each, pdu in zip(messages, pdus, strict=True):
            each.rewrite(pdu._replace(tlvs=pdu.tlvs + rewrite.tlvs))
        return judgement._replace(rewritten=_described(pdus, rewrite))

    def failed(self, name: str, message: Message, error: Exception, closed: bool) -> Verdict:
        """The verdict where a filter failed, and the alarm: logged the first time and each time that the
        count has doubled, so that a broken filter does not fill the disk.
        """
        self.failures[name] += 1
        count = self.failures[name]
        if count & (count - 1) == 0:
            log.error(
                "filter {filter} failed, {count} times since the start: {error}",
                filter=name,
                count=count,
                error=f"{type(error).__name__}: {error}",
            )
        return refuse_failed(name, message, error, closed)

    def generation_of(self, message: Message) -> int:
        """The number of the generation that decides for a message."""
        canary = self.canary
        return canary.generation.number if canary is not None and canary.takes(message) else self.generation

    def _chain(self, message: Message) -> Chain:
        canary = self.canary
        chain_of = canary.chain_of if canary is not None and canary.takes(message) else self.chain_of
        return chain_of(message.account, message.category)

    def noted(self, message: Message, judgement: Judgement, word: Verdict) -> Judgement:
        """A judgement with the word of one of the account's limits that is in shadow: recorded and counted.
        Of a segment that waits for its siblings it is only counted, since the record is of the whole text.
        """
        self.counts[message.account, word.filter, Mode.SHADOW._value_, word.action._value_] += 1
        if judgement is ALLOWED and message.part is not None:
            return judgement
        return judgement._replace(words=(*judgement.words, (word, Mode.SHADOW)))

    def record(self, judgement: Judgement, message: Message) -> str:
        """The decision record, made once for all that pass without a word."""
        if judgement is ALLOWED:
            return _plain(self.generation if self.canary is None else self.generation_of(message))
        return record(judgement, self.generation_of(message))

    def admit(self, entry: Entry, judgement: Judgement, batch: Batch) -> Reason | None:
        """Give a new message the state that its verdict means; the reason if it is refused. It is not
        booked here.
        """
        message = entry.message
        verdict = judgement.verdict
        now = self.clocks.now_ms()
        leaves = judgement is ALLOWED and message.due is None  # as nearly all do
        reason = None if leaves else self.refused(message, judgement)
        if reason is None and verdict.action is Action.HOLD:
            entry.state, entry.deadline = State.HELD, message.expires_at
        elif not leaves and reason is None and (due := self._due(message, verdict, now)) is not None:
            entry.state, entry.deadline = State.DEFERRED, due
            if verdict.filter == Lookup.name:
                self.awaits(message, due, batch)
        elif reason is None and not self.dispatch.place(entry, now, batch):
            reason = REASONS["no_route"]
        if reason is not None:
            entry.state, entry.error, entry.done_at, entry.deadline = State.REJECTED, reason.err, now, None
            entry.decision = self._refusal_record(judgement, reason, message)
        else:
            entry.decision = self.record(judgement, message)
            entry.judged_at, entry.judged_on = now, self.known.changes
            self.passed(message, batch)
        return reason

    def settle(self, entry: Entry, judgement: Judgement, batch: Batch) -> None:
        """Bring a booked message (gathered, deferred, held) to the state that its verdict means."""
        message = entry.message
        verdict = judgement.verdict
        now = self.clocks.now_ms()
        reason = self.refused(message, judgement)
        if reason is None and self.dispatch.placing.router_of(message).choose(message) is None:
            reason = REASONS["no_route"]
        entry.decision = (
            self._refusal_record(judgement, reason, message) if reason else self.record(judgement, message)
        )
        batch.changes.revise(entry.row())
        if judgement.category:
            batch.changes.classify(message.id, message.category)
        if reason is not None:
            self.book.end(entry, State.REJECTED, reason.err, now, batch)
        elif message.expires_at <= now:
            self.book.end(entry, State.EXPIRED, 0, now, batch)
        elif verdict.action is Action.HOLD:
            self.book.move(entry, State.HELD, message.expires_at, batch)
        elif (due := self._due(message, verdict, now)) is not None:
            self.book.move(entry, State.DEFERRED, due, batch)
            if verdict.filter == Lookup.name:
                self.awaits(message, due, batch)
        else:
            self.book.move(entry, State.WAITING, message.expires_at, batch)
            batch.after.append(lambda: self.dispatch.enqueue(entry))
        entry.judged_at, entry.judged_on = now, self.known.changes
        if message.part is None or message.part.total < 2:
            self.pass_on(message, entry.state, batch)

    def pass_on(self, message: Message, state: State, batch: Batch) -> None:
        """A message was judged and goes on in a state. One that only waits on was told of before."""
        if not state.final and not (message.counted_at and state in (State.DEFERRED, State.HELD)):
            self.passed(message, batch)

    def may_leave(self, entry: Entry, now: int) -> bool:
        """Whether what has waited for its carrier may still leave at `now` (unix ms).

        If more is known of people since it was judged, or another second has begun, those filters that go
        by people and by the hour are asked again, and a message that they stop is settled.
        """
        message = entry.message
        judged_now = entry.judged_on == self.known.changes and now // SECOND == entry.judged_at // SECOND
        if judged_now or message.by:
            return True
        approval = approval_of(entry.decision)
        canary = self.canary
        again_of = canary.again_of if canary is not None and canary.takes(message) else self.again_of
        judgement = again_of(message.account, message.category).judge(message, now / 1000, approval)
        entry.judged_at, entry.judged_on = now, self.known.changes
        if judgement.verdict.action in LEAVES or judgement.verdict.action is Action.HOLD:
            return True
        batch = Batch()
        self.settle(entry, judgement, batch)
        self.dispatch.committer.commit(batch, must=True)
        return False

    def refused(self, message: Message, judgement: Judgement) -> Reason | None:
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

    def _refusal_record(self, judgement: Judgement, reason: Reason, message: Message) -> str:
        """The record of a refusal: by a filter, or the relay's own (no route, a deferral that lasts too
        long), which is then the last word of the record.
        """
        verdict = judgement.verdict
        if verdict.action is not Action.REFUSE:
            verdict = Verdict(Action.REFUSE, "gateway", reason.name, reason=reason)
        if (verdict, Mode.ENFORCE) not in judgement.words:
            words = (*judgement.words, (verdict, Mode.ENFORCE))
            judgement = judgement._replace(verdict=verdict, words=words)
        return record(judgement, self.generation_of(message))


@lru_cache(maxsize=16)
def _plain(generation: int) -> str:
    return record(ALLOWED, generation)


def _described(pdus: Sequence[MtPdu], rewrite: Rewrite) -> str:
    """How a rewritten text was encoded and cut, for the decision record."""
    said = []
    if rewrite.text is not None:
        count = f"{len(pdus)} segments" if len(pdus) > 1 else "one message"
        said.append(f"text encoded anew with data_coding {pdus[0].data_coding}, {count}")
    if rewrite.tlvs:
        said.append("TLVs added: " + ", ".join(f"0x{tlv.tag:04X}" for tlv in rewrite.tlvs))
    return "; ".join(said)
