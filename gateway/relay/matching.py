"""Which message a carrier's receipt speaks of: by canonical id and destination, the youngest unfinished
first.

Ids are scoped to a carrier's account. Carriers use ids again, so that one id may name several messages.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway.relay.slots import Slots

LOW = 0xFFFF_FFFF
DIGITS = 10**18
LONGEST_RUN = 50_000
"""Messages of a run: one is taken out in some microseconds, and a million are found in twenty."""


def same_number(one: str, other: str) -> bool:
    """Whether two writings of a number mean the same: carriers add and drop +, 00 and country codes."""
    one, other = one.lstrip("+0"), other.lstrip("+0")
    if not one or not other:
        return True
    return one.endswith(other) or other.endswith(one)


class Run:
    """Messages by a hash of the carrier's id, sorted, in eight octets each: 32 bits of the hash, and how far
    the message's id is above a base.
    """

    __slots__ = ("base", "cells")

    def __init__(self, base: int, named: Iterable[tuple[str, int]] = ()) -> None:
        """`named`: carriers' ids and messages, whose ids are from `base` on."""
        self.base = base
        self.cells = array("Q", sorted([_place(known) | message - base for known, message in named]))

    def takes(self, message_id: int) -> bool:
        """Whether there is room for one more."""
        return len(self.cells) < LONGEST_RUN and 0 <= message_id - self.base <= LOW

    def add(self, carrier_message_id: str, message_id: int) -> None:
        """One more."""
        insort(self.cells, _place(carrier_message_id) | message_id - self.base)

    def find(self, carrier_message_id: str) -> list[int]:
        """Those that may be meant."""
        place = _place(carrier_message_id)
        at = bisect_left(self.cells, place)
        found = []
        while at < len(self.cells) and self.cells[at] - place <= LOW:
            found.append(self.base + self.cells[at] - place)
            at += 1
        return found

    def discard(self, carrier_message_id: str, message_id: int) -> bool:
        """One less; whether it was in."""
        cell = _place(carrier_message_id) | message_id - self.base
        at = bisect_left(self.cells, cell) if 0 <= message_id - self.base <= LOW else len(self.cells)
        found = at < len(self.cells) and self.cells[at] == cell
        if found:
            del self.cells[at]
        return found


def _place(carrier_message_id: str) -> int:
    return (hash(carrier_message_id) & LOW) << 32


