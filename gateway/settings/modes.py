"""How a filter runs: in which mode, for which category, and what its own failure means."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Tag

from gateway.settings.node import Section
from gateway.settings.scalars import Category

FilterMode = Literal["enforce", "warn", "shadow", "off"]
Modes = Annotated[
    Annotated[FilterMode, Tag("mode")] | Annotated[dict[Category, FilterMode], Tag("categories")],
    Discriminator(lambda value: "categories" if isinstance(value, dict) else "mode"),
]
"""One mode for all, or a mode by category, the categories that are not named being off."""

Treatment = Literal["refuse", "hold", "warn", "shadow", "allow"]
"""What is done with what a filter finds; `shadow` records and counts that it would be refused."""

RuleMode = Literal["enforce", "shadow"]
"""How a single rule runs: a rule in shadow is judged, recorded and counted, and never acts."""


def mode_for(modes: FilterMode | dict[Category, FilterMode], category: str) -> FilterMode:
    """The mode in which messages of a category are judged."""
    if isinstance(modes, str):
        return modes
    return next((mode for name, mode in modes.items() if name == category), "off")


class FilterSection(Section):
    """What every filter's section has."""

    mode: Modes = "enforce"
    """For accounts with `filters: all`: one mode, or a mapping of category to mode, the others being off."""
    fails: Literal["open", "closed"] = "open"
    """When the filter itself fails, promotional messages are refused; others pass with a warning (`open`) or
    are refused as well (`closed`)."""
