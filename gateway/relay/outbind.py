"""outbind: an account's system is called when something waits for it and it has no receiving session.

It answers by binding as a receiver on that very connection, which is then a session like any other
(SMPP 3.4, section 2.2.1).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.internet.endpoints import clientFromString
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from gateway.relay.accounts import Account, Accounts
from gateway.relay.clocks import Clocks
from gateway.relay.server import Server
from gateway.smpp.pdus import Outbind
from gateway.smpp.protocol import SmppProtocol

log = Logger(__name__)

INTERVAL = 1.0
CONNECT_TIMEOUT = 10.0


class Outbinds:
    """Calls the accounts that have an outbind address."""

    def __init__(self, accounts: Accounts, server: Server, reactor: Any, clocks: Clocks) -> None:
        self.accounts = accounts
        self.server = server
        self.reactor = reactor
        self.clocks = clocks
        self.counts: Counter[str] = Counter()
        self._next: dict[str, float] = {}
        self._loop = LoopingCall(self.look)
        self._loop.clock = clocks.timer  # type: ignore[assignment]

    def start(self) -> None:
        """Begin to look."""
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._loop.stop()

    def look(self) -> None:
        """Call each account for which something waits, unless it is bound or was called a short while ago."""
        now = self.clocks.timer.seconds()
        for account in self.accounts:
            outbind = account.settings.outbind
            if outbind is None or not account.outbox.backlog or account.outbox.receivers:
                continue
            if now >= self._next.get(account.name, 0.0):
                self._next[account.name] = now + outbind.interval
                self._call(account)

    def _call(self, account: Account) -> None:
        outbind = account.settings.outbind
        assert outbind is not None
        endpoint = clientFromString(self.reactor, outbind.endpoint)
        connecting = endpoint.connect(self.server)
        connecting.addTimeout(CONNECT_TIMEOUT, self.clocks.timer)
        connecting.addCallbacks(
            self._connected, self._failed, callbackArgs=(account,), errbackArgs=(account,)
        )

    def _connected(self, link: SmppProtocol, account: Account) -> None:
        outbind = account.settings.outbind
        if outbind is None:
            link.close()
            return
        self.counts["outbinds"] += 1
        secret = outbind.password.get_secret_value() if outbind.password is not None else ""
        link.send(Outbind(system_id=outbind.system_id, password=secret))
        link.flush()
        log.info("account {account}: called by outbind", account=account.name)

    def _failed(self, failure: Any, account: Account) -> None:
        self.counts["outbinds_failed"] += 1
        log.warn(
            "account {account}: outbind failed: {reason}",
            account=account.name,
            reason=failure.getErrorMessage(),
        )
