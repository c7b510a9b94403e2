"""What the command line reads of the store of a configuration, beside the node, told to people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway.asking import shown_at
from gateway.cli_common import FAILED, end
from gateway.filters.verdict import REASONS
from gateway.relay.ids import read_id
from gateway.relay.masking import masked
from gateway.relay.parts import shown_ids
from gateway.settings.node import Node
from gateway.smpp.codec import PduError, decode
from gateway.smpp.concat import body_of, part_of, udh_of
from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import DataSm, SubmitSm
from gateway.smpp.text import decode_text
from gateway.store import queries
from gateway.store.engine import reading_engine, store_url
from gateway.store.opening import Keys, check, reader_vault, where, wholly_sealed
from gateway.store.rows import MessageRow, State, StoreUnavailable, brief

MOST_DESTINATIONS = 255
OWN = "#"
"""Begins the gateway's own number of a message: so those are found that were refused in the response."""
TOLD = ("category", "accepted", "sent", "ended", "expires", "carrier", "carrier_message_id", "attempts")


@dataclass(frozen=True, slots=True)
class Told:
    """An answer for people and as data; true if it says that anything is there, or differs."""

    text: str
    document: Any
    found: bool = True

    def __bool__(self) -> bool:
        return self.found


class Unreadable(Exception):
    """The store cannot be read from here."""


def find_messages(node: Node, directory: Path, message_id: str) -> list[dict[str, Any]]:
    """What the store of the configuration in `directory` knows of the messages told under this id, zeros
    before it may be left out, or of the one with this number of the gateway's own, `#12`. Raises Unreadable.
    """
    return [document(row) for row in find_rows(node, directory, message_id)]


def find_rows(node: Node, directory: Path, message_id: str) -> list[MessageRow]:
    """`find_messages`, as the rows are. Raises Unreadable."""
    with store_of(node, directory) as connection:
        if message_id.startswith(OWN):  # one that was refused in the response
            own = message_id.removeprefix(OWN)
            return queries.messages(connection, [int(own)] if own.isascii() and own.isdigit() else [])
        for number in read_id(message_id):
            found = queries.messages(connection, range(number, number + MOST_DESTINATIONS))
            rows = [row for row in found if _same_id(row.client_id, message_id)]
            if rows:
                return rows
    return []


@contextmanager
def store_of(node: Node, directory: Path) -> Iterator[Connection]:
    """The store of the configuration in `directory`, to be read. Raises Unreadable, also for what is done
    with it.
    """
    engine = None
    try:
        url = store_url(node, directory)
        if url.get_backend_name() == "sqlite" and not Path(f"{url.database}").exists():
            raise Unreadable(f"{url.database}: no store is there; it is made when the gateway runs")
        keys = Keys(reader_vault(node, directory), where(node, directory))
        engine = reading_engine(url, 1, keys.vault)
        with engine.connect() as connection:
            check(connection, keys)
            if keys.vault is not None:
                keys.vault.strict = wholly_sealed(connection)
            yield connection
    except (SQLAlchemyError, ValueError, StoreUnavailable) as error:
        raise Unreadable(f"the store cannot be read: {brief(error)}") from None
    finally:
        if engine is not None:
            engine.dispose()


@contextmanager
def reading(node: Node, directory: Path) -> Iterator[Connection]:
    """The store of a configuration, for reading; ends the command if it cannot be read."""
    try:
        with store_of(node, directory) as connection:
            yield connection
    except Unreadable as error:
        end(FAILED, str(error))


def _same_id(told: str, asked: str) -> bool:
    return told.lstrip("0").casefold() == asked.strip().lstrip("0").casefold()


def carriers_answers(node: Node, directory: Path, message_ids: list[str]) -> dict[str, str]:
    """What carriers answered to these messages, for a person; empty if the store is not within reach."""
    answers = {}
    try:
        for message_id in filter(None, message_ids):
            for found in find_messages(node, directory, message_id):
                if found["carrier"]:
                    named = found["carrier_message_id"]
                    answers[message_id] = f"{found['carrier']}: " + (
                        f"took it as {named}" if named else error_name(found) or "no answer yet"
                    )
    except Unreadable:
        return {}
    return answers


