"""A carrier's statement beside our records: what one counts and the other does not, and where they differ."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.cdr import Record, Writer
from gateway.relay.parts import read_parts
from gateway.settings.carriers import Carrier
from gateway.settings.statement import Statement
from gateway.smpp.receipts import canonical_id
from gateway.store.rows import MessageRow, State
from gateway.store.spans import Stretch, spans

EDGE_MS = 3_600_000
"""How far the times of both may be apart for one message."""

BEFORE_MS = 3 * 86_400_000
"""How long before its submit a message may have been accepted."""


class Line(NamedTuple):
    """A line of the statement."""

    line: int
    at: int | None
    state: str | None
    said: str  # its own word for the state
    segments: int
    price: Decimal | None


class BadStatement(Exception):
    """The file cannot be read as the carrier's `statement` says."""


@dataclass(slots=True)
class Reconciled:
    """What came of it; `found` holds the first differences of each kind."""

    theirs: int = 0
    ours: int = 0
    agreed: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    found: list[dict[str, Any]] = field(default_factory=list)
    segments: dict[str, int] = field(default_factory=lambda: {"theirs": 0, "ours": 0})
    price: dict[str, Decimal] = field(default_factory=lambda: {"theirs": Decimal(0), "ours": Decimal(0)})
    states: dict[str, Counter[str]] = field(default_factory=lambda: {"theirs": Counter(), "ours": Counter()})

    @property
    def differs(self) -> bool:
        return bool(self.kinds)

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "theirs": self.theirs,
            "ours": self.ours,
            "agreed": self.agreed,
            "differences": dict(self.kinds),
            "segments": self.segments,
            "price": {name: str(value) for name, value in self.price.items()},
            "states": {name: dict(counts) for name, counts in self.states.items()},
            "found": self.found,
        }


def read_statement(path: Path, statement: Statement) -> Iterator[tuple[str, Line]]:
    """The lines of a file by the id as receipts would have it. Raises BadStatement and OSError."""
    with path.open(encoding=statement.encoding, newline="") as file:
        reader = csv.DictReader(file, delimiter=statement.delimiter)
        try:
            heading = reader.fieldnames or ()
            for name in ("id", "number", "time", "state", "segments", "price"):
                column = getattr(statement, name)
                if column is not None and column not in heading:
                    raise BadStatement(
                        f"{path}:1: no column '{column}', which is statement.{name} in carriers.yaml; "
                        f"there are {', '.join(map(repr, heading)) or 'none'}"
                    )
            for row in reader:
                yield _line(path, reader.line_num, row, statement)
        except (UnicodeDecodeError, csv.Error) as error:
            raise BadStatement(f"{path}:{reader.line_num + 1}: {error}") from None


def _line(path: Path, number: int, row: dict[str, str], statement: Statement) -> tuple[str, Line]:
    def told(name: str) -> str | None:
        column = getattr(statement, name)
        return None if column is None else (row[column] or "").strip()

    name = "id"
    try:
        identity = canonical_id(told(name) or "", statement.ids)
        name = "time"
        at = _moment(told(name), statement)
        name = "segments"
        segments = int(told(name) or 1)
        name = "price"
        price = Decimal(said) if (said := told(name)) else None
    except (ValueError, InvalidOperation):
        column = getattr(statement, name)
        raise BadStatement(f"{path}:{number}: '{told(name)}' in column '{column}' is no {name}") from None
    if not identity:
        raise BadStatement(f"{path}:{number}: no id in column '{statement.id}'")
    state = told("state")
    meaning = None if state is None else statement.meaning(state)
    return identity, Line(number, at, meaning, state or "", segments, price)


def _moment(text: str | None, statement: Statement) -> int | None:
    if not text:
        return None
    layout = statement.time_format
    when = datetime.fromisoformat(text) if layout is None else datetime.strptime(text, layout)
    if when.tzinfo is None:
        when = when.replace(tzinfo=ZoneInfo(statement.time_zone))
    return int(when.astimezone(UTC).timestamp() * 1000)


class Ours(NamedTuple):
    """A segment that we gave to the carrier."""

    identity: str
    state: str
    row: MessageRow


