"""How a load is to be run, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """`to` is a Twisted client endpoint; `rate` texts' submits a second over all sessions (0: no limit).

    In `mode` split the sessions are transmitters and receivers in turn. Seconds: `pause` after a submit
    was put off, `patience` without any progress until the run is given up, `linger` after the last receipt
    to see doubled ones, `enquire_link` between probes, `reconnect` the least and the most time between
    attempts to connect. With `resend` what got no answer because the line was lost is sent again.
    """

    to: str
    system_id: str
    password: str
    mode: Literal["transceiver", "split"] = "transceiver"
    sessions: int = 4
    window: int = 100
    count: int = 50_000
    rate: float = 0.0
    shapes: Mapping[str, float] | str = field(default_factory=lambda: {"gsm": 1.0})
    receipts: Literal["all", "failures", "none"] = "all"
    source: str = "10690001"
    first_destination: int = 8619910000000
    destinations: int = 10_000_000
    service_type: str = ""
    seed: int = 0
    resend: bool = True
    pause: float = 0.2
    patience: float = 60.0
    linger: float = 0.5
    enquire_link: float = 30.0
    reconnect: tuple[float, float] = (0.1, 2.0)


class Progress(NamedTuple):
    """How far a run is, in submits."""

    bound: int
    accepted: int
    refused: int
    receipted: int
    waiting: int
