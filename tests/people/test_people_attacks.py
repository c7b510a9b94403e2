"""Ways to get an offer to somebody who has said STOP. None of them is one.

At each the carrier's end of the wire is looked at: no offer may have come there after the STOP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from people_house import (
    FILTERS,
    HANDSET,
    SHOP,
    PeopleHouse,
    people_generation,
    replying,
    shanghai,
    text_fields,
)
from relay_house import account as account_of
from relay_house import carrier, submit
from twisted.internet.defer import Deferred

from gateway.canaries import Canaries
from gateway.control.operator import OPERATOR
from gateway.control.review import ReviewCommands
from gateway.control.steering import SteeringCommands
from gateway.filters.catalogue import make_filters
from gateway.filters.directives import Verb
from gateway.filters.verdict import Action, Verdict
from gateway.message import Message
from gateway.relay.canary import Canary
from gateway.routing.router import Router
from gateway.settings.models import Filters, Generation
from gateway.smpp.concat import concat_element, make_udh
from gateway.smpp.constants import ESM_UDHI, Tag
from gateway.smpp.fields import SmeAddress, Tlv
from gateway.smpp.pdus import DataSm, ReplaceSm, SubmitMulti, SubmitSm
from gateway.smpp.smpptime import format_absolute
from gateway.store.people import suppressions_of
from gateway.store.rows import MessageRow, State

OTHER = "8619912340002"
BRITISH = "447700900123"
NEWS = "10690004"
AD = "【商店】大减价，拒收请回复R"
ORDER = "【商店】您的订单已发出"
CATEGORY, CATEGORIES = 0x1500, ("otp", "transactional", "service", "promotional", "government")
BOTH = {"alpha": carrier(), "beta": carrier("beta")}


class Odd:
    """Holds what says odd."""

    name = "words"

    def judge(self, message: Message, now: float) -> Verdict | None:
        return Verdict(Action.HOLD, self.name, "odd") if "odd" in (message.text or "") else None


class Attacked(PeopleHouse):
    """A shop with two accounts, two programs and two carriers; a person who agreed, got an offer, and said
    STOP unless that is left to the test.
    """

    def __init__(self, directory: Path, **people: Any) -> None:
        programs = {"news": {"sources": [NEWS], "signatures": ["新闻"]}}
        shop = {"program": "offers", "brand": "商店", "programs": programs, "calling_code": "86"}
        self.made = self._generation({"Shop": shop, "Bank": {"program": "account"}}, people)
        super().__init__(directory)
        self.second = self.client("second")

    @staticmethod
    def _generation(tenants: dict[str, Any], people: dict[str, Any]) -> Generation:
        base = people_generation(tenants=tenants, **people)
        usual: dict[str, Any] = {
            "tenant": "Shop",
            "category": "promotional",
            "filters": "all",
            "numbers": (SHOP, NEWS),
            "declares": {"tag": CATEGORY, "values": {name: name for name in CATEGORIES}},
            "duplicates": {"within": "1h"},
        }
        accounts = {**base.accounts, "shop": account_of(**usual), "second": account_of(**usual)}
        filters = base.filters.model_dump() | {"category": {}}
        return replace(base, accounts=accounts, carriers=BOTH, filters=Filters.model_validate(filters))

    @staticmethod
    def fresh_filters(settings: Generation) -> dict[str, Any]:
        made = make_filters(settings)
        return {name: made[name] for name in ("category", *FILTERS)} | {"words": Odd()}

    def start(self, *, settle: bool = True) -> None:
        self.settings = self.made
        self.filters = self.fresh_filters(self.made)
        super().start(settle=settle)

    def agree(self, number: str = HANDSET, **fields: Any) -> None:
        self.consent(number, **fields)
        self.offer(number, text="【商店】first，拒收请回复R")

    def hold_carriers(self) -> None:
        """They take nothing for half a minute."""
        for name in BOTH:
            self.relay.dispatch.carriers[name].pause(30)

    def stop_it(self, text: str = "退订") -> None:
        self.reply(text)
        self.submits.clear()

    def sent(self) -> list[Any]:
        """What came to a carrier since, but for what the gateway itself said."""
        return [
            pdu
            for _, pdu in self.submits
            if "退订，" not in text_of(pdu) and "回复TD退订" not in text_of(pdu)
        ]


def text_of(pdu: Any) -> str:
    payload = dict(pdu.tlvs).get(Tag.message_payload, b"")
    octets: bytes = getattr(pdu, "short_message", b"") or payload
    return octets.decode("utf-16-be", "replace")


def ad(number: str = HANDSET, text: str = AD, **fields: Any) -> SubmitSm:
    return submit(**{"source_addr": SHOP, "destination_addr": number, **text_fields(text), **fields})


def declared(category: str) -> tuple[Tlv, ...]:
    return (Tlv(CATEGORY, category.encode()),)


@pytest.fixture
def make_attacked(tmp_path: Path) -> Iterator[Callable[..., Attacked]]:
    houses: list[Attacked] = []

    def make(**people: Any) -> Attacked:
        houses.append(Attacked(tmp_path, **people))
        return houses[-1]

    yield make
    for house in houses:
        house.stop()


@pytest.fixture
def agreed(make_attacked: Callable[..., Attacked]) -> Attacked:
    """Who agreed and has an offer."""
    house = make_attacked()
    house.agree()
    house.submits.clear()
    return house


@pytest.fixture
def stopped(agreed: Attacked) -> Attacked:
    """Who has said STOP after that."""
    agreed.stop_it()
    return agreed


def last(house: Attacked) -> tuple[State, int]:
    """The end of what a client sent last."""
    row = [row for row in house.rows() if row.client_id][-1]
    return State(row.state), row.error


def run(house: Attacked, work: Any) -> Any:
    """What work comes to."""
    found: list[Any] = []
    Deferred.fromCoroutine(work).addBoth(found.append)
    for _ in range(100):
        house.settle()
        if found:
            return found[0]
        house.reactor.advance(0)
    raise AssertionError("it does not end")


# other ways in


def test_by_another_account_of_the_tenant(stopped: Attacked) -> None:
    stopped.second.ask(ad())
    assert (stopped.sent(), last(stopped)) == ([], (State.REJECTED, 901))


@pytest.mark.parametrize("source", ["10690099", "SHOP", NEWS])
def test_from_another_source_address(stopped: Attacked, source: str) -> None:
    stopped.shop.ask(ad(source_addr=source, source_addr_ton=0 if source.isdigit() else 5))
    assert (stopped.sent(), last(stopped)[0]) == ([], State.REJECTED)


def test_by_data_sm_and_in_message_payload(stopped: Attacked) -> None:
    payload = (Tlv(Tag.message_payload, AD.encode("utf-16-be")),)
    addresses = {"source_addr": SHOP, "destination_addr": HANDSET}
    stopped.shop.ask(DataSm(**addresses, data_coding=8, registered_delivery=1, tlvs=payload))
    stopped.second.ask(ad(short_message=b"", tlvs=payload))
    assert (stopped.sent(), {row.error for row in stopped.rows()[-2:]}) == ([], {901})


def test_by_submit_multi_among_others(stopped: Attacked) -> None:
    stopped.consent(OTHER)
    addresses = tuple(SmeAddress(1, 1, number) for number in (OTHER, HANDSET, "+" + HANDSET, "00" + HANDSET))
    fields = {**text_fields(AD), "registered_delivery": 1}
    stopped.shop.ask(SubmitMulti(source_addr=SHOP, dest_addresses=addresses, **fields))
    assert [pdu.destination_addr for pdu in stopped.sent()] == [OTHER]


# how the number is written

WAYS = [
    ("+" + HANDSET, 0),
    ("+" + HANDSET, 1),
    ("00" + HANDSET, 0),
    ("00" + HANDSET, 1),
    (HANDSET, 0),
    (HANDSET, 2),
    (HANDSET, 3),
    (HANDSET, 4),
    (HANDSET, 6),
    (HANDSET[2:], 2),
    ("0" + HANDSET[2:], 0),
    ("0" + HANDSET[2:], 2),
    ("0" + HANDSET[2:], 4),
    ("+00" + HANDSET, 1),
    ("000" + HANDSET, 0),
    ("0" + HANDSET, 0),
    (HANDSET[2:], 0),
    (HANDSET[2:], 4),
    ("+86" + HANDSET, 1),
    ("86 199 1234 0001", 1),
    ("86-19912340001", 1),
]


def test_to_the_number_written_otherwise(stopped: Attacked) -> None:
    for number, ton in WAYS:
        for category in ("promotional", "service"):
            text = f"【商店】大减价 {number} {ton} {category}，拒收请回复R"
            stopped.shop.ask(ad(number, text, dest_addr_ton=ton, tlvs=declared(category)))
    assert [pdu.destination_addr for pdu in stopped.sent()] == []


@pytest.mark.parametrize(("number", "ton"), [("07700900123", 0), ("7700900123", 2), ("0447700900123", 1)])
def test_to_a_national_number_of_a_tenant_without_a_country(
    make_attacked: Callable[..., Attacked], number: str, ton: int
) -> None:
    house = make_attacked()
    tenants = {"Shop": {"program": "offers"}, "Bank": {"program": "account"}}
    house.made = house._generation(tenants, {})
    house.restart()
    house.consent(BRITISH)
    house.offer(BRITISH)
    house.submits.clear()
    house.upstream().deliver(replying("STOP", BRITISH))
    house.settle()
    house.submits.clear()
    house.shop.ask(ad(number, dest_addr_ton=ton))
    assert house.sent() == []


# what it is declared as


@pytest.mark.parametrize("category", ["service", "transactional", "otp", "government"])
def test_declared_as_something_else(stopped: Attacked, category: str) -> None:
    stopped.shop.ask(ad(tlvs=declared(category)))
    assert (stopped.sent(), last(stopped)) == ([], (State.REJECTED, 901))
    assert stopped.rows()[-1].category == "promotional"


def test_a_stop_after_a_service_text_is_one_to_offers_as_well(agreed: Attacked) -> None:
    agreed.shop.ask(ad(text=ORDER, tlvs=declared("service")))
    agreed.stop_it()
    agreed.shop.ask(ad())
    assert (agreed.sent(), last(agreed)) == ([], (State.REJECTED, 901))


@pytest.mark.parametrize("category", ["transactional", "otp"])
def test_a_stop_is_not_taken_for_one_to_a_program_that_it_could_not_stop(
    agreed: Attacked, category: str
) -> None:
    """An order's text of another program from the same number comes between the offer and the STOP."""
    agreed.shop.ask(ad(text="【新闻】您的订单已发出", source_addr=SHOP, tlvs=declared(category)))
    agreed.stop_it()
    agreed.shop.ask(ad())
    assert (agreed.sent(), last(agreed)) == ([], (State.REJECTED, 901))


