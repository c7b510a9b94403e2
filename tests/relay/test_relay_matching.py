"""Which message a receipt speaks of: by id and number, the youngest unfinished first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.relay.matching import Matcher, Recalled, Run, same_number

ONE, TWO = "8619912340001", "8619912340002"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (ONE, ONE, True),
        (ONE, "+" + ONE, True),
        (ONE, "00" + ONE, True),
        (ONE, "19912340001", True),
        ("07700900123", "447700900123", True),
        (ONE, TWO, False),
        (ONE, "", True),
        ("", "", True),
        ("+", ONE, True),
    ],
)
def test_carriers_write_numbers_in_their_own_way(one: str, other: str, same: bool) -> None:
    assert same_number(one, other) is same
    assert same_number(other, one) is same


def test_the_youngest_unfinished_of_an_id_comes_first() -> None:
    matcher = Matcher()
    for message_id in (1, 2, 3):
        matcher.add("a", message_id, ONE)
    for message_id in (3, 2, 1):
        assert matcher.find("a", ONE) == message_id
        matcher.finish("a", message_id)
    assert matcher.find("a", ONE) is None
    assert len(matcher) == 0


def test_one_id_may_name_messages_to_several_numbers() -> None:
    matcher = Matcher()
    matcher.add("a", 1, ONE)
    matcher.add("a", 2, TWO)
    assert matcher.find("a", ONE) == 1
    assert matcher.find("a", TWO) == 2
    assert matcher.find("a", "") == 2
    assert matcher.find("b", ONE) is None


def test_a_receipt_of_the_wrong_number_matches_nothing() -> None:
    matcher = Matcher()
    matcher.add("a", 1, ONE)
    assert matcher.find("a", TWO) is None
    assert not matcher.was_finished("a", ONE)


def test_what_ended_lately_is_remembered_and_bounded() -> None:
    matcher = Matcher(keep_finished=2)
    for number in range(4):
        matcher.add(str(number), number, ONE)
        matcher.finish(str(number), number)
    assert [matcher.was_finished(str(number), ONE) for number in range(4)] == [False, False, True, True]
    assert not matcher.was_finished("3", TWO)


def test_finishing_what_is_not_there_does_nothing() -> None:
    matcher = Matcher()
    matcher.finish("a", 1)
    matcher.add("a", 1, ONE)
    matcher.finish("a", 2)
    assert matcher.find("a", ONE) == 1


@given(st.text("0123456789+", max_size=20), st.text("0123456789+", max_size=20))
def test_being_the_same_goes_both_ways(one: str, other: str) -> None:
    assert same_number(one, other) == same_number(other, one)
    assert same_number(one, one)


def test_what_is_recalled_may_be_meant_until_it_has_ended() -> None:
    matcher = Matcher()
    matcher.recall(Run(7, [("a", 9), ("b", 7), ("a", 8)]))
    matcher.add("a", 11, ONE)
    matcher.add("c", 12, ONE)
    matcher.add("c", 13, TWO)
    matcher.age("a", 11)
    matcher.age("c", 12)  # not alone under its id: its number tells it from the other
    assert matcher.find("a", ONE) is None
    assert matcher.find("c", ONE) == 12
    assert (matcher.recalled("a"), matcher.recalled("b"), matcher.recalled("d")) == ([11, 9, 8], [7], [])
    assert len(matcher) == 5
    matcher.finish("a", 9, ONE)
    matcher.finish("a", 9, ONE)
    matcher.finish("b", 7, TWO)
    assert (matcher.recalled("a"), matcher.recalled("b")) == ([11, 8], [])
    assert matcher.was_finished("a", ONE)
    assert not matcher.was_finished("b", ONE)
    assert len(matcher) == 3


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, 1 << 40)), unique_by=lambda each: each[1]))
def test_any_ids_are_recalled(named: list[tuple[str, int]]) -> None:
    recalled = Recalled()
    for known, message_id in named:
        recalled.add(known, message_id)
    for name in "abcdef":
        assert recalled.find(name) == sorted([each for known, each in named if known == name], reverse=True)
    for known, message_id in named:
        assert recalled.discard(known, message_id)
        assert not recalled.discard(known, message_id)
    assert len(recalled) == 0


class Matching(RuleBasedStateMachine):
    """Against a plain list of (id, message, number)."""

    def __init__(self) -> None:
        super().__init__()
        self.matcher = Matcher()
        self.open: list[tuple[str, int, str]] = []
        self.count = 0

    @rule(name=st.sampled_from("abc"), number=st.sampled_from((ONE, TWO)))
    def add(self, name: str, number: str) -> None:
        self.count += 1
        self.matcher.add(name, self.count, number)
        self.open.append((name, self.count, number))

    @rule(at=st.integers(0, 20))
    def finish(self, at: int) -> None:
        if self.open:
            name, message, number = self.open.pop(at % len(self.open))
            self.matcher.finish(name, message)
            assert self.matcher.was_finished(name, number)

    @invariant()
    def finds_the_youngest(self) -> None:
        for name in "abc":
            for number in (ONE, TWO):
                mine = [message for n, message, to in self.open if (n, to) == (name, number)]
                assert self.matcher.find(name, number) == (mine[-1] if mine else None)
        assert len(self.matcher) == len({name for name, _, _ in self.open})


TestMatching = Matching.TestCase
