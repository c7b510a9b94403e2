"""Rules of the packs made quick to apply: those in force that day, and what texts must contain."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from gateway.filters.fold import folded, view_s
from gateway.filters.glance import quick
from gateway.filters.packs import Rule, TextRule
from gateway.filters.rulebook import Ruled, Rules

DAY = 86400.0
MOST = 4096

PLAIN = re.compile(r"(?:\(\?i\))?(?:[A-Za-z0-9 |?]|\\b|\[[A-Za-z0-9 ]+-?\])+")
"""Patterns that mean the same to the engine of Rust where a text is in ASCII; it is ten times as quick."""

R = TypeVar("R", bound=Rule)
T = TypeVar("T")


class InForce(Generic[R, T]):
    """The rules of one kind in force, as `make` has them, made once for each set of rules and day."""

    __slots__ = ("_kind", "_known", "_make")

    def __init__(self, kind: type[R], make: Callable[[list[tuple[R, Ruled]]], T]) -> None:
        self._kind = kind
        self._make = make
        self._known: dict[int, tuple[Rules, float, float, T]] = {}

    def of(self, rules: Rules, now: float) -> T:
        """What was made of the rules in force at `now` (unix seconds)."""
        known = self._known.get(id(rules))
        if known is not None and known[1] <= now < known[2]:
            return known[3]
        made = self._make(rules.of(self._kind, now))
        if len(self._known) >= MOST:
            self._known.clear()
        begins = now // DAY * DAY
        self._known[id(rules)] = (
            rules,
            begins,
            begins + DAY,
            made,
        )  # holds `rules`, so that its id stays its own
        return made


class Mark:
    """What a rule of a pack asks a text to contain, made quick to look for."""

    __slots__ = ("_pattern", "_quick", "_signs", "_squashed", "rule", "ruled")

    def __init__(self, rule: TextRule, ruled: Ruled) -> None:
        self.rule = rule
        self.ruled = ruled
        self._pattern = re.compile(rule.pattern) if rule.pattern is not None else None
        plain = rule.pattern is not None and PLAIN.fullmatch(rule.pattern)
        self._quick = quick(rule.pattern) if rule.pattern is not None and plain else None
        self._squashed = tuple(filter(None, map(view_s, rule.any_of)))
        self._signs = tuple(phrase for phrase in rule.any_of if not view_s(phrase))

    def stands_in(self, text: str) -> bool:
        """Whether the text contains it: a pattern as it stands in the rule, phrases as a reader sees them."""
        if self._quick is not None and text.isascii():
            return self._quick(text.strip())
        if self._pattern is not None:
            return self._pattern.search(text.strip()) is not None
        return contains(folded(text).squashed, self._squashed) or contains(text, self._signs)


def contains(text: str, phrases: Iterable[str]) -> bool:
    """Whether any of the phrases stands in a text; a loop, since a generator would cost as much again."""
    for phrase in phrases:  # noqa: SIM110
        if phrase in text:
            return True
    return False
