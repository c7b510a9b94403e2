"""Sets of numbers: look-up, storage in chunks, comparison of a refreshed list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters import numbersets
from gateway.filters.numbersets import DamagedSet, Entry, NumberSet, Span, compare

NUMBER = 8619912340001


def found(numbers: NumberSet, number: int, now: float = 0.0) -> Entry | None:
    return numbers.find(str(number), number, now)


def restored(chunks: list[bytes]) -> NumberSet:
    numbers = NumberSet()
    for _ in numbers.load(chunks):
        pass
    return numbers


def test_a_number_counts_between_its_dates() -> None:
    numbers = NumberSet()
    numbers.add(NUMBER, Span(100, 200))
    assert found(numbers, NUMBER, 99.9) is None
    assert found(numbers, NUMBER, 100.0) == Entry(str(NUMBER), Span(100, 200))
    assert found(numbers, NUMBER, 200.0) is None
    numbers.add(NUMBER)
    assert found(numbers, NUMBER, 999.0) == Entry(str(NUMBER), Span())
    assert len(numbers) == 1


def test_a_prefix_covers_all_numbers_below_it() -> None:
    numbers = NumberSet()
    numbers.add_prefix("86199")
    numbers.add_prefix("8617", Span(until=50))
    assert found(numbers, NUMBER) == Entry("86199*", Span())
    assert found(numbers, 8617012345678, 49) is not None
    assert found(numbers, 8617012345678, 50) is None
    numbers.discard_prefix("86199")
    assert found(numbers, NUMBER) is None
    with pytest.raises(ValueError, match="no prefix"):
        numbers.add_prefix("86x")


def test_ended_entries_are_forgotten() -> None:
    numbers = NumberSet([NUMBER])
    numbers.add(NUMBER + 1, Span(until=10))
    numbers.add(NUMBER + 2, Span(until=11))
    numbers.add_prefix("4477", Span(until=10))
    assert numbers.expire(10) == 2
    assert len(numbers) == 2


NUMBERS = st.integers(10**7, 10**7 + 20)
MOMENTS = st.none() | st.integers(0, 50)
SPANS = st.builds(Span, MOMENTS, MOMENTS)
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), NUMBERS, SPANS),
        st.tuples(st.just("discard"), NUMBERS, st.none()),
        st.tuples(st.just("all"), st.lists(NUMBERS), st.none()),
    )
)


@given(OPERATIONS, st.integers(0, 50))
def test_it_behaves_as_a_dict_of_spans_and_survives_storage(
    operations: list[tuple[str, int | list[int], Span | None]], now: int
) -> None:
    numbers, model = NumberSet(), dict[int, Span]()
    for name, operand, span in operations:
        if isinstance(operand, list):
            numbers.add_all(operand)
            model.update(dict.fromkeys(operand, Span()))
        elif name == "add":
            assert span is not None
            numbers.add(operand, span)
            model[operand] = span
        else:
            numbers.discard(operand)
            model.pop(operand, None)
    again = restored(list(numbers.stored()))
    assert again == numbers
    assert len(again) == len(model)
    for number in range(10**7, 10**7 + 21):
        expected = number in model and model[number].holds(now)
        assert (found(again, number, now) is not None) == expected


class TestStorage:
    @pytest.fixture
    def chunks(self, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
        monkeypatch.setattr(numbersets, "CHUNK", 100)
        numbers = NumberSet(range(NUMBER, NUMBER + 250))
        numbers.add(NUMBER + 1000, Span(1, 2))
        numbers.add_prefix("4477")
        return list(numbers.stored())

    def test_it_is_loaded_chunk_by_chunk(self, chunks: list[bytes]) -> None:
        numbers = NumberSet()
        assert list(numbers.load(chunks)) == [0, 100, 200, 250]
        assert len(numbers) == 252

    def test_damage_is_found(self, chunks: list[bytes]) -> None:
        damaged = [
            [],
            [b"numbers"],
            chunks[:-1],
            [*chunks, chunks[-1]],
            [chunks[0], chunks[1][:-1], *chunks[2:]],
            [chunks[0][:-1] + b"!", *chunks[1:]],
        ]
        for stored in damaged:
            with pytest.raises(DamagedSet):
                restored(stored)


class TestComparison:
    def test_counts(self) -> None:
        before, after = NumberSet([1, 2, 3]), NumberSet([3, 4])
        before.add(9, Span(until=5))
        before.add_prefix("44")
        after.add(2, Span(until=7))
        after.add(9, Span(until=6))
        assert compare(before, after) == (5, 4, 1, 2, "")

    @pytest.mark.parametrize(
        ("before", "after", "suspicious"),
        [
            (range(1000), range(800), False),
            (range(1000), range(799), True),
            (range(100), range(1), False),
            (range(100), range(0), True),
            (range(0), range(0), False),
            (range(1000), range(2000, 4000), True),
        ],
    )
    def test_a_suspicious_shrink(self, before: range, after: range, suspicious: bool) -> None:
        difference = compare(NumberSet(before), NumberSet(after))
        assert bool(difference.suspicion) is suspicious
        assert difference.removed == len(set(before) - set(after))
        assert difference.added == len(set(after) - set(before))
