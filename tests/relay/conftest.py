"""Fixtures of the relay's tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from event_desk import Desk
from hook_server import Hook
from hypothesis import settings
from relay_house import House, MakeHouse
from twisted.logger import LogEvent, globalLogPublisher

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
def make_house(tmp_path: Path) -> Iterator[MakeHouse]:
    """Makes relays on one store, and ends them after the test."""
    houses: list[House] = []

    def make(*args: Any, **filters: Any) -> House:
        houses.append(House(tmp_path, *args, **filters))
        return houses[-1]

    yield make
    for house in houses:
        house.stop()


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    """A relay with account `bank` and carrier `alpha`, which is bound."""
    return make_house()


@pytest.fixture(autouse=True)
def _nothing_fails_unseen() -> Iterator[None]:
    """What the relay logs as a failure is one, though nothing else shows it; unless a test means it, by an
    exception that says that it is `expected`.
    """
    failures: list[str] = []

    def observe(event: LogEvent) -> None:
        expected = event.get("log_namespace") == "gateway.relay.ids"  # a failing store: asked again
        failure = event.get("log_failure")
        if failure is not None and not expected and not getattr(failure.type, "expected", False):
            failures.append(failure.getTraceback())

    observer: Any = observe
    globalLogPublisher.addObserver(observer)
    yield
    globalLogPublisher.removeObserver(observer)
    assert not failures, failures[0]


@pytest_twisted.async_yield_fixture  # type: ignore[untyped-decorator]
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk with a server to call."""
    found = Desk(tmp_path, Hook())
    await found.open()
    yield found
    await found.close()
    await found.hook.stop()
