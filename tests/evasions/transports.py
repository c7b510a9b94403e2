"""Ways to carry a text: alphabets, and the PDUs that hold the octets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from relay_house import BANK

from gateway.smpp import gsm
from gateway.smpp.concat import (
    CONCAT_16,
    LOCKING_SHIFT,
    SINGLE_SHIFT,
    Element,
    concat_element,
    make_sar,
    make_udh,
)
from gateway.smpp.constants import ESM_UDHI, Tag
from gateway.smpp.fields import SmeAddress, Tlv
from gateway.smpp.pdus import DataSm, SubmitMulti, SubmitSm

Submit = SubmitSm | DataSm | SubmitMulti


class Said(NamedTuple):
    """A text in octets of `unit` octets (or packed septets) a character or half of one; `elements` name the
    shift tables.
    """

    octets: bytes
    data_coding: int
    unit: int = 1
    elements: tuple[Element, ...] = ()
    packed: bool = False

    def body(self, first: int, last: int, header: bytes) -> bytes:
        """The octets of a part, behind its header."""
        piece = self.octets[first:last]
        return gsm.pack(piece, -8 * len(header) % 7) if self.packed else piece


class Alphabet(NamedTuple):
    """A way to say texts in octets: by which account, and how; the number chooses among several."""

    account: str
    say: Callable[[str, int], Said | None]


def _turn(values: Sequence[int], number: int) -> int:
    return values[number % len(values)]


def in_gsm(*data_codings: int, packed: bool = False) -> Callable[[str, int], Said | None]:
    def say(text: str, number: int) -> Said | None:
        septets = gsm.encode(text)
        return septets and Said(septets, _turn(data_codings, number), packed=packed)

    return say


@cache
def septets_of(language: int) -> dict[str, bytes]:
    """What the national tables of a language say, the locking one before the single one."""
    escaped = {char: bytes((gsm.ESC, code)) for code, char in gsm.SINGLE[language].items()}
    table = gsm.LOCKING[language]
    return escaped | {char: bytes((code,)) for code, char in enumerate(table) if char != "\ufffe"}


def nationally(text: str, number: int) -> Said | None:
    """By the tables of a language that can say it; the number turns through them."""
    for step in range(1, 14):
        language = 1 + (number + step) % 13
        septets = septets_of(language)
        if all(char in septets for char in text):
            tables = (LOCKING_SHIFT, bytes((language,))), (SINGLE_SHIFT, bytes((language,)))
            return Said(b"".join(septets[char] for char in text), 0, elements=tables)
    return None


def by(codec: str, *data_codings: int) -> Callable[[str, int], Said | None]:
    def say(text: str, number: int) -> Said | None:
        try:
            return Said(text.encode(codec), _turn(data_codings, number))
        except UnicodeEncodeError:
            return None

    return say


def in_utf_16(*data_codings: int) -> Callable[[str, int], Said]:
    return lambda text, number: Said(
        text.encode("utf-16-be", "surrogatepass"), _turn(data_codings, number), unit=2
    )


ALPHABETS: dict[str, Alphabet] = {
    "GSM": Alphabet("bank", in_gsm(0)),
    "GSM, coding groups and classes": Alphabet("bank", in_gsm(0x10, 0x13, 0x40, 0xC0, 0xD0, 0xF0, 0xF3)),
    "GSM, national tables": Alphabet("bank", nationally),
    "GSM, packed": Alphabet("packed", in_gsm(0, 0xF1, packed=True)),
    "ASCII": Alphabet("bank", by("ascii", 1)),
    "Latin-1": Alphabet("bank", by("latin-1", 3)),
    "Latin-1 by default": Alphabet("latin1", by("latin-1", 0)),
    "Cyrillic": Alphabet("bank", by("iso8859_5", 6)),
    "Japanese": Alphabet("bank", by("cp932", 5)),
    "Korean": Alphabet("bank", by("cp949", 14)),
    "UTF-16": Alphabet("bank", in_utf_16(8)),
    "UTF-16, coding groups and classes": Alphabet("bank", in_utf_16(0x18, 0x19, 0x48, 0xE0)),
}

Shape = Callable[[Said, Sequence[int], int, str], list[Submit]]
"""From what is said, where it is cut, a reference and a destination to the PDUs, by their numbers."""


def _fields(said: Said, to: str, **more: Any) -> dict[str, Any]:
    usual = {"source_addr": BANK, "registered_delivery": 1, "data_coding": said.data_coding}
    return {**usual, "destination_addr": to, **more}


def _payload(octets: bytes) -> Tlv:
    return Tlv(Tag.message_payload, octets)


def whole(said: Said) -> tuple[int, bytes]:
    """esm_class and user data of a text in one piece."""
    header = make_udh(*said.elements) if said.elements else b""
    return ESM_UDHI if header else 0, header + said.body(0, len(said.octets), header)


def one_submit(said: Said, cuts: Sequence[int], reference: int, to: str) -> list[Submit]:
    esm_class, octets = whole(said)
    return [SubmitSm(**_fields(said, to, esm_class=esm_class, short_message=octets))]


def message_payload(said: Said, cuts: Sequence[int], reference: int, to: str) -> list[Submit]:
    esm_class, octets = whole(said)
    return [SubmitSm(**_fields(said, to, esm_class=esm_class, tlvs=(_payload(octets),)))]


def data_sm(said: Said, cuts: Sequence[int], reference: int, to: str) -> list[Submit]:
    esm_class, octets = whole(said)
    return [DataSm(**_fields(said, to, esm_class=esm_class, tlvs=(_payload(octets),)))]


def parts(said: Said, cuts: Sequence[int], reference: int, wide: bool = False) -> list[bytes]:
    """The user data of the segments, with their headers."""
    edges = [0, *cuts, len(said.octets)]
    found = []
    for number in range(1, len(edges)):
        element = concat_element(reference & 0xFF, len(edges) - 1, number)
        if wide:
            element = (CONCAT_16, bytes((*divmod(reference & 0xFFFF, 256), len(edges) - 1, number)))
        header = make_udh(element, *said.elements)
        found.append(header + said.body(edges[number - 1], edges[number], header))
    return found


def udh(kind: type[Submit], *, wide: bool = False, payload: bool = False) -> Shape:
    """Segments with a header, as PDUs of this kind."""

    def shape(said: Said, cuts: Sequence[int], reference: int, to: str) -> list[Submit]:
        found: list[Submit] = []
        for octets in parts(said, cuts, reference, wide):
            held = {"tlvs": (_payload(octets),)} if payload else {"short_message": octets}
            found.append(kind(**_fields(said, to, esm_class=ESM_UDHI, **held)))
        return found

    return shape


def sar(kind: type[Submit], *, payload: bool = False) -> Shape:
    """Segments with the SAR TLVs."""

    def shape(said: Said, cuts: Sequence[int], reference: int, to: str) -> list[Submit]:
        edges = [0, *cuts, len(said.octets)]
        found: list[Submit] = []
        for number in range(1, len(edges)):
            octets = said.body(edges[number - 1], edges[number], b"")
            tlvs = make_sar(reference & 0xFFFF, len(edges) - 1, number)
            held = {"tlvs": (*tlvs, _payload(octets))} if payload else {"short_message": octets, "tlvs": tlvs}
            found.append(kind(**_fields(said, to, **held)))
        return found

    return shape


def submit_multi(shape: Shape) -> Shape:
    """The same to two destinations at once."""

    def shaped(said: Said, cuts: Sequence[int], reference: int, to: str) -> list[Submit]:
        found: list[Submit] = []
        for pdu in shape(said, cuts, reference, to):
            fields = pdu._asdict()
            fields["dest_addresses"] = tuple(SmeAddress(1, 1, number) for number in (to, f"{to}9"))
            known = {name: fields[name] for name in SubmitMulti._fields if name in fields}
            found.append(SubmitMulti(**known))
        return found

    return shaped


SHAPES: dict[str, Shape] = {
    "one submit_sm": one_submit,
    "message_payload": message_payload,
    "UDH of 8 bits": udh(SubmitSm),
    "UDH of 16 bits": udh(SubmitSm, wide=True),
    "UDH in message_payload": udh(SubmitSm, payload=True),
    "SAR": sar(SubmitSm),
    "SAR in message_payload": sar(SubmitSm, payload=True),
    "data_sm": data_sm,
    "data_sm with UDH": udh(DataSm, payload=True),
    "data_sm with SAR": sar(DataSm, payload=True),
    "submit_multi": submit_multi(one_submit),
    "submit_multi with UDH": submit_multi(udh(SubmitSm, wide=True)),
    "submit_multi with SAR": submit_multi(sar(SubmitSm)),
}

REPLACED = "replace_sm"
"""The transport that is none of these: a clean message that waits is replaced."""

LONGEST = 254
"""Octets of short_message."""


def carries(shape: str, said: Said) -> str:
    """Why a transport cannot carry what is said; "" if it can."""
    if "SAR" in shape and said.elements:
        return "a header and SAR TLVs together are refused in the response (ESME_ROPTPARNOTALLWD)"
    if shape in ("one submit_sm", "submit_multi", REPLACED) and len(whole(said)[1]) > LONGEST:
        return f"more than {LONGEST} octets do not fit into short_message"
    return ""
