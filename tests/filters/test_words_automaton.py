"""Many words at once: shards, what was added since, and the dead; large ones are built in another process."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.filters import automaton, foundry
from gateway.filters.automaton import FRESH, MOST_SHARDS, SHARD, Automaton
from gateway.filters.foundry import Large, NotBuilt, forged

WORD = st.text("abc", min_size=1, max_size=4)


def occurrences(words: set[str], text: str) -> list[tuple[str, int, int]]:
    """By brute force."""
    spans = ((start, end) for start in range(len(text)) for end in range(start + 1, len(text) + 1))
    return sorted((text[a:b], a, b) for a, b in spans if text[a:b] in words)


@given(st.sets(WORD), st.text("abcd", max_size=20))
def test_finds_every_occurrence_of_every_word(words: set[str], text: str) -> None:
    assert sorted(Automaton.of(words).find(text)) == occurrences(words, text)


class Changing(RuleBasedStateMachine):
    """An automaton changed at random against a set of words, with small shards of three words at most."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = automaton.SHARD
        automaton.SHARD = 3
        self.words: set[str] = set()
        self.automaton = Automaton()

    def teardown(self) -> None:
        automaton.SHARD = self.limit

    @rule(added=st.sets(WORD, max_size=8), data=st.data())
    def change(self, added: set[str], data: st.DataObject) -> None:
        removed = data.draw(st.sets(st.sampled_from(sorted(self.words)))) if self.words else set()
        added -= self.words
        self.automaton = self.automaton.changed(added, removed)
        self.words = self.words - removed | added

    @precondition(lambda self: self.automaton.dead)
    @rule()
    def gather(self) -> None:
        self.automaton = self.automaton.gathered()
        assert not self.automaton.dead
        assert len(self.automaton.shards) <= 1

    @invariant()
    def finds_what_lives(self) -> None:
        text = "abcabbcacbaaabbbccc"
        found = [match for match in self.automaton.find(text) if match[0] not in self.automaton.dead]
        assert sorted(found) == occurrences(self.words, text)
        assert len(self.automaton) == len(self.words)

    @invariant()
    def only_small_shards_are_built_by_what_holds_the_interpreter(self) -> None:
        assert all(
            len(shard.words) <= 3 or isinstance(shard.automaton, Large) for shard in self.automaton.shards
        )


TestChanging = Changing.TestCase
TestChanging.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)


def test_the_base_is_shared_when_words_are_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automaton, "SHARD", 2)
    monkeypatch.setattr(automaton, "FRESH", 2)
    base = Automaton.of(["a", "b", "c"])
    more = base.changed(["d"], [])
    assert more.shards[0] is base.shards[0]
    assert [shard.words for shard in more.shards[1:]] == [["d"]]
    assert [shard.words for shard in more.changed(["e", "f"], []).shards[1:]] == [["e", "f", "d"]]


def test_a_word_that_comes_back_builds_nothing() -> None:
    base = Automaton.of(["a", "b"])
    without = base.changed([], ["a"])
    assert without.dead == {"a"}
    assert without.shards == base.shards
    again = without.changed(["a"], [])
    assert again.shards == base.shards
    assert not again.dead


def test_worn_when_mostly_dead() -> None:
    base = Automaton.of(map(str, range(10)))
    assert not base.worn
    dying = base.changed([], map(str, range(6)))
    assert dying.worn
    assert not dying.gathered().worn
    assert len(dying.gathered().shards) == 1


def test_worn_when_there_are_many_shards() -> None:
    words = Automaton.of(["base"])
    at = 0
    while not words.worn:
        assert len(words.shards) <= MOST_SHARDS
        words = words.changed((f"word{number}" for number in range(at, at + FRESH - 1)), [])
        at += FRESH - 1
    assert at > SHARD
    gathered = words.gathered()
    assert len(gathered.shards) == 1
    assert sorted(gathered.find("base word17 word6001")) == sorted(words.find("base word17 word6001"))


@given(st.sets(WORD), st.sets(WORD), st.sets(WORD), st.sets(WORD))
def test_what_differs_is_told(first: set[str], added: set[str], removed: set[str], more: set[str]) -> None:
    before = Automaton.of(first).changed(added - first, removed & first)
    lived = (first | added - first) - (removed & first)
    after = before.changed(more - lived, lived & removed)
    lives = (lived | more) - (lived & removed)
    assert set(after.differing(before)) >= lived ^ lives


def test_many_words_are_built_in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foundry, "ELSEWHERE", 3)
    monkeypatch.setattr(foundry, "SLICE", 2)
    words = ["哈哈", "b", "免费", "\U00020000", "é"]
    assert sorted(forged(words).find_overlapping("x哈哈b\U00020000免费é")) == [
        (1, 3, 0),
        (3, 4, 1),
        (4, 5, 3),
        (5, 7, 2),
        (7, 8, 4),
    ]


def test_a_build_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foundry, "ELSEWHERE", 3)
    monkeypatch.setattr(foundry.sys, "executable", "/nonexistent/python")
    with pytest.raises(NotBuilt, match=r"the automaton of 4 words could not be built: .*nonexistent"):
        forged(["a", "b", "c", "d"])
