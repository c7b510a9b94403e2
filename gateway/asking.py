"""What the command line asks a running node, and what it reads of the store, told to people."""

from __future__ import annotations

import http.client
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from gateway.logs import masked
from gateway.relay.ids import read_id
from gateway.settings.load import load
from gateway.settings.problems import SettingsError
from gateway.store import queries
from gateway.store.engine import reading_engine, store_url
from gateway.store.rows import MessageRow, State

MOST_DESTINATIONS = 255


class Unreachable(Exception):
    """Nobody answers on the control endpoint."""


def ask(config: Path, method: str, path: str) -> tuple[int, str]:
    """Ask the control endpoint that the configuration names: (HTTP status, body). Raises Unreachable."""
    endpoint = load(config, os.environ).node.control
    if not endpoint:
        raise Unreachable(f"{config}/gateway.yaml names no control endpoint")
    kind, port, *options = endpoint.split(":")
    named = dict(option.split("=", 1) for option in options if "=" in option)
    host = named.get("interface", "127.0.0.1")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    try:
        connection.request(method, f"/{path}")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError as error:
        raise Unreachable(f"no gateway answers on {kind} {host}:{port}: is it running? ({error})") from None
    finally:
        connection.close()


def tell_status(document: dict[str, Any]) -> None:
    """The answer of /status for people."""
    console = Console(highlight=False)
    console.print(
        f"node {document['node']}, generation {document['generation']}, the store {document['store']}, "
        f"{document['queue']} waiting"
    )
    carriers = Table("carrier", "health", "binds", "awaiting receipts", "last error", box=None)
    for name, carrier in document["carriers"].items():
        carriers.add_row(
            name, carrier["health"], carrier["binds"], str(carrier["unfinished"]), carrier["error"]
        )
    accounts = Table("account", "sessions", "accepted", "waiting for it", box=None)
    for name, account in document["accounts"].items():
        accounts.add_row(name, str(account["sessions"]), str(account["accepted"]), str(account["outbox"]))
    console.print(carriers)
    console.print(accounts)


def find_messages(config: Path, message_id: str) -> list[dict[str, Any]]:
    """What the store knows of the messages told under this id."""
    generation = load(config, os.environ)
    engine = reading_engine(store_url(generation), 1)
    try:
        with engine.connect() as connection:
            for number in read_id(message_id):
                ids = range(number, number + MOST_DESTINATIONS)
                rows = [r for r in queries.messages(connection, ids) if r.client_id == message_id]
                if rows:
                    return [document(row) for row in rows]
    finally:
        engine.dispose()
    return []


def carriers_answers(config: Path, message_ids: list[str]) -> dict[str, str]:
    """What carriers answered to these messages, for a person; empty if the store is not within reach."""
    answers = {}
    try:
        for message_id in message_ids:
            for found in find_messages(config, message_id):
                if found["carrier"]:
                    named = found["carrier_message_id"]
                    answers[message_id] = f"{found['carrier']}: " + (
                        f"took it as {named}" if named else "no id"
                    )
    except (SettingsError, SQLAlchemyError):
        return {}
    return answers


def document(row: MessageRow) -> dict[str, Any]:
    """A stored message as data; numbers are masked, the text stays away."""
    return {
        "id": row.client_id,
        "account": row.account,
        "from": row.source,
        "to": masked(row.destination),
        "category": row.category,
        "state": State(row.state).name,
        "accepted": _moment(row.accepted_at),
        "sent": _moment(row.sent_at),
        "ended": _moment(row.done_at),
        "expires": _moment(row.expires_at),
        "carrier": row.carrier,
        "carrier_message_id": row.carrier_message_id,
        "attempts": row.attempts,
        "error": row.error,
        "decision": json.loads(row.decision or "{}"),
        "trail": json.loads(row.trail or "[]"),
    }


def _moment(ms: int | None) -> str | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def tell_message(found: dict[str, Any]) -> None:
    """A message for people: what was decided, by which rule, and what became of it."""
    console = Console(highlight=False)
    console.print(
        f"message {found['id']} of {found['account']}, {found['from']} -> {found['to']}: {found['state']}"
    )
    for name in (
        "category",
        "accepted",
        "sent",
        "ended",
        "expires",
        "carrier",
        "carrier_message_id",
        "error",
    ):
        if found[name]:
            console.print(f"  {name:<20} {found[name]}", markup=False)
    decision = found["decision"]
    console.print(
        f"  verdict              {decision.get('verdict')} by generation {decision.get('generation')}"
    )
    for word in decision.get("words", ()):
        where = f" ({word['place']})" if word.get("place") else ""
        reason = f", {word['reason']}" if word.get("reason") else ""
        console.print(
            f"    {word['filter']}: {word['action']}{reason} by rule {word['rule']!r}{where}",
            markup=False,
        )
        if word.get("detail"):
            console.print(f"      {word['detail']}", markup=False)
    for step in found["trail"]:
        passed = ", ".join(f"{name} was {why}" for name, why in step.get("passed", {}).items())
        console.print(
            f"    route {step['route']!r}: carrier {step['carrier']}" + (f"; {passed}" if passed else ""),
            markup=False,
        )
