"""Held messages: a person sees them, lets them pass or refuses them, within their validity."""

from __future__ import annotations

from typing import Any

import pytest
from content_house import account, content_generation, content_house, decision, run
from relay_house import House, MakeHouse, generation
from twisted.python.failure import Failure

from gateway.control.people import Unfit
from gateway.control.review import ReviewCommands
from gateway.filters.review import approval_of
from gateway.filters.verdict import REASONS, Action, Verdict
from gateway.message import Message
from gateway.smpp.concat import concat_element, make_udh
from gateway.smpp.constants import ESM_UDHI
from gateway.smpp.pdus import CancelSm, SubmitSm
from gateway.store.rows import State


class Words:
    """Holds what says odd; refuses what says bad."""

    name = "words"

    def judge(self, message: Message, now: float) -> Verdict | None:
        text = message.text or ""
        if "bad" in text:
            return Verdict(Action.REFUSE, self.name, "bad", reason=REASONS["content_blocked"])
        return Verdict(Action.HOLD, self.name, "odd", "words.txt:3") if "odd" in text else None


class Night:
    """Defers everything until a moment."""

    name = "quiet"
    until: float | None = None

    def judge(self, message: Message, now: float) -> Verdict | None:
        if self.until is None or now >= self.until:
            return None
        return Verdict(Action.DEFER, self.name, "night", until=self.until)


@pytest.fixture
def night() -> Night:
    return Night()


@pytest.fixture
def house(make_house: MakeHouse, night: Night) -> House:
    return make_house(generation(), words=Words(), quiet=night)


@pytest.fixture
def commands(house: House) -> ReviewCommands:
    return ReviewCommands(house.relay.reviewing, house.relay.audit)


def ask(house: House, work: Any) -> Any:
    answer = run(house, work)
    return answer.value if isinstance(answer, Failure) else answer


def held(house: House, commands: ReviewCommands) -> list[Any]:
    found: list[Any] = ask(house, commands.list({}))["held"]
    return found


def long_text(house: House, client: Any, *bodies: bytes) -> None:
    for number, body in enumerate(bodies, 1):
        udh = make_udh(concat_element(9, len(bodies), number))
        client.submit(esm_class=ESM_UDHI, short_message=udh + body)


def test_approved_is_sent(house: House, commands: ReviewCommands) -> None:
    client = house.client()
    response = client.submit(short_message=b"odd text")
    (one,) = held(house, commands)
    assert one["rules"] == ["words: odd"]
    assert (one["account"], one["id"]) == ("bank", response.message_id)
    assert "text" not in one
    shown = ask(house, commands.show({"number": one["number"]}))
    assert shown["text"] == "odd text"
    assert shown["decision"]["words"][0]["place"] == "words.txt:3"
    decided = {"number": one["number"], "by": "Ann", "note": "a pun"}
    assert ask(house, commands.approve(decided)) == {"state": "sending"}
    assert house.states() == [State.SENT]
    review = decision(house.row())["review"]
    assert review == {
        "approved": True,
        "by": "Ann",
        "at": "2026-09-21T14:13:20+00:00",
        "note": "a pun",
        "past": [["words", "odd"]],
    }
    assert decision(house.row())["verdict"] == "allow"
    assert house.relay.reviewing.counts == {"approved": 1}


def test_refused_is_told(house: House, commands: ReviewCommands) -> None:
    client = house.client()
    client.submit(short_message=b"odd text")
    (one,) = held(house, commands)
    assert ask(house, commands.refuse({"number": one["number"], "by": "Ann"})) == {"state": "rejected"}
    assert [found.err for found in client.receipts] == ["912"]
    held_for, word = decision(house.row())["words"]
    assert (held_for["filter"], held_for["action"]) == ("words", "hold")
    assert (word["filter"], word["reason"]) == ("review", "review_refused")
    assert word["detail"].startswith("by Ann at 2026-")
    assert held(house, commands) == []


def test_a_long_text_is_one(house: House, commands: ReviewCommands) -> None:
    client = house.client()
    long_text(house, client, b"an o", b"dd te", b"xt")
    client.submit(short_message=b"another odd one")
    one, other = held(house, commands)
    assert ask(house, commands.show({"number": one["number"]}))["text"] == "an odd text"
    ask(house, commands.approve({"number": one["number"], "by": "Ann"}))
    assert house.states() == [State.SENT] * 3 + [State.HELD]
    ask(house, commands.refuse({"number": other["number"], "by": "Ann"}))
    assert house.states()[-1] is State.REJECTED
    assert {approval_of(row.decision).by for row in house.rows()[:3]} == {"Ann"}  # type: ignore[union-attr]


