"""What the files mean together: rules of one name, and rules without effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gateway.settings.models import Account, Accounts, Carriers, Match, Route, Routing
from gateway.settings.routing import SegmentCount
from gateway.settings.yaml import Path


class Remark(NamedTuple):
    """A sentence on a place in a file."""

    file: str
    path: Path
    message: str


def warnings(accounts: Accounts, carriers: Carriers, routing: Routing) -> Iterator[Remark]:
    """What may be, and can hardly be meant."""
    reached: set[str] = set()
    live: list[tuple[int, Route]] = []
    for route in routing.in_order:
        index = routing.routes.index(route)
        earlier = next((other for other in live if covers(other[1].match, route.match)), None)
        if earlier is None and route.mode == "enforce":
            live.append((index, route))
            reached.update(routing.reached(route))
        elif earlier is not None:
            by = f"routes[{earlier[0]}] '{earlier[1].name}' takes all of it"
            yield Remark("routing.yaml", ("routes", index), f"route '{route.name}' can never match: {by}")
    for system_id, account in accounts.accounts.items():
        if not any(_takes(route.match, system_id, account) for _, route in live):
            yield Remark("accounts.yaml", ("accounts", system_id), f"no route takes account '{system_id}'")
    for name, carrier in carriers.carriers.items():
        path: Path = ("carriers", name)
        if name not in reached:
            yield Remark("carriers.yaml", path, f"no route reaches carrier '{name}'")
        if {bind.mode for bind in carrier.binds} == {"transmitter"}:
            yield Remark("carriers.yaml", (*path, "binds"), "no bind receives: its receipts cannot come back")


def _takes(match: Match, system_id: str, account: Account) -> bool:
    """Whether a match lets an account's messages through."""
    return (
        (not match.account or system_id in match.account)
        and (not match.tenant or account.tenant in match.tenant)
        and (not match.tag or bool({*match.tag} & {*account.tags}))
    )


PLAIN = ("account", "tenant", "tag", "category", "country", "region", "number_type", "preference", "script")


def covers(earlier: Match, later: Match) -> bool:
    """Whether every message that fits `later` also fits `earlier`."""
    return (
        all(_within(getattr(later, name), getattr(earlier, name)) for name in PLAIN)
        and _within(_starred(later.destination), _starred(earlier.destination))
        and _within(_networks(later.network), _networks(earlier.network))
        and _within(later.source, earlier.source)
        and _within(tuple(map(str, later.data_coding)), tuple(map(str, earlier.data_coding)))
        and _within(tuple(map(str, later.tier)), tuple(map(str, earlier.tier)))
        and _within(later.words, earlier.words)
        and (not earlier.hours or earlier.hours == later.hours)
        and (earlier.text is None or earlier.text == later.text)
        and all(tag in later.tlvs and value in (None, later.tlvs[tag]) for tag, value in earlier.tlvs.items())
        and _segments_within(later.segments, earlier.segments)
    )


def _segments_within(inner: SegmentCount | None, outer: SegmentCount | None) -> bool:
    if outer is None or inner is None:
        return outer is None
    below = outer.most is None or (inner.most is not None and inner.most <= outer.most)
    return inner.least >= outer.least and below


def _networks(names: tuple[str, ...]) -> tuple[str, ...]:
    """Networks as patterns: an MCC alone takes all of its country."""
    codes = (name.replace("-", "") for name in names)
    return tuple(f"{code}*" if len(code) == 3 else code for code in codes)


def _starred(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{prefix}*" for prefix in prefixes)


def _within(inner: tuple[str, ...], outer: tuple[str, ...]) -> bool:
    """Whether each pattern of `inner` is one of `outer`, or narrower; no pattern at all takes everything."""
    if not outer or not inner:
        return not outer
    return all(any(_narrower(one, other) for other in outer) for one in inner)


def _narrower(one: str, other: str) -> bool:
    return one == other or (other.endswith("*") and one.startswith(other[:-1]))


def faults_of_balances(accounts: Accounts, routing: Routing) -> Iterator[Remark]:
    """Balances that go by price tables have their currency."""
    for system_id, account in accounts.accounts.items():
        balance = account.balance
        if balance is not None and balance.by_route and balance.currency != routing.currency:
            path: Path = ("accounts", system_id, "balance", "currency")
            message = f"by_route goes by prices in {routing.currency}, the currency of routing.yaml"
            yield Remark("accounts.yaml", path, message)
