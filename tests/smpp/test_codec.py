"""The codec: layout, round trips, and which error a bad body is."""

import struct
from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from smpp_strategies import body_parts, destination_octets, frame_of, pdus, pdus_of, slow_encode, tlvs

from gateway.smpp.codec import (
    Header,
    PduError,
    UnknownCommand,
    decode,
    encode,
    find_tlv,
    header,
    refusal,
)
from gateway.smpp.constants import RESPONSE, CommandId, CommandStatus, Tag
from gateway.smpp.fields import DistributionList, SmeAddress, Tlv, UnsuccessSme
from gateway.smpp.framing import FramingError
from gateway.smpp.pdus import (
    CLASSES,
    BindTransceiver,
    BindTransceiverResp,
    BroadcastSmResp,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Outbind,
    Pdu,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
    Unbind,
)
from gateway.smpp.spec import BY_COMMAND, PDUS, UNSUPPORTED, Field, Kind, PduSpec

every_pdu = pytest.mark.parametrize("spec", PDUS, ids=lambda spec: spec.command_id.name)


@every_pdu
def test_every_pdu_survives_the_wire(spec: PduSpec) -> None:
    @given(pdus_of(spec))
    def survives(pdu: Pdu) -> None:
        frame = encode(pdu)
        assert decode(frame) == pdu
        assert encode(decode(frame)) == frame

    survives()


@every_pdu
def test_layout_is_that_of_the_table(spec: PduSpec) -> None:
    @given(pdus_of(spec))
    def is_that_of_the_table(pdu: Pdu) -> None:
        frame = slow_encode(spec, pdu)
        assert decode(frame) == pdu
        if not is_bare(pdu):
            assert encode(pdu) == frame

    is_that_of_the_table()


def is_bare(pdu: Pdu) -> bool:
    """Whether a PDU is a refusal with nothing to say, which is encoded without its body."""
    return bool(pdu.command_id & RESPONSE and pdu.command_status and not any(pdu[2:]))


@every_pdu
def test_every_pdu_knows_its_command(spec: PduSpec) -> None:
    made = CLASSES[spec.command_id]()
    assert made.command_id == spec.command_id
    assert made[:2] == (0, 0)
    assert made._fields[:2] == ("sequence_number", "command_status")
    assert made._fields[-1] == "tlvs" or isinstance(made, EnquireLink | Unbind)
    assert header(encode(made)).command_id == spec.command_id


def test_the_table_knows_every_command() -> None:
    assert {spec.command_id for spec in PDUS} | UNSUPPORTED == set(CommandId)


@given(st.binary(max_size=200), st.sampled_from(sorted(CommandId)), st.integers(0, 3))
def test_arbitrary_bodies_are_decoded_or_refused(body: bytes, command: int, status: int) -> None:
    check_decoded_or_refused(frame_of(command, status, 7, body))


@given(pdus, st.data())
def test_damaged_pdus_are_decoded_or_refused(pdu: Pdu, data: st.DataObject) -> None:
    body = bytearray(encode(pdu)[16:])
    assume(body)
    at = data.draw(st.integers(0, len(body) - 1))
    body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    check_decoded_or_refused(frame_of(pdu.command_id, pdu.command_status, 7, bytes(body)))


def check_refused(error: PduError, header: Header) -> None:
    """A bad request is answered with its own number, a bad response is not."""
    assert error.status != CommandStatus.ESME_ROK
    assert error.header == header
    if header.command_id & RESPONSE:
        assert error.answer is None
    else:
        assert error.answer is not None
        assert error.answer[:2] == (header.sequence_number, error.status)
        assert error.answer.command_id in (header.command_id | RESPONSE, CommandId.generic_nack)


def check_decoded_or_refused(frame: bytes) -> None:
    """What decodes encodes to the same octets, but for responses without a body; all else is a PduError."""
    command = header(frame).command_id
    try:
        pdu = decode(frame)
    except PduError as error:
        check_refused(error, header(frame))
        return
    if len(frame) == 16 and BY_COMMAND[command].fields:
        assert pdu == CLASSES[command](7, pdu.command_status)
    elif not is_bare(pdu):
        assert encode(pdu) == frame


@given(st.binary(max_size=80))
def test_arbitrary_octets_raise_nothing_else(octets: bytes) -> None:
    try:
        decode(octets)
    except (PduError, FramingError):
        return


@pytest.mark.parametrize("octets", [b"", bytes(15), bytes(16), bytes.fromhex("0000001100000015") + bytes(8)])
def test_a_frame_is_as_long_as_it_says(octets: bytes) -> None:
    with pytest.raises(FramingError) as caught:
        decode(octets)
    assert caught.value.status == CommandStatus.ESME_RINVCMDLEN
    if len(octets) < 16:
        with pytest.raises(FramingError):
            header(octets)


def test_header() -> None:
    frame = frame_of(4, 0x58, 0x80000001, b"")
    assert header(frame) == Header(16, 4, 0x58, 0x80000001)


