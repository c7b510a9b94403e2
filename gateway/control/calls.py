"""What may be asked of a running node about the calls of webhooks and mails: POST with JSON, below /webhooks.

    list         {"webhook", "dead", "after", "limit"}
    retry, drop  {"webhook", "numbers", "dead"}

`retry` takes those that were given up; `drop` those too, or by their numbers. `numbers` empty: all of them.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.web.resource import Resource

from gateway.control.operator import OPERATOR
from gateway.control.people import Command, Document, Unfit
from gateway.relay.auditing import Audit
from gateway.relay.webhooks import Webhooks, moment
from gateway.store.calls import CallRow, calls, calls_by_seq

MOST = 1000
PAGE = 500


class CallCommands:
    """Does what is asked about calls."""

    def __init__(self, webhooks: Webhooks, audit: Audit) -> None:
        self.webhooks = webhooks
        self.audit = audit

    def site(self) -> Resource:
        """Everything below /webhooks."""
        root = Resource()
        for name, handler in ((b"list", self.list), (b"retry", self.retry), (b"drop", self.drop)):
            command: Any = Command(handler)
            root.putChild(name, command)
        return root

    async def list(self, asked: Document) -> Document:
        """The callers, and the oldest calls that wait or were given up."""
        limit = asked.get("limit", 100)
        if not isinstance(limit, int) or not 1 <= limit <= MOST:
            raise Unfit(f"limit must be from 1 to {MOST}")
        after = asked.get("after", 0)
        dead, name = bool(asked.get("dead")), str(asked.get("webhook") or "")
        read = self.webhooks.ledger.read
        rows = await read(calls, name, dead, after if isinstance(after, int) else 0, limit)
        return {
            "webhooks": [
                {"name": name, "waiting": each.waiting, "given_up": each.dead, "failing": each.why}
                for name, each in sorted(self.webhooks.callers.items())
            ],
            "calls": [_told(row) for row in rows],
        }

    async def retry(self, asked: Document) -> Document:
        """Try what was given up again."""
        done = 0
        async for rows in self._pages(asked, dead=True):
            done += await self.webhooks.retry(rows)
        await self.audit.at_once(asked[OPERATOR], "webhook_retry", _about(asked), f"{done} calls")
        return {"done": done}

    async def drop(self, asked: Document) -> Document:
        """Do away with calls."""
        done = 0
        async for rows in self._pages(asked, dead=bool(asked.get("dead", True))):
            done += await self.webhooks.drop(rows)
        await self.audit.at_once(asked[OPERATOR], "webhook_drop", _about(asked), f"{done} calls")
        return {"done": done}

    async def _pages(self, asked: Document, *, dead: bool) -> Any:
        numbers = asked.get("numbers") or []
        if not isinstance(numbers, list) or not all(isinstance(each, int) for each in numbers):
            raise Unfit("numbers must be those of calls, as `gateway webhook list` shows them")
        read = self.webhooks.ledger.read
        if numbers:
            yield await read(calls_by_seq, numbers[:MOST])
            return
        after = 0
        while rows := await read(calls, str(asked.get("webhook") or ""), dead, after, PAGE):
            yield rows
            after = rows[-1].seq


def _about(asked: Document) -> str:
    return str(asked.get("webhook") or asked.get("numbers") or "all")


def _told(row: CallRow) -> Document:
    body = json.loads(row.body)
    return {
        "number": row.seq,
        "webhook": row.webhook,
        "created": moment(row.created_at),
        "attempts": row.attempts,
        "error": row.error,
        "events": [f"{event['type']} {event['id']}" for event in body["events"]],
    }
