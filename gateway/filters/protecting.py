"""The filters that protect people, made together: they look at the same persons and the same knowledge."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.filters.capped import Capped
from gateway.filters.consented import Consented
from gateway.filters.directives import Directed
from gateway.filters.known import Known
from gateway.filters.listed import read_lists
from gateway.filters.lookup import Lookup
from gateway.filters.paused import Paused
from gateway.filters.persons import Persons
from gateway.filters.quiet import Quiet
from gateway.filters.suppressed import Suppressed
from gateway.filters.verdict import Filter
from gateway.settings.models import Generation

AGAIN = (Directed.name, "suppressed", "paused", "consented", "quiet", "lookup")
"""What is asked again when a message has waited for its carrier: a STOP may have come, or the night."""


def protecting_filters(generation: Generation, before: Mapping[str, Filter]) -> dict[str, Filter]:
    """The filters by name, in their order: the lists, the breakers, consent, quiet hours, what others say,
    and last the counts.

    What is known stays that of the filters `before`. Raises ValueError for packs and lists that cannot
    be used.
    """
    persons = Persons(generation)
    previous = before.get(Suppressed.name)
    known, before_lists = (
        (previous.known, previous.lists) if isinstance(previous, Suppressed) else (Known(), {})
    )
    filters: tuple[Filter, ...] = (
        Suppressed(persons, known, read_lists(generation, before_lists)),
        Paused(persons, known),
        Consented(persons, known),
        Quiet(persons, generation.filters.quiet),
        Lookup(persons, known, generation.filters.lookup),
        Capped(persons, known),
    )
    return {filter.name: filter for filter in filters}
