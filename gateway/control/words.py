"""What may be asked of a running node about sensitive words: POST with JSON, below /words.

    edit  {"edits": [{"action", "word", …}], "by", "why"}
    test  {"text", "tenant", "category"}

An edit's fields are those of a list, each as text; those that take out, change or restore have `scope` and
`until`. Without `by` it is who asks. What is answered is on disk and in force.
"""

from __future__ import annotations

from typing import Any

from twisted.web.resource import Resource

from gateway.control.edits import edited
from gateway.control.node import Node
from gateway.control.people import Command, Document, Unfit
from gateway.filters.entries import TENANT
from gateway.filters.words import told
from gateway.relay.wording import Wish


class WordCommands:
    """Does what is asked about the words in force."""

    def __init__(self, gateway: Node) -> None:
        self.gateway = gateway

    def site(self) -> Resource:
        """Everything below /words."""
        root = Resource()
        for name, handler in ((b"edit", self.edit), (b"test", self.test)):
            command: Any = Command(handler)
            root.putChild(name, command)
        return root

    async def edit(self, asked: Document) -> Document:
        """Make edits; those that make no sense are told by their index, and the others are made."""
        return await edited(self.gateway, asked, self._wish, self.gateway.relay.wording.edit, "edit_words")

    async def test(self, asked: Document) -> Document:
        """What a text hits, in the words that are in force now."""
        text, tenant, category = (asked.get(name, "") for name in ("text", "tenant", "category"))
        if not all(isinstance(one, str) for one in (text, tenant, category)):
            raise Unfit("text, tenant and category are text")
        relay = self.gateway.relay
        if relay.wording.filter is None:
            raise Unfit("the node has no filter of sensitive words")
        hits = relay.wording.filter.words.scan(text, tenant, category, relay.clocks.wall())
        return {"hits": list(map(told, hits)), "generation": self.gateway.generation.number}

    def _wish(self, document: Any) -> Wish:
        if not isinstance(document, dict) or not all(isinstance(one, str) for one in document.values()):
            raise Unfit("an edit is an object of texts")
        fields = {name: value.strip() for name, value in document.items() if value.strip()}
        action = fields.pop("action", "")
        fields["word"] = " ".join(fields.get("word", "").split())
        scope = fields.get("scope", "")
        known = {account.tenant for account in self.gateway.generation.accounts.values()}
        if scope.startswith(TENANT) and scope.removeprefix(TENANT) not in known:
            raise Unfit(f"no account is of a tenant in '{scope}': there are {', '.join(sorted(known))}")
        return Wish(action, fields)
