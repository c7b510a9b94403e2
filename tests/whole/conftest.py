"""Houses for the whole-way tests: few processes, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from whole_house import Build, House


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.name.startswith("test_whole_"):
            item.add_marker(pytest.mark.whole_way)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """Makes houses that are torn down with the module: `build(accounts=…, carriers=…, routes=…)`."""
    houses: list[House] = []

    def build_it(**parts: Any) -> House:
        house = House(tmp_path_factory.mktemp("house"), **parts)
        houses.append(house)
        return house

    yield build_it
    failures = []
    for house in houses:
        try:
            house.stop()
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n".join(failures)
