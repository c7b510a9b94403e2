"""The filter of frequency: how many messages a person has had already.

It only looks. What is accepted is counted by the relay's people, in the same step in which it was judged, so
that of two messages in one batch the second sees the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from gateway.filters.frequency import Counter, Facts, Spent, key_of, picker
from gateway.filters.known import COUNTS, PATIENCE, Known
from gateway.filters.packs import CapRule
from gateway.filters.persons import REMEMBERED, Person, Persons, Standing, signature_of
from gateway.filters.quiet import URGENT
from gateway.filters.recents import Row, Rule
from gateway.filters.rulebook import Ruled
from gateway.filters.verdict import REASONS, Action, Verdict, beside
from gateway.message import Message
from gateway.smpp.constants import CommandStatus
from gateway.smpp.stencils import MOST, Said

PROMOTIONAL = "promotional"
RECIPIENT = "recipient"
VARYING = frozenset({"signature", "text"})
"""The parts of a key in which messages of one standing to one person differ."""

BURST_SECONDS = 60
"""A limit over no longer than this is of bursts: it is over so soon that clients may well try again."""

FOR_LONG = REASONS["frequency_cap"]
BURST = FOR_LONG._replace(status=CommandStatus.ESME_RTHROTTLED)


class Plan(NamedTuple):
    """A rule made quick: what counts by it, and which facts it counts by. One that counts by person has a
    `rule` of the recents, with a `tag` where that is the same for all messages, else it has a `counter`.
    """

    ruled: Ruled
    asked: CapRule
    pick: Callable[[Facts], object]
    rule: Rule | None = None
    tag: int = 0
    counter: Counter | None = None


@dataclass(frozen=True, slots=True)
class Plans:
    """The rules for a standing from one unix second to another, those by person apart; `signed` if one counts
    by signature, `tags` those of the rules by person where they are the same for all messages, `tags_of` else
    those of a stencil.
    """

    since: float
    until: float
    all: tuple[Plan, ...]
    by_person: tuple[Plan, ...]
    by_others: tuple[Plan, ...]
    signed: bool
    tags: tuple[int, ...] | None
    tags_of: dict[Said | None, Sequence[int]]


class Capped:
    """Refuses what a sure rule's limit forbids; warns where only an unsure one does.

    As a burst is refused what a short limit alone forbids.
    """

    name: ClassVar[str] = "capped"

    def __init__(self, persons: Persons, known: Known) -> None:
        self.persons = persons
        self.known = known
        self._plans: dict[Standing, Plans] = {}

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A refusal or a warning by the first limit that is spent; a message never stands in its own way."""
        found = self._ruled(message, now)
        if found is None:
            return None
        person, plans = found
        if not plans.all:
            return None
        if COUNTS in self.known.loading and message.category == PROMOTIONAL:
            return self._wait(plans, now)
        row = self.known.recents.find(hash(person.digits) or 1)
        if row is None and not plans.by_others:
            return None
        return self._judge(plans, message, person, row, now)

    def spares(self, standing: Standing, now: float) -> bool:
        """Whether no rule is for these people."""
        plans = self._plans.get(standing)
        return plans is not None and plans.since <= now < plans.until and not plans.all

    def _judge(
        self, plans: Plans, message: Message, person: Person, row: Row | None, now: float
    ) -> Verdict | None:
        latest = 0 if row is None else row[0][row[1]]
        tags = iter(() if row is None else _tags(plans, message, person))
        burst: Verdict | None = None
        warning: Verdict | None = None
        shadows: list[Verdict] = []
        for plan in plans.by_others if row is None else plans.all:
            if plan.rule is None or row is None:
                spent = self._spent(plan, message, person, now)
            else:
                key, tag = hash(person.digits) or 1, next(tags)
                if latest + plan.rule.longest <= now:
                    continue
                spent = self.known.recents.spent(key, row, plan.rule, tag, now, message.counted_at)
            if spent is None:
                continue
            verdict = self._verdict(plan, spent)
            if plan.asked.shadow:
                shadows.append(verdict)
            elif not plan.asked.enforced:
                warning = warning or verdict
            elif verdict.reason is not BURST:
                return beside(self.name, verdict, shadows)
            else:
                burst = burst or verdict
        return beside(self.name, burst or warning, shadows)

    def _verdict(self, plan: Plan, spent: Spent) -> Verdict:
        rule, ruled = plan.asked, plan.ruled
        detail = f"{spent.limit}, by {', '.join(rule.key)}"
        action, reason = Action.WARN, None
        if rule.enforced:
            short = spent.limit.seconds <= BURST_SECONDS
            action, reason = Action.REFUSE, BURST if short else FOR_LONG
        return Verdict(action, self.name, ruled.name, ruled.place, reason, detail)

    @staticmethod
    def _spent(plan: Plan, message: Message, person: Person, now: float) -> Spent | None:
        counter, at = plan.counter, message.counted_at
        assert counter is not None
        key = key_of(plan.pick(facts_of(message, person)))
        if at:
            counter.give_back(key, at)
        spent = counter.spent(key, now)
        if at:
            counter.record(key, at)
        return spent

    def _wait(self, plans: Plans, now: float) -> Verdict | None:
        """Nobody knows yet how many there were: what is promotional waits."""
        ruled = next((plan.ruled for plan in plans.all if not plan.asked.shadow), None)
        if ruled is None:
            return None
        reason, detail = REASONS["filter_failed"], "the counts are still being made of the stored messages"
        return Verdict(Action.DEFER, self.name, ruled.name, ruled.place, reason, detail, now + PATIENCE)

    # counting

    def record(self, message: Message, at: int, now: float) -> None:
        """Count a message of the unix second `at` by all rules that are for it now."""
        found = self._ruled(message, now)
        if found is None:
            return
        person, plans = found
        if plans.by_person:
            self.known.recents.record(hash(person.digits) or 1, _tags(plans, message, person), at)
        for plan in plans.by_others:
            assert plan.counter is not None
            plan.counter.record(key_of(plan.pick(facts_of(message, person))), at)

    def give_back(self, message: Message, at: int, now: float) -> None:
        """Take it back."""
        found = self._ruled(message, now)
        if found is None:
            return
        person, plans = found
        if plans.by_person:
            self.known.recents.give_back(hash(person.digits) or 1, _tags(plans, message, person), at)
        for plan in plans.by_others:
            assert plan.counter is not None
            plan.counter.give_back(key_of(plan.pick(facts_of(message, person))), at)

    def _ruled(self, message: Message, now: float) -> tuple[Person, Plans] | None:
        """To whom a message goes, and the rules for it now; None where nobody knows whose number it is."""
        person = self.persons.person(message)
        if person is None:
            return None
        plans = self._plans.get(person.standing)
        if plans is None or not plans.since <= now < plans.until:
            plans = self._plan(person.standing, message, now)
        return person, plans

    # the rules

    def _plan(self, standing: Standing, message: Message, now: float) -> Plans:
        """The rules of a day made quick, for messages like this one."""
        if len(self._plans) > REMEMBERED:
            self._plans.clear()
        asked = self.persons.asked(standing.rules, now)
        caps = () if standing.tier == URGENT else asked.caps
        plans = tuple(self._quick(rule, ruled, standing, message) for rule, ruled in caps)
        by_person = tuple(plan for plan in plans if plan.rule is not None)
        by_others = tuple(plan for plan in plans if plan.rule is None)
        signed = any("signature" in plan.asked.key for plan in plans)
        same = all(plan.tag for plan in by_person)
        tags = tuple(plan.tag for plan in by_person) if same else None
        found = Plans(asked.since, asked.until, plans, by_person, by_others, signed, tags, {})
        self._plans[standing] = found
        return found

    def _quick(self, rule: CapRule, ruled: Ruled, standing: Standing, message: Message) -> Plan:
        limits = rule.parsed()
        if RECIPIENT not in rule.key:
            counter = self.known.counter(ruled.name, rule.key, limits)
            return Plan(ruled, rule, picker(rule.key), counter=counter)
        quick = self.known.recents.rule(ruled.name, rule.key, limits)
        others = [part for part in rule.key if part != RECIPIENT]
        pick = picker(others)
        if not VARYING.isdisjoint(others):
            return Plan(ruled, rule, pick, quick)
        tag = quick.tag(pick(facts_of(message, Person("", standing))))
        return Plan(ruled, rule, pick, quick, tag)


def _tags(plans: Plans, message: Message, person: Person) -> Sequence[int]:
    """The tags of a message's entries."""
    if plans.tags is not None:
        return plans.tags
    said = message.said
    tags = plans.tags_of.get(said)
    if tags is None:
        facts = facts_of(message, person, plans.signed)
        tags = [
            plan.tag or plan.rule.tag(plan.pick(facts)) for plan in plans.by_person if plan.rule is not None
        ]
        if said is not None:
            if len(plans.tags_of) >= MOST:
                plans.tags_of.clear()
            plans.tags_of[said] = tags
    return tags


def facts_of(message: Message, person: Person, signed: bool = True) -> Facts:
    """What a message can be counted by. Without a signature in the text the tenant stands for it; it is not
    looked for if not `signed`.
    """
    tenant, category = message.tenant, message.category
    signature = signature_of(message) if signed else ""
    program, digits = person.standing.program, person.digits
    return message.account, tenant, signature or tenant, program, category, "", digits, message.text or ""
