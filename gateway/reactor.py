"""The reactor of a running gateway: Twisted's own, without a log context for each event.

Twisted wraps each readiness of a socket in five calls that note for text logs whose event it is. Our logs
name what they speak of by themselves, and there are some two events a message when traffic is thin.
"""

from __future__ import annotations

from twisted.internet import epollreactor
from twisted.internet.main import installReactor


class Reactor(epollreactor.EPollReactor):
    """Faults of what is read or written are logged by `_doReadOrWrite`, as ever."""

    def doPoll(self, timeout: float | None) -> None:
        """Wait for events for so many seconds (None: for ever), and serve them."""
        try:
            events = self._poller.poll(-1 if timeout is None else timeout, len(self._selectables))
        except InterruptedError:
            return
        selectables, serve = self._selectables, self._doReadOrWrite
        for descriptor, event in events:
            selectable = selectables.get(descriptor)
            if selectable is not None:  # closed by what was served before
                serve(selectable, descriptor, event)  # type: ignore[no-untyped-call]

    doIteration = doPoll


def install() -> Reactor:
    """Make it the reactor of this process. Raises ReactorAlreadyInstalledError if there is another."""
    reactor = Reactor()  # type: ignore[no-untyped-call]
    installReactor(reactor)
    return reactor
