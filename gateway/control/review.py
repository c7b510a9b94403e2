"""What may be asked of a running node about held messages: POST with JSON, below /review.

    list             {"limit"}
    show             {"number"}
    approve, refuse  {"number", "by", "note"}

A person reviews what the handset would show, so `show` tells the text; `list` does not. Numbers are whole:
who shows them masks them.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.web.resource import Resource

from gateway.control.operator import OPERATOR
from gateway.control.people import Command, Document, Unfit
from gateway.filters.review import held_by
from gateway.relay.auditing import Audit
from gateway.relay.outbound import utc
from gateway.relay.reviewing import NotHeld, Reviewing, number_of, whole
from gateway.store.rows import StoreUnavailable

MOST = 1000


class ReviewCommands:
    """Does what is asked about held messages."""

    def __init__(self, reviewing: Reviewing, audit: Audit) -> None:
        self.reviewing = reviewing
        self.audit = audit

    def site(self) -> Resource:
        """Everything below /review."""
        root = Resource()
        for name, handler in (
            (b"list", self.list),
            (b"show", self.show),
            (b"approve", self.approve),
            (b"refuse", self.refuse),
        ):
            command: Any = Command(handler)
            root.putChild(name, command)
        return root

    async def list(self, asked: Document) -> Document:
        """The oldest held messages, without their texts."""
        limit = asked.get("limit", 100)
        if not isinstance(limit, int) or not 1 <= limit <= MOST:
            raise Unfit(f"limit must be from 1 to {MOST}")
        try:
            rows = await self.reviewing.held(limit)
        except StoreUnavailable as error:
            raise Unfit(f"the store cannot be read: {error}") from None
        return {
            "held": [
                {
                    "number": number_of(row),
                    "id": row.client_id,
                    "account": row.account,
                    "from": row.source,
                    "to": row.destination,
                    "category": row.category,
                    "accepted": _moment(row.accepted_at),
                    "expires": _moment(row.expires_at),
                    "rules": _rules(row.decision),
                }
                for row in rows
            ]
        }

    async def show(self, asked: Document) -> Document:
        """One held message with its text and its decision record."""
        try:
            async with self.reviewing.text(_number(asked)) as entries:
                message = whole(entries)
                by = str(asked.get(OPERATOR, "unknown"))
                await self.audit.at_once(by, "review_show", f"message {asked['number']}")
                return {
                    "number": message.segment_of or message.id,
                    "ids": [entry.message.client_id for entry in entries],
                    "account": message.account,
                    "tenant": message.tenant,
                    "from": message.source,
                    "to": message.destination,
                    "category": message.category,
                    "accepted": _moment(message.accepted_at),
                    "expires": _moment(message.expires_at),
                    "text": message.text,
                    "decision": json.loads(entries[0].decision),
                }
        except (NotHeld, StoreUnavailable) as error:
            raise Unfit(str(error)) from None

    async def approve(self, asked: Document) -> Document:
        """Let a held message pass the rules that hold it."""
        return await self._decide(asked, "approve")

    async def refuse(self, asked: Document) -> Document:
        """Refuse a held message."""
        return await self._decide(asked, "refuse")

    async def _decide(self, asked: Document, verb: str) -> Document:
        by, note = asked.get("by"), asked.get("note", "")
        if not isinstance(by, str) or not by.strip() or not isinstance(note, str):
            raise Unfit("by must name the person, note is text")
        decide = self.reviewing.approve if verb == "approve" else self.reviewing.refuse
        try:
            state = await decide(_number(asked), by.strip(), note)
        except (NotHeld, StoreUnavailable) as error:
            raise Unfit(str(error)) from None
        await self.audit.at_once(by.strip(), verb, f"message {asked['number']}", note)
        return {"state": state}


def _number(asked: Document) -> int:
    number = asked.get("number")
    if not isinstance(number, int) or number < 1:
        raise Unfit("number must be that of a held message")
    return number


def _moment(ms: int) -> str:
    return utc(ms).isoformat(timespec="seconds")


def _rules(decision: str) -> list[str]:
    return [f"{rule.filter}: {rule.rule}" for rule in sorted(held_by(decision))]
