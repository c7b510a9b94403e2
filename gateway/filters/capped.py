"""The filter of frequency: how many messages a person has had already.

It only looks. What is accepted is counted by the relay's people, in the same step in which it was judged, so
that of two messages in one batch the second sees the first.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.filters.frequency import Counter, Facts, key_of
from gateway.filters.known import Known
from gateway.filters.packs import CapRule
from gateway.filters.persons import Person, Persons, signature_of
from gateway.filters.quiet import URGENT
from gateway.filters.rulebook import Ruled
from gateway.filters.verdict import REASONS, Action, Verdict
from gateway.message import Message


class Counted(NamedTuple):
    """A counter that a message is for, the message's key in it, and the rule whose counter it is."""

    counter: Counter
    key: int
    rule: CapRule
    ruled: Ruled


class _Plan(NamedTuple):
    """A rule made quick: its counter, and which facts make its key."""

    rule: CapRule
    counter: Counter
    places: tuple[int, ...]


class Capped:
    """Refuses what a sure rule's limit forbids; warns where only an unsure one does."""

    name = "capped"

    def __init__(self, persons: Persons, known: Known) -> None:
        self.persons = persons
        self.known = known
        self._plans: dict[int, _Plan] = {}

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A refusal or a warning by the first limit that is spent; a message never stands in its own way."""
        warning: Verdict | None = None
        for counter, key, rule, ruled in self.counted(message, now):
            if message.counted_at:
                counter.give_back(key, message.counted_at)
            spent = counter.spent(key, now)
            if message.counted_at:
                counter.record(key, message.counted_at)
            if spent is None:
                continue
            detail = f"{spent.limit}, by {', '.join(rule.key)}"
            if rule.enforced:
                reason = REASONS["frequency_cap"]
                return Verdict(Action.REFUSE, self.name, ruled.name, ruled.place, reason, detail)
            warning = warning or Verdict(Action.WARN, self.name, ruled.name, ruled.place, None, detail)
        return warning

    def counted(self, message: Message, now: float) -> list[Counted]:
        """The counters that a message is for, each with its key in it."""
        person = self.persons.person(message)
        if person is None or person.tier == URGENT:
            return []
        rules = self.persons.asked(person.rules, now).caps
        if not rules:
            return []
        facts = facts_of(message, person)
        return [self._counted(rule, ruled, facts) for rule, ruled in rules]

    def _counted(self, rule: CapRule, ruled: Ruled, facts: Facts) -> Counted:
        plan = self._plans.get(id(rule))
        if plan is None:
            places = tuple(Facts._fields.index(part) for part in rule.key)
            counter = self.known.counter(ruled.name, rule.key, rule.parsed())
            plan = self._plans[id(rule)] = _Plan(rule, counter, places)
        return Counted(plan.counter, key_of(tuple(facts[place] for place in plan.places)), rule, ruled)


def facts_of(message: Message, person: Person) -> Facts:
    """What a message can be counted by. Without a signature in the text the tenant stands for it."""
    return Facts(
        account=message.account,
        tenant=message.tenant,
        signature=signature_of(message) or message.tenant,
        program=person.program,
        category=message.category,
        template="",
        recipient=person.digits,
        text=message.text or "",
    )
