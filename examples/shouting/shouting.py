"""A filter of a third party: promotional texts that shout, in capitals or with exclamation marks, are held.

The gateway finds `make` by the entry point in pyproject.toml and calls it once for each generation, with
what stands under `settings` in filters.yaml. What it raises there is told as a fault of the configuration. A
filter judges one message at a time, never waits and never changes; what it raises there ends in the verdict
that filters.yaml states (`fails`), and in an alarm.
"""

from __future__ import annotations

from typing import Any

from gateway.filters.verdict import Action, Filter, Verdict
from gateway.message import Message

SHORTEST = 20


class Shouting:
    """Holds a text of which more letters than `share` are capitals, or with more than `marks` of `!`."""

    name = "shouting"

    def __init__(self, share: float, marks: int) -> None:
        self.share = share
        self.marks = marks

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A hold, or nothing; a binary message has no text."""
        text = message.text
        if not text:
            return None
        marks = text.count("!") + text.count("！")
        if marks > self.marks:
            return Verdict(Action.HOLD, self.name, "marks", detail=f"{marks} exclamation marks")
        letters = [character for character in text if character.isupper() or character.islower()]
        capitals = sum(map(str.isupper, letters))
        if len(letters) >= SHORTEST and capitals > self.share * len(letters):
            return Verdict(Action.HOLD, self.name, "capitals", detail=f"{capitals} of {len(letters)} letters")
        return None


def make(settings: dict[str, Any]) -> Filter:
    """The filter with its settings: `share` from 0 to 1 (0.7), `marks` from 0 (3)."""
    unknown = settings.keys() - {"share", "marks"}
    if unknown:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    return Shouting(float(settings.get("share", 0.7)), int(settings.get("marks", 3)))
