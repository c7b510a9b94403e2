"""What the packs ask texts to contain, made quick to look for."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.filters.fold import view_s
from gateway.filters.packs import TextRule
from gateway.filters.rulebook import Ruled, Rules

DAY = 86400.0


class Mark:
    """What a rule of a pack asks a text to contain, made quick to look for."""

    __slots__ = ("_pattern", "_plain", "_squashed", "rule", "ruled")

    def __init__(self, rule: TextRule, ruled: Ruled) -> None:
        self.rule = rule
        self.ruled = ruled
        self._pattern = re.compile(rule.pattern) if rule.pattern is not None else None
        self._plain = rule.any_of
        self._squashed = tuple(filter(None, map(view_s, rule.any_of)))

    def stands_in(self, text: str, squashed: str | None = None) -> bool:
        """Whether the text contains it, as it stands in the rule or, for phrases, as a reader sees it."""
        if self._pattern is not None:
            return self._pattern.search(text.strip()) is not None
        if any(phrase in text for phrase in self._plain):
            return True
        seen = view_s(text) if squashed is None else squashed
        return any(phrase in seen for phrase in self._squashed)


class Marks:
    """The marks of those rules that `wanted` chooses, made once for each set of rules and day."""

    __slots__ = ("_known", "_wanted")

    def __init__(self, wanted: Callable[[TextRule], bool] = lambda rule: True) -> None:
        self._wanted = wanted
        self._known: dict[int, tuple[Rules, int, tuple[Mark, ...]]] = {}

    def of(self, rules: Rules, now: float) -> tuple[Mark, ...]:
        """The marks of the rules in force at `now` (unix seconds)."""
        day = int(now // DAY)
        known = self._known.get(id(rules))
        if known is None or known[1] != day:
            marks = tuple(Mark(rule, ruled) for rule, ruled in rules.of(TextRule, now) if self._wanted(rule))
            known = self._known[id(rules)] = rules, day, marks  # holds `rules`, so that its id stays its own
        return known[2]
