"""Makes ``data/fold.txt``, the table by which a text is folded before words are looked for in it.

    pip install opencc-python-reimplemented==0.1.7 confusable-homoglyphs==3.3.1
    python -m gateway.filters.generate_fold

Those two packages carry the public data (characters of OpenCC, confusables of Unicode) and are needed here;
the rest comes from ``unicodedata``. ``docs/words.md`` cites sources and licences.

Each code point is folded alone and to a fixed point, so that folding twice changes nothing. The rules, in
order: what cannot be seen, combines or only decorates is deleted; digits of every style become ASCII digits;
NFKC and case folding, accents go; letters squared, circled, small capital or with a stroke become the letter
that their name says; lookalikes become the letter (or the Han character) that they look like; traditional
becomes simplified. Whatever is then neither letter nor digit is a separator, a space.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterable
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent / "data" / "fold.txt"
CODE_POINTS = 0x110000

DELETED = {"Cc", "Cf", "Cn", "Co", "Cs", "Mc", "Me", "Mn"}
FILLERS = "\u115f\u1160\u3164\uffa0\u2800"
STROKES = "丶丨丿乀乁亅乚乛灬ー"
"""Single strokes, and the kana prolongation that looks like one, set between characters as noise."""

MODIFIERS = "".join(c for c in map(chr, range(0x2B0, 0x300)) if unicodedata.category(c) == "Lm")
NOISE = frozenset(FILLERS + STROKES + MODIFIERS)
"""Letters by their category, yet nothing that is read as one (a modifier made of a letter becomes it)."""

MARKED = "™℠©®"
"""Signs that NFKC would turn into letters stuck to the brand before them."""

OWN_LOOKALIKES = dict(zip("вкмнтпгѵαβγεηικνοπρτυχωĸΙІ", "bkmhtnrvabyenikvonptuxwkii", strict=True)) | {
    "ß": "ss"
}
"""Lookalikes that Unicode's data gives not at all or only by way of a third character."""

NAMED_LETTER = re.compile(
    r"(?:LATIN (?:SMALL|CAPITAL) (?:LETTER|LIGATURE) (?:TURNED |REVERSED |DOTLESS |SCRIPT )?"
    r"|LATIN LETTER SMALL CAPITAL (?:TURNED |REVERSED |BARRED )?"
    r"|(?:CROSSED )?(?:NEGATIVE )?(?:SQUARED|CIRCLED) LATIN CAPITAL LETTER "
    r"|REGIONAL INDICATOR SYMBOL LETTER )"
    r"([A-Z]|AE|OE)(?: WITH .*)?"
)

ADDRESS_SIGNS = ".:/@-_?=&#%+~"
"""Punctuation that view D keeps, since links and handles are made of it."""

DOTS = "。｡․‧•·∙⋅・．﹒▪●"
SLASHES = "⁄∕⧸╱"


class Fold:
    """Folds one code point; made once from the public data."""

    def __init__(self, simplified: dict[str, str], lookalikes: dict[str, set[str]]) -> None:
        self.simplified = simplified
        self.lookalikes = lookalikes

    def __call__(self, character: str) -> str:
        """What stands for this character in the views: letters and digits, one space, or nothing."""
        category = unicodedata.category(character)
        if character in STROKES or (category in DELETED and not character.isspace()):
            return ""
        if character in MARKED:
            return " "
        folded = "".join(c for c in self.letters(character) if c.isalnum() and c not in NOISE)
        return folded or ("" if character in NOISE or category[0] == "L" else " ")

    def letters(self, text: str) -> str:
        """Applies the rules until they change nothing."""
        for _ in range(10):
            after = "".join(map(self.once, text))
            if after == text:
                return text
            text = after
        raise ValueError(f"no fixed point from {text!r}")

    def once(self, character: str) -> str:
        if (digit := unicodedata.digit(character, None)) is not None:
            return str(digit)
        folded = unicodedata.normalize("NFKC", character).casefold()
        folded = unaccented(unicodedata.normalize("NFKC", folded).casefold())
        if folded.isascii():
            return folded
        if target := named_letter(character) or self.lookalike(character):
            return target
        return "".join(self.simplified.get(c, c) for c in folded)

    def lookalike(self, character: str) -> str | None:
        """The ASCII letter, else the Han character, that it is taken for, if it is not one itself."""
        if character.isascii() or is_han(character) or unicodedata.bidirectional(character) in ("R", "AL"):
            return None
        if character in OWN_LOOKALIKES:
            return OWN_LOOKALIKES[character]
        if unicodedata.category(character)[0] != "L":
            return None
        seen = {named_letter(c) or c for c in self.lookalikes.get(character, ()) if len(c) == 1}
        letters = sorted(c.lower() for c in seen if c.isascii() and c.isalpha())
        han = sorted(c for c in seen if is_han(c))
        return next(iter(letters or han), None)


