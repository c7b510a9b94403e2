"""What routing.yaml says as a whole: doubled names, groups that hold themselves, tables that are missed."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gateway.settings.effects import Remark
from gateway.settings.routing import Choice, Routing
from gateway.settings.scalars import nearest
from gateway.settings.tables import Tables
from gateway.settings.yaml import Path

FILE = "routing.yaml"


def faults_of_routing(routing: Routing, carriers: Collection[str]) -> Iterator[Remark]:
    """What keeps it from being used."""
    yield from _doubled_names(routing)
    for name in routing.groups:
        if name in carriers:
            yield Remark(FILE, ("groups", name), f"'{name}' is also the name of a carrier")
        circle = _circle(routing, name)
        if circle:
            said = " -> ".join(circle)
            yield Remark(FILE, ("groups", name, "carriers"), f"group '{name}' contains itself: {said}")
    if not any(_circle(routing, name) for name in routing.groups):
        for path, choice in choices(routing):
            yield from _without_prices(routing, path, choice)


def choices(routing: Routing) -> Iterator[tuple[Path, Choice]]:
    """Every choice with its place."""
    for index, route in enumerate(routing.routes):
        yield ("routes", index), route
    for name, group in routing.groups.items():
        yield ("groups", name), group


def _doubled_names(routing: Routing) -> Iterator[Remark]:
    """Routes of the same name, which no record could tell apart."""
    first: dict[str, int] = {}
    for index, route in enumerate(routing.routes):
        if first.setdefault(route.name, index) != index:
            message = f"routes[{first[route.name]}] is already called '{route.name}'"
            yield Remark(FILE, ("routes", index, "name"), message)


def _circle(routing: Routing, start: str) -> list[str]:
    """The way from a group back to itself, if there is one."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        group = routing.groups.get(way[-1])
        for name in group.carriers if group is not None else ():
            if name == start:
                return [*way, name]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def _without_prices(routing: Routing, path: Path, choice: Choice) -> Iterator[Remark]:
    if choice.choose != "cost":
        return
    for index, name in enumerate(choice.carriers):
        group = routing.groups.get(name)
        reached = {name} if group is None else set(routing.reached(group))
        for carrier in sorted(reached - routing.tables.prices.keys()):
            message = f"there is no price of carrier '{carrier}': name its table under tables.prices"
            yield Remark(FILE, (*path, "carriers", index), message)


def faults_of_tables(routing: Routing, tables: Tables) -> Iterator[Remark]:
    """What routes match on and no table has."""
    regions = {name for _, name in tables.regions.items()} if tables.regions is not None else None
    tags = None
    if tables.preferences is not None:
        tags = {tag for told in tables.preferences.tags.values() for tag in told}
    networks = None
    if tables.networks is not None or tables.ported is not None:
        networks = (
            {code for _, code in tables.networks.items()} if tables.networks is not None else set[str]()
        )
        networks |= {*(tables.ported.values if tables.ported is not None else ())}
        networks |= {code[:3] for code in networks}
    for index, route in enumerate(routing.routes):
        for key, names, known, table in (
            ("region", route.match.region, regions, "regions"),
            ("preference", route.match.preference, tags, "preferences"),
            ("network", route.match.network, networks, "networks"),
        ):
            for at, name in enumerate(names):
                path: Path = ("routes", index, "match", key, at)
                if known is None:
                    yield Remark(FILE, path, f"no table says it: name one under tables.{table}")
                elif name.replace("-", "") not in known and name not in known:
                    yield Remark(FILE, path, f"the table of {table} has no '{name}'{nearest(name, known)}")


def warnings_of_tables(routing: Routing, tables: Tables, now: float) -> Iterator[Remark]:
    """Prices that are not in force yet, and destinations that a choice by cost has no price for."""
    for carrier, prices in tables.prices.items():
        gaps = sorted(prices.future(now))
        if gaps:
            said = ", ".join(gaps[:5]) + (" and others" if len(gaps) > 5 else "")
            message = f"carrier '{carrier}' has no price yet for {said}: every one begins later"
            yield Remark(FILE, ("tables", "prices", carrier), message)
    for index, route in enumerate(routing.routes):
        if route.choose != "cost":
            continue
        for at, prefix in enumerate(route.match.destination):
            missing = [name for name in routing.reached(route) if tables.prices[name].at(prefix, now) is None]
            if missing and not _has_longer(tables, missing, prefix):
                message = f"no price of {', '.join(missing)} covers {prefix}: asked last there"
                yield Remark(FILE, ("routes", index, "match", "destination", at), message)


def _has_longer(tables: Tables, carriers: list[str], prefix: str) -> bool:
    return all(any(known.startswith(prefix) for known, _ in tables.prices[name].items()) for name in carriers)
