"""Which filters there are, in the order of judgement, and how each is made of a generation."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.filters.content import content_filters, foreign_filters
from gateway.filters.protecting import protecting_filters
from gateway.filters.suppressed import Suppressed
from gateway.filters.verdict import Filter
from gateway.settings.models import Generation


def make_filters(generation: Generation, before: Mapping[str, Filter] | None = None) -> dict[str, Filter]:
    """All filters for one generation by the names that accounts and filters.yaml use, in the order of
    judgement: what raises the category, the legal blocks, the text from the cheapest on, people, and last
    those of third parties. Parts that did not change are shared with those `before`.

    Raises ValueError with all that is wrong in the lists that they read.
    """
    before = before or {}
    protecting = protecting_filters(generation, before)
    suppressed = protecting.pop(Suppressed.name)
    assert isinstance(suppressed, Suppressed)
    content = content_filters(generation, suppressed.persons, before)
    raising = content.pop("category")
    return {
        raising.name: raising,
        suppressed.name: suppressed,
        **content,
        **protecting,
        **foreign_filters(generation),
    }
