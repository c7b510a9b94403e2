"""What the command line reads of people in the store, beside the node, and how it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from gateway.cli_common import USAGE, end
from gateway.columns import print_rows
from gateway.filters.consent import as_of
from gateway.filters.consentchain import Flaw, Link, genesis
from gateway.filters.consentchain import verify as flaws_of
from gateway.filters.listfiles import instant
from gateway.logs import masked
from gateway.past import Asked, CannotTell, could_send, entries_at
from gateway.relay.people import events_after, kept
from gateway.settings.models import Node
from gateway.store import people as rows
from gateway.store.forgotten import forgotten
from gateway.store.schema import suppression
from gateway.stored import reading

PAGE = 10_000
MOST = 1000


def show(node: Node, directory: Path, number: str, at: str, asked: Asked) -> dict[str, Any]:
    """All events about a number, the state of each tenant, program and category, the lists, and whether
    the person could be written to, at a moment.
    """
    try:
        moment = instant(at) or datetime.now(UTC).timestamp()
    except ValueError as error:
        end(USAGE, str(error))
    with reading(node, directory) as connection:
        lines = [(row, kept(row).event) for row in rows.consents_of(connection, number, asked.tenant or None)]
        entries = entries_at(connection, number, moment)
        known = [event for _, event in lines if event is not None]
        try:
            verdicts, problem = could_send(connection, directory, number, moment, asked, known), ""
        except CannotTell as error:
            verdicts, problem = [], str(error)
    events = [event for _, event in lines if event is not None and event.recorded_at <= moment]
    scopes = dict.fromkeys((event.tenant, event.program, event.category) for event in events)
    states = []
    for whose, program, category in scopes:
        state = as_of(events, whose, program, category, number, moment)
        status = str(state.status(moment))
        states.append(
            {
                "tenant": whose,
                "program": program,
                "category": category,
                "status": status,
                "basis": state.basis,
            }
        )
    return {
        "number": masked(number),
        "at": _second(int(moment)),
        "verdicts": verdicts,
        "problem": problem,
        "states": states,
        "events": [
            {
                "position": row.position,
                **{k: v for k, v in json.loads(row.event or "{}").items() if k != "number"},
            }
            for row, event in lines
            if event is not None and event.recorded_at <= moment
        ],
        "lists": [_entry(entry) for entry in entries],
    }


def _entry(row: rows.SuppressionRow) -> dict[str, Any]:
    return {**row._asdict(), "number": masked(row.number)}


def export(node: Node, directory: Path, tenant: str | None, whole: bool) -> Iterator[dict[str, Any]]:
    """Every line of the ledgers; unless `whole`, numbers are masked, and the salts by which they could be
    found are left out.
    """
    with reading(node, directory) as connection:
        after = tenant or "", 0
        while found := rows.consents(connection, after, PAGE):
            for row in found:
                if tenant is not None and row.tenant != tenant:
                    return
                yield {
                    "tenant": row.tenant,
                    "position": row.position,
                    "recorded_at": row.recorded_at,
                    "commitment": row.commitment.hex(),
                    "hash": row.hash.hex(),
                    "salt": row.salt.hex() if row.salt is not None and whole else None,
                    "event": None if row.event is None else _event(row.event, whole),
                }
            after = found[-1].tenant, found[-1].position


def _event(text: str, whole: bool) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(text)
    return event if whole else event | {"number": masked(event["number"])}


def verify(node: Node, directory: Path, heads: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Each tenant's ledger: how many lines, its head, and every flaw."""
    found: dict[str, dict[str, Any]] = {}
    last: dict[str, Link] = {}
    with reading(node, directory) as connection:
        erased = forgotten(connection).consents
        after = "", 0
        while lines := events_after(connection, after, PAGE):
            for tenant in dict.fromkeys(tenant for tenant, _ in lines):
                mine = [line for whose, line in lines if whose == tenant]
                ledger = found.setdefault(tenant, {"lines": 0, "head": "", "flaws": []})
                ledger["lines"] += len(mine)
                flaws = flaws_of(mine, last.get(tenant) or genesis(tenant), erased=erased.get(tenant, ()))
                ledger["flaws"] += [flaw._asdict() for flaw in flaws]
                last[tenant] = mine[-1].link
                ledger["head"] = mine[-1].link.hash.hex()
                if heads.get(tenant) in {line.link.hash.hex() for line in mine}:
                    ledger["kept"] = True
            after = lines[-1][0], lines[-1][1].link.position
    for tenant, head in heads.items():
        ledger = found.setdefault(tenant, {"lines": 0, "head": "", "flaws": []})
        if not ledger.pop("kept", False):
            flaw = Flaw(ledger["lines"], f"no line has the hash {head}, which was the head once")
            ledger["flaws"].append(flaw._asdict())
    return found


