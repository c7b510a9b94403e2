"""POST /audit/unmask: {"subject", "purpose", "number"}: numbers or texts are about to be shown whole.

What asks shows them only when this is answered: the record is on disk then.
"""

from __future__ import annotations

from typing import Any

from twisted.web.resource import Resource

from gateway.control.operator import OPERATOR
from gateway.control.people import Command, Document, Unfit
from gateway.relay.auditing import Audit

SHORTEST = 5  # characters of a purpose


class AuditCommands:
    """Puts on record what is shown."""

    def __init__(self, audit: Audit) -> None:
        self.audit = audit

    def site(self) -> Resource:
        """Everything below /audit."""
        root = Resource()
        command: Any = Command(self.unmask)
        root.putChild(b"unmask", command)
        return root

    async def unmask(self, asked: Document) -> Document:
        """Record that something is shown whole, and why."""
        purpose = str(asked.get("purpose") or "").strip()
        if len(purpose) < SHORTEST:
            raise Unfit("a purpose of five characters or more is wanted: it is kept in the record")
        number = asked.get("number")
        await self.audit.at_once(
            asked.get(OPERATOR, "unknown"),
            "unmask",
            str(asked.get("subject") or ""),
            number=str(number) if number else None,
            purpose=purpose,
        )
        return {"recorded": self.audit.head.position}
