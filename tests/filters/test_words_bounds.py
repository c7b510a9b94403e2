"""Hostile texts and large lists: work and memory grow with the text, hits do not."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from gateway.filters.entries import Entry, Flags, Severity
from gateway.filters.reading import Reading
from gateway.filters.search import MOST_HITS, MOST_LOOKS, Target
from gateway.filters.wordlists import load_wordlists
from gateway.filters.words import WordList

LARGE = 65536
"""Characters of the largest text: a message_payload of 64 KiB in one octet a character."""

NESTED = WordList.of(
    [
        *(Entry("哈" * length) for length in range(1, 20)),
        *(Entry("a" * length, flags=Flags.EVADE) for length in range(2, 20)),
        Entry("赌博", unless=("反赌",), flags=Flags.PINYIN | Flags.SPLIT),
        Entry("反赌博", Severity.ALLOW),
        Entry("free money"),
        Entry("ab", near=("cd",)),
    ]
)


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "哈",
            "a",
            "a ",
            "ab",
            "赌博",
            "反赌博",
            "赌赌博博",
            "free money ",
            "f r e e ",
            "dubo ",
            "贝者博",
            "1",
        ),
        *("ﷺ", "㌀", "a\u0336", "\U0001f600", "\u0301", "\u200b", " ", "\ud800"),
    ],
)
def test_a_large_text_of_anything_ends_with_few_hits(unit: str) -> None:
    text = (unit * LARGE)[:LARGE]
    hits = NESTED.scan(text)
    assert len(hits) <= MOST_HITS * sum(1 for _ in NESTED.entries())
    for hit in hits:
        assert hit.characters == text[hit.start : hit.end]


def test_a_hit_behind_many_allowed_ones_is_found() -> None:
    words = WordList.of([Entry("赌博"), Entry("反赌博", Severity.ALLOW)])
    (hit,) = words.scan("反赌博" * 10_000 + "赌博")
    assert hit.start == 30_000


@pytest.mark.parametrize("unit", ["casino ", "人机 ", "xcasinox"])
def test_only_so_many_places_are_looked_at_closely(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words whose context words are never there, or that are parts of others, cost no more than so many
    looks; a text with more of them is none that anybody means, and is hit.
    """
    entries = [Entry("casino", near=("royale",)), Entry("人机", near=("赌",))]
    words = WordList.of(entries)
    looks = 0
    place = Target.place

    def counted(target: Target, reading: Reading, first: int, last: int) -> tuple[int, int, str] | None:
        nonlocal looks
        looks += 1
        return place(target, reading, first, last)

    monkeypatch.setattr(Target, "place", counted)
    assert not words.scan(unit * (MOST_LOOKS - 1))
    assert looks == MOST_LOOKS - 1
    looks = 0
    hits = words.scan(unit * (2 * MOST_LOOKS))
    assert len(hits) == MOST_HITS
    assert looks == MOST_LOOKS
    assert all(hit.start >= MOST_LOOKS * len(unit) for hit in hits)


def test_memory_of_a_scan_is_bounded_by_the_text() -> None:
    words = WordList.of(Entry("哈" * length) for length in range(1, 6))
    tracemalloc.start()
    words.scan("哈" * LARGE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * 300 * LARGE


def test_a_large_list_takes_edits_without_building_its_base_again(tmp_path: Path) -> None:
    (tmp_path / "large.txt").write_text("\n".join(f"word{number}" for number in range(20_000)), "utf-8")
    words, problems = load_wordlists([tmp_path])
    assert not problems
    assert len(words.automaton.shards) == 1
    edited = words.changed([words.kinds.row(Entry("新词"))], [])
    assert [len(shard.words) for shard in edited.automaton.shards][1:] == [1]
    assert [hit.entry.word for hit in edited.scan("word19999 新词")] == ["word19999", "新词"]