def lists(node: Node, directory: Path, number: str) -> list[dict[str, Any]]:
    """The lists and their lengths, or the entries of one number."""
    with reading(node, directory) as connection:
        if number:
            return [_entry(row) for row in rows.suppressions_of(connection, number)]
        columns = [suppression.c[name] for name in ("type", "tenant", "program", "category", "name")]
        query = select(*columns, func.count().label("entries")).group_by(*columns).order_by(*columns)
        return [dict(row._mapping) for row in connection.execute(query)]


def cases(node: Node, directory: Path, *, open_only: bool, whole: bool) -> list[dict[str, Any]]:
    """Cases, numbers masked unless `whole`."""
    with reading(node, directory) as connection:
        found = rows.cases(connection, open_only, MOST)
    return [
        {
            **row._asdict(),
            "number": row.number if whole else masked(row.number),
            "opened_at": _second(row.opened_at // 1000),
            "deadline": _second(row.deadline // 1000),
            "closed_at": None if row.closed_at is None else _second(row.closed_at // 1000),
        }
        for row in found
    ]


def tell_consents(found: dict[str, Any]) -> None:
    """The answer of `show` for people."""
    print(f"{found['number']} at {found['at']}")
    for verdict in found["verdicts"]:
        _tell_verdict(verdict)
    if found["problem"]:
        print(f"whether one could write: {found['problem']}")
    print_rows(found["states"], ("tenant", "program", "category", "status", "basis"))
    for event in found["events"]:
        event["occurred"] = _second(event["occurred_at"])
    columns = ("position", "tenant", "program", "category", "kind", "occurred", "basis", "method", "evidence")
    print_rows(found["events"], columns)
    tell_lists(found["lists"])


def _tell_verdict(verdict: dict[str, Any]) -> None:
    """Whether one could write, and the rules that say so."""
    of = " ".join(filter(None, (verdict["tenant"], verdict["program"], verdict["category"])))
    until = f" until {_second(int(verdict['until']))}" if verdict["until"] else ""
    print(f"{of}: {verdict['answer']}{until}, by {verdict['by']}")
    for word in verdict["words"]:
        place = f" ({word['place']})" if word["place"] else ""
        print(f"  {word['action']:<8} {word['filter']}, {word['rule']}{place}: {word['detail']}")
        for source in word["source"]:
            print(f"           {source}")
    said = {word["rule"] for word in verdict["words"]}
    silent = [rule for rule in verdict["asked"] if rule not in said]
    if silent:
        print(f"  nothing against it: {', '.join(silent)}")


def tell_lists(found: list[dict[str, Any]]) -> None:
    """Lists, or entries, for people."""
    names = (
        "type",
        "tenant",
        "program",
        "category",
        "name",
        "number",
        "entries",
        "until",
        "added_by",
        "evidence",
    )
    print_rows(found, tuple(name for name in names if found and name in found[0]))


def tell_feeds(found: list[dict[str, Any]]) -> None:
    """The lists of people.yaml, for people."""
    columns = (
        "name",
        "type",
        "tenant",
        "entries",
        "read_at",
        "age",
        "looked_at",
        "next",
        "refused",
        "source",
    )
    print_rows(found, columns)
    for each in found:
        if each["error"]:
            print(f"{each['name']}: {each['error']}")


def tell_cases(found: list[dict[str, Any]]) -> None:
    """Cases for people."""
    print_rows(found, ("id", "rule", "account", "number", "reply", "deadline", "closed_by", "note"))


def _second(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
