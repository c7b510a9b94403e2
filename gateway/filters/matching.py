"""Texts with typed places in them, and whether another text is one of these. Pure.

A pattern is literal text with variables, as in `Your code is {code:digits(4-6)}`. A brace of the text is
written twice. The types:

    digits(a-b)  code(a-b)  name(a-b)  text(a-b)   from a to b characters, or by default
    digits(n)    code(n)                           n characters
    name(n)      text(n)                           n characters at most
    money  date  url                               as many characters as belong to one

A text is matched from end to end, without backtracking: the places that can be reached so far are kept as
spans, and each piece of the pattern moves them on. That takes time in proportion to the text for each piece.
Since texts may have 64 KiB, patterns thousands of pieces, and tenants thousands of patterns, there is an end
to what is done for one text: `Effort`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

Spans = list[tuple[int, int]]
"""Places from the first to the last, both included, in order and apart."""

LONGEST_VARIABLE = 1000
LONGEST_URL = 500
MOST_WAYS = 200
"""Ways to match a text that a regular expression may try one after the other."""

MOST_STEPS = 100_000
"""Steps that are taken for one text: some 50 ms. An ordinary text takes some hundreds."""

CHARACTERS_A_STEP = 200
"""Characters that a regular expression looks at in the time of a step."""

_VARIABLE = re.compile(
    r"\{\{|\}\}|\{([A-Za-z_]\w{0,40}):([a-z]{1,10})(?:\((\d{1,4})(?:-(\d{1,4}))?\))?\}|[{}]"
)
_TIME = r"(?: ?\d{1,2}:\d{2}(?::\d{2})?+)?+"

CHARACTERS = {"digits": "[0-9]", "code": "[A-Za-z0-9-]", "name": r"(?:[^\W\d_]|[ .'’·-])", "text": r"[^\x00]"}
"""What may stand in a variable."""

_CHARACTERS = {
    kind: (re.compile(f"{CHARACTERS[kind]}*+"), least, most)
    for kind, least, most in (("digits", 1, 20), ("code", 4, 8), ("name", 1, 30), ("text", 0, 30))
}
"""The same by the run, and by default at least and at most how many."""

_WHOLE = {
    "money": (re.compile(r"[¥￥$€£]?+ ?+\d{1,12}+(?:,\d{3}){0,4}+(?:\.\d{1,2})?+"), 32),
    "date": (
        re.compile(
            r"(?:\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?+|\d{1,2}月\d{1,2}日"
            rf"|\d{{1,2}}[-/.]\d{{1,2}}(?:[-/.](?:\d{{4}}|\d{{2}}))?+){_TIME}"
        ),
        32,
    ),
    "url": (
        re.compile(
            r"(?:https?://)?+([A-Za-z0-9.-]{3,253})(?::\d{1,5})?+(?:/[\w\-./?=&%#~+:@!,;]{0,200})?(?<![.,:;!?])",
            re.A,
        ),
        LONGEST_URL,
    ),
}
"""What a variable takes all at once, and at most how many characters."""


class Variable(NamedTuple):
    """A place for something of a type. `characters` is set where any number of them from `least` to `most`
    may stand, `whole` where the longest match is taken.
    """

    name: str
    kind: str
    least: int
    most: int
    characters: re.Pattern[str] | None = None
    whole: re.Pattern[str] | None = None


class Effort:
    """What may still be done to find the pattern of one text, whichever patterns are tried. When nothing is
    left, it is none of those that are tried then: nobody's ordinary text comes near that.
    """

    __slots__ = ("left", "wholes")

    def __init__(self, steps: int = MOST_STEPS) -> None:
        self.left = steps
        self.wholes: dict[tuple[str, int], int] = {}
        """Where what a variable takes as a whole ends, by its type and where it begins; -1 for nowhere."""

    def spend(self, steps: int) -> bool:
        """Whether there was so much left."""
        self.left -= steps
        return self.left >= 0


class Pattern(NamedTuple):
    """A pattern in its pieces. No matching text is longer than `longest`.

    `plain` says the same as a regular expression where there is only one way to match, since no variable
    could take what the literal text behind it begins with, or where there are few `ways`.
    """

    pieces: tuple[str | Variable, ...]
    longest: int
    plain: re.Pattern[str] | None = None
    ways: int = 1

    def matches(
        self, text: str, allowed: Callable[[str], bool] = lambda host: True, effort: Effort | None = None
    ) -> bool:
        """Whether the whole text is one of this pattern; `allowed` says which hosts a url may lead to, and
        is the same for all patterns that are tried with one `effort`.
        """
        if len(text) > self.longest:
            return False
        effort = effort or Effort()
        if self.plain is not None:
            steps = 1 + self.ways * len(text) // CHARACTERS_A_STEP
            return effort.spend(steps) and self.plain.fullmatch(text) is not None
        first, last = self.pieces[0], self.pieces[-1]
        if isinstance(first, str) and not text.startswith(first):
            return False
        if isinstance(last, str) and not text.endswith(last):
            return False
        return self._ends(text, allowed, effort)

    def _ends(self, text: str, allowed: Callable[[str], bool], effort: Effort) -> bool:
        """Whether the pieces, one after the other, reach the end of the text."""
        spans: Spans = [(0, 0)]
        for piece in self.pieces:
            if not effort.spend(1 + len(spans) + len(text) // CHARACTERS_A_STEP):
                return False
            if isinstance(piece, str):
                spans = _after_literal(piece, text, spans, effort)
            elif piece.characters is not None:
                spans = _after_characters(piece, piece.characters, text, spans, effort)
            elif piece.whole is not None:
                spans = _after_whole(piece, piece.whole, text, spans, allowed, effort)
            if not spans:
                return False
        return spans[-1][1] == len(text)


def parse_pattern(text: str) -> Pattern:
    """The pattern that a text writes. Raises ValueError with what is wrong."""
    pieces: list[str | Variable] = []
    literal, at = "", 0
    for match in _VARIABLE.finditer(text):
        literal += text[at : match.start()]
        at = match.end()
        if match[0] in ("{{", "}}"):
            literal += match[0][0]
        elif match[1] is None:
            raise ValueError(
                f"'{text[match.start() : match.start() + 20]}': no variable; a brace is written twice"
            )
        else:
            if literal:
                pieces.append(literal)
            literal = ""
            pieces.append(_variable(match[1], match[2], match[3], match[4]))
    literal += text[at:]
    if literal:
        pieces.append(literal)
    if not any(isinstance(piece, str) and piece.strip() for piece in pieces):
        raise ValueError("a template needs some text beside its variables")
    longest = sum(len(piece) if isinstance(piece, str) else piece.most for piece in pieces)
    return Pattern(tuple(pieces), longest, *_plain(pieces))


def _plain(pieces: list[str | Variable]) -> tuple[re.Pattern[str] | None, int]:
    """The regular expression of pieces that can match in one way, or in so few that trying all is nothing;
    and in how many.
    """
    written = []
    ways = 1
    for piece, following in zip(pieces, (*pieces[1:], ""), strict=True):
        if isinstance(piece, str):
            written.append(re.escape(piece))
            continue
        run = piece.characters
        if run is None:
            return None, 1
        several = not isinstance(following, str) or _may_begin(run, following)
        ways *= piece.most - piece.least + 1 if several else 1
        if ways > MOST_WAYS:
            return None, 1
        once = "" if several else "+"
        written.append(f"(?:{CHARACTERS[piece.kind]}){{{piece.least},{piece.most}}}{once}")
    return re.compile("".join(written), re.S), ways


def _may_begin(run: re.Pattern[str], literal: str) -> bool:
    match = run.match(literal)
    return match is not None and match.end() > 0


def _variable(name: str, kind: str, first: str | None, second: str | None) -> Variable:
    if kind in _WHOLE:
        if first is not None:
            raise ValueError(f"{{{name}}}: {kind} takes no length")
        whole, most = _WHOLE[kind]
        return Variable(name, kind, 1, most, whole=whole)
    if kind not in _CHARACTERS:
        kinds = ", ".join((*_CHARACTERS, *_WHOLE))
        raise ValueError(f"{{{name}}}: unknown type '{kind}': use one of {kinds}")
    characters, least, most = _CHARACTERS[kind]
    if second is not None:
        least, most = int(first or 0), int(second)
    elif first is not None:
        least, most = (
            (min(least, int(first)), int(first)) if kind in ("text", "name") else (int(first), int(first))
        )
    if not 0 <= least <= most <= LONGEST_VARIABLE or most == 0:
        raise ValueError(f"{{{name}}}: from {least} to {most} characters is not possible")
    return Variable(name, kind, least, most, characters)


def _after_literal(literal: str, text: str, spans: Spans, effort: Effort) -> Spans:
    found: Spans = []
    for first, last in spans:
        at = text.find(literal, first, last + len(literal))
        while at >= 0:
            if not effort.spend(1):
                return []
            _add(found, at + len(literal), at + len(literal))
            at = text.find(literal, at + 1, last + len(literal))
    return found


def _after_characters(
    variable: Variable, characters: re.Pattern[str], text: str, spans: Spans, effort: Effort
) -> Spans:
    found: Spans = []
    end = -1
    for first, last in spans:
        at = first
        while at <= last:
            if at > end:  # else it lies in the same run as the one before, which is not gone through again
                run = characters.match(text, at)
                end = run.end() if run is not None else at
                if not effort.spend(1 + (end - at) // CHARACTERS_A_STEP):
                    return []
            if at + variable.least <= end:
                _add(found, at + variable.least, min(min(last, end) + variable.most, end))
            at = end + 1
    return found


def _after_whole(
    variable: Variable,
    whole: re.Pattern[str],
    text: str,
    spans: Spans,
    allowed: Callable[[str], bool],
    effort: Effort,
) -> Spans:
    ends = set()
    known, kind = effort.wholes, variable.kind
    for first, last in spans:
        for at in range(first, last + 1):
            end = known.get((kind, at))
            if end is None:
                match = whole.match(text, at, at + variable.most)
                right = match is not None and (kind != "url" or allowed(match[1].lower().rstrip(".")))
                end = known[kind, at] = match.end() if match is not None and right else -1
            if end >= 0:
                ends.add(end)
            if not effort.spend(1):
                return []
    return [(end, end) for end in sorted(ends)]


def _add(spans: Spans, first: int, last: int) -> None:
    """Put a span behind the others, which begin no later, joined to the last one where they touch."""
    if spans and first <= spans[-1][1] + 1:
        spans[-1] = (spans[-1][0], max(spans[-1][1], last))
    else:
        spans.append((first, last))
