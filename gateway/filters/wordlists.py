"""All lists of words together, loaded from files by one call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from gateway.filters.entries import Kinds, Row
from gateway.filters.unhurried import looked_at, unhurried
from gateway.filters.wordfiles import MOST_ENTRIES, ListFile, limit, read_list
from gateway.filters.words import WordList
from gateway.settings.problems import Problem

ENDINGS = frozenset((".txt", ".csv", ".yaml", ".yml"))


def load_wordlists(
    paths: Iterable[Path], previous: WordList | None = None, most: int = MOST_ENTRIES
) -> tuple[WordList, tuple[Problem, ...]]:
    """The words of all these files (and of all lists directly in these directories), and what is wrong in
    them.

    With the `previous` list its edits stay in force, files that have not changed are not read again and the
    automaton is built by difference, so that this may run in a thread beside traffic; without, it is built
    whole, for the start. Lists that together have more than `most` entries are a problem, and are not built.
    """
    kinds = Kinds() if previous is None else previous.kinds
    before = {} if previous is None else {one.path: one for one in previous.lists}
    lists = [read_list(path, kinds, before.get(str(path)), most) for path in _files(paths)]
    problems = tuple(problem for one in lists for problem in one.problems)
    if sum(len(one.rows) for one in lists) > most:
        return WordList(kinds), (
            *problems,
            Problem(lists[-1].path, 0, 0, "", f"with the others: {limit(most)}"),
        )
    if previous is None:
        words = WordList.of_rows(kinds, (row for one in lists for row in one.rows))
    else:
        added, removed = _difference(before, {one.path: one for one in lists})
        words = previous.changed(added, removed) if added or removed else previous.again()
    words.lists = tuple(lists)
    return words, problems


def _difference(before: dict[str, ListFile], after: dict[str, ListFile]) -> tuple[list[Row], list[Row]]:
    """Rows to add and rows to take out, by looking at the files that changed only."""
    added: list[Row] = []
    removed: list[Row] = []
    for path in {**before, **after}:
        old, new = before.get(path), after.get(path)
        if old is not new:
            had = looked_at(_set(old))
            added += looked_at(
                [row for row in unhurried(new.rows) if row not in had] if new is not None else []
            )
            del had
            has = looked_at(_set(new))
            removed += looked_at(
                [row for row in unhurried(old.rows) if row not in has] if old is not None else []
            )
            del has
    return added, removed


def _set(one: ListFile | None) -> set[Row]:
    """Made row by row: the interpreter is free between two rows and not within ``set()`` of a million."""
    return {row for row in unhurried(one.rows)} if one is not None else set()  # noqa: C416


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.iterdir() if one.suffix.lower() in ENDINGS)
        else:
            yield path
