"""Receipts of carriers: matched however and whenever they come, and kept when they match nothing."""

from __future__ import annotations

from typing import Any

import pytest
from relay_house import BANK, HANDSET, House, MakeHouse, Upstream, account, carrier, generation, receipt
from sqlalchemy.exc import OperationalError

from gateway.smpp.constants import Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.store.rows import State


def silent(house: House) -> None:
    house.answer = lambda name, pdu: None


@pytest.mark.parametrize(
    ("stat", "state"),
    [
        ("DELIVRD", State.DELIVERED),
        ("EXPIRED", State.EXPIRED),
        ("DELETED", State.DELETED),
        ("UNDELIV", State.UNDELIVERABLE),
        ("REJECTD", State.REJECTED),
        ("UNKNOWN", State.UNKNOWN),
        ("SKIPPED", State.UNDELIVERABLE),
        ("MA:0001", State.UNDELIVERABLE),
        ("delivrd", State.DELIVERED),
    ],
)
def test_the_end_that_a_receipt_tells(house: House, stat: str, state: State) -> None:
    client = house.client()
    told = client.submit().message_id
    assert house.receipt("1", stat=stat, err="042").command_status == 0
    assert house.states() == [state]
    (found,) = client.receipts
    assert (found.message_id, found.state) == (told, state - 10)
    assert found.err == "042"
    assert house.relay.inbound.counts["matched"] == 1


def test_accepted_is_the_end_only_for_carriers_that_mean_it(make_house: MakeHouse) -> None:
    house = make_house()
    house.client().submit()
    house.receipt("1", stat="ACCEPTD")
    assert house.states() == [State.SENT]
    house.reload(generation(carriers={"alpha": carrier(accepted_is_final=True)}))
    house.receipt("1", stat="ACCEPTD")
    assert house.states() == [State.ACCEPTED]


def test_addresses_are_swapped_and_tlvs_told(house: House) -> None:
    client = house.client()
    told = client.submit(
        source_addr_ton=5, source_addr="EXAMPLE", dest_addr_ton=1, dest_addr_npi=1
    ).message_id
    house.receipt("1")
    (pdu,) = client.delivered
    assert (pdu.source_addr, pdu.source_addr_ton, pdu.source_addr_npi) == (HANDSET, 1, 1)
    assert (pdu.destination_addr, pdu.dest_addr_ton) == ("EXAMPLE", 5)
    assert pdu.esm_class == 4
    tlvs = dict(pdu.tlvs)
    assert tlvs[Tag.receipted_message_id] == told.encode() + b"\0"
    assert tlvs[Tag.message_state] == b"\x02"
    assert len(tlvs[Tag.network_error_code]) == 3


def test_the_tlv_counts_for_more_than_the_text(house: House) -> None:
    client = house.client()
    client.submit()
    tlvs = (
        Tlv(Tag.receipted_message_id, b"1\0"),
        Tlv(Tag.message_state, b"\x05"),
        Tlv(Tag.network_error_code, b"\x03\x00\x21"),
    )
    house.receipt("999", stat="DELIVRD", tlvs=tlvs)
    assert house.states() == [State.UNDELIVERABLE]
    assert house.row().error == 0x21
    assert client.receipts[0].err == "033"


def test_a_receipt_as_data_sm(house: House) -> None:
    house.client().submit()
    tlvs = (Tlv(Tag.receipted_message_id, b"1\0"), Tlv(Tag.message_state, b"\x02"))
    house.upstream().deliver(DataSm(source_addr=HANDSET, destination_addr=BANK, esm_class=4, tlvs=tlvs))
    house.settle()
    assert house.states() == [State.DELIVERED]


@pytest.mark.parametrize(
    ("err", "error"), [("007", 7), ("", 0), ("ABC", 999), ("9" * 40, 999), ("١٢", 999), ("65536", 999)]
)
def test_errors_however_written(house: House, err: str, error: int) -> None:
    client = house.client()
    client.submit()
    pdu = receipt("1", stat="UNDELIV")
    text = pdu.short_message.replace(b"err:000", f"err:{err}".encode())
    house.upstream().deliver(pdu._replace(short_message=text, data_coding=0))
    house.settle()
    assert house.states() == [State.UNDELIVERABLE]
    assert house.row().error == error
    assert len(client.receipts) == 1


