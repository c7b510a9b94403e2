"""Texts, headers, receipts and ids out of the test suites of other implementations: every entry."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.smpp import gsm
from gateway.smpp.concat import LOCKING_SHIFT, SINGLE_SHIFT, body_of, make_udh, parse_udh, part_of, udh_part
from gateway.smpp.constants import ESM_TYPE_RECEIPT, ESM_UDHI, MessageState
from gateway.smpp.pdus import DeliverSm, SubmitSm
from gateway.smpp.receipts import (
    Receipt,
    Told,
    canonical_id,
    format_date,
    parse_receipt,
)
from gateway.smpp.text import choose_encoding, decode_text, encode_gsm7

Vector = dict[str, Any]
VECTORS = json.loads((Path(__file__).parents[1] / "data" / "smpp-vectors.json").read_text())


def every(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "vector", VECTORS[name], ids=lambda vector: vector.get("id", vector.get("hex_id"))
    )


@every("text")
def test_text(vector: Vector) -> None:
    octets, text = bytes.fromhex(vector["hex"]), vector["text"]
    match vector["encoding"]:
        case "gsm7_unpacked":
            assert decode_text(octets, 0) == text
            assert encode_gsm7(text) == octets
        case "gsm7_packed":
            septets = encode_gsm7(text)
            assert septets is not None
            assert decode_text(octets, 0, default_alphabet="gsm7-packed") == text
            assert gsm.pack(septets) == octets
        case "ucs2":
            assert decode_text(octets, 8) == text
            assert text.encode("utf-16-be") == octets
            assert choose_encoding(text) == (
                (8, octets) if encode_gsm7(text) is None else (0, encode_gsm7(text))
            )
        case "gsm7_turkish_single_shift":
            assert decode_text(octets, 0, parse_udh(make_udh((SINGLE_SHIFT, b"\1")))) == text
        case "gsm7_portuguese_locking":
            assert decode_text(octets, 0, parse_udh(make_udh((LOCKING_SHIFT, b"\3")))) == text
        case encoding:
            pytest.fail(f"no test for {encoding}")


@every("text_invalid")
def test_invalid_text(vector: Vector) -> None:
    assert (vector["encoding"], vector["expect"]) == ("gsm7_unpacked", "invalid")
    assert decode_text(bytes.fromhex(vector["hex"]), 0) == "\ufffd"


@every("udh")
def test_udh(vector: Vector) -> None:
    octets = bytes.fromhex(vector["hex"])
    udh = parse_udh(octets)
    assert udh is not None
    assert udh.header_length == len(octets)
    pdu = SubmitSm(esm_class=ESM_UDHI, short_message=octets + b"text")
    assert body_of(pdu) == b"text"
    assert part_of(pdu) == udh_part(udh)
    if vector["expect"] != "ok":
        assert udh_part(udh) is None
    for element in vector["elements"]:
        assert udh.find(int(element["iei"], 16)) is not None
        if "ref" in element:
            part = udh_part(udh)
            assert part is not None
            assert part[1:] == (element["ref"], element["total"], element["part"])
        else:
            assert element["iei"] == "0x24"
            assert udh.single == element["language"]


@every("receipt_text")
def test_receipt_text(vector: Vector) -> None:
    pdu = DeliverSm(esm_class=ESM_TYPE_RECEIPT, short_message=vector["text"].encode())
    receipt = parse_receipt(pdu)
    assert receipt is not None
    fields = dict(vector["fields"])
    match vector["expect"]:
        case "ok":
            for name, value in fields.items():
                assert told(receipt, name) == value
            assert receipt.state is (MessageState.DELIVERED if "stat" in fields else None)
        case "strict_error":
            assert told(receipt, fields["missing"]) in (None, "")
            assert (receipt.sub, receipt.dlvrd, receipt.err) == (2, 1, "012")
        case "build":
            submitted, done = datetime(2010, 5, 23, 20, 39), datetime(2010, 5, 24, 23, 39)
            dates = format_date(submitted), format_date(done)
            built = Told(MessageState.DELIVERED, *dates, 12).text(fields["id"], fields["text_in"])
            assert built == vector["text"]
            assert told(receipt, "id") == fields["id"]
        case expect:
            pytest.fail(f"no test for {expect}")


def told(receipt: Receipt, name: str) -> object:
    value = getattr(receipt, "message_id" if name == "id" else name)
    return value.isoformat() if isinstance(value, datetime) else value


@every("message_id_hex_decimal")
def test_ids_in_two_bases(vector: Vector) -> None:
    assert canonical_id(vector["hex_id"], "hex") == canonical_id(vector["decimal_id"], "dec")
    assert canonical_id(vector["hex_id"].upper().zfill(16), "hex") == canonical_id(
        vector["decimal_id"], "dec"
    )
