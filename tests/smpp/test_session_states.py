"""Every state x command x role x version against a table of its own (3.4 table 2-1, 5.0 section 2.4)."""

from __future__ import annotations

from itertools import product
from struct import pack

import pytest
from talk import SAMPLES, numbered, pdus_of, session_in

from gateway.smpp.codec import encode
from gateway.smpp.constants import RESPONSE, V34, V50, CommandId, CommandStatus
from gateway.smpp.events import Close, Received, Unbound, Violation, WrongState
from gateway.smpp.pdus import CLASSES, GenericNack
from gateway.smpp.session import PERMISSIONS, TRANSITIONS, Role, State

# E: the ESME may send it, M: the message centre may; 3: before version 5.0 both may.
# m: the message centre may not, but we take it as an ESME.
TABLE = """
                     OPEN   BOUND_TX  BOUND_RX  BOUND_TRX  UNBINDING  CLOSED
bind_transmitter     E      -         -         -          -          -
bind_receiver        E      -         -         -          -          -
bind_transceiver     E      -         -         -          -          -
outbind              M      -         -         -          -          -
submit_sm            -      E         -         E          -          -
submit_multi         -      E         -         E          -          -
query_sm             -      E         -         E          -          -
cancel_sm            -      E         -         E          -          -
replace_sm           -      E         -         E          -          -
deliver_sm           -      m         M         M          -          -
alert_notification   -      m         M         M          -          -
data_sm              -      E3m       M3        EM         -          -
unbind               -      EM        EM        EM         EM         -
enquire_link         EM     EM        EM        EM         EM         -
generic_nack         EM     EM        EM        EM         EM         -
"""


def cells() -> dict[tuple[CommandId, State], str]:
    head, *rows = [line.split() for line in TABLE.strip().splitlines()]
    return {
        (CommandId[row[0]], State[state]): cell
        for row in rows
        for state, cell in zip(head, row[1:], strict=True)
    }


CELLS = cells()
LETTER = {Role.ESME: "E", Role.SMSC: "M"}
BINDS = {CommandId.bind_transmitter, CommandId.bind_receiver, CommandId.bind_transceiver}
BOUND = {State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX}
VERSIONS = [V34, V50]
everywhere = pytest.mark.parametrize(
    ("role", "state", "version"),
    list(product(Role, State, VERSIONS)),
    ids=lambda v: getattr(v, "name", str(v)),
)


def may(sender: Role, command: CommandId, state: State, version: int) -> bool:
    cell = CELLS[command, state]
    return LETTER[sender] in cell or ("3" in cell and version < V50)


def test_the_table_names_every_command_of_the_permissions() -> None:
    assert set(PERMISSIONS) == {command for command, _ in CELLS}
    assert set(SAMPLES) == set(PERMISSIONS) - {CommandId.generic_nack}


@pytest.mark.parametrize("command", SAMPLES, ids=lambda command: command.name)
@everywhere
def test_a_request_of_the_peer(role: Role, state: State, version: int, command: CommandId) -> None:
    session = session_in(role, state, version)
    events = session.receive(numbered(SAMPLES[command], 77), 1.0)
    answers = [(pdu.command_id, pdu.command_status, pdu.sequence_number) for pdu in pdus_of(session.output())]

    if state is State.CLOSED:
        assert (events, answers) == ([], [])
    elif may(role.other, command, state, version):
        if command is CommandId.enquire_link:
            assert (events, answers) == ([], [(CommandId.enquire_link_resp, 0, 77)])
        elif command is CommandId.unbind:
            assert [type(event) for event in events] == [Unbound, Close]
            assert answers == [(CommandId.unbind_resp, 0, 77)]
            assert session.state is State.CLOSED
        else:
            pdu = SAMPLES[command]._replace(sequence_number=77)
            owed = command not in {CommandId.outbind, CommandId.alert_notification}
            frame = encode(pdu) if owed and command not in BINDS else b""  # of messages alone
            assert ([type(event) for event in events], answers) == ([Received], [])
            assert events[0][:2] == (pdu, frame)
            assert session.incoming == owed
    elif "m" in CELLS[command, state] and role is Role.ESME:
        assert [type(event) for event in events] == [Violation, Received]
        assert answers == []
    else:
        status = refusal_status(role, state, command)
        response = command | RESPONSE if command | RESPONSE in CLASSES else CommandId.generic_nack
        assert [(type(event), getattr(event, "status", None)) for event in events] == [(Violation, status)]
        assert answers == [(response, status, 77)]
        assert session.state is state


