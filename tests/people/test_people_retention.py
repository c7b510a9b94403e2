"""How long consents and records of acts are kept, and that their chains hold when lines go."""

from __future__ import annotations

from typing import Any

import pytest
from people_house import HANDSET, MakePeople, PeopleHouse, replying, shanghai
from sqlalchemy import Connection, create_engine, update
from twisted.internet.defer import Deferred

from gateway.filters.consent import EventKind
from gateway.filters.consentchain import genesis
from gateway.filters.consentchain import verify as flaws_of
from gateway.filters.known import CONSENTS
from gateway.relay.people import events_after
from gateway.settings.node import Retention
from gateway.store import audit
from gateway.store.forgotten import FORGET_LINES, forgotten
from gateway.store.holds import Hold
from gateway.store.schema import audit as audit_table
from gateway.store.schema import consent_event

DAY = 86_400
FIVE_YEARS = 1827 * DAY
AMERICAN, FRENCH = "12025550123", "33612345678"


def done(people: PeopleHouse, work: Any) -> Any:
    """What work comes to."""
    result: list[Any] = []
    deferred = Deferred.fromCoroutine(work) if not isinstance(work, Deferred) else work
    deferred.addBoth(result.append)
    for _ in range(100):
        people.settle()
        if result:
            return result[0]
        people.advance(0.1)
    raise AssertionError("it does not end")


def purge(people: PeopleHouse, *, dry: bool = False, at_once: bool = True, **keep: Any) -> dict[str, int]:
    """One purge of lines, and what is wrong with the chains after it."""
    settings = Retention.model_validate({name: f"{days}d" for name, days in keep.items()})
    told = done(people, people.relay.privacy.forgetting.run(settings, at_once=at_once, dry=dry))
    assert people.read(flaws) == []
    return {name: count for name, count in told.items() if count}


def flaws(connection: Connection) -> list[Any]:
    """What the verifiers of both chains find."""
    lost = forgotten(connection)
    lines = [line for _, line in events_after(connection, ("", 0), 1000)]
    found: list[Any] = list(flaws_of(lines, genesis("Shop"), erased=lost.consents.get("Shop", ())))
    return found + list(audit.flaws(connection, erased=lost.records))


def kinds(people: PeopleHouse) -> list[str]:
    """What the ledger still says."""
    lines = people.read(events_after, ("", 0), 1000)
    return ["-" if line.event is None else str(line.event.kind) for _, line in lines]


def test_a_consent_that_holds_stays_however_old(people: PeopleHouse) -> None:
    people.consent()
    people.wall += 20 * 365 * DAY
    assert purge(people) == {}
    assert kinds(people) == ["granted"]


def test_a_consent_goes_when_it_has_been_over_for_long_and_its_end_stays(people: PeopleHouse) -> None:
    people.consent()
    people.wall += 10
    ended = people.wall
    people.consent(kind=EventKind.REVOKED)
    people.wall = ended + FIVE_YEARS - 10
    assert purge(people) == {}
    people.wall = ended + FIVE_YEARS + 10
    assert purge(people, dry=True) == {"consents": 1}
    assert kinds(people) == ["granted", "revoked"]
    assert purge(people) == {"consents": 1}
    assert kinds(people) == ["-", "revoked"]
    assert purge(people) == {}
    people.restart()
    assert people.offer().error == 904
    people.consent(occurred_at=int(ended) - 5)  # an old list is brought in late: it was taken back since
    assert people.offer(text="【商店】again").error == 904


def test_in_china_it_is_half_a_year_after_the_relationship_where_the_node_asks_for_less(
    people: PeopleHouse,
) -> None:
    people.wall = shanghai("2026-01-31 12:00")
    people.consent(expires_at=int(shanghai("2026-02-28 12:00")))
    people.wall = shanghai("2026-08-28 11:59")
    assert purge(people, consents=1) == {}
    people.wall = shanghai("2026-08-28 12:01")
    assert purge(people, consents=1) == {"consents": 1}


def test_in_the_united_states_it_is_five_years_after_the_event(people: PeopleHouse) -> None:
    people.wall = shanghai("2026-03-01 12:00")
    people.consent(AMERICAN, basis="express_written")
    people.consent(AMERICAN, kind=EventKind.REVOKED)
    people.wall = shanghai("2031-03-01 11:59")
    assert purge(people, consents=1) == {}
    people.wall = shanghai("2031-03-01 12:01")
    assert purge(people, consents=1) == {"consents": 1}
    people.wall = shanghai("2099-03-01 12:00")
    assert purge(people, consents=1, audit=40_000) == {}
    assert kinds(people) == ["-", "revoked"]  # the opt-out is without end


def test_where_the_pack_says_nothing_the_node_does(people: PeopleHouse) -> None:
    people.consent(FRENCH, basis="soft_opt_in", expires_at=int(people.wall) + 10)
    people.wall += 31 * DAY
    assert purge(people, consents=32) == {}
    assert purge(people, consents=30) == {"consents": 1}


def test_an_implied_consent_is_over_when_its_months_are(people: PeopleHouse) -> None:
    people.wall = shanghai("2026-01-15 12:00")
    people.consent("16135550123", basis="implied_inquiry")
    people.wall = shanghai("2026-08-10 12:00")  # over since 15 July
    assert purge(people, consents=30) == {}
    people.wall = shanghai("2026-08-15 12:00")
    assert purge(people, consents=30) == {"consents": 1}


