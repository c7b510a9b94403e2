"""Groups of segments: any order, references used again, segments sent again, the oldest gives way."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from relay_entries import entry, segment
from relay_house import submit

from gateway.relay.book import Entry
from gateway.relay.multipart import Group, Groups, key_of, size_of
from gateway.smpp.concat import make_udh

TIMEOUT = 1000


@given(st.permutations(range(1, 8)))
def test_segments_come_in_any_order(order: list[int]) -> None:
    groups = Groups(TIMEOUT, 10)
    for position, number in enumerate(order):
        assert groups.add(segment(position + 1, number, 7), 0) == []
    (group,) = {groups.group_of(segment(position + 1, 1, 7)) for position in range(7)}
    assert group.complete
    assert [e.message.part.number for e in group.in_order() if e.message.part] == list(range(1, 8))
    assert group.first_id == 1
    groups.remove(group)
    assert len(groups) == 0


def test_a_group_is_whole_only_when_all_of_it_is_on_disk() -> None:
    groups = Groups(TIMEOUT, 10)
    late = segment(2, 2, 2)
    late.stored = False
    groups.add(segment(1, 1, 2), 0)
    groups.add(late, 0)
    group = groups.group_of(late)
    assert not group.complete
    late.stored = True
    assert group.complete


@pytest.mark.parametrize(
    "fields",
    [
        {"reference": 8},
        {"total": 3},
        {"account": "shop"},
        {"destination_addr": "8619912340002"},
        {"source_addr": "10690002"},
    ],
)
def test_what_keeps_texts_apart(fields: dict[str, object]) -> None:
    groups = Groups(TIMEOUT, 10)
    groups.add(segment(1, 1, 2), 0)
    groups.add(segment(2, **{"number": 2, "total": 2, **fields}), 0)  # type: ignore[arg-type]
    assert len(groups) == 2


def test_a_reference_of_8_bits_is_not_one_of_16() -> None:
    eight = submit(esm_class=0x40, short_message=make_udh((0, bytes((7, 2, 1)))) + b"a")
    sixteen = submit(esm_class=0x40, short_message=make_udh((8, bytes((0, 7, 2, 2)))) + b"b")
    keys = {key_of(entry(1, **pdu._asdict()).message) for pdu in (eight, sixteen)}
    assert len(keys) == 2


def test_a_segment_that_is_there_begins_another_text_of_that_key() -> None:
    groups = Groups(TIMEOUT, 10)
    for id, number in ((1, 1), (2, 1), (3, 2), (4, 2)):
        groups.add(segment(id, number, 2), 0)
    assert [[e.message.id for e in g.in_order()] for g in (groups._of[1], groups._of[2])] == [[1, 3], [2, 4]]


def test_the_oldest_gives_way() -> None:
    groups = Groups(TIMEOUT, 2)
    assert groups.add(segment(1, 1, 2, reference=1), 0) == []
    assert groups.add(segment(2, 1, 2, reference=2), 0) == []
    assert groups.add(segment(3, 1, 2, reference=1, account="shop"), 0) == []
    (evicted,) = groups.add(segment(4, 1, 2, reference=3), 0)
    assert [e.message.id for e in evicted.in_order()] == [1]
    assert len(groups) == 3


def test_the_time_of_a_group_runs_from_its_first_segment() -> None:
    groups = Groups(TIMEOUT, 10)
    groups.add(segment(1, 1, 3, reference=1), 0)
    groups.add(segment(2, 1, 3, reference=2), 10)
    groups.add(segment(3, 2, 3, reference=1), 900)
    assert groups.overdue(TIMEOUT - 1) == []
    assert [g.first_id for g in groups.overdue(TIMEOUT)] == [1]
    assert [g.first_id for g in groups.overdue(TIMEOUT + 10)] == [2]
    assert len(groups) == 0


def test_a_discarded_segment_leaves_room_for_another() -> None:
    groups = Groups(TIMEOUT, 10)
    first = segment(1, 1, 2)
    groups.add(first, 0)
    groups.add(segment(2, 2, 2), 0)
    groups.discard(first)
    group = groups._of[2]
    assert not group.complete
    groups.add(segment(3, 1, 2), 0)
    assert group.complete
    groups.discard(segment(2, 2, 2))
    groups.discard(first)
    assert len(groups) == 1


def test_the_last_discarded_segment_takes_its_group_along() -> None:
    groups = Groups(TIMEOUT, 10)
    only = segment(1, 1, 2)
    groups.add(only, 0)
    groups.discard(only)
    assert len(groups) == 0
    assert groups.overdue(10 * TIMEOUT) == []


def test_segments_of_a_judged_text_that_come_again_take_its_verdict() -> None:
    groups = Groups(TIMEOUT, 10)
    for number in (1, 2):
        groups.add(segment(number, number, 2, short_message=b"%d" % number), 0)
    whole = groups._of[1]
    groups.remove(whole)
    groups.judged(whole, "allowed", 0)
    groups.add(segment(3, 2, 2, short_message=b"2"), 10)
    assert groups.verdict_for(groups._of[3]) == "allowed"
    groups.add(segment(4, 2, 2, short_message=b"another"), 10)
    assert groups.verdict_for(groups._of[4]) is None


def test_a_verdict_is_forgotten_after_twice_the_time() -> None:
    groups = Groups(TIMEOUT, 10)
    for at, reference in ((0, 1), (2 * TIMEOUT, 2)):
        groups.add(segment(reference, 1, 1, reference=reference), at)
        group = groups._of[reference]
        groups.remove(group)
        groups.judged(group, "allowed", at)
    groups.add(segment(3, 1, 1, reference=1), 2 * TIMEOUT)
    assert groups.verdict_for(groups._of[3]) is None


class Grouping(RuleBasedStateMachine):
    """Each segment is in exactly one group until that is complete, overdue, evicted, or it is discarded."""

    def __init__(self) -> None:
        super().__init__()
        self.groups = Groups(TIMEOUT, 3, segments=7)
        self.open: dict[int, Entry] = {}
        self.now = 0
        self.count = 0

    @rule(
        number=st.integers(1, 3),
        total=st.integers(3, 4),
        reference=st.integers(1, 2),
        account=st.sampled_from(("bank", "shop")),
    )
    def add(self, number: int, total: int, reference: int, account: str) -> None:
        self.count += 1
        new = segment(self.count, number, total, reference, account)
        self.open[self.count] = new
        evicted = self.groups.add(new, self.now)
        group = self.groups.group_of(new)
        assert group not in evicted
        for other in evicted:
            self.out(other)
        if group.complete:
            self.groups.remove(group)
            self.out(group)

    @rule(at=st.integers(0, 20))
    def discard(self, at: int) -> None:
        if self.open:
            id = sorted(self.open)[at % len(self.open)]
            self.groups.discard(self.open.pop(id))

    @rule(passed=st.integers(0, TIMEOUT))
    def overdue(self, passed: int) -> None:
        self.now += passed
        for group in self.groups.overdue(self.now):
            assert group.deadline <= self.now
            self.out(group)

    def out(self, group: Group) -> None:
        for number, each in group.parts.items():
            assert each.message.part is not None
            assert each.message.part.number == number
            assert self.open.pop(each.message.id) is each

    @invariant()
    def every_open_segment_is_in_one_group(self) -> None:
        groups = {self.groups.group_of(each) for each in self.open.values()}
        assert sorted(e.message.id for g in groups for e in g.parts.values()) == sorted(self.open)
        assert len(self.groups) == len(groups)
        assert self.groups._octets == Counter(
            [each.message.account for each in self.open.values() for _ in range(size_of(each.message))]
        )
        assert all(sum(g.key[0] == name for g in groups) <= 3 for name in ("bank", "shop"))
        assert len(self.open) <= 7
        assert self.groups._held == self.groups._octets.total()


TestGrouping = Grouping.TestCase
