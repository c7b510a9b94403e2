"""`simulator smsc`: carriers in the foreground."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from twisted.internet.defer import Deferred

from simulator.clock import MonotonicClock
from simulator.endpoints import listen, stop_listening
from simulator.smsc.carrier import Fault
from simulator.smsc.center import Smsc
from simulator.smsc.control import ControlFactory
from simulator.smsc.profile import Profile

_SHOWN_OF_A_KIND = 5
_out = Console(highlight=False, markup=False)
_err = Console(stderr=True, highlight=False, markup=False)

OnInterrupt = Callable[[Any, Callable[[], None]], Awaitable[None]]


async def run_smsc(
    reactor: Any,
    profiles: list[Profile],
    capture: Path | None,
    strict: bool,
    quiet: bool,
    on_interrupt: OnInterrupt,
) -> int:
    """Run until interrupted; returns 1 if `strict` and a peer broke the protocol.

    Raises what listening raises.
    """
    interrupted: Deferred[None] = Deferred()
    await on_interrupt(reactor, lambda: None if interrupted.called else interrupted.callback(None))
    clock = MonotonicClock(reactor)
    centers = [Smsc(profile, clock, capture=capture) for profile in profiles]
    ports = []
    for smsc in centers:
        smsc.on_fault = _Shown()
        await smsc.start(reactor)
        if smsc.profile.control is not None:
            ports.append(await listen(reactor, smsc.profile.control, ControlFactory(smsc, reactor)))
        if not quiet:
            _introduce(smsc)
    await interrupted
    for port in ports:
        await stop_listening(port)
    counters: dict[str, dict[str, int]] = {}
    faults = 0
    for smsc in centers:
        counters |= smsc.counters()
        await smsc.stop()
        faults += sum(smsc.fault_count.values())
    if not quiet:
        show_counters(counters, faults)
    return 1 if strict and faults else 0


class _Shown:
    """Prints breaches of the protocol, the first few of each kind."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def __call__(self, fault: Fault) -> None:
        self._seen[fault.detail] += 1
        if self._seen[fault.detail] <= _SHOWN_OF_A_KIND:
            _err.print(f"{fault.carrier} connection {fault.connection}: {fault.detail}", soft_wrap=True)


def _introduce(smsc: Smsc) -> None:
    for name in smsc.carriers:
        where = ", ".join(f"{host}:{port}" for host, port in smsc.addresses(name))
        _out.print(f"carrier {name} listens on {where}", soft_wrap=True)
    if smsc.profile.control is not None:
        _out.print(f"control line on {smsc.profile.control}", soft_wrap=True)


def show_counters(carriers: dict[str, dict[str, int]], faults: int) -> None:
    """Counters as a table, for people."""
    table = Table("carrier", "counter", "count", box=None, padding=(0, 2, 0, 0))
    for carrier, counters in carriers.items():
        for name, count in counters.items():
            table.add_row(carrier, name.replace("_", " "), str(count))
    _out.print(table)
    _out.print(f"{faults} breaches of the protocol by peers" if faults else "no breach of the protocol seen")
