"""What the shipped word lists do on the texts of the tests: hits, precision and recall.

`python benchmarks/report_words.py` prints the report and writes it to `docs/words-report.md`. The texts lie
in `tests/data/ordinary` and `tests/data/bad`; the folder says how they came about. A text is caught if one of
its hits rejects it or holds it for a person. Precision of a list or an entry is the share of bad texts among
all that it hits; recall of a list is the share that it alone catches of the bad texts of its subjects and
language.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from gateway.filters.entries import Entry, Severity
from gateway.filters.wordlists import load_wordlists
from gateway.filters.words import WordList

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data"
LISTS = ROOT / "config" / "words"
REPORT = ROOT / "docs" / "words-report.md"

DEMONSTRATION = LISTS / "demo.txt"

SUBJECTS = {
    "adult-zh": ("adult",),
    "authority-en": ("impersonation",),
    "authority-zh": ("impersonation",),
    "fraud-en": ("fraud",),
    "fraud-zh": ("fraud",),
    "gambling-en": ("gambling",),
    "gambling-zh": ("gambling",),
    "illegal-en": ("illegal-goods",),
    "illegal-zh": ("illegal-goods",),
    "shaft-en": ("adult", "shaft"),
    "shaft-zh": ("shaft",),
}
"""The kinds of bad texts that a list is for."""

PARTS = {"": "open", "blind": "blind", "wary": "around the words", "held": "held back", "fresh": "afterwards"}
"""Folders of texts, and what they are called."""


class Text(NamedTuple):
    """A text with the folder, the file and the kind under which it stands."""

    text: str
    part: str
    language: str
    kind: str


def texts(family: str) -> list[Text]:
    """All texts of a family, "ordinary" or "bad": one a line; a line that begins with `# ` names the kind."""
    found = []
    for path in sorted((DATA / family).rglob("*.txt")):
        part = "" if path.parent.name == family else path.parent.name
        kind = ""
        for number, line in enumerate(path.read_text("utf-8").splitlines()):
            if line.startswith("# "):
                kind = line[2:] if number else ""
            elif line:
                found.append(Text(line, part, path.stem, kind))
    return found


class Judged(NamedTuple):
    """A text and the entries that it hits, each once."""

    text: Text
    entries: frozenset[Entry]

    def caught(self, name: str = "") -> bool:
        """Whether it is rejected or held, by this list alone if one is named."""
        return any(e.severity >= Severity.HOLD for e in self.entries if not name or list_of(e) == name)

    @property
    def worst(self) -> Severity:
        """The gravest severity, LOG if nothing is hit."""
        return max((entry.severity for entry in self.entries), default=Severity.LOG)


def list_of(entry: Entry) -> str:
    """The name of the entry's list."""
    return Path(entry.file).stem


class Measured:
    """The shipped lists and what they hit."""

    def __init__(self) -> None:
        paths = sorted((*LISTS.glob("*.csv"), DEMONSTRATION))
        words, problems = load_wordlists(paths)
        if problems:
            raise ValueError("\n".join(map(str, problems)))
        self.words: WordList = words
        self.entries = [entry for entry in words.entries() if entry.severity > Severity.ALLOW]
        self.ordinary = [self._judged(text) for text in texts("ordinary")]
        self.bad = [self._judged(text) for text in texts("bad")]

    def _judged(self, text: Text) -> Judged:
        return Judged(text, frozenset(hit.entry for hit in self.words.scan(text.text)))

    @cached_property
    def on_ordinary(self) -> Counter[Entry]:
        """How many ordinary texts each entry hits."""
        return Counter(entry for one in self.ordinary for entry in one.entries)

    @cached_property
    def on_bad(self) -> Counter[Entry]:
        """How many bad texts each entry hits."""
        return Counter(entry for one in self.bad for entry in one.entries)

    def precision(self, entry: Entry) -> float | None:
        """The share of bad texts among those that the entry hits; None if it hits none."""
        good, bad = self.on_ordinary[entry], self.on_bad[entry]
        return bad / (bad + good) if bad + good else None

    def of_list(self, name: str, severity: Severity = Severity.LOG) -> list[Entry]:
        """The entries of a list that are at least so grave."""
        return [entry for entry in self.entries if list_of(entry) == name and entry.severity >= severity]

    def meant_for(self, name: str) -> list[Judged]:
        """The bad texts of the list's subjects and language."""
        language = name.rpartition("-")[2]
        return [j for j in self.bad if j.text.language == language and j.text.kind in SUBJECTS[name]]

    def recall(self, name: str, part: str | None = None) -> tuple[int, int]:
        """How many of the bad texts that it is for (of one folder) a list alone catches, and of how many."""
        meant = [judged for judged in self.meant_for(name) if part is None or judged.text.part == part]
        return sum(judged.caught(name) for judged in meant), len(meant)


def report(measured: Measured) -> str:
    """The whole report, as Markdown."""
    sections = (_texts, _outcomes, _lists, _recall, _rejecting, _warning)
    return "\n".join(["# Word lists, measured", "", *_introduction(), *_joined(sections, measured)])


def _joined(sections: Iterable[Callable[[Measured], Iterator[str]]], measured: Measured) -> Iterator[str]:
    for section in sections:
        yield ""
        yield from section(measured)


def _introduction() -> list[str]:
    return [
        "Made by `python benchmarks/report_words.py` from the lists in `config/words/` and the texts in",
        "`tests/data/`; what the columns mean, and how far they carry, stands in [words.md](words.md).",
    ]


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    names = list(head)
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"


def _percent(part: int, whole: int) -> str:
    return f"{part * 100 / whole:.0f} % ({part}/{whole})" if whole else "none"


