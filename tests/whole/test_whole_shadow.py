"""Rules and routes in shadow on the way of real traffic: nothing is held back or led elsewhere, and records,
counts and commands say what would have been.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml
from whole_clients import bound, handset, stat
from whole_house import House, Upstream, call

MANY = 12


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(
        tmp_path_factory.mktemp("shadow"),
        accounts={"bank": {"filters": {"words": "enforce", "suppressed": "enforce"}}},
        carriers={"alpha": Upstream(), "beta": Upstream()},
        routes=[
            {"name": "codes", "match": {"words": ["code"]}, "carriers": ["beta"], "mode": "shadow"},
            {"name": "default", "carriers": ["alpha"]},
        ],
        words=["#: severity=reject", "casino", "#: severity=reject mode=shadow", "roulette"],
    )
    listed = {"name": "dnd", "file": "dnd.txt", "type": "invalid", "mode": "shadow"}
    made.dump("people.yaml", {"lists": [listed]})
    (made.config / "dnd.txt").write_text("8613900000001\n", "utf-8")
    made.start()
    yield made
    made.stop()


def rules(house: House, *more: str) -> dict[tuple[str, str], dict[str, object]]:
    return {
        (line["filter"], line["rule"]): line for line in json.loads(call(house, "rules", "--json", *more)[0])
    }


def test_nothing_is_changed_by_what_is_in_shadow(house: House) -> None:
    sent = []
    with bound(house.port) as esme:
        for _ in range(MANY):
            number = handset("86151")
            sent.append((number, esme.submit(number, b"roulette code 12")))
        sent.append(("8613900000001", esme.submit("8613900000001", b"hello")))
        assert {stat(esme.receipt(one)) for _, one in sent} == {"DELIVRD"}
        refused = esme.submit(handset("86151"), b"casino and roulette")
        assert stat(esme.receipt(refused)) == "REJECTD"
    assert [seen.carrier for number, _ in sent for seen in house.sent_to(number)] == ["alpha"] * (MANY + 1)
    told = call(house, "message", sent[0][1])[0]
    assert "words: refuse (shadow: recorded only), content_blocked by rule 'roulette'" in told
    assert "'codes' (shadow: recorded only): carrier beta" in told


def test_its_counts_stand_beside_the_real_ones(house: House) -> None:
    found = rules(house)
    assert found["words", "roulette"] | {"place": ""} == {
        "filter": "words",
        "rule": "roulette",
        "acted": 0,
        "recorded": 0,
        "shadow": MANY + 1,
        "said": f"refuse {MANY + 1}",
        "place": "",
    }
    assert found["words", "roulette"]["place"] == "words.txt:4"
    assert (found["words", "casino"]["acted"], found["words", "casino"]["shadow"]) == (1, 0)
    assert found["route", "default"]["acted"] == MANY + 1
    assert (found["route", "codes"]["shadow"], found["route", "codes"]["said"]) == (MANY, f"beta {MANY}")
    assert found["suppressed", "invalid (file:dnd)"]["shadow"] == 1
    assert set(rules(house, "--shadow")) == {
        ("words", "roulette"),
        ("route", "codes"),
        ("suppressed", "invalid (file:dnd)"),
    }
    assert {name for name, _ in rules(house, "--filter", "route")} == {"route"}
    assert "roulette" in call(house, "rules", "--shadow")[0]
    metrics = house.page("metrics")[1]
    assert f'gateway_routed_total{{carrier="beta",mode="shadow",route="codes"}} {MANY}.0' in metrics
    assert f'gateway_routed_total{{carrier="alpha",mode="enforce",route="default"}} {MANY + 1}.0' in metrics
    shadow = 'gateway_verdicts_total{account="bank",action="refuse",filter="words",mode="shadow"}'
    assert f"{shadow} {MANY + 1}.0" in metrics


def test_explain_tells_of_it(house: House) -> None:
    ask = ("explain", "--as", "bank", "--to", handset("86151"), "roulette code 12")
    document = json.loads(call(house, *ask, "--json")[0])
    assert document["verdict"] == "allow"
    (word,) = [word for word in document["filters"] if word["filter"] == "words"]
    assert (word["mode"], word["action"], word["rule"]) == ("shadow", "refuse", "roulette")
    (route,) = document["shadow_routes"]
    assert (route["name"], route["carrier"]) == ("codes", "beta")
    assert route["place"].endswith("routing.yaml:2")
    people = call(house, *ask)[0]
    assert "refuse (shadow: recorded only)" in people
    assert "shadow: recorded only) would send it by beta" in people


def test_a_word_is_put_into_shadow_and_taken_out_of_it_at_run_time(house: House) -> None:
    call(house, "words", "severity", "casino", "--to", "reject", "--mode", "shadow", "--by", "Ann")
    call(house, "words", "severity", "roulette", "--to", "reject", "--mode", "enforce", "--by", "Ann")
    call(house, "words", "add", "blackjack", "--severity", "reject", "--shadow", "--by", "Ann")
    with bound(house.port) as esme:
        passed = esme.submit(handset("86151"), b"casino and blackjack")
        assert stat(esme.receipt(passed)) == "DELIVRD"
        refused = esme.submit(handset("86151"), b"roulette")
        assert stat(esme.receipt(refused)) == "REJECTD"
    assert call(house, "words", "test", "casino")[0].split("\n")[1].split()[:2] == ["reject", "shadow"]


def test_a_reload_puts_the_route_in_force(house: House) -> None:
    document = yaml.safe_load((house.config / "routing.yaml").read_text("utf-8"))
    del document["routes"][0]["mode"]
    house.dump("routing.yaml", document)
    call(house, "reload")
    number = handset("86151")
    with bound(house.port) as esme:
        assert stat(esme.receipt(esme.submit(number, b"code 12"))) == "DELIVRD"
    assert [seen.carrier for seen in house.sent_to(number)] == ["beta"]
