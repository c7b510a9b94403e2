"""/metrics after some traffic: every counter under its name, and no person's number anywhere."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from relay_house import HANDSET, House, MakeHouse, carrier, generation

from gateway.control.metrics import exposition
from gateway.smpp.pdus import DeliverSm


@pytest.fixture
def busy(make_house: MakeHouse) -> House:
    """A relay that has seen a bit of everything."""
    house = make_house(generation(carriers={"alpha": carrier(window=2)}))
    client = house.client()
    house.client(password="wrong")
    for _ in range(2):
        client.submit()
    house.receipt("1")
    house.receipt("404")
    client.submit(destination_addr="nobody")
    house.answer = lambda name, pdu: (0x0B, "")
    client.submit()
    house.upstream().deliver(DeliverSm(source_addr=HANDSET, destination_addr="999", short_message=b"hi"))
    house.answer = lambda name, pdu: None
    for _ in range(4):
        client.submit()
    house.advance(3)
    return house


def samples(house: House) -> dict[tuple[Any, ...], float]:
    node: Any = SimpleNamespace(relay=house.relay, store=house.store, generation=house.settings)
    text = exposition(node).decode()
    assert HANDSET not in text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_counters(busy: House) -> None:
    found = samples(busy)
    for name, value in {
        ("gateway_account_messages_total", "bank", "accepted"): 7,
        ("gateway_account_messages_total", "bank", "refused:ESME_RINVDSTADR"): 1,
        ("gateway_account_messages_total", "bank", "ended:DELIVERED"): 1,
        ("gateway_account_messages_total", "bank", "ended:REJECTED"): 1,
        ("gateway_account_outbox_answers_total", "bank", "taken"): 2,
        ("gateway_account_sessions", "bank"): 1,
        ("gateway_account_outbox", "bank"): 0,
        ("gateway_carrier_answers_total", "alpha", "ESME_ROK"): 2,
        ("gateway_carrier_answers_total", "alpha", "ESME_RINVDSTADR"): 1,
        ("gateway_carrier_binds", "alpha"): 1,
        ("gateway_carrier_outstanding", "alpha"): 2,
        ("gateway_carrier_unfinished", "alpha"): 1,
        ("gateway_receipts_total", "matched"): 1,
        ("gateway_receipts_total", "unmatched"): 1,
        ("gateway_receipts_total", "unowned"): 1,
        ("gateway_binds_refused_total", "wrong password"): 1,
        ("gateway_messages", "SENT"): 1,
        ("gateway_messages", "SENDING"): 2,
        ("gateway_messages", "WAITING"): 2,
        ("gateway_queue",): 2,
        ("gateway_queue_oldest_seconds",): 3,
        ("gateway_unmatched_receipts",): 1,
        ("gateway_connections",): 1,
        ("gateway_generation",): 1,
        ("gateway_store_failing",): 0,
        ("gateway_commit_queued",): 0,
    }.items():
        assert found.get(name) == value, name
    assert found["gateway_commits_total",] > 5
    assert found["gateway_store_bytes", "database"] > 0


@pytest.mark.parametrize(
    ("histogram", "label", "count"),
    [("gateway_submit_seconds", "bank", 7), ("gateway_carrier_seconds", "alpha", 3)],
)
def test_histograms_add_up(busy: House, histogram: str, label: str, count: int) -> None:
    found = samples(busy)
    buckets = {name[2]: value for name, value in found.items() if name[:2] == (f"{histogram}_bucket", label)}
    assert buckets["+Inf"] == found[f"{histogram}_count", label] == count
    assert list(buckets.values()) == sorted(buckets.values())


def test_a_failing_store_shows(busy: House) -> None:
    busy.driver.broken = True
    busy.client("bank").submit()
    assert samples(busy)["gateway_store_failing",] == 1
