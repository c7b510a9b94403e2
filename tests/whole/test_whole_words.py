"""Sensitive words on every way into the house, told by receipt or in the response as the account wants it."""

from __future__ import annotations

from typing import Any

import pytest
from whole_clients import SOURCE, Esme, Legacy, bound, err, handset, stat, submit
from whole_house import Build, House, Upstream

from gateway.smpp.concat import concat_element, make_sar, make_udh
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.fields import SmeAddress, Tlv
from gateway.smpp.pdus import DataSm, ReplaceSm, SubmitMulti

UDHI = 0x40
REFUSED = CommandStatus.ESME_RSUBMITFAIL
DISGUISES = {
    "as it is": (0, b"come to the casino tonight"),
    "capitals": (0, b"CASINO!"),
    "latin-1": (3, b"casino"),
    "ascii": (1, b"casino"),
    "ucs-2": (8, "今晚赌博".encode("utf-16-be")),
    "full width": (8, "ｃａｓｉｎｏ".encode("utf-16-be")),
    "traditional": (8, "今晚賭博".encode("utf-16-be")),
    "spaced": (8, "赌 博".encode("utf-16-be")),
    "turned round": (8, "\u202eonisac".encode("utf-16-be")),
    "flash class": (0x18, "赌博".encode("utf-16-be")),
}


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    words = {"words": "enforce"}
    return build(
        accounts={
            "bank": {"filters": words},
            "shop": {"filters": words, "refusals": "response"},
            "free": {"filters": {}},
        },
        carriers={"alpha": Upstream()},
        routes=[{"name": "default", "carriers": ["alpha"]}],
        words=["#: severity=reject", "赌博", "casino"],
    ).start()


def refused_by_receipt(house: House, esme: Esme, message_id: str, number: str) -> None:
    """The message was accepted and ended REJECTD; the carrier has seen nothing of it."""
    receipt = esme.receipt(message_id)
    assert (stat(receipt), err(receipt)) == ("REJECTD", "911")
    assert b"casino" not in receipt.short_message
    assert house.sent_to(number) == house.sent_to(number, "data_sm") == []


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_word_is_refused_however_it_is_written(house: House, disguise: str) -> None:
    data_coding, octets = DISGUISES[disguise]
    number = handset()
    with bound(house.port) as bank, bound(house.port, system_id="shop") as shop:
        message_id = bank.submit(number, octets, data_coding=data_coding)
        refused_by_receipt(house, bank, message_id, number)
        response = shop.ask(submit(number, octets, data_coding=data_coding))
        assert (response.command_status, response.message_id) == (REFUSED, "")
        assert shop.rest() == []
        assert house.sent_to(number) == []


@pytest.mark.parametrize("disguise", DISGUISES)
def test_an_account_without_the_filter_sends_it(house: House, disguise: str) -> None:
    data_coding, octets = DISGUISES[disguise]
    with Legacy(house.port, system_id="free") as free:
        free.receipt(free.submit(handset(), octets, data_coding=data_coding))


@pytest.mark.parametrize("text", [b"cas ual in october", "赌场很博大".encode("utf-16-be"), b"plain", b""])
def test_other_texts_pass(house: House, text: bytes) -> None:
    with Legacy(house.port) as bank:
        data_coding = 8 if b"\x00" in text or text[:1] > b"\x7f" else 0
        assert bank.receipt(bank.submit(handset(), text, data_coding=data_coding)).message_state == 2


def test_binary_is_no_text(house: House) -> None:
    with bound(house.port) as bank:
        assert stat(bank.receipt(bank.submit(handset(), b"casino", data_coding=4))) == "DELIVRD"


def test_in_message_payload(house: House) -> None:
    number = handset()
    with bound(house.port) as bank:
        message_id = bank.submit(number, b"", tlvs=(Tlv(Tag.message_payload, b"x" * 500 + b" casino"),))
        refused_by_receipt(house, bank, message_id, number)


def test_short_message_beside_message_payload_is_no_way_around(house: House) -> None:
    payload = (Tlv(Tag.message_payload, b"casino"),)
    with bound(house.port) as bank:
        assert bank.ask(submit(handset(), b"harmless", tlvs=payload)).command_status != 0


def split(kind: str, octets: bytes, cut: int, number: str, **fields: Any) -> list[Any]:
    """A text in two segments."""
    parts = (octets[:cut], octets[cut:])
    if kind == "sar":
        return [submit(number, part, tlvs=make_sar(4, 2, n), **fields) for n, part in enumerate(parts, 1)]
    reference = 4 if kind == "udh8" else 0x0104
    return [
        submit(number, make_udh(concat_element(reference, 2, n)) + part, esm_class=UDHI, **fields)
        for n, part in enumerate(parts, 1)
    ]


