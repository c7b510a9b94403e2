"""Templates approved, paused and brought in on a running gateway, by the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from whole_clients import Legacy, handset
from whole_house import PASSWORD, Build, House, Upstream, call

REGISTRY = {
    "tenant": "Example",
    "templates": [
        {"name": "code", "text": "Your code is {code:digits(4-6)}"},
        {"name": "sale", "text": "Sale: {what:text(20)} today", "state": "paused"},
    ],
}
DLT = {"entity": "1101172974420810001", "headers": {"EXSHOP": []}}


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    house = build(
        accounts={"bank": {"filters": {"templates": "enforce"}}},
        carriers={"alpha": Upstream()},
        routes=[{"name": "default", "carriers": ["alpha"]}],
    )
    (house.config / "templates").mkdir()
    house.dump("templates/example.yaml", REGISTRY)
    settings = {"templates": {"directory": "templates"}, "dlt": {"tenants": {"Example": DLT}}}
    house.dump("filters.yaml", settings)
    return house.start()


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHOLE_PASSWORD", PASSWORD)


def state(house: House, text: str) -> str:
    with Legacy(house.port) as bank:
        receipt = bank.receipt(bank.submit(handset(), text.encode()))
    return {2: "DELIVRD", 8: "REJECTD"}[receipt.message_state]


def test_a_template_is_paused_and_approved_at_once(house: House) -> None:
    assert (state(house, "Your code is 1234"), state(house, "Sale: hats today")) == ("DELIVRD", "REJECTD")
    asked = ("--tenant", "Example", "--by", "Ann", "--why", "a complaint")
    assert "in force: edit 1" in call(house, "template", "pause", "code", *asked)[1]
    assert "in force: edit 2" in call(house, "template", "approve", "sale", *asked)[1]
    assert state(house, "Sale: hats today") == "DELIVRD"
    with Legacy(house.port) as bank:
        message_id = bank.submit(handset(), b"Your code is 1234")
        assert bank.receipt(message_id).message_state == 8
    told = "".join(call(house, "message", message_id))
    assert re.search(r"template_mismatch by rule 'code' \(example.yaml:3\)", told)
    assert re.search(r"the template is paused; paused by edit 1 by Ann at 20", told)
    assert "paused by edit 1 by Ann" in call(house, "template", "show", "code")[0]
    assert "edit_templates" in call(house, "audit", "list", "--json")[0]


def test_a_reload_and_a_restart_keep_edits(house: House) -> None:
    house.dump(
        "templates/example.yaml",
        REGISTRY | {"templates": [*REGISTRY["templates"], {"name": "n", "text": "new"}]},
    )
    call(house, "reload")
    assert [state(house, text) for text in ("new", "Sale: hats today", "Your code is 1234")] == [
        "DELIVRD",
        "DELIVRD",
        "REJECTD",
    ]
    house.stop_gateway()
    told = json.loads(call(house, "template", "test", "Sale: x today", "--tenant", "Example", "--json")[0])
    assert told["by"].endswith("no gateway runs")
    assert [one["passes"] for one in told["templates"]] == ["yes"]
    explained = call(house, "explain", "Your code is 1234", "--as", "bank", "--to", "8619912340001")[0]
    assert "paused by edit 1 by Ann" in explained
    house.start_gateway()
    house.all_bound()
    assert (state(house, "Sale: hats today"), state(house, "Your code is 1234")) == ("DELIVRD", "REJECTD")
    call(house, "template", "restore", "code", "--tenant", "Example")
    assert state(house, "Your code is 1234") == "DELIVRD"
    assert "Your code is {code:digits(4-6)}" in call(house, "template", "list")[0]


def test_templates_are_brought_in_paused_and_exported(house: House, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text("name,text,categories,state\nhello,Hello {n:name},,approved\nbad,{x,,\n", "utf-8")
    _, said = call(house, "template", "import", str(file), "--tenant", "Example", code=1)
    assert "line 3: text" in said
    assert "1 are brought in" in said
    assert state(house, "Hello Zoe") == "REJECTD"
    call(house, "template", "approve", "hello", "--tenant", "Example")
    assert state(house, "Hello Zoe") == "DELIVRD"
    text = call(house, "template", "export", "--tenant", "Example")[0]
    file.write_text(text, "utf-8")
    assert "hello,Hello {n:name},,approved,," in text
    _, said = call(house, "template", "import", str(file), "--tenant", "Example", "--check")
    assert re.search(r"\d would be brought in", said)


def test_a_file_of_a_register_is_brought_in(house: House, tmp_path: Path) -> None:
    file = tmp_path / "portal.csv"
    file.write_text(
        "Entity ID,Template ID,Template Name,Template Type,Header,Template Content,Status\n"
        "1101172974420810001,1107161234567890123,Order,Service Implicit,EXSHOP,Order {#var#} sent,Approved\n"
        "1101172974420810001,1107161234567890124,Other,Promotional,OTHERS,Other {#var#},Approved\n",
        "utf-8",
    )
    asked = ("--tenant", "Example", "--register", "--approved")
    _, said = call(house, "template", "import", str(file), *asked, code=1)
    assert "line 3: header OTHERS is not under the tenant's headers" in said
    (order,) = json.loads(call(house, "template", "show", "Order", "--json")[0])
    assert (order["id"], order["state"], order["headers"]) == ("1107161234567890123", "approved", "EXSHOP")
    assert order["text"] == "Order {v1:text(30)} sent"


def test_what_cannot_be_is_said(house: House) -> None:
    asked = ("--tenant", "Example")
    assert "no template 'nowhere'" in call(house, "template", "pause", "nowhere", *asked, code=1)[1]
    assert (
        "no account is of the tenant 'No'"
        in call(house, "template", "pause", "x", "--tenant", "No", code=1)[1]
    )
    assert "none of the templates" in call(house, "template", "test", "x", *asked, code=1)[1]
    assert "'No' has no templates" in call(house, "template", "test", "x", "--tenant", "No", code=2)[1]
    told = json.loads(call(house, "template", "history", "code", "--json")[0])
    assert [(one["action"], one["by"]) for one in told][-1] == ("pause", "Ann")
