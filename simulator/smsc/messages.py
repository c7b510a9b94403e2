"""What a simulated carrier knows of a message, and the many ways to write its number."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from gateway.smpp.constants import MessageState
from simulator.smsc.profile import Ids, Receipts

_SEEDED_FIRST = 9_000_000_000
_SHORT_ID = 8
_BASES = {"dec": "d", "hex": "x", "HEX": "X"}


class Address(NamedTuple):
    ton: int
    npi: int
    number: str


@dataclass(slots=True)
class Message:
    """One message to one destination. `outcome` is the message_state it will end in; None: it never ends."""

    number: int
    account: str
    source: Address
    destination: Address
    registered_delivery: int
    service_type: str
    text: bytes
    submitted_at: float
    outcome: int | None
    receipts: Receipts
    short_id: bool
    rule: str | None
    state: int = MessageState.ENROUTE
    done_at: float | None = None


def writer(form: str) -> Callable[[int], str]:
    """The function that writes a number in a form such as `dec`, `hex8` or `HEX`."""
    base, width = form[:3], form[3:]
    spec = f"0{width}" if width else ""
    return f"{{:{spec}{_BASES[base]}}}".format


class Numbers:
    """Gives each message of a carrier a number, and writes it as the profile says for each place.

    Peers that speak less than version 3.4 take ids of at most eight characters (section 3.4): they are
    given the last eight of the number.
    """

    def __init__(self, ids: Ids, source: random.Random, wall: Callable[[], float]) -> None:
        if ids.first == "clock":
            self._next = int(wall() * 1_000_000)
        elif ids.first == "seed":
            self._next = source.randrange(_SEEDED_FIRST) + 1
        else:
            self._next = ids.first
        self._prefix = ids.prefix
        self._response = writer(ids.response)
        self._text = writer(ids.text)
        self._tlv = writer(ids.tlv)

    def next(self) -> int:
        number = self._next
        self._next = number + 1
        return number

    def in_response(self, number: int, short: bool = False) -> str:
        return self._write(self._response, number, short)

    def in_text(self, number: int, short: bool = False) -> str:
        return self._write(self._text, number, short)

    def in_tlv(self, number: int, short: bool = False) -> str:
        return self._write(self._tlv, number, short)

    def _write(self, write: Callable[[int], str], number: int, short: bool) -> str:
        if short:
            return write(number % 10**_SHORT_ID)[-_SHORT_ID:]
        return self._prefix + write(number)
