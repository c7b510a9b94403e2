"""Which filters there are, in the order of judgement, and how each is made of a generation."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.filters.protecting import protecting_filters
from gateway.filters.sensitive import SensitiveWords
from gateway.filters.verdict import Filter
from gateway.settings.models import Generation

FILTERS: Mapping[str, type[SensitiveWords]] = {
    "words": SensitiveWords,
}
"""By the name that accounts and filters.yaml use: legal blocks first, then the cheapest first."""


def make_filters(generation: Generation, before: Mapping[str, Filter] | None = None) -> dict[str, Filter]:
    """All filters for one generation; parts that did not change are shared with those `before`.

    Raises ValueError with all that is wrong in the lists that they read.
    """
    before = before or {}
    protecting = protecting_filters(generation, before)
    made: dict[str, Filter] = {"suppressed": protecting.pop("suppressed")}
    for name, kind in FILTERS.items():
        previous = before.get(name)
        made[name] = kind.of(generation, previous if isinstance(previous, kind) else None)
    return {**made, **protecting}
