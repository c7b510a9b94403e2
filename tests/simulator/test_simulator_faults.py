"""Every way in which a rule can misbehave, seen on a real socket."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from simulator_clients import HANDSET, SOURCE, Raw, all_gone, submit, with_socket

from gateway.smpp.codec import encode
from gateway.smpp.constants import CommandId, CommandStatus, MessageState, Tag
from gateway.smpp.framing import FramingError
from gateway.smpp.pdus import (
    BindTransceiver,
    DeliverSm,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from gateway.smpp.receipts import parse_receipt

SILENT, LOUD = "222", "86"


def rule(do: dict[str, Any], **match: Any) -> dict[str, Any]:
    return {"match": match, "do": do}


def exchange(raw: Raw, *pdus: Pdu | bytes, count: int) -> list[Pdu]:
    raw.write(*pdus)
    return raw.read_all(count)


@pytest_twisted.ensureDeferred
async def test_a_status_by_destination(begin: Any) -> None:
    smsc = await begin(rules=[rule({"status": "ESME_RTHROTTLED"}, destination="444")])
    first, second = await with_socket(
        smsc, lambda raw: exchange(raw, submit(2, "4441", registered_delivery=0), submit(3), count=2)
    )
    assert first == SubmitSmResp(2, CommandStatus.ESME_RTHROTTLED)
    assert second.command_status == CommandStatus.ESME_ROK


@pytest_twisted.ensureDeferred
async def test_a_status_that_nobody_knows(begin: Any) -> None:
    smsc = await begin(rules=[rule({"status": 0x4FF}, source="999")])
    (response,) = await with_socket(smsc, lambda raw: exchange(raw, submit(2, source_addr="9991"), count=1))
    assert response.command_status == 0x4FF


@pytest_twisted.ensureDeferred
async def test_a_bind_may_be_refused_by_rule(begin: Any) -> None:
    match = {"command": ["bind_transceiver"], "times": 1}
    smsc = await begin(rules=[rule({"status": "ESME_RSYSERR"}, **match)])

    def script(raw: Raw) -> list[int]:
        return [raw.bind().command_status, raw.bind().command_status]

    assert await with_socket(smsc, script, bound=False) == [CommandStatus.ESME_RSYSERR, 0]


@pytest_twisted.ensureDeferred
async def test_silence(begin: Any) -> None:
    smsc = await begin(rules=[rule({"silence": True}, destination=SILENT)])
    answers = await with_socket(
        smsc, lambda raw: exchange(raw, submit(2, SILENT), submit(3, registered_delivery=0), count=1)
    )
    assert [answer.sequence_number for answer in answers] == [3]
    assert smsc.counters()["main"]["accepted"] == 1


@pytest_twisted.ensureDeferred
async def test_silence_about_a_message_that_was_taken(begin: Any) -> None:
    smsc = await begin(rules=[rule({"silence": True, "accepted": True})])
    (receipt,) = await with_socket(smsc, lambda raw: exchange(raw, submit(2), count=1))
    assert isinstance(receipt, DeliverSm)
    told = parse_receipt(receipt)
    assert told is not None
    assert told.state is MessageState.DELIVERED


@pytest_twisted.ensureDeferred
async def test_a_delay_lets_others_pass(begin: Any) -> None:
    smsc = await begin(rules=[rule({"delay": "50ms"}, nth=1)])
    answers = await with_socket(
        smsc,
        lambda raw: exchange(
            raw, submit(2, registered_delivery=0), submit(3, registered_delivery=0), count=2
        ),
    )
    assert [answer.sequence_number for answer in answers] == [3, 2]


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(("sequence", "seen"), [("zero", 0), ("wrong", 1_000_005)])
async def test_sequence_numbers_that_are_not_ours(begin: Any, sequence: str, seen: int) -> None:
    smsc = await begin(rules=[rule({"sequence": sequence})])
    (answer,) = await with_socket(smsc, lambda raw: exchange(raw, submit(2), count=1))
    assert (answer.command_id, answer.sequence_number) == (CommandId.submit_sm_resp, seen)


@pytest_twisted.ensureDeferred
async def test_responses_in_another_order(begin: Any) -> None:
    smsc = await begin(rules=[rule({"reorder": 3})])
    pdus = [submit(number, registered_delivery=0) for number in range(2, 6)]
    answers = await with_socket(smsc, lambda raw: exchange(raw, *pdus, count=4))
    assert [answer.sequence_number for answer in answers] == [4, 3, 2, 5]


@pytest_twisted.ensureDeferred
async def test_a_generic_nack_instead(begin: Any) -> None:
    smsc = await begin(rules=[rule({"nack": True, "status": "ESME_RINVCMDID"})])
    (answer,) = await with_socket(smsc, lambda raw: exchange(raw, submit(2), count=1))
    assert answer == GenericNack(2, CommandStatus.ESME_RINVCMDID)


@pytest_twisted.ensureDeferred
async def test_a_body_on_an_error(begin: Any) -> None:
    smsc = await begin(rules=[rule({"status": "ESME_RMSGQFUL", "body": True})])

    def script(raw: Raw) -> bytes:
        raw.write(submit(2))
        return raw.frame()

    frame = await with_socket(smsc, script)
    assert frame == encode(SubmitSmResp(2, CommandStatus.ESME_RMSGQFUL))[:3] + b"\x11" + frame[4:16] + b"\0"


@pytest_twisted.ensureDeferred
async def test_tlvs_that_nobody_knows(begin: Any) -> None:
    smsc = await begin(rules=[rule({"tlvs": [{"tag": 0x1500, "value": "beef"}]})])
    (answer,) = await with_socket(smsc, lambda raw: exchange(raw, submit(2, registered_delivery=0), count=1))
    assert isinstance(answer, SubmitSmResp)
    assert answer.tlvs == ((0x1500, b"\xbe\xef"),)


@pytest_twisted.ensureDeferred
async def test_a_response_given_twice(begin: Any) -> None:
    smsc = await begin(rules=[rule({"copies": 2})])
    first, second = await with_socket(
        smsc, lambda raw: exchange(raw, submit(2, registered_delivery=0), count=2)
    )
    assert first == second


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    ("length", "octets"),
    [("short", b"\0\0\0\x0f"), ("huge", b"\x7f\xff\xff\xff"), (7, b"\0\0\0\x07")],
)
async def test_a_false_command_length(begin: Any, length: Any, octets: bytes) -> None:
    smsc = await begin(rules=[rule({"length": length})])

    def script(raw: Raw) -> bytes:
        raw.write(submit(2, registered_delivery=0))
        return raw.octets()

    assert (await with_socket(smsc, script))[:4] == octets


@pytest_twisted.ensureDeferred
async def test_a_length_that_swallows_what_follows(begin: Any) -> None:
    smsc = await begin(rules=[rule({"length": "long"}, nth=1)])

    def script(raw: Raw) -> int:
        raw.write(submit(2, registered_delivery=0), submit(3, registered_delivery=0))
        return len(raw.frame())

    assert await with_socket(smsc, script) > len(encode(SubmitSmResp(2, 0, "1" * 10)))


@pytest_twisted.ensureDeferred
async def test_garbage(begin: Any) -> None:
    smsc = await begin(rules=[rule({"garbage": "0000000000ff"}, nth=1), rule({"garbage": 64}, nth=1)])

    def script(raw: Raw) -> bytes:
        raw.write(submit(2, registered_delivery=0))
        with pytest.raises(FramingError):
            raw.frame()
        raw.write(submit(3, registered_delivery=0))
        return raw.octets()

    octets = await with_socket(smsc, script)
    assert octets[64 + 4 : 64 + 8] == b"\x80\0\0\4"


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(("cut", "error"), [("fin", EOFError), ("reset", ConnectionResetError)])
async def test_the_line_is_cut_before_the_answer(begin: Any, cut: str, error: type[Exception]) -> None:
    smsc = await begin(rules=[rule({"cut": cut})])

    def script(raw: Raw) -> None:
        raw.write(submit(2))
        with pytest.raises(error):
            raw.frame()

    await with_socket(smsc, script)
    assert "accepted" not in smsc.counters()["main"]


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("cut", ["fin", "reset"])
async def test_the_line_is_cut_after_the_answer(begin: Any, cut: str) -> None:
    smsc = await begin(rules=[rule({"cut": cut, "cut_when": "after"})])

    def script(raw: Raw) -> Pdu:
        raw.write(submit(2, registered_delivery=0))
        answer = raw.read()
        with pytest.raises((EOFError, ConnectionResetError)):
            raw.frame()
        return answer

    assert (await with_socket(smsc, script)).command_status == 0
    assert smsc.counters()["main"]["accepted"] == 1


@pytest_twisted.ensureDeferred
async def test_the_line_is_cut_in_the_middle_of_the_answer(begin: Any) -> None:
    smsc = await begin(rules=[rule({"cut": "fin", "cut_when": "middle"})])

    def script(raw: Raw) -> bytes:
        raw.write(submit(2))
        octets = raw.octets()
        with pytest.raises(EOFError):
            raw.octets()
        return octets

    assert 0 < len(await with_socket(smsc, script)) < 20


@pytest_twisted.ensureDeferred
async def test_an_unbind_after_the_answer(begin: Any) -> None:
    smsc = await begin(rules=[rule({"unbind": True})])
    answer, farewell = await with_socket(
        smsc, lambda raw: exchange(raw, submit(2, registered_delivery=0), count=2)
    )
    assert (answer.sequence_number, type(farewell)) == (2, Unbind)


@pytest_twisted.ensureDeferred
async def test_enquire_links_go_unanswered(begin: Any) -> None:
    smsc = await begin(rules=[rule({"silence": True}, command="enquire_link", after=1)])
    answers = await with_socket(
        smsc,
        lambda raw: exchange(
            raw,
            EnquireLink(2),
            EnquireLink(3),
            submit(4, registered_delivery=0),
            EnquireLink(5),
            Unbind(6),
            count=3,
        ),
    )
    assert [answer.sequence_number for answer in answers] == [2, 4, 6]


@pytest_twisted.ensureDeferred
async def test_enquire_links_answered_late_and_wrongly(begin: Any) -> None:
    rules = [rule({"delay": "20ms", "status": "ESME_RSYSERR"}, command="enquire_link")]
    smsc = await begin(rules=rules)
    answers = await with_socket(
        smsc, lambda raw: exchange(raw, EnquireLink(2), submit(3, registered_delivery=0), count=2)
    )
    assert [answer.sequence_number for answer in answers] == [3, 2]
    assert answers[1] == EnquireLinkResp(2, CommandStatus.ESME_RSYSERR)


@pytest_twisted.ensureDeferred
async def test_an_unbind_may_be_refused(begin: Any) -> None:
    smsc = await begin(rules=[rule({"status": "ESME_RSYSERR"}, command="unbind")])
    (answer,) = await with_socket(smsc, lambda raw: exchange(raw, Unbind(2), count=1))
    assert answer == UnbindResp(2, CommandStatus.ESME_RSYSERR)


@pytest_twisted.ensureDeferred
async def test_a_rule_may_decide_the_outcome_and_the_receipts(begin: Any) -> None:
    do = {"outcome": "EXPIRED", "receipts": {"style": "text", "copies": 2, "before_response": True}}
    smsc = await begin(rules=[rule(do, destination=LOUD)])
    first, second, answer = await with_socket(smsc, lambda raw: exchange(raw, submit(2), count=3))
    assert isinstance(first, DeliverSm)
    assert isinstance(second, DeliverSm)
    assert isinstance(answer, SubmitSmResp)
    assert first.tlvs == ()
    assert first.short_message == second.short_message
    assert b"stat:EXPIRED" in first.short_message
    assert first.short_message.startswith(b"id:" + answer.message_id.encode())


@pytest_twisted.ensureDeferred
async def test_the_first_rule_that_matches_acts(begin: Any) -> None:
    rules = [
        rule({"status": 0x58}, every=2),
        rule({"status": 0x14}, nth=[1, 3]),
    ]
    smsc = await begin(rules=rules)
    pdus = [submit(number, registered_delivery=0) for number in range(2, 8)]
    answers = await with_socket(smsc, lambda raw: exchange(raw, *pdus, count=6))
    assert [answer.command_status for answer in answers] == [0x14, 0x58, 0, 0x58, 0x14, 0x58]
    assert smsc.counters()["main"]["rule rules[0]"] == 3


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    "fields", [{"window": 2}, {"queue": 2, "queue_status": 0x58}, {"rate": 0.001, "burst": 2}]
)
async def test_limits(begin: Any, fields: dict[str, Any]) -> None:
    smsc = await begin(limits=fields, receipts={"delay": "1h"})
    pdus = [submit(number) for number in range(2, 6)]
    answers = await with_socket(smsc, lambda raw: exchange(raw, b"".join(map(encode, pdus)), count=4))
    assert [answer.command_status for answer in answers] == [0, 0, 0x58, 0x58]
    seen = sum("requests unanswered" in fault.detail for fault in smsc.faults)
    assert seen == (2 if "window" in fields else 0)


@pytest_twisted.ensureDeferred
async def test_a_receipt_that_is_refused_is_told_again(begin: Any) -> None:
    smsc = await begin(receipts={"delay": 0, "retry": 0, "tries": 3})

    def script(raw: Raw) -> list[Pdu]:
        raw.write(submit(2))
        raw.read()
        seen = []
        for status in (CommandStatus.ESME_RX_T_APPN, CommandStatus.ESME_RTHROTTLED, 0):
            seen.append(raw.read())
            raw.answer(seen[-1], status)
        raw.write(EnquireLink(3))
        assert raw.read().sequence_number == 3
        return seen

    seen = await with_socket(smsc, script)
    assert len({pdu._replace(sequence_number=0) for pdu in seen}) == 1
    counters = smsc.counters()["main"]
    assert (counters["receipts_put_off"], counters["receipts_delivered"]) == (2, 1)


@pytest_twisted.ensureDeferred
async def test_a_receipt_without_answer_is_told_on_the_next_bind(begin: Any) -> None:
    smsc = await begin()

    def first(raw: Raw) -> Pdu:
        raw.write(submit(2))
        raw.read()
        seen = raw.read()
        raw.reset()
        return seen

    seen = await with_socket(smsc, first)
    again = await with_socket(smsc, lambda raw: raw.read())
    assert again._replace(sequence_number=0) == seen._replace(sequence_number=0)


@pytest_twisted.ensureDeferred
async def test_receipts_come_on_another_bind(begin: Any) -> None:
    smsc = await begin(receipts={"delay": 0, "bind": "other"})

    def script(raw: Raw) -> tuple[Pdu, Pdu]:
        other = Raw(smsc.addresses("main")[0][1])
        other.bind()
        raw.write(submit(2))
        answer, receipt = raw.read(), other.read()
        other.close()
        return answer, receipt

    answer, receipt = await with_socket(smsc, script)
    assert isinstance(receipt, DeliverSm)
    told = parse_receipt(receipt)
    assert told is not None
    assert isinstance(answer, SubmitSmResp)
    assert told.message_id == answer.message_id


@pytest_twisted.ensureDeferred
async def test_the_window_towards_the_peer(begin: Any) -> None:
    smsc = await begin(receipts={"delay": 0, "window": 2})

    def script(raw: Raw) -> list[int]:
        answers = exchange(raw, *(submit(number) for number in range(2, 7)), count=7)
        receipts = [pdu for pdu in answers if isinstance(pdu, DeliverSm)]
        counts = [len(receipts)]
        for receipt in receipts:
            raw.answer(receipt)
        raw.read_all(2)
        raw.write(EnquireLink(9))
        counts.append(2 + (raw.read().sequence_number != 9))
        return counts

    assert await with_socket(smsc, script) == [2, 2]


@pytest_twisted.ensureDeferred
async def test_each_breach_of_the_peer_is_reported(begin: Any) -> None:
    smsc = await begin(interface_version="3.3", response="50ms", receipts={"delay": "1h"})

    def script(raw: Raw) -> None:
        submits = [
            submit(2),
            submit(2),
            submit(0),
            submit(9, registered_delivery=0),
            submit(5, destination=""),
        ]
        whole = encode(submit(7))
        raw.write(*submits, struct.pack(">I", len(whole) - 2) + whole[4:-2], EnquireLink(10))
        while raw.read().sequence_number != 10:
            pass
        raw.write(SubmitSmResp(99, 0, "1"), DeliverSm(11), BindTransceiver(12), b"\0\0\0\x01")
        raw.read_to_the_end()

    await with_socket(smsc, script)
    await all_gone(smsc)
    details = "\n".join(fault.detail for fault in smsc.faults)
    for expected in (
        "sequence_number 2 is used again",
        "sequence_number 0 is out of range",
        "asks for no receipt",
        "ESME_RINVDSTADR",
        "submit_sm 7",
        "submit_sm_resp",
        "deliver_sm",
        "ESME_RALYBND",
        "command_length 1",
    ):
        assert expected in details


@pytest_twisted.ensureDeferred
async def test_the_capture_has_every_pdu_and_the_rule_that_acted(begin: Any, tmp_path: Path) -> None:
    path = tmp_path / "capture" / "main.jsonl"
    rules = [
        {"name": "busy", "match": {"destination": "444"}, "do": {"status": 0x58}},
        {"name": "mute", "match": {"destination": SILENT}, "do": {"silence": True}},
        {"name": "again", "match": {"destination": "333"}, "do": {"receipts": {"copies": 2}}},
    ]
    smsc = await begin(capture=path, rules=rules)
    pdus = [submit(2, "4441"), submit(3, SILENT), submit(4), submit(5, "3331")]

    def script(raw: Raw) -> None:
        for pdu in exchange(raw, *pdus, count=6):
            if isinstance(pdu, DeliverSm):
                raw.answer(pdu)
        raw.write(EnquireLink(9))
        raw.read()

    await with_socket(smsc, script)
    await all_gone(smsc)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines if "event" in line] == ["connected", "silence", "lost"]
    frames = [line for line in lines if "hex" in line]
    incoming = [line["pdu"]["command"] for line in frames if line["dir"] == "in"]
    assert sorted(incoming) == sorted(
        ["bind_transceiver", "enquire_link"] + ["submit_sm"] * 4 + ["deliver_sm_resp"] * 3
    )
    assert [bytes.fromhex(line["hex"]) for line in frames if line["pdu"]["command"] == "submit_sm"] == [
        encode(pdu) for pdu in pdus
    ]
    by_rule = [(line["rule"], line["pdu"]["command"]) for line in frames if "rule" in line]
    assert by_rule == [
        ("busy", "submit_sm_resp"),
        ("again", "submit_sm_resp"),
        ("again", "deliver_sm"),
        ("again", "deliver_sm"),
    ]
    receipts = [line["pdu"] for line in frames if line["pdu"]["command"] == "deliver_sm"]
    assert {receipt["destination_addr"] for receipt in receipts} == {SOURCE}
    assert {receipt["source_addr"] for receipt in receipts} == {HANDSET, "3331"}
    assert Tag.receipted_message_id.name in dict(receipts[0]["tlvs"])


@pytest_twisted.ensureDeferred
async def test_octets_that_are_no_smpp_are_captured(begin: Any, tmp_path: Path) -> None:
    path = tmp_path / "main.jsonl"
    smsc = await begin(capture=path)

    def script(raw: Raw) -> None:
        raw.write(b"GET / HTTP/1.0\r\n\r\n")
        with pytest.raises((EOFError, ConnectionResetError)):
            raw.octets()

    await with_socket(smsc, script, bound=False)
    await all_gone(smsc)
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["event"] for event in events] == ["connected", "framing lost", "violation", "lost"]
