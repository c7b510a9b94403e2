"""Entries that were taken off their lists: how a list stood in the past.

A row is made of the entry itself, in the transaction that removes or changes it, so it is sealed as that was.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Insert, bindparam, case, delete, or_, select, update
from sqlalchemy.dialects import postgresql

from gateway.store.rows import Row
from gateway.store.schema import lifted_suppression, suppression
from gateway.store.sealing import FINDS, SEALS, is_key, vault_of
from gateway.store.statements import Statement, columns, register
from gateway.store.vault import Vault


class LiftedRow(NamedTuple):
    """An entry as it stood on its list from `added_at` until `lifted_at` (unix milliseconds)."""

    number: str
    type: str
    tenant: str
    program: str
    category: str
    name: str
    lifted_at: int
    since: int | None
    until: int | None
    added_at: int
    added_by: str
    evidence: str
    lifted_by: str


KEY = ("type", "tenant", "program", "category", "name", "number")
SPAN = ("since", "until")
PLACE = tuple(column.name for column in lifted_suppression.primary_key)
_GIVEN = ("lifted_at", "lifted_by")


def _leaving(*where: ColumnElement[bool]) -> Insert:
    """The entry of a key, as it goes to the past."""
    fields = columns(lifted_suppression)
    found = select(
        *(
            bindparam(name, type_=lifted_suppression.c[name].type) if name in _GIVEN else suppression.c[name]
            for name in fields
        )
    ).where(*(suppression.c[name] == bindparam(f"of_{name}") for name in KEY), *where)
    made = postgresql.insert(lifted_suppression).from_select(list(fields), found)  # the same in both
    return made.on_conflict_do_nothing(index_elements=list(PLACE))


def _differs(name: str) -> ColumnElement[bool]:
    column = suppression.c[name]
    return column.is_distinct_from(bindparam(f"new_{name}", type_=column.type))


def entering() -> Insert:
    """Put an entry on its list; one that stands there for the same span stands there since it first did."""
    fields = columns(suppression)
    made = postgresql.insert(suppression).values({name: bindparam(name) for name in fields})
    new = made.excluded
    other = or_(*(suppression.c[name].is_distinct_from(new[name]) for name in SPAN))
    replaced: dict[str, Any] = {name: new[name] for name in (*SPAN, "added_by", "evidence")}
    replaced["added_at"] = case((other, new.added_at), else_=suppression.c.added_at)
    return made.on_conflict_do_update(index_elements=list(KEY), set_=replaced)


_of_key = tuple(f"of_{name}" for name in KEY)

for _statement in (
    Statement("lift", _leaving(), ("lifted_at", "lifted_by", *_of_key)),
    Statement(
        "replace",
        _leaving(_differs("since") | _differs("until")),
        ("lifted_at", "lifted_by", *_of_key, "new_since", "new_until"),
    ),
    Statement(
        "amend_lifted",
        update(lifted_suppression)
        .values({name: bindparam(name) for name in ("number", "evidence")})
        .where(*(lifted_suppression.c[name] == bindparam(f"of_{name}") for name in PLACE)),
        ("number", "evidence", *(f"of_{name}" for name in PLACE)),
        slot="lifted words",
        key=slice(2, 9),
    ),
    Statement(
        "forget_lifted",
        delete(lifted_suppression).where(
            *(lifted_suppression.c[name] == bindparam(f"of_{name}") for name in PLACE)
        ),
        tuple(f"of_{name}" for name in PLACE),
        slot="lifted words",
        key=slice(0, 7),
    ),
):
    register(_statement)


def lifted_of(connection: Connection, *numbers: str) -> list[LiftedRow]:
    """What was taken off lists of exactly these numbers or prefixes, in order of time."""
    vault = vault_of(connection)
    tenants = connection.scalars(select(lifted_suppression.c.tenant).distinct()) if vault is not None else ()
    keys = [vault.found_by(tenant, number) for tenant in tenants for number in numbers] if vault else []
    query = select(lifted_suppression).where(lifted_suppression.c.number.in_([*numbers, *keys]))
    found = connection.execute(query.order_by(lifted_suppression.c.lifted_at))
    return [opened_lifted(connection, LiftedRow._make(row)) for row in found]


def lifted_before(connection: Connection, moment: int, limit: int) -> list[Row]:
    """The places of what was lifted before a moment (unix ms), the oldest first, as they are stored."""
    query = select(*(lifted_suppression.c[name] for name in PLACE))
    query = query.where(lifted_suppression.c.lifted_at < moment).order_by(lifted_suppression.c.lifted_at)
    return [tuple(row) for row in connection.execute(query.limit(limit))]


# sealing: an entry of the past keeps the blob that it had


def entry_place(key: Sequence[Any]) -> bytes:
    """What the blob of an entry is bound to: its key as it is stored."""
    return "\0".join(("suppression ", *key)).encode()


def with_key(vault: Vault, key: Any) -> tuple[Any, ...]:
    """The key of an entry as it is stored when it is sealed."""
    return (*key[:5], vault.found_by(key[1], key[5]))


def opened_lifted(connection: Connection, row: LiftedRow) -> LiftedRow:
    """A stored row as it was. Raises Damaged."""
    vault = vault_of(connection)
    if vault is None or not is_key(row.number):
        return row
    number, evidence = vault.open_text(row.evidence, entry_place((*row[1:6], row.number))).split("\0", 1)
    return row._replace(number=number, evidence=evidence)


def _lift(vault: Vault, row: Any) -> list[tuple[str, Row]]:
    return [("lift", row), ("lift", (*row[:2], *with_key(vault, row[2:])))]


def _replace(vault: Vault, row: Any) -> list[tuple[str, Row]]:
    return [("replace", row), ("replace", (*row[:2], *with_key(vault, row[2:8]), *row[8:]))]


def _amend(vault: Vault, row: Any) -> list[tuple[str, Row]]:
    """`row` ends with the place as it is stored."""
    number, evidence, *stored = row
    key = with_key(vault, (*stored[1:6], number))
    blob = vault.seal_text(f"{number}\0{evidence}", entry_place(key))
    return [("amend_lifted", (key[5], blob, *stored))]


def _forget(vault: Vault, place: Any) -> list[tuple[str, Row]]:
    return [("forget_lifted", place), ("forget_lifted", (vault.found_by(place[2], place[0]), *place[1:]))]


SEALS.update(lift=_lift, replace=_replace, amend_lifted=_amend, forget_lifted=_forget)
FINDS.update(lift=_lift, replace=_replace, forget_lifted=_forget)
