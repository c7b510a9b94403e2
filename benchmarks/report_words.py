"""What the shipped word lists do on the texts of the tests: hits, precision and recall.

`python benchmarks/report_words.py` prints the report and writes it to `docs/words-report.md`. The texts lie
in `tests/data/ordinary` and `tests/data/bad`; the folder says how they came about. A text is caught if one of
its hits rejects it or holds it for a person. Precision of a list or an entry is the share of bad texts among
all that it hits; recall of a list is the share that it alone catches of the bad texts of its subjects and
language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from gateway.filters.entries import Entry, Severity
from gateway.filters.fold import view_s
from gateway.filters.sensitive import weighed
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

PARTS = {
    "": "open",
    "blind": "blind",
    "wary": "around the words",
    "held": "held back",
    "fresh": "afterwards",
    "near": "near to what rejects",
    "entries": "around what rejects",
}
"""Folders of texts, and what they are called."""

BESIDE = {
    "zh": ("公安", "警方", "不会", "谨防诈骗", "，加微信 abc12345"),
    "en": ("police", "never", "beware", "scam", ", http://pay.example/x"),
}
"""Words of warning that a crook may write before his text, and last a contact that he may write after it."""

FOR_ENTRIES = "entries"
"""The folder of bad texts that were written for single entries: they say nothing of recall."""


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


def quoting(language: str) -> list[str]:
    """Honest texts with `{word}` where they quote what dishonest ones say."""
    lines = (DATA / "quoting" / f"{language}.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


class Judged(NamedTuple):
    """A text and the entries that it hits, each once, with how grave they are where they stand."""

    text: Text
    gravity: dict[Entry, Severity]

    @property
    def entries(self) -> Iterable[Entry]:
        """The entries alone."""
        return self.gravity

    def caught(self, name: str = "") -> bool:
        """Whether it is rejected or held, by this list alone if one is named."""
        own = (severity for e, severity in self.gravity.items() if not name or list_of(e) == name)
        return any(severity >= Severity.HOLD for severity in own)

    @property
    def worst(self) -> Severity:
        """The gravest severity, LOG if nothing is hit."""
        return max(self.gravity.values(), default=Severity.LOG)


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
        """What passes beside a word of `unless` is no hit here."""
        gravity: dict[Entry, Severity] = {}
        for severity, hit, _ in weighed(text.text, self.words.scan(text.text)):
            if severity > Severity.LOG or not hit.beside:
                gravity[hit.entry] = max(severity, gravity.get(hit.entry, severity))
        return Judged(text, gravity)

    @cached_property
    def on_ordinary(self) -> Counter[Entry]:
        """How many ordinary texts each entry hits."""
        return Counter(entry for one in self.ordinary for entry in one.entries)

    @cached_property
    def on_bad(self) -> Counter[Entry]:
        """How many bad texts each entry hits."""
        return Counter(entry for one in self.bad for entry in one.entries)

    @cached_property
    def quoted(self) -> dict[Entry, Counter[Severity]]:
        """What becomes of honest texts that quote an entry which rejects, by the gravest that they hit."""
        found = {}
        for entry in self.of_severity(Severity.REJECT):
            spoken = [text.replace("{word}", entry.word) for text in quoting(entry.language or "zh")]
            found[entry] = Counter(map(self.gravest, spoken))
        return found

    def gravest(self, text: str) -> Severity:
        """What becomes of a text."""
        return max((one.severity for one in weighed(text, self.words.scan(text))), default=Severity.LOG)

    @cached_property
    def _ordinary_letters(self) -> dict[str, str]:
        """The letters of all ordinary texts by language."""
        found: dict[str, list[str]] = {}
        for one in self.ordinary:
            found.setdefault(one.text.language[:2], []).append(view_s(one.text.text))
        return {language: "\n".join(texts) for language, texts in found.items()}

    def nearness(self, entry: Entry) -> float:
        """The share of an entry's letters that stand in one piece in some ordinary text."""
        word, texts = view_s(entry.word), self._ordinary_letters[entry.language or "zh"]
        fewest, most = 0, len(word)
        while fewest < most:
            size = (fewest + most + 1) // 2
            if any(word[at : at + size] in texts for at in range(len(word) - size + 1)):
                fewest = size
            else:
                most = size - 1
        return fewest / len(word)

    def precision(self, entry: Entry) -> float | None:
        """The share of bad texts among those that the entry hits, honest texts that quote it and are refused
        among the others; None if it hits none.
        """
        good, bad = self.on_ordinary[entry], self.on_bad[entry]
        if entry.severity == Severity.REJECT:
            good += self.quoted[entry][Severity.REJECT]
        return bad / (bad + good) if bad + good else None

    def of_severity(self, severity: Severity) -> list[Entry]:
        """All entries of a severity."""
        return [entry for entry in self.entries if entry.severity == severity]

    def of_list(self, name: str, severity: Severity = Severity.LOG) -> list[Entry]:
        """The entries of a list that are at least so grave."""
        return [entry for entry in self.entries if list_of(entry) == name and entry.severity >= severity]

    def meant_for(self, name: str) -> list[Judged]:
        """The bad texts of the list's subjects and language."""
        language = name.rpartition("-")[2]
        texts = (one for one in self.bad if one.text.part != FOR_ENTRIES)
        return [one for one in texts if one.text.language == language and one.text.kind in SUBJECTS[name]]

    def recall(self, name: str, part: str | None = None) -> tuple[int, int]:
        """How many of the bad texts that it is for (of one folder) a list alone catches, and of how many."""
        meant = [judged for judged in self.meant_for(name) if part is None or judged.text.part == part]
        return sum(judged.caught(name) for judged in meant), len(meant)


