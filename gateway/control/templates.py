"""What may be asked of a running node about templates: POST with JSON, below /templates.

    edit  {"edits": [{"action", "tenant", "name", …}], "by", "why"}
    test  {"tenant", "category", "text"}

An edit that puts has the fields of a template beside those; one that approves may have the `text` that was
looked at, and is refused if it is another by now. Without `by` it is who asks. What is answered is on disk
and in force.
"""

from __future__ import annotations

from typing import Any

from twisted.web.resource import Resource

from gateway.control.edits import edited
from gateway.control.node import Node
from gateway.control.people import Command, Document, Unfit
from gateway.filters.templates import tried
from gateway.relay.templating import TemplateWish


class TemplateCommands:
    """Does what is asked about the templates in force."""

    def __init__(self, gateway: Node) -> None:
        self.gateway = gateway

    def site(self) -> Resource:
        """Everything below /templates."""
        root = Resource()
        for name, handler in ((b"edit", self.edit), (b"test", self.test)):
            command: Any = Command(handler)
            root.putChild(name, command)
        return root

    async def edit(self, asked: Document) -> Document:
        """Make edits; those that make no sense are told by their index, and the others are made."""
        return await edited(
            self.gateway, asked, self._wish, self.gateway.relay.templating.edit, "edit_templates"
        )

    async def test(self, asked: Document) -> Document:
        """The templates that a text is one of, and whether it would pass by them."""
        tenant, category, text = (asked.get(name, "") for name in ("tenant", "category", "text"))
        if not all(isinstance(one, str) for one in (tenant, category, text)):
            raise Unfit("tenant, category and text are text")
        registries = self.gateway.relay.templating.registries
        if registries is None:
            raise Unfit("the node has no filter of templates")
        if registries.of(tenant) is None:
            raise Unfit(f"'{tenant}' has no templates: there are those of {_names(registries.by_tenant)}")
        return {
            "templates": tried(registries, tenant, category, text),
            "generation": self.gateway.generation.number,
        }

    def _wish(self, document: Any) -> TemplateWish:
        if not isinstance(document, dict):
            raise Unfit("an edit is an object")
        fields = dict(document)
        named = [fields.pop(name, "") for name in ("action", "tenant", "name")]
        if not all(isinstance(one, str) and one.strip() for one in named):
            raise Unfit("an edit has action, tenant and name")
        action, tenant, name = (one.strip() for one in named)
        known = {account.tenant for account in self.gateway.generation.accounts.values()}
        if tenant not in known:
            raise Unfit(f"no account is of the tenant '{tenant}': there are {_names(known)}")
        return TemplateWish(action, tenant, name, fields)


def _names(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"
