"""POST /explain: what would become of a message, asked of the node that would decide it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from gateway.control.asked import Asked
from gateway.control.site import Answer, as_json

Explain = Callable[[str, str, str, str], dict[str, Any]]
"""Of account, source, destination and text; raises ValueError."""


Look = Callable[[str, str, str, str], Coroutine[Any, Any, None]]
"""Of the same: has outside services asked about the number; raises ValueError."""


def explaining(explain: Callable[[float | None], Explain], look: Look) -> Asked:
    """Answers with what `explain(at)` says of `account`, `from`, `to` and `text`, with `ask` after a look-up:
    200, or 400. `at` is the moment for which it is asked, in unix seconds; None: now.
    """

    async def answer(asked: dict[str, Any]) -> Answer:
        values = [asked.get(name) for name in ("account", "from", "to", "text")]
        if not all(isinstance(value, str) for value in values):
            return as_json(400, {"problems": ["account, from, to and text are wanted, as strings"]})
        at = asked.get("at")
        if not isinstance(at, int | float | None) or isinstance(at, bool):
            return as_json(400, {"problems": ["at is a number of unix seconds"]})
        try:
            if asked.get("ask") is True:
                await look(*map(str, values))
            return as_json(200, explain(at)(*map(str, values)))
        except ValueError as error:
            return as_json(400, {"problems": [str(error)]})

    return answer