def test_replaced_by_an_offer(stopped: Attacked) -> None:
    stopped.hold_carriers()
    stopped.shop.ask(ad(text=ORDER, tlvs=declared("transactional")))
    row = stopped.rows()[-1]
    assert State(row.state) is State.WAITING
    pdu = ReplaceSm(message_id=row.client_id, source_addr=SHOP, short_message=AD.encode("utf-16-be"))
    answer = stopped.shop.ask(pdu)
    stopped.advance(60, step=10)
    assert [text_of(pdu) for pdu in stopped.sent()] == [ORDER]
    assert answer.command_status == 0x13  # ESME_RREPLACEFAIL


# before the STOP


def test_scheduled_before_it(agreed: Attacked) -> None:
    later = format_absolute(datetime_of(agreed.wall + 600))
    agreed.shop.ask(ad(schedule_delivery_time=later))
    assert last(agreed)[0] is State.DEFERRED
    agreed.stop_it()
    agreed.advance(700, step=20)
    assert (agreed.sent(), last(agreed)) == ([], (State.REJECTED, 901))


def test_held_for_review_before_it_and_approved_after(agreed: Attacked) -> None:
    agreed.shop.ask(ad(text="【商店】odd，拒收请回复R"))
    assert last(agreed)[0] is State.HELD
    agreed.stop_it()
    commands = ReviewCommands(agreed.relay.reviewing, agreed.relay.audit)
    number = agreed.rows()[1].id
    run(agreed, commands.approve({"number": number, OPERATOR: "ann", "by": "ann"}))
    (row,) = [row for row in agreed.rows() if row.id == number]
    assert (agreed.sent(), State(row.state), row.error) == ([], State.REJECTED, 901)


