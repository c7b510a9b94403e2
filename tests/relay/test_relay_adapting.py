"""What a carrier's `rewrite` makes of addresses, characters, lengths, TLVs and single fields."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.message import Message
from gateway.relay.adapting import Adapter
from gateway.relay.addressing import Unfit
from gateway.relay.receipt_reading import ReceiptReader
from gateway.settings.rewriting import ReceiptLayout, Rewrite
from gateway.smpp.concat import CONCAT_8, LOCKING_SHIFT, body_of, make_sar, make_udh, part_of, udh_of
from gateway.smpp.constants import CommandStatus, MessageState, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.gsm import pack
from gateway.smpp.pdus import DataSm, DeliverSm, SubmitSm
from gateway.smpp.text import choose_encoding, decode_parts, decode_text

NOW = 1_790_000_000_000
TO = "447700900123"


def message(pdu: Any, **fields: Any) -> Message:
    usual: dict[str, Any] = {"id": 77, "expires_at": NOW + 3_600_000, "category": "service", "generation": 1}
    return Message(account="bank", tenant="", client_id="77", accepted_at=NOW, pdu=pdu, **(usual | fields))


def adapted(pdu: Any, bare: bool = False, alphabet: str = "gsm7", **rules: Any) -> list[Any]:
    adapter = Adapter(Rewrite.model_validate(rules))
    return list(adapter.adapt(pdu, message(pdu, default_alphabet=alphabet), NOW, bare=bare))


def one(pdu: Any, **rules: Any) -> Any:
    (single,) = adapted(pdu, **rules)
    return single


def submit(**fields: Any) -> SubmitSm:
    usual: dict[str, Any] = {"source_addr": "10690001", "destination_addr": TO, "short_message": b"hello"}
    return SubmitSm(**(usual | {"dest_addr_ton": 1, "dest_addr_npi": 1} | fields))


GB = {"country": "44", "ton": "by_form", "npi": "by_form"}


@pytest.mark.parametrize(
    ("written", "ton", "rules", "wanted"),
    [
        (TO, 1, {"form": "plus"}, (1, 1, f"+{TO}")),
        (f"+{TO}", 1, {"form": "digits"}, (1, 1, TO)),
        (f"00{TO}", 0, {"form": "digits"}, (0, 1, TO)),
        (TO, 1, {"form": "zeros"}, (1, 1, f"00{TO}")),
        ("+44 7700-900.123", 1, {"form": "digits"}, (1, 1, TO)),
        ("+44 7700-900.123", 1, {}, (1, 1, "+44 7700-900.123")),
        (TO, 1, {"form": "national", **GB}, (2, 1, "07700900123")),
        ("07700900123", 0, {"form": "digits", **GB}, (1, 1, TO)),
        ("7700900123", 2, {"form": "plus", **GB}, (1, 1, f"+{TO}")),
        ("12025550123", 1, {"form": "national", **GB}, (1, 1, "12025550123")),
        ("60001", 1, {"form": "plus", **GB}, (3, 0, "60001")),
        ("8619912340001", 1, {"replace": {"86": "17951", "8619": "12593"}}, (1, 1, "12593912340001")),
        ("10690001234", 1, {"form": "plus", "keep": ["106"]}, (1, 1, "10690001234")),
        (TO, 1, {"ton": 0, "npi": 8}, (0, 8, TO)),
    ],
)
def test_numbers(written: str, ton: int, rules: dict[str, Any], wanted: tuple[int, int, str]) -> None:
    pdu = one(submit(destination_addr=written, dest_addr_ton=ton), destination=rules)
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == wanted


def test_sources() -> None:
    named = submit(source_addr="Example", source_addr_ton=5)
    assert one(named, source={"ton": "by_form"}).source_addr == "Example"
    replaced = one(named, source={"names": "12025550123"})
    assert (replaced.source_addr_ton, replaced.source_addr) == (1, "12025550123")
    with pytest.raises(Unfit) as unfit:
        adapted(named, source={"names": "refused"})
    assert unfit.value.status == CommandStatus.ESME_RINVSRCADR
    pools = {"44": ["60001", "60002"], "": ["70001"]}
    assert one(submit(destination_addr="12025550123"), source={"pools": pools}).source_addr == "70001"
    seen = {n: one(submit(destination_addr=f"4477009001{n:02}"), source={"pools": pools}) for n in range(40)}
    assert {pdu.source_addr for pdu in seen.values()} == {"60001", "60002"}
    again = one(submit(destination_addr="+447700900107"), source={"pools": pools})
    assert again.source_addr == seen[7].source_addr


@pytest.mark.parametrize(
    ("octets", "coding", "charset", "wanted"),
    [
        (b"\x00 home", 0, {"default": "latin1"}, (0, b"@ home")),
        (b"caf\xe9", 3, {"takes": [0, 8]}, (0, b"caf\x05")),
        (b"caf\xe9", 3, {"takes": [3]}, (3, b"caf\xe9")),
        (
            "你好".encode("utf-16-be"),
            8,
            {"default": "latin1", "takes": [0, 8]},
            (8, "你好".encode("utf-16-be")),
        ),
        (b"hi", 0, {"takes": [8]}, (8, "hi".encode("utf-16-be"))),
        ("“a” ł".encode("utf-16-be"), 8, {"takes": [0], "otherwise": "transliterate"}, (0, b'"a" l')),
        ("hi".encode("utf-16-be"), 0x18, {"takes": [0, 0x10]}, (0x10, b"hi")),
        (b"\x00\xff", 4, {}, (4, b"\x00\xff")),
        (b"hellohello", 0, {"default": "gsm7-packed"}, (0, pack(b"hellohello"))),
    ],
)
def test_characters(octets: bytes, coding: int, charset: dict[str, Any], wanted: tuple[int, bytes]) -> None:
    pdu = one(submit(short_message=octets, data_coding=coding), charset=charset)
    assert (pdu.data_coding, pdu.short_message) == wanted


@pytest.mark.parametrize(
    ("octets", "coding", "charset"),
    [
        ("你".encode("utf-16-be"), 8, {"takes": [0]}),
        ("你".encode("utf-16-be"), 8, {"takes": [0], "otherwise": "transliterate"}),
        ("ł".encode("utf-16-be"), 8, {"takes": [0, 8], "default": "latin1", "otherwise": "refuse"}),
        (b"\x00\xff", 4, {"takes": [0, 8]}),
    ],
)
def test_characters_that_it_has_not(octets: bytes, coding: int, charset: dict[str, Any]) -> None:
    if 8 in charset["takes"] and coding == 8:  # it takes the coding as it is
        assert adapted(submit(short_message=octets, data_coding=coding), charset=charset)
        return
    with pytest.raises(Unfit) as unfit:
        adapted(submit(short_message=octets, data_coding=coding), charset=charset)
    assert unfit.value.status == CommandStatus.ESME_RINVDCS


def test_a_text_that_grows_is_cut() -> None:
    pdus = adapted(submit(short_message=b"x" * 150), charset={"takes": [8]})
    assert [part_of(pdu) and pdu.data_coding for pdu in pdus] == [8, 8, 8]
    assert all(len(pdu.short_message) <= 140 for pdu in pdus)


def test_a_header_of_a_clients_own_stays_on_every_segment_but_its_shift_tables_go() -> None:
    ports = (0x05, b"\x0b\x84\x23\xf0")
    header = make_udh(ports, (LOCKING_SHIFT, b"\x01"))
    payload = Tlv(Tag.message_payload, header + b"x" * 200)
    pdus = adapted(
        submit(esm_class=0x40, short_message=b"", tlvs=(payload,)), charset={"takes": [8]}, long="udh8"
    )
    elements = [udh.elements for pdu in pdus if (udh := udh_of(pdu))]
    assert len(elements) == len(pdus) > 1
    assert all([kind for kind, _ in each] == [0x05, CONCAT_8] for each in elements)


@pytest.mark.parametrize("long", ["udh8", "udh16", "sar"])
@pytest.mark.parametrize("alphabet", ["gsm7", "gsm7-packed"])
def test_whatever_is_cut_is_read_as_it_was_written(long: str, alphabet: Any) -> None:
    texts = st.one_of(*(st.text(some, min_size=1, max_size=600) for some in ("abc@ é", "a€[]{}", "你好😀a")))

    @settings(max_examples=25, deadline=None)
    @given(texts)
    def check(text: str) -> None:
        coding, octets = choose_encoding(text)
        if alphabet == "gsm7-packed" and not coding:
            octets = pack(octets)
        payload = Tlv(Tag.message_payload, octets)
        pdu = submit(short_message=b"", data_coding=coding, tlvs=(payload,))
        pdus = adapted(pdu, alphabet=alphabet, long=long)
        parts = [(body_of(pdu), pdu.data_coding, udh_of(pdu)) for pdu in pdus]
        assert decode_parts(parts, alphabet) == decode_text(octets, coding, None, alphabet)
        septets = not coding and alphabet == "gsm7"
        for pdu in pdus:
            assert not any(tlv.tag == Tag.message_payload for tlv in pdu.tlvs)
            header = len(pdu.short_message) - len(body_of(pdu))
            room = 140 - header
            assert len(body_of(pdu)) <= (room * 8 // 7 if septets else room)
        numbers = [part.number for pdu in pdus if (part := part_of(pdu))]
        assert numbers == (list(range(1, len(pdus) + 1)) if len(pdus) > 1 else [])

    check()


def test_too_long_for_255_segments() -> None:
    payload = Tlv(Tag.message_payload, b"x" * 60_000)
    with pytest.raises(Unfit):
        adapted(submit(short_message=b"", tlvs=(payload,)), long="udh8")


def test_segments_of_a_clients_change_their_form() -> None:
    by_sar = submit(tlvs=make_sar(0x0107, 2, 1))
    assert part_of(one(by_sar, long="udh16")) == ("udh16", 0x0107, 2, 1)
    by_header = submit(esm_class=0x40, short_message=make_udh((CONCAT_8, b"\x07\x02\x01")) + b"hello")
    changed = one(by_header, long="sar")
    assert (part_of(changed), changed.short_message, changed.esm_class) == (("sar", 7, 2, 1), b"hello", 0)
    assert one(by_header, long="udh8") == by_header
    full = submit(esm_class=0x40, short_message=make_udh((CONCAT_8, b"\x07\x02\x01")) + b"x" * 153)
    assert one(full, long="udh16") == full  # there is no room for a longer header


def test_tlvs() -> None:
    mine = submit(tlvs=(Tlv(0x1400, b"1"), Tlv(0x1500, b"2"), Tlv(0x1400, b"3")))
    assert one(mine, tlvs={"remove": ["0x1400"]}).tlvs == (Tlv(0x1500, b"2"),)
    assert one(mine, tlvs={"only": []}).tlvs == ()
    added = one(mine, tlvs={"add": {"0x1400": "9", "0x1401": "0x00ff"}})
    assert added.tlvs == (*mine.tlvs, Tlv(0x1401, b"\x00\xff"))
    with pytest.raises(Unfit):
        adapted(mine, tlvs={"required": ["0x1600"]})
    assert one(mine, tlvs={"required": ["0x1600"], "add": {"0x1600": "x"}})


def test_single_fields() -> None:
    mine = submit(service_type="OTP", priority_flag=3, esm_class=0x41, validity_period="000000020000000R")
    changed = one(
        mine,
        service_type={"OTP": "A", "*": "B"},
        priority={"3": 1},
        protocol_id=0x40,
        receipt_bits=0x11,
        mode=3,
        validity={"form": "relative", "most": "10m"},
    )
    assert (changed.service_type, changed.priority_flag, changed.protocol_id) == ("A", 1, 0x40)
    assert (changed.registered_delivery, changed.esm_class) == (0x11, 0x43)
    assert changed.validity_period == "000000001000000R"
    assert one(submit(), service_type={"OTP": "A", "*": "B"}).service_type == "B"
    assert one(mine, validity={"form": "omitted"}).validity_period == ""
    assert one(submit(), validity={"form": "absolute"}).validity_period.endswith("00+")
    assert one(mine, validity={"most": "1h"}) == mine._replace(validity_period=mine.validity_period)
    assert one(submit(), validity={"most": "1h"}).validity_period == ""


def test_data_sm_becomes_submit_sm() -> None:
    tlvs = (
        Tlv(Tag.message_payload, b"text"),
        Tlv(Tag.qos_time_to_live, b"\x00\x00\x00\x3c"),
        Tlv(0x1400, b"1"),
    )
    mine = DataSm(source_addr="1", destination_addr=TO, esm_class=2, tlvs=tlvs)
    changed = one(mine, data_sm=False)
    assert isinstance(changed, SubmitSm)
    assert (changed.validity_period, changed.esm_class) == ("000000000100000R", 0)
    assert changed.tlvs == (tlvs[0], tlvs[2])
    assert one(mine) == mine
    with pytest.raises(Unfit):
        adapted(mine._replace(destination_addr="4" * 30), data_sm=False)


def receipt(text: bytes, esm_class: int = 4, **layout: Any) -> Any:
    reader = ReceiptReader(ReceiptLayout.model_validate(layout))
    return reader.read(DeliverSm(source_addr=TO, esm_class=esm_class, short_message=text))


def test_receipts_in_a_layout_of_their_own() -> None:
    layout = {"pattern": r"(?P<id>\w+)\|(?P<stat>[^|]+)\|(?P<err>\w*)\|(?P<done_date>\d+)"}
    told = receipt(b"AB12|MK:0001|7|20260901123456", **layout, states={"mk:0001": "undeliverable"})
    assert (told.message_id, told.state, told.err) == ("AB12", MessageState.UNDELIVERABLE, "7")
    assert told.done_date is not None
    assert told.stat == "MK:0001"
    assert receipt(b"nothing of the kind", **layout).message_id is None
    assert receipt(b"AB12|DELIVRD||2609010000", esm_class=0, **layout) is None
    told = receipt(b"AB12|DELIVRD||2609010000", esm_class=0, unmarked=True, **layout)
    assert (told.message_id, told.state) == ("AB12", MessageState.DELIVERED)
    assert receipt(b"STOP", esm_class=0, unmarked=True, **layout) is None
    assert receipt(b"AB12|DELIVRD||2609010000", esm_class=0x40, unmarked=True, **layout) is not None


def test_where_the_id_and_the_state_count() -> None:
    tlvs = (Tlv(Tag.receipted_message_id, b"ff\0"), Tlv(Tag.message_state, b"\x05"))
    pdu = DeliverSm(esm_class=4, short_message=b"id:255 stat:DELIVRD err:000", tlvs=tlvs)

    def read(**layout: Any) -> tuple[Any, Any]:
        told = ReceiptReader(ReceiptLayout.model_validate(layout)).read(pdu)
        return (told.message_id, told.state) if told else (None, None)

    assert read() == ("ff", MessageState.UNDELIVERABLE)
    assert read(id_from="text") == ("255", MessageState.UNDELIVERABLE)
    assert read(id_from="text", state_from="text") == ("255", MessageState.DELIVERED)
    assert read(id_from="tlv", encoding="ucs2") == ("ff", MessageState.UNDELIVERABLE)


@pytest.mark.parametrize("encoding", ["ucs2", "quoted_printable", "hex"])
def test_wrapped_receipts(encoding: str) -> None:
    text = "id:77 stat:DELIVRD err:000"
    wrapped = {
        "ucs2": text.encode("utf-16-be"),
        "quoted_printable": text.replace(":", "=3A").encode(),
        "hex": text.encode().hex().encode(),
    }
    told = receipt(wrapped[encoding], encoding=encoding)
    assert (told.message_id, told.state) == ("77", MessageState.DELIVERED)
