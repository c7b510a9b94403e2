"""Replies in several parts: read as the handset wrote them, whole, before they are obeyed."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from people_house import HANDSET, SHOP, MakePeople, PeopleHouse, offer_pdu, words
from relay_house import PORTS, carrier

from gateway.settings.models import Generation
from gateway.smpp import gsm
from gateway.smpp.concat import make_sar, make_udh
from gateway.smpp.constants import Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.store import people as stored
from gateway.store.rows import State

UDHI = 0x40
TIMEOUT = 300


def parts(
    *texts: str, how: str = "udh8", reference: int = 9, payload: bool = False, number: str = HANDSET
) -> list[DeliverSm]:
    """A handset's text in UCS-2, cut as given."""
    found = []
    for index, text in enumerate(texts, start=1):
        octets = text.encode("utf-16-be")
        fields: dict[str, Any] = {"data_coding": 8, "source_addr": number, "destination_addr": SHOP}
        tlvs: tuple[Tlv, ...] = ()
        if how == "sar":
            tlvs = make_sar(reference, len(texts), index)
        else:
            wide = how == "udh16"
            where = bytes((len(texts), index))
            element = (8, reference.to_bytes(2) + where) if wide else (0, bytes((reference,)) + where)
            octets = make_udh(element) + octets
            fields["esm_class"] = UDHI
        if payload:
            tlvs, octets = (*tlvs, Tlv(Tag.message_payload, octets)), b""
        found.append(DeliverSm(**fields, short_message=octets, tlvs=tlvs))
    return found


def by_data_sm(pdu: DeliverSm) -> DataSm:
    """The same part by data_sm."""
    tlvs = pdu.tlvs
    if pdu.short_message:
        tlvs = (*tlvs, Tlv(Tag.message_payload, pdu.short_message))
    return DataSm(
        source_addr=pdu.source_addr,
        destination_addr=pdu.destination_addr,
        esm_class=pdu.esm_class,
        data_coding=pdu.data_coding,
        tlvs=tlvs,
    )


def arrive(people: PeopleHouse, *pdus: DeliverSm | DataSm, bind: int = 0) -> None:
    for pdu in pdus:
        people.upstreams()[bind].deliver(pdu)
        people.settle()


def on_lists(people: PeopleHouse) -> list[str]:
    return [row.type for row in people.read(stored.suppressions_of, HANDSET)]


@pytest.fixture
def agreed(people: PeopleHouse) -> PeopleHouse:
    """A person who agreed and got an offer."""
    people.consent()
    people.offer()
    return people


