"""What a session does by itself, what it hands to its owner, and that every request ends exactly once."""

from __future__ import annotations

from math import inf
from struct import pack
from typing import Any

import pytest
from talk import BANK, DELIVER, HANDSET, SAMPLES, SUBMIT, answer_all, answer_to, bound, numbered, pdus_of

from gateway.smpp import pdus
from gateway.smpp.codec import encode
from gateway.smpp.constants import V33, V34, V50, CommandId, CommandStatus, Tag
from gateway.smpp.events import (
    Answered,
    Close,
    Event,
    Received,
    SessionOptions,
    Unanswered,
    Unbound,
    Violation,
    WindowFull,
    WrongState,
)
from gateway.smpp.fields import Tlv
from gateway.smpp.outgoing import MAX_SEQUENCE_NUMBER
from gateway.smpp.session import Role, Session, State

ESME, SMSC = Role.ESME, Role.SMSC
VENDOR = Tlv(0x1402, b"\x01")


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


# Binding


@pytest.mark.parametrize("kind", [pdus.BindTransmitter, pdus.BindReceiver, pdus.BindTransceiver])
def test_an_accepted_bind_binds_both_sides(kind: type[pdus.BindTransceiver]) -> None:
    esme, smsc = Session(ESME, SessionOptions(), 0.0), Session(SMSC, SessionOptions(), 0.0)
    number = esme.send(kind(system_id="bank"), 0.0, "bind")
    events = smsc.receive(esme.output(), 0.0)
    assert events == [Received(kind(number, system_id="bank"))]
    assert smsc.state is State.OPEN
    answer_all(smsc, events)
    answered = esme.receive(smsc.output(), 0.0)
    assert kinds(answered) == [Answered]
    assert answered[0][1:] == ("bind", 0.0)
    assert esme.state is smsc.state is not State.OPEN


@pytest.mark.parametrize("role", Role)
def test_a_refused_bind_leaves_the_session_open_for_another(role: Role) -> None:
    session = Session(role, SessionOptions(), 0.0)
    bind = SAMPLES[CommandId.bind_receiver]
    refused = pdus.BindReceiverResp(1, CommandStatus.ESME_RBINDFAIL)
    if role is SMSC:
        session.receive(numbered(bind, 1), 0.0)
        session.respond(refused)
        assert kinds(session.receive(numbered(bind, 2), 0.0)) == [Received]
    else:
        session.send(bind, 0.0)
        assert kinds(session.receive(encode(refused), 0.0)) == [Answered]
        session.send(bind, 0.0)
    assert session.state is State.OPEN


def test_a_bind_can_be_answered_by_generic_nack() -> None:
    session = Session(SMSC, SessionOptions(), 0.0)
    session.receive(numbered(SAMPLES[CommandId.bind_receiver], 1), 0.0)
    session.respond(pdus.GenericNack(1, CommandStatus.ESME_RSYSERR))
    assert (session.state, session.incoming) == (State.OPEN, 0)


def test_one_bind_at_a_time() -> None:
    smsc, esme = Session(SMSC, SessionOptions(), 0.0), Session(ESME, SessionOptions(), 0.0)
    events = smsc.receive(
        numbered(SAMPLES[CommandId.bind_receiver], 1) + numbered(SAMPLES[CommandId.bind_transmitter], 2), 0.0
    )
    assert kinds(events) == [Received, Violation]
    assert pdus_of(smsc.output()) == [pdus.BindTransmitterResp(2, CommandStatus.ESME_RALYBND)]
    esme.send(SAMPLES[CommandId.bind_receiver], 0.0)
    with pytest.raises(WrongState):
        esme.send(SAMPLES[CommandId.bind_transmitter], 0.0)


def test_a_bind_is_answered_by_its_own_response_only() -> None:
    session = Session(SMSC, SessionOptions(), 0.0)
    session.receive(numbered(SAMPLES[CommandId.bind_receiver], 1), 0.0)
    with pytest.raises(WrongState):
        session.respond(pdus.BindTransmitterResp(1))
    session.respond(pdus.BindReceiverResp(1))
    assert session.state is State.BOUND_RX


