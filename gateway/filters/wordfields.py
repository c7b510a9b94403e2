"""The fields of an entry as written, and what they mean: the same in a list and in an edit at run time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from gateway.filters.entries import CATEGORY, PLATFORM, TENANT, Entry, Flags, Severity, pinyin, split
from gateway.filters.fold import view_s

Fields = dict[str, str]
"""An entry as written: field -> text, several values joined by ``|``."""

LONGEST_WORD = 200
"""Letters and digits that a word may have, context words too."""

LONGEST_WRITTEN = 1000
"""Characters that a field may have as it is written, but those with several values."""

MOST_CONTEXT = 100
"""Context words that an entry may have in one field: each is looked for in each text that it hits."""


def parsed(fields: Fields, file: str) -> Entry:
    """The entry that fields say, written in `file`. Raises ValueError with what makes no sense."""
    values: dict[str, Any] = {}
    for name, text in fields.items():
        if name not in _PARSERS:
            raise ValueError(f"'{name}' is no field: there are {', '.join(_PARSERS)}")
        values[name] = _PARSERS[name](text.strip())
    entry = Entry(**{"word": "", **values}, file=file)
    check_word(entry.word)
    check_flags(entry.word, entry.flags)
    check_mode(entry)
    return entry


def check_mode(entry: Entry) -> None:
    """Raises ValueError for an allowed phrase in shadow, which would say nothing."""
    if entry.mode == "shadow" and entry.severity is Severity.ALLOW:
        raise ValueError("an allowed phrase cannot be in shadow: it is counted nowhere")


def check_word(word: str) -> None:
    """Raises ValueError for a word that cannot be looked for."""
    if len(word) > LONGEST_WRITTEN:
        raise ValueError(f"the word has {len(word):,} characters; at most {LONGEST_WRITTEN:,} may be written")
    letters = len(view_s(word))
    if not letters:
        raise ValueError("the word has neither letter nor digit")
    if letters > LONGEST_WORD:
        raise ValueError(f"the word has {letters:,} letters and digits; at most {LONGEST_WORD}")


def check_flags(word: str, flags: Flags) -> None:
    """Raises ValueError for a word that has no forms of the kind that is asked for."""
    if flags & Flags.PINYIN and not any(pinyin(view_s(word))):
        raise ValueError("has no pinyin: none of its characters is in data/pinyin.txt, or it is too short")
    if flags & Flags.SPLIT and not any(split(view_s(word))):
        raise ValueError("cannot be split: none of its characters is in data/split.txt")


def _text(text: str) -> str:
    if len(text) > LONGEST_WRITTEN:
        raise ValueError(f"a value has {len(text):,} characters; at most {LONGEST_WRITTEN:,} may be written")
    return text


def _texts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|") if part.strip())


def _tags(text: str) -> tuple[str, ...]:
    return _texts(_text(text))


def _words(text: str) -> tuple[str, ...]:
    words = _texts(text)
    if len(words) > MOST_CONTEXT:
        raise ValueError(f"has {len(words):,} context words; at most {MOST_CONTEXT} are looked for")
    for word in words:
        letters = len(view_s(_text(word)))
        if not letters:
            raise ValueError(f"the context word '{word}' has neither letter nor digit")
        if letters > LONGEST_WORD:
            raise ValueError(f"the context word '{word[:20]}…' has {letters} letters; at most {LONGEST_WORD}")
    return words


def severity_of(text: str) -> Severity:
    """The severity of this name. Raises ValueError."""
    try:
        return Severity[text.upper()]
    except KeyError:
        choices = ", ".join(one.name.lower() for one in Severity)
        raise ValueError(f"severity '{text}' must be one of {choices}") from None


def mode_of(text: str) -> str:
    """The mode of this name. Raises ValueError."""
    if text not in ("enforce", "shadow"):
        raise ValueError(f"mode '{text}' must be enforce or shadow")
    return text


def _flags(text: str) -> Flags:
    flags = Flags.NONE
    for name in _texts(text):
        if name not in ("evade", "pinyin", "split"):
            raise ValueError(f"flag '{name}' must be one of evade, pinyin, split")
        flags |= Flags[name.upper()]
    return flags


def scope_of(text: str) -> str:
    """The scope, if it is one. Raises ValueError."""
    if text == PLATFORM or any(text.startswith(kind) and text != kind for kind in (TENANT, CATEGORY)):
        return text
    raise ValueError(f"scope '{text}' must be platform, tenant:<name> or category:<name>")


def moment(text: str, name: str = "expires") -> float:
    """A date (its midnight) or a time of ISO 8601, in UTC if it names no zone, as unix seconds."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{name} '{text}' must be a date such as 2027-01-31") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


_PARSERS: dict[str, Callable[[str], Any]] = {
    "word": str,
    "severity": severity_of,
    "language": _text,
    "tags": _tags,
    "scope": scope_of,
    "near": _words,
    "unless": _words,
    "flags": _flags,
    "expires": moment,
    "source": _text,
    "mode": mode_of,
}
