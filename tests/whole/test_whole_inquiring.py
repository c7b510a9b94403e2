"""Carriers without receipts that are asked by query_sm: some tell the truth, some are late, mute or wrong."""

from __future__ import annotations

import pytest
from whole_clients import bound, handset, stat
from whole_house import Build, House, Upstream

SETTINGS = {
    "receipt_timeout": "1s",
    "no_receipt": "query",
    "query": {"every": "1s", "tries": 3, "then": "unknown"},
    "response": "4s",
}
NEVER = {"receipts": {"when": "never", "delay": 0}}


def on_query(**do: object) -> dict[str, object]:
    return NEVER | {"rules": [{"match": {"command": ["query_sm"]}, "do": do}]}


CARRIERS = {
    "honest": Upstream(NEVER, SETTINGS),
    "failing": Upstream(NEVER | {"outcomes": {"UNDELIVERABLE": 1}}, SETTINGS),
    "hex": Upstream(
        NEVER | {"ids": {"response": "hex"}},
        SETTINGS | {"ids": {"response": "hex"}, "query": {"every": "1s", "id": "hex"}},
    ),
    "late": Upstream(on_query(delay="1500ms"), SETTINGS),
    "mute": Upstream(on_query(silence=True), SETTINGS),
    "refusing": Upstream(on_query(status="ESME_RQUERYFAIL"), SETTINGS),
    "mistaken": Upstream(on_query(message_id="1"), SETTINGS),
    "under_way": Upstream({"outcomes": {"NEVER": 1}}, SETTINGS),
}
ENDS = {
    "honest": "DELIVRD",
    "failing": "UNDELIV",
    "hex": "DELIVRD",
    "late": "DELIVRD",
    "mute": "UNKNOWN",
    "refusing": "UNKNOWN",
    "mistaken": "UNKNOWN",
    "under_way": "UNKNOWN",
}
PREFIX = {name: f"86152{index}" for index, name in enumerate(CARRIERS)}


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    return build(
        accounts={"bank": {"window": 1000}},
        carriers=CARRIERS,
        routes=[
            {"name": name, "match": {"destination": [PREFIX[name]]}, "carriers": [name]} for name in CARRIERS
        ],
    ).start()


def test_each_ends_once_and_none_is_called_delivered_that_nobody_says_is(house: House) -> None:
    with bound(house.port) as esme:
        sent = {name: [esme.submit(handset(PREFIX[name])) for _ in range(3)] for name in CARRIERS}
        told = {name: {stat(esme.receipt(one)) for one in ids} for name, ids in sent.items()}
        assert told == {name: {end} for name, end in ENDS.items()}
        assert esme.rest(0.5) == [], "and nothing is told twice"


def test_what_carriers_were_asked(house: House) -> None:
    """By the id and the source that they know, at most as often as it is said."""
    for name in CARRIERS:
        sources = {seen.pdu.source_addr for seen in house.captured("submit_sm", carrier=name)}
        answered = {seen.pdu.message_id for seen in house.captured("submit_sm_resp", "out", carrier=name)}
        asked = house.captured("query_sm", carrier=name)
        assert {seen.pdu.message_id for seen in asked} == answered
        assert {seen.pdu.source_addr for seen in asked} == sources
        assert 3 <= len(asked) <= 9
    metrics = house.page("metrics")[1]
    assert 'gateway_carrier_questions_total{carrier="honest",outcome="told"} 3.0' in metrics
    assert 'gateway_carrier_questions_total{carrier="mistaken",outcome="of_another"} 9.0' in metrics
