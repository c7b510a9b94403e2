"""What a verdict does with a message: when it is accepted, when it is released, what is recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from relay_house import START, House, MakeHouse, account, generation, name_of

from gateway.filters.verdict import REASONS, Action, Reason, Verdict
from gateway.message import Message
from gateway.store.rows import State


class Says:
    """A filter that says what the test wants."""

    name = "words"

    def __init__(self) -> None:
        self.verdict: Verdict | None = None
        self.asked: list[float] = []

    def say(self, action: Action, reason: Reason | None = None, until: float | None = None) -> None:
        self.verdict = Verdict(action, self.name, "rule", "file.yaml:3", reason, "why", until)

    def judge(self, message: Message, now: float) -> Verdict | None:
        self.asked.append(now)
        return self.verdict


@pytest.fixture
def filter() -> Says:
    return Says()


@pytest.fixture
def house(make_house: MakeHouse, filter: Says) -> House:
    return make_house(words=filter)


def decision(house: House) -> Any:
    return json.loads(house.row().decision)


@pytest.mark.parametrize("action", [None, Action.ALLOW, Action.WARN])
def test_allowed_is_sent(house: House, filter: Says, action: Action | None) -> None:
    if action is not None:
        filter.say(action)
    house.client().submit()
    assert house.states() == [State.SENT]
    assert decision(house)["generation"] == 1
    assert len(decision(house).get("words", ())) == (action is not None)


@pytest.mark.parametrize("reason", REASONS.values(), ids=lambda reason: reason.name)
@pytest.mark.parametrize("refusals", ["receipt", "response"])
def test_every_reason_is_told_with_its_codes(
    make_house: MakeHouse, filter: Says, reason: Reason, refusals: str
) -> None:
    house = make_house(generation(accounts={"bank": account(refusals=refusals)}), words=filter)
    filter.say(Action.REFUSE, reason)
    client = house.client()
    answer = client.submit()
    assert house.states() == [State.REJECTED]
    if refusals == "response" or reason.request_error:
        assert answer.command_status == reason.status
        assert client.receipts == []
    else:
        assert answer.command_status == 0
        assert [(found.stat, found.err) for found in client.receipts] == [("REJECTD", f"{reason.err:03d}")]
    (word,) = decision(house)["words"]
    assert (word["reason"], word["rule"], word["place"]) == (reason.name, "rule", "file.yaml:3")
    assert house.relay.judging.counts == {("bank", "words", "enforce", "refuse"): 1}


def test_a_hold_waits_for_a_person_until_it_expires(house: House, filter: Says) -> None:
    filter.say(Action.HOLD)
    client = house.client()
    client.submit(validity_period="000000001000000R")
    assert house.states() == [State.HELD]
    house.advance(700, 10)
    assert house.states() == [State.EXPIRED]
    assert [found.stat for found in client.receipts] == ["EXPIRED"]


def test_a_deferral_is_judged_anew_when_it_is_due(house: House, filter: Says) -> None:
    filter.say(Action.DEFER, REASONS["quiet_hours"], START + 60)
    client = house.client()
    client.submit()
    assert house.states() == [State.DEFERRED]
    assert house.row().deadline == (START + 60) * 1000
    house.advance(30)
    assert len(filter.asked) == 1
    filter.say(Action.DEFER, REASONS["quiet_hours"], START + 120)
    house.advance(32)
    assert house.row().deadline == (START + 120) * 1000
    filter.verdict = None
    house.advance(60)
    assert house.states() == [State.SENT]
    assert "words" not in decision(house)


def test_a_deferral_can_end_in_a_refusal(house: House, filter: Says) -> None:
    filter.say(Action.DEFER, None, START + 60)
    client = house.client()
    client.submit()
    filter.say(Action.REFUSE, REASONS["opted_out"])
    house.advance(62)
    assert house.states() == [State.REJECTED]
    assert [found.err for found in client.receipts] == ["901"]
    assert decision(house)["verdict"] == "refuse"


def test_a_deferral_beyond_the_validity_is_a_refusal(house: House, filter: Says) -> None:
    filter.say(Action.DEFER, None, START + 3600)
    client = house.client()
    client.submit(validity_period="000000001000000R")
    assert house.states() == [State.REJECTED]
    assert [found.err for found in client.receipts] == ["921"]
    assert decision(house)["words"][0]["action"] == "defer"


def test_a_deferral_that_is_over_is_none(house: House, filter: Says) -> None:
    filter.say(Action.DEFER, None, START - 1)
    house.client().submit()
    assert house.states() == [State.SENT]


def test_a_scheduled_message_is_judged_for_the_time_at_which_it_may_leave(house: House, filter: Says) -> None:
    house.client().submit(schedule_delivery_time="000000001000000R")
    assert filter.asked == [START + 600]
    house.advance(605)
    assert len(filter.asked) == 2


def test_the_later_of_schedule_and_deferral_counts(house: House, filter: Says) -> None:
    filter.say(Action.DEFER, None, START + 60)
    client = house.client()
    client.submit(schedule_delivery_time="000000001000000R")
    filter.say(Action.DEFER, None, START + 900)
    client.submit(schedule_delivery_time="000000001000000R")
    assert [row.deadline for row in house.rows()] == [(START + 600) * 1000, (START + 900) * 1000]


def test_what_is_released_without_a_route_is_refused(make_house: MakeHouse, filter: Says) -> None:
    house = make_house(words=filter)
    filter.say(Action.DEFER, None, START + 60)
    client = house.client()
    client.submit()
    filter.verdict = None
    elsewhere = [{"name": "elsewhere", "match": {"destination": ["44"]}, "carriers": ["alpha"]}]
    house.reload(generation(routes=elsewhere, number=2))
    house.advance(62)
    assert house.states() == [State.REJECTED]
    assert decision(house)["generation"] == 2
    assert [found.err for found in client.receipts] == ["932"]


@pytest.mark.parametrize(
    ("modes", "state", "words"),
    [
        ({"words": "enforce"}, State.REJECTED, 1),
        ({"words": "warn"}, State.SENT, 1),
        ({"words": "shadow"}, State.SENT, 1),
        ({"words": "off"}, State.SENT, 0),
        ({}, State.SENT, 0),
        ("all", State.REJECTED, 1),
    ],
)
def test_modes_of_the_account(
    make_house: MakeHouse, filter: Says, modes: Any, state: State, words: int
) -> None:
    house = make_house(generation(accounts={"bank": account(filters=modes)}), words=filter)
    filter.say(Action.REFUSE, REASONS["content_blocked"])
    house.client().submit()
    assert house.states() == [state]
    assert len(decision(house).get("words", ())) == words


@pytest.mark.parametrize(
    ("category", "status", "state"), [("promotional", "ESME_RSYSERR", 18), ("transactional", "ESME_ROK", 6)]
)
def test_a_filter_that_fails(make_house: MakeHouse, category: str, status: str, state: int) -> None:
    class Fails:
        name = "words"

        def judge(self, message: Message, now: float) -> Verdict | None:
            raise RuntimeError("no list")

    house = make_house(generation(accounts={"bank": account(category=category)}), words=Fails())
    assert name_of(house.client().submit().command_status) == status
    assert house.states() == [state]
    assert decision(house)["words"][0]["detail"] == "RuntimeError: no list"
