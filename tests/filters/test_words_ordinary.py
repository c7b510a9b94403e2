"""The shipped lists on ordinary and on bad texts: no ordinary one is stopped; what is caught stays so."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from content_messages import NOW, message

from gateway.filters.contacts import contacts
from gateway.filters.entries import Severity
from gateway.filters.sensitive import SensitiveWords
from gateway.filters.verdict import Action
from gateway.settings.load import load

ROOT = Path(__file__).parents[2]

PRECISION = 0.99
"""What an entry needs at least to reject."""

QUOTING = 16
"""Honest texts of each language that quote an entry."""

ALIKE = 0.6
"""From which share of their sequences of three letters two texts count as the same, but for their digits."""

FLOORS = {
    "adult-zh": 0.8,
    "authority-en": 0.8,
    "authority-zh": 0.7,
    "fraud-en": 0.75,
    "fraud-zh": 0.75,
    "gambling-en": 0.8,
    "gambling-zh": 0.75,
    "illegal-en": 0.8,
    "illegal-zh": 0.8,
    "shaft-en": 0.8,
    "shaft-zh": 0.3,
}
"""The recall of each list alone, on the bad texts that it is for, below which it may not fall."""


@cache
def reporting() -> ModuleType:
    """The program that makes the report, as a module."""
    path = ROOT / "benchmarks" / "report_words.py"
    spec = importlib.util.spec_from_file_location("report_words", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["report_words"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def measured() -> Any:
    return reporting().Measured()


@cache
def ordinary() -> list[Any]:
    return reporting().texts("ordinary")


@cache
def bad() -> list[Any]:
    return reporting().texts("bad")


def test_there_are_ordinary_texts_enough() -> None:
    languages = Counter(text.language for text in ordinary())
    blind = sum(text.part == "blind" for text in ordinary())
    assert len(ordinary()) >= 2100
    assert len({text.kind for text in ordinary() if text.kind}) >= 60
    assert blind * 3 >= len(ordinary())
    assert len({text.kind for text in ordinary() if text.part == "blind"}) >= 60
    assert min(languages["zh_hans"], languages["en"]) >= 500
    assert languages["zh_hant"] >= 200
    assert len(languages) >= 3 + 5


def test_there_are_bad_texts_enough() -> None:
    assert len(bad()) >= 400
    assert sum(text.part == "blind" for text in bad()) * 3 >= 400
    assert {text.kind for text in bad()} == {
        kind for kinds in reporting().SUBJECTS.values() for kind in kinds
    }


def test_there_are_entries_enough() -> None:
    languages = Counter(entry.language for entry in measured().entries)
    assert languages["zh"] >= 300
    assert languages["en"] >= 200
    assert all(entry.tags for entry in measured().entries if entry.language)


def triples(text: str) -> frozenset[str]:
    """Its sequences of three letters, digits being all the same."""
    letters = re.sub(r"\W", "", re.sub(r"\d+", "0", text.lower()))
    return frozenset(letters[at : at + 3] for at in range(max(1, len(letters) - 2)))


def alike(family: list[Any]) -> Iterator[tuple[str, str]]:
    """Pairs of texts of one language that are nearly the same."""
    by_language = defaultdict(list)
    for text in family:
        by_language[text.language].append((text.text, triples(text.text)))
    for own in by_language.values():
        for (first, ones), (second, others) in combinations(own, 2):
            common = len(ones & others)
            if common and common >= ALIKE * (len(ones) + len(others) - common):
                yield first, second


def test_texts_differ_in_more_than_their_digits() -> None:
    for family in (ordinary(), bad()):
        pairs = list(alike(family))
        assert len(pairs) * 200 <= len(family), pairs


def test_no_ordinary_text_is_rejected_or_held() -> None:
    stopped = [
        (
            judged.text.text,
            [entry.place for entry, severity in judged.gravity.items() if severity >= Severity.HOLD],
        )
        for judged in measured().ordinary
        if judged.caught()
    ]
    assert not stopped


def test_the_shipped_filter_lets_every_ordinary_text_pass() -> None:
    generation = load(ROOT / "config", {}, loaded_at=NOW)
    words = SensitiveWords.of(generation)
    names = {Path(entry.file).name for entry in words.words.entries()}
    assert names == {path.name for path in (ROOT / "config" / "words").iterdir()}
    for text in ordinary():
        verdict = words.judge(message(text.text), NOW)
        assert verdict is None or verdict.action in (Action.ALLOW, Action.WARN), (text.text, verdict)


def test_few_ordinary_texts_are_warned_of() -> None:
    """One in a hundred of those that were not written around the words of the lists."""
    warned = Counter(judged.text.part for judged in measured().ordinary if judged.worst == Severity.WARN)
    everything = Counter(text.part for text in ordinary())
    for part in ("", "blind"):
        assert warned[part] * 100 <= everything[part]
    assert warned["wary"] * 10 <= everything["wary"]


def rejecting() -> list[Any]:
    return measured().of_severity(Severity.REJECT)


def test_every_entry_that_rejects_is_precise() -> None:
    for entry in rejecting():
        assert measured().precision(entry) >= PRECISION, (entry.word, entry.place)


def test_every_entry_that_rejects_has_evidence_on_both_sides() -> None:
    """Bad texts that it rejects, and honest ones that quote it and are not refused. Others may only warn."""
    for entry in rejecting():
        assert measured().on_bad[entry] >= 1, ("no bad text", entry.word, entry.place)
        assert measured().on_ordinary[entry] == 0, (entry.word, entry.place)
        quoted = measured().quoted[entry]
        assert quoted.total() >= QUOTING
        assert quoted[Severity.REJECT] == 0, (entry.word, entry.place)
    assert sum(measured().nearness(entry) >= 1 / 2 for entry in rejecting()) * 2 > len(rejecting())


def test_there_are_honest_quotations_enough() -> None:
    for language in ("zh", "en"):
        texts = reporting().quoting(language)
        assert len(set(texts)) >= QUOTING
        assert all("{word}" in text for text in texts)


@pytest.mark.parametrize("name", FLOORS)
def test_recall_stays(name: str) -> None:
    caught, meant = measured().recall(name)
    assert caught >= FLOORS[name] * meant
    assert FLOORS.keys() == reporting().SUBJECTS.keys()


def test_no_ordinary_text_seems_to_hide_a_contact() -> None:
    """Links of the texts are at hosts that are reserved for examples, and none counts as disguised."""
    for text in ordinary():
        found = contacts(text.text)
        assert not found.handles, text.text
        for host in found.hosts:
            assert "example" in host.name, text.text
            assert not host.disguised, text.text


def test_the_report_is_fresh() -> None:
    made = reporting().report(measured())
    assert (ROOT / "docs" / "words-report.md").read_text("utf-8") == made + "\n", (
        "run `python benchmarks/report_words.py`"
    )
