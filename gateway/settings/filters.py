"""The models of filters.yaml: may it be sent, and when. One section for each filter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from gateway.settings.content import Binary, Dlt, Links, Mandatory, Plugin, Raising, Senders, Templates
from gateway.settings.modes import FilterMode, FilterSection, mode_for
from gateway.settings.node import Section
from gateway.settings.protection import Capped, Consented, Lookup, Paused, Quiet, Suppressed
from gateway.settings.scalars import ConfigFile, Count, Text


class Words(FilterSection):
    """Sensitive words: what a text with one of them gets is said by the word's severity."""

    files: tuple[ConfigFile, ...] = ()
    """Word lists, one word a line, `#` begins a comment; relative to the configuration."""

    most_entries: Count = 1_000_000
    """Entries that all lists together may have; a configuration with more is not taken over. A million takes
    some 600 MiB, and 20 seconds at the start."""


class Filters(Section):
    """filters.yaml: may it be sent, and when. Each key but `plugins` is a filter. Of those about the text
    only `words` runs where it is not named here; those about people go by what people.yaml says."""

    category: Raising = Raising(mode="off")
    binary: Binary = Binary(mode="off")
    senders: Senders = Senders(mode="off")
    dlt: Dlt = Dlt(mode="off")
    templates: Templates = Templates(mode="off")
    words: Words = Words()
    links: Links = Links(mode="off")
    mandatory: Mandatory = Mandatory(mode="off")
    suppressed: Suppressed = Suppressed()
    paused: Paused = Paused()
    consented: Consented = Consented()
    quiet: Quiet = Quiet()
    lookup: Lookup = Lookup()
    capped: Capped = Capped()
    plugins: dict[Text, Plugin] = Field(default_factory=dict)
    """Filters of third parties, by the name of their entry point; they judge last."""

    @model_validator(mode="after")
    def plugins_have_names_of_their_own(self) -> Self:
        taken = [name for name in self.plugins if name in type(self).model_fields]
        if taken:
            raise ValueError(f"a plugin cannot be called '{taken[0]}', which is the gateway's own")
        return self

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The filters of the gateway itself, by their keys."""
        return tuple(
            name
            for name, field in cls.model_fields.items()
            if isinstance(field.annotation, type) and issubclass(field.annotation, FilterSection)
        )

    def section(self, name: str) -> FilterSection:
        """The section of a filter, the gateway's own or a plugin."""
        section: FilterSection = self.plugins[name] if name in self.plugins else getattr(self, name)
        return section

    def mode(self, name: str, category: str) -> FilterMode:
        """The stated mode of the filter `name` for messages of a category."""
        return mode_for(self.section(name).mode, category)

    def files(self) -> Iterator[Path]:
        """Every file beside filters.yaml that the filters read."""
        yield from self.words.files
        yield from self.links.shortener_files
        for known in self.links.tenants.values():
            yield from known.host_files
        if self.templates.directory is not None:
            yield from sorted(self.templates.directory.glob("*.yaml"))
