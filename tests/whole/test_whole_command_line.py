"""Every verdict can be explained: what `send`, `message`, `status` and `reload` say of a running gateway."""

from __future__ import annotations

import json
from typing import Any

import pytest
from whole_house import PASSWORD, Build, House, Upstream, call, wait_until

TO = "8619912340001"
TEXT = "come to our CASINO tonight"


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    return build(
        accounts={"bank": {"filters": {"words": "enforce"}}, "shadowed": {"filters": {"words": "shadow"}}},
        carriers={"alpha": Upstream(process="preferred"), "beta": Upstream()},
        routes=[{"name": "default", "carriers": ["alpha", "beta"]}],
        words=["#: severity=reject", "casino"],
    ).start()


def send(house: House, text: str, account: str = "bank", code: int = 0) -> dict[str, Any]:
    """The only segment of a text that was sent."""
    arguments = ("send", "--as", account, "--password", PASSWORD, "--to", TO, "--json", text)
    (segment,) = json.loads(call(house, *arguments, code=code)[0])["segments"]
    return dict(segment)


def explained(house: House, message_id: str) -> dict[str, Any]:
    """What is known of a message."""
    (found,) = json.loads(call(house, "message", message_id, "--json")[0])
    return dict(found)


def test_a_refusal_names_its_rule_and_place(house: House) -> None:
    segment = send(house, TEXT, code=1)
    assert (segment["status"], segment["stat"]) == ("ESME_ROK", "REJECTD")
    found = explained(house, segment["message_id"])
    assert (found["state"], found["error"], found["carrier"]) == ("REJECTED", 911, None)
    assert found["decision"]["verdict"] == "refuse"
    (word,) = found["decision"]["words"]
    assert (word["filter"], word["rule"], word["reason"]) == ("words", "casino", "content_blocked")
    path, line = word["place"].rsplit(":", 1)
    assert path.startswith(str(house.config))
    assert line == "2"
    assert "CASINO" in word["detail"]
    said, _ = call(house, "message", segment["message_id"].lstrip("0"))
    assert "911 content_blocked" in said
    assert word["place"] in said.replace("\n", "")
    assert TO not in said


def test_a_word_in_shadow_is_on_record(house: House) -> None:
    segment = send(house, TEXT, "shadowed")
    found = explained(house, segment["message_id"])
    assert (found["state"], found["decision"]["verdict"]) == ("DELIVERED", "allow")
    assert [(word["mode"], word["action"]) for word in found["decision"]["words"]] == [("shadow", "refuse")]


def test_the_carriers_that_were_passed_over(house: House) -> None:
    segment = send(house, "hello")
    (step,) = explained(house, segment["message_id"])["trail"]
    assert (step["route"], step["carrier"], "passed" in step) == ("default", "alpha", False)
    house.stop_carriers("preferred")
    wait_until(lambda: not house.bound("alpha"), "alpha is down")
    segment = send(house, "hello")
    (step,) = explained(house, segment["message_id"])["trail"]
    assert (step["carrier"], step["passed"]) == ("beta", {"alpha": "down"})
    assert "alpha was down" in call(house, "message", segment["message_id"])[0]
    assert "down" in call(house, "status")[0]


def test_a_reload_says_what_is_wrong_and_what_holds(house: House) -> None:
    routing = house.config / "routing.yaml"
    before = routing.read_text("utf-8")
    routing.write_text(before.replace("alpha", "alfa"), "utf-8")
    _, said = call(house, "reload", code=2)
    assert "did you mean 'alpha'?" in said
    assert "the one before stays in force" in said
    assert "alfa" in call(house, "status")[0]
    routing.write_text(before, "utf-8")
    assert "generation 2 is in force" in call(house, "reload")[1]


def test_a_wrong_password_is_told_plainly(house: House) -> None:
    arguments = ("send", "--as", "bank", "--password", "wrong", "--to", TO, "x")
    _, said = call(house, *arguments, code=1)
    assert "ESME_RBINDFAIL" in said
