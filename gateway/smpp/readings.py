"""What else a text may look like on a handset, where handsets and carriers differ in how they read octets.

Whoever judges a text by one reading alone is evaded by a text that only others read. The ways in which they
differ, each with octets that make the difference:

* a carrier drops the high bit of what should be seven bits, where others show a replacement character;
* a handset does not know a national shift table, or takes a header that does not add up for text;
* Latin-1 is read as Windows reads it; UCS-2 with a byte order mark in the order that this names;
* data_coding 15, which SMPP reserves, is GB 18030 in China;
* the parts of a long text are decoded one by one or joined, by their own data_coding or by the first one's;
* what stands behind a right-to-left override is shown in reverse, by who obeys it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .concat import Carried, Udh, body_of, udh_of, user_data_of
from .constants import ESM_UDHI
from .text import DefaultAlphabet, alphabet_of, decode_parts, decode_text

_UCS2 = 8
_GB18030 = 15
_SEVEN_BITS = frozenset(("gsm7", "ascii"))
_WINDOWS = re.compile(rb"[\x80-\x9f]")
_LITTLE_ENDIAN = b"\xff\xfe"
_RIGHT_TO_LEFT, _LEFT_TO_RIGHT, _POP = "\u202e", "\u202d", "\u202c"
_OVERRIDE = _RIGHT_TO_LEFT.encode("utf-16-be")
_LINES = re.compile("([\n\r\u2029])")


class Body(NamedTuple):
    """The octets of one short message without its header, and what says how to read them."""

    octets: bytes
    data_coding: int
    udh: Udh | None


def body(pdu: Carried) -> Body:
    """The body of a PDU."""
    if not pdu.esm_class & ESM_UDHI:
        return Body(user_data_of(pdu), pdu.data_coding, None)
    return Body(body_of(pdu), pdu.data_coding, udh_of(pdu))


def read_alone(pdu: Carried, alphabet: DefaultAlphabet) -> tuple[str | None, bool]:
    """The text of a PDU that is no part of a long one, and whether it is of the usual kinds that have no
    other reading.
    """
    data_coding = pdu.data_coding
    if pdu.esm_class & ESM_UDHI:
        return decode_text(body_of(pdu), data_coding, udh_of(pdu), alphabet), False
    octets = user_data_of(pdu)
    plain = data_coding == 0 and alphabet == "gsm7" and octets.isascii()
    if data_coding == _UCS2:
        plain = not octets.startswith(_LITTLE_ENDIAN) and _OVERRIDE not in octets
    return decode_text(octets, data_coding, None, alphabet), plain


def other_readings(pdus: Sequence[Carried], text: str, alphabet: DefaultAlphabet) -> tuple[str, ...]:
    """The readings of a text, given as the PDUs of its parts in order, that are not `text` itself."""
    bodies = [body(pdu) for pdu in pdus]
    changed = [_changed(each, alphabet) for each in bodies]
    odd = any(each.udh is None and pdu.esm_class & ESM_UDHI for each, pdu in zip(bodies, pdus, strict=True))
    turned = _RIGHT_TO_LEFT in text
    if len(bodies) == 1 and changed[0] is None and not (odd or turned):
        return ()
    found: dict[str | None, None] = {}
    if len(bodies) > 1:
        found |= dict.fromkeys(_joined_otherwise(bodies, alphabet))
    if odd:
        found |= dict.fromkeys(_with_headers(bodies, pdus, alphabet))
    if any(changed):
        # each part in its own other way, since a text that needs two of them is read by nobody
        found[_decoded([there or each for there, each in zip(changed, bodies, strict=True)], alphabet)] = None
    if turned:
        found[as_shown(text)] = None
    found.pop(text, None)
    return tuple(filter(None, found))


def as_shown(text: str) -> str:
    """A text in the order in which it is shown: what overrides enclose is turned round, as often as they
    say; none reaches beyond its line.
    """
    return "".join(map(_line_as_shown, _LINES.split(text)))


def _line_as_shown(line: str) -> str:
    open_runs: list[tuple[bool, list[str]]] = [(False, [])]
    for character in line:
        if character in (_RIGHT_TO_LEFT, _LEFT_TO_RIGHT):
            open_runs.append((character == _RIGHT_TO_LEFT, []))
        elif character != _POP:
            open_runs[-1][1].append(character)
        elif len(open_runs) > 1:
            _close(open_runs)
    while len(open_runs) > 1:
        _close(open_runs)
    return "".join(open_runs[0][1])


def _close(open_runs: list[tuple[bool, list[str]]]) -> None:
    """Give the innermost run to the one around it, as one piece."""
    turned, pieces = open_runs.pop()
    open_runs[-1][1].append("".join(reversed(pieces) if turned else pieces))


def _joined_otherwise(bodies: Sequence[Body], alphabet: DefaultAlphabet) -> Iterator[str | None]:
    """All parts decoded one by one, and all of them by the first one's data_coding and tables."""
    yield _decoded(bodies, alphabet)
    _, data_coding, udh = bodies[0]
    if any(each.data_coding != data_coding for each in bodies):
        alike = [Body(each.octets, data_coding, udh) for each in bodies]
        yield decode_parts(alike, alphabet)
        yield _decoded(alike, alphabet)


def _with_headers(
    bodies: Sequence[Body], pdus: Sequence[Carried], alphabet: DefaultAlphabet
) -> Iterator[str]:
    """With the headers that do not add up as text, with and without their octet of length."""
    for skipped in (0, 1):
        yield _decoded(
            [
                Body(user_data_of(pdu)[skipped:], each.data_coding, None)
                if each.udh is None and pdu.esm_class & ESM_UDHI
                else each
                for each, pdu in zip(bodies, pdus, strict=True)
            ],
            alphabet,
        )


def _changed(each: Body, alphabet: DefaultAlphabet) -> Body | str | None:
    """The body as another carrier or handset takes it, or its text; None if there is only one way."""
    octets, data_coding, udh = each
    known = alphabet_of(data_coding, alphabet)
    if data_coding == _GB18030:
        return octets.decode("gb18030", "replace")
    if known in _SEVEN_BITS and not octets.isascii():
        return Body(bytes(octet & 0x7F for octet in octets), data_coding, udh)
    if udh is not None and (udh.locking or udh.single):
        return Body(octets, data_coding, Udh((), udh.header_length))
    if known == "latin-1" and _WINDOWS.search(octets):
        return octets.decode("cp1252", "replace")
    if known == "utf-16-be" and octets.startswith(_LITTLE_ENDIAN):
        return octets.decode("utf-16-le", "replace")
    return None


def _decoded(parts: Sequence[Body | str], alphabet: DefaultAlphabet) -> str:
    return "".join((part if isinstance(part, str) else decode_text(*part, alphabet) or "") for part in parts)
