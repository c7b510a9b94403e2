"""An admin steers traffic: pause, drain, reroute, purge, resume; at once, over restarts, dry run first."""

from __future__ import annotations

import json
from typing import Any

import pytest
from relay_house import House, MakeHouse, account, carrier, generation, submit
from twisted.internet.defer import Deferred

from gateway.control.operator import OPERATOR
from gateway.control.people import Unfit
from gateway.control.steering import SteeringCommands
from gateway.filters.directives import Verb
from gateway.filters.verdict import REASONS
from gateway.smpp.constants import CommandStatus
from gateway.store import audit
from gateway.store.rows import State

TWO = {"alpha": carrier("alpha"), "beta": carrier("beta")}
ACCOUNTS = {"bank": account(), "shop": account(tenant="Shop")}
LONG = [b"\x05\x00\x03\x2a\x02" + bytes((number,)) + b"half" for number in (1, 2)]


@pytest.fixture
def two(make_house: MakeHouse) -> House:
    """Two accounts, and two carriers of which the first is preferred."""
    return make_house(generation(accounts=ACCOUNTS, carriers=TWO))


def ask(house: House, what: str, **asked: Any) -> dict[str, Any]:
    """Ask as the command line does; it is done unless `act` is False."""
    commands = SteeringCommands(house.relay)
    document = {OPERATOR: "ops", "act": True, "note": "", **asked}
    handler = getattr(commands, what, None)
    coroutine = handler(document) if handler is not None else commands.give(Verb(what), document)
    found: list[Any] = []
    done = Deferred.fromCoroutine(coroutine).addBoth(found.append)
    for _ in range(1000):
        house.settle()
        if done.called and found:
            break
        house.reactor.advance(0)
    if isinstance(found[0], dict):
        return found[0]
    found[0].raiseException()
    raise AssertionError


def purge(house: House, **asked: Any) -> None:
    ask(house, "purge", **asked)
    for _ in range(100):
        house.reactor.advance(0)
        house.settle()


def went(house: House) -> list[str]:
    """By which carriers the messages went."""
    return [name for name, _ in house.submits]


def record(house: House, at: int = -1) -> list[tuple[str, str, str]]:
    words = json.loads(house.rows()[at].decision).get("words", ())
    return [(word["filter"], word["action"], word["detail"]) for word in words]


def status(answer: Any) -> str:
    return CommandStatus(answer.command_status).name


def test_the_next_message_of_a_paused_account_waits_until_it_is_resumed(two: House) -> None:
    bank, shop = two.client(), two.client("shop")
    bank.submit()
    ask(two, "pause", account="bank", note="wrong texts")
    assert status(bank.submit()) == "ESME_ROK"
    shop.submit()
    assert two.states() == [State.SENT, State.DEFERRED, State.SENT]
    assert record(two, 1) == [
        ("traffic", "defer", "account bank: paused by ops since 2026-09-21T14:13:20Z: wrong texts")
    ]
    answer = ask(two, "resume", account="bank")
    assert [each["verb"] for each in answer["resumed"]] == ["pause"]
    two.settle()
    assert two.states() == [State.SENT] * 3
    acts = [(row.act, row.entry) for row in two.read(audit.records, 0, 100)]
    assert [act for act, _ in acts] == ["traffic_pause", "traffic_resume"]


def test_a_dry_run_says_what_would_be_hit_and_does_nothing(two: House) -> None:
    two.down.update(TWO)
    for name in TWO:
        two.upstream(name).cut()
    bank, shop = two.client(), two.client("shop")
    for _ in range(3):
        bank.submit()
    shop.submit()
    two.advance(5)
    found = ask(two, "pause", account="bank", act=False)
    assert (found["acted"], found["messages"]) == (False, 3)
    (group,) = found["waiting"]
    assert (group["account"], group["state"], group["messages"], group["oldest_seconds"]) == (
        "bank",
        "WAITING",
        3,
        5,
    )
    assert ask(two, "list")["directives"] == []
    assert ask(two, "purge", prefix="8619", act=False)["messages"] == 4
    assert ask(two, "purge", prefix="4477", act=False)["messages"] == 0
    assert two.states() == [State.WAITING] * 4


