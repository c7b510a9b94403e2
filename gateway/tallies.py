"""How many messages of each kind there were, counted from the records."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, tuple_

from gateway.filters.consent import EventKind
from gateway.filters.persons import Persons
from gateway.message import Message
from gateway.routing.numbering import kind_of
from gateway.settings.models import Generation
from gateway.settings.scalars import nearest
from gateway.smpp.codec import PduError, decode
from gateway.smpp.pdus import DataSm, SubmitSm
from gateway.store.people import ConsentRow, opened_consent
from gateway.store.rows import MessageRow, State
from gateway.store.schema import consent_event
from gateway.store.spans import Stretch, spans

BY = ("account", "tenant", "program", "category", "carrier", "country", "day", "hour")
COUNTS = ("accepted", "sent", "delivered", "failed", "refused", "open", "opt_outs")
PAGE = 5000

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sorting:
    """By what messages and opt-outs are told apart."""

    by: tuple[str, ...]
    tenants: dict[str, str]
    persons: Persons

    def of_message(self, row: MessageRow) -> Key:
        """Where a message is counted."""
        return tuple(self._of(name, row) for name in self.by)

    def _of(self, name: str, row: MessageRow) -> str:
        if name == "tenant":
            return self.tenants.get(row.account, "")
        if name == "program":
            return self._program(row)
        if name == "country":
            return country_of(row.destination)
        if name in ("day", "hour"):
            return _when(name, row.accepted_at)
        return str(getattr(row, name) or "")

    def _program(self, row: MessageRow) -> str:
        """By the configuration as it is now; "" once the text is purged, of which it may follow."""
        if not row.pdu:
            return ""
        try:
            pdu = decode(row.pdu)
        except PduError:
            return ""
        if not isinstance(pdu, SubmitSm | DataSm):
            return ""
        tenant = self.tenants.get(row.account, "")
        return self.persons.program(
            Message(
                id=row.id,
                account=row.account,
                tenant=tenant,
                client_id=row.client_id,
                accepted_at=row.accepted_at,
                pdu=pdu,
                category=row.category,
                generation=row.generation,
                expires_at=row.expires_at,
            )
        )

    def of_opt_out(self, row: ConsentRow, event: dict[str, Any]) -> Key:
        """Where an opt-out is counted: it is of no account and no carrier."""
        told = {
            "tenant": row.tenant,
            "program": str(event.get("program", "")),
            "category": str(event.get("category", "")),
            "country": country_of(row.number or ""),
        }
        return tuple(
            _when(name, row.recorded_at * 1000) if name in ("day", "hour") else told.get(name, "")
            for name in self.by
        )


def sorting_of(generation: Generation, by: list[str]) -> Sorting:
    """For a configuration. Raises ValueError."""
    for name in by:
        if name not in BY:
            raise ValueError(f"--by {name}: no such thing{nearest(name, BY)}; there are {', '.join(BY)}")
    tenants = {name: account.tenant for name, account in generation.accounts.items()}
    return Sorting(tuple(dict.fromkeys(by)), tenants, Persons(generation))


def country_of(number: str) -> str:
    """The country of a number, "" for none."""
    return kind_of(number).country if number.isascii() and number.isdigit() else ""


def _when(name: str, ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):{'%Y-%m-%d' if name == 'day' else '%Y-%m-%dT%H:00Z'}}"


def tally(
    connection: Connection,
    stretch: Stretch,
    sorting: Sorting,
    tell: Callable[[int], None],
) -> list[dict[str, Any]]:
    """A line for each kind that there is, in their order; `tell` hears at times how many were looked at."""
    found: dict[Key, Counter[str]] = {}
    looked = 0
    for span in spans(connection, stretch):
        before, looked = looked, looked + span.looked
        for row in span.rows:
            counts = found.setdefault(sorting.of_message(row), Counter())
            counts["accepted"] += 1
            counts["sent"] += row.sent_at is not None
            counts[outcome(row)] += 1
        if looked // 100_000 > before // 100_000:
            tell(looked)
    if stretch.account is None and stretch.carrier is None:
        for line, event in opt_outs(connection, stretch.since, stretch.until):
            found.setdefault(sorting.of_opt_out(line, event), Counter())["opt_outs"] += 1
    return [
        {**dict(zip(sorting.by, key, strict=True)), **{name: counts[name] for name in COUNTS}}
        for key, counts in sorted(found.items())
    ]


def outcome(row: MessageRow) -> str:
    """What a message is counted as: delivered, refused by us, failed, or open."""
    state = State(row.state)
    if not state.final:
        return "open"
    if state in (State.DELIVERED, State.ACCEPTED):
        return "delivered"
    return "refused" if state is State.REJECTED and row.carrier is None else "failed"


def opt_outs(
    connection: Connection, since: int | None, until: int | None
) -> Iterator[tuple[ConsentRow, dict[str, Any]]]:
    """Every consent that was taken back in a time (unix ms); those of erased people are gone."""
    place = tuple_(consent_event.c.tenant, consent_event.c.position)
    after = ("", 0)
    while True:
        query = select(consent_event).where(place > after).order_by(*place.clauses).limit(PAGE)
        page = list(map(ConsentRow._make, connection.execute(query)))
        for line in page:
            at = line.recorded_at * 1000
            if line.event is None or at < (since or 0) or (until is not None and at >= until):
                continue
            row = opened_consent(connection, line)
            event = json.loads(row.event or "{}")
            if event.get("kind") == EventKind.REVOKED:
                yield row, event
        if len(page) < PAGE:
            return
        after = page[-1].tenant, page[-1].position
