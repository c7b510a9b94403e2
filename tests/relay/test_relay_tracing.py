"""Watching links: who is heard, when it ends, and that nothing is left on a link after it."""

from __future__ import annotations

from typing import Any

from relay_house import HANDSET, Client, House, account, generation, submit

from gateway.relay.tracing import Trace, Wanted
from gateway.smpp.codec import encode
from gateway.smpp.pdus import BindTransceiver


class Broken(RuntimeError):
    """How a reader fails that is meant to."""

    expected = True


def watch(
    house: House, count: int = 100, *, whole: bool = True, **wanted: str
) -> tuple[list[Any], list[str]]:
    """What is heard from now on, and why it ended."""
    heard: list[Any] = []
    ended: list[str] = []
    trace = Trace(Wanted(**wanted), whole, count, heard.append, ended.append)
    house.relay.tracing.begin(trace, 60.0)
    return heard, ended


def said(heard: list[Any]) -> list[str]:
    return [("in " if seen["came"] else "out ") + seen["pdu"]["command"] for seen in heard]


def test_an_account_is_heard_and_no_other(make_house: Any) -> None:
    house = make_house(generation(accounts={"bank": account(), "shop": account()}))
    bank, shop = house.client(), house.client(system_id="shop")
    heard, _ = watch(house, account="bank")
    shop.submit()
    bank.submit(short_message=b"the code")
    assert said(heard) == ["in submit_sm", "out submit_sm_resp"]
    assert heard[0]["account"] == "bank"
    assert heard[0]["pdu"]["text"] == "the code"
    assert heard[0]["pdu"]["destination_addr"] == HANDSET


def test_a_carrier_is_heard_both_ways(house: House) -> None:
    client = house.client()
    heard, _ = watch(house, carrier="alpha", whole=False)
    client.submit()
    assert said(heard) == ["out submit_sm", "in submit_sm_resp"]
    assert HANDSET not in str(heard)
    assert HANDSET.encode().hex() not in heard[0]["octets"]


def test_a_number_is_heard_with_the_answers_to_it(house: House) -> None:
    client = house.client()
    heard, _ = watch(house, number=HANDSET)
    client.submit(destination_addr="447700900123")
    assert heard == []
    client.submit(destination_addr="+" + HANDSET)
    assert sorted(said(heard)) == sorted(
        ["in submit_sm", "out submit_sm", "out submit_sm_resp", "in submit_sm_resp"]
    )


def test_who_binds_later_is_heard_and_who_may_not_too(house: House) -> None:
    heard, _ = watch(house, account="bank")
    house.client(password="wrong")
    assert said(heard) == ["in bind_transceiver", "out bind_transceiver_resp"]
    assert heard[1]["pdu"]["command_status"] == "ESME_RBINDFAIL"
    assert "wrong" not in str(heard)
    assert b"wrong".hex() not in str(heard)


def test_it_is_heard_from_the_middle_of_a_pdu_on(house: House) -> None:
    client = house.client()
    frame = encode(submit()._replace(sequence_number=900))
    client.protocol.dataReceived(frame[:30])
    heard, _ = watch(house, account="bank")
    client.protocol.dataReceived(frame[30:])
    house.settle()
    assert said(heard)[0] == "in submit_sm"
    assert heard[0]["pdu"]["sequence_number"] == 900


def test_it_ends_by_count_and_by_time_and_nothing_is_left(house: House) -> None:
    client = house.client()
    heard, ended = watch(house, 3, account="bank")
    later, ended_later = watch(house, account="bank")
    client.submit()
    client.submit()
    assert len(heard) == 3
    assert ended == ["its count is reached"]
    assert len(later) == 4
    assert client.protocol.tap is not None
    house.advance(60.0)
    assert ended_later == ["its time is over"]
    assert [link.tap for link in house.relay.ticker._links] == [None, None]
    assert house.client().protocol.tap is None
    assert house.relay.ticker.tap is None


def test_what_is_no_smpp_is_said_and_not_shown(house: House) -> None:
    heard, _ = watch(house, account="bank")
    client = Client(house)
    client.protocol.dataReceived(
        encode(BindTransceiver(1, 0, "bank", "secret")) + b"GET /secret HTTP/1.1\r\n\r\n"
    )
    assert heard[1]["pdu"]["command"] == "no SMPP"
    assert heard[1]["octets"] == ""


def test_when_it_fails_traffic_goes_on(house: House) -> None:
    client = house.client()

    def failing(_: object) -> None:
        raise Broken

    ended: list[str] = []
    house.relay.tracing.begin(Trace(Wanted(account="bank"), True, 9, failing, ended.append), 60.0)
    assert client.submit().command_status == 0
    assert ended == ["it failed; the log says why"]
    assert client.protocol.tap is None
