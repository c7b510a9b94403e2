"""Reloads while traffic flows: what cannot be used changes nothing, large tables come into force, and no
message is lost, doubled or refused for it.
"""

from __future__ import annotations

import itertools
import random
import signal
from collections import Counter
from threading import Event, Thread

import pytest
from whole_clients import bound, handset, stat, submit
from whole_house import Build, House, Upstream, call, wait_until

PREFIXES, REGIONS, RULES = 100_000, 2_000, 500
HEAD = "8616"

_counted = itertools.count(1)


class Flow(Thread):
    """A client that sends without a pause, in small batches, until it is told to stop, and then has the
    receipt of each. `accepted`: by id, with which text; no two of a house have the same.
    """

    def __init__(self, house: House) -> None:
        super().__init__(daemon=True)
        self.house = house
        self.accepted: dict[str, bytes] = {}
        self.refused: list[int] = []
        self.ends: Counter[str] = Counter()
        self.more = -1
        self._over = Event()
        self._random = random.Random(5)

    def run(self) -> None:
        with bound(self.house.port) as esme:
            while not self._over.is_set():
                prefixes = [f"{HEAD}{self._random.randrange(PREFIXES):05d}" for _ in range(20)]
                numbers = [f"{prefix}{handset('')[-4:]}" for prefix in prefixes]
                texts = [b"hello, the %dth" % next(_counted) for _ in numbers]
                for text, sent in zip(texts, esme.send(*map(submit, numbers, texts)), strict=True):
                    response = esme.response(sent)
                    if response.command_status:
                        self.refused.append(response.command_status)
                    else:
                        self.accepted[response.message_id] = text
            for one in self.accepted:
                self.ends[stat(esme.receipt(one))] += 1
            self.more = len(esme.rest(0.5))

    def stop(self) -> None:
        """Send no more; judged by what client and carriers have seen."""
        self._over.set()
        self.join(120)
        assert not self.is_alive(), "its receipts did not all come"
        assert self.refused == []
        assert self.ends == {"DELIVRD": len(self.accepted)}
        assert self.more == 0, "a receipt came twice"
        taken = Counter(seen.pdu.short_message for seen in self.house.captured())
        assert [text for text in self.accepted.values() if taken[text] != 1] == [], "each was taken once"


def flowing(house: House) -> Flow:
    flow = Flow(house)
    flow.start()
    wait_until(lambda: len(flow.accepted) > 100, "messages flow")
    return flow


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    return build(
        accounts={"bank": {"window": 1000}},
        carriers={"alpha": Upstream({}, {"window": 200}), "beta": Upstream({}, {"window": 200})},
        routes=[{"name": "default", "carriers": ["alpha", "beta"]}],
    ).start()


def further(flow: Flow, many: int = 200) -> None:
    """Until so many more have been accepted."""
    goal = len(flow.accepted) + many
    wait_until(lambda: len(flow.accepted) >= goal, "messages flow on")


def test_what_cannot_be_used_changes_nothing_under_load(house: House) -> None:
    generation = house.status()["generation"]
    flow = flowing(house)
    names = ("routing.yaml", "accounts.yaml", "carriers.yaml", "gateway.yaml")
    good = {name: (house.config / name).read_text("utf-8") for name in names}
    for name, text in good.items():
        for bad in (f"{text}\nno_such_key: 1\n", f"{text}\n\t- unclosed: [", f"{text[: len(text) // 2]}\0"):
            refused = house.log().count("was not taken")
            (house.config / name).write_text(bad, "utf-8")
            house.signal(signal.SIGHUP)
            wait_until(lambda refused=refused: house.log().count("was not taken") > refused, "it is refused")
            assert name in house.log().rsplit("was not taken", 1)[1]
            further(flow, 50)
        (house.config / name).write_text(text, "utf-8")
    assert house.status()["generation"] == generation
    flow.stop()
    assert {seen.carrier for seen in house.captured()} == {"alpha"}


def tables(house: House, seed: int) -> None:
    """100,000 prefixes with regions and two carriers' prices, and 500 rules that go by them."""
    chance = random.Random(seed)
    prefixes = [f"{HEAD}{at:05d}" for at in range(PREFIXES)]
    regions = "".join(f"{prefix},zone{chance.randrange(REGIONS)}\n" for prefix in prefixes)
    (house.config / "regions.csv").write_text(f"prefix,region\n{regions}", "utf-8")
    for carrier in ("alpha", "beta"):
        prices = "".join(f"{prefix},0.0{chance.randrange(1, 900):03d},EUR,\n" for prefix in prefixes)
        (house.config / f"{carrier}.csv").write_text(f"prefix,price,currency,from\n{prices}", "utf-8")
    rules = [
        {
            "name": f"rule{at}",
            "match": {"region": [f"zone{at * 4 + each}" for each in range(4)]},
            "choose": "cost",
            "carriers": ["alpha", "beta"],
        }
        for at in range(RULES - 1)
    ]
    named = {"regions": "regions.csv", "prices": {name: f"{name}.csv" for name in ("alpha", "beta")}}
    last = {"name": "default", "carriers": ["alpha", "beta"]}
    house.dump("routing.yaml", {"routes": [*rules, last], "tables": named})


def test_large_tables_and_many_rules_come_into_force_under_load(house: House) -> None:
    flow = flowing(house)
    before = house.status()["generation"]
    for seed in range(3):
        tables(house, seed)
        if seed == 1:
            house.signal(signal.SIGHUP)
        else:
            call(house, "reload")
        generation = before + seed + 1
        wait_until(
            lambda generation=generation: house.status()["generation"] == generation, f"reload {seed}", 60
        )
        further(flow)
    flow.stop()
    routes = Counter(
        line.split("'")[1]
        for one in list(flow.accepted)[-4:]
        for line in call(house, "message", one)[0].splitlines()
        if line.lstrip().startswith("route ")
    )
    assert sum(routes.values()) == 4
    assert set(routes) != {"default"}, "the rules of the tables decide"
    assert {seen.carrier for seen in house.captured()} == {"alpha", "beta"}


def test_a_fault_in_line_100000_of_a_table_changes_nothing_under_load(house: House) -> None:
    generation = house.status()["generation"]
    flow = flowing(house)
    path = house.config / "regions.csv"
    path.write_text(path.read_text("utf-8").rstrip("\n") + "\nno number,zone1\n", "utf-8")
    said = "".join(call(house, "reload", code=2))
    assert f"regions.csv:{PREFIXES + 2}:1" in said
    further(flow)
    flow.stop()
    assert house.status()["generation"] == generation
