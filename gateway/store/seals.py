"""How the rows on the way of a message are sealed and opened, where the writer is, with nothing but the keys.

One blob holds all of a row's fields that concern a person; in their own columns stands nothing. The rows of
rarer statements are sealed before they go to the writer, see `sealing`.
"""

from collections.abc import Callable
from typing import Any

from gateway.store.rows import Frame, Row
from gateway.store.vault import BLANK, MARKS, WHOLE, Vault


def seal_rows(vault: Vault, frame: Frame) -> Frame:
    """The frame with the rows of the statements below as they go to disk. Raises ValueError, LookupError or
    TypeError for a row that cannot be sealed.
    """
    if not vault.sealing:
        return frame
    made: Frame = []
    for operation in frame:
        seal = HOT.get(operation[0])
        made.append(operation if seal is None else (operation[0], seal(vault, operation[1])))
    return made


def is_sealed(blob: bytes) -> bool:
    """Whether an octet column holds a blob and not a PDU."""
    return blob[:1] in MARKS


def message_parts(vault: Vault, id: int, blob: bytes) -> tuple[str, str, str, bytes]:
    """Source, destination, decision and PDU of a message. Raises Damaged."""
    source, destination, decision, pdu = vault.open(blob, b"message %d" % id).split(b"\0", 3)
    return source.decode(), destination.decode(), decision.decode(), pdu


def _insert(vault: Vault, row: Any) -> Row:
    blob = _seal_message(vault, row[0], row[4], row[5], row[9], row[10])
    return (*row[:4], "", "", *row[6:9], blob, "", *row[11:])


def _revise(vault: Vault, row: Any) -> Row:
    source, destination, pdu, decision, id = row
    return "", "", _seal_message(vault, id, source, destination, pdu, decision), "", id


def _seal_message(vault: Vault, id: int, source: str, destination: str, pdu: bytes, decision: str) -> bytes:
    head = f"{source}\0{destination}\0{decision}\0".encode()
    if head.count(0) != 3:
        raise ValueError(f"message {id}: a field contains NUL")
    return vault.seal(head + pdu, b"message %d" % id, WHOLE if pdu else BLANK)


def _enqueue(vault: Vault, row: Any) -> Row:
    return (*row[:7], vault.seal(row[7], b"outbox %d" % row[0]))


def _stray(vault: Vault, row: Any) -> Row:
    return (*row[:3], "", row[4], vault.seal(f"{row[3]}\0".encode() + row[5], b"stray %d" % row[0]))


def _amend_outbox(vault: Vault, row: Any) -> Row:
    pdu, seq = row
    return vault.seal(pdu, b"outbox %d" % seq), seq


def _amend_stray(vault: Vault, row: Any) -> Row:
    destination, pdu, seq = row
    return "", vault.seal(f"{destination}\0".encode() + pdu, b"stray %d" % seq), seq


HOT: dict[str, Callable[[Vault, Any], Row]] = {
    "insert": _insert,
    "revise": _revise,
    "enqueue": _enqueue,
    "stray": _stray,
    "amend_outbox": _amend_outbox,
    "amend_stray": _amend_stray,
}
