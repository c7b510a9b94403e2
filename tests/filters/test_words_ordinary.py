"""The shipped lists against ordinary texts: none of them refused."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from gateway.filters.entries import Severity
from gateway.filters.wordlists import load_wordlists
from gateway.filters.words import WordList

ROOT = Path(__file__).parents[2]
ORDINARY = sorted((ROOT / "tests" / "data" / "ordinary").glob("*.txt"))


@cache
def shipped() -> WordList:
    words, problems = load_wordlists(sorted((ROOT / "config" / "words").glob("*.csv")))
    assert not problems
    return words


def texts(path: Path) -> list[str]:
    return [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]


def test_there_are_texts_enough() -> None:
    assert len(ORDINARY) >= 8
    assert sum(len(texts(path)) for path in ORDINARY) >= 600


def test_there_are_entries_enough() -> None:
    languages = Counter(entry.language for entry in shipped().entries() if entry.severity > Severity.ALLOW)
    assert languages["zh"] >= 300
    assert languages["en"] >= 200
    assert all(entry.tags for entry in shipped().entries() if entry.language)


@pytest.mark.parametrize("path", ORDINARY, ids=lambda path: path.stem)
def test_no_ordinary_text_is_refused_or_held(path: Path) -> None:
    for text in texts(path):
        severe = [hit for hit in shipped().scan(text) if hit.entry.severity >= Severity.HOLD]
        assert not severe, (text, [hit.entry.place for hit in severe])


def test_few_ordinary_texts_are_warned_of() -> None:
    everything = [text for path in ORDINARY for text in texts(path)]
    warned = [
        text
        for text in everything
        if any(hit.entry.severity >= Severity.WARN for hit in shipped().scan(text))
    ]
    assert len(warned) * 100 <= len(everything)
