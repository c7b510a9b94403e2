"""What the files mean together: rules of one name, and rules without effect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    live: list[tuple[int, Route, Asked]] = []
    places = {id(route): index for index, route in enumerate(routing.routes)}
    for route in routing.in_order:
        index, asked = places[id(route)], Asked.of(route.match)
        earlier = next((other for other in live if other[2].takes(asked)), None)
        if earlier is None and route.mode == "enforce":
            live.append((index, route, asked))
            reached.update(routing.reached(route))
        elif earlier is not None:
            by = f"routes[{earlier[0]}] '{earlier[1].name}' takes all of it"
            yield Remark("routing.yaml", ("routes", index), f"route '{route.name}' can never match: {by}")
    for system_id, account in accounts.accounts.items():
        if not any(_takes(route.match, system_id, account) for _, route, _ in live):
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


class Patterns(NamedTuple):
    """What one key of a match takes: texts, and beginnings of texts; neither: everything."""

    exact: frozenset[str]
    starred: tuple[str, ...]

    @classmethod
    def of(cls, given: Iterable[str]) -> Patterns:
        """Of texts, exact or as `prefix*`."""
        given = tuple(given)
        return cls(frozenset(given), tuple(each[:-1] for each in given if each.endswith("*")))

    def hold(self, inner: Patterns) -> bool:
        """Whether each pattern of `inner` is one of these, or narrower."""
        if not self.exact or not inner.exact:
            return not self.exact
        return all(one in self.exact or one.startswith(self.starred) for one in inner.exact)


class Asked(NamedTuple):
    """A match, made quick to compare with many others."""

    match: Match
    patterns: tuple[Patterns, ...]

    @classmethod
    def of(cls, match: Match) -> Asked:
        """All that are patterns, in one order."""
        named = [getattr(match, name) for name in PLAIN]
        named += [_starred(match.destination), _networks(match.network), match.source]
        named += [map(str, match.data_coding), map(str, match.tier), match.words]
        return cls(match, tuple(map(Patterns.of, named)))

    def takes(self, other: Asked) -> bool:
        """Whether every message that fits the other also fits this."""
        earlier, later = self.match, other.match
        return (
            all(outer.hold(inner) for outer, inner in zip(self.patterns, other.patterns, strict=True))
            and (not earlier.hours or earlier.hours == later.hours)
            and (not earlier.dates or earlier.dates == later.dates)
            and (earlier.text is None or earlier.text == later.text)
            and all(
                tag in later.tlvs and value in (None, later.tlvs[tag]) for tag, value in earlier.tlvs.items()
            )
            and _segments_within(later.segments, earlier.segments)
        )


def covers(earlier: Match, later: Match) -> bool:
    """Whether every message that fits `later` also fits `earlier`."""
    return Asked.of(earlier).takes(Asked.of(later))


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


def faults_of_balances(accounts: Accounts, routing: Routing) -> Iterator[Remark]:
    """Balances that go by price tables have their currency."""
    for system_id, account in accounts.accounts.items():
        balance = account.balance
        if balance is not None and balance.by_route and balance.currency != routing.currency:
            path: Path = ("accounts", system_id, "balance", "currency")
            message = f"by_route goes by prices in {routing.currency}, the currency of routing.yaml"
            yield Remark("accounts.yaml", path, message)
