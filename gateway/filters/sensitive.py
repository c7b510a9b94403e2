"""The filter of sensitive words: what an entry's severity asks for becomes a verdict."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import ClassVar, NamedTuple

from gateway.filters.contacts import NONE, contacts
from gateway.filters.entries import Severity
from gateway.filters.remembered import Remembered
from gateway.filters.verdict import REASONS, Action, Verdict, beside
from gateway.filters.wordlists import load_wordlists
from gateway.filters.words import Hit, WordList
from gateway.message import Message
from gateway.settings.models import Generation

_ACTIONS = {
    Severity.REJECT: Action.REFUSE,
    Severity.HOLD: Action.HOLD,
    Severity.WARN: Action.WARN,
    Severity.LOG: Action.ALLOW,
}

MOST_SHADOWS = 10
"""Entries in shadow that are recorded of one text, the gravest."""


_QUOTATION = re.compile('[“「『«][^“”「」『』«»]{1,80}[”」』»]|"[^"]{1,80}"|＂[^＂]{1,80}＂')
"""What is within quotation marks of one kind."""


class Weighed(NamedTuple):
    """A hit, how grave it is where it stands, and why so if that is not what its entry says."""

    severity: Severity
    hit: Hit
    why: str = ""


class SensitiveWords:
    """Judges a text by the gravest entry that it hits; those in shadow are told beside it. `words` is put in
    the place of another by the node, when they are edited.

    What stands in quotation marks, or beside a word of the entry's `unless`, is held where it would be
    refused: banks and the police warn of fraud in its own words, and whether a text does is for a person to
    say, since anybody may write "beware" beside an offer. What would be held passes beside such a word,
    unless the text says where its reader is to turn to: a warning names no crook's number.
    """

    name: ClassVar[str] = "words"
    alike: ClassVar[bool] = True

    def __init__(self, words: WordList) -> None:
        self._words = words
        self._verdict = Remembered(self._judged)

    @property
    def words(self) -> WordList:
        """The words in force."""
        return self._words

    @words.setter
    def words(self, words: WordList) -> None:
        self._words = words
        self._verdict.forget()

    @classmethod
    def of(cls, generation: Generation, previous: SensitiveWords | None = None) -> SensitiveWords:
        """The filter with the lists that filters.yaml names; built by difference to the one before.

        Raises ValueError with all that is wrong in the lists.
        """
        paths = [generation.directory / path for path in generation.filters.words.files]
        before = previous.words if previous is not None else None
        words, problems = load_wordlists(paths, before, generation.filters.words.most_entries)
        if problems:
            raise ValueError("\n".join(str(problem) for problem in problems))
        return cls(words)

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A verdict if anything is hit, however the text is read; a binary message hits nothing."""
        text = message.text
        if text is None:
            return None
        return self._verdict.of(text, message.others, message.tenant, message.category, int(now))

    def _judged(
        self, text: str, others: tuple[str, ...], tenant: str, category: str, now: int
    ) -> Verdict | None:
        """The verdict on a text and its other readings."""
        hits = self._words.scan(text, tenant, category, now)
        found = list(weighed(text, hits)) if hits else []
        for other in others:
            found += weighed(other, self._words.scan(other, tenant, category, now))
        if not found:
            return None
        acting = [one for one in found if one.hit.entry.mode != "shadow"]
        verdict = _said(max(acting, key=_gravity)) if acting else None
        if len(acting) == len(found):
            return verdict
        first = {one.hit.entry: one for one in reversed(found) if one.hit.entry.mode == "shadow"}
        gravest = sorted(first.values(), key=_gravity, reverse=True)
        return beside(self.name, verdict, [_said(one) for one in gravest[:MOST_SHADOWS]])


def _gravity(one: Weighed) -> Severity:
    return one.severity


def _said(one: Weighed) -> Verdict:
    severity, hit, why = one
    action = _ACTIONS[severity]
    reason = REASONS["content_blocked"] if action is Action.REFUSE else None
    detail = describe(hit) + (f"; {why}" if why else "")
    return Verdict(action, SensitiveWords.name, hit.entry.word, hit.entry.place, reason, detail)


class _Around:
    """What is asked of a text that was hit: once, and only if at all."""

    __slots__ = ("_quotations", "_reachable", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._quotations: list[tuple[int, int]] | None = None
        self._reachable: bool | None = None

    def quotes(self, hit: Hit) -> bool:
        """Whether the hit stands in quotation marks."""
        if self._quotations is None:
            self._quotations = [found.span() for found in _QUOTATION.finditer(self._text)]
        before = bisect_left(self._quotations, (hit.start, 0)) - 1
        return before >= 0 and hit.end < self._quotations[before][1]

    def reachable(self) -> bool:
        """Whether the text names a host, a telephone number or a handle."""
        if self._reachable is None:
            self._reachable = contacts(self._text) is not NONE
        return self._reachable


def weighed(text: str, hits: Iterable[Hit]) -> Iterator[Weighed]:
    """Each hit with the severity of its entry, or a lower one where the text may only warn of it."""
    around = _Around(text)
    for hit in hits:
        yield _weighed(hit, around)


def _weighed(hit: Hit, around: _Around) -> Weighed:
    severity = hit.entry.severity
    if severity is Severity.REJECT:
        if hit.beside:
            return Weighed(Severity.HOLD, hit, f"beside '{hit.beside}', hence held")
        if around.quotes(hit):
            return Weighed(Severity.HOLD, hit, "quoted, hence held")
    elif hit.beside and not around.reachable():
        return Weighed(Severity.LOG, hit, f"beside '{hit.beside}' and without a way to reply, hence passed")
    return Weighed(severity, hit)


def describe(hit: Hit) -> str:
    """What was hit and where, for the decision record."""
    tags = f" [{', '.join(hit.entry.tags)}]" if hit.entry.tags else ""
    edit = f"; {hit.entry.edit}" if hit.entry.edit else ""
    return f"{hit.characters!r} at {hit.start}-{hit.end}, view {hit.view}{tags}{edit}"
