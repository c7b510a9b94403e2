"""Every disguise by every alphabet and transport, and pairs of them: nothing of it reaches the carrier."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import report
from disguises import HAN, LATIN, chosen
from product import TRANSPORTS, Case, Cases, Way, pairs, ways_of
from transports import ALPHABETS, REPLACED

ALL = os.environ.get("GATEWAY_TEST_EVASIONS") == "all"
SOME = 0 if ALL else 1

MakeWay = Callable[[], Way]


@pytest.fixture
def make_way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeWay]:
    """Makes relays, each on a store of its own, and ends them after the test."""
    ways: list[Way] = []

    def make() -> Way:
        ways.append(Way(tmp_path_factory.mktemp("evasions")))
        return ways[-1]

    yield make
    for way in ways:
        way.house.stop()


def told(cases: list[Case]) -> list[str]:
    return [
        f"{' + '.join(c.ways)} in {c.alphabet} by {c.transport}: {c.entry.word} {c.text!r}" for c in cases
    ]


@pytest.mark.parametrize("latin", [False, True], ids=["Chinese", "English"])
def test_each_disguise_by_every_alphabet_and_transport(make_way: MakeWay, latin: bool) -> None:
    words, cells = set(), set()
    cases, way = Cases(), make_way()
    for name in ways_of(latin=latin):
        made = cases.single(name, latin=latin, words=SOME)
        if ALL:
            way = make_way()
        assert not told(way.escaped(made))
        words.update(case.entry.word for case in made)
        cells.update((name, case.alphabet, case.transport) for case in made)
        assert {case.transport for case in made} == set(TRANSPORTS), name
    assert words == {entry.word for entry in chosen(latin=latin)}
    able = {alphabet for _, alphabet, _ in cells}
    assert able == set(ALPHABETS) if latin else able >= {"UTF-16", "Japanese", "Korean"}


@pytest.mark.parametrize("latin", [False, True], ids=["Chinese", "English"])
def test_each_pair_by_transports_in_turn(make_way: MakeWay, latin: bool) -> None:
    cases = Cases()
    made = [cases.pair(ways, latin=latin) for ways in pairs(latin=latin)]
    assert not told(make_way().escaped(made))
    met = {(name, case.transport) for case in made for name in case.ways}
    assert met == {(name, transport) for name in ways_of(latin=latin) for transport in TRANSPORTS}


def test_ordinary_texts_pass_by_every_alphabet_and_transport(make_way: MakeWay) -> None:
    """Else nothing would be caught, whatever came."""
    way = make_way()
    entry = chosen(latin=True)[0]
    cases = []
    for index, (alphabet, transport) in enumerate(
        (a, t) for a in ALPHABETS for t in TRANSPORTS if t != REPLACED
    ):
        text = "ok, see you tomorrow 12"
        said = ALPHABETS[alphabet].say(text, index)
        assert said is not None
        if "SAR" not in transport or not said.elements:
            cases.append(Case(index, (), alphabet, transport, entry, text, said))
    assert way.escaped(cases) == cases
    assert way.left == {case.to for case in cases}


def test_there_are_ways_enough() -> None:
    assert len(HAN) >= 20
    assert len(LATIN) >= 35
    assert len(chosen(latin=False)) + len(chosen(latin=True)) >= 200


def test_the_document_is_up_to_date() -> None:
    document = Path(__file__).parents[2] / "docs" / "evasions.md"
    assert document.read_text("utf-8") == report.written(), "python tests/evasions/report.py docs"
