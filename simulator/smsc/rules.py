"""Which rule of a profile takes a PDU."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from simulator.smsc.profile import Match, Rule


class Subject(NamedTuple):
    """What rules look at in a request."""

    command: str
    account: str
    source: str = ""
    destination: str = ""


class Rulebook:
    """The rules of a carrier, in order, with what each has counted so far. The first that matches acts."""

    def __init__(self, rules: Sequence[Rule], source: random.Random) -> None:
        self._source = source
        self._seen = [0] * len(rules)
        self._acted = [0] * len(rules)
        self._by_command: dict[str, list[tuple[int, Rule]]] = {}
        for index, rule in enumerate(rules):
            named = rule if rule.name else rule.model_copy(update={"name": f"rules[{index}]"})
            for command in rule.match.command:
                self._by_command.setdefault(command, []).append((index, named))

    def __contains__(self, command: str) -> bool:
        return command in self._by_command

    def find(self, subject: Subject) -> Rule | None:
        """The first rule that takes this PDU; counts it for every rule that comes before it and for it."""
        for index, rule in self._by_command.get(subject.command, ()):
            if self._takes(index, rule.match, subject):
                self._acted[index] += 1
                return rule
        return None

    def _takes(self, index: int, match: Match, subject: Subject) -> bool:
        if match.account and subject.account not in match.account:
            return False
        if match.destination and not subject.destination.startswith(match.destination):
            return False
        if match.source and not subject.source.startswith(match.source):
            return False
        self._seen[index] += 1
        seen = self._seen[index]
        if match.times is not None and self._acted[index] >= match.times:
            return False
        if match.nth and seen not in match.nth:
            return False
        if seen <= match.after or (match.every is not None and (seen - match.after) % match.every):
            return False
        return match.chance is None or self._source.random() < match.chance
