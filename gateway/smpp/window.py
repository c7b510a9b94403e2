"""Our requests that the peer has not answered yet (SMPP 3.4 section 2.5.2)."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from .constants import RESPONSE, CommandId

GENERIC_NACK: Final = int(CommandId.generic_nack)


class Outstanding(NamedTuple):
    """One request on its way.

    `response` is the command id that answers it, `context` what the owner wants back with the answer,
    `sent_at` the monotonic second at which it was sent, `since` the same on the clock that the response
    timer is measured by.
    """

    response: int
    context: object
    sent_at: float
    since: float


class Window:
    """Outstanding requests by sequence number, oldest first; at most `limit` of them."""

    __slots__ = ("_outstanding", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._outstanding: dict[int, Outstanding] = {}

    def __len__(self) -> int:
        return len(self._outstanding)

    def __contains__(self, sequence_number: object) -> bool:
        return sequence_number in self._outstanding

    @property
    def free(self) -> int:
        """How many more may be sent."""
        return max(0, self.limit - len(self._outstanding))

    @property
    def oldest(self) -> float | None:
        """`since` of the request that waits longest."""
        for outstanding in self._outstanding.values():
            return outstanding.since
        return None

    def add(
        self, sequence_number: int, command_id: int, context: object, sent_at: float, since: float
    ) -> None:
        """Note a request. `since` must not go backwards from one call to the next."""
        self._outstanding[sequence_number] = Outstanding(command_id | RESPONSE, context, sent_at, since)

    def match(self, sequence_number: int, command_id: int) -> Outstanding | None:
        """Take out the request that this response answers: same number and command, or a generic_nack."""
        outstanding = self._outstanding.get(sequence_number)
        if outstanding is None or (outstanding.response != command_id and command_id != GENERIC_NACK):
            return None
        del self._outstanding[sequence_number]
        return outstanding

    def expired(self, since: float) -> Iterator[Outstanding]:
        """Take out, oldest first, what has waited since that moment or longer."""
        while self._outstanding:
            sequence_number, outstanding = next(iter(self._outstanding.items()))
            if outstanding.since > since:
                return
            del self._outstanding[sequence_number]
            yield outstanding

    def drain(self) -> list[Outstanding]:
        """Take out everything, oldest first."""
        outstanding = list(self._outstanding.values())
        self._outstanding.clear()
        return outstanding
