"""A start with much to learn: traffic flows meanwhile, and what goes by what is not known yet waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from people_house import HANDSET, PeopleHouse, words
from twisted.internet.defer import Deferred

from gateway.filters.consent import EventKind, Status
from gateway.relay import counting, people
from gateway.store.rows import State

FRESH = "8619912340002"
Reads = list[tuple[Callable[[], Any], Deferred[Any]]]


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """From now on what is read in the background waits until the test lets it."""
    held: Reads = []

    async def read(ledger: Any, clocks: Any, query: Any, *args: Any) -> Any:
        turn: Deferred[Any] = Deferred()
        held.append((query, turn))
        await turn
        return await ledger.read(query, *args)

    for module in (people, counting):
        monkeypatch.setattr(module, "read", read)
    return held


def go_on(house: PeopleHouse, held: Reads) -> None:
    """Let everything be read."""
    while held:
        held.pop(0)[1].callback(None)
        house.settle()


def state(house: PeopleHouse, number: str) -> State:
    return State(next(row.state for row in reversed(house.rows()) if row.destination == number))


def test_offers_wait_for_the_consents_and_codes_do_not(people: PeopleHouse, slowly: Reads) -> None:
    people.consent()
    people.restart(committed=True)
    assert people.code().state == State.SENT
    for number in (HANDSET, FRESH):
        row = people.offer(number)
        assert row.state == State.DEFERRED
        assert words(row)[-1][:2] in (("consented", "defer"), ("capped", "defer"))
    people.advance(20)  # again and again they are judged, and do not pass
    assert [state(people, number) for number in (HANDSET, FRESH)] == [State.DEFERRED] * 2
    go_on(people, slowly)
    people.advance(6)
    assert state(people, HANDSET) == State.SENT
    assert state(people, FRESH) == State.REJECTED


def test_what_waited_for_its_carrier_before_the_start_waits_too(people: PeopleHouse, slowly: Reads) -> None:
    people.consent()
    people.upstream().cut()
    people.offer()
    people.consent(kind=EventKind.REVOKED)
    people.restart(committed=True)
    people.advance(10)
    assert not [pdu for _, pdu in people.submits if pdu.destination_addr == HANDSET]
    go_on(people, slowly)
    people.advance(10)
    assert state(people, HANDSET) == State.REJECTED


def test_lists_are_known_before_anybody_is_listened_to(people: PeopleHouse, slowly: Reads) -> None:
    people.consent()
    people.reply("TD")
    people.restart(committed=True)
    assert people.offer().error == 901


def test_the_ledger_goes_on_where_it_was_while_it_is_read(people: PeopleHouse, slowly: Reads) -> None:
    people.consent()
    head = people.protection.people.heads["Shop"]
    people.restart(committed=True)
    people.consent(FRESH)
    assert people.protection.people.heads["Shop"].position == head.position + 1
    go_on(people, slowly)
    assert people.protection.people.heads["Shop"].position == head.position + 1
    assert people.offer(FRESH).state == State.SENT


def test_a_stop_is_obeyed_at_once_and_a_start_when_the_consents_are_known(
    people: PeopleHouse, slowly: Reads
) -> None:
    people.consent()
    people.consent(FRESH)
    people.reply("TD")
    people.restart(committed=True)
    people.advance(2)
    people.reply("TD", FRESH)
    people.reply("恢复订阅", HANDSET)
    go_on(people, slowly)
    assert people.offer(FRESH).error == 901
    assert people.offer().state == State.SENT


def test_a_stop_after_a_start_while_loading_is_not_lifted_by_it(people: PeopleHouse, slowly: Reads) -> None:
    people.consent()
    people.reply("TD")
    people.restart(committed=True)
    people.advance(2)
    people.reply("恢复订阅")
    people.reply("TD")
    go_on(people, slowly)
    assert people.offer().error == 901


def test_a_start_does_not_lift_what_was_withdrawn_on_the_web_before_a_stop_that_came_while_loading(
    people: PeopleHouse, slowly: Reads
) -> None:
    people.consent()
    people.advance(2)
    people.consent(kind=EventKind.REVOKED)
    people.restart(committed=True)
    people.advance(2)
    people.reply("TD")
    assert people.offer().error == 901
    go_on(people, slowly)
    people.advance(2)
    people.reply("恢复订阅")
    people.advance(2)
    assert people.offer().error == 904


def test_a_stop_while_loading_is_in_the_ledger_when_all_is_known(people: PeopleHouse, slowly: Reads) -> None:
    people.consent()
    people.restart(committed=True)
    people.advance(2)
    people.reply("TD")
    go_on(people, slowly)
    state = people.protection.people.known.consents.state("Shop", "offers", "promotional", HANDSET)
    assert state.status(people.wall) is Status.ENDED


def test_counts_that_are_made_beside_the_traffic_count_nothing_twice(
    people: PeopleHouse, slowly: Reads
) -> None:
    people.consent()
    people.offer(text="【商店】one")
    people.restart(committed=True)
    people.code()
    go_on(people, slowly)
    recents = people.protection.people.known.recents
    entries = [(key, tag) for key, row in recents._table.rows() for _, tag in recents._held(key, row, 0)]
    assert entries
    assert len(set(entries)) == len(entries)
