"""Edits of templates made at run time: what each says, and what all of them come to. Pure.

An edit stands beside the files and never changes one, so it holds whatever a reload brings. It is about one
template, by tenant and name:

* ``put`` gives the template, in place of what a file or an earlier edit says of the name; paused, if it does
  not say that it is approved.
* ``approve`` lets texts pass by it, as long as it is the text that was approved: when a file brings another
  text under the name, the state that stands in the file is in force again.
* ``pause`` lets nothing pass by it, whatever its text.
* ``restore`` undoes all of these: what the file says is in force again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from gateway.filters.matching import parse_pattern
from gateway.filters.registry import Registered, Template, unfit
from gateway.settings.problems import dotted

FILE = "edit"
"""Stands for the file of the templates that edits gave; their line is the number of the edit."""

ACTIONS = ("put", "approve", "pause", "restore")

Fields = Mapping[str, Any]
Key = tuple[str, str]


class TemplateEdit(NamedTuple):
    """One edit by its number: when (unix milliseconds), by whom and why.

    `fields` are those of a template for one that puts; one that approves has the `text` that was approved.
    """

    id: int
    at: int
    by: str
    why: str
    action: str
    tenant: str
    name: str
    fields: Fields

    @property
    def key(self) -> Key:
        return self.tenant, self.name

    @property
    def told(self) -> str:
        """Who did it and when, for the record of a decision."""
        at = datetime.fromtimestamp(self.at / 1000, UTC).isoformat(timespec="seconds")
        return f"edit {self.id} by {self.by} at {at}"

    def check(self) -> None:
        """Raises ValueError for what makes no sense by itself."""
        if self.action not in ACTIONS:
            raise ValueError(f"'{self.action}' must be one of {', '.join(ACTIONS)}")
        if self.action == "put":
            self.registered()
        elif surplus := self.fields.keys() - ({"text"} if self.action == "approve" else set()):
            raise ValueError(f"'{self.action}' has no '{min(surplus)}'")

    def registered(self) -> Registered:
        """The template that it puts. Raises ValueError."""
        try:
            template = Template.model_validate({"state": "paused", **self.fields, "name": self.name})
        except ValidationError as error:
            said = (f"{dotted(each['loc'])}: {each['msg']}" for each in error.errors())
            raise ValueError("; ".join(said)) from None
        made = Registered(template, parse_pattern(template.text), f"{FILE}:{self.id}", f"put by {self.told}")
        if faults := list(unfit(made)):
            raise ValueError("; ".join(faults))
        return made


class Ruling(NamedTuple):
    """A state given to a template: with a text, as long as that is its text."""

    state: str
    text: str | None
    told: str

    def applied(self, entry: Registered) -> Registered:
        """The template as it is in force."""
        if self.text is not None and self.text != entry.template.text:
            return entry
        template = entry.template.model_copy(update={"state": self.state})
        return entry._replace(template=template, edit=self.told)


class TemplateEdits:
    """What all edits up to one, the `last` by its number, come to. Never changes."""

    __slots__ = ("_put", "_ruled", "last")

    def __init__(self) -> None:
        self.last = 0
        self._put: dict[str, dict[str, Registered]] = {}
        self._ruled: dict[Key, Ruling] = {}

    def after(self, edits: Iterable[TemplateEdit]) -> TemplateEdits:
        """With some more, in their order. Raises ValueError for one that makes no sense."""
        new = TemplateEdits()
        new._put = {tenant: entries.copy() for tenant, entries in self._put.items()}
        new._ruled = self._ruled.copy()
        new.last = self.last
        for edit in edits:
            new._apply(edit)
            new.last = edit.id
        return new

    def _apply(self, edit: TemplateEdit) -> None:
        if edit.action == "put":
            self._put.setdefault(edit.tenant, {})[edit.name] = edit.registered()
            self._ruled.pop(edit.key, None)
        elif edit.action == "approve":
            self._ruled[edit.key] = Ruling("approved", edit.fields["text"], f"approved by {edit.told}")
        elif edit.action == "pause":
            self._ruled[edit.key] = Ruling("paused", None, f"paused by {edit.told}")
        else:
            self._put.get(edit.tenant, {}).pop(edit.name, None)
            self._ruled.pop(edit.key, None)

    def __contains__(self, key: Key) -> bool:
        """Whether anything was done to a template."""
        return key in self._ruled or key[1] in self._put.get(key[0], {})

    @property
    def tenants(self) -> frozenset[str]:
        """Those to whose templates anything was done."""
        return frozenset((*self._put, *(tenant for tenant, _ in self._ruled)))

    def over(self, tenant: str, entries: Iterable[Registered]) -> list[Registered]:
        """A tenant's templates in force, in place of those of its file."""
        put = self._put.get(tenant, {})
        named = {entry.template.name: entry for entry in entries} | put
        return [
            self._ruled[tenant, name].applied(entry) if (tenant, name) in self._ruled else entry
            for name, entry in named.items()
        ]
