"""Messages and opt-outs counted from the records, by whatever they are told apart."""

import csv
import json
from typing import Any

import pytest
import pytest_twisted
import yaml
from records_archive import BRITON, HOUR, NOW, PERSON, Archive, refused, sms

from gateway import tallies
from gateway.store.people import ConsentRow
from gateway.store.rows import State

LONG_AGO = ("--since", "2020-01-01")


def event(position: int, kind: str, number: str = PERSON, at: int = NOW) -> ConsentRow:
    told = {"tenant": "Shop", "program": "offers", "category": "promotional", "number": number, "kind": kind}
    return ConsentRow("Shop", position, at // 1000, b"c", b"h", b"s" * 16, number, json.dumps(told))


async def keep_some(archive: Archive) -> None:
    waiting = {"carrier": None, "carrier_message_id": None, "sent_at": None, "done_at": None}
    await archive.keep(
        [
            sms(1),
            sms(2, BRITON, carrier="beta"),
            sms(3, state=State.UNDELIVERABLE),
            sms(4, state=State.REJECTED),  # by its carrier
            refused(5),
            sms(6, state=State.DEFERRED, deadline=NOW + HOUR, **waiting),
            sms(7, accepted_at=NOW + 24 * HOUR, state=State.SENT, deadline=NOW + HOUR, pdu=b""),
        ],
        consents=[
            event(1, "granted"),
            event(2, "revoked"),
            event(3, "revoked", BRITON),
            event(4, "revoked", at=NOW + 24 * HOUR),
        ],
    )


def stats(archive: Archive, *asked: str) -> list[dict[str, Any]]:
    done = archive.run("stats", *LONG_AGO, *asked, "--json")
    assert done.code == 0, done.err
    return [{k: v for k, v in row.items() if v not in (0, "")} for row in json.loads(done.out)]


@pytest_twisted.ensureDeferred
async def test_each_is_counted_where_it_belongs(archive: Archive) -> None:
    await keep_some(archive)
    bank = {"accepted": 6, "sent": 5, "delivered": 2, "failed": 2, "open": 2}
    shop = {"accepted": 1, "refused": 1}
    assert stats(archive) == [{"opt_outs": 3}, {"account": "bank", **bank}, {"account": "shop", **shop}]
    assert stats(archive, "--by", "tenant") == [
        {"tenant": "Bank", **bank},
        {"tenant": "Shop", **shop, "opt_outs": 3},
    ]
    assert stats(archive, "--by", "carrier", "--account", "bank") == [
        {"accepted": 1, "open": 1},
        {"carrier": "alpha", "accepted": 4, "sent": 4, "delivered": 1, "failed": 2, "open": 1},
        {"carrier": "beta", "accepted": 1, "sent": 1, "delivered": 1},
    ]
    by_day = stats(archive, "--by", "country,day")
    assert [(row["country"], row["day"], row["accepted"], row.get("opt_outs", 0)) for row in by_day] == [
        ("CN", "2023-11-14", 5, 1),
        ("CN", "2023-11-15", 1, 1),
        ("GB", "2023-11-14", 1, 1),
    ]
    within = ("--since", "2023-11-15T12:00Z", "--until", "2023-11-16T12:00Z")
    assert stats(archive, *within, "--by", "hour") == [
        {"hour": "2023-11-15T22:00Z", "accepted": 1, "sent": 1, "open": 1, "opt_outs": 1}
    ]


@pytest_twisted.ensureDeferred
async def test_programs_follow_from_what_was_sent(archive: Archive) -> None:
    people = {"tenants": {"Bank": {"program": "codes"}, "Shop": {"program": "offers"}}}
    (archive.config / "people.yaml").write_text(yaml.safe_dump(people), "utf-8")
    await keep_some(archive)
    found = stats(archive, "--by", "program")
    assert [(row.get("program", ""), row["accepted"], row.get("opt_outs", 0)) for row in found] == [
        ("", 1, 0),  # its text is purged
        ("codes", 5, 0),
        ("offers", 1, 3),
    ]


@pytest_twisted.ensureDeferred
async def test_as_a_table_and_as_csv(archive: Archive) -> None:
    await keep_some(archive)
    assert "opt_outs" in archive.run("stats", *LONG_AGO).out
    rows = list(csv.DictReader(archive.run("stats", *LONG_AGO, "--csv").out.splitlines()))
    assert tuple(rows[0]) == ("account", *tallies.COUNTS)
    assert [row["accepted"] for row in rows] == ["0", "6", "1"]
    bad = archive.run("stats", "--by", "acount")
    assert (bad.code, "did you mean 'account'" in bad.err) == (2, True)


@pytest_twisted.ensureDeferred
async def test_ledgers_longer_than_a_page_are_read_whole(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "PAGE", 2)
    await keep_some(archive)
    assert stats(archive, "--by", "tenant")[1]["opt_outs"] == 3
