"""How long the shipped packs want records of messages kept, by the recipient's country; and one pack more."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from gateway.filters.persons import Persons
from gateway.relay.keeping import keeping_of
from gateway.settings.load import load
from gateway.store.retention import Keeping
from gateway.store.rows import MessageRow, State

DAY = 86_400_000
NOW = 20_000 * DAY
SHIPPED = Path(__file__).parents[2] / "config"


def keeping(tmp_path: Path, **packs: str) -> Keeping | None:
    """Of the shipped configuration, some packs given anew."""
    directory = tmp_path / "config"
    shutil.copytree(SHIPPED, directory)
    for name, text in packs.items():
        (directory / "rules" / f"{name}.yaml").write_text(text, "utf-8")
    return keeping_of(Persons(load(directory, os.environ)), lambda account: "Example Shop")


def row(destination: str, days: int, **columns: Any) -> MessageRow:
    made = MessageRow(
        id=1,
        account="shop",
        client_id="1",
        accepted_at=NOW - days * DAY,
        source="10690001",
        destination=destination,
        category="promotional",
        generation=1,
        segment_of=None,
        pdu=b"",
        decision="{}",
        state=State.DELIVERED,
        deadline=None,
        expires_at=NOW,
    )
    return made._replace(**columns)


@pytest.mark.parametrize(
    ("destination", "days", "needed"),
    [
        ("8619912340001", 1, True),
        ("8619912340001", 185, True),
        ("8619912340001", 187, False),
        ("447700900123", 1, False),
        ("12025550123", 1, False),
        ("10690001", 1, False),
        ("erased", 185, True),
        ("erased", 187, False),
    ],
)
def test_by_the_shipped_packs(destination: str, days: int, needed: bool, tmp_path: Path) -> None:
    found = keeping(tmp_path)
    assert found is not None
    assert found.longest == 186 * DAY
    assert found.needed(row(destination, days), NOW) is needed


GB = """pack: GB
version: 2026-01-01
countries: [GB]
retention:
  - {rule: for-good, sure: C, authority: custom, what: traffic, months: null}
"""


def test_without_end(tmp_path: Path) -> None:
    found = keeping(tmp_path, GB=GB)
    assert found is not None
    assert found.longest == float("inf")
    assert found.needed(row("447700900123", 9000), NOW)
    assert not found.needed(row("8619912340001", 9000), NOW)


def test_without_any(tmp_path: Path) -> None:
    china = (SHIPPED / "rules" / "CN.yaml").read_text("utf-8").replace("what: traffic", "what: opt_out")
    assert keeping(tmp_path, CN=china) is None
