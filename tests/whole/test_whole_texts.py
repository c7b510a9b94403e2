"""Texts of every kind through the gateway: nothing changed on the way, each segment with its own receipt."""

from __future__ import annotations

import random
from itertools import permutations
from typing import Any

import pytest
from whole_clients import SOURCE, Esme, Legacy, bound, err, handset, receipted, stat, submit
from whole_house import Build, House, Upstream

from gateway.smpp.codec import decode, encode, find_tlv
from gateway.smpp.concat import concat_element, make_sar, make_udh
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.fields import DistributionList, SmeAddress, Tlv
from gateway.smpp.pdus import DataSm, DataSmResp, QuerySm, SubmitMulti, SubmitMultiResp, SubmitSm

UDHI = 0x40
OWNED = {
    "sequence_number": 0,
    "registered_delivery": 1,
    "schedule_delivery_time": "",
    "replace_if_present_flag": 0,
}
TEXTS = {
    "gsm default": (0, b"Hello \x00 world \x1be"),
    "ascii": (1, b"plain ascii"),
    "binary 2": (2, bytes(range(256))[:140]),
    "latin-1": (3, "Señor Müller, £5".encode("latin-1")),
    "binary 4": (4, b"\x00\xff\x00\xff" * 30),
    "jis": (5, "テスト".encode("shift_jis")),
    "cyrillic": (6, "Привет".encode("iso8859_5")),
    "hebrew": (7, "שלום".encode("iso8859_8")),
    "ucs-2": (8, "【示例银行】您的验证码是482913".encode("utf-16-be")),
    "beyond the BMP": (8, "🙂👍 ok".encode("utf-16-be")),
    "iso-2022-jp": (10, "テスト".encode("iso2022_jp")),
    "korean": (14, "안녕".encode("euc_kr")),
    "flash": (0x10, b"flash"),
    "message waiting": (0xC8, b""),
    "class 1, 8 bit": (0xF5, b"\x01\x02\x03"),
    "longest": (0, b"x" * 254),
    "empty": (0, b""),
}


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    return build(
        accounts={"bank": {"window": 1000}, "shop": {}},
        carriers={"alpha": Upstream(settings={"window": 200}), "beta": Upstream()},
        routes=[
            {"name": "shop", "match": {"account": ["shop"]}, "carriers": ["beta"]},
            {"name": "default", "carriers": ["alpha"]},
        ],
        node={"multipart": {"timeout": "2s"}},
    ).start()


def untouched(sent: bytes, got: bytes) -> bool:
    """Whether the carrier got the client's own octets, but for what the gateway owns."""
    return _without_owned(sent) == _without_owned(got)


def _without_owned(frame: bytes) -> bytes:
    pdu: Any = decode(frame)
    return encode(pdu._replace(**{name: value for name, value in OWNED.items() if name in pdu._fields}))


@pytest.mark.parametrize("kind", TEXTS)
def test_every_data_coding_arrives_as_it_was_sent(house: House, kind: str) -> None:
    data_coding, octets = TEXTS[kind]
    number = handset()
    with Legacy(house.port) as legacy:
        message_id = legacy.submit(number, octets, data_coding=data_coding)
        receipt = legacy.receipt(message_id)
    (seen,) = house.sent_to(number)
    (sent,) = legacy.sent.values()
    assert untouched(sent, seen.frame)
    assert seen.pdu.short_message == octets
    assert receipt.message_state == 2


def test_the_receipt_has_text_and_tlvs_and_addresses_swapped(house: House) -> None:
    number = handset()
    with bound(house.port) as esme:
        message_id = esme.submit(number, b"Your code is 482913, valid for 5 minutes", service_type="OTP")
        receipt = esme.receipt(message_id)
        assert esme.rest() == []
    assert (receipt.source_addr_ton, receipt.source_addr_npi, receipt.source_addr) == (1, 1, number)
    assert (receipt.dest_addr_ton, receipt.dest_addr_npi, receipt.destination_addr) == (0, 1, SOURCE)
    assert receipt.esm_class == 0x04
    assert receipt.service_type == "OTP"
    text = receipt.short_message.decode()
    assert text.startswith(f"id:{message_id} sub:001 dlvrd:001 submit date:")
    assert text.endswith(" stat:DELIVRD err:000 text:Your code is 482913,")
    assert find_tlv(receipt.tlvs, Tag.receipted_message_id) == message_id.encode() + b"\0"
    assert find_tlv(receipt.tlvs, Tag.message_state) == b"\x02"
    assert find_tlv(receipt.tlvs, Tag.network_error_code) is not None


