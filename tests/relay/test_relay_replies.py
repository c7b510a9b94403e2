"""Replies from handsets: whose they are, joined or by segment, waiting like receipts; and alerts."""

from __future__ import annotations

from typing import Any

import pytest
from relay_house import BANK, HANDSET, House, MakeHouse, account, generation

from gateway.smpp.concat import make_sar, make_udh
from gateway.smpp.constants import Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import AlertNotification, BindTransmitter, DataSm, DeliverSm


def reply(to: str = BANK, text: bytes = b"STOP", **fields: Any) -> DeliverSm:
    return DeliverSm(**{"source_addr": HANDSET, "destination_addr": to, "short_message": text, **fields})


def arrive(house: House, *pdus: Any) -> list[int]:
    """The carrier delivers; the statuses of the answers."""
    statuses: list[int] = []
    upstream = house.upstream()
    upstream.answered = lambda event: statuses.append(event.pdu.command_status)  # type: ignore[method-assign]
    for pdu in pdus:
        upstream.deliver(pdu)
        house.settle()
    return statuses


def houses(**accounts: dict[str, Any]) -> Any:
    return generation(accounts={name: account(**settings) for name, settings in accounts.items()})


def owner(house: House, number: str, text: str = "hi", handset: str = HANDSET) -> str | None:
    found = house.relay.replies.owner(number, handset, text)
    return None if found is None else found.name


def test_a_reply_reaches_the_account_of_its_number_untouched(make_house: MakeHouse) -> None:
    house = make_house(houses(bank={"numbers": ["1069"]}))
    client = house.client()
    tlvs = (Tlv(0x1500, b"x"), Tlv(0x0204, b"\0\7"))
    assert arrive(house, reply(text=b"hello", tlvs=tlvs, data_coding=8, source_addr_ton=1)) == [0]
    (got,) = client.delivered
    assert got._replace(sequence_number=0) == reply(
        text=b"hello", tlvs=tlvs, data_coding=8, source_addr_ton=1
    )


def test_it_waits_for_its_client_through_a_restart(make_house: MakeHouse) -> None:
    house = make_house(houses(bank={"numbers": ["1069"]}))
    sender = house.client(kind=BindTransmitter)
    arrive(house, reply(text=b"one"), reply(text=b"two"))
    assert sender.delivered == []
    assert len(house.outbox()) == 2
    house.restart()
    assert [pdu.short_message for pdu in house.client().delivered] == [b"one", b"two"]


def test_it_is_answered_when_it_is_on_disk(make_house: MakeHouse) -> None:
    house = make_house(houses(bank={"numbers": ["1069"]}))
    house.upstream().deliver(reply())
    house.wires()
    assert house.upstream().session.outstanding == 1
    house.settle()
    assert house.upstream().session.outstanding == 0


def test_the_longest_prefix_owns_it(make_house: MakeHouse) -> None:
    house = make_house(houses(bank={"numbers": ["1069"]}, shop={"numbers": ["106901", "222"]}))
    assert owner(house, "10690001") == "bank"
    assert owner(house, "+10690155") == "shop"
    assert owner(house, "222") == "shop"
    assert owner(house, "106") is None


def test_keywords_where_several_share_a_number(make_house: MakeHouse) -> None:
    house = make_house(
        houses(
            bank={"numbers": ["1069"], "keywords": ["BAL"]},
            shop={"numbers": ["1069"], "keywords": ["Offer", "优惠"]},
        )
    )
    assert owner(house, "1069", "offer please") == "shop"
    assert owner(house, "1069", "优惠") == "shop"
    assert owner(house, "1069", "BAL") == "bank"
    assert owner(house, "1069", "balance") == "bank"  # nobody's: the first of them
    house.relay.replies.writers.answered(HANDSET, "1069", "shop")
    assert owner(house, "1069", "balance") == "shop"
    assert owner(house, "1069", "BAL") == "bank"


def test_who_last_wrote_to_that_handset_from_that_number(make_house: MakeHouse) -> None:
    house = make_house(houses(bank={}, shop={}))
    bank, shop = house.client("bank"), house.client("shop")
    bank.submit(source_addr="1111")
    shop.submit(source_addr="2222")
    assert owner(house, "1111") == "bank"
    assert owner(house, "2222") == "shop"
    assert owner(house, "3333") is None
    assert owner(house, "1111", handset="8619912349999") is None
    shop.submit(source_addr="1111")
    assert owner(house, "1111") == "shop"
    assert owner(house, "1111", handset="+" + HANDSET) == "shop"


def test_who_last_wrote_is_known_after_a_restart(make_house: MakeHouse) -> None:
    house = make_house(houses(bank={}, shop={}))
    house.client("bank").submit(source_addr="1111")
    house.client("shop").submit(source_addr="1111")
    house.client("bank").submit(source_addr="2222")
    house.restart()
    assert owner(house, "1111") == "shop"
    assert owner(house, "2222") == "bank"


def test_an_account_that_was_removed_owns_nothing(make_house: MakeHouse) -> None:
    house = make_house(houses(bank={"numbers": ["1069"]}, shop={"numbers": ["10"]}))
    house.reload(generation(accounts={"shop": account(numbers=["10"])}, number=2))
    assert owner(house, "1069") == "shop"


