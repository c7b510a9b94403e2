"""A whole node in this process, on the real reactor, with its control endpoint on a port of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from control_node import FILES, ControlNode
from twisted.internet import reactor

from gateway import app
from gateway.relay.clocks import Clocks


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The directory of a small configuration."""
    directory = tmp_path / "config"
    directory.mkdir()
    for name, text in FILES.items():
        (directory / name).write_text(text)
    return directory


@pytest_twisted.async_yield_fixture  # type: ignore[untyped-decorator]
async def node(config: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ControlNode]:
    """A node that is up."""
    monkeypatch.setattr(app, "settle_garbage_collector", lambda: None)
    timer: Any = reactor
    gateway = app.Gateway(config, {"SECRET": "secret"}, reactor, Clocks(timer))
    await gateway.start()
    yield ControlNode(gateway)
    await gateway.stop()
