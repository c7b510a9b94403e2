"""Reads what the portals of India's registers (DLT) give out: a CSV of registered templates. Pure.

Portals name their columns differently; they are found by what they say. The variables of a register's text
(`{#var#}`, and the tagged ones such as `{#numeric#}`, `{#url#}`) become typed ones: a url is one, everything
else is any text of at most 30 characters, since the registers' own types differ by operator.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from gateway.filters.registry import MOST_IN_VARIABLE
from gateway.settings.content import Entity, of_digits
from gateway.settings.scalars import nearest

COLUMNS = {
    "id": ("templateid", "dlttemplateid", "dltid", "ctid"),
    "name": ("templatename", "name"),
    "text": ("templatecontent", "templatemessage", "templatetext", "content", "message", "template"),
    "headers": ("header", "headers", "headername", "headernames", "senderid", "sender", "cli"),
    "entity": ("entityid", "peid", "principalentityid", "principalentity"),
    "type": ("templatetype", "type", "category", "communicationtype", "messagetype"),
    "status": ("status", "templatestatus", "approvalstatus"),
}
"""What each column may be called, in small letters and without anything but letters."""

CATEGORIES = {
    "promotional": ("promotional",),
    "transactional": ("otp", "transactional"),
    "serviceimplicit": ("otp", "transactional", "service"),
    "serviceexplicit": ("service_explicit",),
    "government": ("government",),
}
"""The categories of a register's type; a service-implicit template may carry codes too."""

APPROVED = frozenset(("approved", "registered", "active", "whitelisted"))

_VARIABLE = re.compile(r"\{#\s*([A-Za-z_]+)\s*\d*\s*#\}")


class Row(NamedTuple):
    """A registered template: the fields of one of ours, whether the register has it approved, its line."""

    line: int
    name: str
    fields: dict[str, object]
    approved: bool


class RegisterRead(NamedTuple):
    """The templates of a register's file, what is wrong with its other lines, the entities and headers that
    it names.
    """

    rows: tuple[Row, ...]
    problems: tuple[str, ...]
    entities: tuple[str, ...]
    headers: tuple[str, ...]


def read_register(text: str, entity: Entity | None) -> RegisterRead:
    """The templates of a CSV; with `entity` those of others, or of headers that are not its own, are wrong.

    Raises ValueError for a file without the columns that it takes.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    names = _columns(list(reader.fieldnames or ()))
    rows: list[Row] = []
    problems: list[str] = []
    entities: dict[str, None] = {}
    headers: dict[str, None] = {}
    taken: dict[str, int] = {}
    for given in reader:
        values = {key: (given.get(name) or "").strip() for key, name in names.items()}
        entities |= dict.fromkeys(filter(None, [values.get("entity", "")]))
        headers |= dict.fromkeys(_headers(values))
        line = reader.line_num
        if faults := list(_faults(values, entity, taken)):
            problems.append(f"line {line}: {'; '.join(faults)}")
        else:
            row = _row(line, values)
            taken[values["id"]] = taken[row.name] = line
            rows.append(row)
    return RegisterRead(tuple(rows), tuple(problems), tuple(entities), tuple(headers))


def converted(text: str) -> str:
    """A register's text as a pattern of ours."""
    pieces = []
    at = 0
    for number, match in enumerate(_VARIABLE.finditer(text), 1):
        kind = "url" if match[1].lower().startswith("url") else f"text({MOST_IN_VARIABLE})"
        pieces += [_literal(text[at : match.start()]), f"{{v{number}:{kind}}}"]
        at = match.end()
    return "".join((*pieces, _literal(text[at:]))).strip()


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _columns(given: list[str]) -> dict[str, str]:
    """Our names of the columns that are there."""
    plain = {re.sub("[^a-z]", "", name.lower()): name for name in given}
    found = {
        key: plain[alias] for key, aliases in COLUMNS.items() for alias in reversed(aliases) if alias in plain
    }
    for key in ("id", "text"):
        if key not in found:
            raise ValueError(f"no column for the {key}: one of {', '.join(COLUMNS[key])} is wanted")
    return found


def _headers(values: dict[str, str]) -> list[str]:
    return [one.strip() for one in re.split(r"[,;|]", values.get("headers", "")) if one.strip()]


def _faults(values: dict[str, str], entity: Entity | None, taken: dict[str, int]) -> Iterator[str]:
    try:
        of_digits(values["id"])
    except ValueError as error:
        yield str(error)
    if values["id"] in taken:
        yield f"{values['id']} stands on line {taken[values['id']]} already"
    elif _name(values) in taken:
        yield f"the name '{_name(values)}' stands on line {taken[_name(values)]} already"
    if values.get("type") and _kind(values) not in CATEGORIES:
        yield f"unknown type '{values['type']}'{nearest(_kind(values), CATEGORIES)}"
    if entity is None:
        return
    if values.get("entity") and values["entity"] != entity.entity:
        yield f"entity {values['entity']} is not the tenant's, which is {entity.entity}"
    known = {header.upper() for header in entity.headers}
    for header in _headers(values):
        if known and header.upper() not in known:
            yield f"header {header} is not under the tenant's headers in filters.yaml (dlt)"


def _kind(values: dict[str, str]) -> str:
    return re.sub("[^a-z]", "", values["type"].lower())


def _name(values: dict[str, str]) -> str:
    return values.get("name") or values["id"]


def _row(line: int, values: dict[str, str]) -> Row:
    fields: dict[str, object] = {"text": converted(values["text"]), "id": values["id"]}
    if values.get("type"):
        fields["categories"] = list(CATEGORIES[_kind(values)])
    if headers := _headers(values):
        fields["headers"] = headers
    return Row(line, _name(values), fields, values.get("status", "").lower() in APPROVED)
