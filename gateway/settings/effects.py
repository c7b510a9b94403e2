"""What the files mean together: rules of one name, and rules without effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gateway.settings.models import Accounts, Carriers, Match, Route, Routing
from gateway.settings.yaml import Path


class Remark(NamedTuple):
    """A sentence on a place in a file."""

    file: str
    path: Path
    message: str


def doubled_routes(routing: Routing) -> Iterator[Remark]:
    """Routes of the same name, which no record could tell apart."""
    first: dict[str, int] = {}
    for index, route in enumerate(routing.routes):
        if first.setdefault(route.name, index) != index:
            message = f"routes[{first[route.name]}] is already called '{route.name}'"
            yield Remark("routing.yaml", ("routes", index, "name"), message)


def warnings(accounts: Accounts, carriers: Carriers, routing: Routing) -> Iterator[Remark]:
    """What may be, and can hardly be meant."""
    reached: set[str] = set()
    live: list[tuple[int, Route]] = []
    for index, route in enumerate(routing.routes):
        earlier = next((other for other in live if covers(other[1].match, route.match)), None)
        if earlier is None:
            live.append((index, route))
            reached.update(route.carriers)
        else:
            by = f"routes[{earlier[0]}] '{earlier[1].name}' takes all of it"
            yield Remark("routing.yaml", ("routes", index), f"route '{route.name}' can never match: {by}")
    for system_id in accounts.accounts:
        if not any(not route.match.account or system_id in route.match.account for _, route in live):
            yield Remark("accounts.yaml", ("accounts", system_id), f"no route takes account '{system_id}'")
    for name, carrier in carriers.carriers.items():
        path: Path = ("carriers", name)
        if name not in reached:
            yield Remark("carriers.yaml", path, f"no route reaches carrier '{name}'")
        if {bind.mode for bind in carrier.binds} == {"transmitter"}:
            yield Remark("carriers.yaml", (*path, "binds"), "no bind receives: its receipts cannot come back")


def covers(earlier: Match, later: Match) -> bool:
    """Whether every message that fits `later` also fits `earlier`."""
    return (
        _within(later.account, earlier.account)
        and _within(later.category, earlier.category)
        and _within(_starred(later.destination), _starred(earlier.destination))
        and _within(later.source, earlier.source)
        and (earlier.text is None or earlier.text == later.text)
    )


def _starred(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{prefix}*" for prefix in prefixes)


def _within(inner: tuple[str, ...], outer: tuple[str, ...]) -> bool:
    """Whether each pattern of `inner` is one of `outer`, or narrower; no pattern at all takes everything."""
    if not outer or not inner:
        return not outer
    return all(any(_narrower(one, other) for other in outer) for one in inner)


def _narrower(one: str, other: str) -> bool:
    return one == other or (other.endswith("*") and one.startswith(other[:-1]))
