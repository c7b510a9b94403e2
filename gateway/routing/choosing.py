"""Which of a rule's carriers: a choice puts them in order, and the first that can take a message is taken.

Pure: what is known of the carriers now is handed in as a `View`, the turn and the chance included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from hashlib import blake2b
from math import gcd, inf, log
from typing import NamedTuple

from gateway.routing.numbering import kind_of
from gateway.routing.places import UNPRICED, Place, Places, Price
from gateway.settings.routing import Choice as Settings
from gateway.settings.routing import Routing
from gateway.smpp.enums import quick

REMEMBERED = 100_000
"""Picks for places, by all choices together, some 200 octets each."""

EXPLORING = 0.05
"""The share of messages for which a choice by quality tries another than the best."""


@quick
class Health(Enum):
    """Whether a carrier can take a message now, and if not, why it is passed over."""

    READY = "ready"
    SUSPECT = "suspect"
    """It can, and fails often: it is taken where no other can."""
    DOWN = "down"
    OUT = "out"
    PROBING = "probing"
    FULL = "full"
    THROTTLED = "throttled"
    PAUSED = "paused"


BUSY = frozenset({Health.FULL, Health.THROTTLED, Health.PROBING})
"""It is worth waiting for."""


class Pick(NamedTuple):
    """Who takes a message (nobody: None), at what price, and who was passed over and why."""

    carrier: str | None
    passed: tuple[tuple[str, str], ...] = ()
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What is known of the carriers at one moment. Each function gets the carrier's name.

    `why` says why one that is not ready is passed over; `free` is the share of its window that is free;
    `quality` how well it delivers to a country, 0 to 1; `turn` counts the messages that a choice has placed;
    `chance` is a random number below 1; `now` unix seconds.
    """

    health: Callable[[str], Health]
    why: Callable[[str, Health], str] = lambda name, health: health.value
    free: Callable[[str], float] = lambda name: 1.0
    quality: Callable[[str, str], float] = lambda name, country: 0.5
    turn: Callable[[str], int] = lambda choice: 0
    chance: Callable[[], float] = lambda: 1.0
    now: Callable[[], float] = lambda: 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """Carriers and other choices, and how one of them is chosen."""

    name: str
    strategy: str
    members: tuple[str | Choice, ...]
    weights: tuple[int, ...]
    sticky: bool = False
    reached: tuple[str, ...] = field(init=False)
    """Every carrier that it can come to."""
    turning: tuple[Choice, ...] = field(init=False)
    """It and the choices inside it that take turns."""
    flat: bool = field(init=False)
    """Of carriers alone."""
    plain: bool = field(init=False)
    """Carriers in their order, and nothing else."""
    static: bool = field(init=False)
    """Carriers in an order that hangs on the number and its prices alone."""
    rounds: tuple[tuple[int, ...], ...] = field(init=False)
    """For each turn of a round the places of the members in the order in which they are asked."""
    picks: dict[Place, tuple[Pick, ...]] = field(init=False, repr=False, compare=False)
    """Of one that is flat, by place, its carriers with their prices: what a `Chooser` remembers. In the order
    in which they are asked, where the choice is static; else in their own.
    """

    def __post_init__(self) -> None:
        reached = [name for member in self.members for name in _reached(member)]
        inside = [
            choice for member in self.members if isinstance(member, Choice) for choice in member.turning
        ]
        turns = self.strategy in ("weight", "turn") and not self.sticky
        put = object.__setattr__
        put(self, "reached", tuple(dict.fromkeys(reached)))
        put(self, "turning", (self, *inside) if turns else tuple(inside))
        put(self, "flat", reached == list(self.members))
        put(self, "plain", self.strategy == "order" and self.flat)
        put(self, "static", self.strategy in ("order", "cost") and self.flat and bool(reached))
        put(self, "rounds", rounds(self.weights) if turns else ())
        put(self, "picks", {})


def exchanged(choice: Choice, carrier: str, others: tuple[str, ...]) -> Choice:
    """The same choice with others in the place of a carrier, each with its weight."""
    members: list[str | Choice] = []
    weights: list[int] = []
    for member, weight in zip(choice.members, choice.weights, strict=True):
        if member == carrier:
            new: tuple[str | Choice, ...] = tuple(name for name in others if name not in choice.members)
        else:
            new = (member if isinstance(member, str) else exchanged(member, carrier, others),)
        members += new
        weights += [weight] * len(new)
    return replace(choice, members=tuple(members), weights=tuple(weights))


