"""What edits of words and of templates have in common when they are asked for from outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from gateway.control.node import Node
from gateway.control.operator import OPERATOR
from gateway.control.people import Document, Unfit
from gateway.store.rows import StoreUnavailable

Wished = TypeVar("Wished")

MOST = 10_000
LONGEST_BY = 100
LONGEST_WHY = 1000


class Made(Protocol):
    """What became of wishes: the edits that were made, and (index, why) of the others."""

    @property
    def edits(self) -> Sequence[Any]: ...

    @property
    def refused(self) -> Sequence[Any]: ...


async def edited(
    node: Node,
    asked: Document,
    wish: Callable[[Any], Wished],
    make: Callable[[Sequence[Wished], str, str], Awaitable[Made]],
    act: str,
) -> Document:
    """Make edits, and put on record under `act` that they were made; those that make no sense are told by
    their index, and the others are made. Raises Unfit.
    """
    by, why, edits = asked.get("by") or asked[OPERATOR], asked.get("why", ""), asked.get("edits")
    if not isinstance(by, str) or not 0 < len(by.strip()) <= LONGEST_BY:
        raise Unfit(f"by must name the person, in at most {LONGEST_BY} characters")
    if not isinstance(why, str) or len(why) > LONGEST_WHY:
        raise Unfit(f"why must be text of at most {LONGEST_WHY} characters")
    if not isinstance(edits, list) or not 0 < len(edits) <= MOST:
        raise Unfit(f"edits must be a list of 1 to {MOST}")
    try:
        done = await make(list(map(wish, edits)), by.strip(), why.strip())
    except StoreUnavailable as error:
        raise Unfit(str(error)) from None
    numbers = [edit.id for edit in done.edits]
    if numbers:
        told = f"edits {numbers[0]} to {numbers[-1]}"
        await node.relay.audit.at_once(by.strip(), act, told, why)
    return {"done": numbers, "refused": [list(one) for one in done.refused]}
