"""The binds to all carriers, as the configuration in force has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from gateway.relay.dispatch import Dispatch
from gateway.relay.traffic import Traffic
from gateway.relay.uplink import Uplink
from gateway.settings.carriers import Bind, Carrier
from gateway.smpp.protocol import Ticker


class Uplinks:
    """By carrier. Nobody is called before `begin`."""

    def __init__(self, dispatch: Dispatch, traffic: Traffic, reactor: Any, ticker: Ticker) -> None:
        self.dispatch = dispatch
        self.traffic = traffic
        self.reactor = reactor
        self.ticker = ticker
        self._begun = False
        self._uplinks: dict[str, list[Uplink]] = {}

    def of(self, name: str) -> Sequence[Uplink]:
        """Those to one carrier."""
        return self._uplinks.get(name, ())

    def begin(self, wanted: Mapping[str, Carrier]) -> None:
        """Call them from now on."""
        self._begun = True
        self.connect(wanted)

    def connect(self, wanted: Mapping[str, Carrier]) -> None:
        """Start the binds to carriers that have none, and stop those to carriers that are gone or changed."""
        if not self._begun:
            return
        for name, uplinks in list(self._uplinks.items()):
            if name not in wanted or [u.bind for u in uplinks] != _expanded(wanted[name]):
                for uplink in self._uplinks.pop(name):
                    uplink.stop()
        for name, settings in wanted.items():
            if name not in self._uplinks:
                carrier = self.dispatch.carriers[name]
                self._uplinks[name] = [
                    Uplink(carrier, bind, self.reactor, self.ticker, self.traffic.take)
                    for bind in _expanded(settings)
                ]
                for uplink in self._uplinks[name]:
                    uplink.start()

    def stop(self) -> list[Deferred[Any]]:
        """End them all; fires when what was under way is answered."""
        return [uplink.stop() for uplinks in self._uplinks.values() for uplink in uplinks]


def _expanded(settings: Carrier) -> list[Bind]:
    """One for each connection that a carrier's settings ask for."""
    return [bind for bind in settings.binds for _ in range(bind.count)]
