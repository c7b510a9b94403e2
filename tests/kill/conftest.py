"""Houses that are taken down after the test, and databases of a real PostgreSQL that are dropped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from killdatabase import new_database
from killing import House
from twisted.internet import reactor

OpenHouse = Callable[..., Awaitable[House]]


@pytest_twisted.async_yield_fixture
async def open_house(tmp_path: Path) -> AsyncIterator[OpenHouse]:
    """Opens houses and closes them after the test: `await open_house(store=…, unanswered="resend")`."""
    houses: list[House] = []

    async def open_it(**how: Any) -> House:
        houses.append(House(reactor, tmp_path, **how))
        return await houses[-1].open()

    yield open_it
    for house in houses:
        await house.close()


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of an empty database of its own."""
    with new_database() as url:
        yield url
