"""Regular expressions that an admin writes, held to what ends in time.

Python's matcher tries one way after the other. How many ways there can be on a text of LONGEST characters is
estimated from the pattern; one that could take more than MOST_STEPS is refused when it is read.
"""

from __future__ import annotations

import re
from math import inf
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

LONGEST = 1000
"""Characters of a text that are looked at."""

MOST_STEPS = 5_000_000.0


def bounded(pattern: re.Pattern[str]) -> re.Pattern[str]:
    """A pattern whose matching ends in time. Raises ValueError for another."""
    if LONGEST * ways(_parser.parse(pattern.pattern, pattern.flags)) > MOST_STEPS:
        raise ValueError(
            f"'{pattern.pattern}' can take very long on some texts: write bounds such as {{1,20}} for + and "
            "*, and nothing repeated inside what is repeated"
        )
    return pattern


def _repeated(least: int, most: int, body: Any) -> float:
    inside, longest = ways(body), min(int(most), LONGEST)
    try:
        repeated: float = inside**longest
    except OverflowError:
        return inf
    return (longest - least + 1) * repeated


def ways(items: Any) -> float:
    """In how many ways a parsed pattern may be tried at one position."""
    total = 1.0
    for operator, argument in items:
        total *= _ways(operator, argument)
    return total


def _ways(operator: Any, argument: Any) -> float:
    if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        return _repeated(*argument)
    if operator is sre.SUBPATTERN:
        return ways(argument[-1])
    if operator is sre.BRANCH:
        return sum(map(ways, argument[1]))
    if operator in (sre.ASSERT, sre.ASSERT_NOT):
        return ways(argument[1])
    if operator is sre.GROUPREF_EXISTS:
        return sum(ways(part) for part in argument[1:] if part)
    if operator in (sre.POSSESSIVE_REPEAT, sre.ATOMIC_GROUP):
        return float(LONGEST)
    return 1.0
