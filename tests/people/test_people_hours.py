"""Quiet hours on the way of a message: what cannot leave in time, what waits and is asked about, when the
clocks change; and replies of which a person has to judge.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml
from people_house import HANDSET, RULES, SHOP, MakePeople, PeopleHouse, shanghai, words

from gateway.smpp.constants import MessageState
from gateway.smpp.pdus import CancelSm, QuerySm
from gateway.store import people as stored
from gateway.store.rows import State

FRENCH, AMERICAN = "33612345678", "12025550123"
HOUR = "000000010000000R"


def new_york(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York")).timestamp()


def paris(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Paris")).timestamp()


def test_an_hour_of_validity_is_enough_at_20_59_and_refused_at_once_at_21(people: PeopleHouse) -> None:
    people.consent(AMERICAN, basis="express_written")
    people.wall = new_york("2026-11-20 20:59")
    assert State(people.offer(AMERICAN, validity_period=HOUR).state) is State.SENT
    people.wall = new_york("2026-11-20 21:00")
    row = people.offer(AMERICAN, text="late", validity_period=HOUR)
    assert (State(row.state), row.error) == (State.REJECTED, 921)
    assert words(row)[-1][:2] == ("quiet", "refuse")


def test_saturday_evening_in_france_waits_for_monday(people: PeopleHouse) -> None:
    people.consent(FRENCH)
    people.wall = paris("2026-11-21 20:30")  # a Saturday
    row = people.offer(FRENCH, text="offre STOP 36180")
    assert State(row.state) is State.DEFERRED
    assert 0 <= row.deadline / 1000 - paris("2026-11-23 08:00") <= 60


def test_the_window_opens_by_the_wall_clock_when_the_clocks_change(people: PeopleHouse) -> None:
    people.consent(FRENCH)
    changes = (("2028-03-25 21:00", "2028-03-27 08:00"), ("2028-10-28 21:00", "2028-10-30 08:00"))
    for evening, morning in changes:
        people.wall = paris(evening)
        row = people.offer(FRENCH, text=f"offre {evening} STOP 36180")
        assert State(row.state) is State.DEFERRED, evening
        assert 0 <= row.deadline / 1000 - paris(morning) <= 60, evening


def test_what_waits_for_the_morning_can_be_asked_about_and_cancelled(people: PeopleHouse) -> None:
    people.consent()
    people.wall = shanghai("2026-11-20 22:00")
    row = people.offer()
    about = {"message_id": row.client_id, "source_addr": SHOP}
    told = people.shop.ask(QuerySm(**about))
    assert (told.command_status, told.message_state) == (0, MessageState.ENROUTE)
    assert people.shop.ask(CancelSm(destination_addr=HANDSET, **about)).command_status == 0
    assert State(people.rows()[-1].state) is State.DELETED
    people.wall = shanghai("2026-11-21 09:00")
    people.advance(5)
    assert people.submits == []


def test_what_waits_leaves_spread_over_the_opening(people: PeopleHouse) -> None:
    people.wall = shanghai("2026-11-20 22:00")
    numbers = [f"86199123400{n:02}" for n in range(20)]
    for number in numbers:
        people.consent(number)
        people.offer(number)
    leaves = [row.deadline / 1000 - shanghai("2026-11-21 08:00") for row in people.rows()]
    assert all(0 <= moment < 60 for moment in leaves)
    assert {int(moment // 15) for moment in leaves} == {0, 1, 2, 3}


def test_a_doubtful_opt_out_is_a_case_where_the_pack_says_so(make_people: MakePeople, tmp_path: Path) -> None:
    rules = tmp_path / "doubtful"
    shutil.copytree(RULES, rules)
    pack = yaml.safe_load((rules / "CN.yaml").read_text("utf-8"))
    for rule in pack["replies"]:
        if rule["rule"] == "opt-out":
            rule["review"] = True
    (rules / "CN.yaml").write_text(yaml.safe_dump(pack, allow_unicode=True), "utf-8")
    people = make_people(rules=rules)
    people.consent()
    people.offer()
    people.reply("请你们不要再发了好吗")
    (case,) = people.read(stored.cases_of, HANDSET)
    assert case.rule.startswith("opt_out to be looked at: CN/opt-out")
    assert people.read(stored.suppressions_of, HANDSET) == []
    people.reply("退订")  # the word itself leaves no doubt
    assert len(people.read(stored.cases_of, HANDSET)) == 1
    assert people.offer(text="【商店】again").error == 901
