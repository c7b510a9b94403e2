"""Consents by the thousand: in the ledger and in memory as if each had come by itself."""

from __future__ import annotations

from typing import Any

import pytest
from people_house import HANDSET, NOON, PeopleHouse
from sqlalchemy import Connection
from twisted.internet.defer import Deferred

from gateway.filters.consent import EventKind, Status
from gateway.filters.consentchain import genesis, verify
from gateway.filters.consents import Consents
from gateway.filters.known import Known
from gateway.relay import importing
from gateway.relay.people import events_after, read_all
from gateway.store.rows import State

USUAL = {"program": "offers", "category": "promotional", "basis": "express", "method": "paper"}
NOW = int(NOON)


def bring(people: PeopleHouse, rows: list[Any], usual: dict[str, Any] | None = None) -> tuple[int, Any]:
    """What is said of an import."""
    found: list[Any] = []
    work = people.protection.importing.record("Shop", USUAL if usual is None else usual, rows)
    Deferred.fromCoroutine(work).addBoth(found.append)
    for _ in range(200):
        people.settle()
        if found:
            return found[0]
        people.advance(0.01)
    raise AssertionError("it does not end")


def numbered(index: int) -> str:
    return f"86199123{index:05d}"


def rows_of_all_kinds() -> list[dict[str, Any]]:
    """Grants, ends, requests and silences of forty people, in no good order."""
    rows: list[dict[str, Any]] = []
    for index in range(400):
        row: dict[str, Any] = {
            "number": numbered(index % 40),
            "kind": list(EventKind)[index % len(EventKind)].value,
            "occurred_at": NOW - index * 7919 % 5000 - 1,
        }
        if index % 3:
            row["evidence"] = f"表 {index % 5} %s"
        if index % 5 == 0 or row["kind"] == "requested":
            row["expires_at"] = NOW + index * 31 + 1
        if index % 7 == 0:
            row["program"] = "news"
        rows.append(row)
    return rows


def test_what_is_in_memory_is_what_the_ledger_says_and_its_chain_holds(people: PeopleHouse) -> None:
    assert bring(people, rows_of_all_kinds()) == (400, [])
    lines = [line for _, line in people.read(events_after, ("", 0), 1000)]
    assert [line.link.position for line in lines] == list(range(1, 401))
    assert list(verify(lines, genesis("Shop"), people.protection.people.heads["Shop"])) == []
    one_by_one, as_read = Consents(), Known()
    for line in lines:
        assert line.event is not None
        one_by_one.apply(line.event)

    def read(connection: Connection) -> None:
        read_all(connection, as_read)

    people.read(read)
    consents = people.protection.people.known.consents
    for index in range(40):
        for program in ("offers", "news"):
            asked = "Shop", program, "promotional", numbered(index)
            assert consents.state(*asked) == one_by_one.state(*asked) == as_read.consents.state(*asked)


def test_what_is_brought_is_known_after_a_restart(people: PeopleHouse) -> None:
    assert bring(people, [{"number": HANDSET, "evidence": "form 1"}]) == (1, [])
    assert people.offer().state == State.SENT
    people.restart(committed=True)
    people.advance(2)
    assert people.offer(text="【商店】again").state == State.SENT


def test_a_request_that_is_brought_waits_and_expires(people: PeopleHouse) -> None:
    asked = {"number": HANDSET, "kind": "requested", "expires_at": NOW + 100, "basis": ""}
    assert bring(people, [asked]) == (1, [])
    consents = people.protection.people.known.consents
    assert consents.state("Shop", "offers", "promotional", HANDSET).status(NOW + 5) is Status.PENDING
    people.advance(200)
    assert consents.state("Shop", "offers", "promotional", HANDSET).silent_at == NOW + 100


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("8619912340001", "an event is an object"),
        ({"number": "12"}, "not a number with its calling code"),
        ({}, "not a number with its calling code"),
        ({"number": HANDSET, "basis": "hearsay"}, "'hearsay' is no basis of a consent"),
        ({"number": HANDSET, "kind": "agreed"}, "'agreed' is not a valid EventKind"),
        ({"number": HANDSET, "kind": "requested"}, "a request says until when an answer is awaited"),
        (
            {"number": HANDSET, "occurred_at": NOW + 1000},
            "an event cannot have occurred after it was recorded",
        ),
        ({"number": HANDSET, "expires_at": NOW - 1000}, "it expires before it begins"),
        ({"number": HANDSET, "occurred_at": "noon"}, "invalid literal for int() with base 10: 'noon'"),
        ({"number": HANDSET, "colour": "red"}, "there is no field 'colour'"),
        ({"number": HANDSET, "recorded_at": 5}, "there is no field 'recorded_at'"),
        ({"number": HANDSET, "method": ["web"]}, "unhashable type: 'list'"),
    ],
)
def test_a_row_that_cannot_be_is_refused_and_the_others_are_not(
    people: PeopleHouse, row: Any, why: str
) -> None:
    good = {"number": HANDSET, "evidence": "form"}
    told = bring(people, [dict(good), row, dict(good)])
    assert told == (2, [[1, why]])
    assert len(people.read(events_after, ("", 0), 10)) == 2


def test_many_rows_are_done_some_at_a_time(people: PeopleHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "STEP", 7)
    rows = [{"number": numbered(index), "evidence": "form"} for index in range(100)]
    rows[50]["number"] = "none"
    told = bring(people, rows)
    assert told == (99, [[50, "not a number with its calling code"]])
    assert people.protection.people.counts["consent:imported"] == 99
    lines = [line for _, line in people.read(events_after, ("", 0), 1000)]
    assert list(verify(lines, genesis("Shop"), people.protection.people.heads["Shop"])) == []
