"""Call detail records: each message once, whatever cuts an export off; as CSV and as Parquet."""

import csv
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import pytest_twisted
from records_archive import BRITON, PERSON, Archive, refused, sms, submitted
from records_parquet import read_parquet

from gateway import cdr
from gateway.parquet import Column, Table
from gateway.relay.parts import Parts, Taken
from gateway.store.rows import State


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


async def keep_some(archive: Archive) -> None:
    header = bytes.fromhex("050003a70302")
    await archive.keep(
        [
            sms(1),
            sms(2, BRITON, carrier="beta", source="a\nb"),
            refused(3),
            sms(4, segment_of=4, pdu=submitted(PERSON, esm_class=0x40, short_message=header + b"x")),
            sms(5, state=State.SENT, done_at=None, pdu=b""),
            sms(6, carrier_message_id=Parts(2, [Taken("p1", 12), Taken("p2", 12)]).written()),
        ]
    )


@pytest_twisted.ensureDeferred
async def test_a_line_for_each_message(archive: Archive, tmp_path: Path) -> None:
    await keep_some(archive)
    to = tmp_path / "cdr.csv"
    done = archive.run("cdr", "export", str(to))
    assert done.code == 0, done.err
    assert "6 records; the last is 6" in done.err
    assert "1 have no end yet" in done.err
    rows = read(to)
    assert tuple(rows[0]) == cdr.Record._fields
    first = rows[0]
    assert first == {
        "record": "1", "message_id": "0000000001", "segment_of": "", "segment": "1", "segments": "1",
        "account": "bank", "tenant": "Bank", "category": "otp", "source": "10690001",
        "number": "861****0001", "country": "CN", "carrier": "alpha", "carrier_message_id": "a1",
        "carrier_segments": "1", "route": "default", "price": "0.031", "currency": "CNY",
        "state": "DELIVERED", "final": "1", "error": "0", "error_name": "", "attempts": "1",
        "accepted_at": "2023-11-14T22:13:21.000Z", "sent_at": "2023-11-14T22:13:21.020Z",
        "done_at": "2023-11-14T22:13:22.500Z", "latency_ms": "1500", "generation": "1",
    }  # fmt: skip
    assert (rows[1]["country"], rows[1]["carrier"], rows[1]["source"]) == ("GB", "beta", "a\ufffdb")
    assert (rows[2]["error_name"], rows[2]["carrier_segments"], rows[2]["price"]) == (
        "content_blocked",
        "0",
        "",
    )
    assert (rows[3]["segment_of"], rows[3]["segment"], rows[3]["segments"]) == ("4", "2", "3")
    assert (rows[4]["final"], rows[4]["latency_ms"], rows[4]["segments"]) == ("0", "", "")
    assert (rows[5]["carrier_message_id"], rows[5]["carrier_segments"]) == ("p1 p2", "2")
    assert PERSON not in to.read_text()
    assert to.stat().st_mode & 0o777 == 0o600


@pytest_twisted.ensureDeferred
async def test_exports_one_after_the_other_have_each_once(archive: Archive, tmp_path: Path) -> None:
    await keep_some(archive)
    day = ("2023-11-14T22:13:23Z", "2023-11-14T22:13:25Z")
    for name, bounds in (
        ("a", ("--until", day[0])),
        ("b", ("--since", day[0], "--until", day[1])),
        ("c", ("--since", day[1])),
        ("d", ("--after", "4")),
        ("e", ("--account", "shop")),
    ):
        assert archive.run("cdr", "export", str(tmp_path / name), *bounds).code == 0
    found = {name: [int(row["record"]) for row in read(tmp_path / name)] for name in "abcde"}
    assert found == {"a": [1, 2], "b": [3, 4], "c": [5, 6], "d": [5, 6], "e": [3]}
    again = archive.run("cdr", "export", str(tmp_path / "a"))
    assert again.code == 1
    assert "is there already" in again.err


@pytest.mark.parametrize("cut", [0, 5, 400, 700, 10_000])
@pytest_twisted.ensureDeferred
async def test_what_was_cut_off_goes_on(archive: Archive, tmp_path: Path, cut: int) -> None:
    await keep_some(archive)
    whole, to = tmp_path / "whole.csv", tmp_path / "cdr.csv"
    assert archive.run("cdr", "export", str(whole)).code == 0
    part = cdr.part_file(to, "", "", 0, None, None, "csv", "masked")
    part.write_bytes(whole.read_bytes()[:cut])
    done = archive.run("cdr", "export", str(to))
    assert "6 records" in done.err
    assert to.read_bytes() == whole.read_bytes()
    assert not part.exists()


@pytest_twisted.ensureDeferred
async def test_keyed_numbers_are_the_same_for_one_tenant_and_tell_nothing(
    archive: Archive, tmp_path: Path
) -> None:
    await archive.keep([sms(1), sms(2), refused(3)])
    to = tmp_path / "cdr.csv"
    assert archive.run("cdr", "export", str(to), "--number", "keyed").code == 0
    one, two, of_the_shop = (row["number"] for row in read(to))
    assert one == two != of_the_shop
    assert one.startswith("#")
    assert archive.run("cdr", "export", str(tmp_path / "x"), "--number", "whole").code == 3


@pytest_twisted.ensureDeferred
async def test_parquet_has_the_same(archive: Archive, tmp_path: Path) -> None:
    await keep_some(archive)
    assert archive.run("cdr", "export", str(tmp_path / "cdr.csv")).code == 0
    assert archive.run("cdr", "export", str(tmp_path / "cdr.parquet"), "--format", "parquet").code == 0
    octets = (tmp_path / "cdr.parquet").read_bytes()
    names, found = read_parquet(octets)
    assert tuple(names) == cdr.Record._fields
    plain = [["" if value is None else str(value) for value in row] for row in found]
    assert plain == [list(row.values()) for row in read(tmp_path / "cdr.csv")]
    assert found[4][cdr.Record._fields.index("latency_ms")] is None


def table(rows: list[list[Any]], **options: int) -> bytes:
    file = BytesIO()
    made = Table(file, [Column("number", True), Column("text", False)], **options)
    for row in rows:
        made.add(row)
    made.close()
    return file.getvalue()


TABLES: list[list[list[Any]]] = [
    [],
    [[None, None]],
    [[5, "é漢"], [2**62, ""], [None, "x" * 300], [-7, None]],
    [[number, None if number % 3 else str(number)] for number in range(1000)],
]


@pytest.mark.parametrize("rows", TABLES)
def test_parquet_is_read_as_its_format_says(rows: list[list[Any]]) -> None:
    assert read_parquet(table(rows, group=300))[1] == rows


def test_parquet_is_read_by_pyarrow() -> None:
    for rows in TABLES:
        read = pyarrow.parquet.read_table(BytesIO(table(rows, group=300)))
        assert [list(row.values()) for row in read.to_pylist()] == rows


def test_the_last_minute_waits() -> None:
    assert cdr.last_settled(100_000, None) == 40_000
    assert cdr.last_settled(100_000, 99_000) == 40_000
    assert cdr.last_settled(100_000, 30_000) == 30_000
