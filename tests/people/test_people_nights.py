"""Quiet hours on the way of a message, moment by moment: what the recipient's clock and calendar say,
what may be done with a message that waits, and that everything is judged again in the morning.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from people_house import (
    HANDSET,
    NOON,
    RULES,
    SHOP,
    MakePeople,
    PeopleHouse,
    people_generation,
    shanghai,
    text_fields,
    words,
)
from relay_house import account as account_of

from gateway.filters.calendars import Calendar
from gateway.filters.consent import EventKind
from gateway.filters.suppression import ListKey, ListType, Scope
from gateway.relay.batch import Batch
from gateway.smpp.constants import CommandStatus, MessageState
from gateway.smpp.pdus import BindTransceiver, CancelSm, QuerySm, ReplaceSm
from gateway.smpp.smpptime import format_absolute
from gateway.store.rows import State

FRENCH, TOLL_FREE = "33612345678", "18005550123"
TEN = shanghai("2026-11-20 22:00")
EIGHT = shanghai("2026-11-21 08:00")


def at(zone: str, text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def paris(text: str) -> float:
    return at("Europe/Paris", text)


def waits_until(people: PeopleHouse, row: Any, moment: float, spread: float = 60) -> bool:
    """Whether a message is deferred to a moment, or within the spread after it."""
    return State(row.state) is State.DEFERRED and 0 <= row.deadline / 1000 - moment < spread


@pytest.fixture
def pack(make_people: MakePeople, tmp_path: Path) -> Callable[..., PeopleHouse]:
    """Makes a house with other windows in the Chinese pack."""

    def make(windows: list[dict[str, Any]], **people: Any) -> PeopleHouse:
        rules = tmp_path / "rules"
        shutil.copytree(RULES, rules)
        found = yaml.safe_load((rules / "CN.yaml").read_text("utf-8"))
        usual = {"sure": "S", "authority": "custom", "categories": ["promotional"]}
        found["windows"] = [{"rule": f"hours-{n}", **usual, **each} for n, each in enumerate(windows)]
        (rules / "CN.yaml").write_text(yaml.safe_dump(found, allow_unicode=True), "utf-8")
        house = make_people(rules=rules, **people)
        house.consent()
        return house

    return make


# what waits


@pytest.fixture
def waiting(people: PeopleHouse) -> PeopleHouse:
    """An offer of ten in the evening waits for eight in the morning."""
    people.consent()
    people.wall = TEN
    assert waits_until(people, people.offer(), EIGHT)
    return people


def morning(people: PeopleHouse) -> None:
    people.wall = EIGHT - 1
    people.advance(70, step=5)


def test_what_waits_can_be_given_another_text_and_goes_with_that(waiting: PeopleHouse) -> None:
    (row,) = waiting.rows()
    text = "【商店】another".encode("utf-16-be")
    answer = waiting.shop.ask(ReplaceSm(message_id=row.client_id, source_addr=SHOP, short_message=text))
    assert answer.command_status == 0
    (row,) = waiting.rows()
    assert waits_until(waiting, row, EIGHT)
    assert words(row) == [("quiet", "defer", "CN/promotional-hours")]
    waiting.restart()
    assert waiting.submits == []
    morning(waiting)
    assert [pdu.short_message for _, pdu in waiting.submits] == [text]


def test_what_waits_can_be_given_less_time_than_the_night_lasts_and_is_refused(waiting: PeopleHouse) -> None:
    """The Chinese hours are not sure: a message that could not wait for them would be sent with a warning, so
    this is an American.
    """
    waiting.consent("12025550123", basis="express_written")
    waiting.wall = at("America/New_York", "2026-11-20 22:00")
    row = waiting.offer("12025550123", text="sale")
    assert State(row.state) is State.DEFERRED
    fields = {"message_id": row.client_id, "source_addr": SHOP, "short_message": b"s"}
    answer = waiting.shop.ask(ReplaceSm(**fields, validity_period="000000010000000R"))
    assert answer.command_status == CommandStatus.ESME_RINVEXPIRY
    assert State(waiting.rows()[-1].state) is State.DEFERRED


def test_a_schedule_in_the_night_is_put_off_to_the_morning(waiting: PeopleHouse) -> None:
    two = format_absolute(datetime.fromtimestamp(shanghai("2026-11-21 02:00"), ZoneInfo("UTC")))
    assert waits_until(waiting, waiting.offer(text="【商店】b", schedule_delivery_time=two), EIGHT)
    ten = format_absolute(datetime.fromtimestamp(shanghai("2026-11-21 10:00"), ZoneInfo("UTC")))
    row = waiting.offer(text="【商店】c", schedule_delivery_time=ten)
    assert row.deadline / 1000 == shanghai("2026-11-21 10:00")


def test_it_is_shown_as_scheduled_from_version_5_on(waiting: PeopleHouse) -> None:
    (row,) = waiting.rows()
    for version, state in ((0x34, MessageState.ENROUTE), (0x50, MessageState.SCHEDULED)):
        client = waiting.client("shop", BindTransceiver, version=version)
        told = client.ask(QuerySm(message_id=row.client_id, source_addr=SHOP))
        assert (told.command_status, told.message_state) == (0, state)


def test_it_can_be_cancelled_by_its_addresses(waiting: PeopleHouse) -> None:
    answer = waiting.shop.ask(CancelSm(source_addr=SHOP, destination_addr=HANDSET))
    assert answer.command_status == 0
    morning(waiting)
    assert waiting.submits == []


def revoked(people: PeopleHouse) -> None:
    people.consent(kind=EventKind.REVOKED)


def opted_out(people: PeopleHouse) -> None:
    people.reply("退订")
    people.submits.clear()


def on_a_list(people: PeopleHouse) -> None:
    batch = Batch()
    key = ListKey(ListType.REGULATOR_COMPLAINT, Scope(), "commands")
    people.protection.people.suppress(key, HANDSET, batch, by="operator")
    people.relay.committer.commit(batch, must=True)
    people.settle()


def other_hours(people: PeopleHouse) -> None:
    hours = {"CN/promotional-hours": [{"from": "10:00", "to": "12:00"}]}
    tenants = {"Shop": {"program": "offers", "hours": hours}}
    settings = people_generation(2, tenants=tenants)
    people.filters = people.fresh_filters(settings)
    people.filters["consented"].known = people.protection.people.known
    people.reload(settings)


@pytest.mark.parametrize(
    ("happens", "error", "by"),
    [(revoked, 904, "consented"), (opted_out, 901, "suppressed"), (on_a_list, 902, "suppressed")],
)
@pytest.mark.parametrize("restart", [False, True])
def test_in_the_morning_every_filter_is_asked_again(
    waiting: PeopleHouse, happens: Callable[[PeopleHouse], None], error: int, by: str, restart: bool
) -> None:
    happens(waiting)
    if restart:
        waiting.restart()
    morning(waiting)
    row = waiting.rows()[0]
    assert (State(row.state), row.error, words(row)[0][0]) == (State.REJECTED, error, by)
    assert waiting.submits == []


def test_a_consent_that_ends_in_the_night_has_ended_in_the_morning(people: PeopleHouse) -> None:
    people.wall = TEN
    people.consent(expires_at=int(shanghai("2026-11-21 03:00")))
    assert State(people.offer().state) is State.DEFERRED
    morning(people)
    assert (people.rows()[0].error, people.submits) == (904, [])


def test_a_limit_counts_what_is_released(people: PeopleHouse) -> None:
    people.wall = TEN
    people.consent()
    for _ in range(2):  # the same text within 30 seconds
        people.offer()
        people.wall += 60
    morning(people)
    assert sorted((State(row.state), row.error) for row in people.rows()) == [
        (State.SENT, 0),
        (State.REJECTED, 922),
    ]


# exempt


@pytest.mark.parametrize("category", ["otp", "transactional", "service", "government"])
def test_categories_that_do_not_wait(people: PeopleHouse, category: str) -> None:
    accounts = {**people.settings.accounts, "bank": account_of(tenant="Bank", category=category)}
    people.reload(replace(people.settings, number=2, accounts=accounts))
    people.wall = shanghai("2026-11-21 03:00")
    assert State(people.code().state) is State.SENT


def test_the_first_tier_does_not_wait_and_the_others_do(make_people: MakePeople) -> None:
    programs = {"alerts": {"sources": [SHOP], "tier": 1}, "offers": {"tier": 2}}
    people = make_people(tenants={"Shop": {"program": "offers", "programs": programs}})
    people.wall = TEN
    for program in programs:
        people.consent(program=program)
    assert State(people.offer().state) is State.SENT
    people.shop.submit(source_addr="10690003", destination_addr=HANDSET, **text_fields("【商店】b"))
    assert State(people.rows()[-1].state) is State.DEFERRED


# the clock


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-11-20 20:59:59", None),
        ("2026-11-20 21:00:00", "2026-11-21 08:00"),
        ("2026-11-20 23:59:59", "2026-11-21 08:00"),
        ("2026-11-21 00:00:00", "2026-11-21 08:00"),
        ("2026-11-21 07:59:59", "2026-11-21 08:00"),
        ("2026-11-21 08:00:00", None),
        ("2028-02-28 22:00:00", "2028-02-29 08:00"),
        ("2028-02-29 22:00:00", "2028-03-01 08:00"),
        ("2026-12-31 22:00:00", "2027-01-01 08:00"),
    ],
)
def test_windows_are_half_open(people: PeopleHouse, moment: str, opens: str | None) -> None:
    people.wall = shanghai("2026-11-01 12:00")
    people.consent()
    people.wall = shanghai(moment)
    row = people.offer()
    if opens is None:
        assert State(row.state) is State.SENT
    else:
        assert waits_until(people, row, shanghai(opens))


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-11-20 21:59:59", "2026-11-20 22:00"),
        ("2026-11-20 22:00:00", None),
        ("2026-11-21 00:00:00", None),
        ("2026-11-21 05:59:59", None),
        ("2026-11-21 06:00:00", "2026-11-21 22:00"),
    ],
)
def test_a_window_may_last_over_midnight(
    pack: Callable[..., PeopleHouse], moment: str, opens: str | None
) -> None:
    people = pack([{"open": [{"days": "daily", "from": "22:00", "to": "06:00"}]}])
    people.wall = shanghai(moment)
    row = people.offer()
    if opens is None:
        assert State(row.state) is State.SENT
    else:
        assert waits_until(people, row, shanghai(opens))


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2028-03-26 01:59:59", None),  # in France the clocks go from 02:00 to 03:00
        ("2028-03-26 03:00:00", "2028-03-27 01:30"),  # there is no 02:29
        ("2028-10-29 01:40:00", None),
        ("2028-10-29 02:29:00", None),  # the first of two
        ("2028-10-29 02:31:00", "2028-10-29 02:00"),  # which comes again half an hour later
    ],
)
def test_when_the_clocks_change_a_window_is_where_the_wall_clock_says(
    pack: Callable[..., PeopleHouse], moment: str, opens: str | None
) -> None:
    people = pack([{"open": [{"days": "daily", "from": "01:30", "to": "02:30"}]}], tenants=in_paris())
    people.wall = paris(moment)
    row = people.offer()
    if opens is None:
        assert State(row.state) is State.SENT
        return
    again = datetime.fromisoformat(opens).replace(tzinfo=ZoneInfo("Europe/Paris"), fold=1)
    assert waits_until(people, row, again.timestamp())


def in_paris() -> dict[str, Any]:
    """The shop knows that these Chinese numbers are in France."""
    return {"Shop": {"program": "offers", "zones": {"86": ["Europe/Paris"]}}}


# the calendar


def test_a_french_holiday_and_the_sunday_after_it(people: PeopleHouse) -> None:
    people.wall = paris("2026-04-01 12:00")
    people.consent(FRENCH)
    people.wall = paris("2026-05-01 12:00")  # a Friday
    assert waits_until(people, people.offer(FRENCH, "a STOP 36180"), paris("2026-05-02 08:00"))
    people.wall = paris("2026-05-02 19:59:59")
    assert State(people.offer(FRENCH, "b STOP 36180").state) is State.SENT
    people.wall = paris("2026-05-02 20:00")
    assert waits_until(people, people.offer(FRENCH, "c STOP 36180"), paris("2026-05-04 08:00"))


WEEKDAYS = {"open": [{"days": "mon-fri", "from": "08:00", "to": "21:00"}]}


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-02-13 21:00", "2026-02-14 08:00"),  # a Saturday that is worked
        ("2026-02-14 12:00", None),
        ("2026-02-14 21:00", "2026-02-24 08:00"),  # spring festival
        ("2026-02-28 12:00", None),
        ("2026-03-07 12:00", "2026-03-09 08:00"),  # any other Saturday
    ],
)
def test_holidays_and_swapped_working_days_in_china(
    pack: Callable[..., PeopleHouse], moment: str, opens: str | None
) -> None:
    people = pack([{**WEEKDAYS, "calendar": {"country": "CN"}}])
    people.wall = shanghai("2026-02-01 12:00")
    people.consent()
    people.wall = shanghai(moment)
    row = people.offer(validity_period="000014000000000R")
    if opens is None:
        assert State(row.state) is State.SENT
    elif shanghai(opens) - shanghai(moment) < 7 * 86_400:
        assert waits_until(people, row, shanghai(opens))
    else:
        assert (State(row.state), row.error) == (State.REJECTED, 921)  # no validity lasts so long


def test_what_the_file_says_of_a_day_goes_before_the_library(pack: Callable[..., PeopleHouse]) -> None:
    calendar = {"country": "CN", "workdays": ["2026-11-21"], "holidays": ["2026-11-23", "2026-11-21"]}
    people = pack([{**WEEKDAYS, "calendar": calendar}])
    people.wall = shanghai("2026-11-21 12:00")  # a Saturday
    assert State(people.offer().state) is State.SENT
    people.wall = shanghai("2026-11-22 12:00")
    assert waits_until(people, people.offer(text="【商店】b"), shanghai("2026-11-24 08:00"))


def test_a_year_that_nobody_knows_yet_warns_and_stops_nothing(pack: Callable[..., PeopleHouse]) -> None:
    china = Calendar("CN")
    year = next(year for year in range(2026, 2100) if china.gaps(date(year, 12, 20)))
    people = pack([{**WEEKDAYS, "calendar": {"country": "CN"}}])
    calendar = ("calendar", "working days")
    people.wall = shanghai(f"{year}-09-20 12:00")
    people.advance(2)
    assert calendar not in people.relay.alarms.open
    people.wall = shanghai(f"{year}-12-20 12:00")
    people.advance(2)
    alarm = people.relay.alarms.open[calendar]
    assert f"CN swaps in {year + 1} are not known yet" in alarm.text
    assert State(people.offer().state) in (State.SENT, State.DEFERRED)
    told = {"country": "CN", "workdays": [f"{year + 1}-01-04"]}
    rules = people.settings.people.rules
    assert rules is not None
    found = yaml.safe_load((rules / "CN.yaml").read_text("utf-8"))
    found["windows"][0]["calendar"] = told
    (rules / "CN.yaml").write_text(yaml.safe_dump(found, allow_unicode=True), "utf-8")
    settings = people_generation(2, rules=rules)
    people.filters = people.fresh_filters(settings)
    people.reload(settings)
    people.advance(2)
    assert calendar not in people.relay.alarms.open


# the validity, and where the recipient is


def test_what_cannot_wait_long_enough_is_told_in_the_response_or_by_receipt(make_people: MakePeople) -> None:
    people = make_people()
    american = "12025550123"
    people.consent(american, basis="express_written")
    people.wall = at("America/New_York", "2026-11-20 21:00")
    hour = {"validity_period": "000000010000000R", "registered_delivery": 1}
    people.offer(american, "a", **hour)
    (receipt,) = people.shop.receipts
    assert (receipt.stat, receipt.err) == ("REJECTD", "921")
    accounts = dict(people.settings.accounts)
    accounts["shop"] = accounts["shop"].model_copy(update={"refusals": "response"})
    people.reload(replace(people.settings, number=2, accounts=accounts))
    fields = {"source_addr": SHOP, "destination_addr": american, **text_fields("b"), **hour}
    assert people.shop.submit(**fields).command_status == CommandStatus.ESME_RINVEXPIRY


def test_a_validity_that_ends_within_the_spread_is_kept(people: PeopleHouse) -> None:
    people.wall = TEN
    for n in range(10):
        number = f"86199123400{n:02}"
        people.consent(number)
        until = format_absolute(datetime.fromtimestamp(EIGHT + 5, ZoneInfo("UTC")))
        row = people.offer(number, f"【商店】{n}", validity_period=until)
        assert EIGHT <= row.deadline / 1000 < EIGHT + 2.5
    people.wall = EIGHT - 1
    people.advance(8, step=0.5)
    assert {State(row.state) for row in people.rows()} == {State.SENT}


def test_several_zones_must_all_be_open_and_where_they_never_are_it_is_refused_at_once(
    make_people: MakePeople,
) -> None:
    zones = {"8619912340001": ["Asia/Shanghai", "Europe/London"], "8619912340002": ["Asia/Shanghai"]}
    hours = {"CN/promotional-hours": [{"from": "08:00", "to": "12:00"}]}
    people = make_people(tenants={"Shop": {"program": "offers", "zones": zones}})
    people.consent()
    people.wall = shanghai("2026-11-20 12:00")  # four in the morning in London
    assert waits_until(people, people.offer(), shanghai("2026-11-20 16:00"))
    people.wall = shanghai("2026-11-20 16:00")
    assert State(people.offer(text="【商店】b").state) is State.SENT
    people.wall = NOON
    tenants = {"Shop": {"program": "offers", "zones": zones, "hours": hours}}
    settings = people_generation(2, tenants=tenants)
    people.filters = people.fresh_filters(settings)
    people.reload(settings)
    people.consent()
    row = people.offer(text="【商店】c")  # of hours that are not sure
    assert words(row) == [("quiet", "warn", "CN/promotional-hours")]


def test_a_number_of_which_nobody_knows_where_it_is_waits_for_all_of_america(people: PeopleHouse) -> None:
    people.consent(TOLL_FREE, basis="express_written")
    row = people.offer(TOLL_FREE, "sale")
    assert State(row.state) is State.DEFERRED
    for zone in ("Pacific/Guam", "Pacific/Honolulu", "America/New_York", "America/St_Johns"):
        assert 8 <= datetime.fromtimestamp(row.deadline / 1000, ZoneInfo(zone)).hour < 21, zone


def test_where_zones_are_never_open_together_it_is_refused_at_once(make_people: MakePeople) -> None:
    zones = {"1202": ["America/New_York", "Pacific/Honolulu"]}
    hours = {"US/federal-hours": [{"from": "08:00", "to": "10:00"}]}
    people = make_people(tenants={"Shop": {"program": "offers", "zones": zones, "hours": hours}})
    people.consent("12025550123", basis="express_written")
    people.wall = at("America/New_York", "2026-11-20 09:00")
    row = people.offer("12025550123", "sale")
    assert (State(row.state), row.error) == (State.REJECTED, 921)
    assert words(row)[-1][:2] == ("quiet", "refuse")