def reconcile(
    connection: Connection,
    name: str,
    carrier: Carrier,
    file: Path,
    since: int,
    until: int,
    writer: Writer,
    most: int,
) -> Reconciled:
    """What the carrier took in a time (unix ms), by its file and by our records. Raises BadStatement and
    OSError.
    """
    result = Reconciled()
    theirs: dict[str, Line] = {}
    note = _Notes(result, most)
    for identity, line in read_statement(file, carrier.statement):
        if identity in theirs:
            note("counted twice by them", identity, line=line.line)
        theirs[identity] = line
    stretch = Stretch(since - EDGE_MS - BEFORE_MS, until + EDGE_MS, carrier=name)
    for span in spans(connection, stretch):
        for row in span.rows:
            for ours in _sent(row):
                _compare(ours, theirs.pop(ours.identity, None), since, until, writer, result, note)
    for identity, line in theirs.items():
        if line.at is None or since <= line.at < until:
            _count_theirs(line, result)
            note("only theirs", identity, line=line.line, theirs=line.said)
    return result


def _sent(row: MessageRow) -> Iterator[Ours]:
    if row.carrier_message_id is None or row.sent_at is None:
        return
    parts = read_parts(row.carrier_message_id)
    if parts is None:
        yield Ours(row.carrier_message_id, State(row.state).name.lower(), row)
        return
    for part in parts.taken:
        yield Ours(part.id, State(part.state or row.state).name.lower(), row)


class _Notes:
    """Counts differences, and keeps the first of them."""

    def __init__(self, result: Reconciled, most: int) -> None:
        self._result = result
        self._most = most

    def __call__(self, kind: str, identity: str, **told: Any) -> None:
        self._result.kinds[kind] += 1
        if self._result.kinds[kind] <= self._most:
            self._result.found.append({"kind": kind, "id": identity, **told})


def _count_theirs(line: Line, result: Reconciled) -> None:
    result.theirs += 1
    result.segments["theirs"] += line.segments
    result.states["theirs"][line.state or line.said] += 1
    result.price["theirs"] += line.price or 0


def _compare(
    ours: Ours,
    line: Line | None,
    since: int,
    until: int,
    writer: Writer,
    result: Reconciled,
    note: _Notes,
) -> None:
    at = ours.row.sent_at or 0
    if line is None and not since <= at < until:
        return
    record = writer.record(ours.row)
    price = _decimal(record)
    result.ours += 1
    result.segments["ours"] += 1
    result.states["ours"][ours.state] += 1
    result.price["ours"] += price or 0
    told = {"record": record.record, "message": record.message_id, "number": record.number}
    if line is None:
        note("only ours", ours.identity, **told, ours=ours.state)
        return
    _count_theirs(line, result)
    told["line"] = line.line
    same = True
    if line.said and line.state != ours.state:
        note("other state", ours.identity, **told, ours=ours.state, theirs=line.said)
        same = False
    if line.segments != 1:
        note("other segments", ours.identity, **told, ours=1, theirs=line.segments)
        same = False
    if line.price is not None and price is not None and line.price != price * line.segments:
        note("other price", ours.identity, **told, ours=str(price), theirs=str(line.price))
        same = False
    result.agreed += same


def _decimal(record: Record) -> Decimal | None:
    return Decimal(record.price) if record.price else None


def tell(result: Reconciled) -> str:
    """The result for people."""
    lines = [f"they count {result.theirs}, we count {result.ours}; {result.agreed} agree"]
    lines += [f"{count:>7}  {kind}" for kind, count in result.kinds.most_common()]
    lines.append("segments: theirs {theirs}, ours {ours}".format(**result.segments))
    lines.append("price: theirs {theirs}, ours {ours}".format(**result.price))
    for whose, counts in result.states.items():
        told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
        lines.append(f"{whose}: {told or 'none'}")
    for found in result.found:
        rest = ", ".join(f"{name} {value}" for name, value in found.items() if name not in ("kind", "id"))
        lines.append(f"  {found['kind']}: {found['id']}, {rest}")
    return "\n".join(lines)
