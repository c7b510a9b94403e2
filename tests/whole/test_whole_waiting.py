"""Messages that wait: schedules, validity, and query_sm, cancel_sm and replace_sm in every state."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from whole_clients import SOURCE, Esme, bound, err, handset, stat, submit
from whole_house import Build, House, Upstream, wait_until

from gateway.smpp.constants import CommandStatus, MessageState, Tag
from gateway.smpp.fields import SmeAddress, Tlv
from gateway.smpp.pdus import CancelSm, DataSm, QuerySm, ReplaceSm, SubmitMulti
from gateway.smpp.smpptime import format_absolute, format_relative

NOWHERE, NEVER, FAILED, SILENT = "861971", "861972", "861973", "861974"


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    """`absent` is a carrier that never listens: what is routed to it waits."""
    rules = [
        {"match": {"destination": NEVER}, "do": {"outcome": "NEVER"}},
        {"match": {"destination": FAILED}, "do": {"outcome": "UNDELIVERABLE"}},
        {"match": {"destination": SILENT}, "do": {"silence": True}},
    ]
    house = build(
        accounts={"bank": {"longest_validity": "1h", "validity": "30m"}, "shop": {}},
        carriers={"alpha": Upstream({"rules": rules}), "absent": Upstream(process="never started")},
        routes=[
            {"name": "nowhere", "match": {"destination": [NOWHERE]}, "carriers": ["absent"]},
            {"name": "default", "carriers": ["alpha"]},
        ],
    )
    house.start_carriers()
    house.start_gateway()
    wait_until(lambda: house.bound("alpha"), "alpha is bound")
    return house


def query(esme: Esme, message_id: str, source: str = SOURCE) -> Any:
    return esme.ask(QuerySm(message_id=message_id, source_addr_npi=1, source_addr=source))


def cancel(esme: Esme, message_id: str = "", destination: str = "", source: str = SOURCE, **more: Any) -> int:
    pdu = CancelSm(
        message_id=message_id,
        source_addr_npi=1,
        source_addr=source,
        destination_addr=destination,
        **more,
    )
    return int(esme.ask(pdu).command_status)


def replace(esme: Esme, message_id: str, text: bytes = b"new text", source: str = SOURCE, **more: Any) -> int:
    pdu = ReplaceSm(
        message_id=message_id,
        source_addr_npi=1,
        source_addr=source,
        registered_delivery=1,
        short_message=text,
        **more,
    )
    return int(esme.ask(pdu).command_status)


def later(seconds: float, relative: bool = False) -> str:
    """A time of SMPP. An absolute one is cut to tenths."""
    if relative:
        return format_relative(timedelta(seconds=seconds))
    return format_absolute(datetime.now(UTC) + timedelta(seconds=seconds))


# query_sm, cancel_sm and replace_sm by state


def test_a_waiting_message(house: House) -> None:
    number = handset(NOWHERE)
    with bound(house.port) as esme:
        message_id = esme.submit(number)
        answer = query(esme, message_id)
        assert (answer.command_status, answer.message_state) == (0, MessageState.ENROUTE)
        assert (answer.final_date, answer.error_code) == ("", 0)
        assert replace(esme, message_id) == 0
        assert cancel(esme, message_id) == 0
        assert stat(esme.receipt(message_id)) == "DELETED"
        answer = query(esme, message_id)
        assert (answer.message_id, answer.message_state) == (message_id, MessageState.DELETED)
        assert re.fullmatch(r"\d{12}\d{3}[+-]", answer.final_date)
        assert cancel(esme, message_id) == CommandStatus.ESME_RCANCELFAIL
        assert replace(esme, message_id) == CommandStatus.ESME_RREPLACEFAIL


def test_a_scheduled_message(house: House) -> None:
    with bound(house.port) as esme, bound(house.port, interface_version=0x50) as new:
        message_id = esme.submit(handset(), schedule_delivery_time=later(600))
        assert query(esme, message_id).message_state == MessageState.ENROUTE
        assert query(new, message_id).message_state == MessageState.SCHEDULED
        assert replace(esme, message_id) == 0
        assert cancel(esme, message_id) == 0
        assert stat(esme.delivery()) == "DELETED" or stat(new.delivery()) == "DELETED"


def test_a_message_with_the_carrier_can_only_be_queried(house: House) -> None:
    number = handset(NEVER)
    with bound(house.port) as esme:
        message_id = esme.submit(number)
        wait_until(lambda: house.sent_to(number), "it is with the carrier")
        assert query(esme, message_id).message_state == MessageState.ENROUTE
        assert cancel(esme, message_id) == CommandStatus.ESME_RCANCELFAIL
        assert replace(esme, message_id) == CommandStatus.ESME_RREPLACEFAIL


def test_a_message_on_the_wire_can_only_be_queried(house: House) -> None:
    number = handset(SILENT)
    with bound(house.port) as esme:
        message_id = esme.submit(number)
        wait_until(lambda: house.sent_to(number), "it is on the wire")
        assert query(esme, message_id).message_state == MessageState.ENROUTE
        assert cancel(esme, message_id) == CommandStatus.ESME_RCANCELFAIL
        assert replace(esme, message_id) == CommandStatus.ESME_RREPLACEFAIL


@pytest.mark.parametrize(
    ("prefix", "state"), [("86199", MessageState.DELIVERED), (FAILED, MessageState.UNDELIVERABLE)]
)
def test_a_message_that_has_ended(house: House, prefix: str, state: MessageState) -> None:
    with bound(house.port) as esme:
        message_id = esme.submit(handset(prefix))
        esme.receipt(message_id)
        answer = query(esme, message_id)
        assert (answer.command_status, answer.message_state) == (0, state)
        assert answer.final_date
        assert cancel(esme, message_id) == CommandStatus.ESME_RCANCELFAIL
        assert replace(esme, message_id) == CommandStatus.ESME_RREPLACEFAIL


def test_segments_that_wait_for_their_siblings(house: House) -> None:
    from gateway.smpp.concat import make_sar

    with bound(house.port) as esme:
        message_id = esme.submit(handset(), b"half", tlvs=make_sar(1, 2, 1))
        assert query(esme, message_id).message_state == MessageState.ENROUTE
        assert replace(esme, message_id) == CommandStatus.ESME_RREPLACEFAIL
        assert cancel(esme, message_id) == 0
        assert stat(esme.receipt(message_id)) == "DELETED"


@pytest.mark.parametrize("message_id", ["9999999999", "nonsense", "0", "-1"])
def test_an_unknown_id(house: House, message_id: str) -> None:
    with bound(house.port) as esme:
        assert query(esme, message_id).command_status in (
            CommandStatus.ESME_RINVMSGID,
            CommandStatus.ESME_RQUERYFAIL,
        )
        assert cancel(esme, message_id) == CommandStatus.ESME_RINVMSGID
        assert replace(esme, message_id) == CommandStatus.ESME_RINVMSGID
        esme.ping()


def test_the_source_address_has_to_fit_and_the_account(house: House) -> None:
    with bound(house.port) as esme, bound(house.port, system_id="shop") as stranger:
        message_id = esme.submit(handset(NOWHERE))
        assert query(esme, message_id, "1069").command_status == CommandStatus.ESME_RINVMSGID
        assert cancel(esme, message_id, source="1069") == CommandStatus.ESME_RINVMSGID
        assert query(stranger, message_id).command_status == CommandStatus.ESME_RINVMSGID
        assert cancel(stranger, message_id) == CommandStatus.ESME_RINVMSGID
        assert replace(stranger, message_id) == CommandStatus.ESME_RINVMSGID
        assert cancel(esme, message_id) == 0
        esme.receipt(message_id)


def test_cancel_a_group(house: House) -> None:
    number, other = handset(NOWHERE), handset(NOWHERE)
    with bound(house.port) as esme:
        offers = [esme.submit(number, service_type="OFF") for _ in range(3)]
        code = esme.submit(number, service_type="OTP")
        elsewhere = esme.submit(other, service_type="OFF")
        assert cancel(esme, destination=number, service_type="OFF", dest_addr_ton=1, dest_addr_npi=1) == 0
        assert {stat(esme.receipt(one)) for one in offers} == {"DELETED"}
        states = [query(esme, one).message_state for one in (code, elsewhere)]
        assert states == [MessageState.ENROUTE] * 2
        assert cancel(esme, destination=number) == 0
        assert cancel(esme, destination=other) == 0
        assert cancel(esme, destination=other) == CommandStatus.ESME_RCANCELFAIL
        esme.receipt(code)
        esme.receipt(elsewhere)


def test_one_destination_of_a_submit_multi_is_cancelled(house: House) -> None:
    numbers = [handset(NOWHERE) for _ in range(3)]
    pdu = SubmitMulti(
        source_addr_npi=1,
        source_addr=SOURCE,
        dest_addresses=tuple(SmeAddress(1, 1, number) for number in numbers),
        registered_delivery=1,
        short_message=b"to all",
    )
    with bound(house.port) as esme:
        message_id = esme.ask(pdu).message_id
        assert cancel(esme, message_id, numbers[1]) == 0
        receipt = esme.receipt(message_id)
        assert (receipt.source_addr, stat(receipt)) == (numbers[1], "DELETED")
        assert query(esme, message_id).message_state == MessageState.ENROUTE
        assert replace(esme, message_id) == CommandStatus.ESME_RREPLACEFAIL
        assert cancel(esme, message_id) == 0
        assert {esme.receipt(message_id).source_addr for _ in range(2)} == {numbers[0], numbers[2]}
        assert query(esme, message_id).message_state == MessageState.DELETED


def test_a_replaced_text_is_what_the_carrier_gets(house: House) -> None:
    number = handset()
    with bound(house.port) as esme:
        message_id = esme.submit(
            number, b"old", schedule_delivery_time=later(1.0), tlvs=(Tlv(0x1400, b"kept"),), data_coding=3
        )
        assert replace(esme, message_id, b"new") == 0
        assert stat(esme.receipt(message_id)) == "DELIVRD"
    (seen,) = house.sent_to(number)
    assert (seen.pdu.short_message, seen.pdu.data_coding) == (b"new", 3)
    assert seen.pdu.tlvs == (Tlv(0x1400, b"kept"),)


def test_replace_can_move_the_schedule(house: House) -> None:
    number = handset()
    with bound(house.port) as esme:
        message_id = esme.submit(number, b"old", schedule_delivery_time=later(900))
        assert replace(esme, message_id, b"new", schedule_delivery_time=later(1, relative=True)) == 0
        assert stat(esme.receipt(message_id)) == "DELIVRD"
    (seen,) = house.sent_to(number)
    assert seen.pdu.short_message == b"new"


def test_replace_with_times_that_cannot_be(house: House) -> None:
    with bound(house.port) as esme:
        message_id = esme.submit(handset(NOWHERE))
        assert replace(esme, message_id, schedule_delivery_time="9" * 16) == CommandStatus.ESME_RINVSCHED
        assert replace(esme, message_id, validity_period="9" * 16) == CommandStatus.ESME_RINVEXPIRY
        assert cancel(esme, message_id) == 0
        esme.receipt(message_id)


def test_replace_if_present(house: House) -> None:
    number = handset(NOWHERE)
    with bound(house.port) as esme:
        first = esme.submit(number, b"first", service_type="OFF")
        second = esme.submit(number, b"second", service_type="OFF", replace_if_present_flag=1)
        assert stat(esme.receipt(first)) == "DELETED"
        assert query(esme, second).message_state == MessageState.ENROUTE
        assert cancel(esme, second) == 0
        esme.receipt(second)


# schedules


@pytest.mark.parametrize("relative", [False, True])
def test_a_scheduled_message_leaves_when_it_is_due(house: House, relative: bool) -> None:
    number = handset()
    due = time.time() + 1.0
    with bound(house.port) as esme:
        message_id = esme.submit(number, schedule_delivery_time=later(1.0, relative))
        assert house.sent_to(number) == []
        assert stat(esme.receipt(message_id)) == "DELIVRD"
    (seen,) = house.sent_to(number)
    assert seen.at >= due - 0.2
    assert seen.pdu.schedule_delivery_time == ""


def test_a_schedule_in_the_past_is_now(house: House) -> None:
    with bound(house.port) as esme:
        message_id = esme.submit(handset(), schedule_delivery_time=later(-60))
        assert stat(esme.receipt(message_id)) == "DELIVRD"


def test_a_scheduled_long_text_leaves_whole(house: House) -> None:
    from gateway.smpp.concat import make_sar

    number = handset()
    when = later(1.0)
    with bound(house.port) as esme:
        ids = [
            esme.submit(number, part, schedule_delivery_time=when, tlvs=make_sar(9, 2, n))
            for n, part in enumerate((b"one ", b"two"), 1)
        ]
        assert house.sent_to(number) == []
        assert [stat(esme.receipt(one)) for one in ids] == ["DELIVRD"] * 2
    assert len(house.sent_to(number)) == 2


@pytest.mark.parametrize(
    ("times", "status"),
    [
        ({"schedule_delivery_time": "not a time at al"}, CommandStatus.ESME_RINVSCHED),
        ({"validity_period": "not a time at al"}, CommandStatus.ESME_RINVEXPIRY),
        ({"validity_period": "200101000000000+"}, CommandStatus.ESME_RINVEXPIRY),
        (
            {"schedule_delivery_time": "000001000000000R", "validity_period": "000000010000000R"},
            CommandStatus.ESME_RINVEXPIRY,
        ),
    ],
)
def test_times_that_cannot_be(house: House, times: dict[str, Any], status: CommandStatus) -> None:
    with bound(house.port) as esme:
        assert esme.ask(submit(handset(), **times)).command_status == status
        esme.ping()


# validity


@pytest.mark.parametrize("relative", [False, True])
def test_an_expired_message_ends_with_its_receipt(house: House, relative: bool) -> None:
    with bound(house.port) as esme:
        message_id = esme.submit(handset(NOWHERE), validity_period=later(1.0, relative))
        receipt = esme.receipt(message_id)
        assert (stat(receipt), err(receipt)) == ("EXPIRED", "000")
        answer = query(esme, message_id)
        assert answer.message_state == MessageState.EXPIRED
        assert cancel(esme, message_id) == CommandStatus.ESME_RCANCELFAIL


def test_an_expired_data_sm(house: House) -> None:
    pdu = DataSm(
        source_addr_npi=1,
        source_addr=SOURCE,
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=handset(NOWHERE),
        registered_delivery=1,
        tlvs=(Tlv(Tag.message_payload, b"soon over"), Tlv(Tag.qos_time_to_live, (1).to_bytes(4, "big"))),
    )
    with bound(house.port) as esme:
        assert stat(esme.receipt(esme.ask(pdu).message_id)) == "EXPIRED"


def test_the_carrier_is_told_the_validity_that_remains(house: House) -> None:
    at_once, waited, absolute = handset(), handset(), handset()
    until = later(1000)
    with bound(house.port) as esme:
        ids = [
            esme.submit(at_once, validity_period=later(1000, relative=True)),
            esme.submit(absolute, validity_period=until),
            esme.submit(
                waited, validity_period=later(1000, relative=True), schedule_delivery_time=later(2.5)
            ),
        ]
        for one in ids:
            assert stat(esme.receipt(one)) == "DELIVRD"
    assert house.sent_to(at_once)[0].pdu.validity_period == later(1000, relative=True)
    assert house.sent_to(absolute)[0].pdu.validity_period == until
    left = house.sent_to(waited)[0].pdu.validity_period
    assert left in {later(seconds, relative=True) for seconds in (994, 995, 996, 997, 998)}


def test_everything_has_ended_as_it_was_told(house: House) -> None:
    """What the node counts is what these tests left open, and nothing waits for a client."""
    messages = house.status()["messages"]
    assert messages.get("waiting", 0) == messages.get("deferred", 0) == messages.get("gathering", 0) == 0
    assert messages["sending"] == 1
    assert messages["sent"] == 1
    assert house.status()["accounts"]["bank"]["outbox"] == 0
