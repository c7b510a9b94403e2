"""Tiers: the TLV, then the program, the category and the account's default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.filters.persons import Persons
from gateway.message import Message
from gateway.settings.models import Account, Filters, Generation, Node, People
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import SubmitSm

TAG = 0x1416


def generation(urgency: dict[str, Any], tier: int | None) -> Generation:
    account = Account.model_validate({"tenant": "Bank", "password": "secret", "urgency": urgency})
    tenants = {"Bank": {"program": "news", "programs": {"news": {"tier": tier}}}}
    people = People.model_validate({"tenants": tenants})
    return Generation(
        1, "", 0.0, Path(), Node(), {"bank": account, "shop": Account(tenant="Shop", password="secret")},
        {}, (), Filters(), people,
    )  # fmt: skip


def message(
    account: str = "bank", category: str = "otp", destination: str = "8619912340001", *tlvs: Tlv
) -> Message:
    pdu = SubmitSm(source_addr="10690001", destination_addr=destination, dest_addr_ton=1, tlvs=tlvs)
    return Message(1, account, "Bank", "1", 0, pdu, category, 1, 1_000_000)


@pytest.mark.parametrize(
    ("value", "program", "category", "default", "tier"),
    [
        (b"1", 3, 2, 2, 1),
        (b"2\0", 3, 1, 1, 2),
        (b"\3", 1, 1, 1, 3),
        (b"9", 3, 2, 1, 3),
        (b"", 3, 2, 1, 3),
        (None, 3, 2, 1, 3),
        (None, None, 2, 1, 2),
        (None, None, None, 1, 1),
        (None, None, None, None, 0),
    ],
)
def test_what_is_said_first_counts(
    value: bytes | None, program: int | None, category: int | None, default: int | None, tier: int
) -> None:
    categories = {} if category is None else {"otp": category}
    persons = Persons(generation({"tag": TAG, "categories": categories, "default": default}, program))
    tlvs = () if value is None else (Tlv(TAG, value),)
    for destination in ("8619912340001", "10086"):
        assert persons.tier(message("bank", "otp", destination, *tlvs)) == tier
    assert persons.tier(message("shop", "otp", "8619912340001", *tlvs)) == 0


def test_where_nobody_has_tiers_nobody_is_asked() -> None:
    assert not Persons(generation({}, None)).tiers.any
    assert Persons(generation({}, 2)).tiers.may_have("bank")
    assert not Persons(generation({}, 2)).tiers.may_have("shop")
