"""An admin steers traffic by the command line, through SIGKILL: clients' and carriers' word on it."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from whole_clients import bound, err, handset, stat, submit
from whole_house import Build, House, Upstream, call

from gateway.smpp.constants import CommandStatus


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    return build(
        accounts={
            "bank": {
                "filters": {},
                "refusals": "response",
                "balance": {"currency": "EUR", "price": 0.05},
                "duplicates": {"within": "10m"},
            }
        },
        carriers={"alpha": Upstream(), "beta": Upstream()},
        routes=[{"name": "default", "carriers": ["alpha", "beta"]}],
    ).start()


def kill(house: House) -> None:
    """kill -9, and a new start."""
    house.stop_gateway(signal.SIGKILL)
    house.start_gateway()
    house.all_bound()


def traffic(house: House, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call(house, "traffic", *arguments, "--json")[0])
    return found


def balance(house: House) -> float:
    (found,) = json.loads(call(house, "quota", "show", "--json")[0])
    return float(found["balance"])


def test_what_is_ordered_holds_over_a_kill(house: House) -> None:
    call(house, "quota", "top-up", "bank", "1")
    one, two, three, four = (handset() for _ in range(4))
    with bound(house.port) as client:
        client.receipt(client.submit(one))
        traffic(house, "pause", "--account", "bank", "--note", "wrong prices", "--yes")
        waits = client.submit(two)
        goes = client.submit(three)
    kill(house)
    assert house.sent_to(two) == []
    assert [each["verb"] for each in house.status()["traffic"]] == ["pause"]
    assert balance(house) == pytest.approx(0.85)
    said, _ = call(house, "message", waits)
    assert "traffic: defer, paused by rule 'pause'" in said
    assert "wrong prices" in said
    with bound(house.port) as client:
        assert client.submit(two) == waits
        assert traffic(house, "purge", "--account", "bank", "--yes")["messages"] == 2
        receipts = [client.receipt(waits), client.receipt(goes)]
        assert {(stat(each), err(each)) for each in receipts} == {("REJECTD", "925")}
        traffic(house, "resume", "--account", "bank", "--yes")
        traffic(house, "reroute", "--carrier", "alpha", "--by", "beta", "--yes")
        client.receipt(client.submit(four))
    (sent,) = house.sent_to(four)
    assert sent.carrier == "beta"
    acts = call(house, "audit", "list", "--json")[0]
    assert "traffic_pause" in acts
    assert "traffic_purged" in acts


def test_what_was_refused_in_the_response_is_found_by_its_number(house: House) -> None:
    call(house, "quota", "set", "bank", "balance", "0")
    with bound(house.port) as client:
        answer = client.ask(submit(handset()))
    assert answer.command_status == CommandStatus.ESME_RSUBMITFAIL
    listed = call(house, "messages", "--reason", "balance_used", "--json")[0].splitlines()
    (found,) = map(json.loads, listed)
    said, _ = call(house, "message", f"#{found['record']}")
    assert "927 balance_used" in said
