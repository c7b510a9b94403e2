"""No column that may hold a number or a text is forgotten: each is declared sealed, or plain and why."""

from sqlalchemy import LargeBinary, Text

from gateway.store import rotation
from gateway.store.schema import metadata

SEALED = {
    "message": "source destination pdu decision",
    "outbox": "pdu",
    "stray": "destination pdu",
    "consent_event": "salt number event",
    "suppression": "number evidence",
    "lifted_suppression": "number evidence",
    "reply_case": "number reply",
    "event_call": "body",
    "audit": "person entry salt",
    "hold": "words",
    "number_block": "keys",
    "attestation": "salts",
}
"""In the blob of their row, or, as a number by which something is found, a keyed hash."""

NAMES = "names of the configuration or of what an operator defined, no person's"
HASHES = "hashes that tell nothing without their salt"
WORKERS = "who did it and why, in an operator's words: no number belongs there"

PLAIN = {
    "message": {"account client_id category carrier carrier_message_id trail": NAMES},
    "outbox": {"account": NAMES},
    "stray": {"carrier carrier_message_id": NAMES},
    "generation": {"digest cause files": "the configuration itself, whose secrets are not in it"},
    "counter": {"name": NAMES},
    "consent_event": {"tenant": NAMES, "commitment hash": HASHES},
    "suppression": {"type tenant program category name": NAMES, "added_by": WORKERS},
    "lifted_suppression": {"type tenant program category name": NAMES, "added_by lifted_by": WORKERS},
    "reply_case": {"rule tenant account": NAMES, "closed_by note": WORKERS},
    "event_call": {
        "webhook": NAMES,
        "error": "what the other system answered: a status or a fault of the line",
    },
    "breaker_trip": {"rule account program carrier": NAMES, "why by": WORKERS},
    "traffic_directive": {
        "verb account tenant program carrier category refuse carriers": NAMES,
        "prefix": "the beginning of many numbers",
        "by note": WORKERS,
    },
    "account_usage": {"account": NAMES},
    "audit": {"act": NAMES, "commitment hash": HASHES},
    "word_edit": {"action word_key fields": "sensitive words, no person's", "made_by reason": WORKERS},
    "template_edit": {
        "action tenant name fields": "templates, whose places for values are empty",
        "made_by reason": WORKERS,
    },
    "hold": {"account tenant": NAMES},
    "number_block": {"ids": "ids of messages"},
    "attestation": {"left ids": "ids of messages", "leaves": HASHES},
}


def test_every_column_of_text_or_octets_is_declared_once() -> None:
    for table in metadata.tables.values():
        there = {column.name for column in table.columns if isinstance(column.type, Text | LargeBinary)}
        sealed = SEALED.get(table.name, "").split()
        plain = [name for names in PLAIN.get(table.name, {}) for name in names.split()]
        assert sorted([*sealed, *plain]) == sorted(there), (
            f"{table.name}: say here of a new column whether it is sealed (store/sealing.py), or why not"
        )


def test_what_is_sealed_is_sealed_anew_at_a_rotation() -> None:
    kinds = {kind.table.name: kind.column for kind in (rotation.MESSAGES, *rotation.OTHERS)}
    assert kinds.keys() == SEALED.keys() - {"number_block"}  # which has hashes alone
    assert all(column in SEALED[name].split() for name, column in kinds.items())
