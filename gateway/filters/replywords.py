"""What a reply means: opt-out, opt-in, help, confirmation, by the words of the packs.

Three tiers, each tried for the whole reply before the next: the whole reply is a word of the list, however it
is spaced or dressed; a short reply begins with one; a phrase stands somewhere in it. Opt-outs go before all
else, so that a doubt is the person's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

from gateway.filters.fold import fold as fold_text
from gateway.filters.packs import ReplyRule
from gateway.filters.rulebook import Ruled

SHORT = 4
"""Words of a reply whose first word speaks for it; beside a word of Han, so many characters."""

IDEOGRAPHS = 0x2E80
"""From here on are the scripts that put no spaces between words."""


class ReplyClass(StrEnum):
    """What a reply asks for, in order of precedence."""

    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"
    CONFIRM = "confirm"
    REFUSE = "refuse"


class Tier(StrEnum):
    """How a reply matched, surest first."""

    EXACT = "exact"
    FIRST = "first"
    PHRASE = "phrase"


class WordRule(NamedTuple):
    """The words of one kind and language. `unless` are words that take a reply out of `first` and `phrases`.

    `review`: what `first` and `phrases` catch is for a person to look at. `scope` is how far an opt-out
    reaches: tenant, program or category. `place` is the file and line.
    """

    name: str
    kind: ReplyClass
    words: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    review: bool = False
    scope: str = "program"
    place: str = ""


class Reading(NamedTuple):
    """What a reply means, by which word of which rule, and whether a person should look first."""

    kind: ReplyClass
    rule: WordRule
    tier: Tier
    word: str
    review: bool


def word_rules(rules: Iterable[tuple[ReplyRule, Ruled]]) -> list[WordRule]:
    """The reply rules of a pack (`Rules.of(ReplyRule, now)`) for the reader."""
    return [
        WordRule(
            ruled.name,
            ReplyClass(rule.kind),
            rule.words,
            rule.first,
            rule.phrases,
            rule.unless,
            rule.review,
            rule.scope,
            ruled.place,
        )
        for rule, ruled in rules
    ]


class _Term(NamedTuple):
    """A word or phrase as folded: `spaced` with single spaces around and between words, `squashed` without
    any.
    """

    rule: WordRule
    word: str
    spaced: str
    squashed: str
    unless: tuple[str, ...]

    def stands_in(self, spaced: str, squashed: str) -> bool:
        return self.squashed in squashed if _is_unspaced(self.squashed) else self.spaced in spaced

    def begins(self, spaced: str, squashed: str) -> bool:
        if _is_unspaced(self.squashed):
            return squashed.startswith(self.squashed) and len(squashed) <= len(self.squashed) + SHORT
        return spaced.startswith(self.spaced) and spaced.count(" ") - 1 <= SHORT


class ReplyWords:
    """The reader of replies for one set of rules. Immutable.

    `fold` gives the words of a text as they are read. Raises ValueError for a word of which nothing is left
    when folded, and for a `first` or phrase of one letter, which would take half of all replies.
    """

    __slots__ = ("_exact", "_first", "_fold", "_phrases")

    def __init__(self, rules: Iterable[WordRule], fold: Callable[[str], list[str]] = fold_text) -> None:
        self._fold = fold
        self._exact: dict[str, _Term] = {}
        self._first: list[_Term] = []
        self._phrases: list[_Term] = []
        order = list(ReplyClass)
        for rule in sorted(rules, key=lambda rule: order.index(rule.kind)):
            unless = tuple(self._folded(word)[1] for word in rule.unless)
            for word in rule.words:
                term = _Term(rule, word, *self._folded(word), unless)
                self._exact.setdefault(term.squashed, term)
            self._first += [self._longer_term(rule, word, unless) for word in rule.first]
            self._phrases += [self._longer_term(rule, word, unless) for word in rule.phrases]

    def read(self, text: str) -> Reading | None:
        """What the reply means, or None when it means nothing to the rules."""
        tokens = self._fold(text)
        squashed = "".join(tokens)
        exact = self._exact.get(squashed)
        if exact is not None:
            return Reading(exact.rule.kind, exact.rule, Tier.EXACT, exact.word, review=False)
        spaced = f" {' '.join(tokens)} "
        for term in self._first:
            if term.begins(spaced, squashed) and not _excepted(term, squashed):
                return Reading(term.rule.kind, term.rule, Tier.FIRST, term.word, term.rule.review)
        for term in self._phrases:
            if term.stands_in(spaced, squashed) and not _excepted(term, squashed):
                return Reading(term.rule.kind, term.rule, Tier.PHRASE, term.word, term.rule.review)
        return None

    def _folded(self, word: str) -> tuple[str, str]:
        tokens = self._fold(word)
        if not tokens:
            raise ValueError(f"nothing is left of the word '{word}' when it is folded")
        return f" {' '.join(tokens)} ", "".join(tokens)

    def _longer_term(self, rule: WordRule, word: str, unless: tuple[str, ...]) -> _Term:
        spaced, squashed = self._folded(word)
        if len(squashed) < 2:
            raise ValueError(f"'{word}' of {rule.name} is too short to stand in a longer reply")
        return _Term(rule, word, spaced, squashed, unless)


def _excepted(term: _Term, squashed: str) -> bool:
    return any(word in squashed for word in term.unless)


def _is_unspaced(squashed: str) -> bool:
    return any(ord(character) >= IDEOGRAPHS for character in squashed)
