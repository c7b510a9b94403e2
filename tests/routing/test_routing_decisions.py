"""The whole decision against the plainest reading of rules and tables: each rule in turn, each prefix tried
from the longest on, each carrier asked for its price.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.message import Message
from gateway.routing.choosing import Health, Pick, View, candidates
from gateway.routing.places import Price
from gateway.routing.router import Router
from gateway.settings.routing import Dates, Route, Routing
from gateway.settings.tables import Tables, read_table
from gateway.smpp.pdus import SubmitSm

CARRIERS = ("alpha", "beta", "gamma", "delta")
STRATEGIES = ("order", "weight", "turn", "cost", "load", "quality")
NUMBERS = ("447709000001", "447709100002", "447000000003", "4400000004", "8613900000005", "12025550006", "44")
PREFIXES = st.sampled_from(["4", "44", "447", "4477", "44770", "447709", "4477091", "86", "8613", "9"])
DATES = st.sampled_from(["", "2026-01-01", "2026-06-01", "2026-12-01"])
NOWS = st.sampled_from(["2025-12-31", "2026-01-01", "2026-07-01", "2026-12-02"])
Deck = Mapping[tuple[str, str], tuple[str, str]]
DECKS: st.SearchStrategy[Deck] = st.dictionaries(
    st.tuples(PREFIXES, DATES),
    st.tuples(st.sampled_from(["0.01", "0.02", "0.03"]), st.sampled_from(["EUR", "USD"])),
)
WORDS = st.sampled_from(["code", "A C", "hell", "o", "码"])
TEXTS = st.sampled_from(["a code", "A CODE: 123", "hello", "您的验证码", "您的code是123", "123", ""])
SCRIPTS = {
    "a code": "latin",
    "A CODE: 123": "latin",
    "hello": "latin",
    "您的验证码": "han",
    "您的code是123": "latin",
}
STRETCHES = st.sampled_from(
    [
        {"until": "2026-01-01"},
        {"since": "2026-07-01"},
        {"since": "2026-01-01", "until": "2026-03-01"},
        {"since": "2026-02-01", "until": "2026-07-01"},
        {"since": "2026-07-01", "until": "2026-12-02"},
    ]
)
RATES = {"EUR": 1.0, "USD": 0.5}
NAMES = st.lists(PREFIXES, max_size=3, unique=True)


def moment(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() if day else 0.0


@st.composite
def routings(draw: st.DrawFn) -> Routing:
    """Rules with prefixes, regions and words, which choose in every way, some of groups, some in shadow."""
    routes = []
    for at in range(draw(st.integers(1, 5))):
        match: dict[str, Any] = {}
        if prefixes := draw(NAMES):
            match["destination"] = prefixes
        if draw(st.booleans()):
            match[draw(st.sampled_from(["region", "network"]))] = ["23410", "46000"][
                : draw(st.integers(1, 2))
            ]
        if draw(st.booleans()):
            match["words"] = draw(st.lists(WORDS, min_size=1, max_size=3))
        if draw(st.integers(0, 2)) == 0:
            match["script"] = draw(st.lists(st.sampled_from(["latin", "han", "other"]), min_size=1))
        if draw(st.integers(0, 2)) == 0:
            match["text"] = draw(st.sampled_from(["^a", "o$", "[0-9]{3}"]))
        if draw(st.integers(0, 2)) == 0:
            match["dates"] = draw(st.lists(STRETCHES, min_size=1, max_size=3))
        routes.append(
            {
                "name": f"r{at}",
                "match": match,
                **draw(choices((*CARRIERS, "pair"))),
                "mode": draw(st.sampled_from(["enforce", "enforce", "shadow"])),
            }
        )
    return Routing.model_validate(
        {"routes": routes, "groups": {"pair": draw(choices(CARRIERS))}, "exchange": {"USD": RATES["USD"]}}
    )


@st.composite
def choices(draw: st.DrawFn, names: tuple[str, ...]) -> dict[str, Any]:
    """How one of some carriers is chosen."""
    carriers = draw(st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True))
    choose = draw(st.sampled_from(STRATEGIES))
    made: dict[str, Any] = {"choose": choose, "carriers": carriers}
    if choose == "weight":
        weights = draw(st.lists(st.integers(0, 3), min_size=len(carriers), max_size=len(carriers)))
        if any(weights):
            made["weights"] = dict(zip(carriers, weights, strict=True))
    return made


class Plain:
    """Decides as the documents say it, and remembers nothing."""

    def __init__(self, routing: Routing, named: Mapping[str, str], decks: Mapping[str, Deck]) -> None:
        self.routing, self.named, self.decks = routing, named, decks

    def rule(self, digits: str, text: str, now: float) -> Route | None:
        found = self.rules(digits, text, now, "enforce")
        return found[0] if found else None

    def rules(self, digits: str, text: str, now: float, mode: str) -> list[Route]:
        name = next(
            (self.named[digits[:w]] for w in range(len(digits), 0, -1) if digits[:w] in self.named), ""
        )
        return [
            route
            for route in self.routing.routes
            if route.mode == mode
            and (not route.match.destination or digits.startswith(route.match.destination))
            and (not route.match.region or name in route.match.region)
            and (not route.match.network or name in route.match.network)
            and (not route.match.words or any(word.lower() in text.lower() for word in route.match.words))
            and (not route.match.script or SCRIPTS.get(text, "other") in route.match.script)
            and (route.match.text is None or route.match.text.search(text))
            and (not route.match.dates or any(self.within(each, now) for each in route.match.dates))
        ]

    @staticmethod
    def within(dates: Dates, now: float) -> bool:
        today = datetime.fromtimestamp(now, UTC).date()
        return (dates.since or today) <= today and (dates.until is None or today < dates.until)

    def price(self, carrier: str, digits: str, now: float) -> Price | None:
        deck = self.decks.get(carrier, {})
        for width in range(len(digits), 0, -1):
            steps = sorted(
                (moment(day), said) for (prefix, day), said in deck.items() if prefix == digits[:width]
            )
            begun = [said for since, said in steps if since <= now]
            if begun:
                amount, currency = begun[-1]
                return Price(round(float(amount) * 1e6) * RATES[currency], f"{float(amount):.6g} {currency}")
        return None

    def carriers(self, name: str) -> list[str]:
        group = self.routing.groups.get(name)
        return [name] if group is None else list(group.carriers)

    def order(self, choice: Any, label: str, digits: str, now: float, view: View) -> list[str]:
        members = list(choice.carriers)
        if choice.choose == "cost":

            def cost(member: str) -> float:
                asked = [self.price(name, digits, now) for name in self.carriers(member)]
                return min([price.micro for price in asked if price is not None], default=float("inf"))

            members.sort(key=cost)
        elif choice.choose == "load":
            members.sort(key=lambda member: -max(view.free(name) for name in self.carriers(member)))
        elif choice.choose == "quality":
            members.sort(key=lambda member: -max(view.quality(name, "") for name in self.carriers(member)))
        elif choice.choose in ("weight", "turn"):
            members = self.turns(choice, view.turn(label))
        found: list[str] = []
        for member in members:
            group = self.routing.groups.get(member)
            found += [member] if group is None else self.order(group, member, digits, now, view)
        return list(dict.fromkeys(found))

    @staticmethod
    def turns(choice: Any, turn: int) -> list[str]:
        """Smooth weighted round robin, played from the beginning; then who comes next, and next."""
        weights = {name: choice.weights.get(name, 1) for name in choice.carriers}
        credit = dict.fromkeys(weights, 0)
        played: list[str] = []
        for _ in range(turn + 3 * sum(weights.values()) + 1):
            credit = {name: credit[name] + weight for name, weight in weights.items()}
            best = max(credit, key=lambda name: credit[name])
            credit[best] -= sum(weights.values())
            played.append(best)
        return list(dict.fromkeys([*played[turn:], *weights]))


def tables(named: Mapping[str, str], decks: Mapping[str, Deck]) -> Tables:
    lines = "".join(f"{prefix},{name}\n" for prefix, name in named.items())
    made: dict[str, Any] = {}
    for kind, column in (("regions", "region"), ("networks", "network")):
        made[kind], faults = read_table(kind, f"prefix,{column}\n{lines}".encode())
        assert not faults
    prices = {}
    for carrier, deck in decks.items():
        rows = "".join(f"{p},{price},{currency},{day}\n" for (p, day), (price, currency) in deck.items())
        prices[carrier], faults = read_table("prices", f"prefix,price,currency,from\n{rows}".encode())
        assert not faults
    return Tables(**made, prices=prices)


def message(digits: str, text: str) -> Message:
    pdu = SubmitSm(
        source_addr="1", destination_addr=digits, short_message=text.encode("utf-16-be"), data_coding=8
    )
    return Message(1, "shop", "Shop", "1", 0, pdu, "otp", 1, 1)


@given(
    routings(),
    st.dictionaries(PREFIXES, st.sampled_from(["23410", "46000"])),
    st.dictionaries(st.sampled_from(CARRIERS[:3]), DECKS),
    st.data(),
)
def test_a_decision_is_that_of_the_plainest_reading(
    routing: Routing, named: Mapping[str, str], decks: Mapping[str, Deck], data: st.DataObject
) -> None:
    router = Router((), routing, tables(named, decks))
    plain = Plain(routing, named, decks)
    shares = data.draw(st.fixed_dictionaries(dict.fromkeys(CARRIERS, st.sampled_from([0.0, 0.5, 1.0]))))
    for _ in range(data.draw(st.integers(1, 6))):  # what was remembered of one message counts for the next
        digits, text = data.draw(st.sampled_from(NUMBERS)), data.draw(TEXTS)
        now, turn = moment(data.draw(NOWS)), data.draw(st.integers(0, 9))
        health = data.draw(st.dictionaries(st.sampled_from(CARRIERS), st.sampled_from(Health)))
        refused_by = data.draw(st.sampled_from(["", *CARRIERS]))
        view = View(
            lambda name, health=health: health.get(name, Health.READY),  # type: ignore[misc]
            free=shares.__getitem__,
            quality=lambda name, country: shares[name],
            turn=lambda name, turn=turn: turn,  # type: ignore[misc]
            now=lambda now=now: now,  # type: ignore[misc]
        )
        rule, wanted = router.choose(message(digits, text), now), plain.rule(digits, text, now)
        assert (rule and rule.name) == (wanted and wanted.name)
        place = {route.name: at for at, route in enumerate(routing.routes)}
        before = len(place) if wanted is None else place[wanted.name]
        shadows = [r.name for r in plain.rules(digits, text, now, "shadow") if place[r.name] < before]
        assert [each.name for each in router.shadowed(message(digits, text), now, rule)] == shadows
        if rule is None or wanted is None:
            continue
        order = plain.order(wanted, wanted.name, digits, now, view)
        assert list(router.chooser.order(rule.choice, digits, view)) == order
        carrier, passed = candidates(order, view, refused_by)
        price = plain.price(carrier, digits, now) if carrier else None
        assert router.chooser.pick(rule.choice, digits, view, refused_by) == Pick(carrier, passed, price)
        assert [router.chooser.price(name, digits, now) for name in order] == [
            plain.price(name, digits, now) for name in order
        ]
