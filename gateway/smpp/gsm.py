"""The 7-bit alphabets of 3GPP TS 23.038: default, extension and the national language shift tables.

Septets are kept one to an octet here, as SMPP carries them; `pack` and `unpack` make the radio interface's
form of them. All tables of annex A are included: locking and single shift for Turkish, Portuguese, Bengali,
Gujarati, Hindi, Kannada, Malayalam, Oriya, Punjabi, Tamil, Telugu and Urdu, single shift alone for Spanish.
A table's number is its national language identifier (section 6.2.1.2.4).
"""

import codecs
import re
from collections.abc import Mapping

ESC = 0x1B
CR = 0x0D

_VOID = "\ufffe"  # what codecs.charmap_decode takes for "no character here"

DEFAULT = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ" + _VOID + "ÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""GSM 7 bit default alphabet, section 6.2.1: the character of each septet."""

EXTENSION: Mapping[int, str] = dict(zip(b"\x0a\x14()/<=>@e", "\f^{}\\[~]|€", strict=True))
"""GSM 7 bit default alphabet extension table, section 6.2.1.1: what a septet means after ESC."""

# The locking tables of India keep ASCII's punctuation, digits and small letters where they are (but the round
# brackets change places) and fill the other cells with their script, mostly in Unicode's order.
_INDIC_COMMON = {code: chr(code) for code in b"\n\r !,.0123456789:;?abcdefghijklmnopqrstuvwxyz"}
_INDIC_COMMON |= {0x28: ")", 0x29: "("}
_INDIC_FREE = [code for code in range(128) if code not in _INDIC_COMMON and code != ESC]

# Their single shift tables begin with what the locking tables displaced, and have the capital letters.
_INDIC_SHIFT = dict(enumerate("@£$¥¿\"¤%&'\f*+")) | {0x0E: "-", 0x0F: "/"}
_INDIC_SHIFT |= dict(enumerate("<=>¡^¡_#*", start=0x10))
_INDIC_SHIFT |= {code: chr(code) for code in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_INDIC_SHIFT |= EXTENSION
_INDIC_SHIFT_FREE = [code for code in range(128) if code not in _INDIC_SHIFT and code not in (CR, ESC)]

# Script cells in order: a code point or a span of them in hexadecimal, or one dot for each cell without a
# character. Where the document misprints a code point (one in Kannada and one in Tamil that another cell has
# already, two in Telugu that are Arabic) or lacks the euro sign (Telugu alone), this is what handsets have.
_INDIC_LOCKING: Mapping[int, str] = {
    4: "0981-0983 0985-098C .. 098F 0990 .. 0993-09A8 . 09AA-09B0 . 09B2 ... 09B6-09B9 09BC-09C4 .. "
    "09C7 09C8 .. 09CB-09CE 09D7 09DC 09DD 09F0 09F1",
    5: "0A81-0A83 0A85-0A8D . 0A8F-0A91 . 0A93-0AA8 . 0AAA-0AB0 . 0AB2 0AB3 . 0AB5-0AB9 0ABC-0AC5 . "
    "0AC7-0AC9 . 0ACB-0ACD 0AD0 0AE0-0AE3 0AF1",
    6: "0901-0903 0905-0939 093C-094D 0950 0972 097B 097C 097E 097F",
    7: ". 0C82 0C83 0C85-0C8C . 0C8E-0C90 . 0C92-0CA8 . 0CAA-0CB3 . 0CB5-0CB9 0CBC-0CC4 . 0CC6-0CC8 "
    ". 0CCA-0CCD 0CD5 0CD6 0CE0-0CE3",
    8: ". 0D02 0D03 0D05-0D0C . 0D0E-0D10 . 0D12-0D28 . 0D2A-0D39 . 0D3D-0D44 . 0D46-0D48 . "
    "0D4A-0D4D 0D57 0D60-0D63 0D79",
    9: "0B01-0B03 0B05-0B0C .. 0B0F 0B10 .. 0B13-0B28 . 0B2A-0B30 . 0B32 0B33 . 0B35-0B39 0B3C-0B44 "
    ".. 0B47 0B48 .. 0B4B-0B4D 0B56 0B57 0B60-0B63",
    10: "0A01-0A03 0A05-0A0A .... 0A0F 0A10 .. 0A13-0A28 . 0A2A-0A30 . 0A32 0A33 . 0A35 0A36 . 0A38 "
    "0A39 0A3C . 0A3E-0A42 .... 0A47 0A48 .. 0A4B-0A4D 0A51 0A70-0A74",
    11: ". 0B82 0B83 0B85-0B8A ... 0B8E-0B90 . 0B92-0B95 ... 0B99 0B9A . 0B9C . 0B9E 0B9F ... 0BA3 "
    "0BA4 ... 0BA8-0BAA ... 0BAE-0BB9 .. 0BBE-0BC2 ... 0BC6-0BC8 . 0BCA-0BCD 0BD0 0BD7 0BF0-0BF2 "
    "0BF9",
    12: "0C01-0C03 0C05-0C0C . 0C0E-0C10 . 0C12-0C28 . 0C2A-0C33 . 0C35-0C39 . 0C3D-0C44 . 0C46-0C48 "
    ". 0C4A-0C4D 0C55 0C56 0C60-0C63",
    13: "0627 0622 0628 067B 0680 067E 06A6 062A 06C2 067F 0679 067D 067A 067C 062B 062C 0681 0684 "
    "0683 0685-0687 062D-062F 068C 0688-068A 068F 068D 0630 0631 0691 0693 0699 0632 0696 0698 "
    "069A 0633-0639 0641 0642 06A9-06AB 06AF 06B3 06B1 0644-0646 06BA-06BC 0648 06C4 06D5 06C1 "
    "06BE 0621 06CC 06D0 06D2 064D 0650 064F 0657 0654 0655 0651 0653 0656 0670",
}
_INDIC_SINGLE: Mapping[int, str] = {
    4: "09E6-09EF 09DF-09E3 09F2-09FA",
    5: "0964 0965 0AE6-0AEF",
    6: "0964-096F 0951-0954 0958-0963 0970 0971",
    7: "0964 0965 0CE6-0CEF 0CDE 0CF1 0CF2",
    8: "0964 0965 0D66-0D75 0D7A-0D7F",
    9: "0964 0965 0B66-0B6F 0B5C 0B5D 0B5F 0B70 0B71",
    10: "0964 0965 0A66-0A6F 0A59-0A5C 0A5E 0A75",
    11: "0964 0965 0BE6-0BEF 0BF3-0BF8 0BFA",
    12: ".. 0C66-0C6F 0C58 0C59 0C78-0C7F",
    13: "0600 0601 06F0-06F9 060C-0614 061B 061F 0640 0652 0658 066B 066C 0672 0673 06CD 06D4",
}


def _cells(spans: str) -> str:
    characters = []
    for first, last, voids in re.findall(r"([0-9A-F]{4})(?:-([0-9A-F]{4}))?|(\.)", spans):
        if voids:
            characters.append(_VOID)
        else:
            characters.extend(map(chr, range(int(first, 16), int(last or first, 16) + 1)))
    return "".join(characters)


def _table(cells: Mapping[int, str]) -> str:
    return "".join(cells.get(code, _VOID) for code in range(128))


def _locking_tables() -> tuple[str, ...]:
    default = dict(enumerate(DEFAULT))
    turkish = {0x04: "€", 0x07: "ı", 0x0B: "Ğ", 0x0C: "ğ", 0x1C: "Ş", 0x1D: "ş", 0x40: "İ", 0x60: "ç"}
    portuguese = dict(enumerate("êéúíóç\nÔô\rÁá", start=0x04))
    portuguese |= dict(enumerate("ªÇÀ∞^\\€Ó|", start=0x12))
    portuguese |= {0x1C: "Â", 0x1D: "â", 0x1E: "Ê", 0x24: "º", 0x40: "Í", 0x60: "~"}
    portuguese |= {0x5B: "Ã", 0x5C: "Õ", 0x5D: "Ú", 0x7B: "ã", 0x7C: "õ", 0x7D: "`"}
    latin = [DEFAULT, _table(default | turkish), DEFAULT, _table(default | portuguese)]
    indic = (dict(zip(_INDIC_FREE, _cells(spans), strict=True)) for spans in _INDIC_LOCKING.values())
    return (*latin, *(_table(_INDIC_COMMON | script) for script in indic))


def _single_tables() -> tuple[Mapping[int, str], ...]:
    turkish = {0x47: "Ğ", 0x49: "İ", 0x53: "Ş", 0x63: "ç", 0x67: "ğ", 0x69: "ı", 0x73: "ş"}
    accented = {0x49: "Í", 0x4F: "Ó", 0x55: "Ú", 0x69: "í", 0x6F: "ó", 0x75: "ú"}
    spanish = accented | {0x09: "ç", 0x41: "Á", 0x61: "á"}
    portuguese = accented | dict(zip(b"\x05\x09\x0b\x0c\x0e\x0f", "êçÔôÁá", strict=True))
    portuguese |= dict(zip(b"\x12\x13\x15\x16\x17\x18\x19\x1f", "ΦΓΩΠΨΣΘÊ", strict=True))
    portuguese |= {0x41: "À", 0x5B: "Ã", 0x5C: "Õ", 0x61: "Â", 0x7B: "ã", 0x7C: "õ", 0x7F: "â"}
    latin = [{**EXTENSION, **own} for own in ({}, turkish, spanish, portuguese)]
    indic = (zip(_INDIC_SHIFT_FREE, _cells(spans), strict=False) for spans in _INDIC_SINGLE.values())
    scripts = ({code: char for code, char in script if char != _VOID} for script in indic)
    return (*latin, *(_INDIC_SHIFT | script for script in scripts))


LOCKING = _locking_tables()
"""By national language identifier 0-13: 128 characters, U+FFFE where there is none. Spanish: the default."""

SINGLE = _single_tables()
"""By national language identifier 0-13: what a septet means after ESC."""


def decode(octets: bytes, locking: int = 0, single: int = 0) -> str:
    """The text of unpacked septets; never raises.

    `locking` and `single` are national language identifiers; unknown ones mean the default tables (section
    6.2.1.2.4). An octet above 0x7F or without a character becomes U+FFFD; ESC before a septet that the single
    shift table lacks shows the locking table's character, ESC ESC and ESC at the end show a space (notes to
    section 6.2.1.1).
    """
    table = LOCKING[locking] if locking < len(LOCKING) else DEFAULT
    text = codecs.charmap_decode(octets, "replace", table)[0]
    at = octets.find(ESC)
    if at < 0:
        return text
    shifted = SINGLE[single] if single < len(SINGLE) else EXTENSION
    pieces = []
    start = 0
    while at >= 0:
        pieces.append(text[start:at])
        start = at + 2
        code = octets[at + 1] if start <= len(octets) else ESC
        pieces.append(shifted.get(code) or (" " if code == ESC else text[at + 1]))
        at = octets.find(ESC, start)
    pieces.append(text[start:])
    return "".join(pieces)


_ENCODING: Mapping[int, bytes] = {
    **{ord(char): bytes((ESC, code)) for code, char in EXTENSION.items()},
    **{ord(char): bytes((code,)) for code, char in enumerate(DEFAULT) if char != _VOID},
}


def encode(text: str) -> bytes | None:
    """Unpacked septets of the default alphabet and its extension, or None if a character has none."""
    try:
        return codecs.charmap_encode(text, "strict", _ENCODING)[0]
    except UnicodeEncodeError:
        return None


def pack(septets: bytes, fill_bits: int = 0) -> bytes:
    """Septets to octets, least significant bits first (23.038 section 6.1.2.1), after `fill_bits` zero bits.

    Seven bits left over at the end hold CR, since zeros would show as "@"; a text that ends in CR on an octet
    boundary gets a second one (section 6.1.2.3.1).
    """
    spare = -(fill_bits + 7 * len(septets)) % 8
    if spare == 7 or (spare == 0 and septets.endswith(b"\r")):
        septets += b"\r"
    bits = 0
    for position, septet in enumerate(septets):
        bits |= (septet & 0x7F) << (fill_bits + 7 * position)
    return bits.to_bytes((fill_bits + 7 * len(septets) + 7) // 8, "little")


def unpack(octets: bytes, fill_bits: int = 0) -> bytes:
    """Octets to septets, leaving out `fill_bits` at the start and a CR that fills the last seven bits."""
    bits = int.from_bytes(octets, "little") >> fill_bits
    count = max(0, 8 * len(octets) - fill_bits) // 7
    septets = bytes((bits >> 7 * position) & 0x7F for position in range(count))
    filled = (8 * len(octets) - fill_bits) % 7 == 0 and septets.endswith(b"\r")
    return septets[:-1] if filled else septets
