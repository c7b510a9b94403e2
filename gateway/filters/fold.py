"""A text as a reader sees it, for the search of words: folded by one table, and seen in four views.

The table (``data/fold.txt``, made by ``generate_fold.py``) maps every code point to what stands for it:
letters and digits of one kind, a space for what separates, nothing for what is not seen. The views:

* **W**, words: separators as single spaces. ``fold`` gives it as its tokens.
* **S**, squashed: letters and digits only.
* **R**, repeats collapsed: S with each run of one letter as that letter once; digits stay.
* **D**, addresses: as W, but numerals of every script are digits and the signs of links and handles stay. For
  contacts only, never for words: it reads 一 as 1.

Each takes any string, lone surrogates and all planes included, and never raises. S, W and D of S, W and D are
themselves. A table ends behind the last character that stands for anything: what lies beyond is not seen, and
five sixths of all code points do, which would take 8 MB more for each table.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache, lru_cache
from itertools import accumulate
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase

from daachorse import CharwiseDoubleArrayAhoCorasick

DATA = Path(__file__).parent / "data" / "fold.txt"
CODE_POINTS = 0x110000
BASIC_PLANE = 0x10000

Table = list[int | str]
"""For ``str.translate``: at each code point the code point or the string that stands for it; to its end."""

FEW = 8
"""Separators of a text that are taken out one after the other before it is cut at all of them."""

_REPEATS = re.compile(r"(\D)(?=\1)", re.ASCII)
_DOUBLES = CharwiseDoubleArrayAhoCorasick([letter * 2 for letter in ascii_lowercase])


class Folding:
    """A table made quick to apply. Most texts that are not ASCII are all of letters that stand for
    themselves, capitals of ASCII, and separators: one regular expression tells that, and another takes the
    tokens. It has the letters as bits, where the table needs some memory for each, and so takes half the
    time.

    `stop` is a sign that hardly a text is without, and what stands for it.
    """

    def __init__(self, table: Table, stop: tuple[str, str] | None = None) -> None:
        self.table = table
        self._stop = stop
        targets = list(enumerate(table[:BASIC_PLANE]))
        own = {code for code, target in targets if code == target and chr(code).lower() == chr(code)}
        own = own - {ord(" ")} | set(map(ord, ascii_uppercase))
        spaces = {code for code, target in targets if target == ord(" ")}
        self._tokens = re.compile(f"[{_ranges(own)}]+")
        self._separate = re.compile(f"[^{_ranges(own)}]")
        self._odd = re.compile(f"[^{_ranges(own | spaces)}]")
        self._spaces = frozenset(map(chr, spaces))

    def tokens(self, text: str) -> list[str]:
        """What is read without a separator between, in order."""
        if text.isascii():  # which translates ten times as fast
            return text.translate(self.table).split()
        plain = text if self._stop is None else text.replace(*self._stop)
        if self._odd.search(plain) is not None:
            return _BEYOND.sub("", text).translate(self.table).split()
        return self._tokens.findall(plain.lower())

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where in a text its tokens stand; none if a letter in it stands for another than its small one."""
        if self._odd.search(text) is not None:
            return []
        return [token.span() for token in self._tokens.finditer(text)]

    def squashed(self, text: str) -> str:
        """The tokens in one, where ，。【】,:. are separators: hardly a Chinese text is without them, and to
        take them out costs less than to find what is between. A few others are found first.
        """
        rest = text.replace("，", "").replace("。", "").replace("【", "").replace("】", "")
        rest = rest.replace(",", "").replace(" ", "").replace(":", "").replace(".", "")
        search, at = self._separate.search, 0
        for _ in range(FEW):
            found = search(rest, at)
            if found is None:
                return rest.lower()
            if found[0] not in self._spaces:
                break
            at = found.start()
            rest = rest.replace(found[0], "")
        return "".join(self.tokens(rest))


def fold(text: str) -> list[str]:
    """View W as its tokens, in order: what is read without a separator between."""
    return words().tokens(text)