def test_approval_outlives_a_night_and_a_restart(
    house: House, commands: ReviewCommands, night: Night
) -> None:
    client = house.client()
    client.submit(short_message=b"odd text")
    long_text(house, client, b"an o", b"dd text")
    night.until = house.wall + 3600
    for one in held(house, commands):
        answer = ask(house, commands.approve({"number": one["number"], "by": "Ann"}))
        assert answer == {"state": "deferred"}
    house.restart()
    house.advance(3700, step=100)
    assert house.states() == [State.SENT] * 3
    assert all(decision(row)["review"]["by"] == "Ann" for row in house.rows())


def test_approval_passes_no_other_rule(house: House, commands: ReviewCommands, night: Night) -> None:
    house.client().submit(short_message=b"odd text")
    (one,) = held(house, commands)
    night.until = house.wall + 100 * 3600
    assert ask(house, commands.approve({"number": one["number"], "by": "Ann"})) == {"state": "rejected"}
    assert house.row().error == 921
    assert decision(house.row())["review"]["by"] == "Ann"


def test_a_rule_that_came_later_holds_again(house: House, commands: ReviewCommands) -> None:
    class Later(Words):
        def judge(self, message: Message, now: float) -> Verdict | None:
            return Verdict(Action.HOLD, self.name, "queer")

    house.client().submit(short_message=b"odd text")
    (one,) = held(house, commands)
    house.filters["words"] = Later()
    house.reload(generation(number=2))
    assert ask(house, commands.approve({"number": one["number"], "by": "Ann"})) == {"state": "held"}
    (again,) = held(house, commands)
    assert again["rules"] == ["words: queer"]
    assert ask(house, commands.approve({"number": one["number"], "by": "Bob"})) == {"state": "sending"}
    assert decision(house.row())["review"]["past"] == [["words", "odd"], ["words", "queer"]]


def test_it_is_held_no_longer_than_its_validity(house: House, commands: ReviewCommands) -> None:
    client = house.client()
    client.submit(short_message=b"odd text", validity_period="000000000100000R")
    (one,) = held(house, commands)
    house.advance(62)
    assert house.states() == [State.EXPIRED]
    problem = ask(house, commands.approve({"number": one["number"], "by": "Ann"}))
    assert isinstance(problem, Unfit)
    assert str(problem) == f"no message {one['number']} is held"


def test_a_cancelled_one_is_held_no_more(house: House, commands: ReviewCommands) -> None:
    client = house.client()
    response = client.submit(short_message=b"odd text")
    client.ask(CancelSm(message_id=response.message_id, source_addr="10690001"))
    assert held(house, commands) == []


@pytest.mark.parametrize(
    "asked",
    [{}, {"number": "1", "by": "a"}, {"number": 0, "by": "a"}, {"number": 5, "by": " "}, {"number": 5}],
)
def test_what_is_asked_is_checked(house: House, commands: ReviewCommands, asked: Any) -> None:
    for verb in (commands.approve, commands.refuse):
        assert isinstance(ask(house, verb(asked)), Unfit)
    assert isinstance(ask(house, commands.list({"limit": 0})), Unfit)


def test_many_are_listed_oldest_first(house: House, commands: ReviewCommands) -> None:
    client = house.client()
    for _ in range(30):
        client.submit(short_message=b"odd")
    numbers = [one["number"] for one in held(house, commands)]
    assert numbers == sorted(numbers)
    assert len(ask(house, commands.list({"limit": 10}))["held"]) == 10


def test_an_approved_text_is_completed(make_house: MakeHouse) -> None:
    mandatory = {"missing": "append", "tenants": {"Bank": {"signatures": ["示例"]}}}
    settings = content_generation(
        {"mandatory": mandatory, "links": {"numbers": "hold"}}, {"bank": account(category="otp")}
    )
    house = content_house(make_house, settings)
    house.client().submit(data_coding=8, short_message="电话13800138000".encode("utf-16-be"))
    commands = ReviewCommands(house.relay.reviewing, house.relay.audit)
    (one,) = held(house, commands)
    assert one["rules"] == ["links: numbers"]
    ask(house, commands.approve({"number": one["number"], "by": "Ann"}))
    ((_, pdu),) = house.submits
    assert isinstance(pdu, SubmitSm)
    assert pdu.short_message.decode("utf-16-be") == "【示例】电话13800138000"
    assert set(decision(house.row())) >= {"review", "rewritten"}
