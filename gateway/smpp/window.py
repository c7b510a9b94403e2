"""Our requests that the peer has not answered yet (SMPP 3.4 section 2.5.2)."""

from collections.abc import Iterator
from typing import Any, Final

from .constants import RESPONSE, CommandId

GENERIC_NACK: Final = int(CommandId.generic_nack)


Outstanding = tuple[int, Any, float, float]
"""One request on its way: the command id that answers it, what the owner wants back with the answer, the
monotonic second at which it was sent, and the same on the clock that the response timer is measured by.
"""


class Window:
    """Outstanding requests by sequence number, oldest first; at most `limit` of them."""

    __slots__ = ("limit", "outstanding")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.outstanding: dict[int, Outstanding] = {}

    def __len__(self) -> int:
        return len(self.outstanding)

    @property
    def free(self) -> int:
        """How many more may be sent."""
        return max(0, self.limit - len(self.outstanding))

    @property
    def oldest(self) -> float | None:
        """`since` of the request that waits longest."""
        for _, _, _, since in self.outstanding.values():
            return since
        return None

    def add(
        self, sequence_number: int, command_id: int, context: object, sent_at: float, since: float
    ) -> None:
        """Note a request. `since` must not go backwards from one call to the next."""
        self.outstanding[sequence_number] = command_id | RESPONSE, context, sent_at, since

    def match(self, sequence_number: int, command_id: int) -> Outstanding | None:
        """Take out the request that this response answers: same number and command, or a generic_nack."""
        outstanding = self.outstanding.get(sequence_number)
        if outstanding is None or (outstanding[0] != command_id and command_id != GENERIC_NACK):
            return None
        del self.outstanding[sequence_number]
        return outstanding

    def expired(self, since: float) -> Iterator[Outstanding]:
        """Take out, oldest first, what has waited since that moment or longer."""
        while self.outstanding:
            sequence_number, outstanding = next(iter(self.outstanding.items()))
            if outstanding[3] > since:
                return
            del self.outstanding[sequence_number]
            yield outstanding

    def drain(self) -> list[Outstanding]:
        """Take out everything, oldest first."""
        outstanding = list(self.outstanding.values())
        self.outstanding.clear()
        return outstanding
