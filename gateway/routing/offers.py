"""What several carriers ask for a segment, side by side: one look at the number for all of them.

Made once for the tables of a choice; another generation with the same tables has the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import sleep
from weakref import WeakValueDictionary

from gateway.settings.prefixes import Prefixes
from gateway.settings.tables import Prices, Step

STEP = 500
"""Prefixes that are joined before other threads have their turn: about a millisecond."""

Steps = tuple[Step, ...]
"""Those of the longest prefix last: the last that has begun counts."""


class Offers(Prefixes[tuple[Steps, ...]]):
    """By prefix, the steps of each carrier in its place; () where its table has none."""

    __slots__ = ("nothing", "tables")

    def __init__(self, tables: Sequence[Prices | None]) -> None:
        super().__init__(_side_by_side(tables))
        self.tables = tables
        self.nothing: tuple[Steps, ...] = ((),) * len(tables)


def offers_of(tables: tuple[Prices | None, ...]) -> Offers:
    """The offers of tables, made anew only where these have none yet."""
    key = tuple(map(id, tables))  # which are theirs as long as the offers hold them
    offers = _made.get(key)
    if offers is None:
        offers = _made[key] = Offers(tables)
    return offers


def begun(steps: Steps, now: float) -> Step | None:
    """The step that counts at a moment (unix seconds)."""
    for step in reversed(steps):
        if step.since <= now:
            return step
    return None


def _side_by_side(tables: Sequence[Prices | None]) -> dict[str, tuple[Steps, ...]]:
    """Each prefix of any table, with what a shorter one says where the table does not have it itself, or not
    from ever on.
    """
    own = [dict(table.items()) if table is not None else {} for table in tables]
    found: dict[str, tuple[Steps, ...]] = {}
    nothing: tuple[Steps, ...] = ((),) * len(own)
    for at, prefix in enumerate(sorted({prefix for each in own for prefix in each}, key=len)):
        if at % STEP == 0:
            sleep(0)  # lets go of the interpreter
        above = nothing
        for width in range(len(prefix) - 1, 0, -1):
            if (shorter := found.get(prefix[:width])) is not None:
                above = shorter
                break
        found[prefix] = tuple(
            [_joined(each.get(prefix, ()), steps) for each, steps in zip(own, above, strict=True)]
        )
    return found


def _joined(own: Steps, above: Steps) -> Steps:
    return own if own and (not above or not own[0].since) else above + own


_made: WeakValueDictionary[tuple[int, ...], Offers] = WeakValueDictionary()
