"""The records of messages, searched in the store beside the node."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from gateway.filters.listfiles import instant
from gateway.filters.verdict import REASONS
from gateway.settings.scalars import nearest, parse_duration
from gateway.store import numbers, queries
from gateway.store.rows import MessageRow, State
from gateway.store.spans import Stretch, spans
from gateway.stored import document, error_name, message_document

PAGE = 500
REPORT = 100_000
"""Messages looked at between two words about how far the search is."""

CSV_COLUMNS = (
    "record", "id", "account", "from", "to", "category", "state", "accepted", "sent", "ended", "carrier",
    "carrier_message_id", "attempts", "error", "error_name", "verdict", "rule", "place", "generation",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for. `rule`: what stands in the name or the place of a rule that said anything;
    `reason`: a word of the gateway's own; `number`: digits with the calling code.
    """

    stretch: Stretch
    rule: str = ""
    reason: str = ""
    number: str = ""

    def takes(self, row: MessageRow) -> bool:
        """Whether a message that meets the rest meets this too."""
        if self.reason and row.carrier_message_id is not None:
            return False  # the error is its carrier's
        if not self.rule:
            return True
        wanted = self.rule.casefold()
        return any(wanted in f"{word['rule']}\n{word['place']}".casefold() for word in words_of(row))


@dataclass(slots=True)
class Progress:
    """How far a search has come: messages looked at, the id and the time of the last."""

    looked: int = 0
    last_id: int = 0
    last_at: int | None = None
    whole: bool = False  # nothing is left to look at
    told: int = field(default=0, repr=False)

    def __str__(self) -> str:
        back = f", back to {moment(self.last_at)}" if self.last_at is not None else ""
        return f"looked at {self.looked:,} messages{back}"


def search(
    connection: Connection, asked: Search, progress: Progress, tell: Callable[[Progress], None]
) -> Iterator[MessageRow]:
    """What is found, youngest first, as it is found; `tell` hears from time to time how far that is."""
    pages = _by_number(connection, asked) if asked.number else _by_time(connection, asked)
    for rows, looked, last_id, last_at in pages:
        progress.looked += looked
        for row in rows:
            progress.last_id, progress.last_at = row.id, row.accepted_at
            if asked.takes(row):
                yield row
        progress.last_id, progress.last_at = last_id, last_at
        if progress.looked - progress.told >= REPORT:
            progress.told = progress.looked
            tell(progress)
    progress.whole = True


Page = tuple[list[MessageRow], int, int, int]


def _by_time(connection: Connection, asked: Search) -> Iterator[Page]:
    yield from spans(connection, asked.stretch, youngest_first=True)


def _by_number(connection: Connection, asked: Search) -> Iterator[Page]:
    ids = numbers.messages_to(connection, asked.number)[::-1]
    for start in range(0, len(ids), PAGE):
        page = queries.messages(connection, ids[start : start + PAGE])[::-1]
        rows = [row for row in page if row.destination == asked.number and asked.stretch.takes(row)]
        if page:
            yield rows, len(page), page[-1].id, page[-1].accepted_at


def stated(names: list[str]) -> frozenset[int]:
    """States by their names; `open` and `final` are all of a kind. Raises ValueError."""
    found: set[int] = set()
    for name in names:
        if name.casefold() in ("open", "final"):
            found |= {state for state in State if state.final is (name.casefold() == "final")}
        elif name.upper() in State.__members__:
            found.add(State[name.upper()])
        else:
            known = (*(state.name.lower() for state in State), "open", "final")
            raise ValueError(f"--state {name}: {_unknown(name.lower(), known)}")
    return frozenset(found)


def error_of(reason: str) -> int | None:
    """The error by which a reason ends a message; None for no reason. Raises ValueError."""
    if not reason:
        return None
    if reason not in REASONS:
        raise ValueError(f"--reason {reason}: {_unknown(reason, REASONS)}")
    return REASONS[reason].err


def _unknown(name: str, known: Any) -> str:
    close = nearest(name, known)
    return "no such word" + (close if close else f"; known are {', '.join(known)}")


def moment_of(option: str, text: str, now: float | None = None) -> int | None:
    """Unix ms of a date, or of a length of time back from now; None for none. Raises ValueError."""
    if not text:
        return None
    try:
        if text[-1].isalpha() and text[-1] not in "Zz":
            return int(((time.time() if now is None else now) - parse_duration(text)) * 1000)
        found = instant(text)
    except ValueError:
        found = None
    if found is None:
        raise ValueError(
            f"{option} {text}: neither a date such as 2026-03-01T12:00Z nor a time back such as 1h"
        )
    return int(found * 1000)


# what is told


def words_of(row: MessageRow) -> list[dict[str, Any]]:
    """What filters said of a message; nothing of one that passed without a word."""
    return [{"rule": "", "place": "", **word} for word in json.loads(row.decision or "{}").get("words", ())]


def deciding(row: MessageRow) -> dict[str, Any]:
    """The word that decided: the last that was enforced."""
    words = [word for word in words_of(row) if word.get("mode", "enforce") == "enforce"]
    return words[-1] if words else {"rule": "", "place": ""}


def record(row: MessageRow, whole: bool) -> dict[str, Any]:
    """A message as data, with the number of its record."""
    return {"record": row.id, **message_document(row, whole)}


def flat(row: MessageRow, whole: bool) -> dict[str, Any]:
    """A message as one line of CSV_COLUMNS."""
    found = document(row)
    word = deciding(row)
    return {
        **{name: found.get(name) for name in CSV_COLUMNS},
        "record": row.id,
        "to": row.destination if whole else found["to"],
        "error_name": error_name(found) if row.error else "",
        "verdict": found["decision"].get("verdict", ""),
        "rule": word["rule"],
        "place": word["place"],
        "generation": row.generation,
    }


def line(row: MessageRow, whole: bool) -> str:
    """A message as a line for people."""
    told = flat(row, whole)
    why = " ".join(
        str(part)
        for part in (
            f"{told['error']} {told['error_name']}".strip() if row.error else "",
            f"by rule {told['rule']!r}" if told["rule"] and row.error else "",
        )
        if part
    )
    carrier = f" {row.carrier}" if row.carrier else ""
    return (
        f"{moment(row.accepted_at)}  {row.client_id or f'#{row.id}':<12} {row.account:<10} "
        f"{row.source} -> {told['to']}  {row.category}  {told['state']}{carrier}"
        + (f"  {why}" if why else "")
    )


def moment(ms: int | None) -> str:
    """Unix ms for people and files; "" for none."""
    if ms is None:
        return ""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
