"""Duplicates: a submit that comes twice within an account's window has the answer of the first and is not
sent.

The same is: source, destination, data_coding, what it says, and which segment of which reference it is. It
belongs to the account, so another session is no way around it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

from gateway.filters.verdict import Action, Verdict
from gateway.message import Message
from gateway.settings.quotas import Duplicates as Settings
from gateway.smpp.concat import user_data_of
from gateway.store.rows import MessageRow, State

PAGE = 2000
AGAIN = Verdict(Action.REFUSE, "gateway", "duplicates")
"""The word of a window in shadow."""


@dataclass(slots=True, eq=False)
class First:
    """The one that came first, and who waits to be answered until it is on disk (True) or is not (False)."""

    client_id: str
    until: float
    stored: bool = False
    waiting: list[Callable[[bool], None]] = field(default_factory=list)

    def settle(self, stored: bool) -> None:
        """Answer all who have waited."""
        self.stored = stored
        waiting, self.waiting = self.waiting, []
        for answer in waiting:
            answer(stored)


class Duplicates:
    """What an account has sent lately: the oldest is forgotten when there is too much of it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._firsts: OrderedDict[bytes, First] = OrderedDict()

    @property
    def enforced(self) -> bool:
        """Whether it acts, and is not in shadow."""
        return self.settings.mode == "enforce"

    def __len__(self) -> int:
        return len(self._firsts)

    def find(self, key: bytes, now: float) -> First | None:
        """The first of these, if it is not too long ago (unix seconds)."""
        first = self._firsts.get(key)
        return first if first is not None and first.until > now else None

    def put(self, key: bytes, client_id: str, accepted: float, *, stored: bool = False) -> First:
        """This is the first."""
        first = First(client_id, accepted + self.settings.within, stored)
        self._firsts[key] = first
        self._firsts.move_to_end(key)
        while len(self._firsts) > self.settings.most or self._oldest().until <= accepted:
            self._firsts.popitem(last=False)
        return first

    def _oldest(self) -> First:
        return next(iter(self._firsts.values()))

    def forget(self, key: bytes, first: First) -> None:
        """It was not stored after all."""
        if self._firsts.get(key) is first:
            del self._firsts[key]
        first.settle(False)


def refused_at_once(row: MessageRow) -> bool:
    """Whether a message was refused before any carrier had it: it is no first, so that the client may try
    again when what was missing is there.
    """
    return row.state == State.REJECTED and row.sent_at is None


def key_of(message: Message) -> bytes:
    """What is the same in two that mean the same."""
    pdu, part = message.pdu, message.part
    said = user_data_of(pdu)
    which = f"{part.kind} {part.reference} {part.total} {part.number}" if part is not None else ""
    head = f"{message.source}\0{message.destination}\0{pdu.data_coding}\0{which}\0"
    return blake2b(head.encode() + said, digest_size=16).digest()
