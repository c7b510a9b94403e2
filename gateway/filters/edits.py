"""Edits of the words in force, made at run time: what each says, and what all of them come to.

An edit stands beside the lists and never changes a file, so it holds whatever a reload brings. It means a
word by its view S, in one scope or in all of them:

* ``add`` puts an entry in; a later one of the same word and scope takes its place.
* ``remove`` takes out what the lists and earlier edits say of the word, for good or until a time.
* ``severity`` gives all that another severity, and perhaps another mode, for good or until a time.
* ``restore`` undoes the two: what they covered is in force again.

Times are looked at when a text is judged, so that nothing need be done when one has come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from gateway.filters.entries import Entry, Kinds, Row, Severity
from gateway.filters.fold import view_s
from gateway.filters.wordfields import Fields, mode_of, moment, parsed, scope_of, severity_of

FILE = "edit"
"""Stands for the file of the entries that edits added; their line is the number of the edit."""

ACTIONS = ("add", "remove", "severity", "restore")

_TAKES = {
    "remove": {"word", "scope", "until"},
    "severity": {"word", "scope", "until", "severity", "mode"},
    "restore": {"word", "scope"},
}
"""The fields that an action knows; one that adds takes those of an entry."""


class Edit(NamedTuple):
    """One edit by its number: when (unix milliseconds), by whom, why, and the fields as they were given."""

    id: int
    at: int
    by: str
    why: str
    action: str
    fields: Fields

    @property
    def word(self) -> str:
        return self.fields["word"]

    @property
    def key(self) -> str:
        """The word in view S, by which edits and entries find each other."""
        return view_s(self.word)

    @property
    def scope(self) -> str:
        """The scope that it is about, empty for all; one that adds has one."""
        return self.fields.get("scope", "")

    @property
    def told(self) -> str:
        """Who did it and when, for the record of a decision."""
        at = datetime.fromtimestamp(self.at / 1000, UTC).isoformat(timespec="seconds")
        return f"edit {self.id} by {self.by} at {at}"

    def check(self) -> None:
        """Raises ValueError for what makes no sense."""
        if self.action not in ACTIONS:
            raise ValueError(f"'{self.action}' must be one of {', '.join(ACTIONS)}")
        if self.action == "add":
            self.entry()
            return
        takes = _TAKES[self.action]
        for name in self.fields:
            if name not in takes:
                raise ValueError(f"'{self.action}' has no '{name}': there are {', '.join(sorted(takes))}")
        if not self.key:
            raise ValueError("the word has neither letter nor digit")
        if self.scope:
            scope_of(self.scope)
        self.override()

    def entry(self) -> Entry:
        """The entry that it adds. Raises ValueError."""
        return parsed(self.fields, FILE)._replace(line=self.id, edit=f"added by {self.told}")

    def override(self) -> Override:
        """What it does to entries. Raises ValueError."""
        until = moment(self.fields["until"], "until") if self.fields.get("until") else None
        severity = severity_of(self.fields.get("severity", "")) if self.action == "severity" else None
        mode = mode_of(self.fields["mode"]) if self.fields.get("mode") else ""
        if mode == "shadow" and severity is Severity.ALLOW:
            raise ValueError("an allowed phrase cannot be in shadow: it is counted nowhere")
        return Override(self.id, severity, until, self.told, mode)


class Override(NamedTuple):
    """Entries of a word are out, or have another severity; until a time (unix seconds) or for good."""

    id: int
    severity: Severity | None
    until: float | None
    told: str
    mode: str = ""

    def entries(self, entry: Entry) -> Iterator[Entry]:
        """What is in force in place of an entry."""
        if entry.file == FILE and entry.line > self.id:
            yield entry
            return
        if self.severity is not None:
            ends = [end for end in (entry.expires, self.until) if end is not None]
            said = f"{self.severity.name.lower()} in place of {entry.severity.name.lower()} by {self.told}"
            said += f", {self.mode}" if self.mode else ""
            mode = self.mode or entry.mode
            yield entry._replace(
                severity=self.severity, expires=min(ends, default=None), edit=said, mode=mode
            )
        if self.until is not None:
            yield entry._replace(begins=self.until)


class Edits:
    """What all edits up to one, the `last` by its number, come to. Never changes."""

    __slots__ = ("_added", "_overrides", "last")

    def __init__(self) -> None:
        self.last = 0
        self._added: dict[str, dict[str, Entry]] = {}
        self._overrides: dict[str, dict[str, Override]] = {}

    def after(self, edits: Iterable[Edit]) -> Edits:
        """With some more, in their order. Raises ValueError for one that makes no sense."""
        new = Edits()
        new._added, new._overrides = self._added.copy(), self._overrides.copy()
        new.last = self.last
        for edit in edits:
            new._apply(edit)
            new.last = edit.id
        return new

    def _apply(self, edit: Edit) -> None:
        if edit.action == "add":
            entry = edit.entry()
            self._added[edit.key] = {**self._added.get(edit.key, {}), entry.scope: entry}
            return
        others = self._overrides.pop(edit.key, {})
        if edit.action != "restore":
            self._overrides[edit.key] = {**others, edit.scope: edit.override()}
        elif kept := {scope: one for scope, one in others.items() if edit.scope and scope != edit.scope}:
            self._overrides[edit.key] = kept

    def __bool__(self) -> bool:
        return bool(self._added or self._overrides)

    @property
    def overridden(self) -> Mapping[str, Mapping[str, Override]]:
        """By the word in view S and the scope, empty for all: what is done to its entries."""
        return self._overrides

    def added(self, key: str) -> Iterable[Entry]:
        """The entries that were added for a word."""
        return self._added.get(key, {}).values()

    def everything_added(self) -> Iterator[Entry]:
        """All that were added."""
        for entries in self._added.values():
            yield from entries.values()

    def rows(self, key: str, row: Row, kinds: Kinds) -> tuple[Row, ...]:
        """What is in force in place of a row of a word with this view S."""
        overrides = self._overrides.get(key)
        if overrides is None:
            return (row,)
        scope = kinds[row].scope
        ours = [overrides[one] for one in ("", scope) if one in overrides]
        if not ours:
            return (row,)
        return tuple(map(kinds.row, max(ours).entries(kinds.entry(row))))
