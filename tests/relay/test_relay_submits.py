"""Submits: judged and stored before they are answered, refused by the tables, slowed and throttled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from relay_house import BANK, HANDSET, START, House, MakeHouse, account, carrier, generation, name_of, submit

from gateway.filters.verdict import REASONS, Action, Verdict
from gateway.message import Message
from gateway.smpp.concat import make_sar
from gateway.smpp.constants import Tag
from gateway.smpp.fields import DistributionList, SmeAddress, Tlv
from gateway.smpp.pdus import DataSm, SubmitMulti, SubmitMultiResp
from gateway.smpp.smpptime import format_absolute
from gateway.store.rows import State


def one(**settings: Any) -> Any:
    return generation(accounts={"bank": account(**settings)})


class Words:
    """Refuses what contains `bad`."""

    name = "words"

    def judge(self, message: Message, now: float) -> Verdict | None:
        if "bad" in (message.text or ""):
            return Verdict(Action.REFUSE, self.name, "bad", "words.txt:1", REASONS["content_blocked"])
        return None


def multi(*numbers: Any, **fields: Any) -> SubmitMulti:
    addresses = tuple(SmeAddress(1, 1, number) if isinstance(number, str) else number for number in numbers)
    usual = {"source_addr": BANK, "registered_delivery": 1, "short_message": b"hello"}
    return SubmitMulti(dest_addresses=addresses, **{**usual, **fields})


def test_yes_means_kept(house: House) -> None:
    client = house.client()
    number = client.send(submit())
    house.wires()
    assert number not in client.answers
    house.writing.run()
    house.wires()
    assert number not in client.answers
    assert len(house.rows()) == 1
    house.settle()
    assert client.answers[number].command_status == 0


def test_a_store_that_fails_accepts_nothing_and_recovers(house: House) -> None:
    client = house.client()
    house.driver.broken = True
    for _ in range(3):
        assert name_of(client.submit().command_status) == "ESME_RTHROTTLED"
    assert house.rows() == []
    assert house.relay.book.entries == {}
    house.driver.broken = False
    house.advance(10)
    assert client.submit().command_status == 0
    assert house.states() == [State.SENT]
    assert [link.reserved for c in house.relay.dispatch.carriers.values() for link in c.links] == [0]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"source_addr": "20001"}, "ESME_RINVSRCADR"),
        ({"source_addr": "1069"}, "ESME_RINVSRCADR"),
        ({"source_addr": "10690001"}, "ESME_ROK"),
        ({"source_addr": "EXAMPLE"}, "ESME_ROK"),
        ({"source_addr": "EXAMPLES"}, "ESME_RINVSRCADR"),
        ({"destination_addr": ""}, "ESME_RINVDSTADR"),
        ({"destination_addr": "86199x"}, "ESME_RINVDSTADR"),
        ({"destination_addr": "+8619912340001"}, "ESME_ROK"),
        ({"dest_addr_ton": 5}, "ESME_RINVDSTADR"),
        ({"sm_default_msg_id": 3}, "ESME_RINVDFTMSGID"),
        ({"validity_period": "yesterday"}, "ESME_RINVEXPIRY"),
        ({"schedule_delivery_time": "tomorrow"}, "ESME_RINVSCHED"),
        ({"validity_period": "200101000000000+"}, "ESME_RINVEXPIRY"),
        (
            {"schedule_delivery_time": "000000020000000R", "validity_period": "000000010000000R"},
            "ESME_RINVEXPIRY",
        ),
    ],
)
def test_requests_that_are_refused(make_house: MakeHouse, fields: dict[str, Any], status: str) -> None:
    house = make_house(one(sources=("10690*", "EXAMPLE")))
    client = house.client()
    assert name_of(client.submit(**fields).command_status) == status
    assert len(house.rows()) == (status == "ESME_ROK")


def test_the_rate_slows_then_throttles(make_house: MakeHouse) -> None:
    house = make_house(one(rate={"per_second": 10.0, "burst": 5}))
    client = house.client()
    numbers = [client.send(submit()) for _ in range(20)]
    house.settle()
    said = [name_of(client.answers[number].command_status) for number in numbers]
    assert said == ["ESME_ROK"] * 10 + ["ESME_RTHROTTLED"] * 10
    assert client.transport.producerState == "paused"
    house.advance(0.6, 0.1)
    assert client.transport.producerState == "producing"
    assert client.submit().command_status == 0
    bank = house.relay.accounts.get("bank")
    assert bank is not None
    assert bank.counts["refused:ESME_RTHROTTLED"] == 10
    assert bank.counts["accepted"] == 11


def test_the_rate_is_the_accounts_over_all_its_sessions(make_house: MakeHouse) -> None:
    house = make_house(one(rate={"per_second": 1.0, "burst": 2}))
    clients = [house.client() for _ in range(3)]
    assert [client.submit().command_status for client in clients] == [0, 0, 0]
    clients[0].cut()
    again = house.client()
    assert again.submit().command_status == 0
    assert name_of(house.client().submit().command_status) == "ESME_RTHROTTLED"


def test_the_window(make_house: MakeHouse) -> None:
    house = make_house(one(window=3))
    client = house.client()
    numbers = [client.send(submit()) for _ in range(5)]
    house.settle()
    said = [name_of(client.answers[number].command_status) for number in numbers]
    assert said == ["ESME_ROK"] * 3 + ["ESME_RTHROTTLED"] * 2
    assert client.submit().command_status == 0


@pytest.mark.parametrize(("style", "told"), [("decimal", "0000000001"), ("hex", "00000001"), ("base36", "1")])
def test_message_ids_in_the_accounts_style(make_house: MakeHouse, style: str, told: str) -> None:
    house = make_house(one(message_id=style))
    assert house.client().submit().message_id == told
    house.restart()
    assert int(house.client().submit().message_id, 36 if style == "base36" else 16) > 1


def test_version_33_has_short_ids_and_no_tlvs(house: House) -> None:
    client = house.client(version=0x33)
    assert client.bound.tlvs == ()  # type: ignore[attr-defined]
    house.relay.ids._next = 36**7
    house.relay.ids._end = 36**7 + 100
    answer = client.submit()
    assert len(answer.message_id) <= 8
    assert answer.tlvs == ()
    house.receipt("1")
    assert client.delivered[0].tlvs == ()
    assert client.receipts[0].message_id == answer.message_id


def test_congestion_state_for_version_50_alone(make_house: MakeHouse) -> None:
    house = make_house(generation(backlog={"memory": 4}, carriers={"alpha": carrier(window=1)}))
    house.answer = lambda name, pdu: None
    old, new = house.client(version=0x34), house.client(version=0x50)
    assert old.submit().tlvs == ()
    said = [dict(new.submit().tlvs)[Tag.congestion_state][0] for _ in range(6)]
    assert said == [25, 50, 75, 100, 100, 100]


def test_a_schedule_keeps_the_message_until_then(house: House) -> None:
    client = house.client()
    due = format_absolute(datetime.fromtimestamp(START + 120, UTC))
    for when in (due, "000000000200000R"):
        assert client.submit(schedule_delivery_time=when).command_status == 0
    assert house.states() == [State.DEFERRED] * 2
    assert house.relay.book.entries == {}
    house.advance(118)
    assert house.submits == []
    house.advance(4)
    assert house.states() == [State.SENT] * 2
    assert [getattr(pdu, "schedule_delivery_time", None) for _, pdu in house.submits] == ["", ""]


def test_a_schedule_in_the_past_is_now(house: House) -> None:
    past = format_absolute(datetime.fromtimestamp(START - 3600, UTC))
    house.client().submit(schedule_delivery_time=past)
    assert house.states() == [State.SENT]


def test_a_schedule_survives_a_restart_also_of_a_segment_that_was_alone(house: House) -> None:
    client = house.client()
    later = {"schedule_delivery_time": "000000001000000R"}
    client.submit(**later)
    client.submit(**later, tlvs=make_sar(1, 2, 1))
    house.restart()
    house.client().submit(**later, tlvs=make_sar(1, 2, 2))
    assert house.states() == [State.DEFERRED] * 3
    house.advance(590)
    assert house.submits == []
    house.advance(20)
    assert house.states() == [State.SENT] * 3


def test_validity_ends_what_waits(house: House) -> None:
    house.down.add("alpha")
    house.upstream().cut()
    client = house.client()
    told = client.submit(validity_period="000000000100000R").message_id
    client.submit()
    house.advance(58)
    assert house.states() == [State.WAITING] * 2
    house.advance(4)
    assert house.states() == [State.EXPIRED, State.WAITING]
    assert [(found.message_id, found.stat) for found in client.receipts] == [(told, "EXPIRED")]


def test_validities_of_the_account(make_house: MakeHouse) -> None:
    house = make_house(one(validity="1h", longest_validity="2h"))
    client = house.client()
    client.submit()
    client.submit(validity_period="000002000000000R")
    client.submit(schedule_delivery_time="000001000000000R")
    client.ask(
        DataSm(
            source_addr=BANK,
            destination_addr=HANDSET,
            tlvs=(Tlv(Tag.message_payload, b"x"), Tlv(Tag.qos_time_to_live, (90).to_bytes(4))),
        )
    )
    assert [row.expires_at / 1000 - START for row in house.rows()] == [3600, 7200, 90000, 90]


def test_a_refusal_by_receipt(make_house: MakeHouse) -> None:
    house = make_house(words=Words())
    client = house.client()
    assert client.submit(short_message=b"so bad").command_status == 0
    assert house.states() == [State.REJECTED]
    (found,) = client.receipts
    assert (found.stat, found.err, found.text) == ("REJECTD", "911", "")
    assert house.submits == []


@pytest.mark.parametrize(
    ("refusals", "asked", "version"), [("response", 1, 0x34), ("receipt", 0, 0x34), ("receipt", 3, 0x50)]
)
def test_a_refusal_in_the_response(make_house: MakeHouse, refusals: str, asked: int, version: int) -> None:
    """Also where the account would be told by receipt and this message asks for none of a failure."""
    house = make_house(one(refusals=refusals), words=Words())
    client = house.client(version=version)
    answer = client.submit(short_message=b"so bad", registered_delivery=asked)
    assert name_of(answer.command_status) == "ESME_RSUBMITFAIL"
    why = (Tlv(Tag.additional_status_info_text, b"911 content_blocked\0"),)
    assert answer.tlvs == (why if version == 0x50 else ())
    assert house.states() == [State.REJECTED]
    assert client.receipts == []
    bank = house.relay.accounts.get("bank")
    assert bank is not None
    assert bank.counts == {"refused:ESME_RSUBMITFAIL": 1}


def test_data_sm_is_judged_too(make_house: MakeHouse) -> None:
    house = make_house(one(refusals="response"), words=Words())
    pdu = DataSm(source_addr=BANK, destination_addr=HANDSET, tlvs=(Tlv(Tag.message_payload, b"so bad"),))
    assert name_of(house.client().ask(pdu).command_status) == "ESME_RSUBMITFAIL"


def test_submit_multi_books_each_destination_by_itself(house: House) -> None:
    client = house.client()
    numbers = ["8619912340001", "8619912340002", "8619912340003"]
    answer = client.ask(multi(*numbers))
    assert isinstance(answer, SubmitMultiResp)
    assert (answer.command_status, answer.unsuccess_sme) == (0, ())
    assert [row.destination for row in house.rows()] == numbers
    for at, number in enumerate(numbers, 1):
        house.receipt(str(at), source=number, stat="DELIVRD" if at != 2 else "UNDELIV")
    assert [
        (pdu.source_addr, found.stat) for pdu, found in zip(client.delivered, client.receipts, strict=True)
    ] == [
        (numbers[0], "DELIVRD"),
        (numbers[1], "UNDELIV"),
        (numbers[2], "DELIVRD"),
    ]
    assert {found.message_id for found in client.receipts} == {answer.message_id}


def test_submit_multi_names_those_it_refused(make_house: MakeHouse) -> None:
    house = make_house(one(refusals="response"))
    client = house.client()
    answer = client.ask(multi("8619912340001", "nobody", DistributionList("friends")))
    assert answer.command_status == 0
    assert [(entry.destination_addr, name_of(entry.error_status_code)) for entry in answer.unsuccess_sme] == [
        ("nobody", "ESME_RINVDSTADR"),
        ("friends", "ESME_RINVDLNAME"),
    ]
    assert len(house.rows()) == 1
    bank = house.relay.accounts.get("bank")
    assert bank is not None
    assert bank.counts["accepted"] == 1


def test_submit_multi_that_nobody_gets_is_refused(house: House) -> None:
    answer = house.client().ask(multi("nobody", "no one"))
    assert name_of(answer.command_status) == "ESME_RINVDSTADR"
    assert house.rows() == []


def test_submit_multi_counts_as_many_for_the_rate(make_house: MakeHouse) -> None:
    house = make_house(one(rate={"per_second": 1.0, "burst": 3}))
    client = house.client()
    many = [f"86199123{at:05d}" for at in range(7)]
    assert name_of(client.ask(multi(*many)).command_status) == "ESME_RTHROTTLED"
    assert client.ask(multi(*many[:6])).command_status == 0


def test_submit_multi_and_a_failing_store(house: House) -> None:
    client = house.client()
    house.driver.broken = True
    assert name_of(client.ask(multi("8619912340001", "8619912340002")).command_status) == "ESME_RTHROTTLED"
    assert house.relay.book.entries == {}
    assert not any(house.relay.book.states.values())


def test_no_ids_left_is_a_pause_not_a_fault(house: House) -> None:
    client = house.client()
    house.relay.ids._end = house.relay.ids._plenty = house.relay.ids._next
    house.relay.ids._spare = None
    assert name_of(client.submit().command_status) == "ESME_RTHROTTLED"
    assert name_of(client.submit().command_status) == "ESME_ROK"
    house.relay.ids._end = house.relay.ids._plenty = house.relay.ids._next
    house.relay.ids._spare = None
    assert name_of(client.ask(multi("8619912340001")).command_status) == "ESME_RTHROTTLED"


def test_replace_if_present_deletes_what_waits(house: House) -> None:
    house.down.add("alpha")
    house.upstream().cut()
    client = house.client()
    first = client.submit(service_type="CMT").message_id
    client.submit(service_type="VMN")
    client.submit(service_type="CMT", destination_addr="8619912340002")
    answer = client.submit(service_type="CMT", replace_if_present_flag=1, short_message=b"new")
    assert answer.command_status == 0
    assert house.states() == [State.DELETED, State.WAITING, State.WAITING, State.WAITING]
    assert [(found.message_id, found.stat) for found in client.receipts] == [(first, "DELETED")]
    house.down.clear()
    house.advance(3)
    assert [getattr(pdu, "replace_if_present_flag", 0) for _, pdu in house.submits] == [0, 0, 0]


def test_unknown_tlvs_are_passed_on_untouched(house: House) -> None:
    tlvs = (Tlv(0x1600, b"b"), Tlv(0x1401, b""), Tlv(0x1600, b"a"))
    house.client().submit(tlvs=tlvs)
    assert house.submits[0][1].tlvs == tlvs
