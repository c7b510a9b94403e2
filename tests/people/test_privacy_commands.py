"""The commands that show, record and protect what is known of people, on a real node."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from people_node import PeopleNode, make_node

PERSON = "8619912340001"
MASKED = "861****0001"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Any:
    found = make_node(tmp_path_factory.mktemp("privacy"))
    yield found
    found.stop()


def run(node: PeopleNode, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments, "--config", str(node.house.config)],
        capture_output=True,
        text=True,
        timeout=60,
        env=node.environ | {"LOGNAME": "ann"},
        check=False,
    )


def data(node: PeopleNode, *arguments: str) -> Any:
    done = run(node, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def store_of(node: PeopleNode) -> Path:
    return node.house.directory / "state" / "gateway.db"


def test_what_is_asked_from_outside_is_put_on_record(node: PeopleNode) -> None:
    assert run(node, "suppress", "add", PERSON, "--tenant", "Shop").returncode == 0
    assert run(node, "reload").returncode == 0
    youngest, before = data(node, "audit", "list")[:2]
    assert (youngest["act"], youngest["actor"], youngest["detail"]) == ("reload", "ann", "reload")
    assert (before["act"], before["number"]) == ("suppress", MASKED)
    assert before["subject"] == "tenant_optout Shop commands"


def test_unmasking_wants_a_purpose_and_is_recorded_first(node: PeopleNode) -> None:
    refused = run(node, "audit", "list", "--unmask")
    assert refused.returncode == 2
    assert "purpose" in refused.stderr
    asked = ("audit", "list", "--act", "suppress", "--unmask", "--purpose", "complaint 17")
    assert data(node, *asked)[0]["number"] == PERSON
    (record,) = data(node, "audit", "list", "--act", "unmask")
    assert (record["actor"], record["purpose"]) == ("ann", "complaint 17")


def test_a_record_that_is_changed_is_seen(node: PeopleNode) -> None:
    head = data(node, "audit", "verify")["head"]
    assert run(node, "audit", "verify", "--head", head).returncode == 0
    with sqlite3.connect(store_of(node)) as database:
        database.execute("UPDATE audit SET act = 'nothing' WHERE position = 1")
    flawed = run(node, "audit", "verify")
    assert flawed.returncode == 1
    assert "record 1: it is not what was recorded" in flawed.stderr
    with sqlite3.connect(store_of(node)) as database:
        database.execute("UPDATE audit SET act = 'suppress' WHERE position = 1")
    assert run(node, "audit", "verify").returncode == 0
