"""The judge of a load, on cases made by hand."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.load.judge import Judge, ReceiptSeen, percentiles


def number(piece: int) -> str:
    return f"86{piece}"


def seen(message_id: str, about: str, link: int = 1, at: float = 1.0) -> ReceiptSeen:
    return ReceiptSeen(message_id, about, "DELIVRD", link, at)


def judge_of(accepted: int) -> Judge:
    judge = Judge(number)
    for piece in range(accepted):
        judge.sent(piece, 0.0)
        judge.accept(piece, f"id{piece}", 0.5)
    return judge


def test_one_receipt_each_is_right() -> None:
    judge = judge_of(3)
    for piece in range(3):
        judge.receive(seen(f"id{piece}", number(piece)))
    assert (judge.lost(), judge.repeats(), judge.crossed, judge.strays()) == ([], (0, []), [], (0, []))
    assert list(judge.response_times) == [0.5] * 3
    assert list(judge.receipt_times) == [1.0] * 3


def test_a_receipt_about_another_number_is_crossed_and_does_not_count() -> None:
    judge = judge_of(2)
    judge.receive(seen("id0", number(1)))
    assert judge.crossed == ["id0"]
    assert judge.lost() == ["id0", "id1"]


def test_a_receipt_may_come_before_the_response() -> None:
    judge = Judge(number)
    judge.sent(0, 0.0)
    judge.receive(seen("id0", number(0)))
    assert judge.strays() == (0, ["id0"])
    judge.accept(0, "id0", 2.0)
    assert judge.strays() == (0, [])
    assert judge.receipted == 1


@pytest.mark.parametrize(
    ("lost_at", "link", "redelivered"),
    [(None, 1, 0), (None, 2, 0), (2.0, 2, 1), (2.0, 1, 0), (7.0, 2, 0)],
    ids=["same line", "line lives", "line lost soon after", "same line before", "line lost much later"],
)
def test_when_a_second_receipt_is_excused(lost_at: float | None, link: int, redelivered: int) -> None:
    judge = judge_of(1)
    judge.receive(seen("id0", number(0), link=1))
    if lost_at is not None:
        judge.lose_link(1, lost_at)
    judge.receive(seen("id0", number(0), link=link, at=9.0))
    assert judge.repeats() == ((1, []) if redelivered else (0, ["id0"]))


def test_the_loss_may_be_learnt_of_after_the_second_receipt() -> None:
    judge = judge_of(1)
    judge.receive(seen("id0", number(0), link=1))
    judge.receive(seen("id0", number(0), link=2, at=1.5))
    assert judge.repeats() == (0, ["id0"])
    judge.lose_link(1, 2.0)
    assert judge.repeats() == (1, [])


def test_receipts_of_unanswered_submits_are_explained_once_each() -> None:
    judge = judge_of(0)
    judge.sent(0, 0.0)
    judge.leave_unanswered(0)
    judge.receive(seen("a", number(0)))
    judge.receive(seen("b", number(0)))
    assert judge.strays() == (1, ["b"])


@given(st.lists(st.floats(min_value=0, max_value=100), min_size=1, max_size=300))
def test_percentiles_are_ordered_and_among_the_times(times: list[float]) -> None:
    marks = percentiles(array("d", times))
    values = [marks[name] for name in ("p50", "p90", "p99", "max")]
    assert values == sorted(values)
    assert set(values) <= {round(time * 1000, 3) for time in times}
    assert values[-1] == round(max(times) * 1000, 3)


def test_no_percentiles_of_nothing() -> None:
    assert percentiles(array("d")) == {}
