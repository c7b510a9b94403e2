"""Receipt events: the end of each message, many in a call, at least once over every crash."""

from __future__ import annotations

import json
from typing import Any

import pytest
from people_house import PeopleHouse

from gateway.relay import ends
from gateway.store.calls import CallRow, calls
from gateway.store.rows import State

HOOK = {"url": "http://127.0.0.1:1", "secret": "x" * 16, "events": ["receipt"], "give_up": "30d"}


def rows(house: PeopleHouse) -> list[CallRow]:
    found: list[CallRow] = house.read(calls, "crm", False, 0, 1000)
    return found


def told(house: PeopleHouse) -> list[dict[str, Any]]:
    """All events that the store has for the webhook."""
    return [event for row in rows(house) for event in json.loads(row.body)["events"]]


def final_ids(house: PeopleHouse, account: str = "bank") -> set[str]:
    return {f"m{row.id}" for row in house.rows() if State(row.state).final and row.account == account}


def deliver(house: PeopleHouse, count: int) -> None:
    for number in range(count):
        row = house.code(f"86199123400{number:02}")
        house.receipt(row.carrier_message_id or "", source=row.destination)


def test_ends_are_told_together_and_say_what_became_of_each(make_people: Any) -> None:
    house = make_people(webhooks={"crm": {**HOOK, "numbers": "full"}})
    deliver(house, 5)
    house.offer("8619912340099")
    house.advance(3)
    assert len(rows(house)) <= 2
    events = told(house)
    assert {event["id"] for event in events} == final_ids(house) | final_ids(house, "shop")
    code = next(event for event in events if event["data"]["account"] == "bank")
    row = next(row for row in house.rows() if f"m{row.id}" == code["id"])
    assert code["type"] == "receipt"
    assert code["data"]["message_id"] == row.client_id
    assert code["data"]["number"] == row.destination
    assert (code["data"]["state"], code["data"]["carrier"]) == ("DELIVERED", "alpha")
    refused = next(event for event in events if event["data"]["account"] == "shop")
    assert (refused["data"]["state"], refused["data"]["error"]) == ("REJECTED", 904)


def test_only_of_the_accounts_that_are_named(make_people: Any) -> None:
    house = make_people(webhooks={"crm": {**HOOK, "accounts": ["shop"]}})
    deliver(house, 2)
    house.offer("8619912340099")
    house.advance(3)
    assert {event["data"]["account"] for event in told(house)} == {"shop"}


def test_nothing_is_kept_where_nobody_wants_it(make_people: Any) -> None:
    house = make_people()
    deliver(house, 2)
    house.advance(2)
    assert not house.protection.ends._ended
    assert not house.protection.ends._uncommitted


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("wait", [0, 1, 3])
def test_a_crash_at_any_moment_loses_none(make_people: Any, wait: int, committed: bool) -> None:
    house = make_people(webhooks={"crm": HOOK})
    house.advance(2)
    deliver(house, 3)
    house.advance(wait)
    row = house.code("8619912340055")
    upstream = house.upstream()
    house.restart(committed=committed)
    assert upstream.gone
    if not State(house.rows()[-1].state).final:
        house.receipt(row.carrier_message_id or "", source=row.destination)
    house.advance(1)
    deliver(house, 2)
    house.restart(committed=committed)
    house.advance(3)
    assert {event["id"] for event in told(house)} == final_ids(house)


def test_more_than_memory_holds_is_read_from_the_store(
    make_people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ends, "MEMORY", 3)
    monkeypatch.setattr(ends, "WINDOW", 2)
    house = make_people(webhooks={"crm": HOOK})
    house.advance(2)
    deliver(house, 9)
    house.advance(4)
    assert {event["id"] for event in told(house)} == final_ids(house)
    assert len(final_ids(house)) == 9


def test_what_ended_before_somebody_wanted_it_is_not_told(make_people: Any) -> None:
    house = make_people()
    deliver(house, 3)
    house.advance(2)
    from people_house import people_generation

    house.settings = people_generation(number=2, webhooks={"crm": HOOK})
    house.filters = house.fresh_filters(house.settings)
    house.reload(house.settings)
    house.advance(2)
    deliver(house, 1)
    house.advance(2)
    assert len(told(house)) == 1
