"""Text to octets and back by data_coding (SMPP 3.4 section 5.2.19; 3GPP TS 23.038 section 4)."""

import codecs
from collections.abc import Sequence
from typing import Literal, NamedTuple

from . import gsm
from .concat import Udh, concat_element, make_udh

DefaultAlphabet = Literal["gsm7", "latin1", "ascii", "gsm7-packed"]
"""What data_coding 0 means to a peer; packed: septets as on the radio interface."""

GSM7 = 0
UCS2 = 8

_DEFAULT = "default"  # whatever data_coding 0 means
_GSM = "gsm"  # the GSM alphabet itself, packed if the default one is
_UTF16 = "utf-16-be"
_JAPANESE = frozenset(("cp932", "iso2022_jp", "euc_jp"))

_SMPP_CODECS = {
    0: _DEFAULT,
    1: "ascii",
    2: None,
    3: "latin-1",
    4: None,
    5: "cp932",
    6: "iso8859_5",
    7: "iso8859_8",
    8: _UTF16,
    9: "cp932",
    10: "iso2022_jp",
    13: "euc_jp",
    14: "cp949",
}


def _codec_of(data_coding: int) -> str | None:
    if data_coding < 0x10:
        return _SMPP_CODECS.get(data_coding, _DEFAULT)
    group = data_coding >> 4
    if group < 0x8:  # 23.038's general and automatic deletion groups: bit 5 compressed, bits 3-2 the alphabet
        return None if data_coding & 0x20 else (_GSM, None, _UTF16, _DEFAULT)[data_coding >> 2 & 3]
    if group < 0xC:
        return _DEFAULT
    if group == 0xE:
        return _UTF16
    return None if group == 0xF and data_coding & 0x04 else _GSM


_CODECS = tuple(map(_codec_of, range(256)))


class Segment(NamedTuple):
    """One short_message of a text: whether it begins with a user data header, and in which coding it is."""

    udhi: bool
    data_coding: int
    short_message: bytes


def alphabet_of(data_coding: int, default_alphabet: DefaultAlphabet = "gsm7") -> str:
    """The name of the alphabet that a data_coding means; "" if it is not text."""
    codec = _CODECS[data_coding & 0xFF]
    if codec is _DEFAULT:
        return "latin-1" if default_alphabet == "latin1" else default_alphabet
    if codec is _GSM:
        return "gsm7-packed" if default_alphabet == "gsm7-packed" else "gsm7"
    return codec or ""


def decode_text(
    octets: bytes, data_coding: int, udh: Udh | None = None, default_alphabet: DefaultAlphabet = "gsm7"
) -> str | None:
    """The text of a body as a handset shows it, or None if it is not text (8-bit data, compressed).

    `octets` are without the header; `udh` names the shift tables, and for packed septets says where they
    begin. Never raises: what cannot be decoded becomes U+FFFD, lone surrogates among it. Codings that SMPP
    leaves reserved are read as 23.038 says: 0x10 to 0x7F by their alphabet bits (0x10 and 0x18 are seen for
    flash messages), the others as the default alphabet.
    """
    codec = _CODECS[data_coding & 0xFF]
    if codec is _UTF16:
        return codecs.utf_16_be_decode(octets, "replace", True)[0]
    if codec is None:
        return None
    codec = alphabet_of(data_coding, default_alphabet)
    if codec == "gsm7":
        return gsm.decode(octets) if udh is None else gsm.decode(octets, udh.locking, udh.single)
    if codec == "gsm7-packed":
        fill_bits = -8 * udh.header_length % 7 if udh is not None else 0
        septets = gsm.unpack(octets, fill_bits)
        return gsm.decode(septets) if udh is None else gsm.decode(septets, udh.locking, udh.single)
    if codec in _JAPANESE and b"\x1b" in octets:
        codec = "iso2022_jp_ext"  # escapes are what it is, whichever of the three it was said to be
    return octets.decode(codec, "replace")


def decode_parts(
    parts: Sequence[tuple[bytes, int, Udh | None]], default_alphabet: DefaultAlphabet = "gsm7"
) -> str | None:
    """The text of a long message: (body, data_coding, header) of its parts in order; None if none is text.

    Parts alike in coding and shift tables are joined before they are decoded, so that a character which a
    careless sender cut in two is still read.
    """
    alike = {
        (alphabet_of(data_coding, default_alphabet), udh and (udh.locking, udh.single))
        for _, data_coding, udh in parts
    }
    if len(alike) == 1 and default_alphabet != "gsm7-packed":
        _, data_coding, udh = parts[0]
        return decode_text(b"".join(body for body, _, _ in parts), data_coding, udh, default_alphabet)
    texts = [decode_text(body, data_coding, udh, default_alphabet) for body, data_coding, udh in parts]
    readable = [text for text in texts if text is not None]
    return "".join(readable) if readable else None


def encode_gsm7(text: str) -> bytes | None:
    """Unpacked septets of the GSM default alphabet, or None if `text` has other characters."""
    return gsm.encode(text)


def choose_encoding(text: str) -> tuple[int, bytes]:
    """data_coding and octets: GSM if it can say all of `text`, else UTF-16 (lone surrogates become "?")."""
    septets = gsm.encode(text)
    return (GSM7, septets) if septets is not None else (UCS2, text.encode("utf-16-be", "replace"))


def segment_text(text: str, reference: int) -> list[Segment]:
    """The short messages of `text`, each small enough for one SM: 160 septets or 140 octets, header included.

    `reference` from 0 to 0xFFFF joins the parts; up to 0xFF the header has 8 bits of it. No surrogate pair
    and no ESC pair is split. ValueError if more than 255 parts would be needed.
    """
    data_coding, octets = choose_encoding(text)
    if len(octets) <= (160 if data_coding == GSM7 else 140):
        return [Segment(False, data_coding, octets)]
    wide = reference > 0xFF
    limit = 153 - wide if data_coding == GSM7 else 134 - 2 * wide
    bodies = []
    start = 0
    while start < len(octets):
        end = _cut(octets, start + limit, data_coding)
        bodies.append(octets[start:end])
        start = end
    headers = (make_udh(concat_element(reference, len(bodies), number + 1)) for number in range(len(bodies)))
    return [Segment(True, data_coding, udh + body) for udh, body in zip(headers, bodies, strict=True)]


def _cut(octets: bytes, end: int, data_coding: int) -> int:
    if end >= len(octets):
        return len(octets)
    if data_coding == GSM7:
        return end - 1 if octets[end - 1] == gsm.ESC else end
    return end - 2 if 0xD8 <= octets[end - 2] <= 0xDB else end
