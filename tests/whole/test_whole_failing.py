"""Carriers that fail in full flow, throttle, are slow or answer out of order: nothing is lost or doubled, the
order for each recipient holds where it is asked for, and the preferred carrier is soon preferred again.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from whole_clients import bound, handset, stat, submit
from whole_house import Build, House, Upstream, wait_until

RETRY = {
    "statuses": {
        "ESME_RSYSERR": {"tries": 50, "delay": "100ms"},
        "ESME_RTHROTTLED": {"tries": 50, "delay": "100ms", "pause": "200ms"},
    }
}
HEALTH = {"pause": "200ms", "longest": "1s"}
CARRIERS = {
    "failing": Upstream(
        {"rules": [{"match": {"times": 30}, "do": {"status": "ESME_RSYSERR"}}]},
        {"retry": RETRY, "health": HEALTH},
    ),
    "throttling": Upstream(
        {"rules": [{"match": {"times": 10}, "do": {"status": "ESME_RTHROTTLED"}}]},
        {"retry": RETRY, "health": HEALTH},
    ),
    "slow": Upstream({"rules": [{"match": {}, "do": {"delay": "150ms"}}]}, {"window": 4}),
    "silent": Upstream(
        {"rules": [{"match": {"times": 6}, "do": {"silence": True}}]},
        {"response": "300ms", "unanswered": "resend", "health": HEALTH},
    ),
    "shuffling": Upstream(
        {"rules": [{"match": {}, "do": {"reorder": 3}}], "receipts": {"bind": "other"}},
        binds=({"mode": "transceiver", "count": 2},),
    ),
    "spare": Upstream({}, {"window": 500}),
}
PREFIX = {name: f"86151{index}" for index, name in enumerate(CARRIERS)}
MANY = 150


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    """Every carrier has the spare one behind it; the shuffling one has its messages in order."""
    return build(
        accounts={"bank": {"window": 1000}},
        carriers=CARRIERS,
        routes=[
            {
                "name": name,
                "match": {"destination": [PREFIX[name]]},
                "carriers": [name] if name == "silent" else [name, "spare"],
                "ordered": "recipient" if name == "shuffling" else "no",
            }
            for name in CARRIERS
            if name != "spare"
        ],
    ).start()


def taken_by(house: House, number: str) -> list[str]:
    return [seen.carrier for seen in house.sent_to(number)]


def flow(house: House, name: str, count: int = MANY) -> list[str]:
    """Send many at once, and see each of them end once, delivered; their numbers."""
    numbers = [handset(PREFIX[name]) for _ in range(count)]
    with bound(house.port) as esme:
        ids = {esme.response(one).message_id for one in esme.send(*map(submit, numbers))}
        assert len(ids) == count
        assert Counter(stat(esme.receipt(one)) for one in ids) == {"DELIVRD": count}
        assert esme.rest(0.1) == []
    return numbers


def preferred_again(house: House, name: str) -> None:
    """Messages go by the preferred carrier, and by no other, when it is well."""
    with bound(house.port) as esme:

        def first() -> bool:
            number = handset(PREFIX[name])
            esme.receipt(esme.submit(number))
            return taken_by(house, number) == [name]

        wait_until(first, f"{name} is preferred again")
    wait_until(lambda: house.status()["carriers"][name]["health"] == "ready", f"{name} is ready")


def test_one_that_fails_in_full_flow(house: House) -> None:
    taken = Counter(carrier for number in flow(house, "failing") for carrier in taken_by(house, number))
    assert taken["spare"] > 0
    assert taken.total() <= MANY + 30, "no more submits than messages and refusals"
    preferred_again(house, "failing")


def test_one_that_throttles(house: House) -> None:
    taken = Counter(carrier for number in flow(house, "throttling") for carrier in taken_by(house, number))
    assert taken["spare"] > 0
    assert taken.total() <= MANY + 10
    preferred_again(house, "throttling")


def test_a_slow_one_does_not_hold_up_the_rest(house: House) -> None:
    taken = [taken_by(house, number) for number in flow(house, "slow")]
    assert all(len(each) == 1 for each in taken), "nothing is sent twice"
    assert {"slow", "spare"} == {carrier for each in taken for carrier in each}
    preferred_again(house, "slow")


def test_one_that_does_not_answer_has_its_messages_back_and_nobody_else(house: House) -> None:
    numbers = flow(house, "silent", 20)
    assert {carrier for number in numbers for carrier in taken_by(house, number)} == {"silent"}
    preferred_again(house, "silent")


def test_the_order_for_each_recipient(house: House) -> None:
    """Though answers come in another order than the submits, and receipts by the other bind."""
    numbers = [handset(PREFIX["shuffling"]) for _ in range(12)]
    pdus = [submit(number, f"text {turn}".encode()) for turn in range(6) for number in numbers]
    with bound(house.port) as esme:
        ids = [esme.response(one).message_id for one in esme.send(*pdus)]
        assert {stat(esme.receipt(one)) for one in ids} == {"DELIVRD"}
    for number in numbers:
        seen: list[Any] = house.sent_to(number)
        assert [one.pdu.short_message for one in seen] == [f"text {turn}".encode() for turn in range(6)]
