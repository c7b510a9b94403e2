"""One entry of a list of words, and the forms in which it is found in a text.

An entry is looked for by its keys: the word in view S (and in view R where it has repeats of its own), and,
for entries that ask for it, its pinyin and its characters split into parts. Whether a key counts only between
word boundaries follows from its script: Latin, Cyrillic and other scripts written with spaces, yes; Han,
kana, Hangul and the scripts of South-East Asia, no.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum, IntFlag
from functools import cache
from itertools import accumulate, islice, product
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from gateway.filters.fold import fold, view_r, view_s
from gateway.smpp.enums import quick

DATA = Path(__file__).parent / "data"

PLATFORM = "platform"
TENANT = "tenant:"
CATEGORY = "category:"

SHORTEST_PINYIN = 4
"""Letters that a word written all in pinyin needs at least: shorter ones are syllables of other words."""

MOST_MIXED = 4
"""Characters up to which a word is looked for with any of them in pinyin; longer ones with one or all."""

MOST_READINGS = 8
"""Ways to read a word in pinyin that are looked for, where characters have several readings."""


@quick
class Severity(IntEnum):
    """What a hit asks for. ALLOW is no hit: it covers the hits inside it."""

    ALLOW = 0
    LOG = 1
    WARN = 2
    HOLD = 3
    REJECT = 4


@quick
class Flags(IntFlag):
    """How else an entry is to be found: squashed without word boundaries, in pinyin, in split characters."""

    NONE = 0
    EVADE = 1
    PINYIN = 2
    SPLIT = 4


class Entry(NamedTuple):
    """A word or phrase and what a hit of it means.

    `scope` is "platform", "tenant:<name>" or "category:<name>". One of the words `near` must stand within
    `reading.NEARNESS` characters of a hit, and none of those in `unless`. It counts from the unix second
    `begins` on, and from `expires` on no more. `source` says where it came from; `file` and `line` where it
    is written; `edit` who made it what it is at run time. One in mode `shadow` is counted and never acts.
    """

    word: str
    severity: Severity = Severity.LOG
    language: str = ""
    tags: tuple[str, ...] = ()
    scope: str = PLATFORM
    near: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    flags: Flags = Flags.NONE
    expires: float | None = None
    source: str = ""
    file: str = ""
    line: int = 0
    begins: float | None = None
    edit: str = ""
    mode: str = "enforce"

    @property
    def place(self) -> str:
        """``file:line``, for the record of a decision."""
        return f"{self.file}:{self.line}"

    def applies(self, tenant: str, category: str, now: float) -> bool:
        """Whether it counts for a text of this tenant and category at `now` (unix seconds)."""
        if self.expires is not None and self.expires <= now:
            return False
        if self.begins is not None and now < self.begins:
            return False
        scope = self.scope
        return scope == PLATFORM or scope == TENANT + tenant or scope == CATEGORY + category


Row = tuple[str, int, int]
"""A word, its line and the number of its kind. A plain tuple, which the garbage collector leaves alone."""


class Kinds:
    """What entries have in common, numbered, so that a list of a million words is a million rows and few
    entries.

    Grows only; lists made from one another share one, also while a thread makes the next.
    """

    def __init__(self) -> None:
        self._kinds: list[Entry] = []
        self._numbers: dict[Entry, int] = {}
        self._growing = Lock()

    def __getitem__(self, row: Row) -> Entry:
        """All of the row's entry but its word and line."""
        return self._kinds[row[2]]

    def row(self, entry: Entry) -> Row:
        """The entry as a row."""
        return entry.word, entry.line, self.number(entry)

    def number(self, entry: Entry) -> int:
        """The number of the entry's kind."""
        kind = entry._replace(word="", line=0)
        with self._growing:
            number = self._numbers.setdefault(kind, len(self._kinds))
            if number == len(self._kinds):
                self._kinds.append(kind)
        return number

    def entry(self, row: Row) -> Entry:
        """The row as an entry."""
        return self._kinds[row[2]]._replace(word=row[0], line=row[1])


