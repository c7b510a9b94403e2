"""The filter of consent: has the person agreed, as the pack of the country asks?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar

from gateway.filters.consent import BASES, ConsentState, suffices
from gateway.filters.known import CONSENTS, PATIENCE, Known
from gateway.filters.packs import ConsentRule
from gateway.filters.persons import REMEMBERED, Persons, Standing
from gateway.filters.rulebook import Ruled
from gateway.filters.verdict import REASONS, Action, Verdict, beside
from gateway.message import Message

SHORTEST_MONTH = 28 * 86_400

_WHY = {
    "none": "no consent is known",
    "pending": "the answer to a request for consent is still awaited",
    "silent": "a request for consent stayed without answer",
    "expired": "the consent has expired",
    "ended": "the consent was withdrawn",
    "basis": "the consent rests on another basis than the rule asks for",
    "proof": "the consent names no proof",
}


@dataclass(frozen=True, slots=True)
class Asks:
    """What is asked of a consent from one unix second to another.

    `at_once` gives the seconds that a grant certainly holds by what it is on (`granted_on` of ConsentState),
    of those on which every rule accepts one; it is the shortest that so many months can be.
    """

    since: float
    until: float
    rules: tuple[tuple[ConsentRule, Ruled], ...]
    at_once: Mapping[int, float]


class Consented:
    """Refuses what lacks a consent that a sure rule asks for; where only unsure rules ask, warns."""

    name: ClassVar[str] = "consented"

    def __init__(self, persons: Persons, known: Known) -> None:
        self.persons = persons
        self.known = known
        self._asks: dict[Standing, Asks] = {}

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A refusal or a warning by the first rule that the consent does not satisfy."""
        person = self.persons.person(message)
        if person is None:
            return None
        standing = person.standing
        asks = self._asks.get(standing)
        if asks is None or not asks.since <= now < asks.until:
            asks = self._ask(standing, now)
        if not asks.rules:
            return None
        if CONSENTS in self.known.loading:
            return self._wait(asks, now)
        tenant, program, category = message.tenant, standing.program, message.category
        grant = self.known.consents.grant(tenant, program, category, person.digits, now)
        if grant is not None:
            at, on = grant
            if now < at + asks.at_once.get(on, 0):
                return None
        state = self.known.consents.state(tenant, program, category, person.digits)
        return self._lacking(asks, state, program, now)

    def spares(self, standing: Standing, now: float) -> bool:
        """Whether no rule asks for the consent of these people."""
        asks = self._asks.get(standing)
        return asks is not None and asks.since <= now < asks.until and not asks.rules

    def _ask(self, standing: Standing, now: float) -> Asks:
        asked = self.persons.asked(standing.rules, now)
        if len(self._asks) > REMEMBERED:
            self._asks.clear()
        rules = [rule for rule, _ in asked.consents]
        asks = self._asks[standing] = Asks(asked.since, asked.until, asked.consents, at_once(rules))
        return asks

    def _lacking(self, asks: Asks, state: ConsentState, program: str, now: float) -> Verdict | None:
        """The word of the first rule that the consent does not satisfy, beside those of rules in shadow."""
        warning: Verdict | None = None
        refusal: Verdict | None = None
        shadows: list[Verdict] = []
        for rule, ruled in asks.rules:
            answer = suffices(state, now, rule.bases, rule.proof)
            if answer.suffices or (refusal is not None and not rule.shadow):
                continue
            of = f" for program {program}" if program else ""
            detail = f"{_WHY[answer.reason]}{of}"
            verdict = self._verdict(Action.REFUSE if rule.enforced else Action.WARN, ruled, detail)
            if rule.shadow:
                shadows.append(verdict)
            elif rule.enforced:
                refusal = verdict
            else:
                warning = warning or verdict
        return beside(self.name, refusal or warning, shadows)

    def _wait(self, asks: Asks, now: float) -> Verdict | None:
        """Nobody knows yet whether the person agreed: the message waits."""
        ruled = next((ruled for rule, ruled in asks.rules if not rule.shadow), None)
        if ruled is None:
            return None
        reason, detail = REASONS["filter_failed"], "the consents are still being loaded"
        return Verdict(Action.DEFER, self.name, ruled.name, ruled.place, reason, detail, now + PATIENCE)

    def _verdict(self, action: Action, ruled: Ruled, detail: str) -> Verdict:
        reason = REASONS["no_consent"] if action is Action.REFUSE else None
        return Verdict(action, self.name, ruled.name, ruled.place, reason, detail)


def at_once(rules: Sequence[ConsentRule]) -> dict[int, float]:
    """How many seconds a grant certainly holds, by what it is on; without what some rule does not accept."""
    found = {}
    for on in range(2 * len(BASES)):
        basis, proof = BASES[on >> 1], on & 1
        if all(basis in rule.bases and (proof or not rule.proof) for rule in rules):
            months = [limit for rule in rules if (limit := rule.bases[basis]) is not None]
            found[on] = min(months) * SHORTEST_MONTH if months else inf
    return found