def test_nobodys_reply_is_kept(house: House) -> None:
    assert arrive(house, reply(to="999")) == [0]
    (kept,) = house.strays()
    assert (kept.carrier, kept.carrier_message_id, kept.destination) == ("alpha", "", HANDSET)
    assert house.relay.replies.counts["unowned"] == 1
    house.restart()
    assert len(house.strays()) == 1


def test_data_sm_becomes_deliver_sm(make_house: MakeHouse) -> None:
    house = make_house(houses(bank={"numbers": ["1069"]}))
    client = house.client()
    payload = (Tlv(Tag.message_payload, b"hello"),)
    arrive(house, DataSm(source_addr="8" * 30, destination_addr=BANK, data_coding=3, tlvs=payload))
    (got,) = client.delivered
    assert (got.source_addr, got.data_coding, got.tlvs) == ("8" * 20, 3, payload)


def parts(*texts: bytes, udh: bool = True, reference: int = 9) -> list[DeliverSm]:
    found = []
    for number, text in enumerate(texts, 1):
        if udh:
            header = make_udh((0, bytes((reference, len(texts), number))))
            found.append(reply(text=header + text, esm_class=0x40))
        else:
            found.append(reply(text=text, tlvs=make_sar(reference, len(texts), number)))
    return found


@pytest.fixture
def joining(make_house: MakeHouse) -> House:
    return make_house(houses(bank={"numbers": ["1069"], "replies": "joined"}))


@pytest.mark.parametrize("udh", [True, False])
def test_joined_in_any_order(joining: House, udh: bool) -> None:
    client = joining.client()
    first, second, third = parts(b"a", b"b", b"c", udh=udh)
    assert arrive(joining, third, first) == [0, 0]
    assert client.delivered == []
    assert len(joining.strays()) == 2
    arrive(joining, second)
    (got,) = client.delivered
    assert (got.short_message, got.esm_class, got.tlvs) == (b"abc", 0, ())
    assert joining.strays() == []


def test_a_long_joined_reply_is_in_message_payload(joining: House) -> None:
    client = joining.client()
    arrive(joining, *parts(b"a" * 134, b"b" * 134))
    (got,) = client.delivered
    assert got.short_message == b""
    assert dict(got.tlvs) == {Tag.message_payload: b"a" * 134 + b"b" * 134}


def test_a_part_that_comes_twice_counts_once(joining: House) -> None:
    client = joining.client()
    first, second = parts(b"a", b"b")
    arrive(joining, first, first, second)
    assert [pdu.short_message for pdu in client.delivered] == [b"ab"]
    assert joining.strays() == []


def test_parts_survive_a_restart(joining: House) -> None:
    first, second = parts(b"a", b"b")
    arrive(joining, first)
    joining.restart()
    arrive(joining, second)
    assert [pdu.short_message for pdu in joining.client().delivered] == [b"ab"]
    assert joining.strays() == []


def test_parts_whose_siblings_never_come_go_on_as_they_are(joining: House) -> None:
    client = joining.client()
    first, _, third = parts(b"a", b"b", b"c")
    arrive(joining, third, first)
    joining.advance(298, 10)
    assert client.delivered == []
    joining.advance(4)
    assert [pdu.short_message[-1:] for pdu in client.delivered] == [b"a", b"c"]
    assert all(pdu.esm_class == 0x40 for pdu in client.delivered)
    assert joining.strays() == []


def test_by_segment_as_they_came(make_house: MakeHouse) -> None:
    house = make_house(houses(bank={"numbers": ["1069"]}))
    client = house.client()
    segments = parts(b"a", b"b")
    arrive(house, *segments)
    assert [pdu.short_message for pdu in client.delivered] == [pdu.short_message for pdu in segments]


def test_a_keyword_counts_for_the_whole_of_a_joined_reply(make_house: MakeHouse) -> None:
    house = make_house(
        houses(
            bank={"numbers": ["1069"], "replies": "joined"},
            shop={"numbers": ["1069"], "replies": "joined", "keywords": ["offer"]},
        )
    )
    shop, bank = house.client("shop"), house.client("bank")
    first, second = parts(b"offer ", b"please")
    arrive(house, second, first)
    assert [pdu.short_message for pdu in shop.delivered] == [b"offer please"]
    assert bank.delivered == []


def test_an_alert_goes_to_the_account_of_its_address(make_house: MakeHouse) -> None:
    house = make_house(houses(bank={"numbers": ["1069"]}))
    alert = AlertNotification(source_addr=HANDSET, esme_addr=BANK)
    house.upstream().send(alert)
    house.settle()
    client = house.client()
    house.upstream().send(alert)
    house.settle()
    assert [type(pdu) for pdu in client.heard] == [AlertNotification]
    assert house.relay.alerts.counts == {"unheard": 1, "relayed": 1}


def test_no_seqs_left_asks_for_the_reply_again(make_house: MakeHouse) -> None:
    house = make_house(houses(bank={"numbers": ["1069"]}))
    seqs = house.relay.outbox_seqs
    seqs._end = seqs._plenty = seqs._next
    seqs._spare = None
    assert arrive(house, reply()) == [0x64]
    assert arrive(house, reply()) == [0]
    assert len(house.client().delivered) == 1
