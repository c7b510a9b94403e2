"""The models of filters.yaml: may it be sent, and when. One section for each filter."""

from __future__ import annotations

from typing import Literal

from gateway.settings.node import Section
from gateway.settings.scalars import ConfigFile

FilterMode = Literal["enforce", "warn", "shadow", "off"]


class Words(Section):
    """Sensitive words: a text that contains one is refused."""

    mode: FilterMode = "enforce"
    """For accounts with `filters: all`."""
    files: tuple[ConfigFile, ...] = ()
    """Word lists, one word a line, `#` begins a comment; relative to the configuration."""


class Filters(Section):
    """filters.yaml: may it be sent, and when. Each key is a filter."""

    words: Words = Words()

    def mode(self, name: str) -> FilterMode:
        """The stated mode of the filter `name`."""
        mode: FilterMode = getattr(self, name).mode
        return mode
