"""What waits in the store alone: read when there is room, whatever else looks at it meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from relay_house import BANK, House, MakeHouse, carrier, generation
from twisted.internet.defer import Deferred

from gateway.relay import dispatch
from gateway.smpp.pdus import CancelSm, QuerySm, ReplaceSm, SubmitSm
from gateway.store.rows import State

SLOW = generation(carriers={"alpha": carrier(window=1)}, backlog={"memory": 2})


@pytest.fixture
def slow(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> House:
    """A carrier with a window of one that does not answer, and room for two in memory."""
    monkeypatch.setattr(dispatch, "PAGE", 3)
    house = make_house(SLOW)
    house.answer = lambda name, pdu: None
    return house


def numbered(count: int) -> list[dict[str, Any]]:
    return [{"destination_addr": f"86199123{at:05d}"} for at in range(count)]


def sent_to(house: House) -> list[str]:
    return [pdu.destination_addr for _, pdu in house.submits]


def answer_all(house: House) -> None:
    """The carrier takes whatever it is sent."""
    house.answer = house.accept
    for upstream in house.upstreams():
        for pdu in list(upstream.pending):
            upstream.respond(pdu, *house.accept("alpha", pdu))
    house.settle()


def test_everything_is_sent_once_in_the_end(slow: House) -> None:
    client = slow.client()
    for fields in numbered(12):
        assert client.submit(**fields).command_status == 0
    assert slow.relay.dispatch.lanes.count == 2
    assert len(slow.relay.book.entries) <= 4
    answer_all(slow)
    slow.advance(1)
    assert sorted(sent_to(slow)) == [fields["destination_addr"] for fields in numbered(12)]
    assert set(slow.states()) == {State.SENT}


def test_it_is_there_after_a_restart(slow: House) -> None:
    client = slow.client()
    for fields in numbered(8):
        client.submit(**fields)
    slow.restart()
    assert slow.relay.dispatch.lanes.count <= 2
    answer_all(slow)
    slow.advance(1)
    assert sorted(sent_to(slow)) == [fields["destination_addr"] for fields in numbered(8)]


@pytest.mark.parametrize("turn", range(12))
def test_a_message_asked_about_while_it_is_read_is_still_sent(slow: House, turn: int) -> None:
    """Queries, replacements and cancels of what waits beyond the memory, at each moment of its reading."""
    client = slow.client()
    told = [client.submit(**fields).message_id for fields in numbered(9)]
    replaced = {}
    for message_id in told[2:]:
        client.send(QuerySm(message_id=message_id, source_addr=BANK))
        pdu = ReplaceSm(message_id=message_id, source_addr=BANK, short_message=b"new")
        replaced[message_id] = client.send(pdu)
    client.send(CancelSm(message_id=told[8], source_addr=BANK))
    for _ in range(turn):
        slow.step()
    answer_all(slow)
    slow.advance(2)
    assert State.WAITING not in slow.states()
    texts = {pdu.destination_addr: pdu.short_message for _, pdu in slow.submits if isinstance(pdu, SubmitSm)}
    assert len(texts) == len(slow.submits)
    for row in slow.rows():
        was = row.client_id in replaced and client.answers[replaced[row.client_id]].command_status == 0
        expected = None if row.state == State.DELETED else b"new" if was else b"hello"
        assert texts.get(row.destination) == expected
    assert slow.relay.book.entries.keys() == {row.id for row in slow.rows() if row.state == State.SENT}


def test_a_row_read_before_its_message_went_on_is_not_sent_again(
    slow: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader's answer may be older than what has happened since."""
    client = slow.client()
    for fields in numbered(4):
        client.submit(**fields)
    late: list[tuple[Deferred[Any], Any]] = []
    ledger = slow.relay.store.ledger
    read = ledger.open_after

    def read_late(*args: Any) -> Deferred[Any]:
        told: Deferred[Any] = Deferred()
        read(*args).addCallback(lambda rows: late.append((told, rows)))
        return told

    monkeypatch.setattr(ledger, "open_after", read_late)
    for id in (2, 3, 4):
        assert client.ask(CancelSm(message_id=f"{id:010d}", source_addr=BANK)).command_status == 0
        slow.relay.dispatch.pump()
        slow.settle()
    ((told, rows),) = late
    assert [row.id for row in rows] == [3, 4] or [row.id for row in rows] == [4]
    told.callback(rows)
    answer_all(slow)
    slow.advance(1)
    assert sent_to(slow) == [numbered(1)[0]["destination_addr"]]
    assert slow.states() == [State.SENT, *[State.DELETED] * 3]


def test_an_expiry_that_the_store_refuses_comes_later(slow: House) -> None:
    client = slow.client()
    for fields in numbered(2):
        client.submit(**fields, validity_period="000000000100000R")
    slow.driver.broken = True
    slow.wall += 61
    slow.relay.dispatch.pump()
    slow.settle()
    answer_all(slow)
    slow.driver.broken = False
    slow.advance(30)
    assert slow.states()[1] is State.EXPIRED
    assert [receipt.stat for receipt in client.receipts] == ["EXPIRED"]
