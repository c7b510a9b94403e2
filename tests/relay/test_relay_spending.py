"""Quotas and balances: reserved in order, refused clearly, given back, kept over kills; never below zero."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from relay_house import START, House, MakeHouse, account, carrier, generation, submit
from twisted.internet.defer import Deferred

from gateway.control.operator import OPERATOR
from gateway.control.people import Unfit
from gateway.control.quotas import QuotaCommands
from gateway.filters.verdict import REASONS
from gateway.relay.usage import Usage
from gateway.settings.quotas import Quota
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import CancelSm
from gateway.store.rows import State

DAY = 86_400
PAID = {"currency": "EUR", "price": 0.05}
LONG = [b"\x05\x00\x03\x2a\x02" + bytes((number,)) + b"half" for number in (1, 2)]


def house_of(make_house: MakeHouse, **settings: Any) -> House:
    return make_house(generation(accounts={"bank": account(**settings)}))


def ask(house: House, what: str, **asked: Any) -> dict[str, Any]:
    found: list[Any] = []
    handler = getattr(QuotaCommands(house.relay), what)
    Deferred.fromCoroutine(handler({OPERATOR: "ops", "account": "bank", **asked})).addBoth(found.append)
    house.settle()
    if not isinstance(found[0], dict):
        found[0].raiseException()
    (shown,) = found[0]["accounts"]
    result: dict[str, Any] = shown
    return result


def status(answer: Any) -> str:
    return CommandStatus(answer.command_status).name


def used(house: House) -> dict[str, Any]:
    result: dict[str, Any] = ask(house, "show")["used"]
    return result


def test_of_one_batch_the_first_get_in(make_house: MakeHouse) -> None:
    house = house_of(make_house, quota={"messages_per_day": 3})
    client = house.client()
    for _ in range(5):
        client.send(submit())
    house.settle()
    assert house.states() == [State.SENT] * 3 + [State.REJECTED] * 2
    assert {row.error for row in house.rows()[3:]} == {REASONS["quota_used"].err}
    assert json.loads(house.rows()[4].decision)["words"][0]["rule"] == "quota: messages_per_day"
    assert [(receipt.stat, receipt.err) for receipt in client.receipts] == [("REJECTD", "926")] * 2
    assert list(house.relay.alarms.open) == [("quota_used", "bank: messages_per_day")]
    house.restart()
    assert used(house) == {"messages_per_day": [3, 3]}
    house.client().submit()
    assert house.states()[-1] is State.REJECTED


def test_a_new_day_begins_in_the_zone_of_the_quota(make_house: MakeHouse) -> None:
    house = house_of(
        make_house, quota={"messages_per_day": 1, "messages_per_month": 2, "zone": "Asia/Shanghai"}
    )
    house.client().submit()
    house.client().submit()
    house.wall += 3600 * 2  # 00:13 in Shanghai, the same day in UTC
    house.advance(1)
    assert (
        not house.relay.alarms.open or ("quota_used", "bank: messages_per_day") not in house.relay.alarms.open
    )
    house.client().submit()
    assert house.states() == [State.SENT, State.REJECTED, State.SENT]
    house.wall += DAY
    house.client().submit()
    assert house.states()[-1] is State.REJECTED
    assert house.rows()[-1].error == REASONS["quota_used"].err


def test_what_a_filter_refuses_or_a_carrier_does_not_take_costs_nothing(make_house: MakeHouse) -> None:
    house = house_of(make_house, balance=PAID, quota={"messages_per_day": 9})
    ask(house, "top_up", amount=1)
    house.answer = lambda name, pdu: (CommandStatus.ESME_RINVDSTADR, "")
    client = house.client()
    client.submit()
    assert house.states() == [State.REJECTED]
    assert ask(house, "show")["balance"] == 1
    assert used(house) == {"messages_per_day": [0, 9]}
    house.answer = house.accept
    client.submit(schedule_delivery_time="000000010000000R")
    assert ask(house, "show")["balance"] == pytest.approx(0.95)
    house.restart()
    row = house.rows()[-1]
    house.client().ask(CancelSm(message_id=row.client_id, source_addr=row.source))
    assert house.states()[-1] is State.DELETED
    assert ask(house, "show")["balance"] == 1


@pytest.mark.parametrize(("ending", "left"), [("unsent", 0.95), ("failed", 1)])
def test_what_fails_is_given_back_where_that_is_said(make_house: MakeHouse, ending: str, left: float) -> None:
    house = house_of(make_house, balance={**PAID, "given_back": [ending]})
    ask(house, "set", name="balance", value=1)
    house.client().submit()
    house.receipt("1", stat="UNDELIV")
    assert ask(house, "show")["balance"] == pytest.approx(left)


def test_a_balance_is_used_up_and_topped_up(make_house: MakeHouse) -> None:
    house = house_of(make_house, balance=PAID)
    client = house.client()
    client.submit()
    assert house.rows()[-1].error == REASONS["balance_used"].err
    ask(house, "top_up", amount=0.12)
    for _ in range(3):
        client.submit()
    assert house.states() == [State.REJECTED, State.SENT, State.SENT, State.REJECTED]
    assert ("quota_near", "bank: balance") in house.relay.alarms.open
    house.restart()
    assert ask(house, "show")["balance"] == pytest.approx(0.02)
    assert ask(house, "top_up", amount=1)["balance"] == pytest.approx(1.02)
    assert not house.relay.alarms.open
    house.client().submit()
    assert house.states()[-1] is State.SENT


def test_segments_and_payloads_are_counted(make_house: MakeHouse) -> None:
    house = house_of(make_house, quota={"messages_per_day": 10, "segments_per_day": 10})
    client = house.client()
    for part in LONG:
        client.ask(submit(esm_class=0x40, short_message=part))
    assert used(house) == {"messages_per_day": [1, 10], "segments_per_day": [2, 10]}
    client.submit(short_message=b"", tlvs=(Tlv(Tag.message_payload, b"x" * 400),))
    assert used(house) == {"messages_per_day": [2, 10], "segments_per_day": [5, 10]}


def test_a_segment_that_is_over_is_refused_and_the_rest_of_its_text_given_back(make_house: MakeHouse) -> None:
    house = house_of(make_house, quota={"segments_per_day": 1})
    client = house.client()
    for part in LONG:
        client.ask(submit(esm_class=0x40, short_message=part))
    assert house.states() == [State.GATHERING, State.REJECTED]
    house.advance(house.settings.node.multipart.timeout + 2)
    assert house.states() == [State.REJECTED] * 2
    assert used(house) == {"segments_per_day": [0, 1]}


def test_so_many_may_wait(make_house: MakeHouse) -> None:
    house = house_of(make_house, quota={"waiting": 2})
    house.down.add("alpha")
    house.upstream().cut()
    client = house.client()
    assert [status(client.submit()) for _ in range(3)] == ["ESME_ROK", "ESME_ROK", "ESME_RMSGQFUL"]
    house.restart()
    client = house.client()
    assert status(client.submit()) == "ESME_RMSGQFUL"
    house.down.clear()
    house.advance(60)
    assert house.states().count(State.SENT) == 2
    assert used(house) == {"waiting": [0, 2]}
    assert status(client.submit()) == "ESME_ROK"


def test_what_the_store_did_not_take_was_not_used(make_house: MakeHouse) -> None:
    house = house_of(make_house, quota={"messages_per_day": 2})
    client = house.client()
    house.driver.broken = True
    assert status(client.submit()) == "ESME_RTHROTTLED"
    house.driver.broken = False
    house.advance(3)
    client.submit()
    assert used(house) == {"messages_per_day": [1, 2]}


def test_the_price_of_the_route(make_house: MakeHouse) -> None:
    house = make_house(generation(accounts={"bank": account(balance={**PAID, "by_route": True})}))
    ask(house, "top_up", amount=1)
    house.client().submit()
    assert ask(house, "show")["balance"] == pytest.approx(0.95)  # no table: the flat price


def test_one_without_quota_has_nothing_on_disk(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers={"alpha": carrier()}))
    house.client().submit()
    assert "spent" not in house.row().decision
    assert house.relay.book.left is None
    with pytest.raises(Unfit, match="not prepaid"):
        ask(house, "top_up", amount=1)


QUOTA = Quota(messages_per_day=5, segments_per_day=8, segments_per_month=12, waiting=6)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(0, 1), st.integers(1, 3)),
        st.tuples(st.just("back"), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("left"), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("later"), st.integers(1, 40), st.just(0)),
    ),
    max_size=60,
)


@given(STEPS, st.integers(0, 100))
def test_what_is_used_never_passes_its_limits_nor_zero(steps: list[tuple[str, int, int]], paid: int) -> None:
    usage, now, price = Usage(balance=paid), START, 7
    held: list[tuple[float, int, int]] = []
    for what, one, other in steps:
        usage.at(now, "UTC")
        before = astuple(usage)
        if what == "take":
            if usage.take(QUOTA, one, other, other * price):
                assert astuple(usage) == before
            else:
                held.append((now, one, other))
        elif what == "back" and held:
            at, messages, segments = held.pop(one % len(held))
            usage.give_back(at, "UTC", messages, segments)
            usage.balance += segments * price
        elif what == "left":
            usage.left(one)
        elif what == "later":
            now += one * 3600
            usage.at(now, "UTC")
        today = [each for each in held if each[0] // DAY == now // DAY]
        assert usage.messages_per_day == sum(messages for _, messages, _ in today) <= 5
        assert usage.segments_per_day == sum(segments for _, _, segments in today) <= 8
        assert usage.balance == paid - price * sum(segments for _, _, segments in held) >= 0
        assert 0 <= usage.segments_per_month <= 12
        assert usage.waiting >= 0


def test_a_quota_in_shadow_counts_on_and_says_what_it_would_refuse(make_house: MakeHouse) -> None:
    house = house_of(make_house, quota={"messages_per_day": 1, "mode": "shadow"}, balance=PAID)
    ask(house, "top_up", amount=0.15)
    client = house.client()
    for _ in range(4):
        client.send(submit())
    house.settle()
    assert house.states() == [State.SENT] * 3 + [State.REJECTED]  # what is not paid for is not sent
    assert {row.error for row in house.rows()[3:]} == {REASONS["balance_used"].err}
    words = [json.loads(row.decision).get("words", []) for row in house.rows()[:3]]
    assert [[(word["mode"], word["rule"], word["reason"]) for word in said] for said in words] == [
        [], *[[("shadow", "quota: messages_per_day", "quota_used")]] * 2
    ]  # fmt: skip
    shown = ask(house, "show")
    assert shown["used"] == {"messages_per_day": [3, 1]}
    assert (shown["refused"], shown["shadow"]) == ({"balance": 1}, {"messages_per_day": 2})
    assert "were it not in shadow" in house.relay.alarms.open["quota_used", "bank: messages_per_day"].text