def test_it_holds_over_kills_and_reloads(two: House) -> None:
    ask(two, "pause", account="bank")
    two.restart()
    client = two.client()
    client.submit()
    assert two.states() == [State.DEFERRED]
    two.reload(generation(accounts=ACCOUNTS, carriers=TWO, number=2))
    client.submit()
    assert two.states() == [State.DEFERRED] * 2
    ask(two, "resume", account="bank")
    two.settle()
    assert two.states() == [State.SENT] * 2
    two.restart()
    assert not two.relay.steering.directives.all


def test_filters_that_are_off_do_not_switch_it_off(make_house: MakeHouse) -> None:
    house = make_house(generation(accounts={"bank": account(filters={})}))
    ask(house, "pause", tenant="Bank")
    house.client().submit()
    assert house.states() == [State.DEFERRED]


def test_what_waits_for_a_carrier_is_kept_back(two: House) -> None:
    two.relay.dispatch.paused = True
    two.client().submit()
    ask(two, "pause", category=two.row().category)
    two.relay.dispatch.paused = False
    two.relay.dispatch.pump()
    two.settle()
    assert (two.states(), two.submits) == ([State.DEFERRED], [])


@pytest.mark.parametrize(
    ("how", "told", "reason"),
    [("temporary", "ESME_RTHROTTLED", "paused_for_now"), ("permanent", "ESME_ROK", "paused")],
)
def test_what_comes_is_refused_and_what_waits_stays(two: House, how: str, told: str, reason: str) -> None:
    two.relay.dispatch.paused = True
    client = two.client()
    client.submit()
    two.advance(1)
    ask(two, "pause", account="bank", refuse=how)
    assert status(client.submit()) == told
    two.relay.dispatch.paused = False
    two.relay.dispatch.pump()
    two.settle()
    assert two.states() == [State.DEFERRED, State.REJECTED]
    assert two.rows()[1].error == REASONS[reason].err


def test_drained_means_that_all_that_was_taken_has_left(two: House) -> None:
    two.relay.dispatch.paused = True
    client = two.client()
    client.submit()
    two.advance(1)
    ask(two, "drain", account="bank")
    assert status(client.submit()) == "ESME_RTHROTTLED"
    two.advance(12)
    assert "drained" not in ask(two, "list")["directives"][0]
    two.relay.dispatch.paused = False
    two.relay.dispatch.pump()
    two.settle()
    assert two.states() == [State.SENT, State.REJECTED]
    two.advance(12)
    assert "drained" in ask(two, "list")["directives"][0]
    assert status(client.submit()) == "ESME_RTHROTTLED"
    two.restart()
    assert "drained" in ask(two, "list")["directives"][0]


def test_a_paused_carrier_is_passed_over(two: House) -> None:
    ask(two, "pause", carrier="alpha", note="fraud desk")
    two.client().submit()
    assert went(two) == ["beta"]
    (step,) = json.loads(two.row().trail)
    assert step["passed"] == {"alpha": "paused by ops since 2026-09-21T14:13:20Z: fraud desk"}
    two.restart()
    client = two.client()
    client.submit()
    assert went(two) == ["beta", "beta"]
    ask(two, "resume", carrier="alpha")
    client.submit()
    assert went(two) == ["beta", "beta", "alpha"]


def test_a_part_is_kept_from_one_carrier(two: House) -> None:
    ask(two, "pause", carrier="alpha", account="bank")
    two.client("shop").submit()
    two.client().submit()
    two.advance(0.01)
    assert two.states() == [State.SENT, State.DEFERRED]
    ask(two, "resume", carrier="alpha", account="bank")
    two.settle()
    assert two.states() == [State.SENT] * 2


def test_a_carrier_is_drained_when_it_owes_no_answer(two: House) -> None:
    two.answer = lambda name, pdu: None
    two.client().submit()
    ask(two, "drain", carrier="alpha")
    two.advance(12)
    assert "drained" not in ask(two, "list")["directives"][0]
    alpha = two.upstream("alpha")
    alpha.respond(alpha.pending[0], 0, "7")
    two.advance(12)
    assert "drained" in ask(two, "list")["directives"][0]


