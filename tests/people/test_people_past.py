"""Could we write to this person then, and why: by the rules, lists and consents of that moment."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from people_house import HANDSET, RULES, PeopleHouse, shanghai

from gateway.filters.consent import EventKind
from gateway.filters.suppression import ListKey, ListType, Scope
from gateway.past import Asked, CannotTell, could_send, entries_at
from gateway.relay.batch import Batch
from gateway.relay.people import kept
from gateway.settings.archive import pack
from gateway.store import people as rows
from gateway.store.history import GenerationRow
from gateway.store.rows import Changes

COMMANDS = ListKey(ListType.REGULATOR_COMPLAINT, Scope(), "commands")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration as it is today: no rules at all."""
    monkeypatch.setenv("PAST", "secret12")
    directory = tmp_path / "config"
    directory.mkdir()
    (tmp_path / "alpha.txt").write_text("secret12\n")
    write(directory, {})
    return directory


def write(directory: Path, people: dict[str, Any]) -> None:
    accounts = {
        "shop": {"password": "${PAST}", "tenant": "Shop", "category": "promotional"},
        "bank": {"password": "${PAST}", "tenant": "Bank", "category": "otp"},
    }
    binds = [{"mode": "transceiver", "endpoint": "tcp:127.0.0.1:1"}]
    alpha = {"binds": binds, "system_id": "x", "password": "${file:../alpha.txt}"}
    documents = {
        "gateway.yaml": {},
        "accounts.yaml": {"accounts": accounts},
        "carriers.yaml": {"carriers": {"alpha": alpha}},
        "routing.yaml": {"routes": [{"name": "all", "carriers": ["alpha"]}]},
        "people.yaml": people,
    }
    for name, document in documents.items():
        (directory / name).write_text(yaml.safe_dump(document))


def keep_generation(house: PeopleHouse, directory: Path, number: int, at: float) -> None:
    """What stands in the directory comes into force at a moment."""
    texts = {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }
    changes = Changes()
    changes.add("generation", tuple(GenerationRow(number, str(number), int(at * 1000), "start", pack(texts))))
    house.store.journal.commit(changes)
    house.settle()


def ask(house: PeopleHouse, files: Path, at: float, **asked: str) -> dict[str, Any]:
    """The answer for one tenant and program."""
    wanted = Asked(**{"tenant": "Shop", **asked})

    def look(connection: Any) -> list[dict[str, Any]]:
        events = [kept(row).event for row in rows.consents_of(connection, HANDSET, None)]
        known = [event for event in events if event is not None]
        return could_send(connection, files, HANDSET, at, wanted, known)

    (answer,) = house.read(look)
    return dict(answer)


def told(answer: dict[str, Any]) -> tuple[str, list[str]]:
    return answer["answer"], [word["rule"] for word in answer["words"]]


@pytest.fixture
def house(people: PeopleHouse, files: Path) -> PeopleHouse:
    """With the shipped rules in force since the first of November, and the files changed today."""
    shutil.copytree(RULES, files / "rules")
    tenants = {"Shop": {"program": "offers"}, "Bank": {"program": "account"}}
    write(files, {"rules": "rules", "tenants": tenants})
    keep_generation(people, files, 1, shanghai("2026-11-01 00:00"))
    shutil.rmtree(files / "rules")
    write(files, {"tenants": tenants})
    keep_generation(people, files, 2, shanghai("2026-11-19 00:00"))
    return people


def at(text: str) -> float:
    return shanghai(f"2026-11-{text}")


def test_consents_are_those_that_were_known_then(house: PeopleHouse, files: Path) -> None:
    house.wall = at("10 12:00")
    house.consent(occurred_at=int(at("02 12:00")))
    house.wall = at("12 12:00")
    house.consent(kind=EventKind.REVOKED)
    before = ask(house, files, at("09 12:00"))
    assert told(before) == ("no", ["CN/express-with-proof"])
    (word,) = before["words"]
    assert word["place"].startswith("rules/CN.yaml:")
    assert any(source.startswith("http://www.outlooknewera.com") for source in word["source"])
    assert before["by"] == "generation 1"
    between = ask(house, files, at("11 12:00"))
    assert told(between) == ("yes", [])
    assert between["asked"] == ["CN/express-with-proof", "CN/promotional-hours"]
    after = ask(house, files, at("13 12:00"))
    assert told(after) == ("no", ["CN/express-with-proof"])
    assert after["words"][0]["detail"] == "the consent was withdrawn for program offers"


def test_lists_are_those_of_then_though_the_entry_is_gone(house: PeopleHouse, files: Path) -> None:
    house.wall = at("02 12:00")
    house.consent()
    people = house.protection.people

    def change(moment: str, *steps: Any) -> None:
        house.wall = at(moment)
        batch = Batch()
        for step in steps:
            step(batch)
        house.relay.committer.commit(batch, must=True)
        house.settle()

    change(
        "05 12:00", lambda batch: people.suppress(COMMANDS, HANDSET, batch, by="operator", evidence="letter")
    )
    change("07 12:00", lambda batch: people.lift(COMMANDS, HANDSET, batch, by="operator"))
    change("08 12:00", lambda batch: people.suppress(COMMANDS, "8619912*", batch, by="operator"))
    change("09 12:00", lambda batch: people.lift(COMMANDS, "8619912*", batch, by="operator"))
    assert house.read(rows.suppressions_of, HANDSET) == []
    answers = {day: told(ask(house, files, at(f"{day} 13:00"))) for day in ("04", "06", "07", "08", "10")}
    refused = ("no", ["regulator_complaint (commands)"])
    assert answers == {"04": ("yes", []), "06": refused, "07": ("yes", []), "08": refused, "10": ("yes", [])}
    (entry,) = house.read(entries_at, HANDSET, at("06 13:00"))
    assert (entry.number, entry.evidence) == (HANDSET, "letter")


def test_hours_are_those_of_that_moment(house: PeopleHouse, files: Path) -> None:
    house.wall = at("02 12:00")
    house.consent()
    night = ask(house, files, at("05 22:00"))
    assert told(night) == ("waits", ["CN/promotional-hours"])
    assert at("06 08:00") <= night["until"] <= at("06 08:10")
    assert told(ask(house, files, at("05 20:59"))) == ("yes", [])


def test_the_rules_are_those_in_force_then(house: PeopleHouse, files: Path) -> None:
    assert told(ask(house, files, at("18 12:00"))) == ("no", ["CN/express-with-proof"])
    later = ask(house, files, at("20 12:00"))
    assert (later["answer"], later["by"]) == ("yes", "generation 2")
    early = ask(house, files, datetime(2026, 3, 3, tzinfo=UTC).timestamp())
    assert early["by"].startswith(f"the files in {files}")


def test_it_is_asked_of_an_account_a_program_and_a_category(house: PeopleHouse, files: Path) -> None:
    house.wall = at("02 12:00")
    house.consent(program="news")
    noon = at("05 12:00")
    assert told(ask(house, files, noon)) == ("no", ["CN/express-with-proof"])
    assert told(ask(house, files, noon, program="news")) == ("yes", [])
    assert told(ask(house, files, noon, category="otp")) == ("yes", [])
    bank = ask(house, files, noon, account="bank", tenant="")
    assert (bank["tenant"], bank["program"], bank["category"], bank["answer"]) == (
        "Bank",
        "account",
        "otp",
        "yes",
    )
    with pytest.raises(CannotTell, match="no account 'nobody' then"):
        ask(house, files, noon, account="nobody")
