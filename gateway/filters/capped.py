"""The filter of frequency: how many messages a person has had already.

It only looks. What is accepted is counted by the relay's people, in the same step in which it was judged, so
that of two messages in one batch the second sees the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from gateway.filters.frequency import ALL_BITS, Counter, Facts, Spent, picker
from gateway.filters.known import COUNTS, PATIENCE, Known
from gateway.filters.packs import CapRule
from gateway.filters.persons import DAY, Asked, Person, Persons, signature_of
from gateway.filters.quiet import URGENT
from gateway.filters.rulebook import Ruled
from gateway.filters.verdict import REASONS, Action, Verdict, beside
from gateway.message import Message

PROMOTIONAL = "promotional"


class Plan(NamedTuple):
    """A rule made quick: its counter, and which facts make its key."""

    rule: CapRule
    ruled: Ruled
    counter: Counter
    pick: Callable[[Facts], tuple[str, ...]]


Counted = list[tuple[Plan, int]]
"""The rules that a message is counted by, each with the message's key in its counter."""


class Last(NamedTuple):
    """What was worked out for a message last: it is asked for when it is judged and when it is counted."""

    message: Message | None = None
    category: str = ""
    text: str | None = None
    since: float = 0.0
    until: float = 0.0
    counted: Counted = []  # noqa: RUF012 - nobody changes it


class Capped:
    """Refuses what a sure rule's limit forbids; warns where only an unsure one does."""

    name: ClassVar[str] = "capped"

    def __init__(self, persons: Persons, known: Known) -> None:
        self.persons = persons
        self.known = known
        self._plans: dict[int, tuple[Asked, tuple[Plan, ...]]] = {}
        self._last = Last()

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A refusal or a warning by the first limit that is spent; a message never stands in its own way."""
        warning: Verdict | None = None
        if COUNTS in self.known.loading and message.category == PROMOTIONAL:
            return self._wait(message, now)
        counted_at = message.counted_at
        shadows: list[Verdict] = []
        for plan, key in self.counted(message, now):
            counter = plan.counter
            if counted_at:
                counter.give_back(key, counted_at)
            spent = counter.spent(key, now)
            if counted_at:
                counter.record(key, counted_at)
            if spent is None:
                continue
            verdict = self._verdict(plan, spent)
            if plan.rule.shadow:
                shadows.append(verdict)
            elif plan.rule.enforced:
                return beside(self.name, verdict, shadows)
            else:
                warning = warning or verdict
        return beside(self.name, warning, shadows)

    def _verdict(self, plan: Plan, spent: Spent) -> Verdict:
        rule, ruled = plan.rule, plan.ruled
        detail = f"{spent.limit}, by {', '.join(rule.key)}"
        if rule.enforced:
            return Verdict(
                Action.REFUSE, self.name, ruled.name, ruled.place, REASONS["frequency_cap"], detail
            )
        return Verdict(Action.WARN, self.name, ruled.name, ruled.place, None, detail)

    def _wait(self, message: Message, now: float) -> Verdict | None:
        """Nobody knows yet how many there were: what is promotional waits."""
        counted = [plan for plan, _ in self.counted(message, now) if not plan.rule.shadow]
        if not counted:
            return None
        ruled = counted[0].ruled
        reason, detail = REASONS["filter_failed"], "the counts are still being made of the stored messages"
        return Verdict(Action.DEFER, self.name, ruled.name, ruled.place, reason, detail, now + PATIENCE)

    def counted(self, message: Message, now: float) -> Counted:
        """What a message is counted by, each with its key."""
        last = self._last
        if (
            last.message is message
            and last.since <= now < last.until
            and last.category == message.category
            and last.text is message.text
        ):
            return last.counted
        counted = self._counted(message, now)
        today = now // DAY * DAY  # rules begin and end with a day
        self._last = Last(message, message.category, message.text, today, today + DAY, counted)
        return counted

    def _counted(self, message: Message, now: float) -> Counted:
        person = self.persons.person(message)
        if person is None or person.tier == URGENT:
            return []
        asked = self.persons.asked(person.rules, now)
        if not asked.caps:
            return []
        facts = facts_of(message, person)
        return [(plan, hash(plan.pick(facts)) & ALL_BITS or 1) for plan in self._planned(asked)]

    def _planned(self, asked: Asked) -> tuple[Plan, ...]:
        """The rules of a day made quick."""
        found = self._plans.get(id(asked))
        if found is not None and found[0] is asked:
            return found[1]
        if len(self._plans) > 1000:
            self._plans.clear()
        plans = tuple(
            Plan(rule, ruled, self.known.counter(ruled.name, rule.key, rule.parsed()), picker(rule.key))
            for rule, ruled in asked.caps
        )
        self._plans[id(asked)] = asked, plans
        return plans


def facts_of(message: Message, person: Person) -> Facts:
    """What a message can be counted by. Without a signature in the text the tenant stands for it."""
    return Facts(
        message.account,
        message.tenant,
        signature_of(message) or message.tenant,
        person.program,
        message.category,
        "",
        person.digits,
        message.text or "",
    )
