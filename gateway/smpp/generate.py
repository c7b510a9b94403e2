"""Writes pdus.py from the tables of spec.py: `python -m gateway.smpp.generate`.

For each PDU one NamedTuple, one decoder and one encoder without loops or look-ups, which is what makes them
fast. They take values as they are; that an octet is missing or left over shows by an exception.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from .constants import HEADER_OCTETS
from .spec import PDUS, Field, Kind, PduSpec

TARGET = Path(__file__).with_name("pdus.py")

PREAMBLE = '''"""The PDUs as values, and their codec; from spec.py by `python -m gateway.smpp.generate`.

The decoders raise one of fields.BODY_ERRORS for a body that they cannot read, the encoders for a value that
does not fit; codec.py turns both into what its callers expect.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any, NamedTuple

from .fields import (
    Destination,
    Tlv,
    UnsuccessSme,
    decode_destinations,
    decode_tlvs,
    decode_unsuccess,
    encode_destinations,
    encode_tlvs,
    encode_unsuccess,
)

_header = Struct(">IIII").pack
_new = tuple.__new__
'''

TYPES = {
    Kind.INTEGER: "int",
    Kind.C_OCTETS: "str",
    Kind.TIME: "str",
    Kind.SHORT_MESSAGE: "bytes",
    Kind.DESTINATIONS: "tuple[Destination, ...]",
    Kind.UNSUCCESS: "tuple[UnsuccessSme, ...]",
}
STRINGS = (Kind.C_OCTETS, Kind.TIME)
LISTS = {Kind.DESTINATIONS: "destinations", Kind.UNSUCCESS: "unsuccess"}


def class_name(spec: PduSpec) -> str:
    """submit_sm_resp -> SubmitSmResp."""
    return "".join(word.capitalize() for word in spec.command_id.name.split("_"))


def default(field: Field) -> str:
    """The default of a field, as source text."""
    if field.kind is Kind.INTEGER:
        return f"0x{field.default:02x}" if field.default else "0"
    return {"str": '""', "bytes": 'b""'}.get(TYPES[field.kind], "()")


def names(spec: PduSpec) -> list[str]:
    """The names of all values of a PDU, in the order of its tuple."""
    fields = [field.name for field in spec.fields]
    return ["sequence_number", "command_status", *fields, *(["tlvs"] if spec.tlvs else [])]


def render_class(spec: PduSpec) -> Iterator[str]:
    """The NamedTuple of a PDU."""
    yield f"class {class_name(spec)}(NamedTuple):"
    yield f'    """{spec.command_id.name} ({spec.source})."""'
    yield ""
    yield "    sequence_number: int = 0"
    yield "    command_status: int = 0"
    for field in spec.fields:
        yield f"    {field.name}: {TYPES[field.kind]} = {default(field)}"
    if spec.tlvs:
        yield "    tlvs: tuple[Tlv, ...] = ()"
    yield ""
    yield "    @property"
    yield "    def command_id(self) -> int:"
    yield f"        return 0x{spec.command_id:08x}"


class Cursor:
    """Where the decoder stands: a constant, or a constant after the variable `end`."""

    def __init__(self) -> None:
        self.variable = ""
        self.offset = HEADER_OCTETS

    def at(self, ahead: int = 0) -> str:
        """The expression for an offset `ahead` of here."""
        offset = self.offset + ahead
        if not self.variable:
            return str(offset)
        return f"{self.variable} + {offset}" if offset else self.variable

    def moved(self, offset: int) -> None:
        """From now on count from the variable `end`."""
        self.variable, self.offset = "end", offset


def render_field(field: Field, cursor: Cursor, alone: bool) -> Iterator[str]:
    """The lines that read one field, and move the cursor behind it; `alone`: no other is a string."""
    if field.kind is Kind.INTEGER:
        yield f"    {field.name} = frame[{cursor.at()}]"
        cursor.offset += 1
    elif field.kind in STRINGS:
        start, limit = cursor.at(), cursor.at(field.accepted)
        if cursor.variable:
            yield f"    start = {start}"
            start, limit = "start", f"start + {field.accepted}"
        # To look for the end costs more than all else here, and most are empty.
        yield f"    if frame[{start}]:"
        yield f"        end = frame.index(0, {start}, {limit})"
        value = f'frame[{start}:end].decode("latin-1")' if alone else f"text[{start}:end]"
        yield f"        {field.name} = {value}"
        yield "    else:"
        yield f'        end, {field.name} = {start}, ""'
        cursor.moved(1)
    elif field.kind is Kind.SHORT_MESSAGE:
        yield f"    start = {cursor.at(1)}"
        yield "    end = start + frame[start - 1]"
        yield "    if end > len(frame):"
        yield '        raise IndexError("sm_length past the end of the PDU")'
        yield f"    {field.name} = frame[start:end]"
        cursor.moved(0)
    else:
        yield f"    {field.name}, end = decode_{LISTS[field.kind]}(frame, {cursor.at()})"
        cursor.moved(0)


def render_decoder(spec: PduSpec) -> Iterator[str]:
    """The function that makes the PDU of a frame."""
    name, made = spec.command_id.name, class_name(spec)
    yield f"def decode_{name}(frame: bytes, sequence_number: int, command_status: int) -> {made}:"
    yield f'    """Raises one of BODY_ERRORS if the body is not that of {name}."""'
    if spec.is_response or not spec.fields:
        yield f"    if len(frame) == {HEADER_OCTETS}:"
        yield f"        return {made}(sequence_number, command_status)"
    if not spec.tlvs:
        yield '    raise ValueError("octets after the header")'
        return
    strings = [field for field in spec.fields if field.kind in STRINGS]
    if len(strings) > 1:
        yield '    text = frame.decode("latin-1")'
    cursor = Cursor()
    for field in spec.fields:
        yield from render_field(field, cursor, len(strings) == 1)
    yield f"    tlvs = decode_tlvs(frame, {cursor.at()}) if len(frame) > {cursor.at()} else ()"
    yield f"    return _new({made}, ({', '.join(names(spec))}))"


def render_encoder(spec: PduSpec) -> Iterator[str]:
    """The function that makes the frame of a PDU."""
    name, made, number = spec.command_id.name, class_name(spec), f"0x{spec.command_id:08x}"
    yield f"def encode_{name}(pdu: {made}) -> bytes:"
    yield '    """Raises one of BODY_ERRORS if a value does not fit."""'
    if len(names(spec)) == 2:
        yield f"    return _header({HEADER_OCTETS}, {number}, pdu.command_status, pdu.sequence_number)"
        return
    yield f"    {', '.join(names(spec))} = pdu"
    if spec.is_response and spec.fields:
        yield "    if command_status and not any(pdu[2:]):"
        yield f"        return _header({HEADER_OCTETS}, {number}, command_status, sequence_number)"
    yield from render_body(spec)
    yield f"    return _header({HEADER_OCTETS} + len(body), {number}, command_status, sequence_number) + body"


def render_body(spec: PduSpec) -> Iterator[str]:
    """The lines that make `body`."""
    if not spec.fields:
        yield "    body = encode_tlvs(tlvs)"
        return
    strings = [field for field in spec.fields if field.kind in STRINGS]
    if len(strings) == 1:
        (field,) = strings
        yield f'    raw_{field.name} = {field.name}.encode("latin-1")'
        yield f"    if len(raw_{field.name}) >= {field.accepted} or 0 in raw_{field.name}:"
        yield f'        raise ValueError("{field.name} is no C-octet string")'
    elif strings:
        # One encoding for all of them, and a NUL inside one makes a part too many.
        joined = "\\0".join(f"{{{field.name}}}" for field in strings)
        yield f'    joined = f"{joined}"'
        raw = [f"raw_{field.name}" for field in strings]
        yield f'    {", ".join(raw)}{"," if len(raw) == 1 else ""} = joined.encode("latin-1").split(b"\\0")'
        yield f"    if {' or '.join(f'len(raw_{field.name}) >= {field.accepted}' for field in strings)}:"
        yield '        raise ValueError("a C-octet string is too long")'
    layout = ""
    values: list[str] = []
    for field in spec.fields:
        if field.kind is Kind.INTEGER:
            layout, values = layout + "%c", [*values, field.name]
        elif field.kind in STRINGS:
            layout, values = layout + "%b\\0", [*values, f"raw_{field.name}"]
        elif field.kind is Kind.SHORT_MESSAGE:
            layout, values = layout + "%c%b", [*values, f"len({field.name})", field.name]
        else:
            layout, values = layout + "%b", [*values, f"encode_{LISTS[field.kind]}({field.name})"]
    if layout == "%b\\0":
        yield f'    body = {values[0]} + b"\\0"'
    else:
        yield f'    body = b"{layout}" % ({", ".join(values)},)'
    yield "    if tlvs:"
    yield "        body += encode_tlvs(tlvs)"


def render() -> str:
    """The whole of pdus.py."""
    parts = [PREAMBLE.rstrip("\n")]
    for spec in PDUS:
        parts += [
            "\n".join(part) for part in (render_class(spec), render_decoder(spec), render_encoder(spec))
        ]
    union = "\n    | ".join(class_name(spec) for spec in PDUS)
    parts.append(f"Pdu = (\n    {union}\n)")
    tables = ["CLASSES: dict[int, type[Pdu]] = {"]
    tables += [f"    0x{spec.command_id:08x}: {class_name(spec)}," for spec in PDUS]
    tables += ["}", "DECODERS: dict[int, Callable[[bytes, int, int], Pdu]] = {"]
    tables += [f"    0x{spec.command_id:08x}: decode_{spec.command_id.name}," for spec in PDUS]
    tables += ["}", "ENCODERS: dict[type[Any], Callable[[Any], bytes]] = {"]
    tables += [f"    {class_name(spec)}: encode_{spec.command_id.name}," for spec in PDUS]
    tables += ["}"]
    return formatted("\n\n\n".join([*parts, "\n".join(tables)]))


def formatted(source: str) -> str:
    """Source text in the style of the house. Raises CalledProcessError if it is no Python."""
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(TARGET), "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