def test_before_the_response(house: House) -> None:
    silent(house)
    client = house.client()
    client.submit()
    upstream = house.upstream()
    assert house.receipt("77").command_status == 0
    assert house.states() == [State.SENDING]
    assert len(house.strays()) == 1
    upstream.respond(upstream.pending[0], 0, "77")
    house.settle()
    assert house.states() == [State.DELIVERED]
    assert house.strays() == []
    assert house.relay.inbound.strays == 0
    assert len(client.receipts) == 1


def test_a_receipt_from_before_the_message_is_of_another_one(house: House) -> None:
    silent(house)
    client = house.client()
    upstream = house.upstream()
    assert house.receipt("77").command_status == 0
    house.advance(1)
    client.submit()
    upstream.respond(upstream.pending[0], 0, "77")
    house.settle()
    assert house.states() == [State.SENT]
    assert len(house.strays()) == 1
    house.receipt("77", stat="UNDELIV")
    assert house.states() == [State.UNDELIVERABLE]


def test_before_the_response_and_a_restart_between(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers={"alpha": carrier(unanswered="resend")}))
    silent(house)
    house.client().submit()
    house.receipt("77")
    house.restart()
    client = house.client()
    upstream = house.upstream()
    upstream.respond(upstream.pending[0], 0, "77")
    house.settle()
    assert house.states() == [State.DELIVERED]
    assert house.strays() == []
    assert len(client.receipts) == 1


def test_twice_is_told_once(house: House) -> None:
    client = house.client()
    client.submit()
    for stat in ("DELIVRD", "DELIVRD", "UNDELIV"):
        assert house.receipt("1", stat=stat).command_status == 0
    assert house.states() == [State.DELIVERED]
    assert len(client.receipts) == 1
    assert house.relay.inbound.counts["repeated"] == 2
    assert house.strays() == []


def test_twice_in_one_read(house: House) -> None:
    client = house.client()
    client.submit()
    for _ in range(2):
        house.upstream().deliver(receipt("1"))
    house.settle()
    assert house.states() == [State.DELIVERED]
    assert len(client.receipts) == 1


def test_ids_used_again_go_to_the_youngest_unfinished_of_that_number(house: House) -> None:
    house.answer = lambda name, pdu: (0, "5")
    client = house.client()
    numbers = ["8619912340001", "8619912340002", "8619912340001"]
    told = [client.submit(destination_addr=number).message_id for number in numbers]
    house.receipt("5", source="8619912340001")
    assert house.states() == [State.SENT, State.SENT, State.DELIVERED]
    house.receipt("5", source="+8619912340002", stat="UNDELIV")
    house.receipt("5", source="19912340001", stat="EXPIRED")
    assert house.states() == [State.EXPIRED, State.UNDELIVERABLE, State.DELIVERED]
    assert [found.message_id for found in client.receipts] == [told[2], told[1], told[0]]


def test_an_id_is_one_of_its_carrier(make_house: MakeHouse) -> None:
    carriers = {"alpha": carrier("alpha"), "beta": carrier("beta")}
    routes = [
        {"name": "b", "match": {"source": ["222"]}, "carriers": ["beta"]},
        {"name": "a", "carriers": ["alpha"]},
    ]
    house = make_house(generation(carriers=carriers, routes=routes))
    house.answer = lambda name, pdu: (0, "1")
    client = house.client()
    client.submit()
    client.submit(source_addr="222")
    house.receipt("1", carrier="beta", stat="UNDELIV")
    assert house.states() == [State.SENT, State.UNDELIVERABLE]


