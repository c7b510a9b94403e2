"""The commands that show, record and protect what is known of people, on a real node."""

from __future__ import annotations

import json
import signal
import sqlite3
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from people_node import PeopleNode, make_node
from typer.testing import CliRunner
from whole_house import PASSWORD, wait_until

from gateway.cli import app

PERSON = "8619912340001"
MASKED = "861****0001"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Any:
    found = make_node(tmp_path_factory.mktemp("privacy"))
    yield found
    found.stop()


class Done(NamedTuple):
    """What a command has come to."""

    returncode: int
    stdout: str
    stderr: str


def run(node: PeopleNode, *arguments: str) -> Done:
    """Run a command in this process: most of its time as one of its own would be imports."""
    runner = CliRunner(env={**node.environ, "LOGNAME": "ann"})
    done = runner.invoke(app, [*arguments, "--config", str(node.house.config)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return Done(done.exit_code, done.stdout, done.stderr)


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


ASKED = ("--purpose", "request 7")


def send(node: PeopleNode, to: str, text: str = "【银行】您的验证码 123456") -> str:
    done = run(node, "send", text, "--as", "bank", "--to", to, "--password", PASSWORD, "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["segments"][0]["message_id"])


def test_what_is_known_of_a_person_is_shown_masked_and_exported_whole(
    node: PeopleNode, tmp_path: Path
) -> None:
    person = "8619912340011"
    sent = send(node, person)
    tenant = ("--tenant", "Shop")
    right = ("--kind", "granted", "--basis", "express", "--evidence", "form 3", "--program", "offers")
    assert run(node, "privacy", "correct", person, *tenant, *right).returncode == 0
    assert run(node, "suppress", "add", person, *tenant, "--type", "category_optout").returncode == 0
    shown = data(node, "privacy", "show", person)
    assert person not in json.dumps(shown)
    assert "text" not in shown["messages"][0]
    assert shown["consents"][0]["evidence"] == "form 3"
    file = tmp_path / "person.zip"
    assert run(node, "privacy", "export", person, "--to", str(file), *ASKED).returncode == 0
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as archive:
        messages = json.loads(archive.read("messages.json"))
        lists = json.loads(archive.read("lists.json"))
        records = json.loads(archive.read("records.json"))
    assert [(m["id"], m["to"], m["text"]) for m in messages] == [(sent, person, "【银行】您的验证码 123456")]
    assert [entry["type"] for entry in lists] == ["category_optout"]
    assert {record["act"] for record in records} >= {"suppress", "consent", "unmask"}
    assert run(node, "privacy", "export", person, "--to", str(file), *ASKED).returncode == 1  # it is there


def test_an_erased_person_is_nowhere_but_on_the_lists(node: PeopleNode) -> None:
    person = "8619912340012"
    sent = send(node, person)
    tenant = ("--tenant", "Shop")
    for kind, basis in (("granted", "express"), ("revoked", "")):
        right = ("--kind", kind, "--basis", basis, "--evidence", "by letter")
        assert run(node, "privacy", "correct", person, *tenant, *right).returncode == 0
    told = data(node, "privacy", "erase", person, *ASKED)
    assert (told["messages"], told["consents"], told["suppressions_added"]) == (1, 2, 1)
    shown = data(node, "privacy", "show", person, "--unmask", *ASKED)
    assert (shown["messages"], shown["consents"]) == ([], [])
    assert [entry["evidence"] for entry in shown["lists"]] == ["kept at erasure"]
    (message,) = data(node, "message", sent)
    assert (message["to"], message["state"], message["decision"]["erased"]) == ("****", "DELIVERED", True)
    assert run(node, "consent", "verify").returncode == 0
    assert run(node, "audit", "verify").returncode == 0
    (record,) = data(node, "audit", "list", "--act", "erase")
    assert person not in json.dumps(record)
    assert record["subject"].startswith("#")


def test_what_is_held_is_not_erased(node: PeopleNode) -> None:
    person = "8619912340013"
    send(node, person)
    held = run(node, "hold", "add", "--number", person, "--reason", "court order 9")
    assert held.returncode == 0, held.stderr
    assert data(node, "privacy", "erase", person, *ASKED)["messages_held"] == 1
    (hold,) = data(node, "hold", "list")
    assert (hold["number"], hold["reason"], hold["by"]) == ("861****0013", "court order 9", "ann")
    counted = data(node, "purge", "--dry-run")
    assert (counted["messages"], counted["consents"], counted["records"]) == (0, 0, 0)
    assert run(node, "hold", "lift", str(hold["id"]), "--reason", "court order 11").returncode == 0
    assert data(node, "hold", "list") == []
    assert data(node, "privacy", "erase", person, *ASKED)["messages"] == 1


def test_who_objects_is_promoted_nothing_and_still_gets_codes(node: PeopleNode) -> None:
    person = "8619912340014"
    done = run(node, "privacy", "object", person, "--tenant", "Shop", "--evidence", "by telephone")
    assert done.returncode == 0, done.stderr
    explained = run(
        node, "explain", "【商店】sale 拒收请回复R", "--as", "shop", "--to", person, "--from", "10690002"
    )
    assert "opted_out" in explained.stdout
    send(node, person)


def test_nobody_reads_a_number_or_a_text_on_disk(node: PeopleNode) -> None:
    person = "8619912340015"
    send(node, person, "【银行】secret words 123456")
    files = [store_of(node), store_of(node).with_name("gateway.db-wal")]
    disk = b"".join(file.read_bytes() for file in files if file.exists())
    assert b"gateway" in disk or b"alpha" in disk
    assert person.encode() not in disk
    assert b"secret words" not in disk
    assert "secret words".encode("utf-16-be") not in disk
    assert person not in node.house.log()


def test_keys_are_turned_while_the_node_runs_and_is_killed(node: PeopleNode) -> None:
    people = [f"86199123400{number}" for number in range(16, 20)]
    sent = [send(node, person) for person in people]
    assert data(node, "keys", "show")["versions"] == [1]
    assert run(node, "keys", "rotate").returncode == 0
    node.house.stop_gateway(signal.SIGKILL)
    node.house.stop_carriers()
    node.start()

    def turned() -> Any:
        found = data(node, "keys", "show")
        return found if found["unused"] == [1] else None

    found = wait_until(turned, "everything is sealed by version 2")
    assert (found["newest"], found["versions"]) == (2, [1, 2])
    shown = [data(node, "privacy", "show", person)["messages"] for person in people]
    assert [message["id"] for messages in shown for message in messages] == sent
    assert run(node, "consent", "verify").returncode == 0
    assert run(node, "audit", "verify").returncode == 0
