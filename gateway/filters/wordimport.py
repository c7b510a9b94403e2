"""Public lists brought in as lists of our own that only log.

Measured public lists hit most ordinary texts, so that nothing of them acts by itself: an entry is promoted
one by one, into a list of one's own or by an edit, once its precision is known.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gateway.filters.fold import view_s
from gateway.settings import yaml

SHORTEST_HAN = 2
SHORTEST_LATIN = 3
"""Characters that an imported word needs at least; public lists are full of shorter ones, which hit
everything.
"""

LONGEST = 64
"""Characters that an imported word may have; what is longer is a sentence that got into the list."""

_SEPARATORS = re.compile(r"[,，、;；|\t]+")

Found = Iterator[tuple[int, str]]
"""Lines of a list and the words on them."""


class LeftOut(NamedTuple):
    """What was not taken, where it stands in the list, and why: "double", "short", "long", "empty"."""

    line: int
    word: str
    kind: str
    why: str


class Imported(NamedTuple):
    """How many words were taken, and what was left out."""

    kept: int
    left_out: tuple[LeftOut, ...]


def import_list(
    source: Path, target: Path, name: str, language: str = "", tags: Iterable[str] = ()
) -> Imported:
    """Brings a public list in: writes its words to the txt file `target`, as log-only.

    `source` is UTF-8 or GB 18030: txt with one word a line or several between commas; csv with a column
    `word`, else its first; YAML with words in lists, whatever stands around them. Words equal after folding
    are kept once. `name` says where the list came from and is kept with each entry. Raises OSError, and
    ValueError for a bad name or a file that cannot be read on.
    """
    marks = [name, language, *tags]
    if any(re.search(r"[\s|=\"'#]", mark) for mark in marks) or not name:
        raise ValueError("name, language and tags must be single words")
    read = _FORMS.get(source.suffix.lower(), _txt_words)
    kept: dict[str, tuple[int, str]] = {}
    left_out = []
    for line, word in read(_decoded(source.read_bytes())):
        key = view_s(word)
        fault = _fault(key, kept)
        if fault is None:
            kept[key] = line, word
        else:
            left_out.append(LeftOut(line, word, *fault))
    pragma = f"#: severity=log source={name} tags={'|'.join(('imported', *tags))}"
    head = [f"# imported from {name}: log only", f"{pragma} language={language}" if language else pragma]
    words = (word for _, word in kept.values())
    target.write_text("\n".join([*head, *words]) + "\n", encoding="utf-8")
    return Imported(len(kept), tuple(left_out))


def _fault(key: str, kept: dict[str, tuple[int, str]]) -> tuple[str, str] | None:
    if not key:
        return "empty", "has neither letter nor digit"
    if key in kept:
        line, word = kept[key]
        return "double", f"is the same as {word!r} on line {line}"
    shortest = SHORTEST_LATIN if key.isascii() else SHORTEST_HAN
    if len(key) < shortest:
        return "short", f"has {len(key)} letters and digits, {shortest} at least mean something"
    if len(key) > LONGEST:
        return "long", f"has {len(key)} letters and digits, more than {LONGEST} are a sentence"
    return None


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030", errors="replace")


def _written(word: str) -> str:
    """A word as it may stand in a txt file: on one line, and nothing of it a comment."""
    return " ".join(word.replace("#", " ").split())


def _txt_words(text: str) -> Found:
    for number, line in enumerate(io.StringIO(text), 1):
        if not line.lstrip().startswith("#"):
            yield from ((number, word) for part in _SEPARATORS.split(line) if (word := _written(part)))


def _csv_words(text: str) -> Found:
    reader = csv.reader(io.StringIO(text))
    column = None
    try:
        for row in reader:
            if column is None:
                names = [name.strip().lower() for name in row]
                column = names.index("word") if "word" in names else 0
                if "word" in names:
                    continue
            word = _written(row[column]) if column < len(row) else ""
            if word and not row[0].startswith("#"):
                yield reader.line_num, word
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num} cannot be read: {error}") from None


def _yaml_words(text: str) -> Found:
    document = yaml.parse(text)
    if document.faults:
        fault = document.faults[0]
        raise ValueError(f"line {fault.mark.line} cannot be read: {fault.message}")
    yield from _listed(document, (), document.value)


def _listed(document: yaml.Document, path: tuple[Any, ...], value: Any) -> Found:
    """The words in lists below a place: each is text, or a mapping with a `word`."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _listed(document, (*path, key), below)
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            word = entry.get("word") if isinstance(entry, dict) else entry
            if isinstance(word, list):
                yield from _listed(document, (*path, index), word)
            elif word is not None and (written := _written(str(getattr(word, "written", word)))):
                yield document.mark((*path, index)).line, written


_FORMS = {".csv": _csv_words, ".yaml": _yaml_words, ".yml": _yaml_words}
