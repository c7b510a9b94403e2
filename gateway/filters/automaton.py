"""The search of many words at once: a base, a small shard of what was added since, and the dead.

ahocorasick-rs can neither change an automaton nor pickle one, and it holds the interpreter while it builds
(figures in ``docs/words.md``). So the words lie in shards. At start the base is one shard, however large,
since one scan of it costs hardly more than a scan of a small one. Later changes touch only the last shards:
a fresh one of less than `FRESH` words, built again with each change, and when that is full the one before it,
which holds at most `SHARD` and then stays as it is. A word taken out stays in its shard as dead: whoever asks
maps keys to entries and finds none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

SHARD = 6_000
"""Words in one shard built beside running traffic: its build is the longest that anything waits for."""

FRESH = 1_000
"""Words up to which the last shard is built again with each change."""


Match = tuple[str, int, int]
"""A word, and from where to where (exclusive) of the text searched it was found."""


class Shard(NamedTuple):
    """Some words and the automaton that finds them."""

    words: list[str]
    automaton: AhoCorasick


class Automaton:
    """An immutable set of words that can be searched for. Shards are shared with the automata it was made
    from.
    """

    __slots__ = ("_finders", "dead", "shards")

    def __init__(self, shards: tuple[Shard, ...] = (), dead: frozenset[str] = frozenset()) -> None:
        self.shards = shards
        self.dead = dead
        self._finders = tuple((shard.automaton.find_matches_as_indexes, shard.words) for shard in shards)

    @classmethod
    def of(cls, words: Iterable[str]) -> Automaton:
        """All words in one shard: the fastest to search, and a stall while it builds."""
        return cls(_shards(list(words), 0))

    def __len__(self) -> int:
        """Words that live."""
        return sum(len(shard.words) for shard in self.shards) - len(self.dead)

    def find(self, text: str) -> list[Match]:
        """Every occurrence of every word, also within another; those of the dead too."""
        matches: list[Match] = []
        for find, words in self._finders:
            if found := find(text, True):
                matches += [(words[index], start, end) for index, start, end in found]
        return matches

    def changed(self, added: Iterable[str], removed: Iterable[str]) -> Automaton:
        """With words added that do not live in it yet, and living ones removed; builds shards of `SHARD` at
        most. Long ones are gone through word by word, so that nothing waits for a set to be made at once.
        """
        new = {word: None for word in added}  # noqa: C420
        gone = list(removed)
        revived = {word for word in new if word in self.dead}
        if len(gone) < FRESH:
            dead = self.dead.union(gone) - revived
        else:
            dead = frozenset(word for words in (self.dead, gone) for word in words if word not in revived)
        new = {word: None for word in new if word not in revived}
        kept = self.shards
        if len(dead) >= len(self.dead) + FRESH:
            kept, living = _worn_apart(kept, dead)
            new.update(living)
            there = {word for shard in kept for word in shard.words if word in dead}
            dead = frozenset(word for word in dead if word in there)
        if not new:
            return Automaton(kept, dead)
        while kept and len(kept[-1].words) < (FRESH if len(new) < FRESH else SHARD):
            last, kept = kept[-1].words, kept[:-1]
            new.update(dict.fromkeys(word for word in last if word not in dead))
            dead = dead.difference(last)
        return Automaton(kept + _shards(list(new), SHARD), dead)

    @property
    def worn(self) -> bool:
        """Whether more of its words are dead than alive, so that `compacted` would pay."""
        return len(self.dead) > len(self)

    def compacted(self, size: int = SHARD) -> Automaton:
        """The living words in new shards of `size`; 0 puts all in one, which stalls by its size. For a
        thread.
        """
        living = (word for shard in self.shards for word in shard.words if word not in self.dead)
        return Automaton(_shards(list(living), size))


def _worn_apart(shards: tuple[Shard, ...], dead: frozenset[str]) -> tuple[tuple[Shard, ...], dict[str, None]]:
    """The shards of which more words live than are dead, and the living words of the others. Word by word, so
    that nothing waits for long.
    """
    kept: list[Shard] = []
    living: dict[str, None] = {}
    for shard in shards:
        alive = [word for word in shard.words if word not in dead]
        if 2 * len(alive) >= len(shard.words):
            kept.append(shard)
        else:
            living.update(dict.fromkeys(alive))
    return tuple(kept), living


def _shards(words: list[str], size: int) -> tuple[Shard, ...]:
    step = size or max(len(words), 1)
    return tuple(_shard(words[first : first + step]) for first in range(0, len(words), step))


def _shard(words: list[str]) -> Shard:
    automaton = AhoCorasick(
        words, MatchKind.Standard, store_patterns=False, implementation=Implementation.ContiguousNFA
    )
    return Shard(words, automaton)
