"""Searching the records of messages beside the node: by what, how far, and masked."""

import json

import pytest
import pytest_twisted
from records_archive import BRITON, HOUR, NOW, PERSON, Archive, refused, sms

from gateway import records
from gateway.cli_common import node_of
from gateway.store import spans
from gateway.store.rows import State
from gateway.stored import store_of

LONG_AGO = ("--since", "2020-01-01")


def ids(archive: Archive, *asked: str) -> list[int]:
    return [row["record"] for row in archive.lines("messages", *LONG_AGO, *asked)]


async def keep_some(archive: Archive) -> None:
    await archive.keep(
        [
            sms(1),
            sms(2, BRITON, carrier="beta"),
            refused(3),
            refused(4, rule="lottery"),
            sms(5, state=State.UNDELIVERABLE, error=911),  # the carrier's own 911
            sms(6, state=State.WAITING, carrier=None, carrier_message_id=None, deadline=NOW + HOUR),
        ],
        numbered=3,  # the others are not yet
    )


@pytest_twisted.ensureDeferred
async def test_it_is_found_by_each_of_what_it_has(archive: Archive) -> None:
    await keep_some(archive)
    assert ids(archive) == [6, 5, 4, 3, 2, 1]
    assert ids(archive, "--account", "shop") == [4, 3]
    assert ids(archive, "--carrier", "beta") == [2]
    assert ids(archive, "--category", "promotional") == [4, 3]
    assert ids(archive, "--state", "delivered", "--state", "waiting") == [6, 2, 1]
    assert ids(archive, "--state", "open") == [6]
    assert ids(archive, "--rule", "LOTT") == [4]
    assert ids(archive, "--rule", "words.txt:2") == [4, 3]
    assert ids(archive, "--reason", "content_blocked") == [4, 3]
    assert ids(archive, "--number", f"+{PERSON}") == [6, 5, 4, 3, 1]
    assert ids(archive, "--number", PERSON, "--account", "shop", "--rule", "casino") == [3]
    assert ids(archive, "--number", "12025550123") == []
    assert ids(archive, "--since", "2023-11-14T22:13:23Z", "--until", "2023-11-14T22:13:25Z") == [4, 3]


@pytest_twisted.ensureDeferred
async def test_it_goes_on_where_it_ended(archive: Archive) -> None:
    await keep_some(archive)
    done = archive.run("messages", *LONG_AGO, "--limit", "2", "--json")
    assert [json.loads(line)["record"] for line in done.out.splitlines()] == [6, 5]
    assert "2 found" in done.err
    assert done.err.rstrip().endswith("more: --before 5")
    assert ids(archive, "--limit", "2", "--before", "5") == [4, 3]
    last = archive.run("messages", *LONG_AGO, "--before", "3")
    assert "more" not in last.err
    assert "looked at 2 messages, back to 2023-11-14T22:13:21.000Z" in last.err


@pytest_twisted.ensureDeferred
async def test_nobody_is_shown_whole_without_a_record_of_it(archive: Archive) -> None:
    await keep_some(archive)
    for form in ((), ("--json",), ("--csv",)):
        done = archive.run("messages", *LONG_AGO, *form)
        assert done.code == 0
        assert PERSON not in done.out
        assert "861****0001" in done.out
        assert "hello" not in done.out
    unasked = archive.run("messages", *LONG_AGO, "--unmask", "--purpose", "complaint 17")
    assert unasked.code == 3  # no node answers that could put it on record
    assert unasked.out == ""


@pytest_twisted.ensureDeferred
async def test_csv_and_lines_say_why(archive: Archive) -> None:
    await keep_some(archive)
    done = archive.run("messages", *LONG_AGO, "--csv", "--reason", "content_blocked", "--limit", "1")
    head, row = done.out.splitlines()
    told = dict(zip(head.split(","), row.split(","), strict=True))
    assert (told["record"], told["error_name"], told["rule"], told["place"]) == (
        "4",
        "content_blocked",
        "lottery",
        "words.txt:2",
    )
    line = archive.run("messages", *LONG_AGO, "--account", "shop", "--limit", "1").out
    assert "911 content_blocked by rule 'lottery'" in line


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--state", "deliverd", "did you mean 'delivered'"),
        ("--reason", "content_block", "did you mean 'content_blocked'"),
        ("--since", "yesterday", "neither a date"),
        ("--until", "5 parsecs", "neither a date"),
    ],
)
def test_what_is_not_understood_is_said(archive: Archive, option: str, value: str, said: str) -> None:
    done = archive.run("messages", option, value)
    assert done.code == 2
    assert said in done.err


def test_where_nothing_was_stored_it_says_so(archive: Archive) -> None:
    done = archive.run("messages")
    assert done.code == 1
    assert "no store is there" in done.err


@pytest_twisted.ensureDeferred
async def test_a_long_search_says_how_far_it_is(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "REPORT", 2)
    monkeypatch.setattr(spans, "STEP", 2)
    monkeypatch.setattr(spans.spans, "__kwdefaults__", {"youngest_first": False, "step": 2})
    await keep_some(archive)
    said: list[str] = []
    with store_of(node_of(archive.config), archive.config) as connection:
        progress = records.Progress()
        asked = records.Search(spans.Stretch(), rule="casino")
        found = list(records.search(connection, asked, progress, lambda far: said.append(str(far))))
    assert [row.id for row in found] == [3]
    assert said == [
        "looked at 2 messages, back to 2023-11-14T22:13:25.000Z",
        "looked at 4 messages, back to 2023-11-14T22:13:23.000Z",
        "looked at 6 messages, back to 2023-11-14T22:13:21.000Z",
    ]
    assert progress.whole
