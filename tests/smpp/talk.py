"""What the session tests share: sample requests, sessions in a given state, and octets read back as PDUs."""

from __future__ import annotations

from gateway.smpp import pdus
from gateway.smpp.codec import decode, encode
from gateway.smpp.constants import RESPONSE, V34, CommandId, Tag
from gateway.smpp.events import Event, Received, SessionOptions
from gateway.smpp.fields import SmeAddress, Tlv
from gateway.smpp.framing import Framer
from gateway.smpp.pdus import CLASSES, Pdu
from gateway.smpp.session import Role, Session, State

BANK, HANDSET = "10690001", "8619912340001"

SAMPLES: dict[CommandId, Pdu] = {
    CommandId.bind_transmitter: pdus.BindTransmitter(system_id="bank", password="secret"),
    CommandId.bind_receiver: pdus.BindReceiver(system_id="bank", password="secret"),
    CommandId.bind_transceiver: pdus.BindTransceiver(system_id="bank", password="secret"),
    CommandId.outbind: pdus.Outbind(system_id="smsc", password="secret"),
    CommandId.submit_sm: pdus.SubmitSm(source_addr=BANK, destination_addr=HANDSET, short_message=b"hello"),
    CommandId.submit_multi: pdus.SubmitMulti(
        source_addr=BANK, dest_addresses=(SmeAddress(1, 1, HANDSET),), short_message=b"hello"
    ),
    CommandId.query_sm: pdus.QuerySm(message_id="17", source_addr=BANK),
    CommandId.cancel_sm: pdus.CancelSm(message_id="17", source_addr=BANK, destination_addr=HANDSET),
    CommandId.replace_sm: pdus.ReplaceSm(message_id="17", source_addr=BANK, short_message=b"other"),
    CommandId.deliver_sm: pdus.DeliverSm(source_addr=HANDSET, destination_addr=BANK, short_message=b"STOP"),
    CommandId.alert_notification: pdus.AlertNotification(source_addr=HANDSET, esme_addr=BANK),
    CommandId.data_sm: pdus.DataSm(
        source_addr=BANK, destination_addr=HANDSET, tlvs=(Tlv(Tag.message_payload, b"hello"),)
    ),
    CommandId.unbind: pdus.Unbind(),
    CommandId.enquire_link: pdus.EnquireLink(),
}
SUBMIT = SAMPLES[CommandId.submit_sm]
DELIVER = SAMPLES[CommandId.deliver_sm]

BIND_FOR = {
    State.BOUND_TX: CommandId.bind_transmitter,
    State.BOUND_RX: CommandId.bind_receiver,
    State.BOUND_TRX: CommandId.bind_transceiver,
}


def numbered(pdu: Pdu, sequence_number: int) -> bytes:
    """The octets of a PDU under this number."""
    return encode(pdu._replace(sequence_number=sequence_number))


def pdus_of(octets: bytes) -> list[Pdu]:
    """The PDUs in octets that are whole PDUs."""
    framer = Framer(70_000)
    read = [decode(frame) for frame in framer.feed(octets)]
    assert framer.pending == 0
    return read


def answer_to(pdu: Pdu, status: int = 0) -> Pdu:
    """The *_resp of a request."""
    return CLASSES[pdu.command_id | RESPONSE](pdu.sequence_number, status)


def answer_all(session: Session, events: list[Event]) -> None:
    """Answer everything that was received."""
    for event in events:
        if isinstance(event, Received) and event.pdu.command_id | RESPONSE in CLASSES:
            session.respond(answer_to(event.pdu))


def bound(
    role: Role,
    state: State = State.BOUND_TRX,
    options: SessionOptions | None = None,
    peer_version: int | None = V34,
) -> Session:
    """A session bound at 0 s by a real exchange (number 1), nothing left to write.

    As an ESME, `peer_version` None is an SMSC that does not say its version.
    """
    session = Session(role, options or SessionOptions(), 0.0)
    bind = SAMPLES[BIND_FOR[state]]
    if role is Role.SMSC:
        assert peer_version is not None
        bind = bind._replace(sequence_number=1, interface_version=peer_version)  # type: ignore[call-arg]
        answer_all(session, session.receive(encode(bind), 0.0))
    else:
        session.send(bind, 0.0)
        version = () if peer_version is None else (Tlv(Tag.sc_interface_version, bytes([peer_version])),)
        response = answer_to(bind)._replace(sequence_number=1, tlvs=version)  # type: ignore[call-arg]
        session.receive(encode(response), 0.0)
    session.output()
    assert session.state is state
    return session


def session_in(role: Role, state: State, version: int = V34) -> Session:
    """A session in any state; UNBINDING by our own unbind, CLOSED by the loss of the transport."""
    options = SessionOptions(version=version)
    if state is State.OPEN:
        return Session(role, options, 0.0)
    session = bound(role, state if state in BIND_FOR else State.BOUND_TRX, options, version)
    if state is State.UNBINDING:
        session.unbind(0.0)
    elif state is State.CLOSED:
        session.close("lost")
    session.output()
    assert session.state is state
    return session
