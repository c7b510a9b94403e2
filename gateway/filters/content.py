"""The filters of what a message says and who says it, made together, and those of third parties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import entry_points

from gateway.filters.binary import Binary
from gateway.filters.category import Raising
from gateway.filters.dlt import Dlt
from gateway.filters.fold import addresses
from gateway.filters.hostfiles import with_files
from gateway.filters.links import Links
from gateway.filters.mandatory import BRAND, Mandatory
from gateway.filters.packs import TextRule
from gateway.filters.persons import Persons
from gateway.filters.senders import Senders
from gateway.filters.sensitive import SensitiveWords
from gateway.filters.templates import Registries, Templates
from gateway.filters.verdict import Filter, Verdict
from gateway.message import Message
from gateway.settings.models import Generation
from gateway.settings.scalars import nearest

GROUP = "gateway.filters"
"""The group of entry points in which third parties offer filters."""


def content_filters(
    generation: Generation, persons: Persons, before: Mapping[str, Filter]
) -> dict[str, Filter]:
    """The filters by name, in their order: what raises the category, then the cheapest first.

    Raises ValueError for lists and registries that cannot be used.
    """
    settings = generation.filters
    place = generation.place
    addresses()  # a table that takes a tenth of a second to make: not with the first text
    if faults := list(_unknown_rules(generation, persons)):
        raise ValueError("\n".join(faults))
    templates = before.get(Templates.name)
    edits = templates.registries.edits if isinstance(templates, Templates) else None
    links = with_files(settings.links, generation.directory)
    registries = Registries.read(settings.templates.directory, links.tenants, edits)
    places = tuple(place(f"filters.senders.registered[{i}]") for i in range(len(settings.senders.registered)))
    headers = {tenant: place(f"filters.dlt.tenants.{tenant}") for tenant in settings.dlt.tenants}
    words = before.get(SensitiveWords.name)
    filters: tuple[Filter, ...] = (
        Raising(settings.category, persons, place("filters.category")),
        Binary(settings.binary, place("filters.binary")),
        Senders(settings.senders, persons, places),
        Templates(settings.templates, registries, place("filters.templates")),
        Dlt(settings.dlt, persons, registries, headers),
        Links(links, place("filters.links")),
        SensitiveWords.of(generation, words if isinstance(words, SensitiveWords) else None),
        Mandatory(settings.mandatory, persons, place("filters.mandatory")),
    )
    return {filter.name: filter for filter in filters}


def _unknown_rules(generation: Generation, persons: Persons) -> Iterator[str]:
    """What is appended for rules that no pack has would never be."""
    mandatory = generation.filters.mandatory
    texts = {
        ruled.name
        for pack in persons.book.packs
        for ruled in persons.book.all_rules(pack)
        if isinstance(ruled.rule, TextRule)
    }
    appended = {"": mandatory.append}
    appended |= {f".tenants.{name}": voice.append for name, voice in mandatory.tenants.items()}
    for path, append in appended.items():
        for rule in append.keys() - texts - {BRAND}:
            where = generation.place(f"filters.mandatory{path}.append.{rule}")
            yield f"{where}: no pack has a rule '{rule}' on texts{nearest(rule, texts)}"


class Foreign:
    """A filter of a third party. What it says without a place stands where filters.yaml names it."""

    __slots__ = ("_filter", "_place", "name")

    def __init__(self, filter: Filter, place: str) -> None:
        self._filter = filter
        self._place = place
        self.name = filter.name

    def judge(self, message: Message, now: float) -> Verdict | None:
        """What the filter says."""
        verdict = self._filter.judge(message, now)
        if verdict is None or verdict.place:
            return verdict
        return replace(verdict, place=self._place)


def foreign_filters(generation: Generation) -> dict[str, Filter]:
    """The filters of third parties that filters.yaml names. Raises ValueError for one that cannot be made."""
    made: dict[str, Filter] = {}
    for name, plugin in generation.filters.plugins.items():
        place = generation.place(f"filters.plugins.{name}")
        found = entry_points(group=GROUP, name=name)
        if not found:
            raise ValueError(
                f"{place}: no installed package offers a filter '{name}' (entry point group {GROUP})"
            )
        try:
            filter: Filter = next(iter(found)).load()(plugin.settings)
        except Exception as error:  # whatever a third party's code does, it is a fault of the configuration
            raise ValueError(f"{place}: the filter '{name}' cannot be made: {error}") from error
        if filter.name != name:
            raise ValueError(f"{place}: the filter '{name}' calls itself '{filter.name}'")
        made[name] = Foreign(filter, place)
    return made
