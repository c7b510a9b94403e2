"""What the command line asks a running node, told to people. It reads no store, and imports none."""

from __future__ import annotations

import getpass
import http.client
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from gateway.addresses import address_of, shown
from gateway.columns import print_columns
from gateway.settings.node import Node


class Unreachable(Exception):
    """Nobody answers on the control endpoint, or nobody whom we know."""


PATIENCE = 30.0
LONG = 600.0
"""Seconds for which an answer is waited for; LONG where all lists may have to be read anew first."""


def user() -> str:
    """Who is at this machine; the node puts it on record."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def ask(
    node: Node,
    method: str,
    path: str,
    document: dict[str, Any] | None = None,
    patience: float = PATIENCE,
) -> tuple[int, dict[str, Any]]:
    """Ask the control endpoint of a running node, with `document` as JSON where it is given, and wait
    `patience` seconds for the answer.

    Returns the HTTP status and the JSON of the answer. Raises Unreachable.
    """
    address = address_of(node.control) if node.control else None
    if address is None:
        raise Unreachable(f"gateway.yaml: control is {node.control!r}, which cannot be asked from here")
    connection = http.client.HTTPConnection(*address, timeout=patience)
    try:
        body = None if document is None else json.dumps(document, ensure_ascii=False).encode()
        headers = {"x-operator": quote(user())}
        if body is not None:
            headers["content-type"] = "application/json"
        connection.request(method, f"/{path}", body, headers)
        answer = connection.getresponse()
        return answer.status, dict(json.loads(answer.read()))
    except TimeoutError:
        raise Unreachable(
            f"the gateway on {shown(address)} has not answered within {patience:g} s: "
            "it may be at it still, see gateway status"
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise Unreachable(f"no gateway answers on {shown(address)}: is it running? ({reason})") from None
    except (http.client.HTTPException, ValueError):
        raise Unreachable(
            f"what answers on {shown(address)} is no gateway: see control in gateway.yaml"
        ) from None
    finally:
        connection.close()


def tell_status(document: dict[str, Any]) -> None:
    """The answer of /status for people."""
    print(
        f"node {document['node']}, generation {document['generation']}, the store {document['store']}, "
        f"{document['queue']} waiting for a carrier"
    )
    print(f"compiled modules: {document['compiled']}")
    for problem in document.get("problems", ()):
        print(f"not taken: {problem}")
    for alarm in document.get("alarms", ()):
        since = shown_at(alarm["raised_at"])
        print(f"ALARM {alarm['kind']}, {alarm['subject']}, since {since}: {alarm['text']}")
    for each in document.get("traffic", ()):
        print(f"TRAFFIC {told_directive(each)}")
    counts = ", ".join(f"{count} {state}" for state, count in document["messages"].items())
    print(f"messages open now or ended since the start: {counts or 'none'}\n")
    print_columns(
        ("carrier", "health", "binds", "awaiting receipts", "last error"),
        (
            (name, carrier["health"], carrier["binds"], carrier["unfinished"], carrier["error"])
            for name, carrier in document["carriers"].items()
        ),
    )
    print()
    print_columns(
        ("account", "sessions", "accepted since the start", "receipts and replies waiting"),
        (
            (name, account["sessions"], account["accepted"], account["outbox"])
            for name, account in document["accounts"].items()
        ),
    )


def told_directive(found: dict[str, Any]) -> str:
    """A directive for people."""
    names = ("account", "tenant", "program", "carrier", "category", "prefix")
    part = ", ".join(f"{name} {found[name]}" for name in names if name in found)
    ways = [f"to {' or '.join(found['carriers'])}"] if "carriers" in found else []
    ways += [f"new ones refused ({found['refuse']})"] if "refuse" in found else []
    ways += [f"drained at {found['drained']}"] if "drained" in found else []
    note = f": {found['note']}" if found["note"] else ""
    said = ", ".join([f"{found['verb']} {part}", *ways])
    return f"{found['id']}: {said}, by {found['by']} since {found['since']}{note}"


def shown_at(ms: int | None) -> str | None:
    """Unix milliseconds for people; None stays."""
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
