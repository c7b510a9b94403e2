"""A text in the characters that one carrier has, and cut into the segments that it wants. Pure.

Septets are worked on one to an octet and packed at the very end, where a carrier wants them packed.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from gateway.relay.addressing import Unfit
from gateway.relay.rewriting import Encoded
from gateway.settings.rewriting import Charset
from gateway.smpp import gsm
from gateway.smpp.concat import CONCAT_8, CONCAT_16, Element, Udh, make_udh
from gateway.smpp.constants import CommandStatus
from gateway.smpp.text import GSM7, UCS2, DefaultAlphabet, alphabet_of, decode_text

LATIN1 = 3
MOST_SEGMENTS = 255
_LIKE = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "‛": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
        "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-", "…": "...", "•": "-", "·": ".",
        "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u200b": "", "\ufeff": "", "`": "'", "´": "'",
        "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "×": "x", "©": "(c)",
        "®": "(r)", "™": "(tm)", "№": "No", "，": ",", "。": ".", "！": "!", "？": "?", "：": ":",
    }
)  # fmt: skip


class Body(NamedTuple):
    """The text of one PDU: `octets` are unpacked septets where `packed`, all else as it is sent."""

    data_coding: int
    octets: bytes
    septets: bool
    packed: bool = False
    anew: bool = False  # it was encoded anew

    @property
    def encoded(self) -> Encoded:
        return Encoded(self.data_coding, self.octets, self.septets)

    def one(self, header: int) -> bool:
        """Whether it fits into one short message beside a header of so many octets."""
        return len(self.octets) <= self.encoded.limit(header)

    def sent(self, octets: bytes, header: bytes) -> bytes:
        """What is sent of some of the octets, after a header."""
        return header + (gsm.pack(octets, -8 * len(header) % 7) if self.packed else octets)


class Recoder:
    """Encodes what a carrier could not read."""

    def __init__(self, rules: Charset) -> None:
        self.rules = rules
        self.idle = rules == Charset()

    def body(self, octets: bytes, data_coding: int, udh: Udh | None, alphabet: DefaultAlphabet) -> Body:
        """The text for the carrier, of what a client whose data_coding 0 means `alphabet` has sent. Raises
        Unfit.
        """
        rules = self.rules
        known = rules.default or alphabet
        theirs = alphabet_of(data_coding, alphabet)
        if (not rules.takes or data_coding in rules.takes) and theirs == alphabet_of(data_coding, known):
            if theirs == "gsm7-packed":
                fill = -8 * udh.header_length % 7 if udh is not None else 0
                return Body(data_coding, gsm.unpack(octets, fill), True, packed=True)
            return Body(data_coding, octets, theirs == "gsm7")
        text = decode_text(octets, data_coding, udh, alphabet)
        if text is None:
            if rules.takes:
                raise Unfit("the carrier does not take its data_coding", CommandStatus.ESME_RINVDCS)
            return Body(data_coding, octets, False)
        return self.encode(text, data_coding, known)._replace(anew=True)

    def encode(self, text: str, data_coding: int, known: DefaultAlphabet) -> Body:
        """A text in characters that the carrier has. Raises Unfit."""
        rules = self.rules
        body = self._as_it_is(text, data_coding, known)
        if body is None and rules.otherwise == "transliterate":
            body = self._as_it_is(transliterate(text, known), data_coding, known)
        if body is None and rules.otherwise != "refuse" and self._takes(UCS2):
            coding = self._classed(UCS2, data_coding)
            body = Body(coding, text.encode("utf-16-be", "replace"), False)
        if body is None:
            raise Unfit("the carrier has not all of its characters", CommandStatus.ESME_RINVDCS)
        return body

    def _as_it_is(self, text: str, data_coding: int, known: DefaultAlphabet) -> Body | None:
        if self._takes(GSM7) and (octets := _encode(text, known)) is not None:
            septets = known in ("gsm7", "gsm7-packed")
            coding = self._classed(GSM7, data_coding) if septets else GSM7
            return Body(coding, octets, septets, packed=known == "gsm7-packed")
        if LATIN1 in self.rules.takes and (octets := _encode(text, "latin1")) is not None:
            return Body(LATIN1, octets, False)
        return None

    def _takes(self, data_coding: int) -> bool:
        return not self.rules.takes or data_coding in self.rules.takes

    def _classed(self, coding: int, data_coding: int) -> int:
        """A coding with the message class that the client's has, where the carrier takes that."""
        classed = data_coding & 0x13 | coding if 0x10 <= data_coding < 0x20 else coding
        return classed if self._takes(classed) else coding


def _encode(text: str, alphabet: DefaultAlphabet) -> bytes | None:
    if alphabet in ("gsm7", "gsm7-packed"):
        return gsm.encode(text)
    try:
        return text.encode("latin-1" if alphabet == "latin1" else "ascii")
    except UnicodeEncodeError:
        return None


def transliterate(text: str, alphabet: DefaultAlphabet) -> str:
    """The text with like characters in the place of those that an alphabet lacks, where there are any."""
    return "".join(c if _encode(c, alphabet) is not None else _like(c, alphabet) for c in text)


def _like(character: str, alphabet: DefaultAlphabet) -> str:
    like = character.translate(_LIKE)
    if like == character:
        parts = unicodedata.normalize("NFKD", character)
        like = "".join(part for part in parts if not unicodedata.combining(part))
    return like if _encode(like, alphabet) is not None else character


def cut(body: Body, elements: tuple[Element, ...], kind: str, reference: int) -> list[tuple[bytes, bytes]]:
    """Header and text of each segment. SAR segments have no header, unless `elements` are to be kept, and
    room is left for the one that the carrier makes of them. Raises Unfit for more than 255 segments.
    """
    room = len(part_header(elements, "udh16" if kind == "sar" else kind, 0, 1, 1))
    pieces = []
    start, encoded = 0, body.encoded
    while start < len(body.octets):
        end = encoded.whole(start + encoded.limit(room))
        if end <= start:
            raise Unfit("its header leaves no room for text", CommandStatus.ESME_RINVMSGLEN)
        pieces.append(body.octets[start:end])
        start = end
    if len(pieces) > MOST_SEGMENTS:
        raise Unfit(f"it needs {len(pieces)} segments", CommandStatus.ESME_RINVMSGLEN)
    total = len(pieces)
    headers = (part_header(elements, kind, reference, total, number) for number in range(1, total + 1))
    return list(zip(headers, pieces, strict=True))


def part_header(elements: tuple[Element, ...], kind: str, reference: int, total: int, number: int) -> bytes:
    """The user data header of a segment; empty where SAR TLVs tell all of it."""
    if kind == "sar":
        return make_udh(*elements) if elements else b""
    if kind == "udh16":
        own = CONCAT_16, bytes((*divmod(reference & 0xFFFF, 256), total, number))
    else:
        own = CONCAT_8, bytes((reference & 0xFF, total, number))
    return make_udh(*elements, own)