def test_unknown_tlvs_doubled_ones_and_their_order_are_kept(house: House) -> None:
    number = handset()
    tlvs = (
        Tlv(0x1403, b"vendor"),
        Tlv(Tag.user_message_reference, b"\x00\x07"),
        Tlv(0x1403, b""),
        Tlv(0x3FFF, bytes(300)),
        Tlv(Tag.privacy_indicator, b"\x01"),
    )
    with bound(house.port) as esme:
        message_id = esme.submit(number, b"tlvs", tlvs=tlvs, protocol_id=0x3F, priority_flag=2)
        esme.receipt(message_id)
        (sent,) = [frame for frame in esme.frames.values() if b"tlvs" in frame]
    (seen,) = house.sent_to(number)
    assert untouched(sent, seen.frame)
    assert seen.pdu.tlvs == tlvs


@pytest.mark.parametrize("asked", [0, 1, 2])
def test_the_carrier_is_always_asked_for_a_receipt(house: House, asked: int) -> None:
    number = handset()
    with bound(house.port) as esme:
        message_id = esme.submit(number, registered_delivery=asked)
        got = [receipted(pdu) for pdu in (esme.exactly(1) if asked == 1 else esme.rest())]
    (seen,) = house.sent_to(number)
    assert seen.pdu.registered_delivery == 1
    assert got == ([message_id] if asked == 1 else [])


# long texts


def segments(kind: str, reference: int, parts: list[bytes], number: str) -> list[SubmitSm]:
    """The segments of a long text to one number."""
    total = len(parts)
    if kind == "sar":
        return [submit(number, part, tlvs=make_sar(reference, total, n)) for n, part in enumerate(parts, 1)]
    reference = reference % 256 if kind == "udh8" else reference + 256
    return [
        submit(number, make_udh(concat_element(reference, total, n)) + part, esm_class=UDHI)
        for n, part in enumerate(parts, 1)
    ]


PARTS = [b"one " * 30, b"two " * 30, b"three " * 20]


@pytest.mark.parametrize("kind", ["udh8", "udh16", "sar"])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_segments_in_any_order_have_ids_and_receipts_of_their_own(
    house: House, kind: str, order: tuple[int, ...]
) -> None:
    number = handset()
    pdus = segments(kind, 40 + order[0], PARTS, number)
    with bound(house.port) as esme:
        ids = [esme.ask(pdus[n]).message_id for n in order]
        assert len(set(ids)) == 3
        assert [stat(esme.receipt(one)) for one in ids] == ["DELIVRD"] * 3
        assert esme.rest() == []
        sent = list(esme.frames.values())[1:]
    seen = house.sent_to(number)
    assert len(seen) == 3
    assert all(any(untouched(one, other.frame) for other in seen) for one in sent)


def test_segments_over_several_sessions_and_kinds_of_binds(house: House) -> None:
    number = handset()
    pdus = segments("udh8", 9, PARTS, number)
    with bound(house.port) as one, bound(house.port, "transmitter") as two, bound(house.port) as three:
        ids = [esme.ask(pdu).message_id for esme, pdu in zip((one, two, three), pdus, strict=True)]
        got = [receipted(pdu) for esme in (one, three) for pdu in esme.rest(1.0)]
    assert sorted(str(one) for one in got) == sorted(ids)
    assert len(house.sent_to(number)) == 3


def test_nothing_leaves_before_the_last_segment_is_in(house: House) -> None:
    number = handset()
    first, second, third = segments("udh16", 5, PARTS, number)
    with bound(house.port) as esme:
        esme.ask(first)
        esme.ask(second)
        other = esme.submit(handset())
        esme.receipt(other)
        assert house.sent_to(number) == []
        last = esme.ask(third).message_id
        esme.receipt(last)
    assert len(house.sent_to(number)) == 3


