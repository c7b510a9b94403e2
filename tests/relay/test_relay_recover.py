"""After kill -9 at each point of the way: what was accepted goes on, what was not is not there."""

from __future__ import annotations

import pytest
from relay_house import BANK, HANDSET, House, MakeHouse, account, carrier, generation, receipt, submit
from twisted.internet.defer import Deferred

from gateway.relay.recover import Recovery
from gateway.smpp.concat import make_sar
from gateway.smpp.events import Answered
from gateway.smpp.fields import SmeAddress
from gateway.smpp.pdus import CancelSm, DeliverSm, SubmitMulti, SubmitSm, SubmitSmResp
from gateway.store.ledger import Ledger
from gateway.store.rows import State, StoreUnavailable, StrayRow


@pytest.fixture(params=["unknown", "resend"])
def policy(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def risky(make_house: MakeHouse, policy: str) -> House:
    return make_house(generation(carriers={"alpha": carrier(unanswered=policy)}))


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("steps", range(8))
def test_killed_at_each_point_of_a_submit(risky: House, policy: str, steps: int, committed: bool) -> None:
    """One end for what was told ESME_ROK, at most one for what was not, and at most two sends."""
    risky.answer = lambda name, pdu: None
    client = risky.client()
    number = client.send(submit())
    for _ in range(steps):
        risky.step()
    told = client.answers.get(number)
    sent_before = len(risky.submits)
    risky.restart(committed=committed)
    client = risky.client()
    risky.answer = risky.accept
    for upstream in risky.upstreams():
        for pdu in list(upstream.pending):
            upstream.respond(pdu, *risky.accept("alpha", pdu))
    risky.settle()
    for at in range(1, risky.accepted + 1):
        risky.receipt(str(at))
    states = risky.states()
    assert len(states) <= 1
    assert states or told is None
    if policy == "unknown":
        assert len(risky.submits) <= 1
        assert states in ([], [State.UNKNOWN], [State.DELIVERED])
    else:
        assert len(risky.submits) <= 1 + (sent_before > 0)
        assert states in ([], [State.DELIVERED])
    assert len(client.receipts) == len(states)


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("steps", range(7))
def test_killed_at_each_point_of_a_receipt(
    house: House, monkeypatch: pytest.MonkeyPatch, steps: int, committed: bool
) -> None:
    """Its carrier gives the receipt again unless it was answered, and the client has it in the end."""
    client = house.client()
    told = client.submit().message_id
    upstream = house.upstream()
    answered: list[Answered] = []
    monkeypatch.setattr(upstream, "answered", answered.append)
    upstream.deliver(receipt("1"))
    for _ in range(steps):
        house.step()
    had = len(client.receipts)
    house.restart(committed=committed)
    client = house.client()
    if not answered:
        house.receipt("1")
    assert house.states() == [State.DELIVERED]
    assert had + len(client.receipts) >= 1
    assert {found.message_id for found in client.receipts} <= {told}
    assert house.outbox() == []
    house.restart()
    assert house.client().delivered == []


def test_everything_open_is_there_again(make_house: MakeHouse) -> None:
    settings = generation(
        carriers={"alpha": carrier(window=2)}, accounts={"bank": account(), "gone": account()}
    )
    house = make_house(settings)
    client = house.client()
    client.submit()
    client.submit(schedule_delivery_time="000000001000000R")
    house.client("gone").submit()
    house.answer = lambda name, pdu: None
    for _ in range(4):
        client.submit()
    before = {state: count for state, count in house.relay.book.states.items() if count}
    house.settings = generation(carriers={"alpha": carrier(window=2)})
    house.down.add("alpha")
    house.restart()
    assert house.states() == [
        State.SENT,
        State.DEFERRED,
        State.SENT,
        State.UNKNOWN,
        State.UNKNOWN,
        State.WAITING,
        State.WAITING,
    ]
    after = {state: count for state, count in house.relay.book.states.items() if count}
    assert sum(after.values()) == sum(before.values())
    house.down.clear()
    house.answer = house.accept
    house.advance(3)
    assert house.states()[5:] == [State.SENT, State.SENT]


def test_ids_go_on_where_they_were(house: House) -> None:
    first = int(house.client().submit().message_id)
    for _ in range(3):
        house.restart()
        again = int(house.client().submit().message_id)
        assert again > first
        first = again


def test_a_carrier_that_is_configured_no_more(make_house: MakeHouse) -> None:
    """What was with it ends by its time; what may have been sent to it goes elsewhere."""
    house = make_house(generation(carriers={"alpha": carrier("alpha")}))
    client = house.client()
    client.submit()
    house.answer = lambda name, pdu: None
    client.submit()
    house.settings = generation(carriers={"beta": carrier("beta")})
    house.answer = house.accept
    house.restart()
    assert house.states() == [State.SENT, State.SENT]
    assert [name for name, _ in house.submits] == ["alpha", "alpha", "beta"]
    client = house.client()
    house.advance(72 * 3600 + 60, 600)
    assert house.states() == [State.UNKNOWN, State.UNKNOWN]
    assert len(client.receipts) == 2


def test_rows_of_an_account_that_is_gone_wait_for_it(make_house: MakeHouse) -> None:
    house = make_house(generation(accounts={"bank": account(), "shop": account()}))
    house.client("shop").submit()
    house.settings = generation(accounts={"bank": account()})
    house.restart()
    house.receipt("1")
    assert house.states() == [State.DELIVERED]
    house.settings = generation(accounts={"bank": account(), "shop": account()})
    house.restart()
    assert [type(pdu) for pdu in house.client("shop").delivered] == [DeliverSm]


def slow(monkeypatch: pytest.MonkeyPatch, step: str) -> Deferred[None]:
    """Let a step of the recovery begin when the Deferred is fired."""
    gate: Deferred[None] = Deferred()
    work = getattr(Recovery, step)

    async def slowly(recovery: Recovery) -> None:
        await gate
        await work(recovery)

    monkeypatch.setattr(Recovery, step, slowly)
    return gate


def restart(house: House) -> None:
    house.crash()
    house.start(settle=False)
    house.settle()


def test_clients_are_served_before_a_carrier_is_called(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.client().submit()
    gate = slow(monkeypatch, "identify")
    restart(house)
    client = house.client()
    assert client.submit().command_status == 0
    house.reload(house.settings)
    assert house.upstreams() == []
    assert house.states() == [State.SENT, State.WAITING]
    gate.callback(None)
    house.settle()
    assert house.states() == [State.SENT, State.SENT]
    assert house.receipt("1").command_status == 0
    assert house.states() == [State.DELIVERED, State.SENT]


def segments(*texts: str) -> list[SubmitSm]:
    return [
        submit(short_message=text.encode(), tlvs=make_sar(7, len(texts), number))
        for number, text in enumerate(texts, 1)
    ]


def test_segments_wait_until_those_of_before_the_start_are_known(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = segments("one", "two", "three")
    client = house.client()
    assert [client.ask(pdu).command_status for pdu in (first, second)] == [0, 0]
    gate = slow(monkeypatch, "identify")
    restart(house)
    client = house.client()
    to = (SmeAddress(1, 1, HANDSET),)
    late = client.send(third), client.send(SubmitMulti(source_addr=BANK, dest_addresses=to))
    assert client.submit().command_status == 0
    assert client.answers.keys().isdisjoint(late)
    assert house.states() == [State.GATHERING, State.GATHERING, State.WAITING]
    gate.callback(None)
    house.settle()
    assert [client.answers[number].command_status for number in late] == [0, 0]
    assert house.states() == [State.SENT] * 5
    assert {row.segment_of for row in house.rows()} == {1, None}


def test_a_segment_that_is_cancelled_before_it_is_known_stays_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = segments("one", "two")
    told = house.client().ask(first)
    assert isinstance(told, SubmitSmResp)
    gate = slow(monkeypatch, "identify")
    restart(house)
    client = house.client()
    assert client.ask(CancelSm(message_id=told.message_id, source_addr=BANK)).command_status == 0
    gate.callback(None)
    house.settle()
    assert client.ask(second).command_status == 0
    assert house.states() == [State.DELETED, State.GATHERING]
    assert len(house.relay.gathering.groups) == 1


def test_what_may_have_been_sent_keeps_nobody_waiting(risky: House, monkeypatch: pytest.MonkeyPatch) -> None:
    risky.answer = lambda name, pdu: None
    risky.client().submit()
    gate = slow(monkeypatch, "identify")
    restart(risky)
    assert risky.client().submit().command_status == 0
    assert risky.states() == [State.SENDING, State.WAITING]
    risky.answer = risky.accept
    gate.callback(None)
    risky.settle()
    ended = State.UNKNOWN if len(risky.submits) == 2 else State.SENT
    assert risky.states() == [ended, State.SENT]


def test_replies_wait_until_it_is_known_who_wrote(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make_house(generation(accounts={"bank": account(), "shop": account()}))
    house.client("bank").submit(source_addr="1111")
    house.client("shop").submit(source_addr="2222")
    gate = slow(monkeypatch, "_writers")
    restart(house)
    bank, shop = house.client("bank"), house.client("shop")
    shop.submit(source_addr="3333")
    upstream = house.upstream()
    for number in ("1111", "2222", "3333"):
        reply = DeliverSm(source_addr=HANDSET, destination_addr=number, short_message=b"hello")
        upstream.deliver(reply)
    assert house.receipt("1").command_status == 0
    assert upstream.session.outstanding == 3
    gate.callback(None)
    house.settle()
    assert upstream.session.outstanding == 0
    assert [pdu.destination_addr for pdu in bank.delivered if not pdu.esm_class] == ["1111"]
    assert [pdu.destination_addr for pdu in shop.delivered if not pdu.esm_class] == ["2222", "3333"]


def test_who_wrote_since_the_start_counts_before_who_wrote_earlier(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make_house(generation(accounts={"bank": account(), "shop": account()}))
    house.client("bank").submit(source_addr="1111")
    gate = slow(monkeypatch, "_writers")
    restart(house)
    house.client("shop").submit(source_addr="1111")
    gate.callback(None)
    house.settle()
    owner = house.relay.replies.owner("1111", HANDSET, "hello")
    assert owner is not None
    assert owner.name == "shop"


def test_a_receipt_after_a_restart_names_another_number(house: House) -> None:
    client = house.client()
    client.submit()
    restart(house)
    client = house.client()
    house.receipt("1", submit(destination_addr="8619900000009"))
    assert house.states() == [State.SENT]
    assert len(house.strays()) == 1
    house.receipt("1")
    assert house.states() == [State.DELIVERED]
    assert len(client.receipts) == 1


def test_a_node_that_ends_while_it_recovers(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.client().submit()
    gate = slow(monkeypatch, "identify")
    restart(house)
    left = house.leave()
    gate.callback(None)
    house.settle()
    house.advance(3)
    assert left.called
    assert house.started.called
    assert house.upstreams() == []


def test_a_store_that_fails_while_clients_are_served_already_is_asked_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    strays = Ledger.strays

    async def failing(ledger: Ledger, after: int, limit: int) -> list[StrayRow]:
        asked.append(after)
        if len(asked) < 3:
            raise StoreUnavailable("it takes no connections")
        return await strays(ledger, after, limit)

    monkeypatch.setattr(Ledger, "strays", failing)
    house.crash()
    house.start(settle=False)
    house.settle()
    told = house.client().submit()
    assert told.command_status == 0
    assert (asked, house.submits) == ([0], [])
    for _ in range(2):
        house.reactor.advance(1)
        house.settle()
    assert asked == [0, 0, 0]
    assert house.started.called
    assert [pdu.destination_addr for _, pdu in house.submits] == [HANDSET]
