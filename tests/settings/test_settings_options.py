"""docs/options.md names what there is: in its right column stand keys, their values, and commands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TOKEN = re.compile(r"`([^`]+)`")
KEY = re.compile(r"[A-Za-z_.\[\]]+(: [a-z_]+)?")
OTHERS = Path(__file__).with_name("options_of_others.txt")
ELSEWHERE = {"accounts.NAME.rate", "carriers.NAME.window", "NAME", "no_route", "gateway"}


def keys_and_values(schema: Any) -> Iterator[str]:
    """Every key of a schema's objects, and every value that one may have."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        yield from map(str, schema.get("enum", ()))
        yield str(schema.get("const", ""))
        for each in schema.values():
            yield from keys_and_values(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from keys_and_values(each)


def known() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "docs" / "schema").glob("*.json"):
        found |= set(keys_and_values(json.loads(path.read_text("utf-8"))))
    return found


def named() -> Iterator[str]:
    """What the right column writes as code."""
    for line in (ROOT / "docs" / "options.md").read_text("utf-8").splitlines():
        if line.startswith("| ") and line.count(" | ") == 1:
            yield from TOKEN.findall(line.split(" | ")[1])


def test_every_key_is_there() -> None:
    there = known()
    commands = (ROOT / "README.md").read_text("utf-8")
    checked = 0
    for token in named():
        if token.startswith("gateway "):
            assert f"`{' '.join(token.split()[:2])}`" in commands, token
        elif KEY.fullmatch(token):
            for part in re.split(r"[.:\s]+", token.replace("[]", "").strip(".")):
                assert part in there or part in ELSEWHERE, f"{part} of {token}"
        checked += 1
    assert checked > 100


def test_every_option_of_the_others_is_answered() -> None:
    """In the left column stands each by its own name, so that who comes from there finds it."""
    document = (ROOT / "docs" / "options.md").read_text("utf-8")
    rows = [line.split(" | ")[0] for line in document.splitlines() if line.startswith("| ")]
    told = set(re.findall(r"[A-Za-z_-]+", " ".join(rows)))
    assert not [option for option in OTHERS.read_text("utf-8").split() if option not in told]
