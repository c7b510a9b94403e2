"""Dispatch: late binding, fail-over, pauses and retries; one slot at a time, marked before it is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from relay_house import BANK, House, MakeHouse, account, carrier, generation, receipt

from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import CancelSm, DataSm, GenericNack, SubmitSm
from gateway.store.rows import State

TWO = {"alpha": carrier("alpha"), "beta": carrier("beta")}


def silent(house: House) -> None:
    house.answer = lambda name, pdu: None


def carriers(house: House) -> list[str]:
    return [name for name, _ in house.submits]


def trail(house: House, at: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(house.rows()[at].trail)
    return found


def test_marked_before_it_is_written(house: House) -> None:
    silent(house)
    client = house.client()
    client.send(SubmitSm(source_addr="1", destination_addr="8619912340001"))
    house.wires()
    assert house.rows() == []
    assert house.writing.run()
    house.wires()
    assert house.states() == [State.SENDING]
    assert house.submits == []
    house.settle()
    assert len(house.submits) == 1
    assert len(client.answers) == 2


def test_the_first_carrier_that_is_ready(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers=TWO))
    client = house.client()
    client.submit()
    house.down.add("alpha")
    house.upstream("alpha").cut()
    client.submit()
    assert carriers(house) == ["alpha", "beta"]
    assert trail(house, 1) == [
        {"generation": 1, "route": "default", "carrier": "beta", "passed": {"alpha": "down"}}
    ]


def test_a_full_one_is_passed_over(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers={"alpha": carrier("alpha", window=1), "beta": carrier("beta")}))
    silent(house)
    client = house.client()
    for _ in range(3):
        client.submit()
    assert carriers(house) == ["alpha", "beta", "beta"]
    assert trail(house, 1)[0]["passed"] == {"alpha": "full"}


def test_a_throttled_one_is_left_in_peace_and_the_message_goes_on(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers=TWO))
    house.answer = lambda name, pdu: (
        (CommandStatus.ESME_RTHROTTLED, "") if name == "alpha" else house.accept(name, pdu)
    )
    client = house.client()
    client.submit()
    client.submit()
    assert carriers(house) == ["alpha", "beta", "beta"]
    assert [step["carrier"] for step in trail(house)] == ["alpha", "beta"]
    assert trail(house)[1]["passed"] == {"alpha": "throttled"}
    house.advance(1.1)
    client.submit()
    assert carriers(house)[3:] == ["alpha", "beta"]


@pytest.mark.parametrize(("status", "pause"), [("ESME_RTHROTTLED", 1.0), ("ESME_RMSGQFUL", 5.0)])
def test_the_only_carrier_is_tried_again_after_its_pause(house: House, status: str, pause: float) -> None:
    house.answer = lambda name, pdu: (CommandStatus[status], "")
    client = house.client()
    client.submit()
    client.submit()
    assert len(house.submits) == 1
    assert house.states() == [State.WAITING, State.WAITING]
    house.answer = house.accept
    house.advance(pause - 0.2, 0.1)
    assert len(house.submits) == 1
    house.advance(0.4, 0.1)
    assert house.states() == [State.SENT, State.SENT]
    assert [row.attempts for row in house.rows()] == [2, 1]
    assert client.receipts == []


def test_a_status_without_pause_delays_its_message_alone(house: House) -> None:
    first = [(CommandStatus.ESME_RSYSERR, "")]
    house.answer = lambda name, pdu: first.pop() if first else house.accept(name, pdu)
    client = house.client()
    client.submit()
    client.submit()
    assert house.states() == [State.WAITING, State.SENT]
    house.advance(9)
    assert len(house.submits) == 2
    house.advance(2)
    assert house.states() == [State.SENT, State.SENT]


def test_a_cancel_while_its_delay_runs(house: House) -> None:
    house.answer = lambda name, pdu: (CommandStatus.ESME_RSYSERR, "")
    client = house.client()
    told = client.submit()
    assert client.ask(CancelSm(message_id=told.message_id, source_addr=BANK)).command_status == 0
    house.advance(15)
    assert len(house.submits) == 1
    assert house.states() == [State.DELETED]
    assert [found.stat for found in client.receipts] == ["DELETED"]


def test_tries_come_to_an_end(house: House) -> None:
    house.answer = lambda name, pdu: (CommandStatus.ESME_RSYSERR, "")
    client = house.client()
    client.submit()
    house.advance(60)
    assert len(house.submits) == 5
    assert house.states() == [State.UNDELIVERABLE]
    assert house.row().error == CommandStatus.ESME_RSYSERR
    assert [found.stat for found in client.receipts] == ["UNDELIV"]


@pytest.mark.parametrize("status", ["ESME_RINVDSTADR", "ESME_RSUBMITFAIL", "ESME_RINVSRCADR"])
def test_a_permanent_refusal_is_told(house: House, status: str) -> None:
    house.answer = lambda name, pdu: (CommandStatus[status], "")
    client = house.client()
    client.submit()
    client.submit(registered_delivery=0)
    assert house.states() == [State.REJECTED] * 2
    assert [found.stat for found in client.receipts] == ["REJECTD"]
    assert house.rows()[0].error == CommandStatus[status]


def test_a_profile_says_which_refusals_are_temporary(make_house: MakeHouse) -> None:
    statuses = {"ESME_RINVDSTADR": {"tries": 2, "delay": "1s"}}
    house = make_house(generation(carriers={"alpha": carrier(retry={"statuses": statuses})}))
    house.answer = lambda name, pdu: (CommandStatus.ESME_RINVDSTADR, "")
    house.client().submit()
    house.advance(3)
    assert len(house.submits) == 2
    assert house.states() == [State.UNDELIVERABLE]


def test_a_generic_nack_is_a_refusal(house: House) -> None:
    silent(house)
    house.client().submit()
    upstream = house.upstream()
    (pdu,) = upstream.pending
    upstream.session.respond(GenericNack(pdu.sequence_number, CommandStatus.ESME_RINVCMDLEN))
    house.settle()
    assert house.states() == [State.REJECTED]


def test_late_binding_strands_nothing_on_a_dead_carrier(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers=TWO))
    house.down.update(("alpha", "beta"))
    for name in ("alpha", "beta"):
        house.upstream(name).cut()
    client = house.client()
    for _ in range(5):
        client.submit()
    assert house.states() == [State.WAITING] * 5
    house.down.remove("beta")
    house.advance(10)
    assert carriers(house) == ["beta"] * 5
    assert house.states() == [State.SENT] * 5


def test_the_order_of_one_account_is_kept(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers={"alpha": carrier(window=1)}))
    silent(house)
    client = house.client()
    numbers = [f"86199123{at:05d}" for at in range(20)]
    for number in numbers:
        client.submit(destination_addr=number)
    house.answer = house.accept
    upstream = house.upstream()
    upstream.respond(upstream.pending[0], 0, "first")
    house.settle()
    assert [pdu.destination_addr for _, pdu in house.submits] == numbers


def test_urgent_ones_go_first(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers={"alpha": carrier(window=1)}))
    silent(house)
    client = house.client()
    for priority in (0, 0, 3, 1):
        client.submit(priority_flag=priority)
    house.answer = house.accept
    upstream = house.upstream()
    upstream.respond(upstream.pending[0], 0, "first")
    house.settle()
    assert [pdu.priority_flag for _, pdu in house.submits if isinstance(pdu, SubmitSm)] == [0, 3, 1, 0]


def test_the_rate_of_a_carrier_counts_its_pdus(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers={"alpha": carrier(rate=10.0)}))
    client = house.client()
    for _ in range(30):
        client.submit()
    assert len(house.submits) == 1
    house.advance(1.0, 0.05)
    assert 8 <= len(house.submits) <= 11
    house.advance(3.0, 0.05)
    assert len(house.submits) == 30


def test_no_route_is_a_refusal(make_house: MakeHouse) -> None:
    routes = [{"name": "china", "match": {"destination": ["86"]}, "carriers": ["alpha"]}]
    house = make_house(generation(routes=routes))
    client = house.client()
    client.submit(destination_addr="447700900123")
    assert house.states() == [State.REJECTED]
    assert [(found.stat, found.err) for found in client.receipts] == [("REJECTD", "932")]
    assert json.loads(house.row().decision)["words"][0]["reason"] == "no_route"


def test_a_generation_without_a_route_for_it_keeps_it_waiting(make_house: MakeHouse) -> None:
    house = make_house()
    house.down.add("alpha")
    house.upstream().cut()
    client = house.client()
    client.submit()
    elsewhere = [{"name": "elsewhere", "match": {"destination": ["44"]}, "carriers": ["alpha"]}]
    house.reload(generation(routes=elsewhere, number=2))
    house.down.clear()
    house.advance(5)
    assert house.states() == [State.WAITING]
    assert house.relay.book.entries == {}
    house.reload(generation(number=3))
    assert house.states() == [State.SENT]
    assert trail(house) == [{"generation": 3, "route": "default", "carrier": "alpha"}]


def test_a_new_generation_places_anew_what_waits(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers=TWO, routes=[{"name": "a", "carriers": ["alpha"]}]))
    house.down.add("alpha")
    house.upstream("alpha").cut()
    client = house.client()
    client.submit()
    house.reload(generation(carriers=TWO, routes=[{"name": "b", "carriers": ["beta"]}], number=2))
    assert carriers(house) == ["beta"]


def test_a_cut_line_follows_the_carriers_policy(make_house: MakeHouse) -> None:
    both = {"alpha": carrier("alpha"), "beta": carrier("beta", unanswered="resend")}
    routes = [
        {"name": "b", "match": {"source": ["222"]}, "carriers": ["beta", "alpha"]},
        {"name": "a", "carriers": ["alpha"]},
    ]
    house = make_house(generation(carriers=both, routes=routes))
    silent(house)
    client = house.client()
    client.submit()
    client.submit(source_addr="222")
    house.down.update(("alpha", "beta"))
    for name in ("alpha", "beta"):
        house.upstream(name).cut()
    house.settle()
    assert house.states() == [State.UNKNOWN, State.WAITING]
    assert [found.stat for found in client.receipts] == ["UNKNOWN"]
    house.down.clear()
    house.answer = house.accept
    house.advance(5)
    assert len(house.submits) == 3
    assert house.states() == [State.UNKNOWN, State.SENT]


def test_an_answer_that_does_not_come_follows_it_too(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers={"alpha": carrier(response="5s")}))
    silent(house)
    client = house.client()
    client.submit()
    house.advance(4)
    assert house.states() == [State.SENDING]
    house.advance(2)
    assert house.states() == [State.UNKNOWN]
    upstream = house.upstream()
    upstream.respond(upstream.pending[0], 0, "late")
    upstream.deliver(receipt("late"))
    house.settle()
    assert house.states() == [State.UNKNOWN]
    assert len(client.receipts) == 1


def test_a_link_lost_between_mark_and_octets_sends_nothing_twice(house: House) -> None:
    client = house.client()
    client.send(SubmitSm(source_addr="1", destination_addr="8619912340001", registered_delivery=1))
    house.wires()
    house.upstream().cut()
    house.settle()
    assert house.submits == []
    assert house.states() == [State.WAITING]
    house.advance(3)
    assert len(house.submits) == 1
    assert house.states() == [State.SENT]


def test_a_store_that_refuses_the_mark(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers={"alpha": carrier(window=1)}))
    silent(house)
    client = house.client()
    for _ in range(3):
        client.submit()
    house.driver.broken = True
    upstream = house.upstream()
    upstream.respond(upstream.pending[0], 0, "1")
    house.settle()
    assert client.submit().command_status == CommandStatus.ESME_RTHROTTLED
    house.driver.broken = False
    house.answer = house.accept
    house.advance(10)
    assert house.states() == [State.SENT] * 3
    assert len(house.submits) == 3
    (lane_count, reserved) = (
        house.relay.dispatch.lanes.count,
        [link.reserved for c in house.relay.dispatch.carriers.values() for link in c.links],
    )
    assert (lane_count, reserved) == (0, [0])


def test_the_window_counts_over_all_binds(make_house: MakeHouse) -> None:
    binds = ({"endpoint": "tcp:127.0.0.1:9001", "count": 2},)
    house = make_house(generation(carriers={"alpha": carrier(binds=binds, window=3)}))
    silent(house)
    client = house.client()
    for _ in range(5):
        client.submit()
    assert sorted(len(upstream.pending) for upstream in house.upstreams()) == [1, 2]
    assert house.states().count(State.WAITING) == 2


def test_responses_in_any_order(house: House) -> None:
    silent(house)
    client = house.client()
    for _ in range(4):
        client.submit()
    upstream = house.upstream()
    for name in "dbca":
        upstream.respond(upstream.pending["abcd".index(name) % len(upstream.pending)], 0, name)
    house.settle()
    assert house.states() == [State.SENT] * 4
    assert len({row.carrier_message_id for row in house.rows()}) == 4


def test_what_the_gateway_owns_on_the_way_out(house: House) -> None:
    client = house.client()
    client.submit(registered_delivery=0, validity_period="000001000000000R", service_type="CMT")
    pdu = house.submits[0][1]
    assert isinstance(pdu, SubmitSm)
    assert pdu.registered_delivery == 1
    assert pdu.validity_period == "000001000000000R"
    assert pdu.service_type == "CMT"


def test_the_validity_that_remains(house: House) -> None:
    house.down.add("alpha")
    house.upstream().cut()
    client = house.client()
    client.submit(validity_period="000000001000000R")
    house.advance(60)
    house.down.clear()
    house.advance(120)
    pdu = house.submits[0][1]
    assert isinstance(pdu, SubmitSm)
    assert pdu.validity_period.startswith("00000000")
    assert int(pdu.validity_period[8:10]) in (7, 8)


def test_data_sm_goes_out_as_data_sm(house: House) -> None:
    client = house.client()
    pdu = DataSm(
        source_addr="1",
        destination_addr="8619912340001",
        registered_delivery=1,
        tlvs=(Tlv(Tag.message_payload, b"hello"), Tlv(0x1500, b"own")),
    )
    assert client.ask(pdu).message_id
    sent = house.submits[0][1]
    assert isinstance(sent, DataSm)
    assert sent.tlvs == pdu.tlvs


def test_an_admin_holds_a_carrier(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers=TWO))
    house.relay.dispatch.carriers["alpha"].held = "paused by ops"
    house.client().submit()
    assert carriers(house) == ["beta"]
    assert trail(house)[0]["passed"] == {"alpha": "paused by ops"}


def test_accounts_share_a_carrier_in_turn(make_house: MakeHouse) -> None:
    accounts = {"bank": account(), "shop": account()}
    house = make_house(generation(accounts=accounts, carriers={"alpha": carrier(window=1)}))
    silent(house)
    shop, bank = house.client("shop"), house.client("bank")
    for _ in range(100):
        shop.submit(source_addr="2")
    bank.submit(source_addr="1")
    house.answer = house.accept
    upstream = house.upstream()
    upstream.respond(upstream.pending[0], 0, "first")
    house.settle()
    order = [pdu.source_addr for _, pdu in house.submits]
    assert order.index("1") <= 3


def test_a_priority_counts_as_far_as_its_account_may(make_house: MakeHouse) -> None:
    """One account cannot get before all others by saying that everything of it is urgent."""
    accounts = {"bank": account(), "shop": account(priority=0)}
    settings = generation(accounts=accounts, carriers={"alpha": carrier(window=1)})
    house = make_house(settings)
    house.answer = lambda name, pdu: None
    shop, bank = house.client("shop"), house.client("bank")
    for number in range(3):
        shop.submit(priority_flag=3, destination_addr=f"861991234000{number}")
    bank.submit(priority_flag=1, destination_addr="8619912349999")
    house.answer = house.accept
    upstream = house.upstream()
    upstream.respond(upstream.pending[0], 0, "x1")
    house.settle()
    order = [pdu.destination_addr[-4:] for _, pdu in house.submits]
    assert order == ["0000", "9999", "0001", "0002"]
    assert [pdu.priority_flag for _, pdu in house.submits] == [3, 1, 3, 3]


def test_a_reload_changes_what_counts(make_house: MakeHouse) -> None:
    carriers = {"alpha": carrier(window=1)}
    both = {"bank": account(), "shop": account()}
    house = make_house(generation(accounts=both, carriers=carriers))
    house.answer = lambda name, pdu: None
    shop, bank = house.client("shop"), house.client("bank")
    shop.submit()
    shop.submit(priority_flag=3, destination_addr="8619912340001")
    bank.submit(priority_flag=1, destination_addr="8619912349999")
    house.reload(generation(accounts=both | {"shop": account(priority=0)}, carriers=carriers, number=2))
    house.answer = house.accept
    upstream = house.upstream()
    upstream.respond(upstream.pending[0], 0, "x1")
    house.settle()
    assert [pdu.destination_addr[-4:] for _, pdu in house.submits][1:] == ["9999", "0001"]