def _families(measured: Measured) -> tuple[tuple[str, list[Judged]], ...]:
    return ("ordinary", measured.ordinary), ("bad", measured.bad)


def _texts(measured: Measured) -> Iterator[str]:
    yield "## Texts"
    yield ""
    rows: list[tuple[object, ...]] = []
    for family, judged in _families(measured):
        for part, called in PARTS.items():
            own = [one.text for one in judged if one.text.part == part]
            if own:
                kinds = len({text.kind for text in own if text.kind})
                rows.append((family, called, len(own), kinds, len({text.language for text in own})))
        rows.append((family, "all", len(judged), "", ""))
    yield from _table(("family", "part", "texts", "kinds", "languages and scripts"), rows)


def _outcomes(measured: Measured) -> Iterator[str]:
    yield "## What became of them"
    yield ""
    rows: list[tuple[object, ...]] = []
    for family, judged in _families(measured):
        for part, called in PARTS.items():
            for languages in (("zh", "zh_hans", "zh_hant"), ("en",), None):
                own = [
                    one.worst
                    for one in judged
                    if one.text.part == part and _speaks(one.text.language, languages)
                ]
                if own:
                    counts = [own.count(s) for s in (Severity.REJECT, Severity.HOLD, Severity.WARN)]
                    name = languages[0] if languages else "others"
                    rows.append((family, called, name, len(own), *counts))
    yield from _table(("family", "part", "language", "texts", "rejected", "held", "warned of"), rows)
    bad = sum(one.caught() for one in measured.ordinary)
    yield ""
    yield f"Of {len(measured.ordinary)} ordinary texts {bad} are rejected or held."


def _speaks(language: str, languages: tuple[str, ...] | None) -> bool:
    return language in languages if languages else not language.startswith(("zh", "en"))


def _lists(measured: Measured) -> Iterator[str]:
    yield "## Lists"
    yield ""
    rows = []
    for name in SUBJECTS:
        entries = Counter(entry.severity for entry in measured.of_list(name))
        good = sum(one.caught(name) for one in measured.ordinary)
        bad = sum(one.caught(name) for one in measured.bad)
        caught, meant = measured.recall(name)
        counts = [entries[s] for s in (Severity.REJECT, Severity.HOLD, Severity.WARN, Severity.LOG)]
        rows.append((name, *counts, good, bad, _percent(bad, bad + good), _percent(caught, meant)))
    head = ("list", "reject", "hold", "warn", "log", "ordinary caught", "bad caught", "precision", "recall")
    yield from _table(head, rows)


def _recall(measured: Measured) -> Iterator[str]:
    yield "## Recall by part"
    yield ""
    yield "Texts held back are the ones that no entry was written for; the lists were mended by the others."
    yield ""
    parts = ("blind", "", "held")
    rows = [(name, *(_percent(*measured.recall(name, part)) for part in parts)) for name in SUBJECTS]
    total = []
    for part in parts:
        own = [one for one in measured.bad if one.text.part == part]
        total.append(_percent(sum(one.caught() for one in own), len(own)))
    yield from _table(("list", *(PARTS[part] for part in parts)), [*rows, ("all lists together", *total)])


def _rejecting(measured: Measured) -> Iterator[str]:
    yield "## Entries that reject"
    yield ""
    entries = [entry for entry in measured.entries if entry.severity == Severity.REJECT]
    hit = [entry for entry in entries if measured.precision(entry) is not None]
    yield f"{len(hit)} of {len(entries)} hit a text of the tests."
    yield ""
    rows = []
    for entry in sorted(hit, key=lambda one: (list_of(one), -measured.on_bad[one], one.word, one.line)):
        good, bad = measured.on_ordinary[entry], measured.on_bad[entry]
        rows.append((list_of(entry), entry.word, bad, good, _percent(bad, bad + good)))
    yield from _table(("list", "entry", "bad texts", "ordinary texts", "precision"), rows)
    yield ""
    yield "The others hit none of the texts, so that of them it is only known that no ordinary text has them:"
    for name in sorted({list_of(entry) for entry in entries}):
        rest = [e.word for e in measured.of_list(name, Severity.REJECT) if measured.precision(e) is None]
        if rest:
            yield ""
            yield from _wrapped(f"* {name}: {' · '.join(sorted(rest))}")


def _wrapped(text: str, width: int = 112) -> Iterator[str]:
    """The text in lines, a Han character being two columns wide."""
    line, columns = "", 0
    for word in text.split(" "):
        wide = 1 + sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in word)
        if line and columns + wide > width:
            yield line
            line, columns = " ", 1
        line = f"{line} {word}" if line else word
        columns += wide
    yield line


def _warning(measured: Measured) -> Iterator[str]:
    yield "## Entries that only warn, and why"
    yield ""
    warn = [entry for entry in measured.entries if entry.severity == Severity.WARN]
    hit = [entry for entry in warn if measured.on_ordinary[entry]]
    yield f"{len(hit)} of {len(warn)} entries that warn hit ordinary texts:"
    yield ""
    rows = []
    for entry in sorted(hit, key=lambda one: (-measured.on_ordinary[one], list_of(one), one.word, one.line)):
        good, bad = measured.on_ordinary[entry], measured.on_bad[entry]
        rows.append((list_of(entry), entry.word, bad, good, _percent(bad, bad + good)))
    yield from _table(("list", "entry", "bad texts", "ordinary texts", "precision"), rows)


if __name__ == "__main__":
    page = report(Measured())
    REPORT.write_text(page + "\n", encoding="utf-8")
    print(page)
