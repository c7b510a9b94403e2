"""The SMPP server: connections of clients, and what they share."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from gateway.relay.batch import Batch, Committer, Outgoing
from gateway.relay.binding import Binding
from gateway.relay.client import Client
from gateway.relay.clocks import Clocks
from gateway.relay.dispatch import Dispatch
from gateway.relay.queries import Queries
from gateway.relay.submits import Submits
from gateway.settings.models import Node
from gateway.smpp.events import SessionOptions, Violation
from gateway.smpp.protocol import SmppProtocol, Ticker
from gateway.smpp.session import Role, Session

log = Logger(__name__)

VERSION = 0x50


class Server(Factory):
    """Makes a Client for each connection, as a Twisted factory."""

    noisy = False

    def __init__(
        self,
        node: Node,
        binding: Binding,
        submits: Submits,
        queries: Queries,
        dispatch: Dispatch,
        committer: Committer,
        outgoing: Outgoing,
        ticker: Ticker,
        clocks: Clocks,
    ) -> None:
        self.node = node
        self.binding = binding
        self.submits = submits
        self.queries = queries
        self.dispatch = dispatch
        self.committer = committer
        self.outgoing = outgoing
        self.ticker = ticker
        self.clocks = clocks
        self.clients: dict[Client, None] = {}
        self.counts: Counter[str] = Counter()

    def buildProtocol(self, addr: IAddress | None) -> SmppProtocol | None:
        """A new connection; None, which closes it, if there are as many as the node may have."""
        if len(self.clients) >= self.node.limits.connections:
            self.counts["turned_away"] += 1
            return None
        link = SmppProtocol(self._session, Client(self), self.clocks.timer, self.ticker)
        link.factory = self
        return link

    def _session(self, now: float) -> Session:
        timers, limits = self.node.timers, self.node.limits
        options = SessionOptions(
            version=VERSION,
            max_pdu=limits.max_pdu,
            max_pdu_unbound=limits.max_pdu_unbound,
            session_init=timers.session_init,
            enquire_link=timers.enquire_link,
            response=timers.response,
            inactivity=timers.inactivity,
            partial_pdu=timers.partial_pdu,
        )
        return Session(Role.SMSC, options, now)

    def close_all(self) -> None:
        """Unbind every session."""
        for client in list(self.clients):
            client.protocol.close()

    # from the connections

    def connected(self, client: Client) -> None:
        """A transport is there."""
        self.clients[client] = None

    def commit(self, client: Client, batch: Batch) -> None:
        """What one read of a client asks for: commit it, answer it, and see what can go out."""
        self.committer.commit(batch, must=False)
        self.go_on(client)

    def go_on(self, client: Client) -> None:
        """See what can go out after a read of a client."""
        if client.account is not None:
            client.account.outbox.pump()
        self.outgoing.flush()
        if self.dispatch.lanes.count:
            self.dispatch.pump()

    def violation(self, client: Client, event: Violation) -> None:
        """A client broke the protocol; the session has answered."""
        self.counts["violations"] += 1
        account = client.account.name if client.account is not None else "unbound"
        log.debug("client {account}: {detail}", account=account, detail=event.detail)

    def lost(self, client: Client) -> None:
        """A transport is gone."""
        self.clients.pop(client, None)
        account = client.account
        if account is not None:
            account.sessions.remove(client)
            account.outbox.pump()
            self.outgoing.flush()
            log.info("account {account}: a session ended", account=account.name)

    @staticmethod
    def in_range(address_range: str, address: str) -> bool:
        """Whether the address_range of a bind takes messages to this address."""
        return not address_range or range_takes(address_range, address)


@lru_cache(maxsize=10_000)
def range_takes(address_range: str, address: str) -> bool:
    """An address_range is a pattern in the style of Unix (SMPP 3.4, section 5.2.7); one that is none is a
    prefix.
    """
    try:
        return re.search(f"^(?:{address_range.removeprefix('^').removesuffix('$')})", address) is not None
    except re.error:
        return address.startswith(address_range)
