"""Which message a carrier's receipt speaks of: by canonical id and destination, the youngest unfinished
first.

Ids are scoped to a carrier's account. Carriers use ids again, so that one id may name several messages.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field


def same_number(one: str, other: str) -> bool:
    """Whether two writings of a number mean the same: carriers add and drop +, 00 and country codes."""
    one, other = one.lstrip("+0"), other.lstrip("+0")
    if not one or not other:
        return True
    return one.endswith(other) or other.endswith(one)


@dataclass(slots=True)
class Matcher:
    """The unfinished messages of one carrier by canonical id, and the ids of those finished lately.

    `keep_finished` bounds how many finished ids are remembered, so that a receipt told twice is known as
    such.
    """

    keep_finished: int = 50_000
    _open: dict[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    _finished: OrderedDict[str, tuple[str, ...]] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return len(self._open)

    def add(self, carrier_message_id: str, message_id: int, destination: str) -> None:
        """A message that the carrier has taken under this id."""
        named = self._open.get(carrier_message_id, ())
        self._open[carrier_message_id] = (*named, (message_id, destination))

    def find(self, carrier_message_id: str, destination: str) -> int | None:
        """The youngest unfinished message of this id and destination."""
        for message_id, number in reversed(self._open.get(carrier_message_id, ())):
            if number == destination or same_number(number, destination):
                return message_id
        return None

    def finish(self, carrier_message_id: str, message_id: int) -> None:
        """The message has ended: its id may be used again."""
        named = self._open.pop(carrier_message_id, ())
        ended = tuple([number for known, number in named if known == message_id])
        if len(ended) < len(named):
            self._open[carrier_message_id] = tuple([each for each in named if each[0] != message_id])
        if ended:
            self._finished[carrier_message_id] = self._finished.get(carrier_message_id, ()) + ended
        while len(self._finished) > self.keep_finished:
            self._finished.popitem(last=False)

    def was_finished(self, carrier_message_id: str, destination: str) -> bool:
        """Whether a message of this id and destination ended lately: then its receipt is told for the
        second time.
        """
        return any(same_number(number, destination) for number in self._finished.get(carrier_message_id, ()))
