"""The filter that goes by what outside services say of a number: do-not-call registries, reassigned numbers,
carriers' own systems against harassment.

It only looks at answers that are there. What no service has answered yet is deferred for as long as an
answer may take; whoever defers it has the service asked, and has the message judged again.
"""

from __future__ import annotations

from typing import ClassVar

from gateway.filters.answers import CLEAR, FAILED, Answers
from gateway.filters.known import Known
from gateway.filters.persons import Persons
from gateway.filters.suppression import PASSES, REASON, ListType
from gateway.filters.verdict import REASONS, Action, Verdict
from gateway.message import Message
from gateway.settings.protection import Lookup as Settings
from gateway.settings.protection import LookupService

SPARE = 1.0
"""Seconds after the deadline when a message is judged again, were its answer lost."""


class Lookup:
    """Refuses what a service's list forbids; waits for answers; goes by `fails` where there are none."""

    name: ClassVar[str] = "lookup"

    def __init__(self, persons: Persons, known: Known, settings: Settings) -> None:
        self.persons = persons
        self.known = known
        self.settings = settings
        self.idle = not settings.services

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A refusal, a deferral until the answers should be there, or the verdict of a failure."""
        if not self.settings.services:
            return None
        failed = waiting = None
        for service, number in self.concerned(message):
            answers = self.known.answers(service.name)
            answer = answers.find(number, now)
            if answer is None:
                if answers.circuit.refuses(now):
                    failed = service
                else:
                    waiting = service
            elif answer == FAILED:
                failed = service
            elif answer != CLEAR and message.category not in PASSES[ListType(answer)]:
                reason = REASONS[REASON[ListType(answer)]]
                return Verdict(Action.REFUSE, self.name, f"{answer} ({service.name})", "", reason)
        if failed is not None:
            return self._failed(failed, message)
        if waiting is not None:
            until = now + waiting.deadline + SPARE
            reason, detail = REASONS["filter_failed"], "not answered yet: it is asked"
            return Verdict(Action.DEFER, self.name, waiting.name, "", reason, detail, until)
        return None

    def concerned(self, message: Message) -> list[tuple[LookupService, int]]:
        """The services that are for a message, with its number."""
        services = [
            service
            for service in self.settings.services
            if not service.categories or message.category in service.categories
        ]
        person = self.persons.person(message) if services else None
        if person is None:
            return []
        return [
            (service, int(person.digits))
            for service in services
            if not service.prefixes or person.digits.startswith(service.prefixes)
        ]

    def unanswered(self, message: Message, now: float) -> list[tuple[LookupService, int]]:
        """Which of them are to be asked."""
        return [
            (service, number)
            for service, number in self.concerned(message)
            if self.known.answers(service.name).find(number, now) is None
        ]

    def shown(self, message: Message, now: float) -> list[dict[str, str]]:
        """What is known of a message's number, for people."""
        return [
            {"service": service.name, "answer": _said(self.known.answers(service.name), number, now)}
            for service, number in self.concerned(message)
        ]

    def _failed(self, service: LookupService, message: Message) -> Verdict:
        closed = self.settings.fails == "closed" or message.category == "promotional"
        return Verdict(
            Action.REFUSE if closed else Action.WARN,
            self.name,
            service.name,
            reason=REASONS["filter_failed"] if closed else None,
            detail="it does not answer",
        )


def _said(answers: Answers, number: int, now: float) -> str:
    answer = answers.find(number, now)
    if answer is not None:
        return f"{answer}, remembered"
    if answers.circuit.refuses(now):
        return "not known, and not asked: it fails"
    return "not known: it would be asked"
