"""explain for another moment: hours of people and of routes, by the running gateway and by the files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from whole_house import House, Upstream, call

TO = "447700900123"
PACK = {
    "pack": "GB",
    "version": "2026-01-01",
    "countries": ["GB"],
    "zone": "Europe/London",
    "windows": [
        {
            "rule": "day",
            "sure": "S",
            "authority": "law",
            "open": [{"days": "daily", "from": "08:00", "to": "20:00"}],
        }
    ],
}
NIGHT = {"zone": "Europe/London", "since": "20:00", "until": "08:00"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(
        tmp_path_factory.mktemp("at"),
        accounts={"shop": {"filters": {"quiet": "enforce"}, "category": "promotional"}, "bank": {}},
        carriers={"alpha": Upstream(), "beta": Upstream()},
        routes=[
            {"name": "night", "match": {"hours": [NIGHT]}, "carriers": ["beta"]},
            {"name": "day", "carriers": ["alpha"]},
        ],
    )
    made.dump("people.yaml", {"rules": "rules"})
    (made.config / "rules").mkdir()
    made.dump("rules/GB.yaml", PACK)
    made.start()
    yield made
    made.stop()


def explained(house: House, account: str, at: str) -> dict[str, Any]:
    said = call(house, "explain", "--as", account, "--to", TO, "--at", at, "--json", "An offer")[0]
    return dict(json.loads(said))


def check(house: House, by: str) -> None:
    noon, night = "2026-03-10T12:00Z", "2026-03-10T23:30Z"
    assert explained(house, "bank", noon)["route"]["name"] == "day"
    assert explained(house, "bank", night)["route"]["name"] == "night"
    told = explained(house, "shop", noon)
    assert (told["verdict"], told["client"]["state"]) == ("allow", "WAITING")
    told = explained(house, "shop", night)
    assert told["by"].startswith(by)
    assert (told["verdict"], told["at"]) == ("defer", "2026-03-10T23:30:00+00:00")
    assert told["client"]["state"] == "DEFERRED"
    assert told["client"]["leaves"].startswith("2026-03-11T08:")
    assert told["route"]["name"] == "day", "the route of the morning"
    assert told["shown_for"] == "alpha"
    assert explained(house, "shop", "2026-07-01T20:30+01:00")["verdict"] == "defer"


def test_by_the_running_gateway_and_by_the_files(house: House) -> None:
    check(house, "the running gateway")
    said = call(house, "explain", "--as", "shop", "--to", TO, "--at", "2026-03-10T23:30Z", "An offer")[0]
    assert "as of 2026-03-10T23:30:00+00:00; nothing was sent" in said
    assert "that of now" in said
    assert "day" in said
    house.stop_gateway()
    check(house, "the files")
    wrong = call(house, "explain", "--as", "shop", "--to", TO, "--at", "tonight", "x", code=2)[1]
    assert wrong.startswith("--at tonight: neither a date")
