"""What the load sends: good PDUs, each text whole, in the shares that were asked for."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.codec import decode, find_tlv
from gateway.smpp.concat import body_of, part_of
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.pdus import SubmitSm
from gateway.smpp.text import decode_text
from gateway.smpp.validate import check_request
from simulator.load.traffic import KINDS, Addressing, Traffic, parse_mix


def submits(traffic: Traffic) -> list[SubmitSm]:
    found = []
    while not traffic.exhausted:
        for piece in traffic.take(7):
            pdu = decode(traffic.frame(piece, piece + 1))
            assert isinstance(pdu, SubmitSm)
            assert check_request(pdu, 0x34) == CommandStatus.ESME_ROK
            assert (pdu.sequence_number, pdu.destination_addr) == (piece + 1, traffic.destination(piece))
            found.append(pdu)
    return found


def read(pdus: list[SubmitSm]) -> str:
    """The text of one message."""
    octets = b"".join(body_of(pdu) for pdu in pdus)
    return decode_text(octets, pdus[0].data_coding) or ""


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_the_text_it_should_be(kind: str) -> None:
    pdus = submits(Traffic(1, {kind: 1.0}, Addressing()))
    assert read(pdus) == KINDS[kind]
    parts = [part_of(pdu) for pdu in pdus]
    if len(pdus) > 1:
        assert [part and (part.total, part.number) for part in parts] == [
            (len(pdus), number) for number in range(1, len(pdus) + 1)
        ]
    assert (kind == "payload") == (find_tlv(pdus[0].tlvs, Tag.message_payload) is not None)
    assert (kind in ("long", "long-ucs2", "sar")) == (len(pdus) > 1)


def test_long_texts_to_one_number_have_references_of_their_own() -> None:
    pdus = submits(Traffic(20, {"long": 1.0}, Addressing(destinations=1)))
    references = Counter(part.reference for part in map(part_of, pdus) if part)
    assert set(references.values()) == {len(pdus) // 20}


def test_the_addressing_is_on_every_pdu() -> None:
    addressing = Addressing("BANK", 447700900000, 3, 2, "WAP")
    pdus = submits(Traffic(6, {"gsm": 1.0}, addressing))
    assert [pdu.destination_addr[-1] for pdu in pdus] == ["0", "1", "2", "0", "1", "2"]
    seen = {(pdu.source_addr, pdu.source_addr_ton, pdu.registered_delivery, pdu.service_type) for pdu in pdus}
    assert seen == {("BANK", 5, 2, "WAP")}


def test_the_shares_of_a_mix() -> None:
    pdus = submits(Traffic(1000, {"gsm": 3.0, "ucs2": 1.0}, Addressing(), seed=3))
    assert Counter(pdu.data_coding for pdu in pdus) == {0: 750, 8: 250}


@pytest.mark.parametrize(("text", "coding"), [("code {n}, valid", 0), ("验证码{n}有效", 8)])
def test_a_running_number_in_the_text(text: str, coding: int) -> None:
    pdus = submits(Traffic(3, text, Addressing()))
    assert [read([pdu]) for pdu in pdus] == [text.replace("{n}", f"{number:08d}") for number in range(3)]
    assert {pdu.data_coding for pdu in pdus} == {coding}


def test_a_running_number_needs_one_segment() -> None:
    with pytest.raises(ValueError, match="several segments"):
        Traffic(1, "x" * 200 + "{n}", Addressing())


@given(st.text(min_size=1, max_size=400).filter(lambda text: "{n}" not in text and "48151623" not in text))
def test_any_text_arrives_whole(text: str) -> None:
    text = text.encode("utf-16-be", "replace").decode("utf-16-be")
    assert read(submits(Traffic(1, text, Addressing()))) == text


@given(
    st.integers(min_value=0, max_value=60),
    st.lists(st.integers(min_value=0, max_value=20), max_size=20),
    st.data(),
)
def test_pieces_are_handed_out_once_unless_given_back(texts: int, takes: list[int], data: Any) -> None:
    traffic = Traffic(texts, {"gsm": 1.0, "long": 1.0}, Addressing())
    out, seen = list[int](), set[int]()
    for most in takes:
        taken = traffic.take(most)
        assert len(taken) <= most
        assert not seen & set(taken)
        seen.update(taken)
        out += taken
        if out and data.draw(st.booleans()):
            back = out.pop()
            seen.discard(back)
            traffic.again(back)
            assert traffic.take(1) == [back]
            seen.add(back)
    dropped = traffic.stop()
    assert traffic.exhausted
    assert traffic.pieces == len(seen) + dropped


def test_mixes() -> None:
    assert parse_mix("gsm=80, ucs2=15,long") == {"gsm": 80.0, "ucs2": 15.0, "long": 1.0}
    for bad in ("gms=1", "gsm=0", "gsm=-1,ucs2=2", "gsm=x"):
        with pytest.raises(ValueError, match=r"no kind|0 or more|could not convert"):
            parse_mix(bad)
