"""Sensitive words edited on a running gateway, by the command line and at its control endpoint."""

from __future__ import annotations

import csv
import http.client
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from whole_clients import Legacy, handset
from whole_house import PASSWORD, Build, House, Upstream, wait_until

from gateway.cli import app
from gateway.filters.wordlists import load_wordlists


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    return build(
        accounts={"bank": {"filters": {"words": "enforce"}}},
        carriers={"alpha": Upstream()},
        routes=[{"name": "default", "carriers": ["alpha"]}],
        words=["#: severity=reject", "jackpot", "casino"],
    ).start()


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHOLE_PASSWORD", PASSWORD)


def call(house: House, *arguments: str, code: int = 0) -> tuple[str, str]:
    """Standard output and standard error of a command that ends with `code`, run in this process."""
    done = CliRunner().invoke(app, [*arguments, "--config", str(house.config)])
    assert done.exit_code == code, (done.output, done.exception)
    return done.stdout, done.stderr


def post(house: House, path: str, document: object, kind: str = "application/json") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", house.control, timeout=60)
    connection.request("POST", f"/{path}", json.dumps(document), {"content-type": kind})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def edit(house: House, *edits: dict[str, str], by: str = "Ann") -> Any:
    code, answer = post(house, "words/edit", {"edits": edits, "by": by})
    assert code == 200, answer
    return answer


def state(house: House, text: str) -> str:
    """What becomes of a text: DELIVRD or REJECTD."""
    with Legacy(house.port) as bank:
        receipt = bank.receipt(bank.submit(handset(), text.encode()))
    return {2: "DELIVRD", 8: "REJECTD"}[receipt.message_state]


def hits(house: House, text: str) -> list[tuple[str, str]]:
    _, answer = post(house, "words/test", {"text": text})
    return [(hit["severity"], Path(hit["place"]).name) for hit in answer["hits"]]


def test_an_added_word_is_refused_at_once_and_the_record_names_who_added_it(house: House) -> None:
    assert state(house, "win the tombola") == "DELIVRD"
    asked = ("--severity", "reject", "--tag", "gambling", "--by", "Ann", "--why", "a complaint")
    _, said = call(house, "words", "add", "tombola", *asked)
    assert "in force: edit 1" in said
    assert state(house, "win the TOM BOLA, t o m b o l a") == "REJECTD"
    with Legacy(house.port) as bank:
        message_id = bank.submit(handset(), b"tombola!")
        assert bank.receipt(message_id).message_state == 8
    told = "".join(call(house, "message", message_id))
    assert re.search(r"words: refuse, content_blocked by rule 'tombola' \(edit:1\)", told)
    assert re.search(r"'tombola' at 0-7, view W \[gambling\]; added by edit 1 by Ann at 20\S+", told)
    explained = call(house, "explain", "tombola", "--as", "bank", "--to", "8619912340001")[0]
    assert "added by edit 1 by Ann" in explained


def test_a_word_of_a_file_is_taken_out_and_put_back(house: House) -> None:
    assert state(house, "jackpot") == "REJECTD"
    call(house, "words", "remove", "JACKPOT", "--by", "Bob", "--why", "a hotel's name")
    assert state(house, "jackpot") == "DELIVRD"
    call(house, "words", "restore", "jackpot")
    assert state(house, "jackpot") == "REJECTD"
    edit(house, {"action": "severity", "word": "jackpot", "severity": "warn"}, by="Cid")
    with Legacy(house.port) as bank:
        message_id = bank.submit(handset(), b"jackpot")
        assert bank.receipt(message_id).message_state == 2
    told = "".join(call(house, "message", message_id))
    assert re.search(r"words: warn by rule 'jackpot' \(\S+words.txt:2\)", told)
    assert re.search(r"warn in place of reject by edit \d+ by Cid at 20", told)
    call(house, "words", "restore", "jackpot")


def test_a_reload_and_a_restart_keep_edits(house: House) -> None:
    edit(
        house,
        {"action": "add", "word": "raffle", "severity": "hold"},
        {"action": "remove", "word": "casino"},
        {"action": "add", "word": "jackpot hotel", "severity": "allow"},
    )
    before = [("hold", "edit")]
    text = "raffle casino jackpot hotel"
    expected = [(severity, place.partition(":")[0]) for severity, place in hits(house, text)]
    assert expected == before
    house.words = ["# another line", *house.words, "new one"]
    (house.config / "words.txt").write_text("\n".join(house.words) + "\n", "utf-8")
    call(house, "reload")
    assert [severity for severity, _ in hits(house, text)] == ["hold"]
    assert hits(house, "new one") == [("reject", "words.txt:5")]
    house.stop_gateway()
    offline = json.loads(call(house, "words", "test", text, "--json")[0])
    assert offline["by"].endswith("no gateway runs")
    assert [hit["severity"] for hit in offline["hits"]] == ["hold"]
    house.start_gateway()
    house.all_bound()
    assert [severity for severity, _ in hits(house, text)] == ["hold"]
    call(house, "words", "restore", "casino")
    assert hits(house, "casino") == [("reject", "words.txt:4")]


