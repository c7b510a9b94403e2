"""A carrier's file beside our records: every kind of difference is found, and none where there is none."""

import json
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from records_archive import NOW, PERSON, Archive, sms

from gateway.relay.parts import Parts, Taken
from gateway.store.rows import State

STATEMENT = {
    "id": "MSG", "ids": "hex", "time": "TAKEN", "time_format": "%d.%m.%Y %H:%M:%S",
    "time_zone": "Asia/Shanghai", "state": "DLR", "states": {"7": "undeliverable"},
    "segments": "PARTS", "price": "COST", "delimiter": ";", "encoding": "gb18030",
}  # fmt: skip
DAY = ("--carrier", "alpha", "--since", "2023-11-14T22:13:20Z", "--until", "2023-11-14T22:20Z")
HEADING = "MSG;TO;TAKEN;DLR;PARTS;COST"


def line(
    number: int, dlr: str = "DELIVRD", parts: int = 1, cost: str = "0.031", taken: str = "06:13:40"
) -> str:
    return f"{number:X};号码;15.11.2023 {taken};{dlr};{parts};{cost}"


def told(archive: Archive, *lines: str, code: int = 1) -> dict[str, Any]:
    file = archive.config.parent / "alpha.csv"
    file.write_text("\n".join((HEADING, *lines)) + "\n", "gb18030")
    done = archive.run("cdr", "reconcile", str(file), *DAY, "--json")
    assert done.code == code, done.err
    return dict(json.loads(done.out))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path, {"statement": STATEMENT})


def ours(id: int, **columns: Any) -> Any:
    return sms(id, carrier_message_id=str(0xA0 + id), **columns)


@pytest_twisted.ensureDeferred
async def test_what_agrees_agrees(archive: Archive) -> None:
    parts = Parts(2, [Taken(str(0xB1), 12), Taken(str(0xB2), 15)]).written()
    failed = ours(2, state=State.UNDELIVERABLE)
    await archive.keep([ours(1), failed, sms(3, carrier_message_id=parts), ours(4, carrier="beta")])
    found = told(archive, line(0xA1), line(0xA2, "7"), line(0xB1), line(0xB2, "UNDELIV"), code=0)
    assert (found["theirs"], found["ours"], found["agreed"], found["differences"]) == (4, 4, 4, {})
    assert found["segments"] == {"theirs": 4, "ours": 4}
    assert found["price"] == {"theirs": "0.124", "ours": "0.124"}
    assert found["states"]["ours"] == found["states"]["theirs"] == {"delivered": 2, "undeliverable": 2}


@pytest_twisted.ensureDeferred
async def test_every_difference_is_found(archive: Archive) -> None:
    await archive.keep([ours(id) for id in range(1, 7)])
    found = told(
        archive,
        line(0xA1),
        line(0xA2, "7"),
        line(0xA3, parts=2, cost="0.062"),
        line(0xA4, cost="0.05"),
        line(0xA5, "MK:1008"),
        line(0xF0),
        line(0xF1, taken="09:00:00"),  # not of this time
        line(0xA1),
    )
    assert found["differences"] == {
        "counted twice by them": 1,
        "other state": 2,
        "other segments": 1,
        "other price": 1,
        "only ours": 1,
        "only theirs": 1,
    }
    by_kind = {each["kind"]: each for each in found["found"]}
    assert by_kind["only ours"]["record"] == 6
    assert by_kind["only theirs"] == {"kind": "only theirs", "id": str(0xF0), "line": 7, "theirs": "DELIVRD"}
    assert (by_kind["other segments"]["ours"], by_kind["other segments"]["theirs"]) == (1, 2)
    assert found["agreed"] == 1
    assert PERSON not in json.dumps(found)
    file = archive.config.parent / "alpha.csv"
    said = archive.run("cdr", "reconcile", str(file), *DAY, "--limit", "0")
    assert said.code == 1
    assert "they count 6, we count 6; 1 agree" in said.out


@pytest_twisted.ensureDeferred
async def test_at_the_edge_of_the_time_it_is_the_same_message(archive: Archive) -> None:
    await archive.keep([ours(1, sent_at=NOW - 1000), ours(2, sent_at=NOW - 2000)])
    found = told(archive, line(0xA1), code=0)  # theirs is in the time, ours is just before it
    assert (found["ours"], found["agreed"]) == (1, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ID;DLR\n", "no column 'MSG', which is statement.id in carriers.yaml; there are 'ID', 'DLR'"),
        (f"{HEADING}\nA1;x;yesterday;7;1;1\n", "alpha.csv:2: 'yesterday' in column 'TAKEN' is no time"),
        (f"{HEADING}\nA1;x;;7;one;1\n", "'one' in column 'PARTS' is no segments"),
        (f"{HEADING}\n;x;;7;1;1\n", "alpha.csv:2: no id in column 'MSG'"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_file_that_is_no_statement_is_told(archive: Archive, text: str, said: str) -> None:
    await archive.keep([ours(1)])
    file = archive.config.parent / "alpha.csv"
    file.write_text(text, "gb18030")
    done = archive.run("cdr", "reconcile", str(file), *DAY)
    assert done.code == 2
    assert said in done.err


@pytest.mark.parametrize(
    ("carrier", "until", "said"),
    [
        ("alfa", "2026-01-03", "did you mean 'alpha'"),
        ("beta", "2026-01-01", "--since has to be before --until"),
    ],
)
def test_what_is_asked_has_to_make_sense(archive: Archive, carrier: str, until: str, said: str) -> None:
    asked = ("--carrier", carrier, "--since", "2026-01-02", "--until", until)
    done = archive.run("cdr", "reconcile", "x", *asked)
    assert done.code == 2
    assert said in done.err
