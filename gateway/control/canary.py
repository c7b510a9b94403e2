"""What may be asked of a running node about canaries: POST with JSON, below /canary.

start      {"directory", "share", "accounts", "withdraw_above", "least"}
status, promote, withdraw   {}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from twisted.web.resource import Resource

from gateway.control.operator import OPERATOR
from gateway.control.people import Command, Document, Handler, Unfit
from gateway.relay.canary import Canary
from gateway.settings.problems import SettingsError


class Canaries(Protocol):
    """The canaries of a node; `last` is what came of the one before."""

    last: dict[str, Any] | None

    @property
    def canary(self) -> Canary | None:
        """The one that runs."""

    async def start(
        self,
        directory: Path,
        share: float,
        accounts: frozenset[str],
        by: str,
        worse: float | None,
        least: int,
    ) -> Canary:
        """Begin one. Raises SettingsError, ValueError."""

    async def withdraw(self, by: str) -> dict[str, Any]:
        """End it; what came of it. Raises ValueError."""


class Promoting(Protocol):
    """A node that has canaries."""

    @property
    def canaries(self) -> Canaries:
        """Its own."""

    async def promote(self, by: str) -> tuple[int, tuple[str, ...]]:
        """Put the texts of the canary in force; the number of the generation in force, and the problems."""


class CanaryCommands:
    """Does what is asked about canaries."""

    def __init__(self, gateway: Promoting) -> None:
        self.gateway = gateway
        self.canaries = gateway.canaries

    def site(self) -> Resource:
        """Everything below /canary."""
        root = Resource()
        handlers: dict[str, Handler] = {
            "start": self.start,
            "status": self.status,
            "promote": self.promote,
            "withdraw": self.withdraw,
        }
        for name, handler in handlers.items():
            command: Any = Command(handler)
            root.putChild(name.encode(), command)
        return root

    async def start(self, asked: Document) -> Document:
        """Begin one."""
        share, worse, accounts = asked.get("share"), asked.get("withdraw_above"), asked.get("accounts") or []
        if not isinstance(share, int | float) or not 0 < share < 1:
            raise Unfit("share must be between 0 and 1")
        if worse is not None and not (isinstance(worse, int | float) and 0 < worse < 1):
            raise Unfit("withdraw_above must be between 0 and 1")
        directory, least = asked.get("directory"), asked.get("least", 100)
        if not isinstance(directory, str) or not Path(directory).is_absolute():
            raise Unfit("directory must be a whole path")
        if not isinstance(accounts, list) or not isinstance(least, int) or least < 1:
            raise Unfit("accounts must be a list, and least a whole number from 1")
        names = frozenset(map(str, accounts))
        try:
            canary = await self.canaries.start(
                Path(directory), float(share), names, asked[OPERATOR], worse, least
            )
        except SettingsError as error:
            raise Unfit("\n".join(map(str, error.problems))) from None
        except ValueError as error:
            raise Unfit(str(error)) from None
        return canary.document()

    async def status(self, asked: Document) -> Document:
        """What runs, and what ran before."""
        canary = self.canaries.canary
        return {"running": canary.document() if canary is not None else None, "last": self.canaries.last}

    async def promote(self, asked: Document) -> Document:
        """Put its texts in force."""
        try:
            number, problems = await self.gateway.promote(asked[OPERATOR])
        except ValueError as error:
            raise Unfit(str(error)) from None
        if problems:
            raise Unfit("\n".join(problems))
        return {"generation": number, "last": self.canaries.last}

    async def withdraw(self, asked: Document) -> Document:
        """End it."""
        try:
            return await self.canaries.withdraw(asked[OPERATOR])
        except ValueError as error:
            raise Unfit(str(error)) from None
