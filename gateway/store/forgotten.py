"""Which lines of the consent ledgers and of the record of acts say nothing any more, as that record tells.

Retention and erasure take text and salt from a line; its commitment stays, and so the chain holds. They do so
in one commit with a record that names the lines, so that a line which somebody else has emptied is seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, select, tuple_

from gateway.store.attestations import ATTEST, ERASE, PURGE
from gateway.store.audit import AuditRow, opened
from gateway.store.people import ConsentRow, opened_consent
from gateway.store.schema import audit, consent_event

FORGET_LINES = "forget lines"
"""The act of the records that name such lines."""

KEPT_ACTS = (ATTEST, ERASE, PURGE, FORGET_LINES)
"""Acts whose records a verification goes by: they hold nothing of a person, and stay."""


class Forgotten(NamedTuple):
    """The positions of the lines, by tenant, and those of the records."""

    consents: Mapping[str, set[int]]
    records: set[int]


def detail(consents: Mapping[str, Iterable[int]], records: Iterable[int]) -> str:
    """What a record says of the lines that it is about."""
    told = {tenant: list(_runs(positions)) for tenant, positions in sorted(consents.items())}
    return json.dumps({"consents": told, "records": list(_runs(records))})


def forgotten(connection: Connection) -> Forgotten:
    """All lines that are on record as emptied."""
    consents: dict[str, set[int]] = {}
    records: set[int] = set()
    query = select(audit).where(audit.c.act == FORGET_LINES).order_by(audit.c.position)
    for row in connection.execute(query):
        record = opened(connection, AuditRow._make(row))
        told = json.loads(json.loads(record.entry or "{}").get("detail", "{}"))
        for tenant, runs in told.get("consents", {}).items():
            consents.setdefault(tenant, set()).update(_positions(runs))
        records.update(_positions(told.get("records", ())))
    return Forgotten(consents, records)


def old_records(connection: Connection, after: int, before: int, limit: int) -> list[int]:
    """The positions above `after` of records that are older than a moment (unix ms) and may go, in order."""
    query = select(audit.c.position).where(
        audit.c.position > after,
        audit.c.at < before,
        audit.c.entry.is_not(None),
        audit.c.act.not_in(KEPT_ACTS),
    )
    return list(connection.scalars(query.order_by(audit.c.position).limit(limit)))


def old_consents(connection: Connection, after: tuple[str, int], before: int, limit: int) -> list[ConsentRow]:
    """Lines of all ledgers that were recorded before a unix second and still say something, in order of
    tenant and position.
    """
    place = tuple_(consent_event.c.tenant, consent_event.c.position)
    query = select(consent_event).where(
        place > after, consent_event.c.recorded_at < before, consent_event.c.event.is_not(None)
    )
    found = connection.execute(query.order_by(*place.clauses).limit(limit))
    return [opened_consent(connection, ConsentRow._make(row)) for row in found]


def _runs(positions: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for position in sorted(positions):
        if first is None or last is None or position != last + 1:
            if first is not None and last is not None:
                yield first, last
            first = position
        last = position
    if first is not None and last is not None:
        yield first, last


def _positions(runs: Iterable[tuple[int, int]]) -> Iterator[int]:
    for first, last in runs:
        yield from range(first, last + 1)