def document(row: MessageRow) -> dict[str, Any]:
    """A stored message as data; numbers are masked, the text stays away."""
    return {
        "id": row.client_id or f"{OWN}{row.id}",
        "account": row.account,
        "from": row.source,
        "to": masked(row.destination),
        "category": row.category,
        "state": State(row.state).name,
        "accepted": shown_at(row.accepted_at),
        "sent": shown_at(row.sent_at),
        "ended": shown_at(row.done_at),
        "expires": shown_at(row.expires_at),
        "carrier": row.carrier,
        "carrier_message_id": shown_ids(row.carrier_message_id),
        "attempts": row.attempts,
        "error": row.error,
        "decision": json.loads(row.decision or "{}"),
        "trail": json.loads(row.trail or "[]"),
    }


def message_document(row: MessageRow, whole: bool) -> dict[str, Any]:
    """A stored message as data; with its number and text if it is to be shown `whole`."""
    shown = document(row)
    if whole:
        shown |= {"to": row.destination, "text": text_of(row)}
    return shown


def text_of(row: MessageRow) -> str | None:
    """What the handset was to show; None once it is purged, or where it is data."""
    if not row.pdu:
        return None
    try:
        pdu = decode(row.pdu)
    except PduError:
        return None
    if not isinstance(pdu, SubmitSm | DataSm):
        return None
    part = part_of(pdu)
    text = decode_text(body_of(pdu), pdu.data_coding, udh_of(pdu), "gsm7")
    return text if part is None else f"[{part.number}/{part.total}] {text}"


def error_name(found: dict[str, Any]) -> str:
    """What `error` means: a reason of the gateway's own, or the carrier's status where it took nothing."""
    error = found["error"]
    own = next((reason.name for reason in REASONS.values() if reason.err == error), "")
    if own or not error or found["carrier_message_id"]:
        return own
    return CommandStatus(error).name


def tell_message(found: dict[str, Any]) -> None:
    """A message for people: what was decided, by which rule, and what became of it."""
    print(f"message {found['id']} of {found['account']}, {found['from']} -> {found['to']}: {found['state']}")
    error = f"{found['error']} {error_name(found)}" if found["error"] else ""
    for name, value in ({name: found[name] for name in TOLD} | {"error": error}).items():
        if value:
            print(f"  {name:<20} {value}")
    decision = found["decision"]
    print(f"  verdict              {decision.get('verdict')} by generation {decision.get('generation')}")
    for word in decision.get("words", ()):
        where = f" ({word['place']})" if word.get("place") else ""
        reason = f", {word['reason']}" if word.get("reason") else ""
        acted = "" if word.get("mode", "enforce") == "enforce" else f" ({word['mode']}: recorded only)"
        said = f"{word['action']}{acted}{reason}"
        print(f"    {word['filter']}: {said} by rule {word['rule']!r}{where}")
        if word.get("detail"):
            print(f"      {word['detail']}")
    if "rewritten" in decision:
        print(f"  rewritten            {decision['rewritten']}")
    if "review" in decision:
        review = decision["review"]
        note = f": {review['note']}" if review["note"] else ""
        print(f"  approved             by {review['by']} at {review['at']}{note}")
    if found.get("text") is not None:
        print(f"  text                 {found['text']}")
    if found["state"] == State.WAITING.name:
        print("  waits for a carrier of its route that is up and has room (gateway status)")
    for step in found["trail"]:
        passed = ", ".join(f"{name} was {why}" for name, why in step.get("passed", {}).items())
        print(
            f"  route                {step['route']!r}: carrier {step['carrier']}"
            + (f" at {step['price']}" if "price" in step else "")
            + (f"; {passed}" if passed else "")
            + (f"; after {step['after']} by {step['only']} alone" if "only" in step else "")
        )
        for name, carrier in step.get("shadow", {}).items():
            print(f"    {name!r} (shadow: recorded only): carrier {carrier or 'nobody'}")