def test_with_its_first_segment_before_it(agreed: Attacked) -> None:
    first, second = long_ad()
    agreed.shop.ask(first)
    agreed.stop_it()
    agreed.shop.ask(second)
    assert agreed.sent() == []
    assert [row.error for row in rows_of(agreed, State.REJECTED)] == [901, 901]


def test_with_a_segment_of_a_text_that_was_let_pass_before_it(agreed: Attacked) -> None:
    for pdu in long_ad():
        agreed.shop.ask(pdu)
    assert len(agreed.sent()) == 2
    agreed.stop_it()
    agreed.second.ask(long_ad()[0])  # of another account: no duplicate
    agreed.made = without_duplicates(agreed.made)
    agreed.reload(agreed.made)
    agreed.shop.ask(long_ad()[0])
    agreed.advance(400, step=10)
    assert agreed.sent() == []


def test_answered_as_a_duplicate_of_what_left_before_it(agreed: Attacked) -> None:
    first = agreed.shop.ask(ad())
    assert len(agreed.sent()) == 1
    agreed.stop_it()
    again = agreed.shop.ask(ad())
    assert again.message_id == first.message_id
    assert agreed.sent() == []


def test_waiting_for_a_carrier_and_rerouted(agreed: Attacked) -> None:
    agreed.hold_carriers()
    agreed.shop.ask(ad())
    assert last(agreed)[0] is State.WAITING
    agreed.stop_it()
    commands = SteeringCommands(agreed.relay)
    asked = {OPERATOR: "ann", "act": True, "note": "", "account": "shop", "to": ["beta"]}
    run(agreed, commands.give(Verb.REROUTE, asked))
    agreed.advance(60, step=10)
    assert agreed.sent() == []


