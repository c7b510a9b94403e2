"""What a simulated carrier keeps of one connection."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.smpp.protocol import SmppProtocol
from gateway.smpp.session import State
from simulator.smsc.wire import Wire

_RECEIVING = frozenset({State.BOUND_RX, State.BOUND_TRX})
_LAST_SEQUENCE = 0x7FFFFFFF


@dataclass(slots=True, eq=False)
class Bind:
    """One connection, from accept to loss; `account` is empty until a bind was granted."""

    link: SmppProtocol
    wire: Wire
    number: int
    account: str = ""
    alive: bool = True
    open: set[int] = field(default_factory=set)
    """Sequence numbers of the peer's requests that have no answer on the wire yet."""
    answered: list[int] = field(default_factory=list)
    """Those answered in the batch at hand: the peer cannot have seen it yet."""
    last_sequence: int = 0
    held: list[tuple[bytes, str]] = field(default_factory=list)
    """Responses kept back until there are enough to send them in another order."""
    leaving: bool = False
    """Whether we have taken leave: what the peer sent before it knew is refused, and no breach."""
    misframed: bool = False
    """Whether a rule has sent octets that are no frames: the peer has to complain and to go."""

    @property
    def receiving(self) -> bool:
        return self.alive and self.link.session.state in _RECEIVING

    def leave(self) -> None:
        """Unbind, if there is something to unbind."""
        self.leaving = True
        self.link.close()

    def begin(self, sequence_number: int) -> str | None:
        """Note a request; returns what is wrong with its number, if something is."""
        fault = None
        if not 0 < sequence_number <= _LAST_SEQUENCE:
            fault = f"sequence_number {sequence_number} is out of range"
        elif sequence_number in self.open:
            fault = f"sequence_number {sequence_number} is used again before its answer"
        elif sequence_number < self.last_sequence < _LAST_SEQUENCE // 2:
            fault = f"sequence_number {sequence_number} goes back behind {self.last_sequence}"
        self.last_sequence = sequence_number
        self.open.add(sequence_number)
        return fault

    def settle(self) -> None:
        """The batch at hand was written: its answers are the peer's now."""
        self.open.difference_update(self.answered)
        self.answered.clear()
