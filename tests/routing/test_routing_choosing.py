"""Choosing among carriers: order, weight, turn, cost, load, quality, nested and sticky; pure, seen from
outside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.choosing import Health, Pick, View, candidates, smooth
from gateway.routing.router import Router
from gateway.settings.routing import Route, Routing
from gateway.settings.tables import Tables, read_table

HANDSET = "447700900123"
CARRIERS = ("alpha", "beta", "gamma")


def prices(**tables: str) -> Tables:
    made = {}
    for name, text in tables.items():
        made[name], faults = read_table("prices", b"prefix,price,currency,from\n" + text.encode())
        assert not faults
    return Tables(prices=made)


class Desk:
    """One route, and what a view of the carriers says."""

    def __init__(self, route: Mapping[str, Any], tables: Tables | None = None, **routing: Any) -> None:
        settings = Routing.model_validate(
            {"routes": [{"name": "r", "carriers": CARRIERS, **route}], **routing}
        )
        router = Router((), settings, tables or Tables())
        self.chooser, self.choice = router.chooser, router.rules[0].choice
        self.turns: Counter[str] = Counter()
        self.health: dict[str, Health] = {}
        self.known: dict[str, Any] = {}

    def pick(self, digits: str = HANDSET, **known: Any) -> Pick:
        view = View(lambda name: self.health.get(name, Health.READY), turn=self.turns.__getitem__, **known)
        pick = self.chooser.pick(self.choice, digits, view)
        for choice in self.choice.turning:
            if pick.carrier in choice.reached:
                self.turns[choice.name] += 1
        return pick

    def picks(self, count: int, **known: Any) -> list[str | None]:
        return [self.pick(**known).carrier for _ in range(count)]


def test_in_order_with_fail_over() -> None:
    desk = Desk({})
    assert desk.picks(2) == ["alpha", "alpha"]
    desk.health = {"alpha": Health.DOWN, "beta": Health.FULL}
    assert desk.pick() == Pick("gamma", (("alpha", "down"), ("beta", "full")))
    desk.health["gamma"] = Health.OUT
    assert desk.pick().carrier is None


def test_a_suspect_one_only_where_no_other_can() -> None:
    desk = Desk({})
    desk.health = {"alpha": Health.SUSPECT, "beta": Health.SUSPECT}
    assert desk.pick() == Pick("gamma", (("alpha", "suspect"), ("beta", "suspect")))
    desk.health["gamma"] = Health.FULL
    assert desk.pick() == Pick("alpha", (("beta", "suspect"), ("gamma", "full")))


def test_by_turns() -> None:
    desk = Desk({"choose": "turn"})
    assert desk.picks(5) == ["alpha", "beta", "gamma", "alpha", "beta"]
    desk.health["gamma"] = Health.DOWN
    assert set(desk.picks(6)) == {"alpha", "beta"}


def test_by_weight_smoothly() -> None:
    desk = Desk({"choose": "weight", "weights": {"alpha": 5, "beta": 1, "gamma": 1}})
    round = desk.picks(7)
    assert Counter(round) == {"alpha": 5, "beta": 1, "gamma": 1}
    assert "beta" not in (round[0], round[-1])
    desk = Desk({"choose": "weight", "weights": {"alpha": 1, "beta": 0, "gamma": 1}})
    assert "beta" not in desk.picks(10)
    desk.health = {"alpha": Health.DOWN, "gamma": Health.DOWN}
    assert desk.pick().carrier == "beta"


@given(st.lists(st.integers(0, 12), min_size=1, max_size=5).filter(any))
def test_a_round_has_each_as_often_as_its_weight(weights: list[int]) -> None:
    """And at every moment nobody is more than one turn from its share."""
    order = smooth(tuple(weights))
    total = sum(weights)
    for end in range(1, len(order) + 1):
        seen = Counter(order[:end])
        for at, weight in enumerate(weights):
            assert abs(seen[at] - end * weight / total) < len(weights)
    assert all(Counter(order)[at] * total == weight * len(order) for at, weight in enumerate(weights))


def test_least_cost_in_one_currency() -> None:
    tables = prices(alpha="44,0.05,EUR\n447,0.04,EUR", beta="44,0.045,USD", gamma="86,0.01,EUR")
    desk = Desk({"choose": "cost"}, tables, exchange={"USD": 0.8})
    assert desk.pick() == Pick("beta", (), desk.chooser.price("beta", HANDSET, 0))
    assert desk.pick().price == (36000.0, "0.045 USD")
    desk.health["beta"] = Health.DOWN
    assert desk.pick()[:2] == ("alpha", (("beta", "down"),))
    assert desk.pick("8619912340001").carrier == "gamma"
    desk.health["alpha"] = Health.DOWN
    assert desk.pick()[::2] == ("gamma", None), "one without a price is the last"


def test_a_price_counts_from_its_day_on() -> None:
    day = 86400.0
    tables = prices(alpha="44,0.05,EUR\n44,0.01,EUR,1970-01-11", beta="44,0.03,EUR\n447,0.02,EUR,1970-01-21")
    desk = Desk({"choose": "cost", "carriers": ["alpha", "beta"]}, tables)
    assert desk.pick(now=lambda: 9 * day).carrier == "beta"
    assert desk.pick(now=lambda: 10 * day).carrier == "alpha"
    assert desk.pick(now=lambda: 30 * day).price == (10000.0, "0.01 EUR")
    assert desk.chooser.price("beta", HANDSET, 30 * day) == (20000.0, "0.02 EUR")


def test_least_load() -> None:
    free = {"alpha": 0.1, "beta": 0.7, "gamma": 0.3}
    assert Desk({"choose": "load"}).picks(2, free=free.__getitem__) == ["beta", "beta"]


def test_quality_and_a_little_exploring() -> None:
    good = {"alpha": 0.5, "beta": 0.9, "gamma": 0.8}
    desk = Desk({"choose": "quality"})
    asked: list[str] = []

    def quality(name: str, country: str) -> float:
        asked.append(country)
        return good[name]

    assert desk.pick(quality=quality, chance=lambda: 0.5).carrier == "beta"
    assert {*asked} == {"GB"}
    explored = {desk.pick(quality=quality, chance=lambda at=at: at / 1000).carrier for at in range(50)}
    assert explored == {*CARRIERS}


def test_groups_nest() -> None:
    groups = {
        "cheap": {"choose": "turn", "carriers": ["alpha", "beta"]},
        "all": {"choose": "order", "carriers": ["cheap", "gamma"]},
    }
    desk = Desk({"carriers": ["all"]}, groups=groups)
    assert desk.picks(3) == ["alpha", "beta", "alpha"]
    desk.health = {"alpha": Health.DOWN, "beta": Health.DOWN}
    assert desk.pick().carrier == "gamma"
    assert desk.choice.reached == CARRIERS


def test_the_cheapest_of_a_group_speaks_for_it() -> None:
    tables = prices(alpha="44,0.05,EUR", beta="44,0.01,EUR", gamma="44,0.03,EUR")
    groups = {"pair": {"choose": "cost", "carriers": ["alpha", "beta"]}}
    desk = Desk({"choose": "cost", "carriers": ["gamma", "pair"]}, tables, groups=groups)
    assert list(desk.chooser.order(desk.choice, HANDSET, View(lambda name: Health.READY))) == [
        "beta",
        "alpha",
        "gamma",
    ]


@pytest.mark.parametrize("choose", ["weight", "turn"])
def test_sticky_by_recipient(choose: str) -> None:
    desk = Desk({"choose": choose, "sticky": "recipient"})
    numbers = [f"4477009{at:05}" for at in range(3000)]
    first = {digits: desk.pick(digits).carrier for digits in numbers}
    assert {
        digits: Desk({"choose": choose, "sticky": "recipient"}).pick(digits).carrier for digits in numbers
    } == first
    counts = Counter(first.values())
    assert all(800 < counts[name] < 1200 for name in CARRIERS)
    desk.health["beta"] = Health.DOWN
    moved = {digits: desk.pick(digits).carrier for digits in numbers}
    assert all(moved[digits] == first[digits] for digits in numbers if first[digits] != "beta")


def test_sticky_follows_weights() -> None:
    desk = Desk({"choose": "weight", "weights": {"alpha": 8, "gamma": 0}, "sticky": "recipient"})
    counts = Counter(desk.pick(f"4477009{at:05}").carrier for at in range(2000))
    assert counts["gamma"] == 0
    assert 1650 < counts["alpha"] < 1900


@given(
    st.sampled_from(["order", "turn", "weight", "load", "quality"]),
    st.lists(st.sampled_from(Health), min_size=3, max_size=3),
    st.integers(0, 20),
)
def test_whoever_can_is_found_and_all_others_are_told(choose: str, healths: list[Health], turn: int) -> None:
    desk = Desk({"choose": choose})
    desk.health = dict(zip(CARRIERS, healths, strict=True))
    desk.turns["r"] = turn
    pick = desk.pick()
    able = [name for name, health in desk.health.items() if health in (Health.READY, Health.SUSPECT)]
    assert (pick.carrier in able) if able else pick.carrier is None
    if pick.carrier is None:
        assert {name for name, _ in pick.passed} == {*CARRIERS}
    assert all(why == desk.health[name].value for name, why in pick.passed)
    if any(health is Health.READY for health in healths):
        assert pick.carrier is not None
        assert desk.health[pick.carrier] is Health.READY


def test_a_choice_that_cannot_be_meant() -> None:
    for wrong in (
        {"choose": "order", "weights": {"alpha": 1}},
        {"choose": "weight", "weights": {"delta": 1}},
        {"choose": "cost", "sticky": "recipient"},
        {"choose": "weight", "weights": dict.fromkeys(CARRIERS, 0)},
    ):
        with pytest.raises(ValueError, match=r"weights|sticky"):
            Route.model_validate({"name": "r", "carriers": CARRIERS, **wrong})


DIGITS = st.sampled_from(["4", "44", "447", "4477", "44770", "447709", "86"])
DATES = st.sampled_from(["", "2026-01-01", "2026-06-01"])
DECKS = st.dictionaries(st.tuples(DIGITS, DATES), st.sampled_from(["0.01", "0.02", "0.03"]), max_size=6)


@given(
    st.tuples(DECKS, DECKS, DECKS),
    st.sampled_from([0.0, 1.77e9, 1.79e9]),
    st.dictionaries(st.sampled_from(CARRIERS), st.sampled_from(Health), max_size=3),
    st.sampled_from(["", *CARRIERS]),
)
def test_the_cheapest_is_found_by_one_look_as_by_asking_each_table(
    decks: Any, now: float, health: dict[str, Health], refused_by: str
) -> None:
    texts = ["".join(f"{p},{price},EUR,{d}\n" for (p, d), price in deck.items()) for deck in decks]
    desk = Desk({"choose": "cost"}, prices(**dict(zip(CARRIERS, texts, strict=True))))
    view = View(lambda name: health.get(name, Health.READY), now=lambda: now)
    pick = desk.chooser.pick(desk.choice, HANDSET, view, refused_by)
    asked = sorted(
        CARRIERS,
        key=lambda name: price.micro if (price := desk.chooser.price(name, HANDSET, now)) else float("inf"),
    )
    carrier, passed = candidates(asked, view, refused_by)
    assert pick == Pick(carrier, passed, desk.chooser.price(carrier, HANDSET, now) if carrier else None)
