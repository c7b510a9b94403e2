"""The search of many words at once: a base, small shards of what was added since, and the dead.

No automaton can be changed once it is built. So the words lie in shards. A change of a few words goes into a
fresh shard of less than `FRESH`, built again with each change by ahocorasick-rs, and when that is full into
the one before it, of `SHARD` at most. A change of more is one shard of its own, built by daachorse, which
searches in half the time and, where there are many words, builds in another process (``foundry.py``). A word
taken out stays in its shard as dead: whoever asks maps keys to entries and finds none. Each shard is
searched, so when there are more than `MOST_SHARDS`, or more dead than living words, the automaton is `worn`,
and all is `gathered` into a new base.

Each shard also finds the letters of its words where they stand twice: in passing, which costs a tenth of what
a search for repeats alone would take.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from string import digits as DIGITS
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from gateway.filters.foundry import Large, forged
from gateway.filters.unhurried import unhurried

SHARD = 6_000
"""Words up to which a shard is built by ahocorasick-rs, which holds the interpreter meanwhile."""

FRESH = 1_000
"""Words up to which the last shard is built again with each change."""

MOST_SHARDS = 3
"""The base, one that fills and the fresh one."""


Match = tuple[str, int, int]
"""A word, and from where to where (exclusive) of the text searched it was found."""


class Shard(NamedTuple):
    """Some words and the automaton that finds them, and their letters doubled, which come behind them."""

    words: list[str]
    automaton: AhoCorasick | Large


class Automaton:
    """An immutable set of words that can be searched for. Shards are shared with the automata it was made
    from.
    """

    __slots__ = ("_large", "_small", "dead", "shards")

    def __init__(self, shards: tuple[Shard, ...] = (), dead: frozenset[str] = frozenset()) -> None:
        self.shards = shards
        self.dead = dead
        self._large = tuple(
            (automaton.find_overlapping, words) for words, automaton in shards if isinstance(automaton, Large)
        )
        self._small = tuple(
            (automaton.find_matches_as_indexes, words)
            for words, automaton in shards
            if isinstance(automaton, AhoCorasick)
        )

    @classmethod
    def of(cls, words: Iterable[str]) -> Automaton:
        """All words in one base, built here and now: for the start, when nothing waits."""
        base = list(words)
        return cls((Shard(base, Large([*base, *_doubled(base)])),) if base else ())

    def __len__(self) -> int:
        """Words that live."""
        return sum(len(shard.words) for shard in self.shards) - len(self.dead)

    def find(self, text: str) -> list[Match]:
        """Every occurrence of every word, also within another; those of the dead too."""
        return self.look(text)[0]

    def look(self, text: str) -> tuple[list[Match], list[int]]:
        """What `find` gives, and the offsets of the letters that the same letter follows, in order: of those
        that any of the words has, and of no digits.
        """
        matches: list[Match] = []
        repeats: list[int] = []
        for find, words in self._large:
            count = len(words)
            for start, end, index in find(text):
                if index < count:
                    matches.append((words[index], start, end))
                else:
                    repeats.append(start)
        for search, words in self._small:
            count = len(words)
            for index, start, end in search(text, True):
                if index < count:
                    matches.append((words[index], start, end))
                else:
                    repeats.append(start)
        if len(self.shards) > 1 and repeats:
            repeats = sorted(set(repeats))
        return matches, repeats

    def changed(self, added: Iterable[str], removed: Iterable[str]) -> Automaton:
        """With words added that do not live in it yet, and living ones removed. Long ones are gone through
        word by word, so that nothing waits for a set to be made at once. Raises NotBuilt.
        """
        new = {word: None for word in unhurried(added)}  # noqa: C420
        gone = list(removed)
        revived = {word for word in unhurried(new) if word in self.dead}
        if len(gone) < FRESH:
            dead = self.dead.union(gone) - revived
        else:
            dead = frozenset(
                word for words in (self.dead, gone) for word in unhurried(words) if word not in revived
            )
        new = {word: None for word in unhurried(new) if word not in revived}
        kept = self.shards
        if len(dead) >= len(self.dead) + FRESH:
            kept, living = _worn_apart(kept, dead)
            new.update(living)
            there = {word for shard in kept for word in unhurried(shard.words) if word in dead}
            dead = frozenset(word for word in unhurried(dead) if word in there)
        if not new:
            return Automaton(kept, dead)
        while kept and len(kept[-1].words) < (FRESH if len(new) < FRESH else SHARD):
            last, kept = kept[-1].words, kept[:-1]
            new.update(dict.fromkeys(word for word in last if word not in dead))
            dead = dead.difference(last)
        return Automaton((*kept, _shard(list(new))), dead)

    @property
    def worn(self) -> bool:
        """Whether it takes so long to search, or keeps so much that is dead, that `gathered` would pay."""
        return len(self.shards) > MOST_SHARDS or len(self.dead) > len(self)

    def gathered(self) -> Automaton:
        """The living words in one base. For a thread; raises NotBuilt."""
        living = [word for shard in self.shards for word in unhurried(shard.words) if word not in self.dead]
        return Automaton((_large(living),) if living else ())

    def differing(self, other: Automaton) -> Iterator[str]:
        """All words that may live in one of the two and not in the other, some of them more than once; few
        where the two share their base.
        """
        yield from self.dead ^ other.dead
        for one, two in ((self, other), (other, self)):
            known = {id(shard.automaton) for shard in two.shards}
            for shard in one.shards:
                if id(shard.automaton) not in known:
                    yield from shard.words


def _worn_apart(shards: tuple[Shard, ...], dead: frozenset[str]) -> tuple[tuple[Shard, ...], dict[str, None]]:
    """The shards of which more words live than are dead, and the living words of the others. Word by word, so
    that nothing waits for long.
    """
    kept: list[Shard] = []
    living: dict[str, None] = {}
    for shard in shards:
        alive = [word for word in unhurried(shard.words) if word not in dead]
        if 2 * len(alive) >= len(shard.words):
            kept.append(shard)
        else:
            living.update(dict.fromkeys(alive))
    return tuple(kept), living


def _shard(words: list[str]) -> Shard:
    if len(words) > SHARD:
        return _large(words)
    kind, implementation = MatchKind.Standard, Implementation.ContiguousNFA
    patterns = [*words, *_doubled(words)]
    return Shard(words, AhoCorasick(patterns, kind, store_patterns=False, implementation=implementation))


def _large(words: list[str]) -> Shard:
    """For a thread, where there are many words. Raises NotBuilt."""
    return Shard(words, forged([*words, *_doubled(words)]))


def _doubled(words: list[str]) -> list[str]:
    """The letters of these words, each twice."""
    letters: set[str] = set()
    for word in unhurried(words):
        letters.update(word)
    return [letter * 2 for letter in letters if letter not in DIGITS]