def _reached(member: str | Choice) -> tuple[str, ...]:
    return (member,) if isinstance(member, str) else member.reached


def smooth(weights: tuple[int, ...]) -> tuple[int, ...]:
    """Places of the members in one round: each as often as its weight says, and spread out evenly."""
    divisor = gcd(*weights) or 1
    shares = [weight // divisor for weight in weights]
    total = sum(shares)
    credit = [0] * len(shares)
    order = []
    for _ in range(total):
        credit = [have + share for have, share in zip(credit, shares, strict=True)]
        best = max(range(len(shares)), key=credit.__getitem__)
        credit[best] -= total
        order.append(best)
    return tuple(order)


def rounds(weights: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """For each turn of a round the places of all members: whose turn it is, then whose turn comes next;
    behind them those that never have one.
    """
    order = tuple(range(len(weights)))
    turns = smooth(weights)
    found: list[tuple[int, ...]] = []
    same: dict[tuple[int, ...], tuple[int, ...]] = {}
    for first in reversed(turns + turns):
        order = (first, *[at for at in order if at != first])
        found.append(same.setdefault(order, order))
    return tuple(reversed(found[len(turns) :]))


class Chooser:
    """The choices of one generation, and what its price tables say."""

    def __init__(self, routing: Routing, places: Places) -> None:
        self._routing = routing
        self.places = places
        self._columns = places.columns
        self.priced = bool(places.columns)
        """Whether some carrier has a price, which then is noted of each message."""
        self._since, self._until = inf, -inf  # the time for which is remembered who is the first
        self._remembered = 0
        self._choices: list[Choice] = []  # of which something is remembered
        self._said: dict[tuple[str, str], Pick] = {}
        self._groups: dict[str, Choice] = {}
        self.by_quality = any(
            each.choose == "quality" for each in (*routing.routes, *routing.groups.values())
        )

    def choice(self, name: str, settings: Settings) -> Choice:
        """A choice of what the admin wrote, its groups resolved."""
        members = tuple(self._member(each) for each in settings.carriers)
        weights = tuple(settings.weights.get(each, 1) for each in settings.carriers)
        return Choice(name, settings.choose, members, weights, settings.sticky == "recipient")

    def _member(self, name: str) -> str | Choice:
        if name not in self._routing.groups:
            return name
        if name not in self._groups:
            self._groups[name] = self.choice(name, self._routing.groups[name])
        return self._groups[name]

    def price(self, carrier: str, digits: str, now: float) -> Price | None:
        """What a carrier asks for a segment to a number; None if its table does not say."""
        at = self._columns.get(carrier)
        if at is None:
            return None
        price = self.places.at(digits).prices(now)[at]
        return None if price is UNPRICED else price

    def order(self, choice: Choice, digits: str, view: View) -> Iterable[str]:
        """All carriers of a choice, in the order in which they are asked for a number."""
        if choice.plain:
            return choice.reached
        if choice.flat:
            reached = choice.reached
            return [reached[at] for at in self._ranked(choice, digits, view)]
        return dict.fromkeys(self._ordered(choice, digits, view))

    def _ordered(self, choice: Choice, digits: str, view: View) -> Iterator[str]:
        for at in self._ranked(choice, digits, view):
            member = choice.members[at]
            if isinstance(member, str):
                yield member
            else:
                yield from self._ordered(member, digits, view)

    def _ranked(self, choice: Choice, digits: str, view: View) -> Iterable[int]:
        """The places of the members, the one that is asked first in front."""
        if choice.rounds:
            return choice.rounds[view.turn(choice.name) % len(choice.rounds)]
        places = range(len(choice.members))
        if choice.sticky:
            return sorted(
                places, key=lambda at: -_draw(digits, _label(choice.members[at]), choice.weights[at])
            )
        if choice.strategy == "cost":
            return sorted(places, key=self._costs(choice, digits, view.now()).__getitem__)
        if choice.strategy == "load":
            free = view.free
            if choice.flat:
                shares = [free(name) for name in choice.reached]
            else:
                shares = [max([free(name) for name in _reached(member)]) for member in choice.members]
            return sorted(places, key=shares.__getitem__, reverse=True)
        if choice.strategy == "quality":
            return self._by_quality(choice, digits, view)
        return places

    def _costs(self, choice: Choice, digits: str, now: float) -> list[float]:
        """What each member asks at the least."""
        prices, columns = self.places.at(digits).prices(now), self._columns
        if choice.flat:
            return [prices[columns.get(name, -1)].micro for name in choice.reached]
        return [
            min([prices[columns.get(name, -1)].micro for name in _reached(member)])
            for member in choice.members
        ]

    @staticmethod
    def _by_quality(choice: Choice, digits: str, view: View) -> list[int]:
        """The best first; now and then another, so that what was bad once is seen to be good again."""
        country = kind_of(digits).country
        quality = view.quality
        if choice.flat:
            shares = [quality(name, country) for name in choice.reached]
        else:
            shares = [max([quality(name, country) for name in _reached(member)]) for member in choice.members]
        best = sorted(range(len(shares)), key=shares.__getitem__, reverse=True)
        chance = view.chance()
        if chance < EXPLORING:
            tried = best.pop(int(chance / EXPLORING * len(best)))
            best.insert(0, tried)
        return best

    def pick(self, choice: Choice, digits: str, view: View, refused_by: str = "") -> Pick:
        """The first carrier that can take a message to a number; one that is suspect, or refused it before,
        only where no other can.
        """
        now = view.now()
        if not self._since <= now < self._until:
            self._forget()
            self._since, self._until = self.places.span(now)
        if not choice.flat:
            name, passed = candidates(self.order(choice, digits, view), view, refused_by)
            return Pick(name, passed, None if name is None else self.price(name, digits, now))
        place = self.places.at(digits)
        picks = choice.picks.get(place) or self._picks(choice, place, now)
        order = range(len(picks)) if choice.static else self._ranked(choice, digits, view)
        for at in order:
            pick = picks[at]
            if pick.carrier != refused_by and view.health(pick.carrier or "") is Health.READY:
                return pick
            break
        name, passed = candidates([picks[at].carrier or "" for at in order], view, refused_by)
        return Pick(name, passed, None if name is None else self.price(name, digits, now))

    def _picks(self, choice: Choice, place: Place, now: float) -> tuple[Pick, ...]:
        """The carriers of a choice with their prices for a place, remembered."""
        if self._remembered >= REMEMBERED:
            self._forget()
        self._remembered += 1
        if not choice.picks:
            self._choices.append(choice)
        prices = place.prices(now)
        found = [(name, prices[self._columns.get(name, -1)]) for name in choice.reached]
        if choice.strategy == "cost":
            found.sort(key=lambda each: each[1].micro)
        picks = choice.picks[place] = tuple([self._pick(*each) for each in found])
        return picks

    def _pick(self, name: str, price: Price) -> Pick:
        """What is said alike is one object."""
        key = name, price.said
        found = self._said.get(key)
        if found is None:
            found = self._said[key] = Pick(name, (), None if price is UNPRICED else price)
        return found

    def _forget(self) -> None:
        for choice in self._choices:
            choice.picks.clear()
        self._choices.clear()
        self._remembered = 0


def candidates(
    carriers: Iterable[str], view: View, refused_by: str = ""
) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """The first carrier that is ready, and those passed over before it with the reason."""
    passed: list[tuple[str, str]] = []
    suspect: str | None = None
    health = view.health
    for name in carriers:
        state = health(name)
        if state is Health.READY and name != refused_by:
            return name, tuple(passed) if passed else ()
        if state in (Health.READY, Health.SUSPECT) and suspect is None:
            suspect = name
        passed.append((name, "refused it before" if state is Health.READY else view.why(name, state)))
    return suspect, tuple(each for each in passed if each[0] != suspect)


def _label(member: str | Choice) -> str:
    return member if isinstance(member, str) else member.name


def _draw(digits: str, label: str, weight: int) -> float:
    """A member's lot for a number: the highest wins, and in the long run as often as its weight says."""
    if not weight:
        return -inf
    drawn = int.from_bytes(blake2b(f"{digits}\0{label}".encode(), digest_size=8).digest(), "big")
    return -weight / log((drawn + 1) / (2**64 + 1))
