"""The mark before the octets: a message that was marked and not written has made no attempt."""

from __future__ import annotations

import json

from relay_house import House, submit

from gateway.store.rows import State


def test_marks_that_the_store_refuses_are_no_attempts(house: House) -> None:
    house.down.add("alpha")
    house.upstream().cut()
    client = house.client()
    client.submit()
    house.driver.broken = True
    house.down.clear()
    house.advance(10)
    assert house.submits == []
    house.driver.broken = False
    house.advance(10)
    assert len(house.submits) == 1
    row = house.row()
    assert (row.state, row.attempts, len(json.loads(row.trail))) == (State.SENT, 1, 1)


def test_a_message_whose_link_went_before_it_was_written_made_no_attempt(house: House) -> None:
    client = house.client()
    client.send(submit())
    house.wires()
    house.upstream().cut()
    house.settle()
    assert house.states() == [State.WAITING]
    house.advance(10)
    row = house.row()
    assert (row.state, row.attempts, len(house.submits)) == (State.SENT, 1, 1)