def test_the_length_cap_is_small_for_strangers_only() -> None:
    long = pdus.SubmitSm(
        source_addr=BANK, destination_addr=HANDSET, tlvs=(Tlv(Tag.message_payload, b"x" * 600),)
    )
    stranger = Session(SMSC, SessionOptions(), 0.0)
    assert kinds(stranger.receive(numbered(long, 1), 0.0)) == [Violation, Close]
    assert kinds(bound(SMSC).receive(numbered(long, 2), 0.0)) == [Received]
    esme = Session(ESME, SessionOptions(), 0.0)
    esme.send(SAMPLES[CommandId.bind_transceiver], 0.0)
    deliver = pdus.DeliverSm(1, tlvs=(Tlv(Tag.message_payload, b"x" * 600),))
    together = encode(pdus.BindTransceiverResp(1)) + encode(deliver)
    assert kinds(esme.receive(together, 0.0)) == [Answered, Received]


# Versions and TLVs


@pytest.mark.parametrize(
    ("ours", "theirs", "in_force"), [(V50, V34, V34), (V34, V50, V34), (V34, 0, 0), (V34, 0xFF, V34)]
)
def test_the_lower_version_is_in_force(ours: int, theirs: int, in_force: int) -> None:
    for role in Role:
        session = bound(role, options=SessionOptions(version=ours), peer_version=theirs)
        assert (session.version, session.peer_version) == (in_force, theirs)


def test_an_smsc_that_names_no_version_is_taken_for_old() -> None:
    assert bound(ESME, peer_version=None).peer_version == V33


