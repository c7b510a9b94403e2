"""One file of words, read into entries. Three forms, by the file's ending (``docs/words.md`` shows each):

* ``.txt``: one word a line. ``#`` begins a comment; a line ``#: severity=warn tags=a|b`` gives what holds for
  the lines below it.
* ``.csv``: a header with the names of columns, then one entry a row; lines that begin with ``#`` as in txt.
* ``.yaml``: ``defaults:`` and ``entries:``, each entry a word or a mapping.

Several values in one field stand apart by ``|``. What an entry does not say is: severity log, scope platform,
no flags. An entry that makes no sense is a problem with file and line; the others are read nevertheless, and
the caller decides.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gateway.filters.entries import Flags, Kinds, Row
from gateway.filters.unhurried import looked_at, unhurried
from gateway.filters.wordfields import Fields, check_flags, check_word, parsed
from gateway.settings import yaml
from gateway.settings.problems import Problem

Rows = Iterator[tuple[int, Fields]]
"""Lines on which entries are written, and their fields."""


MOST_ENTRIES = 1_000_000
"""Entries that a list may have unless the settings say otherwise."""

OCTETS_AN_ENTRY = 200
SMALL = 100_000
"""Octets that a file may have: so many for each entry that it may have, and some more."""

MOST_PROBLEMS = 1000
"""Problems of one file that are told."""


class ListFile(NamedTuple):
    """One file as read. Kept with what was made of it, so that a reload reads only what changed."""

    path: str
    digest: bytes
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]


class Unreadable(ValueError):
    """A file that cannot be read on from this line (counted from 1; 0 for the file as a whole)."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def read_list(path: Path, kinds: Kinds, before: ListFile | None = None, most: int = MOST_ENTRIES) -> ListFile:
    """The entries of one file as rows of these kinds, or what was read `before` if it has not changed.

    A file with more than `most` entries is not read on, and one much too large for them not at all.
    """
    try:
        if path.stat().st_size > most * OCTETS_AN_ENTRY + SMALL:
            return _unread(path, f"is larger than {most * OCTETS_AN_ENTRY + SMALL:,} octets: {limit(most)}")
        content = path.read_bytes()
    except OSError as error:
        return _unread(path, f"cannot be read: {error.strerror}")
    digest = hashlib.sha256(content).digest()
    if before is not None and before.digest == digest:
        return before
    rows: list[Row] = []
    problems: list[Problem] = []
    maker = _Maker(str(path), kinds)
    try:
        form = _FORMS.get(path.suffix.lower())
        if form is None:
            raise Unreadable(0, f"must end in {', '.join(_FORMS)}")
        for line, fields in unhurried(form(_decoded(content))):
            if len(rows) >= most or len(problems) >= MOST_PROBLEMS:
                raise Unreadable(line, limit(most) if len(rows) >= most else "and more; not read on")
            try:
                rows.append(maker.row(line, fields))
            except ValueError as error:
                problems.append(Problem(str(path), line, 1, fields.get("word", ""), str(error)))
    except Unreadable as error:
        problems.append(Problem(str(path), error.line, 1, "", str(error)))
    return ListFile(str(path), digest, looked_at(tuple(rows)), tuple(problems))


def _unread(path: Path, why: str) -> ListFile:
    return ListFile(str(path), b"", (), (Problem(str(path), 0, 0, "", why),))


def limit(most: int) -> str:
    """What is told of lists with more than `most` entries."""
    return f"more than {most:,} entries: see words.most_entries in filters.yaml"


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(content.count(b"\n", 0, error.start) + 1, "must be UTF-8") from None


def _txt_rows(text: str) -> Rows:
    common: Fields = {}
    for number, line in enumerate(io.StringIO(text), 1):
        if line.startswith("#:"):
            common = _pragma(number, line[2:])
            continue
        word = line.partition(" #")[0].strip()
        if word and not word.startswith("#"):
            yield number, {**common, "word": word}


def _pragma(number: int, text: str) -> Fields:
    try:
        pairs = [part.partition("=") for part in shlex.split(text)]
    except ValueError as error:
        raise Unreadable(number, str(error)) from None
    for name, equals, value in pairs:
        if not equals or not value or name == "word":
            raise Unreadable(number, f"'{name}{equals}{value}' must be a field, = and its value")
    return {name: value for name, _, value in pairs}


def _csv_rows(text: str) -> Rows:
    common: Fields = {}
    header: list[str] = []

    def lines() -> Iterator[str]:
        for number, line in enumerate(io.StringIO(text), 1):
            if line.startswith("#:"):
                common.clear()
                common.update(_pragma(number, line[2:]))
            yield "\n" if line.startswith("#") else line

    reader = csv.reader(lines(), strict=True)
    try:
        for row in reader:
            if not any(row):
                continue
            if not header:
                header = [name.strip() for name in row]
                if "word" not in header:
                    raise Unreadable(reader.line_num, "the first row must name the columns and 'word'")
            elif len(row) > len(header):
                raise Unreadable(reader.line_num, f"has {len(row)} columns, the header {len(header)}")
            else:
                own = {name: value for name, value in zip(header, row, strict=False) if value}
                yield reader.line_num, common | own
    except csv.Error as error:
        raise Unreadable(reader.line_num, str(error)) from None


def _yaml_rows(text: str) -> Rows:
    document = yaml.parse(text)
    if document.faults:
        raise Unreadable(document.faults[0].mark.line, document.faults[0].message)
    content = document.value or {}
    if not isinstance(content, dict) or not content.keys() <= {"defaults", "entries"}:
        raise Unreadable(1, "must have 'entries' and may have 'defaults', nothing else")
    common = _yaml_fields(content.get("defaults") or {}, document.mark(("defaults",)).line)
    entries = content.get("entries") or []
    if not isinstance(entries, list):
        raise Unreadable(document.mark(("entries",)).line, "'entries' must be a list")
    for index, entry in enumerate(entries):
        line = document.mark(("entries", index)).line
        written = entry if isinstance(entry, dict) else {"word": entry}
        yield line, common | _yaml_fields(written, line)


def _yaml_fields(written: Any, line: int) -> Fields:
    if not isinstance(written, dict):
        raise Unreadable(line, "must be a mapping of fields to values")
    return {name: _yaml_text(value, line) for name, value in written.items()}


def _yaml_text(value: Any, line: int) -> str:
    """A scalar as it is written, a list joined by ``|``."""
    if isinstance(value, list):
        return "|".join(_yaml_text(item, line) for item in value)
    if isinstance(value, dict) or value is None:
        raise Unreadable(line, "a value must be text or a list of texts")
    return str(getattr(value, "written", value))


_FORMS: dict[str, Callable[[str], Rows]] = {
    ".txt": _txt_rows,
    ".csv": _csv_rows,
    ".yaml": _yaml_rows,
    ".yml": _yaml_rows,
}


class _Maker:
    """Makes rows of fields, working out only once what many entries of a file have in common."""

    def __init__(self, file: str, kinds: Kinds) -> None:
        self._file = file
        self._kinds = kinds
        self._known: dict[tuple[str, ...], tuple[int, Flags]] = {}

    def row(self, line: int, fields: Fields) -> Row:
        """The row; ValueError tells what of the entry makes no sense."""
        word = fields.get("word", "").strip()
        check_word(word)
        rest = (*fields, *(value for name, value in fields.items() if name != "word"))
        known = self._known.get(rest)
        if known is None:
            like = parsed(fields, self._file)
            known = self._known[rest] = self._kinds.number(like), like.flags
        number, flags = known
        if flags:
            check_flags(word, flags)
        return word, line, number
