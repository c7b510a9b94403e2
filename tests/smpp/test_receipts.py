"""Receipts as carriers really write them, the ones that we write, and ids in two bases."""

import re
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.codec import decode, encode
from gateway.smpp.constants import ESM_TYPE_INTERMEDIATE, ESM_TYPE_RECEIPT, ESM_UDHI, MessageState, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.smpp.receipts import (
    STATS,
    DateDigits,
    IdRule,
    Receipt,
    Told,
    canonical_id,
    format_date,
    parse_receipt,
    parse_receipt_text,
    receipt_frame,
)

COMMON = (
    "id:0123456789 sub:001 dlvrd:001 submit date:2401021504 done date:2401021505 stat:DELIVRD err:000 "
    "text:Your parcel will be"
)
TOLD = Receipt(
    message_id="0123456789",
    state=MessageState.DELIVERED,
    submit_date=datetime(2024, 1, 2, 15, 4),
    done_date=datetime(2024, 1, 2, 15, 5),
    sub=1,
    dlvrd=1,
    stat="DELIVRD",
    err="000",
    text="Your parcel will be",
)


def receipt(text: str | bytes = COMMON, *tlvs: Tlv, esm_class: int = ESM_TYPE_RECEIPT) -> DeliverSm:
    octets = text if isinstance(text, bytes) else text.encode("latin-1")
    return DeliverSm(esm_class=esm_class, short_message=octets, tlvs=tlvs)


def parsed(pdu: DeliverSm | DataSm) -> Receipt:
    told = parse_receipt(pdu)
    assert told is not None
    return told


def test_the_common_layout() -> None:
    assert parsed(receipt()) == TOLD
    assert parsed(receipt(COMMON.replace("text:", "Text:"))) == TOLD
    assert parsed(receipt(COMMON + "\0")) == TOLD
    assert parsed(receipt(COMMON.partition(" text:")[0])) == TOLD._replace(text="")


@pytest.mark.parametrize(
    "text",
    [
        COMMON.replace(" ", "  ", 8).replace(" sub", "\t sub"),
        COMMON.replace(":", ": "),
        COMMON.replace("id:", "ID:").replace("stat:", "Stat:").replace("err:", "Err:"),
        COMMON.replace(" date", "_date"),
        COMMON.replace(" date", "Date"),
        COMMON.replace(" sub", ", sub").replace(" stat", ",stat"),
        COMMON.replace(" sub", "\r\nsub").replace(" text", "\ntext"),
        COMMON.replace("stat:", "status:").replace("err:", "error:"),
        COMMON.replace("2401021504", "2024-01-02 15:04:00").replace("2401021505", "20240102T150500"),
        "stat:DELIVRD err:000 dlvrd:001 sub:001 done date:2401021505 submit date:240102150400 id:0123456789 "
        "text:Your parcel will be",
    ],
)
def test_wild_layouts_say_the_same(text: str) -> None:
    assert parsed(receipt(text)) == TOLD


@pytest.mark.parametrize(
    ("name", "silent"),
    [
        ("id", {"message_id": None}),
        ("sub", {"sub": None}),
        ("dlvrd", {"dlvrd": None}),
        ("submit date", {"submit_date": None}),
        ("done date", {"done_date": None}),
        ("stat", {"stat": "", "state": None}),
        ("err", {"err": ""}),
        ("text", {"text": ""}),
    ],
)
def test_each_field_may_be_missing(name: str, silent: dict[str, Any]) -> None:
    expected = TOLD._replace(**silent)
    assert parsed(receipt(COMMON.replace(f"{name}:", "other:"))) == expected
    field = re.search(rf"{name}:.*?(?= (?:sub|dlvrd|submit date|done date|stat|err|text):|$)", COMMON)
    assert field is not None
    assert parsed(receipt(COMMON.replace(field[0], "").strip())) == expected


def test_the_text_may_look_like_fields() -> None:
    text = "id:7 stat:DELIVRD err:000 done date:2401021505 text:id:8 stat:UNDELIV sub:9"
    told = parsed(receipt(text))
    assert (told.message_id, told.stat, told.sub, told.text) == (
        "7",
        "DELIVRD",
        None,
        "id:8 stat:UNDELIV sub:9",
    )
    assert parsed(receipt("stat:DELIVRD text:id:8")).message_id is None
    told = parsed(receipt("id:7 text:hello id:8 stat:EXPIRED"))
    assert (told.message_id, told.state, told.text) == ("7", MessageState.EXPIRED, "hello id:8")


def test_of_repeated_fields_the_first_counts() -> None:
    told = parsed(receipt("id:7 id:8 stat:DELIVRD stat:EXPIRED"))
    assert (told.message_id, told.stat) == ("7", "DELIVRD")


def test_names_inside_words_are_no_fields() -> None:
    assert parsed(receipt("paid:5 mistat:x stat:DELIVRD")).message_id is None