class Folded:
    """A text in view W, as its tokens, and in view S."""

    __slots__ = ("_tokens", "squashed", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens: list[str] | None = None
        self.squashed = view_s(text)

    @property
    def tokens(self) -> list[str]:
        """View W. Most texts are done with before anybody asks."""
        if self._tokens is None:
            self._tokens = words().tokens(self.text)
        return self._tokens


folded = lru_cache(maxsize=1)(Folded)
"""The text at hand, folded once: several filters ask for it one after the other."""


def view_w(text: str) -> str:
    """The tokens with one space between."""
    return " ".join(fold(text))


def view_s(text: str) -> str:
    """Letters and digits only."""
    return _squashed(text) if text.isascii() else words().squashed(text)


def _squashed(text: str) -> str:
    """View S of a text in ASCII, by its octets: without its tokens it takes a seventh of the time."""
    return text.encode().translate(_SMALL, _SEPARATORS).decode()


def view_r(squashed: str) -> str:
    """View R of a text in view S: runs of one letter as that letter once."""
    return collapsed(squashed, repeats(squashed))


def repeats(squashed: str) -> list[int]:
    """The offsets in view S of the letters that the same letter follows."""
    if squashed.isascii():  # a quarter of the time
        return [start for start, _, _ in _DOUBLES.find_overlapping(squashed)]
    return [repeat.start() for repeat in _REPEATS.finditer(squashed)]


def collapsed(squashed: str, repeats: list[int]) -> str:
    """View R of a text in view S and its `repeats`."""
    pieces = []
    done = 0
    for offset in repeats:
        pieces.append(squashed[done:offset])
        done = offset + 1
    pieces.append(squashed[done:])
    return "".join(pieces)


def view_d(text: str) -> str:
    """The text for the search of links, numbers and handles, separators as single spaces."""
    return " ".join(addresses().tokens(text))


class Origins:
    """Where in a text the characters of its view S come from. Of most texts the tokens tell. Another is
    folded in pieces, and only the pieces that are asked about character by character, each once.
    """

    PIECE = 64

    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces: dict[int, list[int]] = {}
        spans = words().spans(text)
        self._begins = [begin for begin, _ in spans]
        if spans:
            self._ends = list(accumulate(end - begin for begin, end in spans))
            return
        pieces = range(0, len(text), self.PIECE)
        self._ends = list(accumulate(len(view_s(text[at : at + self.PIECE])) for at in pieces))

    def of(self, offset: int) -> int:
        """The index in the text of the character that this one of view S came from."""
        piece = bisect_right(self._ends, offset)
        offset -= self._ends[piece - 1] if piece else 0
        if self._begins:
            return self._begins[piece] + offset
        first = piece * self.PIECE
        known = self._pieces.get(piece)
        if known is None:
            known = self._pieces[piece] = origins(self._text[first : first + self.PIECE])
        return first + known[offset]


def origins(text: str) -> list[int]:
    """For each character of view S, the index in the text of the character that it came from."""
    found: list[int] = []
    space = ord(" ")
    for index, code in enumerate(map(ord, text)):
        target = WORDS[code] if code < len(WORDS) else ""
        if isinstance(target, str):
            found += [index] * len(target.replace(" ", ""))
        elif target != space:
            found.append(index)
    return found


def run_starts(squashed: str) -> list[int]:
    """For each character of view R the index in view S at which its run begins; last, the length of S."""
    return runs(squashed, repeats(squashed))


def runs(squashed: str, repeats: list[int]) -> list[int]:
    """`run_starts` where no more than these `repeats` are collapsed."""
    starts: list[int] = []
    done = 0
    for offset in repeats:
        starts += range(done, offset + 1)
        done = offset + 2
    starts += range(done, len(squashed) + 1)
    return starts


def _read(part: int, table: Table | None) -> Table:
    """Reads one part of the data: the words' table from nothing, or the addresses' over it."""
    lines = DATA.read_text("utf-8").split("\n# ")[part].splitlines()[1:]
    filled: Table = [] if table is None else table.copy()
    done = 0
    for line in lines:
        first, kind, targets = line.split("\t")
        start = int(first, 16)
        values: Table
        if kind == ":":
            values = [ord(c) for c in targets]
        elif kind == "+":
            values = list(targets.split(" "))
        else:
            values = ["" if kind == "-" else 32] * int(targets)
        if table is None:
            filled += range(done, start)
            if start + len(values) == CODE_POINTS:
                break
        filled[start : start + len(values)] = values
        done = start + len(values)
    return filled


def _ranges(codes: set[int]) -> str:
    """Code points of the basic plane as the inner part of a character class."""
    firsts = sorted(code for code in codes if code - 1 not in codes)
    lasts = sorted(code for code in codes if code + 1 not in codes)
    return "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in zip(firsts, lasts, strict=True))


WORDS: Table = _read(0, None)
"""The table of views W, S and R."""

_BEYOND = re.compile(f"[{chr(len(WORDS))}-{chr(CODE_POINTS - 1)}]+")
"""What no table has a place for."""


_SMALL = bytes(range(256)).lower()
_SEPARATORS = bytes(code for code in range(128) if WORDS[code] in ("", ord(" ")))
"""What stands for nothing or for a space, in ASCII; everything else of it is a letter or a digit."""


@cache
def words() -> Folding:
    """View W, made when it is first asked for."""
    return Folding(WORDS)


@cache
def addresses() -> Folding:
    """View D, made when it is first asked for."""
    return Folding(_read(1, WORDS), ("。", "."))
