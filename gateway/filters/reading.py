"""One text looked at closely: where its words end, what stands near, and where in the original a hit lies.

Everything here is worked out when first asked for, and only for texts in which the automaton found something.
All offsets are in view S unless said otherwise.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Set
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

from gateway.filters.automaton import Match
from gateway.filters.entries import Entry, is_unspaced
from gateway.filters.fold import Folded, Origins, run_starts, runs, view_s

NEARNESS = 40
"""Characters of view S on either side of a hit in which its context words are looked for."""

SHORTEST_APART = 3
"""Letters that a word needs at least to be read with its letters set apart ("w o r d")."""


class Context(NamedTuple):
    """The words that must stand near a hit, one of them, and those that should not; in view S."""

    near: tuple[str, ...]
    unless: tuple[str, ...]

    @classmethod
    def of(cls, kind: Entry) -> Context:
        """What an entry asks for."""
        return cls(_folded(kind.near), _folded(kind.unless))

    def may_be_in(self, squashed: str) -> bool:
        """Whether a text has a word that must be near, if any must."""
        return not self.near or any(word in squashed for word in self.near)


class Reading:
    """A text with its views W and S, and R as it is without these `repeats` of S."""

    __slots__ = ("_bounds_", "_folded", "_origins_", "_repeats", "_runs_", "squashed", "text")

    def __init__(self, folded: Folded, repeats: list[int]) -> None:
        self.text = folded.text
        self.squashed = folded.squashed
        self._folded = folded
        self._repeats = repeats
        self._bounds_: list[int] | None = None
        self._runs_: list[int] | None = None
        self._origins_: Origins | None = None

    def is_word(self, start: int, end: int) -> bool:
        """Whether a word begins at `start` and one ends at `end`."""
        return self._is_edge(start) and self._is_edge(end)

    def breaks_fit(self, start: int, end: int, allowed: Set[int]) -> bool:
        """Whether separators stand only where allowed (offsets from `start`), or between all letters, of the
        whole or of some of its words.
        """
        inner = self._breaks(start, end)
        apart = len(inner) == end - start - 1 >= SHORTEST_APART - 1
        stray = [offset - start for offset in inner if offset - start not in allowed]
        if apart or not stray:
            return True
        if not allowed:
            return False
        edges = (0, *sorted(allowed), end - start)
        lengths = Counter(bisect_right(edges, offset) for offset in stray)
        return all(
            edges[word] - edges[word - 1] == count + 1 >= SHORTEST_APART for word, count in lengths.items()
        )

    def squashed_span(self, first: int, last: int) -> tuple[int, int]:
        """Where in view S `first` to `last` of view R is."""
        return self._runs[first], self._runs[last]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span in the original text."""
        return self._origins.of(start), self._origins.of(end - 1) + 1

    def run_span(self, first: int, last: int, squashed: str, loose: bool) -> tuple[int, int] | None:
        """The span of a match from `first` to `last` of view R, if it may be one of the word with this view
        S.

        It is one if every run of a letter is at least as long as the word's own, and, unless `loose`, if it
        lies between word boundaries. None too where the word stands there without repeats: view S has that
        one.
        """
        starts = self._runs[first : last + 1]
        needed = _lengths_of(squashed)
        if any(length < need for length, need in zip(_lengths(starts), needed, strict=True)):
            return None
        start, end = starts[0], starts[-1]
        if loose:
            return None if squashed in self.squashed[start:end] else (start, end)
        begin = next(filter(self._is_edge, range(start, starts[1] - needed[0] + 1)), end)
        stop = next(filter(self._is_edge, range(end, starts[-2] + needed[-1] - 1, -1)), start)
        return (begin, stop) if begin < stop else None

    def seams_fit(self, start: int, end: int, squashed: str, allowed: Set[int]) -> bool:
        """As `breaks_fit` for a span with repeats: breaks count by the runs that they are between or in."""
        inner = self._breaks(start, end)
        if not inner or len(inner) == end - start - 1:
            return True
        within = slice(bisect_right(self._runs, start), bisect_left(self._runs, end))
        starts = [start, *self._runs[within], end]
        own = run_starts(squashed)
        seams = {_seam(own, offset) for offset in allowed}
        return all(_seam(starts, offset) in seams for offset in inner)

    def _is_edge(self, offset: int) -> bool:
        bounds = self._bounds
        if bounds[bisect_left(bounds, offset)] == offset:
            return True
        return is_unspaced(self.squashed[offset - 1]) or is_unspaced(self.squashed[offset])

    def _breaks(self, start: int, end: int) -> list[int]:
        """Token boundaries strictly within."""
        return self._bounds[bisect_right(self._bounds, start) : bisect_left(self._bounds, end)]

    @property
    def _bounds(self) -> list[int]:
        if self._bounds_ is None:
            self._bounds_ = [0, *accumulate(map(len, self._folded.tokens))]
        return self._bounds_

    @property
    def _runs(self) -> list[int]:
        if self._runs_ is None:
            self._runs_ = runs(self.squashed, self._repeats)
        return self._runs_

    @property
    def _origins(self) -> Origins:
        if self._origins_ is None:
            self._origins_ = Origins(self.text)
        return self._origins_


def spanning(matches: list[Match], repeats: list[int]) -> list[Match]:
    """Those of view R that stand for more characters of view S, which has these `repeats`: of the others S
    says the same.
    """
    runs = [offset - before for before, offset in enumerate(repeats)]
    runs.append(sys.maxsize)
    return [match for match in matches if runs[bisect_left(runs, match[1])] < match[2]]


class Cover:
    """Spans that allowed phrases cover."""

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        spans = sorted(spans)
        self._starts = [start for start, _ in spans]
        self._reach = list(accumulate((end for _, end in spans), max))

    def covers(self, start: int, end: int) -> bool:
        """Whether one of them covers all from `start` to `end`."""
        index = bisect_right(self._starts, start) - 1
        return index >= 0 and self._reach[index] >= end


def beside(squashed: str, start: int, end: int, context: Context) -> str | None:
    """The word near a hit that should not be, "" if there is none; None if none of those that must be is."""
    near, unless = context
    if not near and not unless:
        return ""
    around = f"{squashed[max(0, start - NEARNESS) : start]} {squashed[end : end + NEARNESS]}"
    if near and not _one_in(near, around):
        return None
    return _one_in(unless, around)


def _one_in(words: tuple[str, ...], around: str) -> str:
    for word in words:
        if word in around:
            return word
    return ""


@lru_cache(maxsize=4096)
def _folded(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(None, map(view_s, words)))


@lru_cache(maxsize=256)
def _lengths_of(squashed: str) -> list[int]:
    """How long the runs of a word are."""
    return _lengths(run_starts(squashed))


def _lengths(starts: list[int]) -> list[int]:
    return [after - before for before, after in pairwise(starts)]


def _seam(starts: list[int], offset: int) -> int:
    """Where an offset lies among runs: even between two runs, odd within one."""
    index = bisect_left(starts, offset)
    return 2 * index - (starts[index] != offset)
