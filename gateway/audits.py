"""What the command line reads of the record of acts, beside the node, and how it is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.columns import print_columns
from gateway.logs import masked
from gateway.settings.models import Node
from gateway.store import audit as rows
from gateway.store.attested import Verified
from gateway.store.forgotten import forgotten
from gateway.stored import reading

COLUMNS = ("position", "at", "actor", "act", "subject", "number", "purpose", "detail")


def listed(node: Node, directory: Path, limit: int, act: str | None, whole: bool) -> list[dict[str, Any]]:
    """The youngest records; numbers are masked unless they are to be shown `whole`."""
    with reading(node, directory) as connection:
        return [told(row, whole) for row in rows.latest(connection, limit, act)]


def told(row: rows.AuditRow, whole: bool) -> dict[str, Any]:
    """One record as data."""
    entry = json.loads(row.entry or '{"detail": "erased"}')
    if "number" in entry and not whole:
        entry["number"] = masked(entry["number"])
    at = datetime.fromtimestamp(row.at / 1000, UTC).isoformat(timespec="seconds")
    return {"position": row.position, "at": at, "act": row.act, **entry}


def verified(node: Node, directory: Path, head: str) -> dict[str, Any]:
    """How many records there are, the head of their chain, and every flaw; the same of attested messages."""
    with reading(node, directory) as connection:
        last = rows.head_of(connection)
        erased = forgotten(connection).records
        flaws = [{"position": at, "message": what} for at, what in rows.flaws(connection, head, erased)]
        attested = Verified(connection)
        wrong = [each._asdict() for each in attested.flaws()]
    return {
        "records": last.position,
        "head": last.hash.hex(),
        "flaws": flaws,
        "blocks": attested.blocks,
        "attested": attested.messages,
        "wrong": wrong,
    }


def tell_records(found: list[dict[str, Any]]) -> None:
    """Records for people."""
    print_columns(COLUMNS, ([row.get(name) for name in COLUMNS] for row in found))
