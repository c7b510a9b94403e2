"""Receipts of every format: the gateway's own reader finds in them what the carrier meant."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.codec import decode, encode, find_tlv
from gateway.smpp.constants import MessageState, Tag
from gateway.smpp.receipts import canonical_id, parse_receipt
from simulator.load.receipts import read_receipt
from simulator.smsc.messages import Address, Message, Numbers
from simulator.smsc.profile import Ids, Receipts
from simulator.smsc.receipts import query_date, receipt

MOMENT = 1_790_000_000.0
FINAL = [state for state in MessageState if state not in (MessageState.SCHEDULED, MessageState.ENROUTE)]
WILD = [
    "id:{id} stat:{stat} err:{err}",
    "stat:{stat} id:{id} done date:{done_date} submit date:{submit_date} sub:{sub} dlvrd:{dlvrd} err:{err}",
    "id:{id} sub:{sub} submit date:{submit_date} done date:{done_date} stat:{stat} err:{err} Text:{text}",
    "ID:{id} STAT:{stat}\0",
]


def numbers(**ids: Any) -> Numbers:
    return Numbers(Ids(**ids), random.Random(1), lambda: MOMENT)


def message_of(number: int = 4711, short_id: bool = False, **how: Any) -> Message:
    return Message(
        number=number,
        account="gateway",
        source=Address(0, 1, "10690001"),
        destination=Address(1, 1, "8619912340001"),
        registered_delivery=1,
        service_type="",
        text=b"your code is 482913, do not tell it",
        submitted_at=MOMENT - 60,
        outcome=MessageState.DELIVERED,
        receipts=Receipts(**how),
        short_id=short_id,
        rule=None,
    )


@pytest.mark.parametrize("style", ["both", "text", "tlv"])
@pytest.mark.parametrize("dates", [10, 12, 14])
@pytest.mark.parametrize("payload", [False, True])
@pytest.mark.parametrize("state", FINAL)
def test_the_gateway_reads_every_style(style: Any, dates: Any, payload: bool, state: MessageState) -> None:
    message = message_of(style=style, dates=dates, payload=payload)
    pdu = decode(encode(receipt(message, numbers(), state, MOMENT)))
    told = parse_receipt(pdu)  # type: ignore[arg-type]
    assert told is not None
    assert (told.message_id, told.intermediate) == ("4711", False)
    if style != "tlv":
        assert told.done_date is not None
        assert f"{told.done_date:%Y-%m-%d %H:%M:%S}" == f"2026-09-21 14:13:{'20' if dates > 10 else '00'}"
        assert told.text == "your code is 482913,"
        assert told.dlvrd == (state is MessageState.DELIVERED)
    assert told.state is state


@pytest.mark.parametrize("layout", WILD, ids=len)
def test_the_gateway_reads_wild_layouts(layout: str) -> None:
    message = message_of(style="text", layout=layout, errors={"EXPIRED": "0A1"}, text_length=5)
    told = parse_receipt(receipt(message, numbers(), MessageState.EXPIRED, MOMENT))
    assert told is not None
    assert (told.message_id, told.state) == ("4711", MessageState.EXPIRED)


def test_a_text_too_long_for_short_message_goes_into_message_payload() -> None:
    pdu = receipt(message_of(layout="x" * 260 + " id:{id}"), numbers(), MessageState.DELIVERED, MOMENT)
    assert pdu.short_message == b""
    assert len(find_tlv(pdu.tlvs, Tag.message_payload) or b"") == 260 + len(" id:4711")


def test_a_stat_and_an_error_of_ones_own() -> None:
    message = message_of(stat={"UNDELIVERABLE": "FAILED"}, errors={"UNDELIVERABLE": "042"}, network_type=3)
    pdu = receipt(message, numbers(), MessageState.UNDELIVERABLE, MOMENT)
    told = parse_receipt(pdu)
    assert told is not None
    assert (told.stat, told.err, told.network_error_code) == ("FAILED", "042", (3, 42))
    assert told.state is MessageState.UNDELIVERABLE


def test_an_intermediate_notification_and_extra_tlvs() -> None:
    message = message_of(tlvs=[{"tag": 0x1400, "value": "00ff"}])
    pdu = receipt(message, numbers(), MessageState.ENROUTE, MOMENT, final=False)
    told = parse_receipt(pdu)
    assert told is not None
    assert told.intermediate
    assert pdu.esm_class == 0x20
    assert find_tlv(pdu.tlvs, 0x1400) == b"\x00\xff"


@pytest.mark.parametrize("state", FINAL)
def test_what_is_tidy_has_no_fault_in_the_eyes_of_the_load(state: MessageState) -> None:
    told = read_receipt(receipt(message_of(), numbers(), state, MOMENT))
    assert told is not None
    assert (told.message_id, told.final, told.faults) == ("4711", True, ())


def test_what_is_no_receipt_is_none_to_the_load() -> None:
    pdu = receipt(message_of(), numbers(), MessageState.DELIVERED, MOMENT)
    assert read_receipt(pdu._replace(esm_class=0x40)) is None


forms = st.sampled_from(["dec", "hex", "HEX", "dec10", "hex8", "HEX16"])


@given(st.integers(min_value=1, max_value=2**60), forms, forms, forms)
def test_ids_of_every_form_come_together_again(number: int, response: str, text: str, tlv: str) -> None:
    known = numbers(first=number, response=response, text=text, tlv=tlv)
    assert known.next() == number
    for form, written in (
        (response, known.in_response(number)),
        (text, known.in_text(number)),
        (tlv, known.in_tlv(number)),
    ):
        assert canonical_id(written, "dec" if form.startswith("dec") else "hex") == str(number)


@given(st.integers(min_value=1, max_value=2**60), forms)
def test_ids_for_old_peers_are_short(number: int, form: str) -> None:
    known = numbers(prefix="alpha-", response=form)
    assert len(known.in_response(number, short=True)) <= 8
    assert known.in_response(number).startswith("alpha-")


def test_numbers_from_a_seed_or_the_clock() -> None:
    assert numbers().next() == numbers().next()
    assert numbers(first="clock").next() == MOMENT * 1_000_000


def test_the_date_of_a_query() -> None:
    assert query_date(MOMENT) == "260921141320000+"
