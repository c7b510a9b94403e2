"""Long texts on their way through the relay: judged whole, each segment with its own id and receipt."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from relay_house import BANK, House, MakeHouse, account, generation, submit

from gateway.filters.verdict import REASONS, Action, Verdict
from gateway.message import Message
from gateway.smpp.concat import make_sar, make_udh
from gateway.smpp.pdus import CancelSm, SubmitSm
from gateway.store.rows import State


class Words:
    """Refuses what contains `bad`, holds what contains `odd`; remembers what it read."""

    name = "words"

    def __init__(self) -> None:
        self.read: list[str | None] = []

    def judge(self, message: Message, now: float) -> Verdict | None:
        self.read.append(message.text)
        if "bad" in (message.text or ""):
            return Verdict(Action.REFUSE, self.name, "bad", "words.txt:1", REASONS["content_blocked"])
        return Verdict(Action.HOLD, self.name, "odd") if "odd" in (message.text or "") else None


@pytest.fixture
def words() -> Words:
    return Words()


@pytest.fixture
def judged(make_house: MakeHouse, words: Words) -> House:
    return make_house(generation(multipart={"timeout": "60s", "groups_per_account": 3}), words=words)


def sar(*texts: str, reference: int = 7, **fields: Any) -> list[SubmitSm]:
    return [
        submit(short_message=text.encode(), tlvs=make_sar(reference, len(texts), number), **fields)
        for number, text in enumerate(texts, 1)
    ]


def udh(*texts: str, wide: bool = False) -> list[SubmitSm]:
    found = []
    for number, text in enumerate(texts, 1):
        element = (8, bytes((0, 7, len(texts), number))) if wide else (0, bytes((7, len(texts), number)))
        found.append(submit(esm_class=0x40, short_message=make_udh(element) + text.encode()))
    return found


@pytest.mark.parametrize(
    "segments",
    [sar("one b", "ad t", "wo"), udh("one b", "ad t", "wo"), udh("one b", "ad t", "wo", wide=True)],
    ids=["sar", "udh8", "udh16"],
)
def test_a_word_split_over_segments_is_still_the_word(
    judged: House, words: Words, segments: list[SubmitSm]
) -> None:
    client = judged.client()
    answers = [client.ask(pdu) for pdu in segments]
    assert [answer.command_status for answer in answers] == [0, 0, 0]
    assert words.read == ["one bad two"]
    assert judged.states() == [State.REJECTED] * 3
    assert judged.submits == []
    assert [(found.message_id, found.err) for found in client.receipts] == [
        (answer.message_id, "911") for answer in answers
    ]


def test_none_leaves_before_the_verdict(judged: House) -> None:
    client = judged.client()
    first, second, third = sar("a", "b", "c")
    client.ask(third)
    client.ask(first)
    assert judged.states() == [State.GATHERING] * 2
    assert judged.submits == []
    client.ask(second)
    assert judged.states() == [State.SENT] * 3
    assert [getattr(pdu, "short_message", b"") for _, pdu in judged.submits] == [b"a", b"b", b"c"]
    assert {row.segment_of for row in judged.rows()} == {1}
    for message_id in ("1", "2", "3"):
        judged.receipt(message_id)
    assert len({found.message_id for found in client.receipts}) == 3


def test_on_several_sessions_of_the_account(judged: House, words: Words) -> None:
    clients = [judged.client() for _ in range(3)]
    for client, pdu in zip(clients, sar("a", "b", "c"), strict=True):
        client.ask(pdu)
    assert words.read == ["abc"]
    assert judged.states() == [State.SENT] * 3


def test_in_one_read(judged: House, words: Words) -> None:
    client = judged.client()
    for pdu in sar("a", "b", "c"):
        client.send(pdu)
    judged.settle()
    assert words.read == ["abc"]
    assert judged.states() == [State.SENT] * 3


def test_references_used_again(judged: House, words: Words) -> None:
    client = judged.client()
    for texts in (("a", "b"), ("c", "d")):
        for pdu in sar(*texts):
            client.ask(pdu)
    assert words.read == ["ab", "cd"]


def test_references_used_again_before_the_first_is_whole(judged: House, words: Words) -> None:
    client = judged.client()
    (a, b), (c, d) = sar("a", "b"), sar("c", "d")
    for pdu in (a, c, b, d):
        client.ask(pdu)
    assert words.read == ["ab", "cd"]


def test_a_text_that_never_becomes_whole_is_refused(judged: House) -> None:
    client = judged.client()
    told = [client.ask(pdu).message_id for pdu in sar("a", "b", "c")[:2]]
    judged.advance(58)
    assert judged.states() == [State.GATHERING] * 2
    judged.advance(4)
    assert judged.states() == [State.REJECTED] * 2
    assert [(found.message_id, found.err) for found in client.receipts] == [(id, "916") for id in told]
    assert judged.relay.book.entries == {}


@pytest.mark.parametrize(("text", "end"), [("fine", State.SENT), ("bad", State.REJECTED)])
def test_a_segment_sent_again_takes_the_verdict_of_its_text(judged: House, text: str, end: State) -> None:
    client = judged.client()
    first, second = sar("so ", text)
    client.ask(first)
    client.ask(second)
    client.ask(second)
    assert judged.states()[2] is State.GATHERING
    judged.advance(62)
    assert judged.states() == [end] * 3


def test_the_oldest_unfinished_text_gives_way(judged: House) -> None:
    client = judged.client()
    for reference in range(1, 5):
        client.ask(sar("a", "b", reference=reference)[0])
    assert judged.states() == [State.REJECTED, *[State.GATHERING] * 3]
    assert [found.err for found in client.receipts] == ["916"]


def test_it_gives_way_also_if_the_store_refuses_the_new_one(judged: House) -> None:
    client = judged.client()
    for reference in range(1, 4):
        client.ask(sar("a", "b", reference=reference)[0])
    judged.driver.broken = True
    client.ask(sar("a", "b", reference=4)[0])
    judged.driver.broken = False
    judged.advance(20)
    assert judged.states() == [State.REJECTED, *[State.GATHERING] * 2]
    assert len(client.receipts) == 1


def test_whole_texts_that_are_not_on_disk_yet_do_not_give_way(judged: House, words: Words) -> None:
    client = judged.client()
    for reference in range(1, 6):
        for pdu in sar("a", "b", reference=reference):
            client.send(pdu)
    judged.settle()
    assert words.read == ["ab"] * 5
    assert judged.states() == [State.SENT] * 10


def test_a_segment_that_was_not_stored_is_not_waited_for(judged: House, words: Words) -> None:
    client = judged.client()
    first, second = sar("a", "b")
    judged.driver.broken = True
    assert client.ask(first).command_status != 0
    judged.driver.broken = False
    judged.advance(10)
    assert len(judged.relay.gathering.groups) == 0
    for pdu in (first, second):
        assert client.ask(pdu).command_status == 0
    assert words.read == ["ab"]


def test_after_a_restart_the_rest_may_come(make_house: MakeHouse, judged: House, words: Words) -> None:
    first, second, third = sar("a", "b", "c")
    client = judged.client()
    client.ask(first)
    client.ask(third)
    judged.restart()
    assert judged.states() == [State.GATHERING] * 2
    client = judged.client()
    client.ask(second)
    assert words.read == ["abc"]
    assert judged.states() == [State.SENT] * 3


@pytest.mark.parametrize("committed", [False, True])
def test_a_crash_between_the_last_segment_and_the_verdict(
    judged: House, words: Words, committed: bool
) -> None:
    client = judged.client()
    first, second = sar("a", "b")
    client.ask(first)
    client.send(second)
    judged.wires()
    judged.restart(committed=committed)
    assert len(judged.rows()) == 1 + committed
    if not committed:
        judged.client().ask(second)
    assert words.read == ["ab"]
    assert judged.states() == [State.SENT] * 2


def test_a_cancelled_segment_leaves_its_place_open(judged: House, words: Words) -> None:
    client = judged.client()
    first, second = sar("a", "b")
    told = client.ask(first).message_id
    assert client.ask(CancelSm(message_id=told, source_addr=BANK)).command_status == 0
    client.ask(second)
    assert judged.states() == [State.DELETED, State.GATHERING]
    client.ask(sar("c", "b")[0])
    assert words.read == ["cb"]
    assert judged.states() == [State.DELETED, State.SENT, State.SENT]


def test_a_scheduled_text_is_judged_again_when_all_of_it_is_due(judged: House, words: Words) -> None:
    client = judged.client()
    for pdu in sar("a", "b", schedule_delivery_time="000000000200000R"):
        client.ask(pdu)
    assert judged.states() == [State.DEFERRED] * 2
    judged.advance(125)
    assert judged.states() == [State.SENT] * 2
    assert words.read == ["ab", "ab"]


def test_a_held_text_is_held_whole(judged: House) -> None:
    client = judged.client()
    for pdu in sar("o", "dd"):
        client.ask(pdu)
    assert judged.states() == [State.HELD] * 2
    assert judged.relay.book.entries == {}


def test_one_of_one_is_no_long_text(judged: House) -> None:
    client = judged.client()
    client.ask(sar("alone")[0])
    assert judged.states() == [State.SENT]


def test_message_payload_is_one_message(judged: House, words: Words) -> None:
    from gateway.smpp.fields import Tlv

    client = judged.client()
    client.submit(short_message=b"", tlvs=(Tlv(0x0424, b"a" * 400 + b" bad"),))
    assert judged.states() == [State.REJECTED]
    assert len(words.read[0] or "") == 404


def test_refusals_of_long_texts_come_by_receipt_whatever_the_account_says(make_house: MakeHouse) -> None:
    """Each segment was answered before the verdict fell."""
    house = make_house(generation(accounts={"bank": account(refusals="response")}), words=Words())
    client = house.client()
    assert [client.ask(pdu).command_status for pdu in sar("b", "ad")] == [0, 0]
    assert [found.stat for found in client.receipts] == ["REJECTD"] * 2


@settings(max_examples=20)
@given(
    order=st.permutations([(text, number) for text in range(3) for number in range(3)]),
    sessions=st.lists(st.integers(0, 1), min_size=9, max_size=9),
    read=st.lists(st.booleans(), min_size=9, max_size=9),
)
def test_any_order_on_any_session(
    tmp_path_factory: pytest.TempPathFactory,
    order: list[tuple[int, int]],
    sessions: list[int],
    read: list[bool],
) -> None:
    words = Words()
    house = House(tmp_path_factory.mktemp("gathering"), words=words)
    try:
        clients = [house.client(), house.client()]
        for (text, number), session, settled in zip(order, sessions, read, strict=True):
            pdu = sar(*(f"{text}{at}" for at in range(3)), reference=text)[number]
            clients[session].send(pdu)
            if settled:
                house.settle()
        house.settle()
        assert sorted(filter(None, words.read)) == ["000102", "101112", "202122"]
        assert house.states() == [State.SENT] * 9
        assert len(house.relay.gathering.groups) == 0
    finally:
        house.stop()