def named_letter(character: str) -> str | None:
    match = NAMED_LETTER.fullmatch(unicodedata.name(character, ""))
    return match[1].lower() if match else None


def is_han(text: str) -> bool:
    return len(text) == 1 and unicodedata.name(text, "").startswith("CJK UNIFIED IDEOGRAPH")


def unaccented(text: str) -> str:
    """Without combining marks. Hangul is left composed: its parts are letters, not marks."""
    parts = (c if "가" <= c <= "힣" else unicodedata.normalize("NFD", c) for c in text)
    return "".join(c for c in "".join(parts) if unicodedata.category(c) not in DELETED)


def address_form(character: str, folded: str) -> str:
    """What stands for the character in view D: as for words, but numerals are digits and signs stay."""
    if character in DOTS:
        return "."
    if character in SLASHES:
        return "/"
    if unicodedata.category(character) == "Pd" or character == "−":
        return "-"
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) == 1 and plain in ADDRESS_SIGNS:
        return plain
    if "KATAKANA LETTER" in unicodedata.name(plain[0], ""):
        return "".join(c for c in unaccented(plain) if c not in NOISE)
    for candidate in (character, folded):
        if len(candidate) == 1 and unicodedata.numeric(candidate, -1) in range(10):
            return str(int(unicodedata.numeric(candidate)))
    return folded


def runs(targets: list[str], known: list[str]) -> Iterable[str]:
    """The table where it differs from what is known: first code point, kind, then targets or a length."""
    kinds = [kind_of(new, old) for new, old in zip(targets, known, strict=True)]
    start = 0
    for kind, group in groupby(kinds):
        end = start + len(list(group))
        if kind == ":":
            yield f"{start:x}\t:\t{''.join(targets[start:end])}"
        elif kind == "+":
            yield f"{start:x}\t+\t{' '.join(targets[start:end])}"
        elif kind != "=":
            yield f"{start:x}\t{kind}\t{end - start}"
        start = end


def kind_of(target: str, known: str) -> str:
    """``=`` as known, ``-`` deleted, ``_`` a space, ``:`` one character, ``+`` several."""
    if target == known:
        return "="
    if target in ("", " "):
        return "-" if not target else "_"
    return ":" if len(target) == 1 else "+"


def public_data() -> tuple[dict[str, str], dict[str, set[str]]]:
    """Traditional to simplified by OpenCC (its first choice), and Unicode's confusables, both ways."""
    simplified = {}
    characters = resources.files("opencc") / "dictionary" / "TSCharacters.txt"
    for line in characters.read_text("utf-8").splitlines():
        traditional, choices = line.split("\t")
        simplified[traditional] = choices.split()[0]
    pairs: dict[str, list[dict[str, Any]]] = json.loads(
        (resources.files("confusable_homoglyphs") / "confusables.json").read_text("utf-8")
    )
    return simplified, {c: {other["c"] for other in others} for c, others in pairs.items()}


def main() -> int:
    fold = Fold(*public_data())
    characters = [chr(code) for code in range(CODE_POINTS)]
    words = [fold(c) for c in characters]
    addresses = [address_form(c, folded) for c, folded in zip(characters, words, strict=True)]
    header = f"# generated by generate_fold.py, Unicode {unicodedata.unidata_version}; do not edit"
    lines = [header, *runs(words, characters), "# view D, where it differs", *runs(addresses, words)]
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
