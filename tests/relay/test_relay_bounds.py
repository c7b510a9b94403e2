"""Hostile clients: long texts that never end, texts that are too long, one text to everybody."""

from __future__ import annotations

from typing import Any

import pytest
from content_house import account, content_generation, content_house
from relay_entries import segment
from relay_house import BANK, HANDSET, Client, House, MakeHouse, generation, name_of, submit

from gateway.filters.entries import Entry, Severity
from gateway.filters.sensitive import SensitiveWords
from gateway.filters.words import WordList
from gateway.relay.multipart import Groups, size_of
from gateway.smpp.concat import CONCAT_8, LOCKING_SHIFT, Element, make_sar, make_udh
from gateway.smpp.constants import ESM_UDHI, Tag
from gateway.smpp.fields import SmeAddress, Tlv
from gateway.smpp.pdus import ReplaceSm, SubmitMulti, SubmitSm
from gateway.store.rows import State

LARGE = 65_000
TWO_ACCOUNTS = {"bank": account(window=100_000), "shop": account(window=100_000)}


class Counted(WordList):
    """A list that counts how often it is searched."""

    __slots__ = ("scans",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.scans = 0

    def scan(self, *args: Any) -> Any:
        self.scans += 1
        return super().scan(*args)


def casino() -> Any:
    return Counted.of([Entry("casino", Severity.REJECT), Entry("赌博", Severity.REJECT)])


def part(number: int, total: int, octets: bytes = b"a", reference: int = 7, **fields: Any) -> SubmitSm:
    tlvs = make_sar(reference, total, number)
    return submit(short_message=b"", tlvs=(*tlvs, Tlv(Tag.message_payload, octets)), **fields)


def udh(*elements: Element, octets: bytes = b"a", **fields: Any) -> SubmitSm:
    return submit(esm_class=ESM_UDHI, short_message=make_udh(*elements) + octets, **fields)


def test_ten_thousand_unfinished_texts_of_one_account() -> None:
    groups = Groups(1000, most=100, most_octets=1 << 20)
    other = segment(1, 1, 2, account="shop")
    groups.add(other, 0)
    evicted = []
    for number in range(2, 10_002):
        evicted += groups.add(segment(number, 1, 2, reference=number), 0)
    assert [group.first_id for group in evicted] == list(range(2, 9_902))
    assert len(groups) == 101
    assert len(groups._of) == 101
    assert groups.group_of(other).total == 2


def test_unfinished_texts_give_way_by_their_octets_too() -> None:
    one = segment(1, 1, 3, short_message=bytes(200))
    size = size_of(one.message)
    groups = Groups(1000, most=100, most_octets=3 * size)
    groups.add(one, 0)
    assert groups.add(segment(2, 1, 3, reference=8, short_message=bytes(200)), 0) == []
    assert groups.add(segment(3, 2, 3, reference=8, short_message=bytes(200)), 0) == []
    (evicted,) = groups.add(segment(4, 3, 3, reference=9, short_message=bytes(200)), 0)
    assert evicted.first_id == 1
    last = segment(5, 1, 3, reference=9, short_message=bytes(201))
    (evicted,) = groups.add(last, 0)
    assert evicted.first_id == 2
    groups.discard(last)
    assert groups._octets == {"bank": size}


def test_unfinished_texts_of_all_accounts_give_way() -> None:
    size = size_of(segment(1, 1, 2).message)
    for bound in ({"segments": 100}, {"octets": 100 * size + size - 1}):
        groups = Groups(1000, **bound)
        evicted = []
        for number in range(1, 1001):
            evicted += groups.add(segment(number, 1, 2, account=f"shop{number}"), number)
        assert [group.first_id for group in evicted] == list(range(1, 901))
        assert len(groups) == 100
        assert [group.first_id for group in groups.overdue(1905)] == [901, 902, 903, 904, 905]


def with_unfinished(make_house: MakeHouse, count: int) -> tuple[House, Client]:
    """A house with so many unfinished texts of the bank, and the client that sent their first halves."""
    settings = generation(TWO_ACCOUNTS, multipart={"timeout": "60s"})
    house = make_house(settings, words=SensitiveWords(casino()))
    bank = house.client(window=100_000)
    for reference in range(count):
        bank.send(part(1, 2, reference=reference))
    house.settle()
    return house, bank


def test_a_start_on_more_unfinished_texts_than_the_memory_may_hold(make_house: MakeHouse) -> None:
    house, bank = with_unfinished(make_house, 300)
    house.settings = generation(TWO_ACCOUNTS, multipart={"timeout": "60s", "segments": 100})
    house.advance(30)
    house.restart()
    assert len(house.relay.gathering.groups) == 100
    assert len(house.relay.book.entries) == 100
    assert house.states() == [State.GATHERING] * 300
    bank = house.client(window=100_000)
    assert bank.ask(part(2, 2, reference=299)).command_status == 0
    assert len(house.submits) == 2
    assert house.states() == [
        *[State.GATHERING] * 200,
        State.REJECTED,
        *[State.GATHERING] * 98,
        *[State.SENT] * 2,
    ]
    house.advance(31, step=31)
    assert house.states() == [State.REJECTED] * 201 + [State.GATHERING] * 98 + [State.SENT] * 2
    assert len(house.relay.book.entries) == 98 + 2
    assert [receipt.err for receipt in bank.receipts] == ["916"] * 201
    house.advance(30, step=30)
    assert house.states() == [State.REJECTED] * 299 + [State.SENT] * 2
    assert [receipt.err for receipt in bank.receipts] == ["916"] * 299


def test_many_unfinished_texts_of_before_a_start_keep_nothing_else_waiting(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.relay.sweep.PAGE", 20)
    house, bank = with_unfinished(make_house, 50)
    bank.submit(schedule_delivery_time="000000000110000R", destination_addr=HANDSET)
    house.advance(30)
    house.restart()
    house.advance(45)
    assert house.states() == [State.GATHERING] * 50 + [State.SENT]
    house.advance(14)
    assert house.states() == [State.GATHERING] * 50 + [State.SENT]
    house.advance(2)
    assert house.states() == [State.REJECTED] * 50 + [State.SENT]


def test_what_is_remembered_of_judged_texts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.relay.multipart.MOST_JUDGED", 10)
    groups = Groups(1000, 10)
    for number in range(1, 40):
        groups.add(segment(number, 1, 1, reference=number, short_message=bytes(200)), 0)
        whole = groups._of[number]
        groups.remove(whole)
        groups.judged(whole, "allowed", 0)
    assert len(groups._judged) == 10
    assert {len(digest) for _, digests, _ in groups._judged.values() for digest in digests} == {16}


def test_those_that_give_way_are_told_and_others_are_unharmed(make_house: MakeHouse) -> None:
    house = make_house(
        generation(TWO_ACCOUNTS, multipart={"groups_per_account": 50}), words=SensitiveWords(casino())
    )
    bank, shop = house.client(window=100_000), house.client("shop", window=100_000)
    shop.ask(part(1, 2))
    for reference in range(1000):
        bank.send(part(1, 2, reference=reference))
    house.settle()
    assert [receipt.err for receipt in bank.receipts] == ["916"] * 950
    assert len(house.relay.gathering.groups) == 51
    assert house.submits == []
    shop.ask(part(2, 2))
    assert len(house.submits) == 2


def test_large_segments_give_way_before_they_fill_the_memory(make_house: MakeHouse) -> None:
    house = make_house(
        generation(multipart={"octets_per_account": 4 * LARGE}), words=SensitiveWords(casino())
    )
    client = house.client()
    for reference in range(8):
        client.ask(part(1, 2, bytes(LARGE - 40), reference=reference))
    assert house.states() == [State.REJECTED] * 4 + [State.GATHERING] * 4


@pytest.mark.uncompiled
def test_a_long_text_of_more_octets_than_any_handset_takes(make_house: MakeHouse) -> None:
    words = casino()
    house = make_house(words=SensitiveWords(words))
    client = house.client()
    for number in (1, 2):
        client.ask(part(number, 2, b"a" * 40_000))
    assert house.states() == [State.REJECTED] * 2
    assert [receipt.err for receipt in client.receipts] == ["911"] * 2
    assert (words.scans, house.submits) == (0, [])


@pytest.mark.uncompiled
@pytest.mark.parametrize(("text", "end"), [("all is well", State.SENT), ("casino", State.REJECTED)])
def test_a_text_of_255_segments(make_house: MakeHouse, text: str, end: State) -> None:
    words = casino()
    house = make_house(generation(TWO_ACCOUNTS), words=SensitiveWords(words))
    client = house.client(window=100_000)
    letters = f"{text:.<255}"
    for number in sorted(range(1, 256), key=lambda number: number * 97 % 255):
        client.send(udh((CONCAT_8, bytes((7, 255, number))), octets=letters[number - 1].encode()))
    house.settle()
    assert house.states() == [end] * 255
    assert words.scans == 1


@pytest.mark.uncompiled
def test_a_large_text_to_254_destinations_is_searched_once(make_house: MakeHouse) -> None:
    words = casino()
    house = make_house(words=SensitiveWords(words))
    client = house.client()
    to = tuple(SmeAddress(1, 1, f"8619912{number:06d}") for number in range(254))
    payload = Tlv(Tag.message_payload, ("你好" * 16_000 + "赌博").encode("utf-16-be"))
    client.ask(SubmitMulti(source_addr=BANK, dest_addresses=to, data_coding=8, tlvs=(payload,)))
    assert house.states() == [State.REJECTED] * 254
    assert (words.scans, house.submits) == (1, [])


def test_a_replaced_text_cannot_become_a_segment(make_house: MakeHouse) -> None:
    house = make_house(words=SensitiveWords(casino()))
    client = house.client()
    later = "000001000000000R"
    header = (LOCKING_SHIFT, b"\1")
    told = client.ask(udh(header, schedule_delivery_time=later)).message_id
    text = make_udh((CONCAT_8, b"\7\2\1")) + b"cas"
    answer = client.ask(ReplaceSm(message_id=told, source_addr=BANK, short_message=text))
    assert name_of(answer.command_status) == "ESME_RREPLACEFAIL"
    text = make_udh(header) + b"hello"
    assert client.ask(ReplaceSm(message_id=told, source_addr=BANK, short_message=text)).command_status == 0


def test_segments_that_come_again_in_another_coding_are_no_longer_what_was_judged(
    make_house: MakeHouse,
) -> None:
    house: House = make_house(generation(multipart={"timeout": "60s"}), words=SensitiveWords(casino()))
    client = house.client()
    octets = "赌博".encode("utf-16-be")
    for number in (1, 2):
        client.ask(udh((CONCAT_8, bytes((7, 2, number))), octets=octets, data_coding=3))
    assert house.states() == [State.SENT] * 2
    client.ask(udh((CONCAT_8, bytes((7, 2, 1))), octets=octets, data_coding=8))
    house.advance(62)
    assert house.states() == [State.SENT, State.SENT, State.REJECTED]


def test_a_segment_that_is_no_text_makes_a_text_binary(make_house: MakeHouse) -> None:
    house = content_house(make_house, content_generation({"binary": {"mode": "enforce"}}))
    client = house.client()
    for number, data_coding in ((1, 0), (2, 4)):
        client.ask(udh((CONCAT_8, bytes((7, 2, number))), data_coding=data_coding))
    assert house.states() == [State.REJECTED] * 2
    assert {receipt.err for receipt in client.receipts} == {"917"}
    assert house.submits == []
    assert client.submit(destination_addr=HANDSET).command_status == 0
