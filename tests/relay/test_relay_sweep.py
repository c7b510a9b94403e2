"""The sweep while the store cannot be read."""

from __future__ import annotations

from typing import Any

from relay_house import House
from twisted.internet.defer import Deferred, fail
from twisted.logger import globalLogPublisher

from gateway.store.rows import State, StoreUnavailable


def test_a_store_that_cannot_be_read_is_told_once_and_asked_less_often(house: House) -> None:
    house.client().submit(schedule_delivery_time="000000000010000R")
    ledger: Any = house.relay.book.ledger
    due, asked, told = ledger.due, [], []

    def gone(*args: Any) -> Deferred[Any]:
        asked.append(house.reactor.seconds())
        return fail(StoreUnavailable("connection lost"))

    def observe(event: Any) -> None:
        if event.get("log_namespace") == "gateway.relay.sweep":
            told.append(event["log_format"])

    ledger.due = gone
    globalLogPublisher.addObserver(observe)
    house.advance(60)
    assert len(told) == 1
    assert 5 <= len(asked) <= 9
    ledger.due = due
    house.advance(16)
    globalLogPublisher.removeObserver(observe)
    assert len(told) == 2
    assert house.states() == [State.SENT]
