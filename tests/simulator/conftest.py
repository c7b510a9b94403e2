"""Carriers on real sockets, and the clients that talk to them from a thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_twisted
from twisted.internet import reactor

from simulator.clock import MonotonicClock
from simulator.smsc import Profile, Smsc

Begin = Callable[..., Awaitable[Smsc]]


@pytest_twisted.async_yield_fixture
async def begin() -> AsyncIterator[Begin]:
    """Starts carriers on free ports, and stops them after the test: `await begin(receipts={…}, rules=[…])`.

    With `others` more carriers by name; `capture` is a file; without arguments one quick carrier, `main`.
    """
    running: list[Smsc] = []

    async def begin_it(
        capture: Path | None = None, seed: int = 1, others: dict[str, Any] | None = None, **carrier: Any
    ) -> Smsc:
        carriers = {"main": carrier} | (others or {})
        body = {name: defaults() | one for name, one in carriers.items()}
        profile = Profile.model_validate({"seed": seed, "carriers": body})
        smsc = Smsc(profile, MonotonicClock(reactor), capture=capture)
        await smsc.start(reactor)
        running.append(smsc)
        return smsc

    yield begin_it
    for smsc in running:
        await smsc.stop()


def defaults() -> dict[str, Any]:
    return {
        "listen": "tcp:0:interface=127.0.0.1",
        "accounts": {"gateway": "pw"},
        "receipts": {"delay": 0},
    }