def report(measured: Measured) -> str:
    """The whole report, as Markdown."""
    sections = (_texts, _outcomes, _lists, _recall, _beside, _rejecting, _warning)
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


def _beside(measured: Measured) -> Iterator[str]:
    yield "## Words of warning before a bad text"
    yield ""
    yield "What becomes of the bad texts that are caught, those around single entries left out, with a word"
    yield "before them that `unless` of many entries names; last, if they name a link or a handle besides."
    yield ""
    rows = []
    for language, (*words, contact) in BESIDE.items():
        own = [one.text for one in measured.bad if one.text.language == language and one.caught()]
        own = [text for text in own if text.part != FOR_ENTRIES]
        for word in words:
            alone = Counter(measured.gravest(f"{word}, {text.text}") for text in own)
            reached = Counter(measured.gravest(f"{word}, {text.text}{contact}") for text in own)
            passed = [
                len(own) - counts[Severity.REJECT] - counts[Severity.HOLD] for counts in (alone, reached)
            ]
            counts = [
                alone[Severity.REJECT],
                alone[Severity.HOLD],
                passed[0],
                reached[Severity.HOLD],
                passed[1],
            ]
            rows.append((word, len(own), *counts))
    yield from _table(("before", "texts", "rejected", "held", "passed", "held", "passed"), rows)


def _rejecting(measured: Measured) -> Iterator[str]:
    entries = measured.of_severity(Severity.REJECT)
    tried = sum(measured.quoted[entry].total() for entry in entries)
    refused = sum(measured.quoted[entry][Severity.REJECT] for entry in entries)
    held = sum(measured.quoted[entry][Severity.HOLD] for entry in entries)
    yield "## Entries that reject"
    yield ""
    proven = sum(measured.on_bad[entry] > 0 and not measured.on_ordinary[entry] for entry in entries)
    yield f"{proven} of {len(entries)} are hit by a bad text and by no ordinary one."
    yield f"Of {tried} honest texts that quote them {refused} are refused and {held} held for a person."
    yield "*Quoted* is what became of these: refused, held, passed. *Nearest* is how much of the entry stands"
    yield "in one piece in some ordinary text."
    yield ""
    rows = []
    for entry in sorted(entries, key=lambda one: (list_of(one), -measured.on_bad[one], one.word, one.line)):
        good, bad, quoted = measured.on_ordinary[entry], measured.on_bad[entry], measured.quoted[entry]
        passed = quoted.total() - quoted[Severity.REJECT] - quoted[Severity.HOLD]
        said = f"{quoted[Severity.REJECT]} / {quoted[Severity.HOLD]} / {passed}"
        near = f"{measured.nearness(entry) * 100:.0f} %"
        of_all = bad + good + quoted[Severity.REJECT]
        rows.append((list_of(entry), entry.word, bad, good, said, near, _percent(bad, of_all)))
    head = ("list", "entry", "bad texts", "ordinary texts", "quoted", "nearest", "precision")
    yield from _table(head, rows)


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
