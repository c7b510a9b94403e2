"""The people side on the relay's houses in memory, and on the whole way's processes."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

TESTS = Path(__file__).parents[1]
for room in ("relay", "whole", "control"):
    if str(TESTS / room) not in sys.path:
        sys.path.append(str(TESTS / room))

from people_house import MakePeople, PeopleHouse  # noqa: E402

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
def make_people(tmp_path: Path) -> Iterator[MakePeople]:
    """Makes houses with the filters of people, and ends them after the test."""
    houses: list[PeopleHouse] = []

    def make(**people: Any) -> PeopleHouse:
        houses.append(PeopleHouse(tmp_path, **people))
        return houses[-1]

    yield make
    for house in houses:
        house.stop()


@pytest.fixture
def people(make_people: MakePeople) -> PeopleHouse:
    """A shop that sends offers and a bank that sends codes, by the packs as they are shipped."""
    return make_people()
