"""The templates of a running node: edits of them, kept in step with the store.

As with the sensitive words (`wording.py`), whose lock they share: a thread makes the registries anew, the
store takes the record, and only then are they in force.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection
from twisted.logger import Logger

from gateway.filters.templateedits import TemplateEdit
from gateway.filters.templates import Edited, Registries, Templates
from gateway.filters.verdict import Filter
from gateway.relay.batch import Batch
from gateway.relay.wording import PAGE, Wording, learn_words
from gateway.store.rows import StoreUnavailable
from gateway.store.templates import TemplateEditRow, edits_after

log = Logger(__name__)


class TemplateWish(NamedTuple):
    """What somebody wants done to a template."""

    action: str
    tenant: str
    name: str
    fields: Mapping[str, Any]


class TemplatesDone(NamedTuple):
    """The edits that were made, and the wishes that make no sense: their places, and why."""

    edits: tuple[TemplateEdit, ...]
    refused: tuple[tuple[int, str], ...]


class Templating:
    """The registries of the filter in force, and the edits of them."""

    def __init__(self, wording: Wording) -> None:
        self.wording = wording
        self.registries: Registries | None = None
        self.last = 0
        self.recent: list[TemplateEdit] = []
        """Edits made while a reload makes the registries anew."""
        self.counts: Counter[str] = Counter()

    def adopt(self, filters: Mapping[str, Filter]) -> None:
        """Go by the filters of a new generation, which were made with the edits so far."""
        found = filters.get(Templates.name)
        self.registries = found.registries if isinstance(found, Templates) else None

    async def start(self) -> None:
        """Put in force what was edited before. Nobody may be listened to before."""
        registries = self.registries
        if registries is None:
            return
        edits: list[TemplateEdit] = []
        while rows := await self.wording.ledger.read(edits_after, self.last, PAGE):
            edits += await self.wording.beside(sound, rows)
            self.last = rows[-1].id
        if edits:
            registries.put_in_force(await self.wording.beside(registries.edited, edits))
            log.info("{count} edits of templates are in force", count=len(edits))

    async def catch_up(self, filters: Mapping[str, Filter]) -> None:
        """Give new filters the edits of words and of templates that were made since those that they were
        made with; see `Wording.catch_up`.
        """
        await self.wording.catch_up(filters)
        found = filters.get(Templates.name)
        if isinstance(found, Templates):
            missing = [edit for edit in self.recent if edit.id > found.registries.edits.last]
            if missing:
                found.registries.put_in_force(await self.wording.beside(found.registries.edited, missing))
        self.recent.clear()

    async def edit(self, wishes: Sequence[TemplateWish], by: str, why: str) -> TemplatesDone:
        """Make edits, in their order: on record and in force when this returns.

        Raises StoreUnavailable when the store did not take them; then none is in force.
        """
        async with self.wording.changing:
            registries = self.registries
            if registries is None:
                raise StoreUnavailable("the node has no filter of templates")
            first = TemplateEdit(self.last + 1, self.wording.clocks.now_ms(), by, why, "", "", "", {})
            edited, done = await self.wording.beside(made, registries, wishes, first)
            if done.edits:
                await self._commit(done.edits)
                registries.put_in_force(edited)
                self.last = done.edits[-1].id
                self.recent += done.edits if self.wording.renewing.locked else ()
                self.counts.update(edit.action for edit in done.edits)
        return done

    async def _commit(self, edits: Sequence[TemplateEdit]) -> None:
        batch = Batch()
        failures: list[str] = []
        batch.failed.append(lambda: failures.append("the store did not take them"))
        for edit in edits:
            batch.changes.add("template_edit", tuple(row_of(edit)))
        await self.wording.committer.commit(batch, must=False)
        if failures:
            raise StoreUnavailable(failures[0])


def made(
    registries: Registries, wishes: Sequence[TemplateWish], first: TemplateEdit
) -> tuple[Edited, TemplatesDone]:
    """The registries after what is wished, as far as it makes sense. The edits are numbered from that of
    `first` on, whose time, author and reason are theirs.
    """
    edits: list[TemplateEdit] = []
    refused: list[tuple[int, str]] = []
    texts: dict[tuple[str, str], str] = {}
    for index, wish in enumerate(wishes):
        edit = first._replace(id=first.id + len(edits), **wish._asdict())
        try:
            edits.append(_sensible(registries, edit, texts))
        except ValueError as error:
            refused.append((index, str(error)))
    return registries.edited(edits), TemplatesDone(tuple(edits), tuple(refused))


def _sensible(registries: Registries, edit: TemplateEdit, texts: dict[tuple[str, str], str]) -> TemplateEdit:
    """An edit as it is made; `texts` are those of templates that were put just before. Raises ValueError for
    one that could do nothing.
    """
    edit.check()
    registry = registries.of(edit.tenant)
    present = registry.by_name.get(edit.name) if registry is not None else None
    if edit.action == "put":
        texts[edit.key] = edit.fields["text"]
    elif edit.action == "restore":
        if edit.key not in registries.edits and edit.key not in texts:
            raise ValueError(f"nothing was done to '{edit.name}' of {edit.tenant} that could be undone")
    elif present is None and edit.key not in texts:
        raise ValueError(f"{edit.tenant} has no template '{edit.name}'")
    elif edit.action == "approve":
        text = texts.get(edit.key) or (present.template.text if present is not None else "")
        if edit.fields.get("text", text) != text:
            raise ValueError(f"'{edit.name}' has another text by now: look at it again")
        return edit._replace(fields={"text": text})
    return edit


def edit_of(row: TemplateEditRow) -> TemplateEdit:
    """An edit as it was stored."""
    return TemplateEdit(*row[:7], json.loads(row.fields))


def row_of(edit: TemplateEdit) -> TemplateEditRow:
    """An edit as it is stored."""
    return TemplateEditRow(*edit[:7], json.dumps(edit.fields, ensure_ascii=False, separators=(",", ":")))


def sound(rows: Sequence[TemplateEditRow]) -> list[TemplateEdit]:
    """The edits of some rows; one that makes no sense any more, by other rules than it was made under, is
    told and left out.
    """
    edits = []
    for edit in map(edit_of, rows):
        try:
            edit.check()
            edits.append(edit)
        except ValueError as error:
            log.warn("edit {id} of templates is left out: {error}", id=edit.id, error=str(error))
    return edits


def learn_templates(connection: Connection, registries: Registries) -> None:
    """Put in force what the store knows of edits, for who looks at it beside the node."""
    last = 0
    while rows := edits_after(connection, last, PAGE):
        registries.put_in_force(registries.edited(sound(rows)))
        last = rows[-1].id


def learn_edits(connection: Connection, filters: Mapping[str, Filter]) -> None:
    """Put in force what the store knows of edits of words and templates, for who looks at it beside the
    node.
    """
    learn_words(connection, filters)
    templates = filters.get(Templates.name)
    if isinstance(templates, Templates):
        learn_templates(connection, templates.registries)