@dataclass(frozen=True)
class Broken:
    """A request of which one field is wrong."""

    spec: PduSpec
    index: int

    @property
    def field(self) -> Field:
        return self.spec.fields[self.index]

    def __str__(self) -> str:
        return f"{self.spec.command_id.name}.{self.field.name}"


BROKEN = [Broken(spec, index) for spec in PDUS if not spec.is_response for index in range(len(spec.fields))]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_missing_field_has_its_own_status(broken: Broken) -> None:
    parts = body_parts(broken.spec, CLASSES[broken.spec.command_id]())
    body = b"".join(parts[: broken.index])
    with pytest.raises(PduError, match=f"{broken.field.name} is missing") as caught:
        decode(frame_of(broken.spec.command_id, 0, 9, body))
    assert caught.value.status == broken.field.status


@pytest.mark.parametrize("broken", [b for b in BROKEN if b.field.kind in (Kind.C_OCTETS, Kind.TIME)], ids=str)
def test_a_field_that_is_too_long_has_its_own_status(broken: Broken) -> None:
    parts = body_parts(broken.spec, CLASSES[broken.spec.command_id]())
    command, limit = broken.spec.command_id, broken.field.accepted
    parts[broken.index] = b"1" * (limit - 1) + b"\0"
    assert getattr(decode(frame_of(command, 0, 9, b"".join(parts))), broken.field.name) == "1" * (limit - 1)
    parts[broken.index] = b"1" * limit + b"\0"
    with pytest.raises(PduError, match=f"{broken.field.name} has no NUL within {limit} octets") as caught:
        decode(frame_of(command, 0, 9, b"".join(parts)))
    assert caught.value.status == broken.field.status


@pytest.mark.parametrize(
    ("destinations", "status"),
    [
        (b"\2" + destination_octets(SmeAddress(1, 1, "447700900001")), CommandStatus.ESME_RINVNUMDESTS),
        (b"\1\3x\0", CommandStatus.ESME_RINVDESTFLAG),
        (b"\1\2" + b"l" * 21 + b"\0", CommandStatus.ESME_RINVDLNAME),
        (b"\1\1\1\1" + b"4" * 21 + b"\0", CommandStatus.ESME_RINVDSTADR),
    ],
)
def test_bad_destinations(destinations: bytes, status: CommandStatus) -> None:
    with pytest.raises(PduError) as caught:
        decode(frame_of(CommandId.submit_multi, 0, 9, bytes(4) + destinations))
    assert caught.value.status == status


def test_destinations_and_refused_ones() -> None:
    multi = SubmitMulti(
        dest_addresses=(SmeAddress(1, 1, "447700900001"), DistributionList("friends")), short_message=b"hello"
    )
    assert decode(encode(multi)) == multi
    refused = UnsuccessSme(1, 1, "447700900001", CommandStatus.ESME_RINVDSTADR)
    response = SubmitMultiResp(message_id="1", unsuccess_sme=(refused,))
    assert decode(encode(response)) == response


TAIL_ERRORS = [b"\0", b"\0\0\0", b"\2\4\0\3ab", b"\2\4\0\2ab\0"]


@pytest.mark.parametrize("tail", TAIL_ERRORS)
def test_what_follows_the_body_is_tlvs(tail: bytes) -> None:
    frame = encode(SubmitSm(sequence_number=5, short_message=b"hello"))
    with pytest.raises(PduError) as caught:
        decode(frame_of(CommandId.submit_sm, 0, 5, frame[16:] + tail))
    assert caught.value.status == CommandStatus.ESME_RINVOPTPARSTREAM
    assert caught.value.answer == SubmitSmResp(5, CommandStatus.ESME_RINVOPTPARSTREAM)


@pytest.mark.parametrize("kind", [EnquireLink, Unbind])
def test_nothing_follows_the_header(kind: type[EnquireLink | Unbind]) -> None:
    frame = frame_of(kind().command_id, 0, 3, b"\0\0\0\0")
    with pytest.raises(PduError) as caught:
        decode(frame)
    assert caught.value.status == CommandStatus.ESME_RINVCMDLEN


def test_congestion_state_may_stand_in_any_response() -> None:
    congested = (Tlv(Tag.congestion_state, b"\x64"),)
    for kind in (EnquireLinkResp, GenericNack, SubmitSmResp, BindTransceiverResp):
        response = kind(sequence_number=3, tlvs=congested)
        assert decode(encode(response)) == response


# Responses


@pytest.mark.parametrize("spec", [s for s in PDUS if s.is_response], ids=lambda spec: spec.command_id.name)
@pytest.mark.parametrize("status", [0, CommandStatus.ESME_RTHROTTLED, 0x4FF, 0xFFFFFFFF])
def test_a_response_may_lack_its_body(spec: PduSpec, status: int) -> None:
    pdu = decode(frame_of(spec.command_id, status, 11, b""))
    assert pdu == CLASSES[spec.command_id](11, status)
    if status:
        assert len(encode(pdu)) == 16