def test_refused_by_one_carrier_and_sent_to_another(agreed: Attacked) -> None:
    answers = {"alpha": (0x14, ""), "beta": (0, "b1")}  # ESME_RMSGQFUL
    agreed.answer = lambda name, pdu: None
    agreed.shop.ask(ad())
    (pending,) = agreed.upstream("alpha").pending
    agreed.answer = lambda name, pdu: answers[name]
    agreed.reply("退订")
    agreed.submits.clear()
    agreed.upstream("alpha").respond(pending, 0x14)
    agreed.settle()
    agreed.advance(120, step=5)
    assert agreed.sent() == []


def begin_canary(house: Attacked) -> None:
    """Another generation decides for everybody."""
    candidate = replace(house.made, number=7)
    nothing: Any = None
    canaries = Canaries(house.relay, nothing, dict, nothing)
    filters = make_filters(candidate, house.filters)
    router = Router.of(candidate)
    router.put_aside("generation 7")
    canary = Canary(candidate, filters, router, 1.0, frozenset(), int(house.wall * 1000), "ann")
    canary.chain_of = canaries._chains(candidate, filters)
    canaries.take_up(canary)


def test_what_an_admin_paused_waits_on_the_side_of_a_canary_too(agreed: Attacked) -> None:
    begin_canary(agreed)
    commands = SteeringCommands(agreed.relay)
    asked = {OPERATOR: "ann", "act": True, "note": "", "account": "shop"}
    run(agreed, commands.give(Verb.PAUSE, asked))
    agreed.shop.ask(ad())
    assert (agreed.sent(), last(agreed)[0]) == ([], State.DEFERRED)
    run(agreed, commands.resume(asked))
    agreed.advance(2)
    assert len(agreed.sent()) == 1


def test_by_the_generation_of_a_canary(stopped: Attacked) -> None:
    begin_canary(stopped)
    stopped.shop.ask(ad())
    assert (stopped.sent(), last(stopped)) == ([], (State.REJECTED, 901))
    assert stopped.rows()[-1].generation == 7


def test_with_a_consent_that_is_brought_in_after_it(stopped: Attacked) -> None:
    stopped.advance(5)
    stopped.consent()
    stopped.shop.ask(ad())
    assert (stopped.sent(), last(stopped)) == ([], (State.REJECTED, 901))