@pytest.mark.parametrize(
    ("stat", "state"),
    [
        *((stat, MessageState(state)) for state, stat in STATS.items()),
        ("FAILED", MessageState.UNDELIVERABLE),
        ("Delivered", MessageState.DELIVERED),
        ("undeliverable", MessageState.UNDELIVERABLE),
        ("UNDELIVERED", MessageState.UNDELIVERABLE),
        ("MK:1004", None),
        ("BLACK", None),
    ],
)
def test_states_by_word(stat: str, state: MessageState | None) -> None:
    told = parsed(receipt(COMMON.replace("DELIVRD", stat)))
    assert (told.state, told.stat) == (state, stat)


@pytest.mark.parametrize(
    ("digits", "moment"),
    [
        ("2402291504", datetime(2024, 2, 29, 15, 4)),
        ("240229150405", datetime(2024, 2, 29, 15, 4, 5)),
        ("20240229150405", datetime(2024, 2, 29, 15, 4, 5)),
        ("2302291504", None),
        ("0000000000", None),
        ("24022915", None),
        ("9" * 40, None),
    ],
)
def test_dates(digits: str, moment: datetime | None) -> None:
    assert parsed(receipt(COMMON.replace("2401021505", digits))).done_date == moment
    assert parsed(receipt(f"done date:{digits}")).done_date == moment


def test_tlvs_count_before_the_text() -> None:
    told = parsed(
        receipt(
            COMMON,
            Tlv(Tag.receipted_message_id, b"ABCDEF\0"),
            Tlv(Tag.message_state, b"\5"),
            Tlv(Tag.network_error_code, b"\3\1\2"),
        )
    )
    assert told == TOLD._replace(
        message_id="ABCDEF", state=MessageState.UNDELIVERABLE, network_error_code=(3, 0x102)
    )


def test_tlvs_alone() -> None:
    tlvs = (Tlv(Tag.receipted_message_id, b"12\0"), Tlv(Tag.message_state, b"\2"))
    assert parsed(receipt(b"", *tlvs)) == Receipt(message_id="12", state=MessageState.DELIVERED)
    assert parsed(DataSm(esm_class=ESM_TYPE_RECEIPT, tlvs=tlvs)).message_id == "12"


def test_useless_tlvs_leave_the_text_its_word() -> None:
    tlvs = (
        Tlv(Tag.receipted_message_id, b"\0"),
        Tlv(Tag.message_state, b""),
        Tlv(Tag.network_error_code, b"\1"),
    )
    assert parsed(receipt(COMMON, *tlvs)) == TOLD


def test_states_that_nobody_defined_pass() -> None:
    told = parsed(receipt(b"", Tlv(Tag.message_state, b"\x63")))
    assert told.state == 0x63


def test_text_in_message_payload() -> None:
    assert parsed(receipt(b"", Tlv(Tag.message_payload, COMMON.encode()))) == TOLD


def test_text_in_ucs2_and_after_a_header() -> None:
    ucs2 = DeliverSm(esm_class=ESM_TYPE_RECEIPT, data_coding=8, short_message=COMMON.encode("utf-16-be"))
    assert parsed(ucs2) == TOLD
    assert parsed(receipt(b"\x02\x70\x00" + COMMON.encode(), esm_class=ESM_TYPE_RECEIPT | ESM_UDHI)) == TOLD
    assert parsed(receipt()._replace(data_coding=4)) == TOLD


def test_intermediate_notifications() -> None:
    told = parsed(receipt(COMMON.replace("DELIVRD", "ENROUTE"), esm_class=ESM_TYPE_INTERMEDIATE))
    assert told == TOLD._replace(stat="ENROUTE", state=MessageState.ENROUTE, intermediate=True)


@pytest.mark.parametrize("esm_class", [0x00, 0x08, 0x10, 0x18, 0x40, 0x80])
def test_a_reply_that_looks_like_a_receipt_is_none(esm_class: int) -> None:
    assert parse_receipt(receipt(esm_class=esm_class)) is None


def test_a_receipt_that_the_carrier_forgot_to_mark() -> None:
    tlv = Tlv(Tag.receipted_message_id, b"12\0")
    assert parsed(receipt(COMMON, tlv, esm_class=0)) == TOLD._replace(message_id="12")
    assert parse_receipt(receipt(COMMON, tlv, esm_class=0x08)) is None


@given(
    st.binary(max_size=200),
    st.lists(st.builds(Tlv, st.sampled_from([0x1E, 0x427, 0x423, 0x424]), st.binary())),
)
def test_arbitrary_octets_never_raise(octets: bytes, tlvs: list[Tlv]) -> None:
    assert isinstance(parsed(receipt(octets, *tlvs)), Receipt)


NAMES = ["id:", "sub:", "dlvrd:", "submit date:", "done date:", "stat:", "err:", "text:", "Text:"]
VALUES = st.one_of(
    st.text(max_size=12), st.from_regex(r"[0-9]{1,15}", fullmatch=True), st.sampled_from(list(STATS.values()))
)


