"""A person's word on a held message: kept in its decision record, so that it counts in later judgements."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """What held a message: a filter, and its rule."""

    filter: str
    rule: str


class Approval(NamedTuple):
    """Who let a message pass, when (ISO 8601, UTC), with which words, and past which rules."""

    by: str
    at: str
    note: str
    rules: frozenset[Rule]

    def document(self) -> dict[str, Any]:
        """For the decision record."""
        rules = [list(rule) for rule in sorted(self.rules)]
        return {"approved": True, "by": self.by, "at": self.at, "note": self.note, "past": rules}


def approval_of(decision: str) -> Approval | None:
    """The approval that a decision record holds, if it does."""
    if '"review"' not in decision:
        return None
    review = json.loads(decision).get("review")
    if not isinstance(review, Mapping) or not review.get("approved"):
        return None
    rules = frozenset(Rule(*rule) for rule in review["past"])
    return Approval(review["by"], review["at"], review["note"], rules)


def held_by(decision: str) -> frozenset[Rule]:
    """The rules that hold a message, by its decision record."""
    words = json.loads(decision).get("words", ())
    return frozenset(
        Rule(word["filter"], word["rule"])
        for word in words
        if word["action"] == "hold" and word["mode"] == "enforce"
    )