def test_who_did_what_and_why_is_told(house: House) -> None:
    edit(house, {"action": "add", "word": "sweepstake", "scope": "category:promotional"}, by="Dan")
    edit(house, {"action": "remove", "word": "sweepstake", "until": "2027-01-31"}, by="Eve")
    told = json.loads(call(house, "words", "history", "SWEEP stake", "--json")[0])
    assert [(one["by"], one["action"], one["fields"]) for one in told] == [
        ("Eve", "remove", {"until": "2027-01-31"}),
        ("Dan", "add", {"scope": "category:promotional"}),
    ]
    assert "sweepstake" in call(house, "words", "history", "--limit", "1")[0]
    (shown,) = json.loads(call(house, "words", "show", "sweepstake", "--json")[0])
    assert (shown["in_force"], shown["again"]) == ("no", "2027-01-31T00:00:00+00:00")
    call(house, "words", "show", "nowhere", code=1)


def test_what_cannot_be_is_said(house: House) -> None:
    assert "no entry has the word 'unheard of'" in call(house, "words", "remove", "unheard of", code=1)[1]
    assert "severity 'fatal'" in call(house, "words", "add", "x y z", "--severity", "fatal", code=1)[1]
    assert "no account is of a tenant" in call(house, "words", "add", "x", "--scope", "tenant:No", code=1)[1]
    assert post(house, "words/edit", {"edits": [], "by": "Ann"})[0] == 422
    assert post(house, "words/edit", {"edits": [{"action": "add", "word": "x"}], "by": 7})[0] == 422
    assert post(house, "words/edit", {"edits": [{"action": "add", "word": 7}], "by": "Ann"})[0] == 422
    assert post(house, "words/edit", {}, "text/plain")[0] == 415
    many = "|".join(f"word{n}" for n in range(10_000))
    refused = edit(house, {"action": "add", "word": "x", "unless": many})["refused"]
    assert refused == [[0, "has 10,000 context words; at most 100 are looked for"]]


def test_a_list_is_brought_in_as_log_only(house: House, tmp_path: Path) -> None:
    source = tmp_path / "public.csv"
    source.write_text("id,word\n1,bingo hall\n2,BINGO-HALL\n3,ok\n4,赌\n5,!!\n6,博彩\n", "utf-8")
    report = tmp_path / "left.csv"
    asked = ("--as", "public", "--language", "en", "--report", str(report))
    _, said = call(house, "words", "import", str(source), *asked)
    assert "public.txt: 2 words, log only" in said
    assert f"{source}:4: 'ok' has 2 letters and digits, 3 at least mean something" in said
    assert "1 double, 2 short, 0 long, 1 empty" in said
    rows = list(csv.DictReader(io.StringIO(report.read_text("utf-8"))))
    assert [(row["line"], row["kind"]) for row in rows] == [
        ("3", "double"),
        ("4", "short"),
        ("5", "short"),
        ("6", "empty"),
    ]
    assert "is there already" in call(house, "words", "import", str(source), "--as", "public", code=2)[1]
    house.dump("filters.yaml", {"words": {"mode": "enforce", "files": ["words.txt", "words/public.txt"]}})
    call(house, "reload")
    assert hits(house, "the bingo hall") == [("log", "public.txt:3")]
    assert state(house, "the bingo hall") == "DELIVRD"
    listed = {one["list"]: one for one in json.loads(call(house, "words", "list", "--json")[0])}
    assert (listed["words/public.txt"]["entries"], listed["words/public.txt"]["log"]) == (2, 2)
    assert listed["edits"]["allow"] == 1
    text = call(house, "words", "test", "bingo hall")[0]
    assert re.search(r"log +enforce +bingo hall +bingo hall +0-10 +W .*public\.txt:3", text)
    call(house, "words", "test", "nothing", code=1)


def test_what_is_exported_is_a_list(house: House, tmp_path: Path) -> None:
    call(house, "words", "add", "a|b #c", "--unless", "police", "--expires", "2027-01-31", "--flag", "evade")
    exported = tmp_path / "exported.csv"
    exported.write_text(call(house, "words", "export")[0], "utf-8")
    words, problems = load_wordlists([exported])
    assert not problems
    found = {entry.word: entry for entry in words.entries()}
    assert {"jackpot", "tombola", "raffle", "bingo hall", "a|b #c"} <= found.keys()
    entry = found["a|b #c"]
    assert (entry.unless, entry.expires, entry.flags.name) == (("police",), 1801353600.0, "EVADE")
    only = call(house, "words", "export", "--list", "words/public.txt", "--severity", "log")[0]
    assert len(only.splitlines()) == 3


def test_edits_are_counted(house: House) -> None:
    page = wait_until(lambda: house.page("metrics")[1], "metrics")
    assert 'gateway_word_edits_total{action="restore"} 1.0' in page
    assert re.search(r"^gateway_word_entries [1-9]", page, re.M)
