"""Which filters of a generation judge an account's messages of a category, and in which mode each."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.filters.chain import Mode
from gateway.filters.persons import Persons
from gateway.filters.suppressed import Suppressed
from gateway.filters.verdict import Filter
from gateway.settings.models import Generation


def chained(
    generation: Generation, filters: Mapping[str, Filter], account: str, category: str
) -> tuple[tuple[Filter, Mode], ...]:
    """The filters in the order of judgement, in the modes that the account's settings name; those that are
    off left out.
    """
    settings = generation.accounts.get(account)
    modes = {
        name: settings.filter_mode(name, category, generation.filters) if settings else "enforce"
        for name in filters
    }
    return tuple((filters[name], Mode(mode)) for name, mode in modes.items() if mode != "off")


def persons_of(filters: Mapping[str, Filter]) -> Persons | None:
    """How the filters of a generation find the person of a message."""
    suppressed = filters.get(Suppressed.name)
    return suppressed.persons if isinstance(suppressed, Suppressed) else None
