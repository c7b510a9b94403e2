"""One look at a text: whether a slower search can find anything in it at all.

A glance is a regular expression over the text as it came, in which each character stands for all that are
read as it in view D. It is run by the engine of Rust that pydantic brings along: one pass over the octets,
however many alternatives there are, in under a microsecond for an ordinary text, where the folding alone
takes several. A yes means no more than that a closer look is due; a no is final. What ordinary texts are not
written in, such as a letter in a circle or one that cannot be seen, always gets the closer look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache

from pydantic_core import SchemaValidator, core_schema

from gateway.filters.fold import addresses

_ORDINARY = (
    (0x09, 0x0D), (0x20, 0x17F), (0x386, 0x481), (0x2010, 0x203E), (0x20A0, 0x20BF), (0x2190, 0x23FF),
    (0x2500, 0x2775), (0x2794, 0x27BF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3),
    (0xFF00, 0xFFEF), (0x1F300, 0x1FAFF),
)  # fmt: skip
"""Blocks that ordinary texts are written in. What is in none of them, vanishes in view D or becomes more than
one character there is strange.
"""

LETTER = r"\p{Latin}\p{Greek}\p{Cyrillic}"
"""All that is read as a letter from a to z, and more; for a class."""

SIGNS = ".:/@-_?=&#%+~0123456789"
"""What view D shows and is no letter."""


def glance(*patterns: str, closer: Sequence[str] = ()) -> Callable[[str], bool]:
    """Whether one of these may be in a text; each is a pattern of Rust's syntax made with `like`. Where they
    say yes and there are `closer` ones, these have to say so too.
    """
    strange = f"[^{_inner([code for code, _ in _ordinary()])}]"
    found = quick("|".join((strange, *patterns)))
    surely = quick("|".join((strange, *closer))) if closer else None

    def look(text: str) -> bool:
        try:
            octets = text.encode()
        except UnicodeEncodeError:  # lone surrogates
            return True
        return found(octets) and (surely is None or surely(octets))

    return look


def quick(pattern: str) -> Callable[[str | bytes], bool]:
    """Whether a pattern of Rust's syntax is found in a text, or in its octets in UTF-8."""
    return SchemaValidator(core_schema.str_schema(pattern=pattern)).isinstance_python


def like(characters: str, more: str = "") -> str:
    """A class of what is read as one of these characters in view D, and of more classes."""
    return f"[{more}{_inner(_read_as(characters))}]"


def foreign(characters: str) -> str:
    """A class of what is read as one of these characters and is not in ASCII."""
    return f"[{_inner([code for code in _read_as(characters) if code > 0x7F])}]"


@cache
def space() -> str:
    """A class of all that is read as a space, and of more that is hardly ever in a text."""
    return rf"[\W--{like(SIGNS)}]"


def spelt(word: str) -> str:
    """These characters one after the other, each as it is read."""
    return "".join(map(like, word))


def _read_as(characters: str) -> list[int]:
    """These, and what is read as one of them, of all that is not strange."""
    others = _others()
    return [code for seen in characters for code in (ord(seen), *others.get(seen, ()))]


@cache
def _others() -> dict[str, list[int]]:
    """What else is read as each character: as most of them nothing is."""
    known: dict[str, list[int]] = {}
    for code, seen in _ordinary():
        if code != ord(seen):
            known.setdefault(seen, []).append(code)
    return known


def _ordinary() -> Iterator[tuple[int, str]]:
    """All that is not strange, and the character that it is read as."""
    table = addresses().table
    for first, last in _ORDINARY:
        for code in range(first, last + 1):
            target = table[code]
            seen = target if isinstance(target, str) else chr(target)
            if len(seen) == 1:
                yield code, seen


def _inner(codes: list[int]) -> str:
    """The inner part of a class, as short as can be: pydantic copies the pattern whenever it is not found."""
    every = set(codes)
    firsts = sorted(code for code in every if code - 1 not in every)
    lasts = sorted(code for code in every if code + 1 not in every)
    return "".join(
        _sign(first) if first == last else f"{_sign(first)}-{_sign(last)}"
        for first, last in zip(firsts, lasts, strict=True)
    )


def _sign(code: int) -> str:
    return chr(code) if chr(code).isalnum() else f"\\x{{{code:x}}}"
