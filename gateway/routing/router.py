"""The routes of one generation, compiled: the first rule that matches a message names its carriers in order.

Which of them takes the message is decided when a slot is free (late binding); see `candidates`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

from gateway.message import Message
from gateway.settings.models import Match, Route


class Health(Enum):
    """Whether a carrier can take a message now, and if not, why it is passed over."""

    READY = "ready"
    DOWN = "down"
    FULL = "full"
    THROTTLED = "throttled"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Rule:
    """One route with its conditions made quick to test; an empty condition matches everything."""

    name: str
    carriers: tuple[str, ...]
    accounts: frozenset[str]
    categories: frozenset[str]
    destinations: tuple[str, ...]
    sources: frozenset[str]
    source_prefixes: tuple[str, ...]
    text: re.Pattern[str] | None

    def matches(self, message: Message) -> bool:
        """Whether every condition holds; a binary message matches no text condition."""
        if self.accounts and message.account not in self.accounts:
            return False
        if self.categories and message.category not in self.categories:
            return False
        if self.destinations and not message.destination.startswith(self.destinations):
            return False
        named = self.sources or self.source_prefixes
        if (
            named
            and message.source not in self.sources
            and not message.source.startswith(self.source_prefixes)
        ):
            return False
        return self.text is None or bool(self.text.search(message.text or ""))


def compile_rule(route: Route) -> Rule:
    """Make a rule of a route as the admin wrote it."""
    match: Match = route.match
    return Rule(
        name=route.name,
        carriers=tuple(route.carriers),
        accounts=frozenset(match.account),
        categories=frozenset(match.category),
        destinations=tuple(match.destination),
        sources=frozenset(source for source in match.source if not source.endswith("*")),
        source_prefixes=tuple(source[:-1] for source in match.source if source.endswith("*")),
        text=match.text,
    )


class Router:
    """All rules of one generation."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.rules = tuple(compile_rule(route) for route in routes)

    def choose(self, message: Message) -> Rule | None:
        """The first rule that matches, or None: then no carrier may take the message.

        What one carrier alone may take goes there, whatever the rules say.
        """
        if message.by:
            return only(message.by)
        for rule in self.rules:
            if rule.matches(message):
                return rule
        return None


@cache
def only(carrier: str) -> Rule:
    """The rule of messages that one carrier alone may take."""
    return Rule(f"back by {carrier}", (carrier,), frozenset(), frozenset(), (), frozenset(), (), None)


def candidates(
    carriers: Sequence[str], health: Callable[[str], Health]
) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """The first carrier that is ready, and those passed over before it with the reason; a carrier unknown
    is down.
    """
    passed: list[tuple[str, str]] = []
    for name in carriers:
        state = health(name)
        if state is Health.READY:
            return name, tuple(passed)
        passed.append((name, state.value))
    return None, tuple(passed)
