"""The models of routing.yaml: by which carrier."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.settings.node import Section
from gateway.settings.scalars import AccountName, CarrierName, Category, Prefix, Text, distinct


class Match(Section):
    """What a route takes. Every key that is given must fit; of a list, any entry."""

    account: Annotated[tuple[AccountName, ...], AfterValidator(distinct)] = ()
    """system_ids."""
    category: tuple[Category, ...] = ()
    """Categories."""
    destination: tuple[Prefix, ...] = ()
    """Prefixes of the destination in international form; a `+` is dropped."""
    source: tuple[Text, ...] = ()
    """Source addresses, exact or as `prefix*`."""
    text: re.Pattern[str] | None = None
    """A regular expression found in the text as the handset will show it."""

    @property
    def everything(self) -> bool:
        """Whether it takes every message."""
        return not (self.account or self.category or self.destination or self.source or self.text)


class Route(Section):
    """A rule of routing.yaml: the first that matches decides."""

    name: Text
    """How logs and explanations call it."""
    match: Match = Match()
    carriers: Annotated[tuple[CarrierName, ...], Field(min_length=1), AfterValidator(distinct)]
    """In order of preference: the next takes over when one is down, full or throttled."""


class Routing(Section):
    """routing.yaml: by which carrier."""

    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    """In order: the first that matches a message decides."""
