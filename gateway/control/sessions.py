"""What may be asked of a running node about the sessions of its clients: POST with JSON, below /sessions.

list  {"account"}
end   {"account", "address", "note"}

`end` unbinds all sessions of an account, or those from one address. It keeps nobody from binding again.
"""

from __future__ import annotations

from typing import Any

from twisted.web.resource import Resource

from gateway.control.operator import OPERATOR
from gateway.control.people import Command, Document, Unfit
from gateway.relay.client import Client
from gateway.relay.node import Relay
from gateway.relay.webhooks import moment

TYPES = {"BOUND_TX": "transmitter", "BOUND_RX": "receiver", "BOUND_TRX": "transceiver"}


class SessionCommands:
    """Does what is asked about sessions."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay

    def site(self) -> Resource:
        """Everything below /sessions."""
        root = Resource()
        for name, handler in ((b"list", self.show), (b"end", self.end)):
            command: Any = Command(handler)
            root.putChild(name, command)
        return root

    async def show(self, asked: Document) -> Document:
        """The sessions of all accounts, or of one."""
        return {"sessions": [_told(each) for each in self._bound(str(asked.get("account") or ""))]}

    async def end(self, asked: Document) -> Document:
        """Unbind sessions; those that were."""
        name, address = str(asked.get("account") or ""), str(asked.get("address") or "")
        if not name:
            raise Unfit("an account is wanted")
        meant = [each for each in self._bound(name) if address in ("", each.protocol.peer)]
        told = [_told(each) for each in meant]
        for each in meant:
            each.protocol.close()
        if told:
            detail = f"{len(told)} unbound" + (f" from {address}" if address else "")
            note = str(asked.get("note") or "")
            said = f"{detail}: {note}" if note else detail
            await self.relay.audit.at_once(asked[OPERATOR], "sessions_end", name, said)
        return {"sessions": told}

    def _bound(self, name: str) -> list[Client]:
        if name and self.relay.accounts.get(name) is None:
            raise Unfit(f"no account {name!r} is configured")
        return [
            session
            for account in self.relay.accounts
            if name in ("", account.name)
            for session in account.sessions
        ]


def _told(client: Client) -> Document:
    session = client.protocol.session
    assert client.account is not None
    return {
        "account": client.account.name,
        "type": TYPES.get(session.state.value, session.state.value.lower()),
        "address": client.protocol.peer,
        "version": f"{session.version >> 4}.{session.version & 15}",
        "since": moment(int(client.since * 1000)),
        "unanswered": session.incoming,
    }