def test_segments_that_are_sent_again_are_messages_again(house: House) -> None:
    number = handset()
    pdus = segments("udh8", 77, PARTS, number)
    with bound(house.port) as esme:
        ids = [esme.ask(pdu).message_id for pdu in pdus]
        again = esme.ask(pdus[1]).message_id  # its answer was lost, so the client believes
        for one in (*ids, again):
            assert stat(esme.receipt(one)) == "DELIVRD"
    assert len(house.sent_to(number)) == 4


def test_a_reference_used_again_is_another_text(house: House) -> None:
    number = handset()
    texts = [[b"first a", b"first b"], [b"second a", b"second b"]]
    with bound(house.port) as esme:
        ids = [esme.ask(pdu).message_id for parts in texts for pdu in segments("udh8", 3, parts, number)]
        for one in ids:
            esme.receipt(one)
    assert len(house.sent_to(number)) == 4


def test_two_texts_of_one_reference_to_two_handsets_do_not_mix(house: House) -> None:
    one, other = handset(), handset()
    pdus = [
        pdu
        for pair in zip(segments("sar", 8, PARTS, one), segments("sar", 8, PARTS, other), strict=True)
        for pdu in pair
    ]
    random.Random(1).shuffle(pdus)
    with bound(house.port) as esme:
        for message_id in [esme.ask(pdu).message_id for pdu in pdus]:
            esme.receipt(message_id)
    assert len(house.sent_to(one)) == len(house.sent_to(other)) == 3


def test_a_text_that_never_becomes_whole_is_refused_by_receipt(house: House) -> None:
    number = handset()
    first, second, _ = segments("udh8", 200, PARTS, number)
    with bound(house.port) as esme:
        ids = [esme.ask(first).message_id, esme.ask(second).message_id]
        receipts = [esme.receipt(one) for one in ids]
    assert [(stat(one), err(one)) for one in receipts] == [("REJECTD", "916")] * 2
    assert house.sent_to(number) == []


def test_message_payload_is_one_message(house: House) -> None:
    number = handset()
    text = ("长短信" * 300).encode("utf-16-be")
    with bound(house.port) as esme:
        message_id = esme.submit(number, b"", data_coding=8, tlvs=(Tlv(Tag.message_payload, text),))
        assert stat(esme.receipt(message_id)) == "DELIVRD"
        sent = list(esme.frames.values())[-1]
    (seen,) = house.sent_to(number)
    assert untouched(sent, seen.frame)


def test_smpplib_sends_a_long_text(house: House) -> None:
    from smpplib import gsm

    number = handset()
    parts, encoding, esm_class = gsm.make_parts("Lang und breit: äöü [x] " * 20)
    with Legacy(house.port) as legacy:
        ids = [legacy.submit(number, p, data_coding=encoding, esm_class=esm_class) for p in parts]
        assert len(ids) > 2
        for one in ids:
            legacy.receipt(one)
    seen = house.sent_to(number)
    assert all(untouched(sent, got.frame) for sent, got in zip(legacy.sent.values(), seen, strict=True))


# other ways to submit


def test_data_sm_is_relayed_as_data_sm(house: House) -> None:
    number = handset()
    pdu = DataSm(
        source_addr_npi=1,
        source_addr=SOURCE,
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=number,
        registered_delivery=1,
        tlvs=(Tlv(Tag.message_payload, b"by data_sm"), Tlv(0x1400, b"own")),
    )
    with bound(house.port) as esme:
        response = esme.ask(pdu)
        assert isinstance(response, DataSmResp)
        receipt = esme.receipt(response.message_id)
        sent = list(esme.frames.values())[-1]
    (seen,) = house.sent_to(number, "data_sm")
    assert untouched(sent, seen.frame)
    assert stat(receipt) == "DELIVRD"


