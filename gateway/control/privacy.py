"""What may be asked of a running node about privacy: POST with JSON, below /privacy.

erase     {"number", "purpose"}
object    {"number", "tenant", "evidence"}
hold      {"number", "account", "tenant", "since", "until", "reason"}; moments in unix seconds
lift      {"id", "reason"}
purge     {"dry_run"}
rotate    {}: the keys are read anew, and everything is sealed by the newest
"""

from __future__ import annotations

from typing import Any

from twisted.web.resource import Resource

from gateway.control.node import Node
from gateway.control.operator import OPERATOR
from gateway.control.people import Command, Document, Unfit
from gateway.store.holds import Hold
from gateway.store.rows import StoreUnavailable

SHORTEST = 5


class PrivacyCommands:
    """Does what is asked, on the node's own memory and store."""

    def __init__(self, gateway: Node) -> None:
        self.gateway = gateway

    def site(self) -> Resource:
        """Everything below /privacy."""
        root = Resource()
        for name, handler in (
            (b"erase", self.erase),
            (b"object", self.object),
            (b"hold", self.hold),
            (b"lift", self.lift),
            (b"purge", self.purge),
            (b"rotate", self.rotate),
            (b"backup", self.backup),
        ):
            command: Any = Command(handler)
            root.putChild(name, command)
        return root

    async def erase(self, asked: Document) -> Document:
        """Erase a person."""
        purpose = _long_enough(asked, "purpose")
        try:
            return await self.gateway.relay.privacy.erase(self._number(asked, ""), _by(asked), purpose)
        except StoreUnavailable as error:
            raise Unfit(f"not all of it is done: {error}") from None

    async def object(self, asked: Document) -> Document:
        """No promotion of a tenant to a person any more."""
        tenant = str(asked.get("tenant") or "")
        self._known(tenant)
        number = self._number(asked, tenant)
        evidence = _long_enough(asked, "evidence")
        await self.gateway.relay.privacy.object(number, tenant, _by(asked), evidence)
        return {"objects": tenant}

    async def hold(self, asked: Document) -> Document:
        """Keep something from purge and erasure."""
        reason = _long_enough(asked, "reason")
        tenant, account = str(asked.get("tenant") or ""), str(asked.get("account") or "")
        if tenant:
            self._known(tenant)
        if account and account not in self.gateway.generation.accounts:
            raise Unfit(f"there is no account '{account}'")
        number = self._number(asked, tenant) if asked.get("number") else ""
        since, until = _moment(asked, "since"), _moment(asked, "until")
        hold = Hold(0, number, account, tenant, since, until, reason, _by(asked), 0)
        return {"id": (await self.gateway.relay.privacy.place(hold)).id}

    async def lift(self, asked: Document) -> Document:
        """End a hold."""
        reason = _long_enough(asked, "reason")
        if not await self.gateway.relay.privacy.lift(int(asked.get("id") or 0), _by(asked), reason):
            raise Unfit(f"hold {asked.get('id')} is not in force")
        return {"lifted": asked["id"]}

    async def purge(self, asked: Document) -> Document:
        """Do away with what is past its retention, or say what that would be."""
        try:
            return await self.gateway.purge(dry=bool(asked.get("dry_run")), by=_by(asked))
        except StoreUnavailable as error:
            raise Unfit(f"the purge was cut short: {error}") from None

    async def backup(self, asked: Document) -> Document:
        """A copy of the store is about to be made."""
        await self.gateway.relay.audit.at_once(_by(asked), "backup", str(asked.get("file") or ""))
        return {"recorded": True}

    async def rotate(self, asked: Document) -> Document:
        """Go by the newest key."""
        try:
            return {"version": await self.gateway.turn_keys(_by(asked))}
        except StoreUnavailable as error:
            raise Unfit(str(error)) from None

    def _known(self, tenant: str) -> None:
        known = {account.tenant for account in self.gateway.generation.accounts.values()}
        if tenant not in known:
            raise Unfit(f"no account is of a tenant '{tenant}': there are {', '.join(sorted(known))}")

    def _number(self, asked: Document, tenant: str) -> str:
        number = str(asked.get("number") or "")
        found = self.gateway.relay.protection.people.persons.digits(tenant, number)
        if found is None:
            raise Unfit("not a number with its calling code")
        return found


def _by(asked: Document) -> str:
    return str(asked.get(OPERATOR, "unknown"))


def _long_enough(asked: Document, key: str) -> str:
    text = str(asked.get(key) or "").strip()
    if len(text) < SHORTEST:
        raise Unfit(f"{key} of five characters or more is wanted: it is kept in the record")
    return text


def _moment(asked: Document, key: str) -> int | None:
    value = asked.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unfit(f"{key} is no moment in unix seconds")
    return value * 1000
