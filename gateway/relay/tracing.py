"""Who watches the PDUs of an account, a carrier or a number as they come and go.

Links are tapped only while somebody watches; else it costs them the look at one attribute for each read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from twisted.logger import Logger

from gateway.relay.client import Client
from gateway.relay.clocks import Clocks
from gateway.relay.masking import SECRET_COMMANDS, Shown, shown
from gateway.relay.uplink import Uplink
from gateway.smpp.codec import PduError, decode
from gateway.smpp.codec import header as header_of
from gateway.smpp.concat import body_of, udh_of
from gateway.smpp.constants import RESPONSE, CommandId, CommandStatus, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.framing import Framer, FramingError
from gateway.smpp.pdus import DataSm, DeliverSm, SubmitMulti, SubmitSm
from gateway.smpp.protocol import SmppProtocol, Ticker
from gateway.smpp.text import decode_text

log = Logger(__name__)

LONGEST = 1 << 20  # octets of a PDU
ANSWERS = 10_000  # requests of which a trace remembers that it wants the answer

Document = dict[str, Any]


class Wanted(NamedTuple):
    """Whose PDUs: one of these is given. A number is digits with the calling code."""

    account: str = ""
    carrier: str = ""
    number: str = ""

    def __str__(self) -> str:
        kind, name = next((name, value) for name, value in self._asdict().items() if value)
        return "a number" if kind == "number" else f"{kind} {name}"


@dataclass(slots=True, eq=False)
class Trace:
    """One who watches. `put` gets each PDU as data, `ended` why it is over."""

    wanted: Wanted
    whole: bool
    count: int
    put: Callable[[Document], None]
    ended: Callable[[str], None]
    timer: Any = None
    answers: dict[tuple[int, bool, int], None] = field(default_factory=dict)


class Ear:
    """What is known of one tapped link: its frames so far, and who binds there."""

    def __init__(self, link: SmppProtocol, number: int) -> None:
        self.number = number
        self.system_id = ""
        self.framers = {True: Framer(LONGEST), False: Framer(LONGEST)}
        self.framers[True].feed(link.session.unfinished)

    def side(self, link: SmppProtocol) -> tuple[str, str]:
        """What is at the other end, `account` or `carrier`, and its name; "" before it has one."""
        handler = link.handler
        if isinstance(handler, Uplink):
            return "carrier", handler.carrier.name
        if isinstance(handler, Client) and handler.account is not None:
            return "account", handler.account.name
        return "account", self.system_id


class Tracing:
    """All who watch now; links are tapped while there is anybody."""

    def __init__(self, ticker: Ticker, clocks: Clocks) -> None:
        self.ticker = ticker
        self.clocks = clocks
        self.traces: list[Trace] = []
        self._ears: WeakKeyDictionary[SmppProtocol, Ear] = WeakKeyDictionary()
        self._links = 0

    def begin(self, trace: Trace, seconds: float) -> None:
        """Watch for so long."""
        self.traces.append(trace)
        trace.timer = self.clocks.timer.callLater(seconds, self.end, trace, "its time is over")
        self.ticker.listen(self._heard)

    def end(self, trace: Trace, why: str) -> None:
        """Watch no more."""
        if trace not in self.traces:
            return
        self.traces.remove(trace)
        if not self.traces:
            self.ticker.listen(None)
            self._ears.clear()
        if trace.timer.active():
            trace.timer.cancel()
        trace.ended(why)

    def stop(self) -> None:
        """The node stops."""
        for trace in list(self.traces):
            self.end(trace, "the gateway stops")

    def _heard(self, link: SmppProtocol, octets: bytes, came: bool) -> None:
        """Octets of a link that came, or go. What goes wrong here ends the traces, not the link."""
        try:
            self._listen(link, octets, came)
        except Exception:
            log.failure("tracing failed; all traces are ended")
            for trace in list(self.traces):
                self.end(trace, "it failed; the log says why")

    def _listen(self, link: SmppProtocol, octets: bytes, came: bool) -> None:
        ear = self._ears.get(link)
        if ear is None:
            self._links += 1
            ear = self._ears[link] = Ear(link, self._links)
        lost = ""
        try:
            frames = ear.framers[came].feed(octets)
        except FramingError as error:
            frames, lost = error.frames, error.detail
        for frame in frames:
            self._frame(link, ear, frame, came)
        if lost:
            ear.framers[came] = Framer(LONGEST)
            where = self._where(link, ear, came)
            for trace in list(self.traces):
                if self._belongs(trace.wanted, *ear.side(link)):
                    self._put(trace, {**where, "pdu": {"command": "no SMPP", "detail": lost}, "octets": ""})

    def _frame(self, link: SmppProtocol, ear: Ear, frame: bytes, came: bool) -> None:
        head = header_of(frame)
        if came and head.command_id in SECRET_COMMANDS:
            ear.system_id = _system_id(frame)
        made: dict[bool, Document] = {}
        for trace in list(self.traces):
            if not self._wants(trace, link, ear, frame, came):
                continue
            if trace.whole not in made:
                seen = shown(frame, whole=trace.whole)
                made[trace.whole] = {
                    **self._where(link, ear, came),
                    "pdu": told(seen, head.command_id, head.command_status, head.sequence_number),
                    "octets": seen.frame.hex(),
                }
            self._put(trace, made[trace.whole])

    def _put(self, trace: Trace, document: Document) -> None:
        trace.put(document)
        trace.count -= 1
        if trace.count <= 0:
            self.end(trace, "its count is reached")

    def _where(self, link: SmppProtocol, ear: Ear, came: bool) -> Document:
        side, name = ear.side(link)
        return {
            "at": self.clocks.wall(),
            "link": ear.number,
            side: name,
            "peer": _address(link.peer_address),
            "here": _address(link.own_address),
            "server": side == "account",
            "came": came,
        }

    @staticmethod
    def _belongs(wanted: Wanted, side: str, name: str) -> bool:
        return bool(name) and name == (wanted.account if side == "account" else wanted.carrier)

    def _wants(self, trace: Trace, link: SmppProtocol, ear: Ear, frame: bytes, came: bool) -> bool:
        if not trace.wanted.number:
            return self._belongs(trace.wanted, *ear.side(link))
        head = header_of(frame)
        if head.command_id & RESPONSE:
            return trace.answers.pop((ear.number, not came, head.sequence_number), 0) is None
        if not concerns(frame, trace.wanted.number):
            return False
        if len(trace.answers) >= ANSWERS:
            del trace.answers[next(iter(trace.answers))]
        trace.answers[ear.number, came, head.sequence_number] = None
        return True


def concerns(frame: bytes, number: str) -> bool:
    """Whether a number is one of the addresses of a PDU, written with or without + or 00."""
    if number.encode() not in frame:
        return False
    try:
        pdu: Any = decode(frame)
    except PduError:
        return False
    addresses = [getattr(pdu, name, "") for name in ("source_addr", "destination_addr")]
    addresses += [getattr(each, "destination_addr", "") for each in getattr(pdu, "dest_addresses", ())]
    return any(address.removeprefix("+").removeprefix("00") == number for address in addresses)


def _system_id(frame: bytes) -> str:
    try:
        pdu: Any = decode(frame)
    except PduError:
        return ""
    return str(pdu.system_id)


def _address(address: Any) -> list[Any]:
    return [str(getattr(address, "host", "")), int(getattr(address, "port", 0))]


def told(seen: Shown, command: int, status: int, number: int) -> Document:
    """A PDU as data: its fields that say something, and its text."""
    found: Document = {"command": CommandId(command).name, "sequence_number": number}
    if command & RESPONSE or status:
        found["command_status"] = CommandStatus(status).name
    pdu: Any = seen.pdu
    if pdu is None:
        return {**found, "detail": seen.detail}
    for name, value in pdu._asdict().items():
        if name in ("sequence_number", "command_status", "tlvs") or not value:
            continue
        found[name] = _plain(value)
    if isinstance(pdu, SubmitSm | DeliverSm | DataSm | SubmitMulti) and body_of(pdu):
        found["text"] = decode_text(body_of(pdu), pdu.data_coding, udh_of(pdu), "gsm7")
    if getattr(pdu, "tlvs", ()):
        found["tlvs"] = [_named(tlv) for tlv in pdu.tlvs]
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [list(each) for each in value]
    return value


def _named(tlv: Tlv) -> str:
    name = Tag(tlv.tag).name
    return f"{name if name in Tag.__members__ else f'0x{tlv.tag:04x}'}={tlv.value.hex()}"
