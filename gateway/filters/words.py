"""The search of a text for the entries of all lists.

A text is folded once; its view S is searched once, and view R once more where it differs. Most texts end
there. Only where something was found are boundaries, breaks, context words, allowed phrases and the places in
the original looked at (``reading.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import sleep

from gateway.filters.automaton import Automaton, Match
from gateway.filters.edits import Edit, Edits
from gateway.filters.entries import (
    Entry,
    Form,
    Kinds,
    Row,
    breaks,
    forms,
    is_spaced,
    keys,
)
from gateway.filters.fold import collapsed, folded, view_s
from gateway.filters.layered import Layered
from gateway.filters.reading import Context, Reading, spanning
from gateway.filters.search import Hit, Search, Target, View, may_hit
from gateway.filters.unhurried import unhurried
from gateway.filters.wordfiles import ListFile

__all__ = ["Hit", "WordList"]

Plain = Layered[Row]
"""The rows whose word has this view S."""

Derived = Layered[str]
"""The views S of the words of which this is a form."""

Targets = dict[str, tuple[Target, ...]]
"""What keys stand for."""

SLICE = 1000
"""Small things that are freed in one go."""

REMEMBERED = 1000
"""Keys of which it is remembered what they stand for: the same ones are found again and again."""


class WordList:
    """All entries in force, ready to search. Made by `of`, changed by `edited`; threads may share one."""

    __slots__ = (
        "_collapsed",
        "_covered",
        "_derived",
        "_plain",
        "_run_targets",
        "_targets",
        "automaton",
        "edits",
        "kinds",
        "lists",
        "repeats",
    )

    def __init__(self, kinds: Kinds) -> None:
        self._plain: Plain = Layered()
        self._collapsed: Derived = Layered()
        self._derived: Derived = Layered()
        self._covered: dict[str, tuple[Row, ...]] = {}
        self._targets: Targets = {}
        self._run_targets: Targets = {}
        self.edits = Edits()
        self.kinds = kinds
        self.automaton = Automaton()
        self.lists: tuple[ListFile, ...] = ()
        self.repeats = True

    @classmethod
    def of(cls, entries: Iterable[Entry] = ()) -> WordList:
        """A list of these entries, built whole; entries whose word folds to nothing are left out.

        The build is here and now (figures in ``docs/words.md``), so it is for the start; later lists come of
        this one by `changed` and `edited`, where nothing stalls longer than one small build.
        """
        kinds = Kinds()
        return cls.of_rows(kinds, map(kinds.row, entries))

    @classmethod
    def of_rows(cls, kinds: Kinds, rows: Iterable[Row]) -> WordList:
        """`of` for rows of these kinds."""
        words = cls(kinds)
        for row in rows:
            words._enter(row)
        words._merge()
        words.automaton = Automaton.of(dict.fromkeys((*words._plain, *words._collapsed, *words._derived)))
        return words

    def changed(self, added: Iterable[Row], removed: Iterable[Row]) -> WordList:
        """The list without some rows of its files and with some more; what edits say of them holds."""
        new = self._copy()
        coming, going = new._covering(added), new._uncovering(removed)
        new._change(self, coming, going)
        return new

    def edited(self, edits: Iterable[Edit]) -> WordList:
        """The list after some more edits, in their order. Raises ValueError for one that makes no sense."""
        edits = tuple(edits)
        new = self._copy()
        new.edits = self.edits.after(edits)
        added: list[Row] = []
        removed: list[Row] = []
        for key in dict.fromkeys(edit.key for edit in edits):
            rows = self.rows_of(key)
            own = [self.kinds.row(entry) for entry in self.edits.added(key)]
            rest = [row for row in rows if row not in own]
            there = (*rest, *(self.kinds.row(entry) for entry in new.edits.added(key)))
            removed += [one for row in rows for one in self.edits.rows(key, row, self.kinds)]
            added += [one for row in there for one in new.edits.rows(key, row, self.kinds)]
            new._covered.pop(key, None)
            if key in new.edits.overridden:
                new._covered[key] = there
        new._change(self, added, removed)
        return new

    def rows_of(self, key: str) -> tuple[Row, ...]:
        """The rows of words with this view S as lists and edits added them, whatever was done to them."""
        if key in self._covered:
            return self._covered[key]
        return tuple(row for row in self._plain.get(key) if view_s(row[0]) == key)

    def _covering(self, rows: Iterable[Row]) -> Iterator[Row]:
        """What is in force in place of rows that come in; those that edits cover are remembered."""
        for row in rows:
            if self.edits.overridden and (key := view_s(row[0])) in self.edits.overridden:
                self._covered[key] = (*self._covered.get(key, ()), row)
                yield from self.edits.rows(key, row, self.kinds)
            else:
                yield row

    def _uncovering(self, rows: Iterable[Row]) -> Iterator[Row]:
        """What was in force in place of rows that go."""
        for row in rows:
            if self.edits.overridden and (key := view_s(row[0])) in self.edits.overridden:
                self._covered[key] = tuple(one for one in self._covered.get(key, ()) if one != row)
                yield from self.edits.rows(key, row, self.kinds)
            else:
                yield row

    def _change(self, before: WordList, added: Iterable[Row], removed: Iterable[Row]) -> None:
        touched: set[str] = set()
        for row in unhurried(removed):
            touched.update(self._withdraw(row))
        for row in unhurried(added):
            touched.update(self._enter(row))
        appeared = [key for key in unhurried(touched) if self._knows(key) and not before._knows(key)]
        vanished = [key for key in unhurried(touched) if before._knows(key) and not self._knows(key)]
        self.automaton = before.automaton.changed(appeared, vanished)
        self._merge()

    def gathered(self) -> Automaton:
        """What `upon` puts this list, or one that came of it, upon: worth it when ``automaton.worn``. It
        takes its time, in a thread. Raises NotBuilt.
        """
        return self.automaton.gathered()

    def upon(self, base: Automaton, before: WordList) -> WordList:
        """The same list, searched by what was `gathered` of the list `before`, of which this one came."""
        new = self.again()
        differing = dict.fromkeys(self.automaton.differing(before.automaton))
        appeared = [key for key in differing if self._knows(key) and not before._knows(key)]
        vanished = [key for key in differing if before._knows(key) and not self._knows(key)]
        new.automaton = base.changed(appeared, vanished)
        return new

    def entries(self) -> Iterator[Entry]:
        """Every entry."""
        for row in dict.fromkeys(row for key in self._plain for row in self._plain.get(key)):
            yield self.kinds.entry(row)

    def remains(self) -> list[object]:
        """All the small things that it is made of, for `let_go`."""
        pile: list[object] = []
        for index in (self._plain, self._collapsed, self._derived):
            for pieces in index.pieces():
                pile += pieces
        for shard in self.automaton.shards:
            pile += shard.words
        for one in self.lists:
            pile += one.rows
        return pile

    def scan(self, text: str, tenant: str = "", category: str = "", now: float = 0.0) -> tuple[Hit, ...]:
        """The hits in a text of this tenant and category at `now` (unix seconds), by their place in the text.

        Of one entry at most `search.MOST_HITS` are reported. Never raises, whatever the text.
        """
        fold = folded(text)
        squashed = fold.squashed
        matches, repeats = self.automaton.look(squashed)
        repeated: list[Match] = []
        if self.repeats and repeats:
            repeated = self.automaton.find(collapsed(squashed, repeats))
            # what is all of one letter (xxx) is found by each of its kind
            repeated = [each for each in repeated if len(each[0]) > 1 or each[0] * 2 in squashed]
            repeated = spanning(repeated, repeats) if repeated else repeated
        if matches:
            known = self._targets  # of keys of view R it knows that they are nothing here
            matches = [match for match in matches if known.get(match[0], True)]
        if not matches and not repeated:
            return ()
        who = tenant, category, now
        views = [View(matches, self._in_squashed)] if matches else []
        if repeated:
            views.append(View(repeated, self._in_collapsed))
        for view in views:
            if may_hit(view, squashed, who):
                return Search(Reading(fold, repeats), who).hits(views)
        return ()

    def _in_squashed(self, key: str) -> tuple[Target, ...]:
        """What a key found in view S stands for."""
        return _remembered(self._targets, key, self._squashed_targets)

    def _in_collapsed(self, key: str) -> tuple[Target, ...]:
        """What a key found in view R stands for: words in view S that are this when collapsed."""
        return _remembered(self._run_targets, key, self._collapsed_targets)

    def _squashed_targets(self, key: str) -> Iterator[Target]:
        bounded = is_spaced(key)
        for row in self._plain.get(key):
            kind = self.kinds[row]
            yield Target(row, kind, "S", key, bounded, breaks(row[0]), Context.of(kind))
        for source in self._derived.get(key):
            for row in self._plain.get(source):
                kind = self.kinds[row]
                for form in forms(source, kind.flags):
                    if form.key == key:
                        yield Target(row, kind, form.view, key, bounded, form.breaks, Context.of(kind))

    def _collapsed_targets(self, key: str) -> Iterator[Target]:
        bounded = is_spaced(key)
        for squashed in (key, *self._collapsed.get(key)):
            for row in self._plain.get(squashed):
                kind = self.kinds[row]
                yield Target(row, kind, "R", squashed, bounded, breaks(row[0]), Context.of(kind))

    def again(self) -> WordList:
        """The same words, to be given other lists that say the same."""
        new = WordList(self.kinds)
        new._plain, new._collapsed = self._plain, self._collapsed
        new._derived, new._covered = self._derived, self._covered
        new.edits, new.automaton = self.edits, self.automaton
        new.lists, new.repeats = self.lists, self.repeats
        return new

    def shares(self, other: WordList) -> bool:
        """Whether it is made of the very same things as another one."""
        return self._plain is other._plain

    def _copy(self) -> WordList:
        new = WordList(self.kinds)
        new._plain = self._plain.next()
        new._collapsed = self._collapsed.next()
        new._derived = self._derived.next()
        new._covered = self._covered.copy()
        new.edits = self.edits
        new.automaton = self.automaton
        new.lists = self.lists
        new.repeats = self.repeats
        return new

    def _merge(self) -> None:
        """Now, beside the traffic, and not when the next edit is waited for."""
        self._plain = self._plain.merged()
        self._collapsed = self._collapsed.merged()
        self._derived = self._derived.merged()

    def _knows(self, key: str) -> bool:
        return key in self._plain or key in self._collapsed or key in self._derived

    def _sources(self, form: Form) -> Derived:
        return self._collapsed if form.view == "R" else self._derived

    def _enter(self, row: Row) -> Iterable[str]:
        """Puts a row under its keys; gives the keys."""
        touched = []
        for key in keys(row[0]):
            self._plain.put(key, (*self._plain.get(key), row))
            touched.append(key)
            for form in forms(key, self.kinds[row].flags):
                sources = self._sources(form).get(form.key)
                if key not in sources:
                    self._sources(form).put(form.key, (*sources, key))
                touched.append(form.key)
        return touched

    def _withdraw(self, row: Row) -> Iterable[str]:
        """Takes a row from under its keys; gives the keys."""
        touched = []
        for key in keys(row[0]):
            others = tuple(one for one in self._plain.get(key) if one != row)
            self._plain.put(key, others)
            touched.append(key)
            needed = {form.key for other in others for form in forms(key, self.kinds[other].flags)}
            for form in forms(key, self.kinds[row].flags):
                if form.key not in needed:
                    sources = self._sources(form)
                    remaining = tuple(source for source in sources.get(form.key) if source != key)
                    sources.put(form.key, remaining)
                touched.append(form.key)
        return touched


def _remembered(known: Targets, key: str, work: Callable[[str], Iterable[Target]]) -> tuple[Target, ...]:
    targets = known.get(key)
    if targets is None:
        if len(known) >= REMEMBERED:
            known.clear()
        targets = known[key] = tuple(work(key))
    return targets


def let_go(box: list[WordList]) -> None:
    """Take what is in the box apart, some of it at a time, where its end would stall the process. For a
    thread, when nobody else has it any more.
    """
    pile = box.pop().remains()
    while pile:
        del pile[-SLICE:]
        sleep(0)


def told(hit: Hit) -> dict[str, object]:
    """A hit as data, for who asks what a text hits."""
    entry = hit.entry
    return {
        "word": entry.word,
        "severity": entry.severity.name.lower(),
        "mode": entry.mode,
        "start": hit.start,
        "end": hit.end,
        "characters": hit.characters,
        "view": hit.view,
        "place": entry.place,
        "scope": entry.scope,
        "tags": list(entry.tags),
        "edit": entry.edit,
        "beside": hit.beside,
    }
