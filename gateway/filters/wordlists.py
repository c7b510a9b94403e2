"""All lists of words together: loaded from files by one call, and public lists brought in as log-only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from gateway.filters.entries import Entry, Kinds, Row
from gateway.filters.fold import view_s
from gateway.filters.wordfiles import ListFile, read_list
from gateway.filters.words import WordList
from gateway.settings.problems import Problem

ENDINGS = frozenset((".txt", ".csv", ".yaml", ".yml"))

SHORTEST_HAN = 2
SHORTEST_LATIN = 3
"""Characters that an imported word needs at least; public lists are full of shorter ones, which hit
everything.
"""

LONGEST = 64
"""Characters that an imported word may have; what is longer is a sentence that got into the list."""

EXTRA = "store"
"""Stands for the path of the entries that come from no file."""

_SEPARATORS = re.compile(r"[\n\r,，、;；|\t]+")


def load_wordlists(
    paths: Iterable[Path], previous: WordList | None = None, extra: Iterable[Entry] = ()
) -> tuple[WordList, tuple[Problem, ...]]:
    """The words of all these files (and of all lists directly in these directories), and what is wrong in
    them.

    `extra` are entries from elsewhere, such as the store's, made at run time. With the `previous` list, files
    that have not changed are not read again and the automaton is built by difference, so that this may run in
    a thread beside traffic; without, it is built whole, for the start.
    """
    kinds = Kinds() if previous is None else previous.kinds
    before = {} if previous is None else {one.path: one for one in previous.lists}
    lists = [read_list(path, kinds, before.get(str(path))) for path in _files(paths)]
    lists.append(ListFile(EXTRA, b"", tuple(map(kinds.row, extra)), ()))
    if previous is None:
        words = WordList.of_rows(kinds, (row for one in lists for row in one.rows))
    else:
        words = previous.changed(*_difference(before, {one.path: one for one in lists}))
    words.lists = tuple(lists)
    return words, tuple(problem for one in lists for problem in one.problems)


def _difference(before: dict[str, ListFile], after: dict[str, ListFile]) -> tuple[list[Row], list[Row]]:
    """Rows to add and rows to take out, by looking at the files that changed only."""
    added: list[Row] = []
    removed: list[Row] = []
    for path in before.keys() | after.keys():
        old, new = before.get(path), after.get(path)
        if old is not new:
            had = _set(old)
            has = _set(new)
            added += [row for row in has if row not in had]
            removed += [row for row in had if row not in has]
    return added, removed


def _set(one: ListFile | None) -> set[Row]:
    """Made row by row: the interpreter is free between two rows and not within ``set()`` of a million."""
    return {row for row in one.rows} if one is not None else set()  # noqa: C416


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.iterdir() if one.suffix.lower() in ENDINGS)
        else:
            yield path


class Imported(NamedTuple):
    """What an import kept, and what it left out and why (counts)."""

    kept: int
    double: int
    short: int
    long: int


def import_list(
    source: Path, target: Path, name: str, language: str = "", tags: Iterable[str] = ()
) -> Imported:
    """Brings a public list in: writes its words to the txt file `target`, as log-only.

    `source` may have one word a line or several between commas, in UTF-8 or GB 18030. Words equal after
    folding are kept once; words too short to mean anything, and whole sentences, are left out. `name` says
    where the list came from and is kept with each entry. Measured public lists hit most ordinary texts, so an
    entry is promoted one by one, into a list of one's own, once its precision is known. Raises OSError, and
    ValueError for a bad name.
    """
    marks = [name, language, *tags]
    if any(re.search(r"[\s|=]", mark) for mark in marks) or not name:
        raise ValueError("name, language and tags must be single words")
    kept: dict[str, str] = {}
    double = short = long = 0
    for word in _words_of(source.read_bytes()):
        key = view_s(word)
        if key in kept:
            double += 1
        elif len(key) < (SHORTEST_LATIN if key.isascii() else SHORTEST_HAN):
            short += 1
        elif len(key) > LONGEST:
            long += 1
        else:
            kept[key] = word
    pragma = f"#: severity=log source={name} tags={'|'.join(('imported', *tags))}"
    head = [f"# imported from {name}: log only", f"{pragma} language={language}" if language else pragma]
    target.write_text("\n".join([*head, *kept.values()]) + "\n", encoding="utf-8")
    return Imported(len(kept), double, short, long)


def _words_of(content: bytes) -> Iterator[str]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", errors="replace")
    for part in _SEPARATORS.split(text):
        word = part.strip()
        if word and not word.startswith("#"):
            yield word