def test_on_another_bind_of_that_carrier(make_house: MakeHouse) -> None:
    binds = (
        {"mode": "transmitter", "endpoint": "tcp:127.0.0.1:9001"},
        {"mode": "receiver", "endpoint": "tcp:127.0.0.1:9001"},
    )
    house = make_house(generation(carriers={"alpha": carrier(binds=binds)}))
    client = house.client()
    client.submit()
    receiver = next(u for u in house.upstreams() if u.session.state.name == "BOUND_RX")
    receiver.deliver(receipt("1"))
    house.settle()
    assert house.states() == [State.DELIVERED]
    assert len(client.receipts) == 1


@pytest.mark.parametrize(
    ("response", "receipt_rule", "said", "receipted"),
    [
        ("hex", "dec", "0000AB12", "43794"),
        ("dec", "hex", "43794", "ab12"),
        ("hex", "hex", "0xAB12", "0000ab12"),
        ("dec", "dec", "0000000042", "42"),
        ("exact", "exact", "7f-A", "7f-A"),
    ],
)
def test_ids_written_differently(
    make_house: MakeHouse, response: str, receipt_rule: str, said: str, receipted: str
) -> None:
    ids = {"response": response, "receipt": receipt_rule}
    house = make_house(generation(carriers={"alpha": carrier(ids=ids)}))
    house.answer = lambda name, pdu: (0, said)
    house.client().submit()
    house.receipt(receipted)
    assert house.states() == [State.DELIVERED]


def test_what_matches_nothing_is_kept_and_answered(house: House) -> None:
    assert house.receipt("404").command_status == 0
    (stray,) = house.strays()
    assert (stray.carrier, stray.carrier_message_id, stray.destination) == ("alpha", "404", HANDSET)
    assert house.relay.inbound.counts["unmatched"] == 1
    house.restart()
    assert house.relay.inbound.strays == 1


def test_a_receipt_without_any_id_is_kept(house: House) -> None:
    pdu = DeliverSm(source_addr=HANDSET, destination_addr=BANK, esm_class=4, short_message=b"stat:DELIVRD")
    house.upstream().deliver(pdu)
    house.settle()
    assert [stray.carrier_message_id for stray in house.strays()] == [""]


def test_a_stray_of_another_number_does_not_match(house: House) -> None:
    silent(house)
    house.client().submit()
    house.receipt("7", source="8619912349999")
    upstream = house.upstream()
    upstream.respond(upstream.pending[0], 0, "7")
    house.settle()
    assert house.states() == [State.SENT]
    assert len(house.strays()) == 1


def test_intermediate_is_passed_on_only_if_asked_for(house: House) -> None:
    client = house.client()
    client.submit()
    client.submit(registered_delivery=0x11)
    for message_id in ("1", "2"):
        house.receipt(message_id, stat="ENROUTE")
        house.receipt(message_id, stat="DELIVRD", esm_class=0x20)
    assert house.states() == [State.SENT, State.SENT]
    assert [pdu.esm_class for pdu in client.delivered] == [0x20, 0x20]
    assert house.relay.inbound.counts["intermediate"] == 4
    house.receipt("2")
    assert [pdu.esm_class for pdu in client.delivered] == [0x20, 0x20, 0x04]


@pytest.mark.parametrize(
    ("asked", "version", "stat", "told"),
    [
        (0, 0x34, "DELIVRD", False),
        (1, 0x34, "DELIVRD", True),
        (1, 0x34, "UNDELIV", True),
        (2, 0x34, "DELIVRD", False),
        (2, 0x34, "UNDELIV", True),
        (3, 0x50, "DELIVRD", True),
        (3, 0x50, "UNDELIV", False),
    ],
)
def test_the_client_is_told_what_it_asked_for(
    house: House, asked: int, version: int, stat: str, told: bool
) -> None:
    client = house.client(version=version)
    assert client.submit(registered_delivery=asked).command_status == 0
    assert house.submits[0][1].registered_delivery == 1
    house.receipt("1", stat=stat)
    assert len(client.receipts) == told
    assert house.states()[0].final


