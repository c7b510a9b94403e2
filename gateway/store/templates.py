"""The record of the edits of templates: one row for each, never changed and never deleted."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from gateway.store.schema import template_edit
from gateway.store.statements import Statement, columns, insertion, register


class TemplateEditRow(NamedTuple):
    """One edit; `fields` is JSON."""

    id: int
    made_at: int
    made_by: str
    reason: str
    action: str
    tenant: str
    name: str
    fields: str


register(Statement("template_edit", insertion(template_edit), columns(template_edit)))


def edits_after(connection: Connection, after: int, limit: int) -> list[TemplateEditRow]:
    """Edits with an id above `after`, in order of id."""
    query = select(template_edit).where(template_edit.c.id > after).order_by(template_edit.c.id).limit(limit)
    return list(map(TemplateEditRow._make, connection.execute(query)))


def last_edits(connection: Connection, limit: int, tenant: str = "", name: str = "") -> list[TemplateEditRow]:
    """The edits made last, the youngest first; of a tenant and of a template alone, where they are named."""
    query = select(template_edit).order_by(template_edit.c.id.desc()).limit(limit)
    if tenant:
        query = query.where(template_edit.c.tenant == tenant)
    if name:
        query = query.where(template_edit.c.name == name)
    return list(map(TemplateEditRow._make, connection.execute(query)))
