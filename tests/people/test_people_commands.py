"""Commands about people on a real node: import, show, verify, lists, vetting, cases."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from people_node import PeopleNode, make_node
from testing_command import gateway
from whole_house import House

OLD, NEW = "8619912340001", "8619912340002"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Any:
    request = {"source": "10690002", "texts": {"zh": "【商店】同意请回复Y"}}
    tenants = {"Shop": {"program": "offers", "programs": {"offers": {"request": request}}}}
    found = make_node(tmp_path_factory.mktemp("commands"), tenants=tenants)
    yield found
    found.stop()


def run(node: PeopleNode, *arguments: str) -> subprocess.CompletedProcess[str]:
    return gateway(node.house.config, node.environ, *arguments)


def test_consents_are_imported_and_refused_rows_told(node: PeopleNode, tmp_path: Path) -> None:
    file = tmp_path / "consents.csv"
    lines = ["number,occurred_at,evidence", f"{OLD},2026-03-01,form 1", "12,2026-03-01,x", f"+{NEW},soon,x"]
    file.write_text("\n".join(lines) + "\n")
    report = tmp_path / "refused.csv"
    asked = ("--tenant", "Shop", "--program", "offers", "--basis", "express", "--report", str(report))
    done = run(node, "consent", "import", str(file), *asked)
    assert done.returncode == 1
    assert "1 events recorded, 2 rows refused" in done.stderr
    assert report.read_text().splitlines() == [
        "3,not a number with its calling code",
        "4,a date is written as 2026-03-01 or 2026-03-01T12:00:00Z",
    ]


def test_what_is_known_of_a_person_now_and_then(node: PeopleNode, tmp_path: Path) -> None:
    asked = ("consent", "show", OLD, "--tenant", "Shop")
    shown = json.loads(run(node, *asked, "--json").stdout)
    assert [(state["program"], state["status"]) for state in shown["states"]] == [("offers", "granted")]
    assert shown["events"][0]["evidence"] == "form 1"
    assert OLD not in json.dumps(shown)
    before = json.loads(run(node, "consent", "show", OLD, "--at", "2026-03-03", "--json").stdout)
    assert before["states"] == []  # it had been given, but nobody here knew
    (verdict,) = json.loads(run(node, *asked, "--at", "2026-03-03T04:00:00Z", "--json").stdout)["verdicts"]
    assert (verdict["answer"], verdict["words"][0]["rule"]) == ("no", "CN/express-with-proof")
    (verdict,) = shown["verdicts"]
    assert verdict["answer"] in ("yes", "waits")
    assert verdict["by"] == "generation 1"
    table = run(node, *asked, "--at", "2026-03-03T04:00:00Z").stdout
    assert "Shop offers promotional: no, by the files in" in table
    assert "http://www.outlooknewera.com" in table


def test_the_chain_is_verified_and_a_change_is_seen(node: PeopleNode) -> None:
    found = json.loads(run(node, "consent", "verify", "--json").stdout)
    assert found["Shop"]["flaws"] == []
    head = f"Shop={found['Shop']['head']}"
    assert run(node, "consent", "verify", "--head", head).returncode == 0
    assert run(node, "consent", "verify", "--head", "Shop=00").returncode == 1
    exported = [json.loads(line) for line in run(node, "consent", "export").stdout.splitlines()]
    assert [line["position"] for line in exported] == list(range(1, found["Shop"]["lines"] + 1))


def test_people_are_asked_once_for_their_consent(node: PeopleNode) -> None:
    asked = ("--tenant", "Shop", "--program", "offers", "--method", "web", "--evidence", "form 3")
    done = run(node, "consent", "request", "8619912340005", OLD, *asked)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"{OLD}: has agreed", "1 asked"]
    shown = json.loads(run(node, "consent", "show", "8619912340005", "--json").stdout)
    assert [(state["program"], state["status"]) for state in shown["states"]] == [("offers", "pending")]
    assert shown["events"][0]["evidence"] == "form 3"
    done = run(node, "consent", "request", "8619912340006", "--tenant", "Shop", "--program", "news")
    assert "people.yaml has no request for program 'news' of Shop" in done.stderr


def test_vetting_says_who_would_get_it_and_why_not(node: PeopleNode, tmp_path: Path) -> None:
    assert run(node, "suppress", "add", "86170*", "--type", "invalid").returncode == 0
    file = tmp_path / "list.txt"
    file.write_text(f"number\n{OLD}\n{NEW}\n8617012345678\n")
    done = run(node, "vet", str(file), "--as", "shop", "--text", "【商店】sale")
    rows = list(csv.reader(done.stdout.splitlines()))
    assert [(row[0], row[3]) for row in rows[1:]] == [("3", "no_consent"), ("4", "suppressed")]
    assert rows[0][2] in ("passes", "waits")
    assert OLD not in done.stdout


def test_lists_are_added_to_listed_and_taken_from(node: PeopleNode, tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("# complaints\n" + "".join(f"86199123{n:05}\n" for n in range(2500)) + "nonsense\n")
    done = run(node, "suppress", "import", str(file), "--type", "regulator_complaint")
    assert "2500 numbers on the list, 1 lines refused" in done.stderr
    lists = json.loads(run(node, "suppress", "list", "--json").stdout)
    assert [each["entries"] for each in lists if each["type"] == "regulator_complaint"] == [2500]
    (entry,) = json.loads(run(node, "suppress", "list", "8619912300007", "--json").stdout)
    assert (entry["name"], entry["added_by"]) == ("commands", "operator")
    assert run(node, "suppress", "remove", "8619912300007", "--type", "regulator_complaint").returncode == 0
    assert json.loads(run(node, "suppress", "list", "8619912300007", "--json").stdout) == []


def test_what_cannot_be_is_said(node: PeopleNode) -> None:
    done = run(node, "suppress", "add", OLD, "--type", "whim")
    assert (done.returncode, done.stderr.startswith("type must be one of")) == (1, True)
    done = run(node, "suppress", "add", OLD, "--tenant", "Nobody")
    assert "no account is of a tenant 'Nobody'" in done.stderr
    assert run(node, "case", "close", "77").returncode == 1


def test_a_page_of_the_web_cannot_write(node: PeopleNode) -> None:
    code, _ = post(node.house, "people/suppress", b"{}", "text/plain")
    assert code == 415


def post(house: House, path: str, body: bytes, kind: str) -> tuple[int, bytes]:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", house.control, timeout=60)
    connection.request("POST", f"/{path}", body, {"content-type": kind})
    answer = connection.getresponse()
    return answer.status, answer.read()
