"""How long the packs of config/rules want the records of traffic kept: `what: traffic` under `retention`."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from gateway.filters.packs import RetentionRule
from gateway.filters.persons import Persons
from gateway.store.retention import Keeping
from gateway.store.rows import MessageRow

NOBODY = "erased"
"""What stands for an erased number in the record of a message."""

MONTH = 31 * 86_400_000  # milliseconds: never less than a month of the calendar
TRAFFIC = "traffic"


def keeping_of(persons: Persons, tenant_of: Callable[[str], str]) -> Keeping | None:
    """What the packs ask for, by the country of the recipient; None if none asks for anything."""
    book = persons.book
    rules = [ruled.rule for placed in book.packs.values() for ruled in placed.ruled()]
    longest = max((_length(rule) for rule in rules if _is_of_traffic(rule)), default=0)
    if not longest:
        return None

    def needed(row: MessageRow, now: int) -> bool:
        """Whether a message is younger than its pack wants it kept."""
        tenant = tenant_of(row.account)
        digits = persons.digits(tenant, row.destination)
        if digits is None:  # no subscriber's number, or one that was erased
            return row.destination == NOBODY and now < row.accepted_at + longest
        asked = persons.rules(tenant, digits, row.category).of(RetentionRule, now / 1000)
        return any(now < row.accepted_at + _length(rule) for rule, _ in asked if rule.what == TRAFFIC)

    return Keeping(needed, longest)


def _is_of_traffic(rule: object) -> bool:
    return isinstance(rule, RetentionRule) and rule.what == TRAFFIC


def _length(rule: object) -> float:
    """Milliseconds."""
    assert isinstance(rule, RetentionRule)
    return inf if rule.months is None else rule.months * MONTH
