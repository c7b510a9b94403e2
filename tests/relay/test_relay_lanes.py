"""Lanes: nothing is lost or doubled, urgent first, and nobody's million holds up another's code."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from relay_entries import entry

from gateway.relay.book import Entry
from gateway.relay.lanes import Lanes
from gateway.routing.router import Router, Rule
from gateway.settings.models import Route
from gateway.store.rows import State


def rule(name: str) -> Rule:
    return Router([Route.model_validate({"name": name, "carriers": ["alpha"]})]).rules[0]


RULES = {name: rule(name) for name in ("one", "two")}

places = st.lists(
    st.tuples(
        st.sampled_from(("bank", "shop")), st.sampled_from(("one", "two")), st.integers(0, 3), st.booleans()
    ),
    max_size=40,
)


def placed(lanes: Lanes, wanted: list[tuple[str, str, int, bool]]) -> list[Entry]:
    entries = []
    for id, (account, name, priority, front) in enumerate(wanted, 1):
        entries.append(entry(id, account, priority_flag=priority))
        lanes.put(entries[-1], RULES[name], front=front)
    return entries


def served(lanes: Lanes, turn: int = 2) -> list[Entry]:
    """Everything, at most `turn` of each lane before the next has its turn."""
    found = []
    for level in lanes.levels():
        while any(lanes.head(lane) for lane in level):
            for lane in level:
                for _ in range(turn):
                    if lanes.head(lane) is not None:
                        found.append(lanes.pop(lane))
    return found


@given(places)
def test_everything_comes_out_once(wanted: list[tuple[str, str, int, bool]]) -> None:
    lanes = Lanes()
    entries = placed(lanes, wanted)
    assert lanes.count == len(entries)
    found = served(lanes)
    assert sorted(e.message.id for e in found) == [e.message.id for e in entries]
    assert lanes.count == 0
    lanes.sweep()
    assert list(lanes.levels()) == []


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30))
def test_tiers_come_before_priorities(wanted: list[tuple[int, int]]) -> None:
    lanes = Lanes()
    for id, (tier, priority) in enumerate(wanted, 1):
        each = entry(id, priority_flag=priority)
        each.message.tier = tier
        lanes.put(each, RULES["one"])
    order = [1, 2, 0, 3]
    found = [(order.index(e.message.tier), -e.message.priority, e.message.id) for e in served(lanes)]
    assert found == sorted(found)
    assert len(found) == len(wanted)


@given(places)
def test_the_urgent_come_first_and_each_lane_in_its_order(wanted: list[tuple[str, str, int, bool]]) -> None:
    lanes = Lanes()
    placed(lanes, [(account, name, priority, False) for account, name, priority, _ in wanted])
    found = served(lanes)
    assert [e.message.priority for e in found] == sorted((e.message.priority for e in found), reverse=True)
    for account in ("bank", "shop"):
        for priority in range(4):
            for name in RULES:
                lane = [
                    e.message.id
                    for e in found
                    if e.message.account == account
                    and e.message.priority == priority
                    and wanted[e.message.id - 1][1] == name
                ]
                assert lane == sorted(lane)


@given(places, st.sets(st.integers(1, 40)))
def test_what_ended_meanwhile_is_dropped(wanted: list[tuple[str, str, int, bool]], ended: set[int]) -> None:
    lanes = Lanes()
    entries = placed(lanes, wanted)
    for e in entries:
        if e.message.id in ended:
            e.state = State.DELETED
    left = [e.message.id for e in entries if e.message.id not in ended]
    assert sorted(e.message.id for e in served(lanes)) == left
    assert lanes.count == 0


@given(places)
def test_draining_gives_all_in_the_order_of_acceptance(wanted: list[tuple[str, str, int, bool]]) -> None:
    lanes = Lanes()
    entries = placed(lanes, wanted)
    for e in entries[::3]:
        e.state = State.EXPIRED
    assert lanes.drain() == [e for e in entries if e.state is State.WAITING]
    assert lanes.count == 0
    assert list(lanes.levels()) == []


def test_one_accounts_million_holds_up_nobody() -> None:
    lanes = Lanes()
    for id in range(1, 1001):
        lanes.put(entry(id, "shop"), RULES["one"])
    lanes.put(entry(1001, "bank"), RULES["one"])
    assert [e.message.account for e in served(lanes, turn=2)[:4]].count("bank") == 1


@given(st.lists(st.integers(1, 3), min_size=3, max_size=3), st.integers(1, 4))
def test_with_one_slot_at_a_time_lanes_take_turns(counts: list[int], looks: int) -> None:
    """However often somebody looks at the lanes between one slot and the next."""
    lanes = Lanes()
    id = 0
    for name, count in zip(("bank", "club", "shop"), counts, strict=True):
        for _ in range(count):
            id += 1
            lanes.put(entry(id, name), RULES["one"])
    order = []
    while lanes.count:
        for _ in range(looks):
            levels = list(lanes.levels())
        order.append(lanes.pop(levels[0][0]).message.account)
        lanes.put(entry(1000, priority_flag=3), RULES["one"])
        lanes.pop(next(lanes.levels())[0])  # an urgent one between them changes nothing
        lanes.sweep()
    assert order[:3] == ["bank", "club", "shop"]


def test_what_came_back_goes_before_what_waits() -> None:
    lanes = Lanes()
    lanes.put(entry(1), RULES["one"])
    lanes.put(entry(2), RULES["one"], front=True)
    assert [e.message.id for e in served(lanes)] == [2, 1]


def test_whether_somebody_waits_before() -> None:
    lanes = Lanes()
    assert lanes.is_empty(entry(1), RULES["one"])
    lanes.put(entry(1), RULES["one"])
    assert not lanes.is_empty(entry(2), RULES["one"])
    assert lanes.is_empty(entry(2, "shop"), RULES["one"])
    assert lanes.is_empty(entry(2, priority_flag=1), RULES["one"])
    assert lanes.is_empty(entry(2), RULES["two"])


def test_the_age_of_the_oldest() -> None:
    lanes = Lanes()
    assert lanes.oldest() is None
    for id, at in ((1, 500), (2, 300), (3, 100)):
        lanes.put(entry(id, f"a{id}", accepted_at=at), RULES["one"])
    assert lanes.oldest() == 100