def test_marked_as_urgent_at_night(make_attacked: Callable[..., Attacked]) -> None:
    house = make_attacked()
    house.agree()
    house.stop_it()
    house.wall = shanghai("2026-11-20 23:00")
    house.shop.ask(ad(priority_flag=3))
    assert (house.sent(), last(house)) == ([], (State.REJECTED, 901))


# START


def test_start_of_one_program_does_not_lift_a_stop_of_all(agreed: Attacked) -> None:
    other = "8619912340005"
    agreed.consent(other)
    agreed.reply("退订", number=other)  # nobody has written to it: of all
    agreed.advance(2)
    agreed.consent(other, program="news")
    agreed.shop.ask(ad(other, source_addr=NEWS))
    assert last(agreed)[1] == 901
    agreed.relay.replies.writers.wrote(message_to(agreed, other, NEWS))
    agreed.reply("恢复订阅", number=other, to=NEWS)
    agreed.submits.clear()
    agreed.shop.ask(ad(other, text=AD + "!"))
    assert (agreed.sent(), last(agreed)) == ([], (State.REJECTED, 901))
    agreed.shop.ask(ad(other, text=AD + "?", source_addr=NEWS))
    assert len(agreed.sent()) == 1


# what the handset's number looks like when it writes


@pytest.mark.parametrize(
    ("number", "ton"),
    [(HANDSET, 1), ("+" + HANDSET, 0), ("00" + HANDSET, 0), (HANDSET[2:], 2), ("0" + HANDSET[2:], 0)],
)
def test_a_stop_counts_however_the_carrier_writes_the_number(agreed: Attacked, number: str, ton: int) -> None:
    agreed.upstream().deliver(replying("退订", number)._replace(source_addr_ton=ton))
    agreed.settle()
    agreed.submits.clear()
    agreed.shop.ask(ad())
    assert (agreed.sent(), last(agreed)) == ([], (State.REJECTED, 901))


@pytest.mark.parametrize(
    ("rules", "number", "ton"),
    [
        ({"form": "national", "country": "44"}, "07700900123", 0),
        ({"form": "national", "country": "44"}, "7700900123", 0),
        ({"country": "44"}, "7700900123", 2),
        ({"country": "44"}, "07700900123", 1),
    ],
)
def test_a_stop_counts_from_a_carrier_that_tells_numbers_as_dialled_in_its_country(
    make_attacked: Callable[..., Attacked], rules: dict[str, str], number: str, ton: int
) -> None:
    house = make_attacked()
    tells = carrier(rewrite={"destination": rules})
    house.made = replace(house.made, number=2, carriers={**BOTH, "alpha": tells})
    house.reload(house.made)
    house.consent(BRITISH)
    house.shop.ask(ad(BRITISH))
    house.upstream().deliver(replying("STOP", number)._replace(source_addr_ton=ton))
    house.settle()
    house.submits.clear()
    house.shop.ask(ad(BRITISH, AD + "!"))
    assert (house.sent(), last(house)) == ([], (State.REJECTED, 901))
    (entry,) = house.read(suppressions_of, BRITISH)
    assert entry.type == "program_optout"  # whose text it answers is known


# helpers


def message_to(house: Attacked, number: str, source: str) -> Message:
    row = house.rows()[-1]
    message = house.relay.book.restore(row).message
    return replace(message, pdu=message.pdu._replace(destination_addr=number, source_addr=source))


def rows_of(house: Attacked, state: State) -> list[MessageRow]:
    return [row for row in house.rows() if State(row.state) is state]


def long_ad() -> list[SubmitSm]:
    half = "【商店】" + "大减价" * 15, "拒收请回复R"
    return [
        ad(
            esm_class=ESM_UDHI,
            short_message=make_udh(concat_element(9, 2, number)) + text.encode("utf-16-be"),
        )
        for number, text in enumerate(half, start=1)
    ]


def without_duplicates(settings: Generation) -> Generation:
    accounts = {
        name: each.model_copy(update={"duplicates": None}) for name, each in settings.accounts.items()
    }
    return replace(settings, accounts=accounts, number=settings.number + 1)


def datetime_of(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)
