"""The filter of lists: numbers that must not be written to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from gateway.filters.known import Known
from gateway.filters.listed import Lists
from gateway.filters.numbers import SHORTEST
from gateway.filters.persons import Persons
from gateway.filters.suppression import PASSES, REASON, Hit, ListType
from gateway.filters.verdict import REASONS, Action, Verdict, beside
from gateway.message import Message

PATIENCE = 15.0
"""Seconds until a message is judged again that waits for a list."""


class Suppressed:
    """Refuses what the gravest list that holds the number forbids."""

    name: ClassVar[str] = "suppressed"

    def __init__(self, persons: Persons, known: Known, lists: Lists | None = None) -> None:
        self.persons = persons
        self.known = known
        self.lists: Lists = lists or {}

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A refusal if a list forbids the message, or if nobody can tell whose number it is."""
        person = self.persons.person(message)
        if person is None:
            return self._unknown(message)
        suppressions, program = self.known.suppressions, person.standing.program
        hit = suppressions.find(person.digits, message.tenant, program, message.category, now)
        verdict = self._refusal(hit) if hit is not None else None
        if hit is None and suppressions.unread:
            verdict = self._wait(message, program, now)
        shadowed = self.known.shadowed
        if shadowed.lists:
            hit = shadowed.find(person.digits, message.tenant, program, message.category, now)
            return beside(self.name, verdict, (self._refusal(hit),) if hit is not None else ())
        return verdict

    def _refusal(self, hit: Hit) -> Verdict:
        key = hit.key
        return Verdict(
            Action.REFUSE, self.name, f"{key.type} ({key.name})", "", REASONS[REASON[key.type]], describe(hit)
        )

    def _unknown(self, message: Message) -> Verdict | None:
        """A number that is too long for a short code and is none with its calling code either: no list can be
        asked about it, and a carrier might still know whose it is. What opt-outs stop does not go there.
        """
        if sum(map(str.isdigit, message.destination)) < SHORTEST:
            return None
        passes = PASSES[ListType.TENANT_OPTOUT]
        action = Action.WARN if message.category in passes else Action.REFUSE
        reason = REASONS["number_unknown"] if action is Action.REFUSE else None
        detail = "a number without its calling code: calling_code of the tenant in people.yaml may say which"
        return Verdict(action, self.name, "whose number", "", reason, detail)

    def _wait(self, message: Message, program: str, now: float) -> Verdict | None:
        """A list that nobody has read yet might hold the number: the message waits until one has."""
        key = self.known.suppressions.awaited(message.tenant, program, message.category)
        if key is None:
            return None
        rule, detail = f"{key.type} ({key.name})", "the list could not be read yet"
        reason = REASONS["filter_failed"]
        return Verdict(Action.DEFER, self.name, rule, "", reason, detail, now + PATIENCE)


def describe(hit: Hit) -> str:
    """Whose list it is and from when to when the entry holds, for the decision record."""
    scope, span = hit.key.scope, hit.entry.span
    of = ", ".join(f"{name} {value}" for name, value in scope._asdict().items() if value) or "everyone"
    since = f", since {_day(span.since)}" if span.since is not None else ""
    until = f", until {_day(span.until)}" if span.until is not None else ""
    prefix = f", by prefix {hit.entry.matched}" if hit.entry.matched.endswith("*") else ""
    return f"for {of}{prefix}{since}{until}"


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="minutes")
