"""Alarms: told once when they begin and once when they are over."""

from __future__ import annotations

from twisted.internet.task import Clock

from gateway.relay.alarms import Alarms
from gateway.relay.clocks import Clocks


def test_an_alarm_is_told_once_and_its_end_once() -> None:
    now = [1000.0]
    alarms = Alarms(Clocks(Clock(), lambda: now[0]))  # type: ignore[arg-type]
    told: list[tuple[str, str, str, int]] = []
    alarms.told = lambda what, alarm: told.append((what, alarm.kind, alarm.text, alarm.count))
    alarms.recovered("carrier_down", "alpha")
    alarms.alarm("carrier_down", "alpha", "down for 5 minutes")
    now[0] = 1060.0
    alarms.alarm("carrier_down", "alpha", "down for 6 minutes")
    alarms.alarm("carrier_down", "beta", "down for 5 minutes")
    alarms.recovered("carrier_down", "alpha", "bound again")
    alarms.recovered("carrier_down", "alpha", "bound again")
    assert told == [
        ("raised", "carrier_down", "down for 5 minutes", 1),
        ("raised", "carrier_down", "down for 5 minutes", 1),
        ("recovered", "carrier_down", "bound again", 2),
    ]
    (left,) = alarms.open.values()
    assert (left.subject, left.raised_at, left.last_at) == ("beta", 1_060_000, 1_060_000)
    assert alarms.counts == {"carrier_down": 3}
