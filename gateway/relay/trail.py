"""The trail of a message: a JSON list with a step for each time that it was given to a carrier."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from gateway.relay.book import Entry
from gateway.routing.choosing import Pick

ONLY = re.compile(r'"only": ("(?:[^"\\]|\\.)*")')


Shadows = tuple[tuple[str, str], ...]
"""Rules in shadow, and the carrier by which each would have sent a message now; "" for none."""


def add_step(entry: Entry, generation: int, rule: str, pick: Pick, shadows: Shadows = ()) -> None:
    """The message is given to a carrier: by which rule of which generation, at what price, and who was passed
    over; and what rules in shadow would have done.
    """
    step = trail_step(generation, rule, pick, shadows)
    entry.trail = step if entry.attempts == 1 else f"{entry.trail[:-1]},{step[1:]}"


@lru_cache(maxsize=1024)
def trail_step(generation: int, rule: str, pick: Pick, shadows: Shadows = ()) -> str:
    """One step of a message's trail: a JSON list of one object."""
    step: dict[str, Any] = {"generation": generation, "route": rule, "carrier": pick.carrier}
    if pick.price is not None:
        step["price"] = pick.price.said
    if pick.passed:
        step["passed"] = dict(pick.passed)
    if shadows:
        step["shadow"] = dict(shadows)
    return json.dumps([step])


def keep_to(carrier: str, entry: Entry, why: str) -> None:
    """From now on this carrier alone may take the message; the last step of its trail says so, also after a
    restart.
    """
    if entry.only != carrier and entry.trail.endswith("}]"):
        entry.only = carrier
        said = json.dumps({"only": carrier, "after": why})
        entry.trail = f"{entry.trail[:-2]}, {said[1:]}]"


def only_of(trail: str) -> str:
    """The carrier that alone may take a message, by its trail; "" if any may."""
    found = ONLY.findall(trail)
    return str(json.loads(found[-1])) if found else ""
