"""Messages and persons for the tests of filters that go by the text."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from gateway.filters.persons import Persons
from gateway.message import Message
from gateway.settings.models import Filters, Generation, Node, People
from gateway.smpp.pdus import SubmitSm
from gateway.smpp.text import choose_encoding

RULES = Path(__file__).parents[2] / "config" / "rules"
NOW = 1_800_000_000.0  # January 2027
CHINA, FRANCE, INDIA, AMERICA, AUSTRALIA = (
    "8619912340001",
    "33600000001",
    "919812345678",
    "12025550123",
    "61400000001",
)


@cache
def persons() -> Persons:
    """By the shipped rule packs."""
    return Persons(configuration({}))


def configuration(
    filters: dict[str, Any], directory: Path = Path(), rules: Path | None = RULES
) -> Generation:
    """A generation with nothing in it but filters and the shipped packs."""
    return Generation(
        number=1,
        digest="",
        loaded_at=NOW,
        directory=directory,
        node=Node(),
        accounts={},
        carriers={},
        routes=(),
        filters=Filters.model_validate(filters),
        people=People(rules=rules),
    )


def message(
    text: str | None = "hello",
    to: str = CHINA,
    source: str = "10690001",
    category: str = "promotional",
    account: str = "shop",
    tenant: str = "Shop",
    **fields: Any,
) -> Message:
    """A message of tenant Shop that says `text`; None is binary."""
    data_coding, octets = (4, b"\x01\x02") if text is None else choose_encoding(text)
    pdu = SubmitSm(
        source_addr=source,
        destination_addr=to,
        data_coding=data_coding,
        short_message=b"",
        **{"tlvs": (), **fields},
    )
    return Message(1, account, tenant, "1", 0, pdu._replace(short_message=octets), category, 1, 2**50)
