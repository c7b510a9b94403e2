"""explain and replay: what would become of a message, on a running gateway and without one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_explain_generations import call
from whole_house import PASSWORD, House, Upstream

from gateway.explain import DryRun
from gateway.filters.chain import Chain
from gateway.routing.choosing import Health, View
from gateway.settings.load import load

TO = "8619912340001"
CASINO = "come to our CASINO tonight"
LONG = "a long text about nothing in particular, " * 6


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(
        tmp_path_factory.mktemp("explain"),
        accounts={
            "bank": {"filters": {"words": "enforce"}, "sources": ["1069*"]},
            "told": {"filters": {"words": "enforce"}, "refusals": "response"},
            "shadowed": {"filters": {"words": "shadow"}},
        },
        carriers={"alpha": Upstream(process="preferred"), "beta": Upstream()},
        routes=[{"name": "default", "carriers": ["alpha", "beta"]}],
        words=["#: severity=reject", "casino"],
    )
    house.start()
    yield house
    house.stop()


def explained(house: House, text: str, account: str = "bank", *more: str) -> dict[str, Any]:
    arguments = ("explain", "--as", account, "--to", TO, "--json", text, *more)
    return dict(json.loads(call(house, *arguments)[0]))


def test_a_refusal_is_explained_before_it_happens(house: House) -> None:
    told = explained(house, CASINO)
    (word,) = told["filters"]
    assert (word["filter"], word["action"], word["rule"]) == ("words", "refuse", "casino")
    assert word["place"].endswith("words.txt:2")
    assert "'CASINO' at 12-18" in word["detail"]
    assert told["views"]["S"] == "cometoourcasinotonight"
    assert told["verdict"] == "refuse"
    assert told["client"] == {
        "response": "ESME_ROK",
        "receipt": "REJECTD err:911",
        "reason": "content_blocked",
    }
    assert told["carrier"] == []
    assert explained(house, CASINO, "told")["client"]["response"] == "ESME_RSUBMITFAIL"
    assert explained(house, "hi", "bank", "--from", "999")["client"]["response"] == "ESME_RINVSRCADR"


def test_nothing_is_sent_booked_or_counted(house: House) -> None:
    before = house.status()["messages"], house.page("metrics")[1].count("gateway_verdicts_total{")
    told = explained(house, CASINO, "shadowed")
    assert (told["by"], told["verdict"]) == ("the running gateway", "allow")
    assert told["filters"][0]["mode"] == "shadow"
    assert told["route"]["carrier"] == "alpha"
    assert told["carrier"][0]["destination_addr"] == TO
    assert (house.status()["messages"], house.page("metrics")[1].count("gateway_verdicts_total{")) == before
    assert house.sent_to(TO) == []


def test_long_texts_and_carriers_that_are_down(house: House) -> None:
    assert explained(house, LONG)["segments"] == 2
    house.stop_carriers("preferred")
    told = explained(house, "hello")
    assert (told["route"]["carrier"], told["route"]["passed"]) == ("beta", {"alpha": "down"})
    said = call(house, "explain", "--as", "bank", "--to", TO, "hello")[0]
    assert "alpha is passed over: down" in said
    house.start_carriers("preferred")
    house.all_bound()


def test_what_cannot_be_explained(house: House) -> None:
    assert "no account 'nobody'" in call(house, "explain", "--as", "nobody", "--to", TO, "x", code=2)[1]
    assert "--to" in call(house, "explain", "--as", "bank", "x", code=2)[1]
    assert "no message 77" in call(house, "explain", "77", code=1)[1]


def replayed(house: House, against: Path, code: int) -> dict[str, Any]:
    said = call(house, "replay", "--against", str(against), "--since", "1h", "--json", code=code)[0]
    return dict(json.loads(said))


def test_the_past_by_another_configuration(house: House, tmp_path: Path) -> None:
    for text, account, code in (
        ("hello", "bank", 0),
        (CASINO, "bank", 1),
        (CASINO, "shadowed", 0),
        (LONG, "bank", 0),
        ("a loan for you", "bank", 0),
    ):
        call(house, "send", "--as", account, "--password", PASSWORD, "--to", TO, text, code=code)
    by_id = call(house, "explain", "2")[0]
    assert "by rule 'casino'" in by_id
    candidate = tmp_path / "candidate"
    shutil.copytree(house.config, candidate)
    same = replayed(house, candidate, 0)
    assert (same["judged"], same["changed"], same["not_judged"]) == (6, 0, {})
    (candidate / "words.txt").write_text("#: severity=reject\nloan\n", "utf-8")
    changed = replayed(house, candidate, 1)
    assert changed["changed"] == 2
    assert changed["kinds"] == {
        "refused: content_blocked -> passes": 1,
        "passes by route 'default', carrier alpha -> refused: content_blocked": 1,
    }
    assert [(each["to"], each["rule"]) for each in changed["changes"]] == [
        ("861****0001", "default"),
        ("861****0001", "loan"),
    ]
    said = call(house, "replay", "--against", str(candidate), code=1)[0]
    assert "6 judged again, 2 would change" in said
    (candidate / "routing.yaml").write_text("routes: [{name: one, carriers: [beta]}]\n", "utf-8")
    assert "carrier alpha -> passes by route 'one', carrier beta" in str(replayed(house, candidate, 1))
    shutil.copy(house.config / "words.txt", candidate / "words.txt")
    (candidate / "routing.yaml").write_text("routes: [{name: default, carriers: [beta, alpha]}]\n", "utf-8")
    other = replayed(house, candidate, 1)
    way = "passes by route 'default', carrier"
    assert other["kinds"] == {f"{way} alpha -> {way} beta": 5}, "another carrier is preferred"
    call(house, "canary", "start", str(candidate), "--share", "50%")
    call(house, "canary", "withdraw")
    assert replayed(house, candidate, 1)["kinds"] == other["kinds"], "a canary that was tried is not in force"
    words = house.config / "words.txt"
    kept = words.read_bytes()
    words.write_text("#: severity=reject\nloan\n", "utf-8")  # edited, and not in force
    assert replayed(house, house.config, 1)["changed"] == 2
    words.write_bytes(kept)
    (candidate / "routing.yaml").write_text("routes: nonsense\n", "utf-8")
    assert "routing.yaml" in call(house, "replay", "--against", str(candidate), code=2)[1]


def test_what_is_otherwise_by_the_configuration_in_force_too_is_no_change(
    house: House, tmp_path: Path
) -> None:
    """A word that was edited since, and a person on a list since."""
    same = tmp_path / "same"
    shutil.copytree(house.config, same)
    before = replayed(house, same, 0)
    call(house, "words", "add", "parcel", "--severity", "reject", "--by", "Ann")
    call(house, "words", "remove", "parcel", "--by", "Ann")
    call(house, "send", "--as", "bank", "--password", PASSWORD, "--to", TO, "your parcel is here")
    call(house, "words", "restore", "parcel", "--by", "Ann")
    after = replayed(house, same, 0)
    assert after["changed"] == 0
    assert after["judged"] == before["judged"]
    ((why, count),) = after["not_judged"].items()
    assert (why.split(":")[0], count) == ("the configuration in force says the same now", 1)
    call(house, "words", "remove", "parcel", "--by", "Ann")


def test_without_a_node_the_files_decide(house: House) -> None:
    house.stop_gateway()
    told = explained(house, CASINO)
    assert "no gateway runs" in told["by"]
    assert told["client"]["receipt"] == "REJECTD err:911"
    assert explained(house, "hello")["route"]["health_known"] is False
    house.start_gateway()


def test_candidates_their_prices_and_why_they_are_passed_over(tmp_path: Path) -> None:
    config = tmp_path / "priced"
    shutil.copytree(Path(__file__).parents[1] / "settings" / "base", config)
    (config / "alpha.csv").write_text("prefix,price,currency\n86,0.04,EUR\n")
    (config / "beta.csv").write_text("prefix,price,currency\n86,0.03,USD\n44,0.01,USD\n")
    (config / "routing.yaml").write_text(
        "routes:\n- name: cheap\n  choose: cost\n  carriers: [alpha, beta]\n"
        "tables: {prices: {alpha: alpha.csv, beta: beta.csv}}\nexchange: {USD: 0.9}\n"
    )
    settings = load(config, {"BANK": "bankpass", "ALPHA": "alphapwd"})
    health = {"alpha": Health.READY, "beta": Health.READY}
    view = View(lambda name: health[name], lambda name, found: f"{found.value} since noon")
    run = DryRun(settings, {}, chain_of=lambda account, category: Chain(), view=view)
    route = run.explain("bank", "10690001", "8619912340001", "x" * 200)["route"]
    assert (route["choose"], route["carriers"], route["carrier"]) == ("cost", ["beta", "alpha"], "beta")
    assert route["prices"] == {"alpha": "0.04 EUR", "beta": "0.03 USD"}
    assert route["segments"] == 2
    health["beta"] = Health.OUT
    route = run.explain("bank", "10690001", "8619912340001", "hello")["route"]
    assert (route["carrier"], route["passed"]) == ("alpha", {"beta": "out since noon"})
    route = run.explain("bank", "10690001", "447700900123", "hello")["route"]
    assert (route["carrier"], route["carriers"]) == ("alpha", ["beta", "alpha"])


def test_what_the_carrier_would_see(tmp_path: Path) -> None:
    """The PDUs as the first candidate's settings make them, segment by segment, or why there are none."""
    config = tmp_path / "rewritten"
    shutil.copytree(Path(__file__).parents[1] / "settings" / "base", config)
    (config / "routing.yaml").write_text("routes: [{name: all, carriers: [alpha, beta]}]\n")

    def told(preset: str, text: str, **rewrite: Any) -> dict[str, Any]:
        carriers = yaml.safe_load((config / "carriers.yaml").read_text("utf-8"))
        carriers["carriers"]["alpha"] |= {"preset": preset, "rewrite": rewrite}
        (config / "carriers.yaml").write_text(yaml.safe_dump(carriers))
        settings = load(config, {"BANK": "bankpass", "ALPHA": "alphapwd"})
        run = DryRun(settings, {}, chain_of=lambda account, category: Chain())
        return run.explain("bank", "10690001", TO, text)

    (pdu,) = told("ucs2-only", "hello", destination={"form": "plus"})["carrier"]
    assert (pdu["command"], pdu["destination_addr"], pdu["data_coding"]) == ("submit_sm", f"+{TO}", 8)
    assert (pdu["short_message"], pdu["text"]) == ("hello".encode("utf-16-be").hex(), "hello")
    pdus = told("sar-segments", "x" * 200)["carrier"]
    assert ["0x020f=01" in pdu["tlvs"] for pdu in pdus] == [True, False]
    unfit = told("india-dlt", "hello")
    assert (unfit["carrier"], unfit["unfit"]["status"]) == ([], "ESME_RMISSINGOPTPARAM")
