"""What is known of people: lists, consents and counts, in memory, for the filters to look at.

It outlives the generations: filters of each look at the same one. Only the relay's people change it, in step
with the store.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.filters.answers import Answers
from gateway.filters.breakers import Breakers
from gateway.filters.consents import Consents
from gateway.filters.frequency import Counter, Limit
from gateway.filters.recents import Recents
from gateway.filters.suppression import Suppressions

CONSENTS, COUNTS = "consents", "counts"
PATIENCE = 5.0
"""Seconds until a message is judged again that waits for what is being loaded."""


class Known:
    """One node's knowledge. `changes` grows with every change that may forbid what was allowed before;
    `loading` names what is not all in memory yet after a start: CONSENTS, COUNTS. `shadowed` are the lists in
    shadow, which stop nothing.
    """

    __slots__ = (
        "_answers",
        "_counters",
        "breakers",
        "changes",
        "consents",
        "loading",
        "recents",
        "shadowed",
        "suppressions",
    )

    def __init__(self) -> None:
        self.suppressions = Suppressions()
        self.shadowed = Suppressions()
        self.consents = Consents()
        self.recents = Recents()
        self.breakers = Breakers()
        self.changes = 0
        self.loading: set[str] = set()
        self._answers: dict[str, Answers] = {}
        self._counters: dict[tuple[str, tuple[str, ...], tuple[Limit, ...]], Counter] = {}

    def answers(self, service: str) -> Answers:
        """What an outside service has answered."""
        answers = self._answers.get(service)
        if answers is None:
            answers = self._answers[service] = Answers()
        return answers

    def counter(self, rule: str, key: tuple[str, ...], limits: Sequence[Limit]) -> Counter:
        """The counts of a rule of frequency that does not count by person; one that has changed its key or
        limits begins anew.
        """
        identity = rule, key, tuple(limits)
        counter = self._counters.get(identity)
        if counter is None:
            counter = self._counters[identity] = Counter(limits)
        return counter

    def counters(self) -> list[Counter | Recents]:
        """All that counts."""
        return [self.recents, *self._counters.values()]
