"""The packs of rules as they are shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.filters.rulebook import RuleBook
from gateway.filters.rulepacks import load_packs

RULES = Path(__file__).parents[2] / "config" / "rules"


@pytest.fixture(scope="module")
def book() -> RuleBook:
    found, problems = load_packs(RULES)
    assert problems == []
    assert found is not None
    return found
