"""PDUs, TLVs, times and bit fields out of the test suites of other implementations: every entry."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.smpp import constants as c
from gateway.smpp.codec import Header, PduError, UnknownCommand, decode, encode, header, refusal
from gateway.smpp.constants import V34, V50, CommandId, CommandStatus, Tag
from gateway.smpp.fields import DistributionList, SmeAddress, Tlv
from gateway.smpp.framing import Framer, FramingError
from gateway.smpp.pdus import DeliverSm, Pdu, SubmitSm
from gateway.smpp.smpptime import parse_time
from gateway.smpp.text import decode_text
from gateway.smpp.tlvspec import value_of
from gateway.smpp.validate import check_request, check_tlv

Vector = dict[str, Any]
VECTORS = json.loads((Path(__file__).parents[1] / "data" / "smpp-vectors.json").read_text("utf-8"))
LIMIT = 70_000

BODILESS = {"P018"}
"""A response that lacks its body though it is ESME_ROK: encoded again, it has one."""

MISNAMED = {"P126"}
"""0x0426 stands without a name there; it is more_messages_to_send (v3.4 section 5.3.2.34)."""


def every(name: str, *expect: str) -> pytest.MarkDecorator:
    chosen = [vector for vector in VECTORS[name] if not expect or vector["expect"] in expect]
    return pytest.mark.parametrize("vector", chosen, ids=[vector["id"] for vector in chosen])


def octets(vector: Vector) -> bytes:
    data = bytes.fromhex(vector["hex"])
    if "octets" in vector:
        assert len(data) == vector["octets"]
    return data


def test_no_entry_is_left_out() -> None:
    assert {vector["expect"] for vector in VECTORS["pdu"]} == {
        "ok",
        "need_more",
        "stream",
        "unknown_command",
        "frame_error",
        "body_error",
        "body_error_first28",
        "body_error_first60",
    }


# PDUs


@every("pdu", "ok")
def test_pdu(vector: Vector) -> None:
    frame = octets(vector)
    assert Framer(LIMIT).feed(frame) == [frame]
    check_header(header(frame), vector["header"])
    pdu = decode(frame)
    check_fields(pdu, vector["fields"])
    check_tlvs(pdu, vector)
    if vector["id"] not in BODILESS:
        assert encode(pdu) == frame
    if "reply_hex" in vector:
        assert encode(refusal(header(frame), CommandStatus.ESME_ROK)).hex() == vector["reply_hex"]


def check_header(found: Header, expected: Vector) -> None:
    command = int(expected["command_id"], 16)
    status = int(expected["command_status"], 16)
    assert found == Header(expected["command_length"], command, status, expected["sequence_number"])
    if expected["command"] is not None:
        assert CommandId(found.command_id).name == expected["command"]
    if expected.get("command_status_name") is not None:
        assert CommandStatus(found.command_status).name == expected["command_status_name"]


def check_fields(pdu: Pdu, expected: Vector) -> None:
    for name, value in expected.items():
        match name:
            case "short_message_hex":
                assert pdu.short_message.hex() == value  # type: ignore[union-attr]
            case "sm_length":
                assert len(pdu.short_message) == value  # type: ignore[union-attr]
            case "number_of_dests":
                assert len(pdu.dest_addresses) == value  # type: ignore[union-attr]
            case "dest_addresses":
                assert pdu.dest_addresses == tuple(map(destination, value))  # type: ignore[union-attr]
            case _:
                assert getattr(pdu, name) == value
    if not expected:
        assert not any(pdu[2:])


def destination(expected: Vector) -> SmeAddress | DistributionList:
    values = dict(expected)
    flag = values.pop("dest_flag")
    return SmeAddress(**values) if flag == c.DEST_SME else DistributionList(**values)


def check_tlvs(pdu: Pdu, vector: Vector) -> None:
    found = getattr(pdu, "tlvs", ())
    assert [(tag, value.hex()) for tag, value in found] == [
        (int(tlv["tag"], 16), tlv["value_hex"]) for tlv in vector["tlvs"]
    ]
    for (tag, value), expected in zip(found, vector["tlvs"], strict=True):
        assert len(value) == expected["length"]
        if expected["name"] is not None:
            assert Tag(tag).name == expected["name"]
        elif vector["id"] not in MISNAMED:
            assert Tag(tag).name.startswith("UNKNOWN")


@every("pdu", "need_more")
def test_incomplete_pdu(vector: Vector) -> None:
    framer = Framer(LIMIT)
    assert framer.feed(octets(vector)) == []
    assert framer.pending == vector["octets"]
    if "header" in vector:
        whole = bytes(vector["header"]["command_length"] - vector["octets"])
        assert len(framer.feed(whole)) == 1


@every("pdu", "stream")
def test_stream(vector: Vector) -> None:
    framer, stream = Framer(LIMIT), octets(vector)
    if "chunks" in vector:
        found = [frame for chunk in vector["chunks"] for frame in framer.feed(bytes.fromhex(chunk))]
        assert [frame.hex() for frame in found] == vector["pdus"]
        assert [frame.hex() for frame in Framer(LIMIT).feed(stream)] == vector["pdus"]
        assert framer.pending == 0
        return
    with pytest.raises(FramingError) as caught:
        framer.feed(stream)
    (frame,) = caught.value.frames
    check_header(header(frame), vector["header"])
    assert decode(frame).command_id == header(frame).command_id


@every("pdu", "unknown_command")
def test_unknown_command(vector: Vector) -> None:
    framer = Framer(LIMIT)
    (frame,) = framer.feed(octets(vector))
    assert framer.pending == len(vector.get("rest_hex", "")) // 2
    check_header(header(frame), vector["header"])
    with pytest.raises(UnknownCommand) as caught:
        decode(frame)
    check_answer(caught.value.answer, vector)
    assert vector["keep_session"]


@every("pdu", "frame_error")
def test_frame_error(vector: Vector) -> None:
    with pytest.raises(FramingError) as caught:
        Framer(LIMIT).feed(octets(vector))
    assert caught.value.frames == []
    check_answer(caught.value.answer, vector)
    assert not vector["keep_session"]


@every("pdu", "body_error", "body_error_first28", "body_error_first60")
def test_body_error(vector: Vector) -> None:
    length = vector["header"]["command_length"]
    first, rest = octets(vector)[:length], octets(vector)[length:]
    assert Framer(LIMIT).feed(first) == [first]
    assert vector["expect"] == (f"body_error_first{length}" if rest else "body_error")
    check_header(header(first), vector["header"])
    if vector["id"] == "P101":  # an error response: the status is what counts
        assert decode(first)[:2] == (2, CommandStatus.ESME_RINVDSTADR)
        return
    with pytest.raises(PduError) as caught:
        decode(first)
    assert not isinstance(caught.value, UnknownCommand)
    check_answer(caught.value.answer, vector)


def check_answer(answer: Pdu | None, vector: Vector) -> None:
    """The answer is the recommended one, and can be sent."""
    expected = vector["recommended_response"]
    if expected is None:
        assert answer is None
        return
    assert answer is not None
    sent = header(encode(answer))
    assert CommandId(sent.command_id).name == expected["command"]
    assert CommandStatus(sent.command_status).name == expected["command_status"]
    assert sent.sequence_number == expected["sequence_number"]


# TLVs


@every("tlv")
def test_tlv(vector: Vector) -> None:
    carrier = encode(DeliverSm())
    frame = (len(carrier) + len(octets(vector))).to_bytes(4, "big") + carrier[4:] + octets(vector)
    pdu = decode(frame)
    assert isinstance(pdu, DeliverSm)
    assert encode(pdu) == frame
    decoded = vector["decoded"]
    expected = decoded.get("tlvs", [decoded])
    assert [tlv.tag for tlv in pdu.tlvs] == [int(each["tag"], 16) for each in expected]
    for tlv, each in zip(pdu.tlvs, expected, strict=True):
        assert len(tlv.value) == each.get("length", len(tlv.value))
        assert tlv.value.hex() == each.get("value_hex", tlv.value.hex())
        assert value_of(tlv) == each.get("value", value_of(tlv))
        name = Tag(tlv.tag).name
        assert name == vector["what"].split()[0] or name.startswith("UNKNOWN")
    check_tlv_verdict(pdu.tlvs[0], vector["expect"])


def check_tlv_verdict(tlv: Tlv, expect: str) -> None:
    carrier = {
        Tag.additional_status_info_text: CommandId.data_sm_resp,
        Tag.alert_on_message_delivery: CommandId.submit_sm,
    }.get(Tag(tlv.tag), CommandId.data_sm)
    verdict = check_tlv(tlv, carrier)
    if expect == "length_error":
        assert verdict == CommandStatus.ESME_RINVPARLEN
    elif expect == "value_error":  # a NUL that is not there is tolerated
        assert (verdict, value_of(tlv)) == (CommandStatus.ESME_ROK, "abc")
    else:
        assert (verdict, expect) == (CommandStatus.ESME_ROK, "ok")


# Times


@every("time")
def test_time(vector: Vector) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    if vector["kind"] == "error":
        with pytest.raises(ValueError, match="quarters"):
            parse_time(vector["text"], now)
        return
    assert vector["kind"] == "absolute"
    expected = datetime.fromisoformat(f"{vector['decoded']['utc']}+00:00")
    assert parse_time(vector["text"], now) == expected


# Bit fields


@every("bitfield")
def test_bitfield(vector: Vector) -> None:
    field, (value,) = vector["field"], octets(vector)
    change: dict[str, Any] = {field: value}
    pdu = SubmitSm(destination_addr="447700900001", short_message=b"hello")._replace(**change)
    assert getattr(decode(encode(pdu)), field) == value
    old, new = check_request(pdu, V34), check_request(pdu, V50)
    match field, vector["expect"]:
        case "registered_delivery", "ok":
            assert (old, new) == (CommandStatus.ESME_ROK, CommandStatus.ESME_ROK)
            assert value & c.REGISTERED_RECEIPT == c.REGISTERED_ANY
            assert value & c.REGISTERED_DELIVERY_ACK
            assert value & c.REGISTERED_USER_ACK
            assert bool(value & c.REGISTERED_INTERMEDIATE) == vector["decoded"]["intermediate"]
        case "registered_delivery", "reserved_in_3.4":
            assert (old, new) == (CommandStatus.ESME_RINVREGDLVFLG, CommandStatus.ESME_ROK)
            assert value & c.REGISTERED_RECEIPT == c.REGISTERED_SUCCESS
        case "priority_flag", "error":
            assert (old, new) == (CommandStatus.ESME_RINVPRTFLG, CommandStatus.ESME_RINVPRTFLG)
        case "data_coding", "ok":
            assert old == CommandStatus.ESME_ROK
            assert decode_text(b"\0\x11", value) == decode_text(b"\0\x11", 0) == "@_"
        case "data_coding", "reserved":  # kept as it is, and read as the default alphabet
            assert old == CommandStatus.ESME_ROK
            assert decode_text(b"\0\x11", value) == "@_"
        case unknown:
            pytest.fail(f"no test for {unknown}")
