"""What the command line reads of templates: the files of a configuration, the edits in its store."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from gateway.asking import Unreachable, ask
from gateway.filters.dltregister import RegisterRead, read_register
from gateway.filters.registry import Registered, Template, export_csv, import_csv
from gateway.filters.templates import Registries, tried
from gateway.relay.templating import learn_templates
from gateway.settings.load import load
from gateway.settings.models import Generation, Node
from gateway.store.templates import last_edits
from gateway.stored import Unreadable, store_of
from gateway.wordbook import moment

Document = dict[str, Any]

IN_ONE = 1000
"""Templates that are put in one request."""


def registries_of(config: Path) -> tuple[Generation, Registries]:
    """The templates that a node of this configuration has in force: its files, and the edits in its store if
    there is one. Raises SettingsError, and ValueError with what is wrong in the files.
    """
    generation = load(config, os.environ)
    filters = generation.filters
    registries = Registries.read(filters.templates.directory, filters.links.tenants)
    with suppress(Unreadable), store_of(generation.node, config) as connection:
        learn_templates(connection, registries)
    return generation, registries


def entries(config: Path, tenant: str) -> Iterator[tuple[str, Registered]]:
    """The templates of a tenant or of all, with the tenant of each. Raises ValueError for one that has
    none.
    """
    _, registries = registries_of(config)
    if tenant and registries.of(tenant) is None:
        names = ", ".join(sorted(registries.by_tenant)) or "none"
        raise ValueError(f"'{tenant}' has no templates: there are those of {names}")
    for name, registry in sorted(registries.by_tenant.items()):
        if not tenant or name == tenant:
            yield from ((name, entry) for entry in registry.entries)


def told(tenant: str, entry: Registered) -> Document:
    """A template for people."""
    template = entry.template
    return {
        "tenant": tenant,
        "name": template.name,
        "state": template.state,
        "categories": "|".join(template.categories),
        "id": template.id or "",
        "headers": "|".join(template.headers),
        "text": template.text,
        "place": entry.place,
        "edit": entry.edit,
    }


def exported(config: Path, tenant: str) -> str:
    """The templates of a tenant as CSV, which may be imported."""
    return export_csv(entry.template for _, entry in entries(config, tenant))


def wishes_of_csv(text: str, tenant: str, approved: bool) -> tuple[list[Document], list[str]]:
    """What a CSV asks for, and what is wrong with its other lines. Approved are those that say so, and only
    if `approved`.
    """
    templates, problems = import_csv(text)
    return [_put(tenant, one, approved) for one in templates], problems


def _put(tenant: str, template: Template, approved: bool) -> Document:
    fields = template.model_dump(mode="json", exclude_none=True)
    state = template.state if approved else "paused"
    return {"action": "put", "tenant": tenant, **fields, "state": state}


def wishes_of_register(
    config: Path, text: str, tenant: str, approved: bool
) -> tuple[list[Document], RegisterRead]:
    """What a file of a register asks for. Raises ValueError, SettingsError."""
    entity = load(config, os.environ).filters.dlt.tenants.get(tenant)
    read = read_register(text, entity)
    if entity is None:
        raise ValueError(_unknown(tenant, read))
    wishes = [
        {
            "action": "put",
            "tenant": tenant,
            "name": row.name,
            **row.fields,
            "state": "approved" if approved and row.approved else "paused",
        }
        for row in read.rows
    ]
    return wishes, read


def _unknown(tenant: str, read: RegisterRead) -> str:
    """What to write into filters.yaml for a tenant that is not in the registers yet."""
    entity = read.entities[0] if read.entities else "its entity id"
    headers = ", ".join(f"{header}: []" for header in read.headers)
    return (
        f"filters.yaml does not say who '{tenant}' is in the registers; add\n"
        f'dlt:\n  tenants:\n    {tenant}:\n      entity: "{entity}"\n      headers: {{{headers}}}'
    )


def tested(node: Node, config: Path, tenant: str, category: str, text: str) -> Document:
    """The templates that a text is one of: by the running node, or by files and store where none runs.
    Raises ValueError, SettingsError.
    """
    try:
        code, answer = ask(
            node, "POST", "templates/test", {"tenant": tenant, "category": category, "text": text}
        )
    except Unreachable:
        _, registries = registries_of(config)
        by = f"the files in {config}; no gateway runs"
        return {"by": by, "templates": tried(registries, tenant, category, text)}
    if code != 200:
        raise ValueError(str(answer.get("problem", answer)))
    return {"by": "the running gateway", **answer}


def history(node: Node, config: Path, tenant: str, name: str, limit: int) -> list[Document]:
    """The edits made last, the youngest first. Raises Unreadable."""
    with store_of(node, config) as connection:
        rows = last_edits(connection, limit, tenant, name)
    return [
        {
            "edit": row.id,
            "at": moment(row.made_at / 1000),
            "by": row.made_by,
            "action": row.action,
            "tenant": row.tenant,
            "name": row.name,
            "fields": json.loads(row.fields),
            "why": row.reason,
        }
        for row in rows
    ]
