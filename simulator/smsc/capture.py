"""Every PDU on the wire as JSON lines, and what else is worth a line beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from gateway.smpp.codec import PduError, decode, header
from gateway.smpp.constants import CommandId, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.framing import FramingError

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Capture:
    """A file of one JSON object per line, handed to the operating system after each batch.

    Lines of PDUs have `t` (unix seconds), `dir` (`in` or `out`, as this side sees it), `carrier`,
    `connection`, `hex`, `pdu` (decoded; `error` if it cannot be) and, where a rule of the profile acted,
    `rule`. Lines with `event` tell of what is no PDU: a connection, a silence, a cut, a violation.
    """

    def __init__(self, path: Path, wall: Callable[[], float]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("a", encoding="utf-8", buffering=1 << 20)
        self._wall = wall

    def pdu(
        self, direction: str, carrier: str, connection: int, frame: bytes, rule: str | None = None
    ) -> None:
        line: dict[str, Any] = {
            "t": self._wall(),
            "dir": direction,
            "carrier": carrier,
            "connection": connection,
            "hex": frame.hex(),
        }
        line |= describe(frame)
        if rule is not None:
            line["rule"] = rule
        self._write(line)

    def event(self, event: str, carrier: str, connection: int, **details: object) -> None:
        self._write(
            {"t": self._wall(), "event": event, "carrier": carrier, "connection": connection} | details
        )
        self.flush()

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(_json(line) + "\n")


def describe(frame: bytes) -> dict[str, Any]:
    """`pdu` (command, fields by their names in the specification, TLVs) or `error` of one frame."""
    try:
        pdu = decode(frame)
    except PduError as error:
        return {"error": error.detail, "command": _command(error.header.command_id)}
    except (FramingError, ValueError) as error:
        return {"error": str(error)}
    fields = {name: _plain(value) for name, value in zip(pdu._fields, pdu, strict=True) if name != "tlvs"}
    tlvs = getattr(pdu, "tlvs", ())
    if tlvs:
        fields["tlvs"] = [[_tag(tlv), tlv.value.hex()] for tlv in tlvs]
    return {"pdu": {"command": _command(header(frame).command_id)} | fields}


def _command(number: int) -> str:
    return CommandId(number).name


def _tag(tlv: Tlv) -> str:
    return Tag(tlv.tag).name


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value