@pytest.mark.parametrize("spec", [s for s in PDUS if s.is_response], ids=lambda spec: spec.command_id.name)
def test_the_body_of_an_error_response_cannot_be_wrong(spec: PduSpec) -> None:
    assert decode(frame_of(spec.command_id, 0x45, 11, b"\xff\xff\xff")) == CLASSES[spec.command_id](11, 0x45)


def test_an_error_response_keeps_the_body_that_it_has() -> None:
    for response in (
        SubmitSmResp(1, CommandStatus.ESME_RINVDSTADR, "0A000000A3D323A1"),
        DataSmResp(1, CommandStatus.ESME_RDELIVERYFAILURE, "", (Tlv(Tag.network_error_code, b"\3\0\1"),)),
        BindTransceiverResp(1, CommandStatus.ESME_RINVPASWD, "SMSC"),
    ):
        assert decode(encode(response)) == response


def test_deliver_sm_resp_is_one_nul() -> None:
    assert encode(DeliverSmResp(0x806A179B)) == bytes.fromhex("000000118000000500000000806a179b00")


# Answers


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (CommandId.submit_sm, SubmitSmResp),
        (CommandId.enquire_link, EnquireLinkResp),
        (CommandId.broadcast_sm, BroadcastSmResp),
        (CommandId.outbind, GenericNack),
        (CommandId.alert_notification, GenericNack),
        (0x00000110, GenericNack),
    ],
)
def test_refusal(command: int, kind: type[Pdu]) -> None:
    made = refusal(Header(16, command, 0, 0x80000007), CommandStatus.ESME_RINVBNDSTS)
    assert made == kind(0x80000007, CommandStatus.ESME_RINVBNDSTS)


@pytest.mark.parametrize("command", [0x00000110, 0x00010200, CommandId.broadcast_sm, 0x80000110])
def test_unknown_and_unserved_commands(command: int) -> None:
    with pytest.raises(UnknownCommand, match=f"0x{command:08X}") as caught:
        decode(frame_of(command, 0, 77, b"anything"))
    answer = caught.value.answer
    if command & RESPONSE:
        assert answer is None
    else:
        assert answer is not None
        assert answer[:2] == (77, CommandStatus.ESME_RINVCMDID)
    assert caught.value.header.command_id == command


# What cannot be encoded


@pytest.mark.parametrize(
    ("pdu", "complaint"),
    [
        (SubmitSm(source_addr="1" * 21), "source_addr '1{21}' is no C-octet string of at most 21 octets"),
        (SubmitSm(destination_addr="1\x002"), r"destination_addr '1\\x002'"),
        (SubmitSm(service_type="", validity_period="0" * 17), "validity_period"),
        (SubmitSm(source_addr="示例"), "source_addr"),
        (SubmitSm(short_message=bytes(256)), "short_message"),
        (SubmitSm(data_coding=256), "data_coding 256 is no integer"),
        (SubmitSm(data_coding=-1), "data_coding -1"),
        (SubmitSm(sequence_number=1 << 32), "sequence_number 4294967296"),
        (SubmitSm(command_status=-1), "command_status -1"),
        (SubmitSm(tlvs=(Tlv(0x0424, bytes(65536)),)), "TLV"),
        (SubmitSm(tlvs=(Tlv(0x10000, b""),)), "TLV"),
        (SubmitMulti(dest_addresses=(DistributionList("x" * 21),)), "dest_addresses"),
        (SubmitMulti(dest_addresses=(SmeAddress(1, 1, "1"),) * 256), "dest_addresses"),
        (SubmitMultiResp(unsuccess_sme=(UnsuccessSme(1, 1, "1", -1),)), "unsuccess_sme"),
        (BindTransceiver(password="123456789"), "password"),
        (Outbind(system_id="a\0b"), "system_id"),
        (EnquireLinkResp(sequence_number=-1), "sequence_number"),
        (EnquireLink(sequence_number=-1), "sequence_number"),
    ],
)
def test_what_does_not_fit_is_named(pdu: Pdu, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        encode(pdu)
    assert str(caught.value).startswith(CommandId(pdu.command_id).name)


def test_a_carrier_may_exceed_the_sizes_of_deliver_sm() -> None:
    pdu = DeliverSm(service_type="smscsim", source_addr="a" * 40, short_message=b"x")
    assert decode(encode(pdu)) == pdu


@given(tlvs, st.integers(0, 0xFFFF))
def test_find_tlv_finds_the_first(found: tuple[Tlv, ...], tag: int) -> None:
    assert find_tlv(found, tag) == next((value for t, value in found if t == tag), None)
    assert find_tlv((Tlv(tag, b"1"), *found, Tlv(tag, b"2")), tag) == b"1"


def test_large_payloads_pass() -> None:
    pdu = SubmitSm(tlvs=(Tlv(Tag.message_payload, bytes(65535)),))
    assert decode(encode(pdu)) == pdu
    assert struct.unpack_from(">I", encode(pdu)) == (len(encode(pdu)),)
