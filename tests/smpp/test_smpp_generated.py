"""What is generated from the tables is what they say today."""

from pathlib import Path

import pytest

from gateway.smpp import document, generate
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.document import spans
from gateway.smpp.spec import PDUS

ROOT = Path(__file__).parents[2]


def test_pdus_are_fresh() -> None:
    assert generate.TARGET.read_text("utf-8") == generate.render(), "run python -m gateway.smpp.generate"


def test_protocol_is_fresh() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text("utf-8")
    assert text == document.protocol(), "run python -m gateway.smpp.document"


def test_protocol_is_complete() -> None:
    text = document.protocol()
    for spec in PDUS:
        assert f"\n### {spec.command_id.name}\n" in text
        assert all(f"| {field.name} | {field.kind.value} |" in text for field in spec.fields)
    assert all(f"| 0x{tag:04X} | {tag.name} |" in text for tag in Tag)
    assert all(f"| 0x{status:08X} | {status.name} |" in text for status in CommandStatus)


@pytest.mark.parametrize(
    ("values", "text"),
    [([], ""), ([3], "3"), (range(4), "0-3"), ([1, 4], "1, 4"), ([9, 0, 1, 2], "0-2, 9")],
)
def test_spans(values: list[int], text: str) -> None:
    assert spans(values) == text