@pytest.mark.parametrize("kind", ["udh8", "udh16", "sar"])
@pytest.mark.parametrize("swapped", [False, True])
def test_split_over_two_segments(house: House, kind: str, swapped: bool) -> None:
    for octets, cut, data_coding in ((b"see the casino", 11, 0), ("去赌博吧".encode("utf-16-be"), 4, 8)):
        number = handset()
        pdus = split(kind, octets, cut, number, data_coding=data_coding)
        if swapped:
            pdus.reverse()
        for system_id in ("bank", "shop"):  # a response cannot refuse a segment that was accepted already
            with bound(house.port, system_id=system_id) as esme:
                for message_id in [esme.ask(pdu).message_id for pdu in pdus]:
                    refused_by_receipt(house, esme, message_id, number)


def test_split_over_two_sessions(house: House) -> None:
    number = handset()
    first, second = split("udh8", b"see the casino", 11, number)
    with bound(house.port) as one, bound(house.port, "transmitter") as other:
        ids = [one.ask(first).message_id, other.ask(second).message_id]
        for message_id in ids:
            refused_by_receipt(house, one, message_id, number)


def test_by_data_sm(house: House) -> None:
    number = handset()
    pdu = DataSm(
        source_addr_npi=1,
        source_addr=SOURCE,
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=number,
        registered_delivery=1,
        tlvs=(Tlv(Tag.message_payload, b"casino"),),
    )
    with bound(house.port) as bank, bound(house.port, system_id="shop") as shop:
        refused_by_receipt(house, bank, bank.ask(pdu).message_id, number)
        assert shop.ask(pdu).command_status == REFUSED


def test_by_submit_multi(house: House) -> None:
    numbers = [handset() for _ in range(3)]
    pdu = SubmitMulti(
        source_addr_npi=1,
        source_addr=SOURCE,
        dest_addresses=tuple(SmeAddress(1, 1, number) for number in numbers),
        registered_delivery=1,
        short_message=b"casino",
    )
    with bound(house.port) as bank, bound(house.port, system_id="shop") as shop:
        response = bank.ask(pdu)
        assert (response.command_status, response.unsuccess_sme) == (0, ())
        receipts = [bank.receipt(response.message_id) for _ in numbers]
        assert {stat(one) for one in receipts} == {"REJECTD"}
        assert {one.source_addr for one in receipts} == set(numbers)
        assert shop.ask(pdu).command_status == REFUSED
    assert [house.sent_to(number) for number in numbers] == [[], [], []]


@pytest.mark.parametrize("payload", [False, True])
def test_by_replace_sm(house: House, payload: bool) -> None:
    number = handset()
    with bound(house.port) as bank:
        message_id = bank.submit(number, b"harmless", schedule_delivery_time="000000000002000R")
        replaced = bank.ask(
            ReplaceSm(
                message_id=message_id,
                source_addr_npi=1,
                source_addr=SOURCE,
                registered_delivery=1,
                short_message=b"" if payload else b"casino",
                tlvs=(Tlv(Tag.message_payload, b"casino"),) if payload else (),
            )
        )
        assert replaced.command_status != 0
        assert stat(bank.receipt(message_id)) == "DELIVRD"
    (seen,) = house.sent_to(number)
    assert seen.pdu.short_message == b"harmless"


def test_who_asks_for_no_receipt_is_told_in_the_response(house: House) -> None:
    number = handset()
    with bound(house.port) as bank:
        assert bank.ask(submit(number, b"casino", registered_delivery=0)).command_status == REFUSED
        assert bank.rest() == []
    assert house.sent_to(number) == []


def test_smpplib_hears_of_both(house: House) -> None:
    with Legacy(house.port) as bank, Legacy(house.port, system_id="shop") as shop:
        receipt = bank.receipt(bank.submit(handset(), b"casino"))
        assert (receipt.message_state, receipt.network_error_code) == (8, b"\x08\x03\x8f")
        assert shop.try_submit(handset(), b"casino").status == REFUSED


def test_nothing_that_was_refused_reached_the_carrier(house: House) -> None:
    for seen in house.captured() + house.captured("data_sm"):
        if seen.pdu.source_addr == SOURCE and b"casino" in seen.frame:
            assert seen.pdu.data_coding in (0, 1, 3, 4), "only the account without the filter, and binary"
    assert house.tell("faults")["count"] == {}
