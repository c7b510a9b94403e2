"""What the shipped packs say of consent, on the way of a message and by a clock that the test moves: bases,
how long they hold, proof, and the scope of an opt-out on either side of the day on which it changes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from people_house import NOON, SHOP, MakePeople, PeopleHouse, replying, text_fields, words
from relay_house import account as account_of

from gateway.filters.consent import ConsentEvent, EventKind
from gateway.relay.batch import Batch
from gateway.relay.consenting import Origin
from gateway.relay.requesting import NotAsked
from gateway.store.people import suppressions_of
from gateway.store.rows import State

CHINESE, AMERICAN, CANADIAN = "8619912340001", "12025550123", "16135550123"
BRITISH, GERMAN, FRENCH, AUSTRALIAN = "447700900123", "4915112345678", "33612345678", "61491570156"
STOP_NUMBER = "offre STOP 36180"


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def allowed(people: PeopleHouse, number: str, text: str = "sale") -> bool:
    """Whether an offer may go to a number by its consent, whatever the hour."""
    row = people.offer(number, text)
    refused = [word for word in words(row) if word[:2] == ("consented", "refuse")]
    assert row.error == (904 if refused else 0)
    assert State(row.state) in ((State.REJECTED,) if refused else (State.SENT, State.DEFERRED))
    return not refused


BASES = [
    (CHINESE, "express", True),
    (CHINESE, "express_written", False),
    (CHINESE, "soft_opt_in", False),
    (CHINESE, "implied_purchase", False),
    (AMERICAN, "express_written", True),
    (AMERICAN, "express", False),
    (AMERICAN, "soft_opt_in", False),
    (CANADIAN, "express", True),
    (CANADIAN, "implied_purchase", True),
    (CANADIAN, "implied_inquiry", True),
    (CANADIAN, "soft_opt_in", False),
    (BRITISH, "express", True),
    (BRITISH, "soft_opt_in", True),
    (BRITISH, "implied_purchase", False),
    (GERMAN, "express", True),
    (GERMAN, "soft_opt_in", True),
    (GERMAN, "inferred", False),
    (FRENCH, "express", True),
    (FRENCH, "soft_opt_in", True),
    (FRENCH, "implied_inquiry", False),
    (AUSTRALIAN, "express", True),
    (AUSTRALIAN, "inferred", True),
    (AUSTRALIAN, "soft_opt_in", False),
]
PROOF = {CHINESE: True, GERMAN: True, FRENCH: True, BRITISH: False, CANADIAN: False}


def test_on_what_a_consent_may_rest(people: PeopleHouse) -> None:
    for index, (number, basis, suffices) in enumerate(BASES):
        somebody = f"{number[:-2]}{index:02}"
        assert not allowed(people, somebody, STOP_NUMBER), number
        people.consent(somebody, basis=basis)
        assert allowed(people, somebody, STOP_NUMBER + "!") is suffices, (number, basis)


def test_where_a_consent_needs_proof(people: PeopleHouse) -> None:
    for number, asked in PROOF.items():
        people.consent(number, evidence="")
        assert allowed(people, number, STOP_NUMBER) is not asked, number


@pytest.mark.parametrize(
    ("basis", "given", "last", "over"),
    [
        ("implied_purchase", "2026-03-15 12:00", "2028-03-15 11:59:59", "2028-03-15 12:00"),
        ("implied_inquiry", "2026-03-15 12:00", "2026-09-15 11:59:59", "2026-09-15 12:00"),
        ("implied_inquiry", "2027-08-31 12:00", "2028-02-29 11:59:59", "2028-02-29 12:00"),  # a leap year
        ("implied_inquiry", "2026-08-31 12:00", "2027-02-28 11:59:59", "2027-02-28 12:00"),
    ],
)
def test_in_canada_what_is_implied_ends(
    people: PeopleHouse, basis: str, given: str, last: str, over: str
) -> None:
    people.wall = utc(given)
    people.consent(CANADIAN, basis=basis, occurred_at=int(people.wall))
    people.wall = utc(last)
    assert allowed(people, CANADIAN)
    people.wall = utc(over)
    row = people.offer(CANADIAN, "again")
    assert row.error == 904
    people.consent(CANADIAN, basis="express", occurred_at=int(people.wall))  # asked and agreed meanwhile
    assert allowed(people, CANADIAN, "and again")


@pytest.mark.parametrize("number", [CHINESE, AMERICAN, BRITISH, GERMAN, FRENCH])
def test_an_express_consent_does_not_end_by_itself(people: PeopleHouse, number: str) -> None:
    people.consent(number, basis="express_written" if number == AMERICAN else "express")
    people.wall += 20 * 365 * 86_400
    assert allowed(people, number, STOP_NUMBER)


def test_in_the_united_states_a_service_text_needs_an_express_consent(make_people: MakePeople) -> None:
    people = make_people()
    fields = {name: getattr(people.settings, name) for name in people.settings.__slots__}
    service = account_of(tenant="Bank", category="service", numbers=("10690001",), filters="all")
    accounts = {**people.settings.accounts, "bank": service}
    people.reload(type(people.settings)(**{**fields, "number": 2, "accounts": accounts}))
    fields = {"source_addr": "10690001", "destination_addr": AMERICAN, **text_fields("shipped")}
    people.bank.submit(**fields)
    assert people.rows()[-1].error == 904

    batch = Batch()
    now = int(people.wall)
    event = ConsentEvent("Bank", "", "service", AMERICAN, EventKind.GRANTED, now, now, basis="express")
    people.protection.people.record(event, batch)
    people.relay.committer.commit(batch, must=True)
    people.settle()
    people.bank.submit(**fields)
    assert people.rows()[-1].error == 0


PROGRAMS = {"Shop": {"program": "offers", "programs": {"news": {"sources": ["10690004"]}}}}


@pytest.mark.parametrize("word", ["STOP", "Stop it", "OPT-OUT", "please stop texting me", "ALTO"])
@pytest.mark.parametrize(
    ("moment", "scope"),
    [("2027-01-30 23:59:58", "program_optout"), ("2027-01-31 00:00:00", "tenant_optout")],
)
def test_in_the_united_states_an_opt_out_reaches_further_from_a_day_on(
    make_people: MakePeople, word: str, moment: str, scope: str
) -> None:
    people = make_people(tenants=PROGRAMS)
    for program in ("offers", "news"):
        people.consent(AMERICAN, basis="express_written", program=program)
    people.offer(AMERICAN, "sale")
    people.wall = utc(moment)
    people.upstream().deliver(replying(word, AMERICAN))
    people.settle()
    assert [row.type for row in people.read(suppressions_of, AMERICAN)] == [scope]
    people.wall = utc("2027-02-01 16:00")
    assert people.offer(AMERICAN, "again").error == 901
    people.shop.submit(source_addr="10690004", destination_addr=AMERICAN, **text_fields("news"))
    assert people.rows()[-1].error == (0 if scope == "program_optout" else 901)


def test_a_rule_that_begins_on_a_day_holds_for_what_is_judged_then(people: PeopleHouse) -> None:
    """Pennsylvania's Sundays, from 18 October 2026 on."""
    number = "12155550123"
    people.wall = NOON
    people.consent(number, basis="express_written", occurred_at=int(utc("2026-01-01 00:00")))
    for sunday, state in (("2026-10-11 16:00", State.SENT), ("2026-10-18 16:00", State.DEFERRED)):
        people.wall = utc(sunday)
        assert State(people.offer(number, f"sale {sunday}").state) is state


def test_silence_is_no_in_china_and_may_be_asked_again_elsewhere(make_people: MakePeople) -> None:
    request = {"source": SHOP, "texts": {"en": "Y?", "zh": "同意请回复Y"}, "wait": "60s", "account": "shop"}
    people = make_people(
        tenants={"Shop": {"program": "offers", "programs": {"offers": {"request": request}}}}
    )

    def ask(number: str) -> Any:
        batch = Batch()
        people.protection.requesting.ask("Shop", "offers", number, Origin("web", "ann", "form 1"), batch)
        people.relay.committer.commit(batch, must=True)
        people.settle()

    for number in (CHINESE, BRITISH):
        ask(number)
        with pytest.raises(NotAsked, match="may still answer"):
            ask(number)
    people.advance(130, step=10)
    with pytest.raises(NotAsked, match="did not answer"):
        ask(CHINESE)
    ask(BRITISH)