def test_a_request_without_answer_stays_so_that_nobody_is_asked_twice(people: PeopleHouse) -> None:
    people.consent(kind=EventKind.REQUESTED, basis="", expires_at=int(people.wall) + 60)
    people.advance(120, step=60)
    people.wall += 20 * 365 * DAY
    assert purge(people) == {}
    assert kinds(people) == ["requested", "expired"]


def test_what_a_legal_hold_covers_stays(people: PeopleHouse) -> None:
    people.consent(expires_at=int(people.wall) + 10)
    people.consent(FRENCH, expires_at=int(people.wall) + 10)
    people.wall += FIVE_YEARS + 100
    hold = Hold(0, HANDSET, "", "", None, None, "order 5", "ann", 0)
    placed = done(people, people.relay.privacy.place(hold))
    done(people, people.relay.audit.at_once("ann", "reload"))
    assert purge(people) == {"consents": 1, "held": 1}
    assert kinds(people) == ["granted", "-"]
    people.wall += 2 * FIVE_YEARS
    assert purge(people) == {"held": 1}  # no record of acts goes either
    done(people, people.relay.privacy.lift(placed.id, "ann", "over"))
    assert purge(people)["consents"] == 1


def test_records_of_acts_go_but_for_those_that_verify(people: PeopleHouse) -> None:
    people.consent(expires_at=int(people.wall) + 10)
    done(people, people.relay.audit.at_once("ann", "unmask", "x", number=HANDSET, purpose="case 7"))
    people.wall += FIVE_YEARS + 100
    assert purge(people) == {"consents": 1, "records": 1}
    acts = {row.act: row.entry for row in people.read(audit.records, 0, 10)}
    assert acts["unmask"] is None
    assert acts[FORGET_LINES] is not None
    people.wall += FIVE_YEARS + 100
    assert purge(people) == {}


def test_the_ledgers_are_looked_through_once_a_day(people: PeopleHouse) -> None:
    assert purge(people, at_once=False) == {}
    before = int(people.wall) - 2 * DAY
    people.consent(FRENCH, occurred_at=before, recorded_at=before, expires_at=before + 1)
    assert purge(people, at_once=False, consents=1) == {}
    people.wall += DAY
    assert purge(people, at_once=False, consents=1) == {"consents": 1}


def test_it_waits_until_the_consents_are_known(make_people: MakePeople) -> None:
    people = make_people()
    people.consent(expires_at=int(people.wall) + 1)
    people.wall += FIVE_YEARS + 100
    people.protection.people.known.loading.add(CONSENTS)
    assert purge(people) == {}
    people.protection.people.known.loading.discard(CONSENTS)
    assert purge(people) == {"consents": 1}


@pytest.mark.parametrize("what", ["consent", "audit"])
def test_a_line_that_somebody_else_emptied_is_seen(people: PeopleHouse, what: str) -> None:
    people.consent()
    people.consent(kind=EventKind.REVOKED)
    done(people, people.relay.audit.at_once("ann", "unmask", "x", number=HANDSET, purpose="case 7"))
    assert people.read(flaws) == []
    engine = create_engine(f"sqlite:///{people.path}")
    with engine.begin() as connection:
        if what == "consent":
            nothing: dict[str, Any] = {"event": None, "salt": None, "number": None}
            query = update(consent_event).where(consent_event.c.position == 2).values(nothing)
        else:
            nothing = {"entry": None, "salt": None, "person": None}
            query = update(audit_table).where(audit_table.c.act == "unmask").values(nothing)
        connection.execute(query)
    engine.dispose()
    (flaw,) = people.read(flaws)
    assert "not on record" in flaw[1]


def test_an_erasure_is_on_record_line_by_line(people: PeopleHouse) -> None:
    people.consent()
    people.consent(kind=EventKind.REVOKED)
    done(people, people.relay.audit.at_once("ann", "unmask", "x", number=HANDSET, purpose="case 7"))
    told = done(people, people.relay.privacy.erase(HANDSET, "ann", "request 7"))
    assert (told["consents"], told["records"]) == (2, 1)
    assert kinds(people) == ["-", "-", "-"]
    assert people.read(flaws) == []


def test_an_erasure_reaches_what_carriers_have_sent_and_nobody_got(people: PeopleHouse) -> None:
    people.upstream().deliver(replying("你好", to="999"))  # nobody's
    people.settle()
    people.receipt("lost", source=HANDSET)
    people.receipt("other", source=FRENCH)
    assert len(people.strays()) == 3
    told = done(people, people.relay.privacy.erase(HANDSET, "ann", "request 7"))
    assert (told["strays"], told["strays_waiting"]) == (2, 0)
    assert [row.destination for row in people.strays()] == [FRENCH]
    assert people.relay.inbound.strays == 1


def test_what_may_be_about_a_message_under_way_stays(people: PeopleHouse) -> None:
    people.consent()
    people.offer()
    people.receipt("early", source=HANDSET)
    told = done(people, people.relay.privacy.erase(HANDSET, "ann", "request 7"))
    assert (told["strays"], told["strays_waiting"]) == (0, 1)
    assert len(people.strays()) == 1