def test_what_waits_and_what_comes_goes_elsewhere(two: House) -> None:
    two.relay.dispatch.paused = True
    bank, shop = two.client(), two.client("shop")
    bank.submit()
    ask(two, "reroute", account="bank", carriers=["beta"])
    two.relay.dispatch.paused = False
    two.relay.dispatch.pump()
    two.settle()
    bank.submit()
    shop.submit()
    assert went(two) == ["beta", "beta", "alpha"]
    assert "to beta, rerouted by ops since" in json.loads(two.rows()[0].trail)[0]["route"]
    two.restart()
    bank = two.client()
    bank.submit()
    assert went(two)[-1] == "beta"
    ask(two, "resume", account="bank")
    bank.submit()
    assert went(two)[-1] == "alpha"


def test_the_traffic_of_one_carrier_goes_by_another(make_house: MakeHouse) -> None:
    routes = [{"name": "only", "carriers": ["alpha"]}]
    house = make_house(generation(carriers=TWO, routes=routes))
    house.down.add("alpha")
    house.upstream("alpha").cut()
    client = house.client()
    client.submit()
    assert house.states() == [State.WAITING]
    ask(house, "reroute", carrier="alpha", carriers=["beta"])
    house.advance(1)
    assert went(house) == ["beta"]


def test_what_alone_may_have_it_keeps_it(make_house: MakeHouse) -> None:
    keeps = {"alpha": carrier("alpha", unanswered="resend"), "beta": carrier("beta")}
    house = make_house(generation(carriers=keeps))
    house.answer = lambda name, pdu: None
    house.client().submit()
    house.down.add("alpha")
    house.upstream("alpha").cut()
    house.settle()
    ask(house, "reroute", account="bank", carriers=["beta"])
    house.advance(5)
    assert went(house) == ["alpha"]


def test_a_purge_ends_all_that_waits_and_tells_it(two: House) -> None:
    for name in TWO:
        two.down.add(name)
        two.upstream(name).cut()
    bank, shop = two.client(), two.client("shop")
    bank.submit()
    bank.submit(schedule_delivery_time="000000010000000R")
    bank.submit(esm_class=0x40, short_message=LONG[0])
    shop.submit()
    assert two.states() == [State.WAITING, State.DEFERRED, State.GATHERING, State.WAITING]
    two.advance(1)
    purge(two, account="bank")
    assert two.states() == [State.REJECTED] * 3 + [State.WAITING]
    assert {row.error for row in two.rows()[:3]} == {REASONS["purged"].err}
    assert [(r.stat, r.err) for r in bank.receipts] == [("REJECTD", "925")] * 3
    assert not shop.receipts
    assert ask(two, "list")["directives"] == []
    bank.submit()
    assert two.states()[-1] is State.WAITING


def test_a_purge_goes_on_after_a_kill(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.relay.steering.PAGE", 2)
    house = make_house()
    client = house.client()
    for _ in range(7):
        client.submit(schedule_delivery_time="000000010000000R")
    house.advance(1)
    ask(house, "purge", account="bank")
    assert {*house.states()} == {State.REJECTED, State.DEFERRED}
    house.restart()
    for _ in range(100):
        house.reactor.advance(0)
        house.settle()
    assert house.states() == [State.REJECTED] * 7
    assert not house.relay.steering.directives.all
    again = house.client()
    house.advance(1)
    told = {receipt.message_id for receipt in client.receipts + again.receipts}
    assert told == {row.client_id for row in house.rows()}


def test_a_whole_long_text_waits_and_goes(two: House) -> None:
    client = two.client()
    ask(two, "pause", account="bank")
    for part in LONG:
        client.ask(submit(esm_class=0x40, short_message=part))
    assert two.states() == [State.DEFERRED] * 2
    ask(two, "resume", account="bank")
    two.advance(1)
    assert two.states() == [State.SENT] * 2


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "name an account"),
        ({"account": "nobody"}, "there is no account 'nobody': there are bank, shop"),
        ({"prefix": "8619912340001"}, "10 digits at most"),
        ({"prefix": "abc"}, "digits"),
        ({"account": "bank", "refuse": "maybe"}, "temporary or permanent"),
        ({"carrier": "alpha", "refuse": "permanent"}, "it waits, or goes by another"),
    ],
)
def test_what_cannot_be_is_told(two: House, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(Unfit, match=said):
        ask(two, "pause", **asked)
    assert not two.relay.steering.directives.all
