"""All that is known of a person, read beside the node; and what else of privacy the command line tells."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from gateway.audits import told
from gateway.columns import print_rows
from gateway.logs import masked
from gateway.settings.keys import BadKeys, read_keys, write_keys
from gateway.settings.models import Node
from gateway.store import audit, calls, holds, numbers, queries, rotation
from gateway.store import people as rows
from gateway.store.lifted import lifted_of
from gateway.store.opening import keyring_of, where
from gateway.store.rows import MessageRow
from gateway.stored import message_document, reading

PAGE = 500

Document = dict[str, Any]

README = """What the gateway {node} knows of {number}, as of {at}.

messages.json      messages to the number: what became of them, and their texts while these are kept
consents.json      every event of the ledgers of consent
lists.json         lists on which the number is, and why
lifted.json        lists on which it was
replies.json       replies that somebody had to see to
calls.json         events that still wait to be told to other systems
records.json       what people have done about the number, showing it whole included
"""


def bundle(node: Node, directory: Path, number: str, *, whole: bool) -> Document:
    """All that is known of a number; masked and without texts unless `whole`."""
    with reading(node, directory) as connection:
        found = {
            "number": number,
            "node": node.name,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "messages": [message_document(row, whole) for row in _messages(connection, number)],
            "consents": _consents(connection, number),
            "lists": [row._asdict() for row in rows.suppressions_of(connection, number)],
            "lifted": [row._asdict() for row in lifted_of(connection, number)],
            "replies": [row._asdict() for row in rows.cases_of(connection, number)],
            "calls": _calls(connection, number),
            "records": [told(row, whole) for row in audit.records_of(connection, number)],
        }
    return found if whole else _masked(found, number)


def _messages(connection: Connection, number: str) -> Iterable[MessageRow]:
    ids = numbers.messages_to(connection, number)
    for start in range(0, len(ids), PAGE):
        page = queries.messages(connection, ids[start : start + PAGE])
        yield from (row for row in page if row.destination == number)


def _consents(connection: Connection, number: str) -> list[Document]:
    found = rows.consents_of(connection, number, None)
    return [{"position": row.position, **json.loads(row.event)} for row in found if row.event]


def _calls(connection: Connection, number: str) -> list[Document]:
    found: list[Document] = []
    for dead in (False, True):
        after = 0
        while page := calls.calls(connection, "", dead, after, PAGE):
            found += [
                {"webhook": row.webhook, "body": json.loads(row.body)} for row in page if number in row.body
            ]
            after = page[-1].seq
    return found


def _masked(value: Any, number: str) -> Any:
    """Without the number, and without what people have written."""
    if isinstance(value, dict):
        return {
            name: "…" if name in ("reply", "body") else _masked(each, number) for name, each in value.items()
        }
    if isinstance(value, list):
        return [_masked(each, number) for each in value]
    return value.replace(number, masked(number)) if isinstance(value, str) else value


def write_bundle(found: Document, path: Path) -> None:
    """A ZIP of JSON files that only its owner reads. Raises OSError, also when it is there already."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "README.txt", README.format(**{name: found[name] for name in ("node", "number", "at")})
        )
        for name, value in found.items():
            if isinstance(value, list):
                archive.writestr(f"{name}.json", json.dumps(value, ensure_ascii=False, indent=1))


def tell_bundle(found: Document) -> None:
    """A bundle for people."""
    print(f"{found['number']} at {found['at']}")
    for name, value in found.items():
        if isinstance(value, list):
            print(f"\n{len(value)} {name}")
            for row in value:
                print("  " + ", ".join(f"{k} {v}" for k, v in row.items() if v not in (None, "", [], {})))


ERASED = {
    "messages": "messages: number, texts and what quoted them are erased",
    "messages_under_way": "messages are still under way: they stay; erase again when they have ended",
    "messages_held": "messages stay: legal hold",
    "consents": "events of consent are erased; their commitments stay and tell nothing",
    "consents_held": "events of consent stay: legal hold",
    "replies": "replies are erased",
    "replies_open": "replies stay: nobody has closed their case yet",
    "replies_held": "replies stay: legal hold",
    "records": "records of acts about the number are erased; their commitments stay",
    "records_held": "records of acts stay: legal hold",
    "suppressions_kept": "entries of lists stay, encrypted: they keep the person from being written to",
    "lifted": "entries that were taken off their lists are erased",
    "lifted_held": "entries that were taken off their lists stay: legal hold",
    "calls": "calls of webhooks that were given up are erased",
    "calls_held": "calls of webhooks that were given up stay: legal hold",
    "calls_waiting": "calls of webhooks stay until they are made: the other system is to know",
    "receipts_waiting": "receipts stay until their client fetches them, or retention.outbox is over",
    "strays": "receipts that matched no message, and replies that were nobody's, are erased",
    "strays_waiting": "receipts without a message, or parts of a reply, stay: erase again in an hour",
    "suppressions_added": "entries of lists are new, in the place of a consent that was taken back",
}


def tell_erased(answer: Document) -> None:
    """What an erasure did, for people."""
    for name, sentence in ERASED.items():
        if answer.get(name):
            print(f"{answer[name]:>6} {sentence}")
    print("       replies that wait for their client go when it fetches them, or by retention.outbox")
    for copy in answer["backups"]:
        at = datetime.fromtimestamp(copy["at"] / 1000, UTC).isoformat(timespec="seconds")
        print(f"       the backup of {at} ({copy['file']}) has what there was then, until it is deleted")


def holds_of(node: Node, directory: Path, everything: bool, whole: bool) -> list[Document]:
    """The holds, numbers masked unless `whole`."""
    with reading(node, directory) as connection:
        found = [hold._asdict() for hold in holds.holds(connection, everything=everything)]
    for row in found:
        for name in ("since", "until", "placed_at", "lifted_at"):
            row[name] = None if row[name] is None else _moment(row[name])
        if row["number"] and not whole:
            row["number"] = masked(row["number"])
    return found


def tell_rows(found: list[Document]) -> None:
    """Rows with the same fields, as a table."""
    print_rows(found)


class CannotTurn(Exception):
    """The key file cannot be changed from here."""


class Added(NamedTuple):
    """A version that was put into the key file."""

    file: Path
    version: int


def added_key(node: Node, directory: Path) -> Added | None:
    """Put one version more into the key file; None if the keys come from outside. Raises CannotTurn."""
    if node.encryption.keys is not None:
        return None
    file = where(node, directory)
    try:
        keyring = read_keys(file)
        if keyring is None:
            raise CannotTurn(f"{file} is not there: the gateway makes it when it starts")
        more = keyring.rotated()
        write_keys(file, more)
    except BadKeys as error:
        raise CannotTurn(str(error)) from None
    return Added(file, more.current)


def keys_in_use(node: Node, directory: Path) -> Document:
    """Where the keys are, and how many rows of each table are sealed by which version (0: by none)."""
    keyring = keyring_of(node, directory)
    with reading(node, directory) as connection:
        counts = rotation.versions(connection)
    used = {version for each in counts.values() for version in each}
    known = sorted(keyring.versions) if keyring is not None else []
    return {
        "keys": "from outside" if node.encryption.keys is not None else str(where(node, directory)),
        "versions": known,
        "newest": keyring.current if keyring is not None else None,
        "unused": [version for version in known[:-1] if version not in used],
        "rows": {table: {str(v): n for v, n in sorted(each.items())} for table, each in counts.items()},
    }


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
