"""What the load is made of: submit_sm PDUs made beforehand but for their number and destination."""

from __future__ import annotations

import random
import struct
from array import array
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from gateway.smpp.codec import encode
from gateway.smpp.constants import CommandId, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import SubmitSm
from gateway.smpp.text import choose_encoding, segment_text

KINDS = {
    "gsm": "Your parcel will arrive today between 14:00 and 16:00 o'clock",
    "ucs2": "【示例银行】您的验证码是482913",
    "long": "Your statement of account is ready. " * 10,
    "long-ucs2": "【示例银行】您的账单已生成，请登录查看。" * 8,
    "sar": "Your statement of account is ready. " * 10,
    "payload": "Your statement of account is ready. " * 10,
}
"""The kinds of a mix: short, short in UCS-2, segmented by UDH, by SAR TLVs, in message_payload."""

_HEADER = struct.Struct(">IIII")
_DESTINATION = "<destination>"
_NUMBER = "48151623"
_UDHI = 0x40
_CYCLE = 1000
_REFERENCES = 255


class Template(NamedTuple):
    """The body of a submit_sm, cut at the destination and at the running number in its text (if any)."""

    before: bytes
    middle: bytes
    after: bytes
    numbered: int
    """Octets of one digit of the number in this alphabet; 0: no number."""


class Addressing(NamedTuple):
    """Who sends to whom: destinations count up from the first, `destinations` of them in turn."""

    source: str = "10690001"
    first_destination: int = 8619910000000
    destinations: int = 10_000_000
    registered_delivery: int = 1
    service_type: str = ""


class Traffic:
    """Hands out pieces (submits) by number, and writes their frames.

    A text that needs several segments is several pieces in a row, to one destination. What was refused for
    now, or never answered, is given back with `again` and comes first.
    """

    def __init__(
        self, texts: int, shapes: Mapping[str, float] | str, addressing: Addressing, seed: int = 0
    ) -> None:
        self._addressing = addressing
        self._shapes = _shapes(shapes, addressing)
        self._cycle = self._order(shapes, random.Random(seed))
        self._texts = texts
        self._next_text = 0
        self._text_of = array("L")
        self._template_of: list[Template] = []
        self._ready: deque[int] = deque()

    @property
    def exhausted(self) -> bool:
        """Whether there is nothing left to hand out at present."""
        return not self._ready and self._next_text >= self._texts

    @property
    def pieces(self) -> int:
        """How many pieces there are so far."""
        return len(self._text_of)

    def take(self, most: int) -> list[int]:
        """At most so many pieces, in order."""
        ready = self._ready
        while len(ready) < most and self._next_text < self._texts:
            self._add_text()
        return [ready.popleft() for _ in range(min(most, len(ready)))]

    def again(self, piece: int) -> None:
        """Hand out a piece once more, before all that is new."""
        self._ready.appendleft(piece)

    def stop(self) -> int:
        """Hand out nothing more but what is given back; returns how many ready pieces are dropped."""
        self._texts = self._next_text
        dropped = len(self._ready)
        self._ready.clear()
        return dropped

    def destination(self, piece: int) -> str:
        addressing = self._addressing
        return str(addressing.first_destination + self._text_of[piece] % addressing.destinations)

    def frame(self, piece: int, sequence_number: int) -> bytes:
        """The octets of a piece."""
        template = self._template_of[piece]
        destination = self.destination(piece).encode()
        number = b""
        if template.numbered:
            digits = f"{self._text_of[piece]:08d}"[-8:]
            number = digits.encode("ascii" if template.numbered == 1 else "utf-16-be")
        body = b"".join((template.before, destination, template.middle, number, template.after))
        return _HEADER.pack(16 + len(body), CommandId.submit_sm, 0, sequence_number) + body

    def _add_text(self) -> None:
        shape = self._shapes[self._cycle[self._next_text % len(self._cycle)]]
        for template in shape[self._next_text % len(shape)]:
            self._ready.append(len(self._text_of))
            self._text_of.append(self._next_text)
            self._template_of.append(template)
        self._next_text += 1

    @staticmethod
    def _order(shapes: Mapping[str, float] | str, source: random.Random) -> list[int]:
        """Which shape the texts have, in turn: a shuffled cycle in which each has its share."""
        if isinstance(shapes, str):
            return [0]
        total = sum(shapes.values())
        cycle = [
            index
            for index, weight in enumerate(shapes.values())
            for _ in range(max(1, round(_CYCLE * weight / total)) if weight else 0)
        ]
        source.shuffle(cycle)
        return cycle


