"""`gateway review`: what is asked of the node, and what people see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway import cli_review
from gateway.cli import app

HELD = {
    "number": 7,
    "id": "0000000007",
    "account": "shop",
    "from": "10690001",
    "to": "8619912340001",
    "category": "promotional",
    "accepted": "2026-09-21T14:13:20+00:00",
    "expires": "2026-09-23T14:13:20+00:00",
    "rules": ["words: odd"],
}
WORD = {"filter": "words", "action": "hold", "rule": "odd", "place": "words.txt:3", "detail": "'odd' at 0-3"}
SHOWN = HELD | {"tenant": "Shop", "text": "odd [b]text[/b]", "decision": {"words": [WORD]}}


class Node:
    """Stands for the running gateway."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.answer: tuple[int, dict[str, Any]] = 200, {}

    def __call__(self, config: Any, method: str, path: str, document: Any) -> tuple[int, dict[str, Any]]:
        assert method == "POST"
        self.asked.append((path, document))
        return self.answer


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    node = Node()
    monkeypatch.setattr(cli_review, "ask_node", node)
    return node


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["review", *arguments])


def test_list(node: Node) -> None:
    node.answer = 200, {"held": [HELD]}
    told = run("list", "--limit", "5")
    assert node.asked == [("review/list", {"limit": 5})]
    assert "7  shop  10690001 -> 861****0001  promotional" in told.output
    assert "words: odd" in told.output
    assert json.loads(run("list", "--json").output)[0]["to"] == "861****0001"


def test_nothing_is_held(node: Node) -> None:
    node.answer = 200, {"held": []}
    assert "nothing is held" in run("list").output


def test_show(node: Node) -> None:
    node.answer = 200, SHOWN
    told = run("show", "7").output
    assert "odd [b]text[/b]" in told
    assert "words: hold by rule 'odd' (words.txt:3) 'odd' at 0-3" in told
    assert "8619912340001" not in told + run("show", "7", "--json").output


@pytest.mark.parametrize("verb", ["approve", "refuse"])
def test_decide(node: Node, verb: str) -> None:
    node.answer = 200, {"state": "sending"}
    told = run(verb, "7", "--by", "Ann", "--note", "a pun")
    assert node.asked == [(f"review/{verb}", {"number": 7, "by": "Ann", "note": "a pun"})]
    assert "message 7 is sending now" in told.output
    run(verb, "7")
    assert node.asked[-1][1]["by"]


def test_what_is_not_held(node: Node) -> None:
    node.answer = 422, {"problem": "no message 9 is held"}
    told = run("approve", "9", "--by", "Ann")
    assert told.exit_code == 1
    assert "no message 9 is held" in told.output
