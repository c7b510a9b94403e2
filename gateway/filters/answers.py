"""What an outside service has answered about numbers, remembered for a while, within bounds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from gateway.filters.circuit import Circuit
from gateway.filters.suppression import ListType

CLEAR, FAILED = "clear", "failed"
"""On no list; and: it was asked and did not answer."""

TYPES = frozenset(map(str, ListType))


class Answers:
    """One service's answers by number: a list type, CLEAR or FAILED. The oldest go when there are more than
    `most`.
    """

    __slots__ = ("_known", "circuit", "most")

    def __init__(self, most: int = 100_000) -> None:
        self.most = most
        self.circuit = Circuit()
        self._known: dict[int, tuple[str, float]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def find(self, number: int, now: float) -> str | None:
        """The answer that holds at `now` (unix seconds), or None."""
        known = self._known.get(number)
        return known[0] if known is not None and known[1] > now else None

    def put(self, number: int, answer: str, until: float) -> None:
        """Remember an answer."""
        self._known.pop(number, None)
        self._known[number] = answer, until
        while len(self._known) > self.most:
            del self._known[next(iter(self._known))]


def question(numbers: Iterable[int]) -> bytes:
    """What a service is asked: JSON."""
    return json.dumps({"numbers": [str(number) for number in numbers]}).encode()


def understood(body: bytes, asked: Iterable[int]) -> Mapping[int, str]:
    """What it answered about those that it was asked, as far as that is an answer. Raises ValueError."""
    document = json.loads(body)
    answers = document.get("answers") if isinstance(document, dict) else None
    if not isinstance(answers, dict):
        raise ValueError("it answers no object with `answers`")
    found = {}
    for number in asked:
        said = answers.get(str(number), FAILED)
        if said is None:
            found[number] = CLEAR
        elif isinstance(said, str) and said in TYPES:
            found[number] = said
    return found