def parse_mix(text: str) -> dict[str, float]:
    """The weights of `gsm=80,ucs2=15,long=5`; raises ValueError for a kind that is not known."""
    mix: dict[str, float] = {}
    for part in text.split(","):
        kind, _, weight = part.strip().partition("=")
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no kind of message; there are {', '.join(KINDS)}")
        mix[kind] = float(weight or 1)
    if min(mix.values()) < 0 or sum(mix.values()) <= 0:
        raise ValueError("weights are 0 or more, one of them above 0")
    return mix


def _shapes(shapes: Mapping[str, float] | str, addressing: Addressing) -> list[list[list[Template]]]:
    """Per shape, the versions of its segments: one for each reference number, so that long texts differ."""
    if isinstance(shapes, str):
        return [_versions("text", shapes, addressing)]
    return [_versions(kind, KINDS[kind], addressing) for kind in shapes]


def _versions(kind: str, text: str, addressing: Addressing) -> list[list[Template]]:
    first = _templates(kind, text, addressing, 1)
    if len(first) == 1:
        return [first]
    return [first] + [_templates(kind, text, addressing, number) for number in range(2, _REFERENCES + 1)]


def _templates(kind: str, text: str, addressing: Addressing, reference: int) -> list[Template]:
    text = text.replace("{n}", _NUMBER)
    submits = _submits(kind, text, reference)
    return [_template(submit, addressing, _NUMBER in text) for submit in submits]


def _submits(kind: str, text: str, reference: int) -> list[SubmitSm]:
    if kind == "payload":
        data_coding, octets = choose_encoding(text)
        return [SubmitSm(data_coding=data_coding, tlvs=(Tlv(Tag.message_payload, octets),))]
    parts = segment_text(text, reference)
    if kind == "sar":
        return [_sar(part, number, len(parts), reference) for number, part in enumerate(parts, 1)]
    return [
        SubmitSm(esm_class=_UDHI if udhi else 0, data_coding=data_coding, short_message=octets)
        for udhi, data_coding, octets in parts
    ]


def _sar(part: tuple[bool, int, bytes], number: int, total: int, reference: int) -> SubmitSm:
    udhi, data_coding, octets = part
    tlvs = (
        Tlv(Tag.sar_msg_ref_num, struct.pack(">H", reference)),
        Tlv(Tag.sar_total_segments, bytes((total,))),
        Tlv(Tag.sar_segment_seqnum, bytes((number,))),
    )
    return SubmitSm(
        data_coding=data_coding, short_message=octets[1 + octets[0] :] if udhi else octets, tlvs=tlvs
    )


def _template(submit: SubmitSm, addressing: Addressing, numbered: bool) -> Template:
    source = addressing.source
    alphanumeric = not source.isdigit()
    body = encode(
        submit._replace(
            service_type=addressing.service_type,
            source_addr_ton=5 if alphanumeric else 0,
            source_addr_npi=0 if alphanumeric else 1,
            source_addr=source,
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=_DESTINATION,
            registered_delivery=addressing.registered_delivery,
        )
    )[_HEADER.size :]
    before, after = body.split(_DESTINATION.encode(), 1)
    if not numbered:
        return Template(before, after, b"", 0)
    for octets, encoding in ((1, "ascii"), (2, "utf-16-be")):
        middle, found, rest = after.partition(_NUMBER.encode(encoding))
        if found:
            return Template(before, middle, rest, octets)
    raise ValueError("{n} cannot be in a text of several segments")
