"""What else a text may look like: octets that carriers and handsets read in different ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp import gsm
from gateway.smpp.concat import CONCAT_8, LOCKING_SHIFT, SINGLE_SHIFT, make_udh
from gateway.smpp.constants import ESM_UDHI, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DataSm, SubmitSm
from gateway.smpp.readings import body, other_readings
from gateway.smpp.text import DefaultAlphabet, choose_encoding, decode_parts

BENGALI = 4


def of(*pdus: SubmitSm | DataSm, alphabet: DefaultAlphabet = "gsm7") -> tuple[str | None, tuple[str, ...]]:
    text = decode_parts([body(pdu) for pdu in pdus], alphabet)
    return text, other_readings(pdus, text or "", alphabet)


def part(number: int, octets: bytes, data_coding: int = 8, total: int = 2) -> SubmitSm:
    udh = make_udh((CONCAT_8, bytes((7, total, number))))
    return SubmitSm(esm_class=ESM_UDHI, data_coding=data_coding, short_message=udh + octets)


def utf16(text: str) -> bytes:
    return text.encode("utf-16-be")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\u202e"), max_size=70))
def test_an_honest_text_has_one_reading(text: str) -> None:
    data_coding, octets = choose_encoding(text)
    if not octets.startswith(b"\xff\xfe"):
        assert of(SubmitSm(data_coding=data_coding, short_message=octets)) == (text, ())


@pytest.mark.parametrize("data_coding", [0, 1, 0xF0, 0x10])
def test_a_high_bit_that_carriers_drop(data_coding: int) -> None:
    octets = bytes(octet | 0x80 for octet in b"casino")
    assert of(SubmitSm(data_coding=data_coding, short_message=octets)) == ("\ufffd" * 6, ("casino",))


@pytest.mark.parametrize("iei", [LOCKING_SHIFT, SINGLE_SHIFT])
def test_a_shift_table_that_a_handset_does_not_know(iei: int) -> None:
    udh = make_udh((iei, bytes((BENGALI,))))
    text, others = of(SubmitSm(esm_class=ESM_UDHI, short_message=udh + b"\x1b0CASINO"))
    assert text != "0CASINO"
    assert others == ("0CASINO",)


def test_latin_1_as_windows_reads_it() -> None:
    pdu = SubmitSm(data_coding=3, short_message=b"ca\x9aino")
    assert of(pdu) == ("ca\x9aino", ("cašino",))
    text, others = of(pdu._replace(data_coding=0), alphabet="latin1")
    assert (text, others) == ("ca\x9aino", ("cašino",))


def test_utf_16_in_the_order_of_its_mark() -> None:
    octets = b"\xff\xfe" + "赌博".encode("utf-16-le")
    assert of(SubmitSm(data_coding=8, short_message=octets))[1] == ("\ufeff赌博",)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("go to \u202eonisac\u202c now", "go to casino now"),
        ("\u202e博赌", "赌博"),
        ("a\u202ebc\ndef", "acb\ndef"),
        ("\u202ed\u202ec\u202eba", "abcd"),
        ("\u202esti \u202dcasino\u202c ot og", "go to casino its"),
        ("\u202c\u202c\u202eba", "ab"),
    ],
)
def test_what_an_override_turns_round(text: str, shown: str) -> None:
    assert of(SubmitSm(data_coding=8, short_message=utf16(text))) == (text, (shown,))
    half = len(text) // 2
    parts = [part(1, utf16(text[:half])), part(2, utf16(text[half:]))]
    assert shown in of(*parts)[1]


def test_very_many_overrides_cost_little() -> None:
    text = "\u202e" * 16_000 + "onisac" + "\u202c" * 16_000
    assert len(of(DataSm(data_coding=8, tlvs=(Tlv(Tag.message_payload, utf16(text)),)))[1]) == 1


def test_gb_18030() -> None:
    assert of(SubmitSm(data_coding=15, short_message="赌博".encode("gbk")))[1] == ("赌博",)


@pytest.mark.parametrize("header", [b"\x03\x00\x09\x01", b"\x7f"])
def test_a_header_that_does_not_add_up_may_be_taken_for_text(header: bytes) -> None:
    _, others = of(SubmitSm(esm_class=ESM_UDHI, data_coding=8, short_message=header + utf16("赌博")))
    assert any("赌博" in other for other in others)
    _, others = of(SubmitSm(esm_class=ESM_UDHI, data_coding=3, short_message=b"\x06casino hello"))
    assert "casino hello" in others


def test_an_octet_too_many_in_one_part_hides_the_next() -> None:
    text, others = of(part(1, utf16("你好") + b"\0"), part(2, utf16("赌博")))
    assert "赌博" not in (text or "")
    assert others == ("你好\ufffd赌博",)


def test_parts_in_different_codings() -> None:
    text, others = of(part(1, utf16("赌")), part(2, utf16("博"), data_coding=3))
    assert text == "赌\x53\x5a"
    assert "赌博" in others


def test_a_character_cut_in_two_is_read_whatever_the_class_of_its_halves() -> None:
    high, low = utf16("𝐜")[:2], utf16("𝐜")[2:]
    assert of(part(1, high, 0x18), part(2, low, 0x08))[0] == "𝐜"


def test_an_escape_at_the_end_of_a_part_is_read_in_both_ways() -> None:
    text, others = of(part(1, b"mon\x1b", 0), part(2, b"ey", 0))
    assert (text, others) == ("mon€y", ("mon ey",))


def test_data_sm_has_readings_too() -> None:
    payload = bytes(octet | 0x80 for octet in b"casino")
    assert of(DataSm(tlvs=(Tlv(Tag.message_payload, payload),)))[1] == ("casino",)


@given(
    st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 255), st.booleans()), min_size=1, max_size=4),
    st.sampled_from(("gsm7", "latin1", "ascii", "gsm7-packed")),
)
def test_any_octets_have_few_readings(
    parts: list[tuple[bytes, int, bool]], alphabet: DefaultAlphabet
) -> None:
    pdus = [
        SubmitSm(esm_class=ESM_UDHI if udhi else 0, data_coding=data_coding, short_message=octets)
        for octets, data_coding, udhi in parts
    ]
    text, others = of(*pdus, alphabet=alphabet)
    assert len(others) <= 6
    assert text not in others
    assert gsm.decode(b"") not in others
