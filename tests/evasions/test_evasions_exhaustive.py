"""A sample of the whole product: pairs of disguises over every word by every transport."""

from __future__ import annotations

from random import Random

import pytest
from disguises import EXCEPTIONS, HAN, LATIN, chosen
from exhaustive import counted, exception, tasks
from product import TRANSPORTS

PAIRS = 5


@pytest.mark.parametrize("latin", [False, True], ids=["Chinese", "English"])
def test_pairs_over_every_word_by_every_transport(latin: bool) -> None:
    pairs = [one for one in tasks() if one.latin == latin and len(one.ways) == 2 and not exception(one.ways)]
    for task in Random(3).sample(pairs, PAIRS):
        found = counted(task)
        assert found.examples == [], task.ways
        assert {transport for _, transport in found.cases} == set(TRANSPORTS)
        assert found.words == {entry.word for entry in chosen(latin=latin)}


def test_every_disguise_and_every_ordered_pair_is_there() -> None:
    made = {(one.latin, one.ways) for one in tasks()}
    assert len(made) == len(HAN) ** 2 + len(LATIN) ** 2
    assert all((ways is LATIN, (name,)) in made for ways in (HAN, LATIN) for name in ways)


def test_what_is_an_exception_escapes() -> None:
    """Else nothing would, whatever came."""
    for name in EXCEPTIONS:
        (task,) = (one for one in tasks() if one.ways == (name,))
        found = counted(task._replace(thorough=False))
        assert found.escaped.total() > found.cases.total() // 2
