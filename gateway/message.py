"""Message: the one value that walks through the house.

Filters and routing read it; the relay moves it. Its PDU is the client's own; the text is decoded once, when
somebody first asks for it, as the handset will show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway.smpp.concat import Part
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DataSm, SubmitSm
from gateway.smpp.readings import body, other_readings, read_alone
from gateway.smpp.stencils import Said
from gateway.smpp.text import DefaultAlphabet, decode_parts

MtPdu = SubmitSm | DataSm


@dataclass(slots=True, eq=False)
class Message:
    """One accepted submit to one destination.

    Times are unix milliseconds. `part` is set when the message is a segment of a long text; `segment_of` is
    then the id of the segment of that text that was accepted first. `due` is when it may leave, where that is
    later than now. `segments` is filled only in the value that stands for a whole long text while it is
    judged. `taken_off` are TLVs that are for the gateway and not for carriers. `by` is the carrier that alone
    may take it: the gateway's own answer to a reply that came by it. `counted_at` is the unix second at which
    it counts for limits of frequency, 0 while it does not. `tier` is how urgent it is, 1 to 3, 0 for none.
    `octets` is the PDU as it came, while it is worth to be kept: as long as nothing in it was changed and no
    carrier has got it; `said` is the stencil of what it says, while it says what came. A copy has neither.
    """

    id: int
    account: str
    tenant: str
    client_id: str
    accepted_at: int
    pdu: MtPdu
    category: str
    generation: int
    expires_at: int
    due: int | None = None
    default_alphabet: DefaultAlphabet = "gsm7"
    part: Part | None = None
    segment_of: int | None = None
    segments: tuple[Message, ...] = ()
    taken_off: tuple[int, ...] = ()
    by: str = ""
    counted_at: int = 0
    tier: int = 0
    octets: bytes = field(init=False, default=b"")
    said: Said | None = field(init=False, default=None)
    source: str = field(init=False)
    destination: str = field(init=False)
    _text: str | None = field(init=False, default=None)
    _read: bool = field(init=False, default=False)
    _others: tuple[str, ...] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.source = self.pdu.source_addr
        self.destination = self.pdu.destination_addr.lstrip("+")

    @property
    def text(self) -> str | None:
        """What the handset will show: the whole long text where this value stands for one; None if it is
        binary.
        """
        if not self._read:
            if self.segments:
                parts = [body(segment.pdu) for segment in self.segments]
                self._text = decode_parts(parts, self.default_alphabet)
            else:
                self._text, plain = read_alone(self.pdu, self.default_alphabet)
                self._others = () if plain else None
            self._read = True
        return self._text

    @property
    def others(self) -> tuple[str, ...]:
        """What other handsets may show instead: hardly ever anything, unless somebody means to deceive."""
        if self._others is not None:
            return self._others
        text = self.text  # which knows of most that they have no other
        if self._others is None:
            pdus = [each.pdu for each in self.segments or (self,)]
            self._others = other_readings(pdus, text or "", self.default_alphabet)
        return self._others

    @property
    def readings(self) -> tuple[str | None, ...]:
        """The text and its other readings."""
        if self._read and self._others == ():
            return (self._text,)
        return (self.text, *self.others)

    def rewrite(self, pdu: MtPdu) -> None:
        """Put another PDU in the place of the client's: a rule of the admin's wants it."""
        self.pdu, self.octets, self.said = pdu, b"", None
        self._read, self._others = False, None

    def saying(self, text: str | None, tlvs: tuple[Tlv, ...] = ()) -> Message:
        """The same message as if it said `text` (None: what it says) and had these TLVs too, to be judged."""
        said = self.text if text is None else text
        other = replace(self, pdu=self.pdu._replace(tlvs=self.pdu.tlvs + tlvs) if tlvs else self.pdu)
        other._text, other._read = said, True
        other._others = self._others if text is None else ()
        return other

    def says(self, said: Said, text: str | None, others: tuple[str, ...]) -> None:
        """It is of a stencil whose text and other readings are known."""
        self.said = said
        self._text, self._others, self._read = text, others, True

    def read_like(self, other: Message) -> None:
        """Take the text of one that has the same: of many destinations one decodes it for all."""
        self._text, self._others, self._read = other.text, other.others, True

    @property
    def priority(self) -> int:
        """priority_flag, 0 to 3 (SMPP 3.4, section 5.2.14); data_sm has none and counts as 0."""
        return self.pdu.priority_flag if isinstance(self.pdu, SubmitSm) else 0


def joined(segments: Sequence[Message]) -> Message:
    """One value that stands for a whole long text while it is judged; `segments` in the order of their
    numbers.
    """
    return replace(segments[0], segments=tuple(segments))
