"""How often each rule and each route had a say, counted from the records: what acted, and beside it what was
in shadow and would have.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gateway.store.rows import MessageRow
from gateway.store.spans import Stretch, spans

ROUTE = "route"
ACTED, RECORDED, SHADOW = "acted", "recorded", "shadow"
_COLUMNS = {"enforce": ACTED, "warn": RECORDED, "shadow": SHADOW}

Key = tuple[str, str, str]
"""The filter (or ROUTE), the rule, its place."""


def count(
    connection: Connection, stretch: Stretch, directory: Path, tell: Callable[[int], None]
) -> list[dict[str, Any]]:
    """A line for each rule that said anything of a message of the stretch, by filter and rule: how often it
    acted, was only recorded (its filter in mode `warn`), or was in shadow; and what it said. `tell` hears at
    times how many messages were looked at.
    """
    counts: dict[Key, Counter[str]] = {}
    said: dict[Key, Counter[str]] = {}
    looked = 0
    for span in spans(connection, stretch):
        before, looked = looked, looked + span.looked
        for row in span.rows:
            _count_words(row, directory, counts, said)
            _count_steps(row, counts, said)
        if looked // 100_000 > before // 100_000:
            tell(looked)
    return [
        {
            "filter": key[0],
            "rule": key[1],
            **{name: counts[key][name] for name in (ACTED, RECORDED, SHADOW)},
            "said": ", ".join(f"{what} {many}" for what, many in said[key].most_common()),
            "place": key[2],
        }
        for key in sorted(counts)
    ]


def _count_words(
    row: MessageRow, directory: Path, counts: dict[Key, Counter[str]], said: dict[Key, Counter[str]]
) -> None:
    for word in json.loads(row.decision or "{}").get("words", ()):
        place = word.get("place", "").removeprefix(f"{directory.resolve()}/").removeprefix(f"{directory}/")
        key = word["filter"], word.get("rule", ""), place
        counts.setdefault(key, Counter())[_COLUMNS[word.get("mode", "enforce")]] += 1
        said.setdefault(key, Counter())[word["action"]] += 1


def _count_steps(row: MessageRow, counts: dict[Key, Counter[str]], said: dict[Key, Counter[str]]) -> None:
    """A route counts each time that a message is given to a carrier by it."""
    for step in json.loads(row.trail or "[]"):
        ways = [(step["route"], ACTED, step["carrier"])]
        ways += [(name, SHADOW, carrier) for name, carrier in step.get("shadow", {}).items()]
        for name, column, carrier in ways:
            key = ROUTE, name, ""
            counts.setdefault(key, Counter())[column] += 1
            said.setdefault(key, Counter())[carrier or "nobody"] += 1