@pytest.mark.parametrize("how", ["udh8", "udh16", "sar"])
@pytest.mark.parametrize("payload", [False, True])
@pytest.mark.parametrize("data_sm", [False, True])
def test_an_opt_out_that_was_cut_in_two_is_one(
    agreed: PeopleHouse, how: str, payload: bool, data_sm: bool
) -> None:
    pdus: list[Any] = parts("退", "订", how=how, payload=payload)
    first, second = map(by_data_sm, pdus) if data_sm else pdus
    arrive(agreed, first)
    assert on_lists(agreed) == []
    arrive(agreed, second)
    assert on_lists(agreed) == ["category_optout"]
    row = agreed.offer(text="【商店】again")
    assert (row.error, words(row)[0][2]) == (901, "category_optout (replies)")
    assert agreed.said() == ["【商店】您已退订，将不再收到此类信息。"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_parts_come_in_any_order(agreed: PeopleHouse, order: tuple[int, ...]) -> None:
    pdus = parts("请你们", "不要", "再发了")
    for index in order[:2]:
        arrive(agreed, pdus[index])
        assert on_lists(agreed) == []
    arrive(agreed, pdus[order[2]])
    assert on_lists(agreed) == ["category_optout"]


def test_a_part_that_reads_like_an_opt_out_is_none_if_the_whole_is_none(agreed: PeopleHouse) -> None:
    arrive(agreed, *parts("退订", "单的事情请联系我"))
    assert on_lists(agreed) == []
    assert State(agreed.offer(text="【商店】again").state) is State.SENT


def test_parts_come_over_several_binds_of_the_carrier(make_people: MakePeople) -> None:
    people = make_people()
    binds = ({"endpoint": f"tcp:127.0.0.1:{PORTS['alpha']}", "count": 2},)
    fields = {name: getattr(people.settings, name) for name in people.settings.__slots__}
    people.reload(Generation(**{**fields, "number": 2, "carriers": {"alpha": carrier(binds=binds)}}))
    people.settle()
    assert len(people.upstreams()) == 2
    people.consent()
    people.offer()
    first, second = parts("退", "订")
    arrive(people, second, bind=1)
    arrive(people, first, bind=0)
    assert on_lists(people) == ["category_optout"]


def test_a_complaint_that_was_cut_in_two_opens_one_case(make_people: MakePeople) -> None:
    people = make_people(captures=[{"name": "complaint", "words": ["投诉"]}])
    arrive(people, *parts("我要投", "诉你们"))
    (case,) = people.read(stored.cases, True, 10)
    assert (case.rule, case.number, case.reply) == ("complaint", HANDSET, "我要投诉你们")


def test_each_part_is_answered_when_it_is_on_disk_and_the_next_submit_sees_the_opt_out(
    agreed: PeopleHouse,
) -> None:
    answered: list[object] = []
    upstream = agreed.upstream()
    upstream.answered = lambda event: answered.append(event.pdu)  # type: ignore[method-assign]
    first, second = parts("退", "订")
    upstream.deliver(first)
    agreed.wires()  # the store's thread stands still
    assert (answered, agreed.strays()) == ([], [])
    agreed.settle()
    assert (len(answered), len(agreed.strays())) == (1, 1)
    upstream.deliver(second)
    agreed.shop.send(offer_pdu(text="【商店】while the store sleeps"))
    agreed.wires()
    assert (len(answered), on_lists(agreed)) == (1, [])
    agreed.settle()
    assert (len(answered), on_lists(agreed), agreed.strays()) == (2, ["category_optout"], [])
    assert agreed.rows()[-1].error == 901


def test_parts_outlive_a_crash(agreed: PeopleHouse) -> None:
    first, second = parts("退", "订")
    arrive(agreed, first)
    agreed.restart()
    arrive(agreed, second)
    assert on_lists(agreed) == ["category_optout"]
    assert agreed.strays() == []
    agreed.restart()
    assert agreed.offer(text="【商店】again").error == 901


def test_after_the_time_out_what_has_come_is_read(agreed: PeopleHouse) -> None:
    first, second, _ = parts("退", "订", "谢谢")
    arrive(agreed, second, first)
    agreed.advance(TIMEOUT - 2, step=10)
    assert on_lists(agreed) == []
    agreed.advance(4)
    assert on_lists(agreed) == ["category_optout"]
    assert agreed.strays() == []
    assert len(agreed.shop.delivered) == 2


def test_another_reply_under_the_same_reference_begins_anew(agreed: PeopleHouse) -> None:
    lost, *_ = parts("你好", "吗")
    first, second = parts("退", "订")
    arrive(agreed, lost, first, second)
    assert on_lists(agreed) == ["category_optout"]
    texts = [pdu.short_message[6:].decode("utf-16-be") for pdu in agreed.shop.delivered]
    assert texts == ["你好", "退", "订"]


def test_a_part_that_comes_again_is_one_part(agreed: PeopleHouse) -> None:
    first, second = parts("退", "订")
    arrive(agreed, first, first, second)
    assert on_lists(agreed) == ["category_optout"]
    assert agreed.strays() == []
    assert len(agreed.shop.delivered) == 2


def test_of_too_many_unfinished_replies_the_oldest_is_read_as_it_is(
    agreed: PeopleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.relay.replies.MOST_LONG", 2)
    (stop, _) = parts("退订", "", reference=1)
    arrive(agreed, stop)
    for reference in (2, 3):
        arrive(agreed, parts("你", "好", reference=reference, number="8619912340002")[0])
    assert on_lists(agreed) == ["category_optout"]
    assert len(agreed.strays()) == 2


def test_a_long_opt_out_by_message_payload_without_parts(agreed: PeopleHouse) -> None:
    text = "请你们以后不要再发这些信息了，我已经说过很多次了" * 8
    payload = (Tlv(Tag.message_payload, text.encode("utf-16-be")),)
    arrive(agreed, DeliverSm(source_addr=HANDSET, destination_addr=SHOP, data_coding=8, tlvs=payload))
    assert on_lists(agreed) == ["category_optout"]


def test_an_opt_out_in_packed_septets_of_a_carrier_that_packs(make_people: MakePeople) -> None:
    people = make_people()
    fields = {name: getattr(people.settings, name) for name in people.settings.__slots__}
    packs = carrier(rewrite={"charset": {"default": "gsm7-packed"}})
    people.reload(Generation(**{**fields, "number": 2, "carriers": {"alpha": packs}}))
    people.consent()
    people.offer()
    octets = gsm.pack(gsm.encode("TD") or b"", 0)
    arrive(people, DeliverSm(source_addr=HANDSET, destination_addr=SHOP, short_message=octets))
    assert on_lists(people) == ["category_optout"]


@pytest.mark.parametrize("text", [b"STOP", b" stop please "])
@pytest.mark.parametrize("data_coding", [2, 4, 0xF5])
def test_an_opt_out_that_is_declared_as_octets_is_one(
    agreed: PeopleHouse, text: bytes, data_coding: int
) -> None:
    pdu = DeliverSm(source_addr=HANDSET, destination_addr=SHOP, data_coding=data_coding, short_message=text)
    arrive(agreed, pdu)
    assert on_lists(agreed) == ["category_optout"]


def test_octets_for_a_program_of_the_handset_are_no_text(agreed: PeopleHouse) -> None:
    header = make_udh((5, b"\x0b\x84\x23\xf0"))  # application ports
    fields = {"data_coding": 4, "esm_class": UDHI, "short_message": header + b"STOP"}
    arrive(agreed, DeliverSm(source_addr=HANDSET, destination_addr=SHOP, **fields))
    arrive(
        agreed,
        DeliverSm(source_addr=HANDSET, destination_addr=SHOP, data_coding=4, short_message=b"STOP\xff"),
    )
    assert on_lists(agreed) == []
