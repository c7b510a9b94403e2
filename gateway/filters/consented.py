"""The filter of consent: has the person agreed, as the pack of the country asks?"""

from __future__ import annotations

from typing import ClassVar

from gateway.filters.consent import suffices
from gateway.filters.known import CONSENTS, PATIENCE, Known
from gateway.filters.packs import ConsentRule
from gateway.filters.persons import Person, Persons
from gateway.filters.rulebook import Ruled
from gateway.filters.verdict import REASONS, Action, Verdict, beside
from gateway.message import Message

_WHY = {
    "none": "no consent is known",
    "pending": "the answer to a request for consent is still awaited",
    "silent": "a request for consent stayed without answer",
    "expired": "the consent has expired",
    "ended": "the consent was withdrawn",
    "basis": "the consent rests on another basis than the rule asks for",
    "proof": "the consent names no proof",
}


class Consented:
    """Refuses what lacks a consent that a sure rule asks for; where only unsure rules ask, warns."""

    name: ClassVar[str] = "consented"

    def __init__(self, persons: Persons, known: Known) -> None:
        self.persons = persons
        self.known = known

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A refusal or a warning by the first rule that the consent does not satisfy."""
        person = self.persons.person(message)
        if person is None:
            return None
        asked = self.persons.asked(person.rules, now).consents
        if not asked:
            return None
        shadows = [each for each in asked if each[0].shadow]
        if shadows and CONSENTS not in self.known.loading:
            would = [self._judge(message, person, (each,), now) for each in shadows]
            asked = tuple(each for each in asked if not each[0].shadow)
            verdict = self._judge(message, person, asked, now)
            return beside(self.name, verdict, [each for each in would if each is not None])
        return self._judge(message, person, asked, now)

    def _judge(
        self, message: Message, person: Person, asked: tuple[tuple[ConsentRule, Ruled], ...], now: float
    ) -> Verdict | None:
        """By some of the rules."""
        if not asked:
            return None
        if CONSENTS in self.known.loading:
            return self._wait(asked[0][1], now)
        state = self.known.consents.state(message.tenant, person.program, message.category, person.digits)
        warning: Verdict | None = None
        for rule, ruled in asked:
            answer = suffices(state, now, rule.bases, rule.proof)
            if answer.suffices:
                continue
            of = f" for program {person.program}" if person.program else ""
            detail = f"{_WHY[answer.reason]}{of}"
            if rule.enforced:
                return self._verdict(Action.REFUSE, ruled, detail)
            warning = warning or self._verdict(Action.WARN, ruled, detail)
        return warning

    def _wait(self, ruled: Ruled, now: float) -> Verdict:
        """Nobody knows yet whether the person agreed: the message waits."""
        reason, detail = REASONS["filter_failed"], "the consents are still being loaded"
        return Verdict(Action.DEFER, self.name, ruled.name, ruled.place, reason, detail, now + PATIENCE)

    def _verdict(self, action: Action, ruled: Ruled, detail: str) -> Verdict:
        reason = REASONS["no_consent"] if action is Action.REFUSE else None
        return Verdict(action, self.name, ruled.name, ruled.place, reason, detail)