class Recalled:
    """Messages by a hash of the carrier's id, in eight octets each where a dict takes 300: of those that were
    sent long ago, or before the last start. The store knows whether one is meant.
    """

    __slots__ = ("_filling", "_runs")

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._filling = Run(0)

    def __len__(self) -> int:
        return len(self._filling.cells) + sum(len(run.cells) for run in self._runs)

    def put(self, run: Run) -> None:
        """Many at once."""
        self._runs.append(run)

    def add(self, carrier_message_id: str, message_id: int) -> None:
        """A message that the carrier has taken under this id."""
        if not self._filling.takes(message_id):
            self.put(self._filling)
            self._filling = Run(max(0, message_id - LOW // 2))
        self._filling.add(carrier_message_id, message_id)

    def find(self, carrier_message_id: str) -> list[int]:
        """Those that may be meant, youngest first."""
        found = self._filling.find(carrier_message_id)
        for run in self._runs:
            found += run.find(carrier_message_id)
        return sorted(found, reverse=True)

    def discard(self, carrier_message_id: str, message_id: int) -> bool:
        """The message has ended; whether it was known."""
        if self._filling.discard(carrier_message_id, message_id):
            return True
        for run in self._runs:
            if run.discard(carrier_message_id, message_id):
                if not run.cells:
                    self._runs.remove(run)
                return True
        return False


class Finished:
    """To which numbers messages went that ended lately, by the carrier's id: some 30 octets each, where a
    dict takes 300. Up to half of `most` are the latest, and before them are as many that go all at once, so
    that no order has to be kept.
    """

    __slots__ = ("_earlier", "_half", "_latest")

    def __init__(self, most: int) -> None:
        self._half = max(1, most // 2)
        self._latest = Slots("Q", 0)
        self._earlier = Slots("Q", 0)

    def add(self, carrier_message_id: str, number: str) -> None:
        """One more. Where an id is used again, it is known with each of its numbers."""
        digits = _digits(number)
        if self._latest.used >= self._half:
            self._earlier, self._latest = self._latest, Slots("Q", self._half)
        latest, key, times = self._latest, hash(carrier_message_id) or 1, 0
        while latest.setdefault(key, digits) != digits:
            times += 1
            key = hash((carrier_message_id, times)) or 1

    def numbers(self, carrier_message_id: str) -> Iterator[str]:
        """The numbers of an id, as far as they are digits."""
        for half in (self._latest, self._earlier):
            key, times = hash(carrier_message_id) or 1, 0
            while (known := half.get(key)) is not None:
                yield str(known)
                times += 1
                key = hash((carrier_message_id, times)) or 1


def _digits(number: str) -> int:
    """The last 18 digits of a number, as many as fit; 0, which is like all, for what is none."""
    try:
        return int(number) % DIGITS
    except ValueError:
        return 0


@dataclass(slots=True)
class Matcher:
    """The unfinished messages of one carrier by canonical id, and the ids of those finished lately.

    `keep_finished` bounds how many finished ids are remembered, so that a receipt told twice is known as
    such.
    """

    keep_finished: int = 50_000
    _open: dict[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    _recalled: Recalled = field(default_factory=Recalled)
    _finished: Finished = field(init=False)

    def __post_init__(self) -> None:
        self._finished = Finished(self.keep_finished)

    def __len__(self) -> int:
        return len(self._open) + len(self._recalled)

    def add(self, carrier_message_id: str, message_id: int, destination: str) -> None:
        """A message that the carrier has taken under this id."""
        one, named = (message_id, destination), self._open.get(carrier_message_id)
        self._open[carrier_message_id] = (one,) if named is None else (*named, one)

    def find(self, carrier_message_id: str, destination: str) -> int | None:
        """The youngest unfinished message of this id and destination."""
        for message_id, number in reversed(self._open.get(carrier_message_id, ())):
            if number == destination or same_number(number, destination):
                return message_id
        return None

    def recall(self, run: Run) -> None:
        """Messages that were taken before the last start."""
        self._recalled.put(run)

    def age(self, carrier_message_id: str, message_id: int) -> None:
        """A message was taken under this id long ago: less is kept of it."""
        named = self._open.get(carrier_message_id, ())
        if len(named) == 1 and named[0][0] == message_id:
            del self._open[carrier_message_id]
            self._recalled.add(carrier_message_id, message_id)

    def recalled(self, carrier_message_id: str) -> list[int]:
        """Messages that may be meant where `find` knows none, youngest first; to be looked up."""
        return self._recalled.find(carrier_message_id)

    def finish(self, carrier_message_id: str, message_id: int, destination: str = "") -> None:
        """The message, to this destination, has ended: its id may be used again."""
        named = self._open.pop(carrier_message_id, ())
        if len(named) == 1 and named[0][0] == message_id:
            self._finished.add(carrier_message_id, named[0][1])  # as nearly all are
            return
        ended = tuple([number for known, number in named if known == message_id])
        if not ended and self._recalled.discard(carrier_message_id, message_id):
            ended = (destination,)
        if len(ended) < len(named):
            self._open[carrier_message_id] = tuple([each for each in named if each[0] != message_id])
        for number in ended:
            self._finished.add(carrier_message_id, number)

    def was_finished(self, carrier_message_id: str, destination: str) -> bool:
        """Whether a message of this id and destination ended lately: then its receipt is told for the
        second time.
        """
        return any(same_number(number, destination) for number in self._finished.numbers(carrier_message_id))