@given(st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=12))
def test_shuffled_fields_never_raise(fields: list[tuple[str, str]]) -> None:
    told = parse_receipt_text(" ".join(name + value for name, value in fields))
    assert told.network_error_code is None


DATES = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0)
)


@given(
    st.from_regex(r"[!-~]{1,64}", fullmatch=True),
    st.sampled_from(sorted(STATS)),
    DATES,
    DATES,
    st.integers(0, 0xFFFF),
    st.from_regex(r"[ -~]{0,30}", fullmatch=True),
    st.sampled_from([10, 12, 14]),
)
def test_what_we_write_we_read(
    message_id: str,
    state: int,
    submitted: datetime,
    done: datetime,
    error: int,
    text: str,
    digits: DateDigits,
) -> None:
    dates = format_date(submitted, digits), format_date(done, digits)
    told = Told(state, *dates, error)
    read = parsed(receipt(told.text(message_id, text).encode()))
    if digits == 10:
        submitted, done = submitted.replace(second=0), done.replace(second=0)
    delivered = int(state == MessageState.DELIVERED)
    err = f"{min(error, 999):03d}"
    expected = Receipt(
        message_id, MessageState(state), submitted, done, 1, delivered, STATS[state], err, text[:20]
    )
    assert read == expected
    frame = receipt_frame("CMT", (1, 1, "8619912340001"), (5, 0, "SHOP"), 4, message_id, told, text)
    assert parsed(decode(frame)) == expected._replace(network_error_code=(8, error))
    assert frame == encode(
        DeliverSm(
            service_type="CMT",
            source_addr_ton=1,
            source_addr_npi=1,
            source_addr="8619912340001",
            dest_addr_ton=5,
            destination_addr="SHOP",
            esm_class=4,
            short_message=told.text(message_id, text).encode(),
            tlvs=(
                Tlv(Tag.receipted_message_id, message_id.encode() + b"\0"),
                Tlv(Tag.message_state, bytes((state,))),
                Tlv(Tag.network_error_code, b"\x08" + error.to_bytes(2, "big")),
            ),
        )
    )


def test_appendix_b_in_full() -> None:
    told = Told(MessageState.UNDELIVERABLE, "2401020304", "2411121314", 901)
    assert told.text("42") == (
        "id:42 sub:001 dlvrd:000 submit date:2401020304 done date:2411121314 stat:UNDELIV err:901 text:"
    )


def test_unknown_states_are_still_told() -> None:
    text = Told(99, "2401020000", "2401020000").text("1", "naive")
    assert text.endswith(" stat:UNKNOWN err:000 text:naive")


def test_what_does_not_fit_into_a_receipt_is_said() -> None:
    with pytest.raises(ValueError, match="latin-1"):
        receipt_frame("", (1, 1, "1"), (1, 1, "2"), 4, "9" * 200, Told(2, "2401020000", "2401020000"))


def test_date_widths() -> None:
    moment = datetime(2005, 6, 7, 8, 9, 10)
    assert [format_date(moment, digits) for digits in (10, 12, 14)] == [
        "0506070809",
        "050607080910",
        "20050607080910",
    ]


@pytest.mark.parametrize(
    ("raw", "rule", "canonical"),
    [
        ("00B8BE19", "hex", "12107289"),
        ("b8be19", "hex", "12107289"),
        ("0xB8BE19", "hex", "12107289"),
        ("0012107289", "dec", "12107289"),
        (" 12107289\0", "dec", "12107289"),
        ("00B8BE19", "exact", "00B8BE19"),
        ("Ab\0", "exact", "Ab"),
        ("74e02ee1-4e2f", "hex", "74e02ee1-4e2f"),
        ("12a", "dec", "12a"),
        ("1_000", "dec", "1_000"),
        ("+12", "hex", "+12"),
        ("١٢", "dec", "١٢"),
        ("", "hex", ""),
        ("9" * 5000, "dec", "9" * 5000),
        ("0", "dec", "0"),
    ],
)
def test_canonical_ids(raw: str, rule: IdRule, canonical: str) -> None:
    assert canonical_id(raw, rule) == canonical


@given(st.integers(0, 2**64 - 1), st.integers(0, 4))
def test_one_number_in_any_writing_is_one_id(number: int, padding: int) -> None:
    zeros = "0" * padding
    writings: list[tuple[str, IdRule]] = [
        (f"{zeros}{number:x}", "hex"),
        (f"{zeros}{number:X}", "hex"),
        (f"{zeros}{number}", "dec"),
    ]
    assert {canonical_id(raw, rule) for raw, rule in writings} == {str(number)}


@given(st.text(max_size=80), st.sampled_from(["exact", "hex", "dec"]))
def test_any_id_is_taken(raw: str, rule: IdRule) -> None:
    canonical_id(raw, rule)