def test_submit_multi_books_each_destination_by_itself(house: House) -> None:
    good = [handset() for _ in range(3)]
    places = (
        SmeAddress(1, 1, good[0]),
        SmeAddress(1, 1, "not a number"),
        DistributionList("friends"),
        SmeAddress(1, 1, good[1]),
        SmeAddress(1, 1, good[2]),
    )
    pdu = SubmitMulti(
        source_addr_npi=1,
        source_addr=SOURCE,
        dest_addresses=places,
        registered_delivery=1,
        short_message=b"to all",
        tlvs=(Tlv(0x1400, b"own"),),
    )
    with bound(house.port) as esme:
        response = esme.ask(pdu)
        assert isinstance(response, SubmitMultiResp)
        assert response.command_status == 0
        receipts = [esme.receipt(response.message_id) for _ in good]
        assert esme.rest() == []
    failed = {one.destination_addr: one.error_status_code for one in response.unsuccess_sme}
    assert failed["not a number"] == CommandStatus.ESME_RINVDSTADR
    assert CommandStatus.ESME_RINVDLNAME in failed.values()
    assert sorted(receipt.source_addr for receipt in receipts) == sorted(good)
    for number in good:
        (seen,) = house.sent_to(number)
        assert (seen.pdu.short_message, seen.pdu.tlvs) == (b"to all", (Tlv(0x1400, b"own"),))


# versions


def test_a_client_of_version_3_3_gets_short_ids_and_no_tlvs(house: House) -> None:
    with bound(house.port, interface_version=0x33) as esme:
        message_id = esme.submit(handset())
        assert 0 < len(message_id) <= 8
        receipt = esme.receipt(message_id)
        assert receipt.tlvs == ()
        query = esme.ask(QuerySm(message_id=message_id, source_addr_npi=1, source_addr=SOURCE))
        assert (query.command_status, query.message_state) == (0, 2)
    assert receipt.short_message.startswith(b"id:" + message_id.encode() + b" ")


def test_a_client_of_version_3_3_binds_without_tlvs(house: House) -> None:
    with Esme(house.port) as esme:
        response = esme.bind(interface_version=0x33)
        assert response.command_status == 0
        assert response.tlvs == ()


def test_a_client_of_version_5_0_hears_of_congestion_and_may_ask_for_success_only(house: House) -> None:
    with bound(house.port, interface_version=0x50) as esme:
        response = esme.ask(submit(handset(), registered_delivery=3))
        assert response.command_status == 0
        (congestion,) = find_tlv(response.tlvs, Tag.congestion_state) or b"\xff"
        assert congestion <= 100
        assert stat(esme.receipt(response.message_id)) == "DELIVRD"


def test_success_only_is_no_value_of_version_3_4(house: House) -> None:
    with bound(house.port) as esme:
        response = esme.ask(submit(handset(), registered_delivery=3))
        assert response.command_status == CommandStatus.ESME_RINVREGDLVFLG
        esme.ping()


# several clients and carriers


def test_two_clients_and_two_carriers_at_once(house: House) -> None:
    with Legacy(house.port) as bank, Legacy(house.port, system_id="shop") as shop:
        for _ in range(20):
            for legacy, carrier in ((bank, "alpha"), (shop, "beta")):
                number = handset()
                legacy.receipt(legacy.submit(number))
                assert [seen.carrier for seen in house.sent_to(number)] == [carrier]
        assert len(bank.deliveries) == len(shop.deliveries) == 20


def test_a_burst_in_one_write_is_answered_and_receipted_each(house: House) -> None:
    numbers = [handset() for _ in range(300)]
    with bound(house.port) as esme:
        sequences = esme.send(*[submit(number, f"n {number}".encode()) for number in numbers])
        ids = {esme.response(one).message_id: number for one, number in zip(sequences, numbers, strict=True)}
        assert len(ids) == 300
        for message_id, number in ids.items():
            assert esme.receipt(message_id).source_addr == number
        assert esme.rest() == []


def test_one_octet_at_a_time_is_the_same(house: House) -> None:
    with bound(house.port) as esme:
        frame = encode(submit(handset(), b"slowly")._replace(sequence_number=0xDEADBEEF))
        for octet in frame:
            esme.socket.sendall(bytes((octet,)))
        assert esme.response(0xDEADBEEF).command_status == 0


def test_all_orders_of_three_segments_in_one_write(house: House) -> None:
    for reference, order in enumerate(permutations(range(3)), 100):
        number = handset()
        pdus = segments("udh8", reference, PARTS, number)
        with bound(house.port) as esme:
            sequences = esme.send(*[pdus[n] for n in order])
            for one in sequences:
                esme.receipt(esme.response(one).message_id)
        assert len(house.sent_to(number)) == 3
