"""A rewritten text in the PDUs that its client sent: encoded anew, and cut anew where it came in segments.

The text is encoded by the GSM alphabet where it can say all of it, else by UCS-2; for an account whose
data_coding 0 means something else, by that. Message class and reference stay, and of a user data header
everything but the national shift tables, which the new encoding does without. There are as many segments
afterwards as before. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.message import MtPdu
from gateway.smpp.concat import LOCKING_SHIFT, SINGLE_SHIFT, make_udh, part_of, udh_of, user_data_of
from gateway.smpp.constants import Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.gsm import ESC
from gateway.smpp.pdus import SubmitSm
from gateway.smpp.text import UCS2, DefaultAlphabet, encode_gsm7

MOST_OCTETS = 140  # user data of one short message, 3GPP TS 23.040 section 9.2.3.24
SAR_HEADER = 7  # what a carrier makes of the SAR TLVs at most: a header with a 16-bit reference
LONGEST_SHORT_MESSAGE = 254
LONGEST_PAYLOAD = 64_000


class Encoded(NamedTuple):
    """A text in octets; `septets` where seven bits of each go over the air."""

    data_coding: int
    octets: bytes
    septets: bool

    def limit(self, header: int) -> int:
        """Octets that fit into one short message beside a header of so many."""
        if self.septets:
            return (MOST_OCTETS * 8 - header * 8) // 7
        return (MOST_OCTETS - header) // 2 * 2 if self.data_coding & 0x08 else MOST_OCTETS - header

    def whole(self, end: int) -> int:
        """The last place up to `end` where no character is cut in two."""
        octets = self.octets
        if end >= len(octets):
            return len(octets)
        if self.septets:
            return end - 1 if octets[end - 1] == ESC else end
        if not self.data_coding & 0x08:
            return end
        end &= ~1
        return end - 2 if end >= 2 and 0xD8 <= octets[end - 2] <= 0xDB else end


def rewrite(
    pdus: Sequence[MtPdu], text: str, alphabet: DefaultAlphabet, *, payload: bool = False
) -> list[MtPdu] | None:
    """The PDUs, in their order, with `text` in the place of what they said; None if it does not fit.

    `payload` lets one PDU carry in message_payload what needs more than one short message.
    """
    encoded = encode(text, pdus[0].data_coding, alphabet)
    if len(pdus) == 1 and part_of(pdus[0]) is None:
        return _single(pdus[0], encoded, payload)
    headers = [_header(pdu) for pdu in pdus]
    bodies = cut(encoded, [encoded.limit(len(header) or SAR_HEADER) for header in headers])
    if bodies is None:
        return None
    return [
        filled(pdu, encoded.data_coding, header + body, _in_payload(pdu))
        for pdu, header, body in zip(pdus, headers, bodies, strict=True)
    ]


def encode(text: str, data_coding: int, alphabet: DefaultAlphabet) -> Encoded:
    """A text in the account's default alphabet if that can say it, else in UCS-2; the class stays."""
    flash = 0x10 <= data_coding < 0x20  # 3GPP TS 23.038 section 4: general group with a message class
    octets: bytes | None = None
    if alphabet == "gsm7":
        octets = encode_gsm7(text)
    elif alphabet in ("latin1", "ascii") and not flash:
        try:
            octets = text.encode("latin-1" if alphabet == "latin1" else "ascii")
        except UnicodeEncodeError:
            octets = None
    if octets is not None:
        return Encoded(data_coding & 0x13 if flash else 0, octets, alphabet == "gsm7")
    ucs2 = text.encode("utf-16-be", "replace")
    return Encoded(data_coding & 0x13 | UCS2 if flash else UCS2, ucs2, False)


def cut(encoded: Encoded, limits: Sequence[int]) -> list[bytes] | None:
    """The octets in as many pieces as there are limits, alike in length or, where that does not fit, each as
    long as it may be; None if they do not fit at all.
    """
    return _cut(encoded, limits, even=True) or _cut(encoded, limits, even=False)


def _cut(encoded: Encoded, limits: Sequence[int], *, even: bool) -> list[bytes] | None:
    octets = encoded.octets
    pieces = []
    start = 0
    for number, limit in enumerate(limits):
        left = len(limits) - number
        share = -(-(len(octets) - start) // left) if even else limit
        end = encoded.whole(start + min(limit, share)) if left > 1 else len(octets)
        if not 0 < end - start <= limit:
            return None
        pieces.append(octets[start:end])
        start = end
    return pieces


def _single(pdu: MtPdu, encoded: Encoded, payload: bool) -> list[MtPdu] | None:
    header = _header(pdu)
    room = encoded.limit(len(header))
    if len(user_data_of(pdu)) > encoded.limit(0):  # the client leaves it to the carrier to cut it
        room = LONGEST_SHORT_MESSAGE - len(header)
    fits = len(encoded.octets) <= room
    in_payload = _in_payload(pdu) or not fits
    if not fits and not payload and not _in_payload(pdu):
        return None
    if len(header) + len(encoded.octets) > LONGEST_PAYLOAD:
        return None
    return [filled(pdu, encoded.data_coding, header + encoded.octets, in_payload)]


def _header(pdu: MtPdu) -> bytes:
    udh = udh_of(pdu)
    if udh is None:
        return b""
    kept = [element for element in udh.elements if element[0] not in (LOCKING_SHIFT, SINGLE_SHIFT)]
    return make_udh(*kept)


def _in_payload(pdu: MtPdu) -> bool:
    return not isinstance(pdu, SubmitSm) or any(
        tlv.tag == Tag.message_payload and tlv.value for tlv in pdu.tlvs
    )


def filled(pdu: MtPdu, data_coding: int, user_data: bytes, in_payload: bool) -> MtPdu:
    """The PDU with this text and header, in message_payload or in short_message."""
    tlvs = tuple(tlv for tlv in pdu.tlvs if tlv.tag != Tag.message_payload)
    if in_payload:
        tlvs = (*tlvs, Tlv(Tag.message_payload, user_data))
    if not isinstance(pdu, SubmitSm):
        return pdu._replace(data_coding=data_coding, tlvs=tlvs)
    return pdu._replace(data_coding=data_coding, short_message=b"" if in_payload else user_data, tlvs=tlvs)
