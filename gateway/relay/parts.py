"""A message that one carrier gets in several segments: what became of each, in the place of its carrier's id.

The client's message stays one. Its segments leave one after the other, each marked on disk before it is
written as any message is; the ids that the carrier gave, and the ends that it told, stand as JSON in
carrier_message_id, so that a restart goes on where the last segment was taken.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from gateway.store.rows import State

MARK = '{"of":'
GOOD = (State.DELIVERED, State.ACCEPTED)


@dataclass(slots=True)
class Taken:
    """A segment that the carrier has taken; `state` is 0 until it has ended."""

    id: str
    state: int = 0


@dataclass(slots=True)
class Parts:
    """The segments of a message at its carrier: how many there are, and those that were taken, in order.

    `former` are ids of a text that was begun and then begun anew in other segments.
    """

    of: int
    taken: list[Taken] = field(default_factory=list)
    former: list[str] = field(default_factory=list)

    def written(self) -> str:
        """As it is stored."""
        taken = [[part.id, part.state] for part in self.taken]
        return f"{MARK}{self.of},{json.dumps({'taken': taken, 'former': self.former})[1:]}"

    @property
    def complete(self) -> bool:
        """Whether the carrier has taken all of them."""
        return len(self.taken) == self.of

    def ids(self) -> list[str]:
        """All that the carrier has named."""
        return [part.id for part in self.taken] + self.former

    def open_ids(self) -> list[str]:
        """Those whose receipts are awaited."""
        return [part.id for part in self.taken if not part.state]

    def end(self, identity: str, state: State) -> bool:
        """A segment has ended; False if none of that id was open."""
        for part in self.taken:
            if part.id == identity and not part.state:
                part.state = int(state)
                return True
        return False

    def outcome(self) -> State | None:
        """The end of the whole: that of a segment that failed, or the good one when all have ended."""
        ended = [State(part.state) for part in self.taken if part.state]
        for state in ended:
            if state not in GOOD:
                return state
        if len(ended) < self.of:
            return None
        return State.ACCEPTED if State.ACCEPTED in ended else State.DELIVERED


def read_parts(stored: str | None) -> Parts | None:
    """What `written` gave; None for a carrier's plain id."""
    if stored is None or not stored.startswith(MARK):
        return None
    try:
        document = json.loads(stored)
        return Parts(document["of"], [Taken(*part) for part in document["taken"]], [*document["former"]])
    except (ValueError, KeyError, TypeError):
        return None


def ids_of(stored: str) -> list[str]:
    """The carrier's ids by which receipts may still come."""
    parts = read_parts(stored)
    return [stored] if parts is None else parts.open_ids()


def shown_ids(stored: str | None) -> str | None:
    """The ids for people."""
    parts = read_parts(stored)
    return stored if parts is None else " ".join(part.id for part in parts.taken)


def due(parts: Parts | None, total: int, at_same_carrier: bool) -> Parts | None:
    """The segments of a message that is now cut into `total`: those that were begun, where they are the same,
    else begun anew; None for a message in one piece.
    """
    if parts is not None and at_same_carrier and parts.of == total:
        return parts
    former = parts.ids() if parts is not None else []
    return Parts(total, [], former) if total > 1 or former else None