@pytest.mark.parametrize(
    ("version", "tlvs", "sent"),
    [
        (V34, None, (VENDOR,)),
        (V34, False, ()),
        (V33, None, ()),
        (V33, True, (VENDOR,)),
        (0, None, ()),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_tlvs_go_only_to_peers_that_know_them(
    role: Role, version: int, tlvs: bool | None, sent: tuple[Tlv, ...]
) -> None:
    session = bound(role, options=SessionOptions(tlvs=tlvs), peer_version=version)
    theirs, ours = (DELIVER, SUBMIT) if role is ESME else (SUBMIT, DELIVER)
    session.receive(numbered(theirs, 3), 0.0)
    session.respond(answer_to(theirs)._replace(tlvs=(VENDOR,)))  # type: ignore[call-arg]
    session.send(ours._replace(tlvs=(VENDOR,)), 0.0)  # type: ignore[call-arg]
    assert [getattr(pdu, "tlvs", None) for pdu in pdus_of(session.output())] == [sent, sent]


# Requests of the peer


@pytest.mark.parametrize("number", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_any_sequence_number_is_echoed(number: int) -> None:
    session = bound(SMSC)
    wrong = SUBMIT._replace(destination_addr="")  # type: ignore[call-arg]
    data = b"".join(
        [
            numbered(pdus.EnquireLink(), number),
            numbered(DELIVER, number),
            numbered(wrong, number),
            pack(">IIII", 16, 0x0BAD, 0, number),
            numbered(SUBMIT, number),
        ]
    )
    answer_all(session, session.receive(data, 0.0))
    answers = pdus_of(session.output())
    assert [pdu.sequence_number for pdu in answers] == [number] * 5
    assert [pdu.command_status for pdu in answers] == [
        CommandStatus.ESME_ROK,
        CommandStatus.ESME_RINVBNDSTS,
        CommandStatus.ESME_RINVDSTADR,
        CommandStatus.ESME_RINVCMDID,
        CommandStatus.ESME_ROK,
    ]


def test_an_undecodable_request_is_answered_and_the_link_kept() -> None:
    session = bound(SMSC)
    frame = numbered(SUBMIT, 9)
    cut = pack(">I", 18) + frame[4:18]
    events = session.receive(cut + frame, 0.0)
    assert kinds(events) == [Violation, Received]
    (answer,) = pdus_of(session.output())
    assert (answer.command_id, answer.sequence_number) == (CommandId.submit_sm_resp, 9)
    assert answer.command_status not in (0, CommandStatus.ESME_RINVBNDSTS)


def test_the_state_matters_more_than_the_body() -> None:
    session = Session(SMSC, SessionOptions(), 0.0)
    cut = pack(">IIII", 18, CommandId.submit_sm, 0, 9) + b"xx"
    assert kinds(session.receive(cut, 0.0)) == [Violation]
    assert pdus_of(session.output()) == [pdus.SubmitSmResp(9, CommandStatus.ESME_RINVBNDSTS)]


def test_what_an_smsc_refuses_an_esme_tolerates() -> None:
    submit = pdus.SubmitSm(5, destination_addr="1", esm_class=0x3F, registered_delivery=0xFF)
    deliver = pdus.DeliverSm(5, esm_class=0x3F, registered_delivery=0xFF, source_addr_ton=99)
    assert kinds(bound(SMSC).receive(encode(submit), 0.0)) == [Violation]
    assert kinds(bound(ESME).receive(encode(deliver), 0.0)) == [Received]
    without_text = encode(pdus.DataSm(6, destination_addr="1"))
    assert kinds(bound(SMSC).receive(without_text, 0.0)) == [Violation]
    assert kinds(bound(ESME).receive(without_text, 0.0)) == [Received]


def test_the_owner_answers_in_any_order() -> None:
    session = bound(SMSC)
    events = session.receive(b"".join(numbered(SUBMIT, number) for number in (2, 3, 4)), 0.0)
    assert session.incoming == 3
    for event in reversed(events):
        assert isinstance(event, Received)
        session.respond(answer_to(event.pdu))
    assert session.incoming == 0
    assert [pdu.sequence_number for pdu in pdus_of(session.output())] == [4, 3, 2]
    with pytest.raises(WrongState):
        session.respond(answer_to(SUBMIT))


@pytest.mark.parametrize("kind", [pdus.SubmitSmResp, pdus.DataSmResp, pdus.DeliverSmResp])
@pytest.mark.parametrize("message_id", ["", "0000000042"])
def test_what_is_accepted_is_answered_in_the_same_octets(kind: Any, message_id: str) -> None:
    one, other = bound(SMSC), bound(SMSC)
    response = kind(2, 0, message_id)
    for session in (one, other):
        session.receive(numbered(SUBMIT, 2), 0.0)
    one.respond(response)
    other.accept(response.command_id, 2, message_id)
    assert one.output() == other.output()
    assert other.incoming == 0
    with pytest.raises(WrongState):
        other.accept(response.command_id, 2, message_id)


def test_an_answer_that_cannot_be_encoded_leaves_the_request_unanswered() -> None:
    session = bound(SMSC)
    session.receive(numbered(SUBMIT, 2), 0.0)
    with pytest.raises(ValueError, match="message_id"):
        session.respond(pdus.SubmitSmResp(2, message_id="nul\0"))
    assert (session.incoming, session.output()) == (1, b"")


# Framing


@pytest.mark.parametrize(
    ("head", "number"),
    [
        (pack(">IIII", 15, CommandId.submit_sm, 0, 7), 0),
        (pack(">IIII", 0, CommandId.submit_sm, 0, 7), 0),
        (pack(">IIII", 70_001, CommandId.submit_sm, 0, 7), 7),
        (pack(">I", 0xFFFFFFFF), 0),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_lost_framing_is_nacked_after_what_was_whole(role: Role, head: bytes, number: int) -> None:
    session = bound(role)
    good = DELIVER if role is ESME else SUBMIT
    events = session.receive(numbered(good, 6) + head, 0.0)
    assert kinds(events) == [Received, Violation, Close]
    assert pdus_of(session.output()) == [pdus.GenericNack(number, CommandStatus.ESME_RINVCMDLEN)]
    assert session.state is State.CLOSED


def test_another_protocol_is_not_answered() -> None:
    session = Session(SMSC, SessionOptions(), 0.0)
    assert kinds(session.receive(b"GET / HTTP/1.1\r\n\r\n", 0.0)) == [Violation, Close]
    assert session.output() == b""


def test_after_close_nothing_happens_any_more() -> None:
    session = bound(SMSC)
    session.receive(numbered(SUBMIT, 6) + b"\0" * 16, 0.0)
    session.output()
    assert session.receive(numbered(SUBMIT, 7), 0.0) == []
    session.respond(answer_to(SUBMIT))
    assert session.tick(1e9) == []
    assert (session.output(), session.deadline) == (b"", inf)
    with pytest.raises(WrongState):
        session.send(DELIVER, 0.0)


# Our requests


def test_responses_come_in_any_order_and_once() -> None:
    session = bound(ESME)
    numbers = [session.send(SUBMIT, float(i), f"m{i}") for i in range(3)]
    assert (session.outstanding, session.window_free) == (3, 97)
    responses = [pdus.SubmitSmResp(number, message_id=str(number)) for number in reversed(numbers)]
    events = session.receive(b"".join(map(encode, responses)), 9.0)
    assert events == [
        Answered(response, f"m{i}", float(i)) for response, i in zip(responses, (2, 1, 0), strict=True)
    ]
    assert kinds(session.receive(encode(responses[0]), 9.0)) == [Violation]
    assert session.outstanding == 0


def test_a_response_to_another_command_does_not_match() -> None:
    session = bound(ESME)
    number = session.send(SUBMIT, 0.0)
    assert kinds(session.receive(encode(pdus.DataSmResp(number)), 0.0)) == [Violation]
    assert session.outstanding == 1


def test_generic_nack_answers_by_its_number() -> None:
    session = bound(ESME)
    number = session.send(SUBMIT, 0.0, "m")
    assert kinds(session.receive(encode(pdus.GenericNack(0, 3)), 0.0)) == [Violation]
    nack = pdus.GenericNack(number, 3)
    assert session.receive(encode(nack), 0.0) == [Answered(nack, "m", 0.0)]


def test_an_error_response_with_or_without_a_body_answers() -> None:
    session = bound(ESME)
    bare = pack(">IIII", 16, CommandId.submit_sm_resp, 0x58, session.send(SUBMIT, 0.0))
    broken = pack(">IIII", 18, CommandId.submit_sm_resp, 0x58, session.send(SUBMIT, 0.0)) + b"xx"
    assert kinds(session.receive(bare + broken, 0.0)) == [Answered, Answered]


def test_a_response_that_cannot_be_read_ends_its_request() -> None:
    session = bound(ESME)
    number = session.send(SUBMIT, 3.0, "m")
    session.output()
    events = session.receive(pack(">IIII", 18, CommandId.submit_sm_resp, 0, number) + b"xx", 4.0)
    assert kinds(events) == [Violation, Unanswered]
    assert events[1][:2] == ("m", 3.0)
    assert (session.outstanding, session.output()) == (0, b"")


def test_a_bind_response_that_cannot_be_read_ends_the_bind() -> None:
    session = Session(ESME, SessionOptions(session_init=None), 0.0)
    number = session.send(SAMPLES[CommandId.bind_transceiver], 0.0)
    events = session.receive(pack(">IIII", 18, CommandId.bind_transceiver_resp, 0, number) + b"xx", 0.0)
    assert kinds(events) == [Violation, Unanswered]
    session.send(SAMPLES[CommandId.bind_transceiver], 0.0)


def test_the_window_bounds_what_is_outstanding() -> None:
    session = bound(SMSC, options=SessionOptions(window=2))
    first = session.send(DELIVER, 0.0)
    session.send(DELIVER, 0.0)
    session.output()
    with pytest.raises(WindowFull):
        session.send(DELIVER, 0.0)
    session.send(SAMPLES[CommandId.alert_notification], 0.0)
    assert [pdu.command_id for pdu in pdus_of(session.output())] == [CommandId.alert_notification]
    session.tick(30.0)
    assert [pdu.command_id for pdu in pdus_of(session.output())] == [CommandId.enquire_link]
    session.receive(encode(pdus.DeliverSmResp(first)), 31.0)
    assert session.window_free == 1


def test_sequence_numbers_begin_at_one_and_wrap_past_what_is_outstanding() -> None:
    session = Session(ESME, SessionOptions(session_init=None), 0.0)
    assert session.send(SAMPLES[CommandId.bind_transceiver], 0.0) == 1
    session.receive(encode(pdus.BindTransceiverResp(1)), 0.0)
    assert session.send(SUBMIT, 0.0) == 2
    session._out._number = MAX_SEQUENCE_NUMBER - 1
    assert [session.send(SUBMIT, 0.0) for _ in range(3)] == [MAX_SEQUENCE_NUMBER, 1, 3]


def test_what_cannot_be_encoded_is_not_sent() -> None:
    session = bound(ESME)
    with pytest.raises(ValueError, match="destination_addr"):
        session.send(pdus.SubmitSm(destination_addr="1" * 30), 0.0)
    assert (session.outstanding, session.output()) == (0, b"")
    assert session.send(SUBMIT, 0.0) == 2


def test_close_ends_everything_that_is_outstanding_once() -> None:
    session = bound(ESME)
    for i in range(3):
        session.send(SUBMIT, float(i), i)
    assert session.close("cut") == [Unanswered(i, float(i), "cut") for i in range(3)]
    assert session.close("cut") == []


def test_a_lost_transport_has_no_last_words() -> None:
    session = bound(SMSC)
    session.receive(numbered(SUBMIT, 8) + numbered(pdus.Unbind(), 9), 1.0)
    session.respond(pdus.SubmitSmResp(8))
    session.close("lost")
    assert (session.deadline, session.tick(2.0)) == (inf, [])


# Unbinding


def test_the_peers_unbind_is_answered_and_closes() -> None:
    session = bound(SMSC)
    session.send(DELIVER, 0.0, "receipt")
    session.output()
    events = session.receive(numbered(pdus.Unbind(), 9) + numbered(SUBMIT, 10), 1.0)
    assert events == [Unbound(), Close("unbound by the peer")]
    assert pdus_of(session.output()) == [pdus.UnbindResp(9)]
    assert session.close("lost") == [Unanswered("receipt", 0.0, "lost")]


def test_the_peers_unbind_waits_for_the_answers_that_we_owe() -> None:
    session = bound(SMSC)
    session.receive(numbered(SUBMIT, 8), 0.0)
    waiting = session.send(DELIVER, 0.0, "receipt")
    session.output()
    assert session.receive(numbered(pdus.Unbind(), 9), 1.0) == [Unbound()]
    assert session.state is State.UNBINDING
    events = session.receive(
        numbered(SUBMIT, 10)
        + numbered(pdus.EnquireLink(), 11)
        + numbered(pdus.Unbind(), 12)
        + numbered(pdus.DeliverSmResp(), waiting),
        2.0,
    )
    assert kinds(events) == [Violation, Violation, Answered]
    session.respond(pdus.SubmitSmResp(8, message_id="1"))
    assert pdus_of(session.output()) == [
        pdus.SubmitSmResp(10, CommandStatus.ESME_RINVBNDSTS),
        pdus.EnquireLinkResp(11),
        pdus.UnbindResp(12, CommandStatus.ESME_RINVBNDSTS),
        pdus.SubmitSmResp(8, message_id="1"),
        pdus.UnbindResp(9),
    ]
    assert session.deadline == -inf
    assert session.tick(2.0) == [Close("unbound by the peer")]
    assert session.tick(2.0) == []


def test_the_peers_unbind_does_not_wait_forever() -> None:
    session = bound(SMSC, options=SessionOptions(response=60.0))
    session.receive(numbered(SUBMIT, 8) + numbered(pdus.Unbind(), 9), 1.0)
    assert session.deadline == 61.0
    assert session.tick(61.0) == [Close("unbound by the peer")]
    assert pdus_of(session.output()) == [pdus.UnbindResp(9)]


@pytest.mark.parametrize("response", [pdus.UnbindResp(2), pdus.UnbindResp(2, 8), pdus.GenericNack(2, 3)])
def test_our_unbind_closes_with_its_answer(response: pdus.Pdu) -> None:
    session = bound(ESME)
    session.unbind(1.0, "stopping")
    assert pdus_of(session.output()) == [pdus.Unbind(2)]
    assert session.receive(encode(response), 2.0) == [Close("stopping")]


def test_our_unbind_is_not_waited_for_forever() -> None:
    session = bound(ESME)
    session.unbind(1.0)
    assert session.deadline == 61.0
    assert kinds(session.tick(61.0)) == [Close]


def test_outstanding_answers_still_come_after_our_unbind() -> None:
    session = bound(ESME)
    number = session.send(SUBMIT, 0.0)
    session.receive(numbered(DELIVER, 5), 0.0)
    session.unbind(1.0)
    session.respond(pdus.DeliverSmResp(5))
    assert kinds(session.receive(encode(pdus.SubmitSmResp(number)), 2.0)) == [Answered]
    assert session.state is State.UNBINDING


def test_unbinds_that_cross() -> None:
    session = bound(ESME)
    session.unbind(1.0)
    session.output()
    assert session.receive(numbered(pdus.Unbind(), 9), 1.0) == [Unbound(), Close("unbound by the peer")]
    assert pdus_of(session.output()) == [pdus.UnbindResp(9)]


def test_unbinds_that_cross_wait_for_the_answers_that_we_owe() -> None:
    session = bound(ESME)
    session.receive(numbered(DELIVER, 5), 0.0)
    session.unbind(1.0)
    assert session.receive(numbered(pdus.Unbind(), 9) + encode(pdus.UnbindResp(2)), 1.0) == [Unbound()]
    session.respond(pdus.DeliverSmResp(5))
    assert pdus_of(session.output())[1:] == [pdus.DeliverSmResp(5), pdus.UnbindResp(9)]
    assert kinds(session.tick(1.0)) == [Close]


# Time


def test_a_stranger_must_bind_in_time() -> None:
    session = Session(SMSC, SessionOptions(session_init=10.0), 100.0)
    session.receive(numbered(pdus.EnquireLink(), 1), 105.0)
    assert session.deadline == 110.0
    assert session.tick(109.9) == []
    assert kinds(session.tick(110.0)) == [Close]


def test_the_owner_may_take_its_time_over_a_bind() -> None:
    session = Session(SMSC, SessionOptions(session_init=10.0), 0.0)
    session.receive(numbered(SAMPLES[CommandId.bind_receiver], 1), 9.0)
    assert (session.deadline, session.tick(50.0)) == (inf, [])
    session.respond(pdus.BindReceiverResp(1, CommandStatus.ESME_RBINDFAIL))
    assert session.deadline == 10.0


def test_a_bind_that_is_not_answered_closes() -> None:
    session = Session(ESME, SessionOptions(response=60.0), 0.0)
    session.send(SAMPLES[CommandId.bind_receiver], 1.0, "bind")
    assert session.deadline == 61.0
    assert kinds(session.tick(61.0)) == [Unanswered, Close]


def test_only_octets_of_the_peer_prove_life() -> None:
    session = bound(ESME, options=SessionOptions(enquire_link=30.0))
    session.receive(numbered(DELIVER, 5), 10.0)
    for moment in range(11, 40):
        session.send(SUBMIT, float(moment))
    session.output()
    assert session.deadline == 40.0
    assert session.tick(40.0) == []
    assert [pdu.command_id for pdu in pdus_of(session.output())] == [CommandId.enquire_link]
    assert session.tick(41.0) == []
    assert session.output() == b""


@pytest.mark.parametrize("sign", ["enquire_link_resp", "generic_nack", "an octet"])
def test_any_octet_after_the_probe_is_life(sign: str) -> None:
    session = bound(SMSC, options=SessionOptions(enquire_link=30.0, response=60.0))
    session.tick(30.0)
    (probe,) = pdus_of(session.output())
    signs = {
        "enquire_link_resp": encode(pdus.EnquireLinkResp(probe.sequence_number)),
        "generic_nack": encode(pdus.GenericNack(probe.sequence_number, 3)),
        "an octet": b"\0",
    }
    assert session.receive(signs[sign], 50.0) == []
    session.receive(b"", 50.0)
    assert session.deadline == (60.0 if sign == "an octet" else 80.0)


def test_an_answer_to_a_probe_counts_once() -> None:
    session = bound(SMSC)
    session.tick(30.0)
    (probe,) = pdus_of(session.output())
    answer = encode(pdus.EnquireLinkResp(probe.sequence_number))
    assert session.receive(answer, 31.0) == []
    assert kinds(session.receive(answer, 32.0)) == [Violation]


def test_a_probe_that_is_not_answered_closes() -> None:
    session = bound(SMSC, options=SessionOptions(enquire_link=30.0, response=60.0))
    session.tick(30.0)
    assert session.deadline == 90.0
    assert kinds(session.tick(90.0)) == [Close]


def test_only_messages_count_as_activity() -> None:
    session = bound(SMSC, options=SessionOptions(enquire_link=None, inactivity=300.0))
    answer_all(session, session.receive(numbered(SUBMIT, 2), 100.0))
    session.receive(numbered(pdus.EnquireLink(), 3), 200.0)
    assert session.deadline == 400.0
    assert session.tick(400.0) == []
    *_, unbind = pdus_of(session.output())
    assert unbind.command_id == CommandId.unbind
    assert session.receive(numbered(pdus.UnbindResp(), unbind.sequence_number), 401.0) == [Close("inactive")]


def test_an_answer_to_our_message_is_activity() -> None:
    session = bound(SMSC, options=SessionOptions(enquire_link=None, inactivity=300.0))
    number = session.send(DELIVER, 99.0)
    session.receive(encode(pdus.DeliverSmResp(number)), 100.0)
    assert session.deadline == 400.0


def test_a_request_without_an_answer_is_given_up_and_the_link_kept() -> None:
    session = bound(ESME, options=SessionOptions(enquire_link=None, response=60.0))
    number = session.send(SUBMIT, 1.0, "first")
    session.send(SUBMIT, 2.0, "second")
    assert session.deadline == 61.0
    assert session.tick(61.0) == [Unanswered("first", 1.0, "no response within 60 s")]
    assert (session.outstanding, session.deadline, session.state) == (1, 62.0, State.BOUND_TRX)
    assert kinds(session.receive(encode(pdus.SubmitSmResp(number)), 61.5)) == [Violation]


def test_a_pdu_that_does_not_come_whole_closes() -> None:
    session = bound(SMSC, options=SessionOptions(partial_pdu=10.0))
    frame = numbered(SUBMIT, 5)
    session.receive(frame[:10], 1.0)
    session.receive(frame[10:20], 9.0)
    assert session.deadline == 11.0
    assert kinds(session.tick(11.0)) == [Close]


def test_a_pause_stops_every_timer() -> None:
    options = SessionOptions(enquire_link=30.0, response=60.0, inactivity=50.0, partial_pdu=10.0)
    session = bound(ESME, options=options)
    session.send(SUBMIT, 0.0)
    session.receive(b"\0", 0.0)
    session.output()
    session.pause(5.0)
    assert (session.deadline, session.tick(1000.0)) == (inf, [])
    session.resume(1000.0)
    assert session.deadline == 1005.0
    session.receive(numbered(DELIVER, 4)[1:], 1000.0)
    assert session.deadline == 1030.0
    assert session.tick(1030.0) == []
    assert [pdu.command_id for pdu in pdus_of(session.output())] == [CommandId.enquire_link]
    assert session.deadline == 1050.0
    session.tick(1050.0)
    assert [pdu.command_id for pdu in pdus_of(session.output())] == [CommandId.unbind]
    assert kinds(session.tick(1055.0)) == [Unanswered]