class Form(NamedTuple):
    """A key under which a word is found other than its own.

    `view` is "R", "pinyin" or "split". `breaks` are the offsets in `key` at which separators may stand, for a
    form to which word boundaries apply (pinyin: between the syllables).
    """

    key: str
    view: str
    breaks: frozenset[int]


def keys(word: str) -> tuple[str, ...]:
    """The word in view S; several times where its capitals look like other letters than its small ones
    (Cyrillic and Greek).
    """
    if word.isascii() or word[0] >= "\u2e80":
        small = view_s(word)
        if small == word:
            small = word  # and not as much once more, for each of very many words
        return (small,) if small else ()
    cases = (view_s(word), view_s(word.upper()), view_s(word.title()))
    return tuple(dict.fromkeys(filter(None, cases)))


def breaks(word: str) -> frozenset[int]:
    """The offsets in view S of the word at which it has separators itself."""
    return frozenset(accumulate(map(len, fold(word)[:-1])))


def is_spaced(key: str) -> bool:
    """Whether a key is written in scripts that separate words by spaces, so that its boundaries count."""
    return key.isascii() or not any(map(is_unspaced, key))


def is_unspaced(character: str) -> bool:
    """Whether words of the character's script are written without spaces: East and South-East Asia."""
    return character >= "\u2e80" or any(first <= character <= last for first, last in _SOUTH_EAST)


def forms(key: str, flags: Flags) -> Iterator[Form]:
    """The forms, beside itself, of a word with this view S."""
    collapsed = view_r(key)
    if collapsed != key:
        yield Form(collapsed, "R", frozenset())
    if flags & Flags.PINYIN:
        for parts in pinyin(key):
            yield Form("".join(parts), "pinyin", frozenset(accumulate(map(len, parts[:-1]))))
    if flags & Flags.SPLIT:
        for parts in split(key):
            yield Form("".join(parts), "split", frozenset())


def pinyin(word: str) -> Iterator[tuple[str, ...]]:
    """The word with its characters in pinyin: all of them, and mixed with characters that stay."""
    if len(word) < 2:
        return
    readings = [_pinyin().get(character, ()) for character in word]
    for spoken in islice(product(*readings), MOST_READINGS):
        if all(map(str.isascii, spoken)) and len("".join(spoken)) >= SHORTEST_PINYIN:
            yield spoken
    firsts = [(character, *several[:1]) for character, several in zip(word, readings, strict=True)]
    yield from _replaced(word, firsts)


def split(word: str) -> Iterator[tuple[str, ...]]:
    """The word with some or all of its characters written as their parts (拆字)."""
    parts = [(character, *_split().get(character, ())) for character in word]
    everything = tuple(several[-1] for several in parts)
    if everything != tuple(word):
        yield everything
    yield from _replaced(word, parts)


def _replaced(word: str, choices: list[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The ways to write a word between all characters as they are and all replaced, both excluded."""
    if len(word) <= MOST_MIXED:
        everything = tuple(several[-1] for several in choices)
        for mixed in product(*choices):
            if mixed not in (tuple(word), everything):
                yield mixed
        return
    for index, several in enumerate(choices):
        for other in several[1:]:
            yield (*word[:index], other, *word[index + 1 :])


@cache
def _pinyin() -> dict[str, tuple[str, ...]]:
    """Readings without tones, by character (``data/pinyin.txt``: a syllable, then its characters)."""
    readings: dict[str, tuple[str, ...]] = {}
    for syllable, characters in _rows("pinyin.txt"):
        for character in characters:
            readings[character] = (*readings.get(character, ()), syllable)
    return readings


@cache
def _split() -> dict[str, tuple[str, ...]]:
    """Parts by character, folded (``data/split.txt``: a character, then its parts)."""
    return {character: (view_s(parts),) for character, parts in _rows("split.txt")}


def _rows(name: str) -> Iterator[tuple[str, str]]:
    for line in (DATA / name).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            first, rest = line.split()
            yield first, rest


_SOUTH_EAST = (("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1780", "\u17ff"))
"""Thai and Lao, Burmese, Khmer."""