def test_a_message_that_left_the_memory_is_read_for_its_receipt(house: House) -> None:
    house.relay.book.keep_sent = 1
    client = house.client()
    for _ in range(3):
        client.submit()
    assert len(house.relay.book.entries) == 1
    assert house.receipt("1").command_status == 0
    assert house.receipt("1").command_status == 0
    assert house.states() == [State.DELIVERED, State.SENT, State.SENT]
    assert len(client.receipts) == 1
    assert len(house.relay.book.entries) == 1


def test_two_receipts_for_one_message_that_left_the_memory(house: House) -> None:
    house.relay.book.keep_sent = 1
    client = house.client()
    for _ in range(3):
        client.submit()
    for stat in ("DELIVRD", "UNDELIV"):
        house.upstream().deliver(receipt("1", stat=stat))
    house.settle()
    assert house.states()[0] is State.DELIVERED
    assert len(client.receipts) == 1


def test_a_message_that_cannot_be_read_asks_for_its_receipt_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.relay.book.keep_sent = 1
    client = house.client()
    for _ in range(2):
        client.submit()
    answers: list[Any] = []
    upstream = house.upstream()
    monkeypatch.setattr(upstream, "answered", lambda event: answers.append(event.pdu.command_status))
    engine = house.relay.store.ledger._engine
    monkeypatch.setattr(house.relay.store.ledger, "_engine", Broken())
    upstream.deliver(receipt("1"))
    house.settle()
    assert answers == [0x64]
    monkeypatch.setattr(house.relay.store.ledger, "_engine", engine)
    upstream.deliver(receipt("1"))
    house.settle()
    assert answers == [0x64, 0]
    assert len(client.receipts) == 1


class Broken:
    """An engine whose database is gone."""

    def connect(self) -> Any:
        raise OperationalError("", {}, Exception("disk I/O error"))


def test_nothing_is_answered_before_it_is_on_disk(house: House) -> None:
    client = house.client()
    client.submit()
    heard: list[Any] = []
    upstream: Upstream = house.upstream()
    upstream.answered = lambda event: heard.append(event.pdu)  # type: ignore[method-assign]
    upstream.deliver(receipt("1"))
    house.wires()
    assert heard == []
    assert client.receipts == []
    house.writing.run()
    house.wires()
    assert house.states() == [State.DELIVERED]
    assert heard == []
    house.settle()
    assert len(heard) == 1
    assert len(client.receipts) == 1


def test_after_a_restart_receipts_still_find_their_messages(house: House) -> None:
    client = house.client()
    told = [client.submit().message_id for _ in range(3)]
    house.restart()
    client = house.client()
    for message_id in ("2", "1", "3"):
        house.receipt(message_id)
    assert house.states() == [State.DELIVERED] * 3
    assert [found.message_id for found in client.receipts] == [told[1], told[0], told[2]]


@pytest.mark.parametrize(("policy", "state"), [("unknown", 17), ("expired", 13), ("undeliverable", 15)])
def test_no_receipt_ends_by_the_carriers_policy(make_house: MakeHouse, policy: str, state: int) -> None:
    house = make_house(generation(carriers={"alpha": carrier(receipt_timeout="1m", no_receipt=policy)}))
    client = house.client()
    client.submit()
    house.advance(59)
    assert house.states() == [State.SENT]
    house.advance(3)
    assert house.states() == [state]
    house.receipt("1")
    assert house.states() == [state]
    assert len(client.receipts) == 1


def test_dates_and_time_zone_as_the_account_wants_them(make_house: MakeHouse) -> None:
    style = {"dates": 14, "time_zone": "Asia/Shanghai"}
    house = make_house(generation(accounts={"bank": account(receipts=style)}))
    client = house.client()
    client.submit()
    house.advance(30)
    house.receipt("1")
    text = client.delivered[0].short_message
    assert b"submit date:20260921221320 done date:20260921221350" in text
    assert text.startswith(b"id:0000000001 sub:001 dlvrd:001 ")
    assert text.endswith(b"stat:DELIVRD err:000 text:hello")
