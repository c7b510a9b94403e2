"""A relay whose filters are the real ones, for the tests of what they do to messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from relay_house import House, MakeHouse, account, carrier, generation
from twisted.internet.defer import Deferred

from gateway.filters.catalogue import make_filters
from gateway.settings.models import Account, Filters, Generation, People
from gateway.store.rows import MessageRow

RULES = Path(__file__).parents[2] / "config" / "rules"
OUT = "，拒收请回复R"
SHOP = "10690001"


def content_generation(
    filters: Mapping[str, Any],
    accounts: Mapping[str, Account] | None = None,
    *,
    rules: Path | None = RULES,
    **parts: Any,
) -> Generation:
    """A generation with these sections of filters.yaml; the filters of people are off."""
    people = {name: {"mode": "off"} for name in ("suppressed", "consented", "quiet", "capped")}
    settings = generation(accounts, **parts)
    return replace(
        settings,
        filters=Filters.model_validate({**people, **filters}),
        people=People(rules=rules),
    )


def content_house(make_house: MakeHouse, settings: Generation) -> House:
    """A relay with the filters of this generation."""
    return make_house(settings, **make_filters(settings))


def run(house: House, work: Any) -> Any:
    """The result of a coroutine that needs the house to move."""
    results: list[Any] = []
    Deferred.fromCoroutine(work).addBoth(results.append)
    house.settle()
    (result,) = results
    return result


def decision(row: MessageRow) -> Any:
    return json.loads(row.decision)


__all__ = [
    "OUT",
    "RULES",
    "SHOP",
    "account",
    "carrier",
    "content_generation",
    "content_house",
    "decision",
    "run",
]
