"""Disguises, generated: each way, and each pair of ways, over words of the shipped lists.

A way that is not caught stands in EXCEPTIONS with its reason, and the test prints them; one that is caught
after all may not stand there.
"""

from __future__ import annotations

from itertools import product

import pytest
from disguises import (
    EXCEPTIONS,
    HAN,
    LATIN,
    UNREADABLE,
    Disguise,
    after_each,
    between,
    chosen,
    pairs_with,
    shipped,
)

from gateway.filters import fold
from gateway.filters.entries import Entry, Flags, pinyin, split
from gateway.smpp.readings import as_shown


def caught(entry: Entry, disguised: str) -> bool:
    text = f"你好, {disguised} 12"
    hits = [hit for reading in {text, as_shown(text)} for hit in shipped().scan(reading)]
    return any(hit.entry == entry for hit in hits)


def missed(entries: list[Entry], *ways: Disguise) -> list[str]:
    """What of the words so disguised, where the disguise changes them, is not caught."""
    texts = []
    for entry in entries:
        text = entry.word
        for way in ways:
            text = way(text)
        if not caught(entry, text):
            texts.append(text)
    return texts


def test_there_are_words_enough() -> None:
    assert len(chosen(latin=False)) >= 100
    assert len(chosen(latin=True)) >= 100
    assert len(chosen(latin=False)) + len(chosen(latin=True)) >= 200
    assert not missed(chosen(latin=False))
    assert not missed(chosen(latin=True))


@pytest.mark.parametrize("name", [name for name in HAN if name not in EXCEPTIONS])
def test_each_way_and_each_pair_for_chinese(name: str) -> None:
    for names in pairs_with(name, HAN):
        assert not missed(chosen(latin=False), *(HAN[way] for way in names)), names


@pytest.mark.parametrize("name", [name for name in LATIN if name not in EXCEPTIONS])
def test_each_way_and_each_pair_for_english(name: str) -> None:
    for names in pairs_with(name, LATIN):
        assert not missed(chosen(latin=True), *(LATIN[way] for way in names)), names


def test_pinyin_and_split_characters_with_each_way() -> None:
    asked = [entry for entry in shipped().entries() if entry.flags & (Flags.PINYIN | Flags.SPLIT)]
    assert len(asked) >= 60
    for entry, way in product(asked, (str, str.upper, between("\u200b"), after_each("\u0336"), between(" "))):
        word = fold.view_s(entry.word)
        spoken = list(pinyin(word)) if entry.flags & Flags.PINYIN else []
        parted = list(split(word)) if entry.flags & Flags.SPLIT else []
        for parts in spoken + parted:
            assert caught(entry, way("".join(parts))), (entry.word, parts)
        for parts in spoken:
            assert caught(entry, " ".join(parts)), (entry.word, parts)


def test_exceptions_are_still_exceptions(capsys: pytest.CaptureFixture[str]) -> None:
    for name, reason in EXCEPTIONS.items():
        ways = HAN if name in HAN else LATIN
        entries = chosen(latin=ways is LATIN)
        count = len(missed(entries, ways[name]))
        assert count > len(entries) // 2, f"{name} is caught now"
        with capsys.disabled():
            print(f"\nnot caught: {name} ({count} of {len(entries)} words): {reason}")
    with capsys.disabled():
        print(f"\nleft out as unreadable: {', '.join(map(' + '.join, sorted(UNREADABLE)))}")
