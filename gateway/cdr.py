"""Call detail records: one line for each message that was accepted, as bills and statistics want it."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

from sqlalchemy import Connection

from gateway.logs import masked
from gateway.parquet import Column, Table
from gateway.records import moment
from gateway.relay.parts import read_parts, shown_ids
from gateway.routing.numbering import kind_of
from gateway.settings.models import Generation
from gateway.smpp.codec import PduError, decode
from gateway.smpp.concat import part_of
from gateway.store.numbers import key_of
from gateway.store.rows import MessageRow, State
from gateway.store.sealing import vault_of
from gateway.store.spans import Stretch, spans
from gateway.stored import error_name

NUMBERS = ("masked", "keyed", "whole")
SETTLED_MS = 60_000
"""What is younger than this may still be on its way to the disk, and waits for the next export."""


class Record(NamedTuple):
    """One line. The names and their order do not change; what is new comes at the end."""

    record: int
    message_id: str
    segment_of: int | None
    segment: int | None
    segments: int | None
    account: str
    tenant: str
    category: str
    source: str
    number: str
    country: str
    carrier: str
    carrier_message_id: str
    carrier_segments: int
    route: str
    price: str
    currency: str
    state: str
    final: int
    error: int
    error_name: str
    attempts: int
    accepted_at: str
    sent_at: str
    done_at: str
    latency_ms: int | None
    generation: int


INTEGERS = frozenset(name for name, kind in Record.__annotations__.items() if kind in ("int", "int | None"))


@dataclass(frozen=True, slots=True)
class Writer:
    """Makes records of messages: `number` is how their numbers are told, one of NUMBERS."""

    tenants: dict[str, str]
    number: Callable[[str, str], str]

    def record(self, row: MessageRow) -> Record:
        """That of one message."""
        tenant = self.tenants.get(row.account, "")
        part = _part(row)
        parts = read_parts(row.carrier_message_id)
        steps = json.loads(row.trail or "[]")
        step = steps[-1] if steps and row.carrier else {}
        price, _, currency = str(step.get("price", "")).partition(" ")
        state = State(row.state)
        named = {"error": row.error, "carrier_message_id": row.carrier_message_id}
        return Record(
            record=row.id,
            message_id=_clean(row.client_id),
            segment_of=row.segment_of,
            segment=part[0],
            segments=part[1],
            account=row.account,
            tenant=tenant,
            category=row.category,
            source=_clean(row.source),
            number=self.number(tenant, row.destination),
            country=kind_of(row.destination).country if row.destination.isdigit() else "",
            carrier=row.carrier or "",
            carrier_message_id=_clean(shown_ids(row.carrier_message_id) or ""),
            carrier_segments=0 if not row.carrier_message_id else parts.of if parts is not None else 1,
            route=str(step.get("route", "")),
            price=price,
            currency=currency,
            state=state.name,
            final=int(state.final),
            error=row.error,
            error_name=error_name(named) if row.error else "",
            attempts=row.attempts,
            accepted_at=moment(row.accepted_at),
            sent_at=moment(row.sent_at),
            done_at=moment(row.done_at),
            latency_ms=None if row.done_at is None else row.done_at - row.accepted_at,
            generation=row.generation,
        )


def writer_of(generation: Generation, connection: Connection, number: str) -> Writer:
    """For the accounts of a configuration. Raises ValueError where numbers cannot be told so."""
    tenants = {name: account.tenant for name, account in generation.accounts.items()}
    if number == "keyed":
        vault = vault_of(connection)
        if vault is None:
            raise ValueError("--number keyed: this store has no keys (encryption in gateway.yaml)")
        return Writer(tenants, lambda tenant, digits: key_of(vault, tenant, digits) if digits else "")
    if number == "whole":
        return Writer(tenants, lambda tenant, digits: digits)
    return Writer(tenants, lambda tenant, digits: masked(digits))


def _clean(text: str) -> str:
    """What a peer wrote, in one line."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)


def _part(row: MessageRow) -> tuple[int | None, int | None]:
    """Which segment of how many it is, by its PDU; nothing once that is purged."""
    if not row.pdu:
        return None, None
    try:
        part = part_of(decode(row.pdu))  # type: ignore[arg-type]
    except (PduError, AttributeError):
        return None, None
    return (1, 1) if part is None else (part.number, part.total)


@dataclass(slots=True)
class Exported:
    """What was written: lines, those among them that have no end yet, and the record of the last."""

    lines: int = 0
    unfinished: int = 0
    last: int = 0
    resumed: int = 0  # lines that an earlier try had written


def records(connection: Connection, stretch: Stretch, writer: Writer, done: Exported) -> Iterator[Record]:
    """All of a stretch, the oldest first, each once."""
    for span in spans(connection, stretch):
        for row in span.rows:
            done.lines += 1
            done.unfinished += not State(row.state).final
            done.last = row.id
            yield writer.record(row)


def part_file(to: Path, *asked: object) -> Path:
    """Where an export grows until it is whole: another place for each thing that is asked."""
    digest = hashlib.blake2b(repr(asked).encode(), digest_size=4).hexdigest()
    return to.with_name(f"{to.name}.{digest}.part")


def export_csv(
    connection: Connection, stretch: Stretch, writer: Writer, to: Path, part: Path, done: Exported
) -> None:
    """Write a stretch into `to`, which is there only when it is whole; what an earlier try has left in `part`
    is gone on with. Raises OSError.
    """
    with _growing(part) as file:
        last = _resume(file, done)
        out = csv.writer(file, lineterminator="\n")
        if last is None:
            out.writerow(Record._fields)
        else:
            stretch = stretch._replace(after=max(stretch.after, last))
            done.last = last
        for record in records(connection, stretch, writer, done):
            out.writerow(record)
        file.flush()
        os.fsync(file.fileno())
    part.replace(to)


@contextmanager
def _growing(path: Path) -> Iterator[TextIO]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8", newline="") as file:
        yield file


def _resume(file: TextIO, done: Exported) -> int | None:
    """Cut off a line that is not whole; the record of the last that is, 0 if only the heading is there, None
    if not even that.
    """
    whole, last, lines = 0, None, 0
    raw = os.fdopen(os.dup(file.fileno()), "rb")
    with raw:
        for line in raw:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            lines += 1
            first = line.partition(b",")[0]
            last = int(first) if first.isdigit() else 0
    file.seek(whole)
    file.truncate()
    done.resumed = max(0, lines - 1)
    return last


def export_parquet(
    connection: Connection, stretch: Stretch, writer: Writer, to: Path, part: Path, done: Exported
) -> None:
    """As `export_csv`, but a file that was cut off is begun anew. Raises OSError."""
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        table = Table(file, [Column(name, name in INTEGERS) for name in Record._fields])
        for record in records(connection, stretch, writer, done):
            table.add(record)
        table.close()
        file.flush()
        os.fsync(file.fileno())
    part.replace(to)


def last_settled(now_ms: int, until: int | None) -> int:
    """Before which moment everything is on disk."""
    settled = now_ms - SETTLED_MS
    return settled if until is None else min(until, settled)
