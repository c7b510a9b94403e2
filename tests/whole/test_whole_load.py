"""50,000 messages of two accounts over two carriers: no receipt lost, doubled or crossed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from whole_house import PASSWORD, Build, House, Upstream, wait_until

LIMIT = 240


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    """Each account prefers another carrier; both carriers fail, double and hurry a few of their receipts."""
    profile = {
        "outcomes": {"DELIVERED": 95, "UNDELIVERABLE": 4, "REJECTED": 1},
        "receipts": {"delay": {"uniform": ["0ms", "300ms"]}, "window": 1000, "bind": "any"},
        "rules": [
            {"match": {"every": 50}, "do": {"receipts": {"copies": 2}}},
            {"match": {"every": 49}, "do": {"receipts": {"before_response": True}}},
            {"match": {"every": 997}, "do": {"status": "ESME_RTHROTTLED"}},
        ],
    }
    retry = {"statuses": {"ESME_RTHROTTLED": {"tries": 100, "delay": "50ms", "pause": "50ms"}}}
    settings = {"window": 400, "retry": retry}
    binds = ({"mode": "transceiver", "count": 2},)
    return build(
        accounts={"bank": {"window": 1000}, "shop": {"window": 1000, "message_id": "hex"}},
        carriers={
            "alpha": Upstream(profile, settings, "alpha", binds),
            "beta": Upstream(profile, settings, "beta", binds),
        },
        routes=[
            {"name": "shop", "match": {"account": ["shop"]}, "carriers": ["beta", "alpha"]},
            {"name": "default", "carriers": ["alpha", "beta"]},
        ],
        capture=False,
    ).start()


def load(house: House, account: str, count: int, mix: str, first: int, mode: str) -> subprocess.Popen[bytes]:
    """Two sessions of one account that send as fast as they can."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "simulator", "load", "--json"),
            *("--to", f"tcp:127.0.0.1:{house.port}", "--as", account, "--password", PASSWORD),
            *("--sessions", "2", "--mode", mode, "--window", "200"),
            *("--count", str(count), "--mix", mix, "--to-first", str(first)),
        ],
        stdout=subprocess.PIPE,
    )


def report(running: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What came of it."""
    try:
        out, _ = running.communicate(timeout=LIMIT)
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()
    document: dict[str, Any] = json.loads(out)
    assert document["ok"], document
    assert running.returncode == 0
    return document


def test_no_receipt_is_lost_doubled_or_crossed(house: House) -> None:
    bank = load(house, "bank", 24_000, "gsm=80,ucs2=15,long=5", 8619910000000, "transceiver")
    shop = load(house, "shop", 24_000, "gsm=90,ucs2=9,long=1", 8619920000000, "split")
    reports = [report(bank), report(shop)]
    accepted = [one["accepted"] for one in reports]
    assert sum(accepted) >= 50_000
    assert [one["redelivered"] for one in reports] == [0, 0]
    for one in reports:
        assert set(one["receipts"]) == {"DELIVRD", "UNDELIV", "REJECTD"}
        assert sum(one["receipts"].values()) == one["accepted"]

    wait_until(lambda: house.status()["messages"].get("sent", 0) == 0, "nothing is left open")
    status = house.status()
    assert sum(status["messages"].values()) == sum(accepted)
    assert [account["outbox"] for account in status["accounts"].values()] == [0, 0]
    assert {carrier["unfinished"] for carrier in status["carriers"].values()} == {0}
    counters = [house.tell("counters", name)["carriers"][name] for name in ("alpha", "beta")]
    assert sum(carrier["accepted"] for carrier in counters) == sum(accepted)
    assert all(carrier["accepted"] > 1000 for carrier in counters)
    assert all(house.tell("faults", name)["count"] == {} for name in ("alpha", "beta"))
