"""The model of a carrier's statement: the daily file of what it counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator

from gateway.settings.node import Section
from gateway.settings.scalars import FreeText, Text, TimeZone
from gateway.smpp.constants import MessageState
from gateway.smpp.receipts import STATS

Encoding = Literal["utf-8-sig", "gb18030", "latin-1"]
Ending = Literal["delivered", "expired", "deleted", "undeliverable", "accepted", "unknown", "rejected"]

USUAL: Mapping[str, Ending] = {
    name: state.name.lower()  # type: ignore[misc]
    for state in MessageState
    if state.name.lower() in Ending.__args__  # type: ignore[attr-defined]
    for name in (state.name.lower(), STATS[state].lower())
}


class Statement(Section):
    """The carrier's daily file of what it counts, as CSV with a heading, for `gateway cdr reconcile`. Columns
    are named as the heading has them; null: it has none."""

    id: Text = "id"
    """The message id that the carrier gave."""
    ids: Literal["exact", "caseless", "hex", "dec"] = "exact"
    """How it writes ids there: as `ids` of the carrier."""
    number: Text | None = None
    """The number it went to."""
    time: Text | None = None
    """When the carrier took it."""
    time_format: Text | None = None
    """As Python's strptime has it: `"%d.%m.%Y %H:%M:%S"`; null: ISO 8601."""
    time_zone: TimeZone = "UTC"
    """Of times that name no zone."""
    state: Text | None = None
    """What became of it."""
    states: dict[FreeText, Ending] = Field(default_factory=dict)
    """Its words for that: `{"0": delivered, "7": undeliverable}`. DELIVRD, UNDELIV and the like, and the
    names in full, are known."""
    segments: Text | None = None
    """How many segments it counts; null: each line is one."""
    price: Text | None = None
    """What the line costs."""
    delimiter: Annotated[FreeText, Field(min_length=1, max_length=1)] = ","
    """What stands between the fields."""
    encoding: Encoding = "utf-8-sig"
    """Of the file; utf-8-sig is UTF-8 with or without a mark at its begin."""

    @field_validator("states")
    @classmethod
    def in_small_letters(cls, states: dict[str, Ending]) -> dict[str, Ending]:
        return {name.casefold(): state for name, state in states.items()}

    def meaning(self, word: str) -> str | None:
        """Our name for its word; None for one that is not known."""
        word = word.strip().casefold()
        return self.states.get(word) or USUAL.get(word)