def refusal_status(role: Role, state: State, command: CommandId) -> CommandStatus:
    if command in BINDS and state in BOUND:
        return CommandStatus.ESME_RALYBND
    if (
        role is Role.ESME
        and state is State.UNBINDING
        and command in {CommandId.deliver_sm, CommandId.data_sm}
    ):
        return CommandStatus.ESME_RX_T_APPN
    return CommandStatus.ESME_RINVBNDSTS


@pytest.mark.parametrize("command", SAMPLES, ids=lambda command: command.name)
@everywhere
def test_a_request_of_ours(role: Role, state: State, version: int, command: CommandId) -> None:
    session = session_in(role, state, version)
    if command is not CommandId.unbind and may(role, command, state, version):
        number = session.send(SAMPLES[command], 1.0)
        assert pdus_of(session.output()) == [SAMPLES[command]._replace(sequence_number=number)]
        answered = command not in {CommandId.outbind, CommandId.alert_notification}
        assert session.outstanding == answered
    else:
        with pytest.raises(WrongState):
            session.send(SAMPLES[command], 1.0)
        assert session.output() == b""
        assert session.outstanding == 0


@everywhere
def test_our_unbind(role: Role, state: State, version: int) -> None:
    session = session_in(role, state, version)
    if state in BOUND:
        session.unbind(1.0)
        assert [pdu.command_id for pdu in pdus_of(session.output())] == [CommandId.unbind]
        assert session.state is State.UNBINDING
    else:
        with pytest.raises(WrongState):
            session.unbind(1.0)
        assert session.output() == b""


@pytest.mark.parametrize(
    "command",
    [command for command in CLASSES if command & RESPONSE],
    ids=lambda command: CommandId(command).name,
)
@everywhere
def test_a_response_that_answers_nothing_is_ignored(
    role: Role, state: State, version: int, command: int
) -> None:
    session = session_in(role, state, version)
    events = session.receive(numbered(CLASSES[command](), 77), 1.0)
    assert [type(event) for event in events] == [Violation] * (state is not State.CLOSED)
    assert session.output() == b""
    assert session.state is state


@pytest.mark.parametrize("command", [0, 0x0A, 0x111, 0x112, 0x113, 0x10200, 0x7FFFFFFF])
@everywhere
def test_an_unknown_command_is_refused_and_the_link_kept(
    role: Role, state: State, version: int, command: int
) -> None:
    session = session_in(role, state, version)
    events = session.receive(pack(">IIII", 16, command, 0, 77), 1.0)
    if state is State.CLOSED:
        assert (events, session.output()) == ([], b"")
        return
    known = CLASSES.get(command | RESPONSE, GenericNack) if command else GenericNack
    assert pdus_of(session.output()) == [known(77, CommandStatus.ESME_RINVCMDID)]
    assert [type(event) for event in events] == [Violation]
    assert session.state is state


@pytest.mark.parametrize("command", [0x8000000A, 0x80010200, 0xFFFFFFFF])
@everywhere
def test_an_unknown_response_is_ignored(role: Role, state: State, version: int, command: int) -> None:
    session = session_in(role, state, version)
    events = session.receive(pack(">IIII", 16, command, 0, 77), 1.0)
    assert [type(event) for event in events] == [Violation] * (state is not State.CLOSED)
    assert session.output() == b""
    assert session.state is state


def test_the_transitions() -> None:
    moves = {
        (state.name, command.name, target.name)
        for state, targets in TRANSITIONS.items()
        for command, target in targets.items()
    }
    assert moves == {
        ("OPEN", "bind_transmitter_resp", "BOUND_TX"),
        ("OPEN", "bind_receiver_resp", "BOUND_RX"),
        ("OPEN", "bind_transceiver_resp", "BOUND_TRX"),
        ("BOUND_TX", "unbind", "UNBINDING"),
        ("BOUND_RX", "unbind", "UNBINDING"),
        ("BOUND_TRX", "unbind", "UNBINDING"),
        ("UNBINDING", "unbind_resp", "CLOSED"),
    }
