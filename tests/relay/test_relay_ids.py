"""Message ids: never twice, across restarts too, and written so that the client can ask about them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed

from gateway.relay.ids import Ids, OutOfIds, read_id, write_id
from gateway.store.rows import StoreUnavailable


class Blocks:
    """A ledger of which only the reservations matter; `late` keeps them back."""

    def __init__(self) -> None:
        self.next = 1
        self.late = False
        self.failing = False
        self.waiting: list[Deferred[int]] = []

    def reserve_ids(self, name: str, number: int) -> Deferred[int]:
        if self.failing:
            return fail(StoreUnavailable("disk full"))
        first, self.next = self.next, self.next + number
        if self.late:
            self.waiting.append(Deferred())
            self.waiting[-1].addCallback(lambda _: first)
            return self.waiting[-1]
        return succeed(first)


def started(blocks: Blocks, block: int = 10) -> Ids:
    ids = Ids(blocks, "message", block)  # type: ignore[arg-type]
    Deferred.fromCoroutine(ids.start())
    return ids


@given(counts=st.lists(st.integers(1, 5), max_size=40), restarts=st.sets(st.integers(0, 40)))
def test_no_number_is_given_twice(counts: list[int], restarts: set[int]) -> None:
    blocks = Blocks()
    ids = started(blocks)
    given_out: list[int] = []
    for turn, count in enumerate(counts):
        if turn in restarts:
            ids = started(blocks)
        first = ids.take(count)
        given_out += range(first, first + count)
    assert given_out == sorted(set(given_out))


def test_the_next_block_is_asked_for_in_time() -> None:
    blocks = Blocks()
    ids = started(blocks)
    blocks.late = True
    for _ in range(10):
        ids.take()
    assert len(blocks.waiting) == 1
    with pytest.raises(OutOfIds):
        ids.take()
    blocks.waiting.pop().callback(0)
    assert ids.take() == 11


def test_a_failing_store_is_asked_again() -> None:
    blocks = Blocks()
    ids = started(blocks)
    blocks.failing = True
    for _ in range(10):
        ids.take()
    with pytest.raises(OutOfIds):
        ids.take()
    blocks.failing = False
    with pytest.raises(OutOfIds):
        ids.take()
    assert ids.take() == 11


@pytest.mark.parametrize(
    ("number", "style", "short", "text"),
    [
        (7, "decimal", False, "0000000007"),
        (7, "decimal", True, "7"),
        (12_345_678_901, "decimal", False, "12345678901"),
        (255, "hex", False, "000000ff"),
        (255, "hex", True, "000000ff"),
        (2**33, "hex", True, "3Y283Y8"),
        (35, "base36", False, "Z"),
        (36, "base36", False, "10"),
        (0, "base36", False, "0"),
    ],
)
def test_styles(number: int, style: str, short: bool, text: str) -> None:
    assert write_id(number, style, short=short) == text


@given(
    number=st.integers(1, 36**8 - 1), style=st.sampled_from(("decimal", "hex", "base36")), short=st.booleans()
)
def test_what_was_told_can_be_read(number: int, style: str, short: bool) -> None:
    told = write_id(number, style, short=short)
    assert number in read_id(told)
    assert not short or len(told) <= 8


@given(st.text(max_size=65))
def test_reading_never_fails(text: str) -> None:
    assert all(0 < number < 1 << 62 for number in read_id(text))
