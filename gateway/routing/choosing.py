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
from gateway.routing.offers import Offers, begun, offers_of
from gateway.settings.routing import Choice as Settings
from gateway.settings.routing import Routing
from gateway.settings.tables import MICRO, Step, Tables
from gateway.smpp.enums import quick

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


class Price(NamedTuple):
    """What a segment costs: comparable, in millionths of the one currency, and as the table has it."""

    micro: float
    said: str


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
    plain: bool = field(init=False)
    """Carriers in their order, and nothing else."""
    by_cost: bool = field(init=False)
    """Carriers by their price, and nothing else."""
    sequence: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        reached = [name for member in self.members for name in _reached(member)]
        inside = [
            choice for member in self.members if isinstance(member, Choice) for choice in member.turning
        ]
        turns = self.strategy in ("weight", "turn") and not self.sticky
        put = object.__setattr__
        put(self, "reached", tuple(dict.fromkeys(reached)))
        put(self, "turning", (self, *inside) if turns else tuple(inside))
        carriers = reached == list(self.members)
        put(self, "plain", self.strategy == "order" and carriers)
        put(self, "by_cost", self.strategy == "cost" and carriers)
        put(self, "sequence", smooth(self.weights) if turns else ())


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


class Chooser:
    """The choices of one generation, and what its price tables say."""

    def __init__(self, routing: Routing, tables: Tables) -> None:
        self._routing = routing
        self._prices = tables.prices
        self.priced = bool(tables.prices)
        """Whether some carrier has a price, which then is noted of each message."""
        self._exchange = {**routing.exchange, routing.currency: 1.0}
        self._said: dict[Step, Price] = {}
        self._offers: dict[tuple[str, ...], Offers] = {}
        self._groups: dict[str, Choice] = {}
        self.by_quality = any(
            each.choose == "quality" for each in (*routing.routes, *routing.groups.values())
        )

    def choice(self, name: str, settings: Settings) -> Choice:
        """A choice of what the admin wrote, its groups resolved."""
        members = tuple(self._member(each) for each in settings.carriers)
        weights = tuple(settings.weights.get(each, 1) for each in settings.carriers)
        made = Choice(name, settings.choose, members, weights, settings.sticky == "recipient")
        if made.by_cost:
            self._offered(made)  # while a reload works beside the traffic, not with the first message
        return made

    def _member(self, name: str) -> str | Choice:
        if name not in self._routing.groups:
            return name
        if name not in self._groups:
            self._groups[name] = self.choice(name, self._routing.groups[name])
        return self._groups[name]

    def price(self, carrier: str, digits: str, now: float) -> Price | None:
        """What a carrier asks for a segment to a number; None if its table does not say."""
        prices = self._prices.get(carrier)
        step = prices.at(digits, now) if prices is not None else None
        return None if step is None else self._price(step)

    def _price(self, step: Step) -> Price:
        price = self._said.get(step)
        if price is None:
            micro = step.micro * self._exchange[step.currency]
            price = self._said[step] = Price(micro, f"{step.micro / MICRO:.6g} {step.currency}")
        return price

    def order(self, choice: Choice, digits: str, view: View) -> Iterable[str]:
        """All carriers of a choice, in the order in which they are asked for a number."""
        if choice.plain:
            return choice.reached
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
        places = range(len(choice.members))
        if choice.sticky:
            return sorted(
                places, key=lambda at: -_draw(digits, _label(choice.members[at]), choice.weights[at])
            )
        if choice.sequence:
            turn = view.turn(choice.name) % len(choice.sequence)
            in_turn = dict.fromkeys(choice.sequence[turn:] + choice.sequence[:turn])
            return [*in_turn, *(at for at in places if at not in in_turn)]
        if choice.strategy == "cost":
            now = view.now()
            return sorted(places, key=lambda at: self._cost(choice.members[at], digits, now))
        if choice.strategy == "load":
            return sorted(places, key=lambda at: -max(map(view.free, _reached(choice.members[at]))))
        if choice.strategy == "quality":
            return self._by_quality(choice, digits, view)
        return places

    def _cost(self, member: str | Choice, digits: str, now: float) -> float:
        prices = [self.price(name, digits, now) for name in _reached(member)]
        return min([inf if price is None else price.micro for price in prices])

    @staticmethod
    def _by_quality(choice: Choice, digits: str, view: View) -> list[int]:
        """The best first; now and then another, so that what was bad once is seen to be good again."""
        country = kind_of(digits).country
        best = sorted(
            range(len(choice.members)),
            key=lambda at: -max(view.quality(name, country) for name in _reached(choice.members[at])),
        )
        chance = view.chance()
        if chance < EXPLORING:
            tried = best.pop(int(chance / EXPLORING * len(best)))
            best.insert(0, tried)
        return best

    def pick(self, choice: Choice, digits: str, view: View, refused_by: str = "") -> Pick:
        """The first carrier that can take a message to a number; one that is suspect, or refused it before,
        only where no other can.
        """
        if choice.by_cost:
            return self._cheapest(choice, digits, view, refused_by)
        name, passed = candidates(self.order(choice, digits, view), view, refused_by)
        price = self.price(name, digits, view.now()) if name is not None and self._prices else None
        return Pick(name, passed, price)

    def _offered(self, choice: Choice) -> Offers:
        """The price tables of all carriers of a choice, side by side."""
        tables = tuple([self._prices.get(name) for name in choice.reached])
        offers = self._offers[choice.reached] = offers_of(tables)
        return offers

    def _cheapest(self, choice: Choice, digits: str, view: View, refused_by: str) -> Pick:
        """As `pick`, where carriers stand by their price: one look for all of them."""
        offers = self._offers.get(choice.reached)
        if offers is None:
            offers = self._offered(choice)
        now = view.now()
        exchange = self._exchange
        costs: list[tuple[float, int, Step | None]] = []
        for at, steps in enumerate(offers.find(digits) or offers.nothing):
            step = steps[-1] if steps and steps[-1].since <= now else begun(steps, now)
            costs.append((inf if step is None else step.micro * exchange[step.currency], at, step))
        reached = choice.reached
        _, at, step = min(costs)
        name: str | None = reached[at]
        passed: tuple[tuple[str, str], ...] = ()
        if reached[at] == refused_by or view.health(reached[at]) is not Health.READY:
            costs.sort()
            name, passed = candidates([reached[at] for _, at, _ in costs], view, refused_by)
            step = next((step for _, at, step in costs if reached[at] == name), None)
        return Pick(name, passed, None if step is None else self._price(step))


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
            return name, tuple(passed)
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
