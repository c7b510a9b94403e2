"""Ways of disguise, and the words of the shipped lists that they are tried on."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path

from gateway.filters import fold
from gateway.filters.entries import Entry, Severity
from gateway.filters.wordlists import load_wordlists
from gateway.filters.words import WordList

SHIPPED = Path(__file__).parents[2] / "config" / "words"
WORDS_A_SCRIPT = 130

LONGEST_WORD = 26
"""Letters of the words that are tried: two disguises make eight octets of each, and a segment takes 254."""

Disguise = Callable[[str], str]


def between(noise: str) -> Disguise:
    return lambda word: noise.join(word)


def after_each(mark: str) -> Disguise:
    return lambda word: "".join(c + mark if c.isalnum() else c for c in word)


def letters(targets: str, of: str = "abcdefghijklmnopqrstuvwxyz") -> Disguise:
    """Each letter as its like, however the word is written."""
    table = dict(zip(of + of.upper(), targets + targets, strict=True)) if len(targets) == len(of) else {}
    return lambda word: "".join(table.get(c, c) for c in word)


def run_of(start: int) -> str:
    return "".join(map(chr, range(start, start + 26)))


@cache
def traditional_forms() -> dict[str, str]:
    """Some other Han character that folds to each."""
    forms: dict[str, str] = {}
    for code in range(0x4E00, 0xA000):
        target = fold.WORDS[code]
        if isinstance(target, int) and target != code:
            forms.setdefault(chr(target), chr(code))
    return forms


def traditional(word: str) -> str:
    return "".join(traditional_forms().get(c, c) for c in word)


def doubled(word: str) -> str:
    """Every letter twice; digits are codes and are left alone."""
    return "".join(c * 2 if c.isalpha() else c for c in word)


def accented(word: str) -> str:
    return unicodedata.normalize("NFC", after_each("\u0301")(word))


ANY_SCRIPT: dict[str, Disguise] = {
    "spaces": between(" "),
    "dots": between("."),
    "stars": between("*"),
    "mixed signs": lambda word: "".join(c + sign for c, sign in zip(word, "-_~/|·、。" * 20, strict=False)),
    "emoji": between("\U0001f600"),
    "lines": between("\n"),
    "zero width": between("\u200b"),
    "joiners": between("\u200d"),
    "byte order marks": between("\ufeff"),
    "soft hyphens": between("\u00ad"),
    "direction marks": between("\u202e"),
    "turned round": lambda word: f"\u202e{word[::-1]}\u202c",
    "tags": between("\U000e0041"),
    "variation selectors": after_each("\ufe0f"),
    "strike through": after_each("\u0336"),
    "enclosing": after_each("\u20dd"),
    "Hangul filler": between("\u3164"),
    "Braille blank": between("\u2800"),
    "private use": between("\ue123"),
    "lone surrogates": between("\udc00"),
    "controls": between("\x07"),
    "repeats": doubled,
}

HAN: dict[str, Disguise] = ANY_SCRIPT | {
    "traditional": traditional,
    "strokes": between("丶"),
    "letters between": between("x"),
}

LATIN: dict[str, Disguise] = ANY_SCRIPT | {
    "capitals": str.upper,
    "swapped case": lambda word: "".join(c.upper() if i % 2 else c for i, c in enumerate(word)),
    "full width": letters(run_of(0xFF41)),
    "circled": letters(run_of(0x24D0)),
    "black circled": letters(run_of(0x1F150)),
    "squared": letters(run_of(0x1F130)),
    "black squared": letters(run_of(0x1F170)),
    "flags": letters(run_of(0x1F1E6)),
    "parenthesized": letters(run_of(0x249C)),
    "bold": letters(run_of(0x1D41A)),
    "script": letters(run_of(0x1D4D0)),
    "fraktur": letters(run_of(0x1D56C)),
    "monospace": letters(run_of(0x1D670)),
    "small capitals": letters("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡxʏᴢ"),
    "superscript": letters("ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖqʳˢᵗᵘᵛʷˣʸᶻ"),
    "accents": accented,
    "loose accents": after_each("\u0302"),
    "Cyrillic": letters("авсԁеfɡніјкlмпорԛгѕтuѵԝхуz"),
    "Greek": letters("αβcdεfghιjκlmηορqrsτυνωχγz"),
    "digits for letters": letters("4bcd3fgh1jk1mn0pqr57uvwxyz"),
}

EXCEPTIONS = {
    "letters between": "x between Han characters is a letter, and no letter is noise",
    "digits for letters": "digits stay digits: folding them would make words of codes and order numbers",
}
"""Ways that are not caught, with the reason."""

UNREADABLE = {
    ("Greek", "capitals"),
    ("Greek", "swapped case"),
    ("lines", "turned round"),
    ("turned round", "lines"),
}
"""Pairs that disguise the word from readers too: the capital of η, which looks like n, looks like H; nothing
is turned round beyond the end of a line.
"""


@cache
def shipped() -> WordList:
    words, problems = load_wordlists(sorted(SHIPPED.glob("*.csv")))
    assert not problems
    return words


@cache
def chosen(*, latin: bool) -> list[Entry]:
    """Severe entries of one script, spread over all lists."""
    entries = [
        entry
        for entry in shipped().entries()
        if entry.severity >= Severity.HOLD and not entry.near and entry.word.isascii() == latin
        if len(entry.word) <= LONGEST_WORD
    ]
    return entries[:: max(1, len(entries) // WORDS_A_SCRIPT)]


def pairs_with(name: str, ways: dict[str, Disguise]) -> list[tuple[str, ...]]:
    """The way alone, and followed by each other one."""
    others = [other for other in ways if other != name and other not in EXCEPTIONS]
    return [(name,), *((name, other) for other in others if (name, other) not in UNREADABLE)]
