"""From what the automaton found in one text to its hits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from typing import NamedTuple

from gateway.filters.automaton import Match
from gateway.filters.entries import Entry, Flags, Row, Severity
from gateway.filters.reading import Context, Cover, Reading, beside

MOST_HITS = 8
"""Hits of one entry that are reported of one text."""

MOST_LOOKS = 4000
"""Places of one text whose surroundings are looked at. What is found more often than that, in a text that is
nobody's ordinary one, counts wherever it stands, unless an allowed phrase covers it.
"""


FEW = 100
"""Matches up to which it is looked at beforehand whether any may be a hit."""


class Hit(NamedTuple):
    """An entry found in a text: `characters` are ``text[start:end]``, as the sender wrote them.

    `view` says how: "W" between word boundaries, "S" squashed, "R" with repeats collapsed, "pinyin", "split".
    `beside` is one of the entry's `unless` that stands near, in view S: of an entry that rejects or holds it
    is for the filter to say what that means, the others hit nothing there.
    """

    entry: Entry
    start: int
    end: int
    characters: str
    view: str
    beside: str = ""


class Target(NamedTuple):
    """What a key stands for: a row, seen in "S" or "R", or by its "pinyin" or "split" form.

    `squashed` is the word in view S, or the form. `bounded` says whether word boundaries apply; separators
    may then stand in `squashed` at the offsets `breaks`. `context` is of its `kind`.
    """

    row: Row
    kind: Entry
    view: str
    squashed: str
    bounded: bool
    breaks: Set[int]
    context: Context

    def counts(self, squashed: str, start: int, end: int) -> str | None:
        """What stands beside it and should not, where it is a hit all the same ("" for nothing); None where
        it is none, by what stands there or what does not.
        """
        found = beside(squashed, start, end, self.context)
        return found if not found or self.kind.severity >= Severity.HOLD else None

    def place(self, reading: Reading, first: int, last: int) -> tuple[int, int, str] | None:
        """Start and end in view S, and the view by which it counts; None if it does not.

        `first` and `last` are offsets in view R if this is seen in R, else in view S.
        """
        evade = int.__and__(self.kind.flags, Flags.EVADE) != 0  # `&` of flags takes microseconds
        if self.view == "R":
            return self._place_of_runs(reading, first, last, loose=evade or not self.bounded)
        if not self.bounded:
            return first, last, self.view
        if reading.is_word(first, last) and reading.breaks_fit(first, last, self.breaks):
            return first, last, "W" if self.view == "S" else self.view
        return (first, last, "S") if evade and self.view == "S" else None

    def anywhere(self, reading: Reading, first: int, last: int) -> tuple[int, int, str]:
        """Start and end in view S, whatever stands there."""
        return (*reading.squashed_span(first, last), "R") if self.view == "R" else (first, last, self.view)

    def _place_of_runs(
        self, reading: Reading, first: int, last: int, *, loose: bool
    ) -> tuple[int, int, str] | None:
        span = reading.run_span(first, last, self.squashed, loose)
        if span and (loose or reading.seams_fit(*span, self.squashed, self.breaks)):
            return *span, "R"
        return None


class View(NamedTuple):
    """What the automaton found in one view, and how to learn what a key stands for there."""

    matches: list[Match]
    targets: Callable[[str], Iterable[Target]]


def may_hit(view: View, squashed: str, who: tuple[str, str, float]) -> bool:
    """Whether any of what was found in a text with this view S may be a hit. Of the little that is found in
    an ordinary text most is none, by the words beside it alone: then nobody asks where words end and what
    lies where.
    """
    if len(view.matches) > FEW:
        return True
    looks = 0
    for key, first, last in view.matches:
        for target in view.targets(key):
            kind = target.kind
            if kind.severity is Severity.ALLOW or not kind.applies(*who):
                continue
            looks += 1
            if looks > MOST_LOOKS:
                return True
            if target.view == "R":  # whose offsets are others
                if target.context.may_be_in(squashed):
                    return True
            elif target.counts(squashed, first, last) is not None:
                return True
    return False


class Search:
    """The hits of one text, for a tenant and a category at a time (unix seconds): `who`."""

    __slots__ = ("_counts", "_hits", "_looks", "_reading", "_seen", "_who")

    def __init__(self, reading: Reading, who: tuple[str, str, float]) -> None:
        self._reading = reading
        self._who = who
        self._hits: list[Hit] = []
        self._counts: dict[Row, int] = {}
        self._looks = 0
        self._seen: set[tuple[Row, int, int]] = set()

    def hits(self, views: list[View]) -> tuple[Hit, ...]:
        """Those of all views that no allowed phrase covers, once each, by their place in the text."""
        cover: Cover | None = None
        for view in views:
            for target, start, end, seen, near in self._found(view, allowing=False):
                if cover is None:
                    cover = Cover(
                        [place[1:3] for each in views for place in self._found(each, allowing=True)]
                    )
                if not cover.covers(start, end):
                    self._add(target, start, end, seen, near)
        return tuple(sorted(self._hits, key=lambda hit: (hit.start, hit.end)))

    def _found(self, view: View, allowing: bool) -> Iterator[tuple[Target, int, int, str, str]]:
        """Targets that allow, or those that do not, where they count, with their places in view S and what
        stands beside them and should not; rows with hits enough are passed over.
        """
        reading, counts = self._reading, self._counts
        plan: dict[str, list[Target]] = {}
        for key, first, last in view.matches:
            targets = plan.get(key)
            if targets is None:
                targets = plan[key] = self._applying(view.targets(key), allowing)
            for target in targets:
                if counts and counts.get(target.row, 0) >= MOST_HITS:
                    continue
                if not allowing:
                    self._looks += 1
                    if self._looks > MOST_LOOKS:
                        yield target, *target.anywhere(reading, first, last), ""
                        continue
                place = target.place(reading, first, last)
                if place is None:
                    continue
                found = target.counts(reading.squashed, place[0], place[1])
                if found is not None:
                    yield target, *place, found

    def _applying(self, targets: Iterable[Target], allowing: bool) -> list[Target]:
        """Those that count for this text, by their scopes and times."""
        return [
            target
            for target in targets
            if (target.kind.severity is Severity.ALLOW) is allowing and target.kind.applies(*self._who)
        ]

    def _add(self, target: Target, start: int, end: int, view: str, near: str) -> None:
        row = target.row
        if (row, start, end) not in self._seen:
            self._seen.add((row, start, end))
            self._counts[row] = self._counts.get(row, 0) + 1
            begin, stop = self._reading.original(start, end)
            entry = target.kind._replace(word=row[0], line=row[1])
            self._hits.append(Hit(entry, begin, stop, self._reading.text[begin:stop], view, near))
