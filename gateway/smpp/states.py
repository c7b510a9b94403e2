"""What a session may do when: its states, who may send what in each, and what moves it.

Everything here is data and look-up. `PERMISSIONS` and `TRANSITIONS` do not know which role we play: they name
the role that sends. Sources: SMPP 3.4 sections 2.2-2.4, SMPP 5.0 sections 2.3, 2.4 and 2.8.2.
"""

from __future__ import annotations

from enum import Enum
from functools import cache

from .constants import V50, CommandId, CommandStatus
from .enums import quick
from .pdus import CLASSES, BindReceiver, BindTransceiver, BindTransmitter, Pdu

BindPdu = BindTransmitter | BindReceiver | BindTransceiver


@quick
class Role(Enum):
    """A side of the session: the client (ESME) or the message centre (SMSC)."""

    ESME = "ESME"
    SMSC = "SMSC"

    @property
    def other(self) -> Role:
        """The side that we talk to."""
        return Role.SMSC if self is Role.ESME else Role.ESME


@quick
class State(Enum):
    """OPEN: connected, not bound. UNBINDING: an unbind was sent or received. CLOSED: nothing more is said."""

    OPEN = "OPEN"
    BOUND_TX = "BOUND_TX"
    BOUND_RX = "BOUND_RX"
    BOUND_TRX = "BOUND_TRX"
    UNBINDING = "UNBINDING"
    CLOSED = "CLOSED"


OPEN, BOUND_TX, BOUND_RX, BOUND_TRX, UNBINDING, CLOSED = State
BOUND = frozenset({BOUND_TX, BOUND_RX, BOUND_TRX})

BINDS = frozenset({CommandId.bind_transmitter, CommandId.bind_receiver, CommandId.bind_transceiver})
UNANSWERABLE = frozenset({CommandId.outbind, CommandId.alert_notification})
"""Requests without a response (3.4 sections 2.1 and 2.2.1)."""
NOT_BY_SEND = frozenset({CommandId.unbind, CommandId.generic_nack})
NO_MESSAGES = BINDS | UNANSWERABLE | NOT_BY_SEND | {CommandId.enquire_link}

_ESME = frozenset({Role.ESME})
_SMSC = frozenset({Role.SMSC})
_BOTH = frozenset(Role)
_Table = dict[CommandId, dict[State, frozenset[Role]]]

PERMISSIONS: _Table = {
    CommandId.bind_transmitter: {OPEN: _ESME},
    CommandId.bind_receiver: {OPEN: _ESME},
    CommandId.bind_transceiver: {OPEN: _ESME},
    CommandId.outbind: {OPEN: _SMSC},
    CommandId.submit_sm: {BOUND_TX: _ESME, BOUND_TRX: _ESME},
    CommandId.submit_multi: {BOUND_TX: _ESME, BOUND_TRX: _ESME},
    CommandId.query_sm: {BOUND_TX: _ESME, BOUND_TRX: _ESME},
    CommandId.cancel_sm: {BOUND_TX: _ESME, BOUND_TRX: _ESME},
    CommandId.replace_sm: {BOUND_TX: _ESME, BOUND_TRX: _ESME},
    CommandId.deliver_sm: {BOUND_RX: _SMSC, BOUND_TRX: _SMSC},
    CommandId.alert_notification: {BOUND_RX: _SMSC, BOUND_TRX: _SMSC},
    CommandId.data_sm: {BOUND_TX: _ESME, BOUND_RX: _SMSC, BOUND_TRX: _BOTH},
    CommandId.unbind: {BOUND_TX: _BOTH, BOUND_RX: _BOTH, BOUND_TRX: _BOTH, UNBINDING: _BOTH},
    CommandId.enquire_link: {state: _BOTH for state in State if state is not CLOSED},
    CommandId.generic_nack: {state: _BOTH for state in State if state is not CLOSED},
}
"""command -> state -> the roles that may send it, by SMPP 5.0; what is not here is not allowed."""

BEFORE_50: _Table = {
    CommandId.data_sm: {BOUND_TX: _BOTH, BOUND_RX: _BOTH, BOUND_TRX: _BOTH},
}
"""Where sessions of 3.4 and older differ from `PERMISSIONS` (3.4 table 2-1)."""

TOLERATED: _Table = {
    CommandId.deliver_sm: {BOUND_TX: _SMSC},
    CommandId.alert_notification: {BOUND_TX: _SMSC},
    CommandId.data_sm: {BOUND_TX: _SMSC},
}
"""What we take all the same: carriers that send receipts on a transmitter bind would lose them."""

TRANSITIONS: dict[State, dict[CommandId, State]] = {
    OPEN: {
        CommandId.bind_transmitter_resp: BOUND_TX,
        CommandId.bind_receiver_resp: BOUND_RX,
        CommandId.bind_transceiver_resp: BOUND_TRX,
    },
    BOUND_TX: {CommandId.unbind: UNBINDING},
    BOUND_RX: {CommandId.unbind: UNBINDING},
    BOUND_TRX: {CommandId.unbind: UNBINDING},
    UNBINDING: {CommandId.unbind_resp: CLOSED},
    CLOSED: {},
}
"""state -> what was sent or received -> next state. A bind response moves only with ESME_ROK."""


@cache
def permitted(sender: Role, state: State, version: int) -> frozenset[CommandId]:
    """The commands that `sender` may send in `state` of a session of this interface version."""
    return _look_up(PERMISSIONS if version >= V50 else PERMISSIONS | BEFORE_50, sender, state)


@cache
def messages_of(sender: Role, state: State, version: int) -> frozenset[type[Pdu]]:
    """The kinds of messages that `sender` may send in `state` of a session of this interface version."""
    return frozenset(CLASSES[command] for command in permitted(sender, state, version) - NO_MESSAGES)


@cache
def tolerated(sender: Role, state: State) -> frozenset[CommandId]:
    """The commands that we take from `sender` in `state`, permitted or not."""
    return _look_up(TOLERATED, sender, state)


def misplaced(command: int, state: State, binding: bool) -> CommandStatus:
    """The refusal of a request that may not come in this state; `binding`: a bind waits for its answer."""
    if command in BINDS and (binding or state in BOUND):
        return CommandStatus.ESME_RALYBND
    return CommandStatus.ESME_RINVBNDSTS


def _look_up(table: _Table, sender: Role, state: State) -> frozenset[CommandId]:
    return frozenset(command for command, states in table.items() if sender in states.get(state, ()))


def named(pdu: Pdu) -> str:
    """A PDU in words: its command and its number."""
    return f"{CommandId(pdu.command_id).name} {pdu.sequence_number}"
