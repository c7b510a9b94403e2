"""Consents, lists, replies, hours and limits on the way of a message, on a relay in memory."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from people_house import BANK, NOON, SHOP, PeopleHouse, offer_pdu, replying, shanghai, text_fields, words
from relay_house import HANDSET, name_of
from twisted.internet.defer import Deferred

from gateway.filters.consent import EventKind
from gateway.filters.suppression import ListKey, ListType, Scope
from gateway.relay.batch import Batch
from gateway.store import people as stored
from gateway.store.rows import State

OTHER = "8619912340002"
AMERICAN = "12025550123"


def test_an_offer_without_consent_is_refused_and_a_code_is_not(people: PeopleHouse) -> None:
    row = people.offer()
    assert (State(row.state), row.error) == (State.REJECTED, 904)
    assert words(row) == [("consented", "refuse", "CN/express-with-proof")]
    assert "rules/CN.yaml:" in json.loads(row.decision)["words"][0]["place"]
    assert State(people.code().state) is State.SENT


def test_with_consent_it_is_sent(people: PeopleHouse) -> None:
    people.consent()
    assert State(people.offer().state) is State.SENT
    assert State(people.offer(OTHER).state) is State.REJECTED


def test_a_stop_stops_offers_and_not_codes_until_start(people: PeopleHouse) -> None:
    people.consent()
    people.offer()
    people.reply("退订")
    row = people.offer()
    assert (State(row.state), row.error) == (State.REJECTED, 901)
    assert words(row) == [("suppressed", "refuse", "category_optout (replies)")]
    assert State(people.code().state) is State.SENT
    assert people.said() == ["【商店】您已退订，将不再收到此类信息。"]
    people.advance(2)
    people.reply("恢复订阅")
    assert State(people.offer(text="【商店】again").state) is State.SENT
    assert people.said()[1:] == ["【商店】您已恢复订阅，回复TD退订。"]


def test_a_second_stop_is_not_answered(people: PeopleHouse) -> None:
    people.consent()
    people.offer()
    people.reply("退订")
    people.reply("TD")
    people.reply("Ｔ Ｄ")
    assert len(people.said()) == 1


def test_a_stop_is_on_disk_before_its_answer_and_heeded_before_that(people: PeopleHouse) -> None:
    people.consent()
    people.offer()
    upstream = people.upstream()
    answered: list[object] = []
    upstream.answered = lambda event: answered.append(event.pdu)  # type: ignore[method-assign]
    upstream.deliver(replying("退订"))
    people.shop.send(offer_pdu(text="【商店】while the store sleeps"))
    people.wires()  # the store's thread stands still
    assert answered == []
    assert people.read(stored.suppressions_of, HANDSET) == []
    people.settle()
    assert len(answered) == 1
    assert [row.type for row in people.read(stored.suppressions_of, HANDSET)] == ["category_optout"]
    assert [people.rows()[-1].error, State(people.rows()[-1].state)] == [901, State.REJECTED]


def test_a_stop_is_heeded_after_a_crash(people: PeopleHouse) -> None:
    people.consent()
    people.offer()
    people.reply("退订")
    people.restart()
    assert people.offer().error == 901
    people.advance(2)
    people.reply("恢复订阅")
    assert State(people.offer(text="【商店】again").state) is State.SENT
    people.restart()
    assert State(people.offer(text="【商店】and again").state) is State.SENT


def test_what_a_reply_answers_is_known_after_restarts(
    people: PeopleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.relay.writers.REMEMBERED", 10)
    people.consent()
    people.offer()
    for _ in range(2):  # each begins with a new block of ids
        people.restart()
        people.code()
        people.advance(60, step=60)
    people.reply("退订")
    assert [row.type for row in people.read(stored.suppressions_of, HANDSET)] == ["category_optout"]


def test_a_start_lifts_only_what_a_stop_set(people: PeopleHouse) -> None:
    people.consent()
    batch = Batch()
    key = ListKey(ListType.REGULATOR_COMPLAINT, Scope("Shop"), "commands")
    people.protection.people.suppress(key, HANDSET, batch, by="operator")
    people.relay.committer.commit(batch, must=True)
    people.settle()
    people.reply("恢复订阅")
    row = people.offer()
    assert (row.error, words(row)[0][2]) == (902, "regulator_complaint (commands)")
    assert people.said() == []


def test_a_start_grants_nothing_to_who_never_agreed(people: PeopleHouse) -> None:
    people.reply("恢复订阅")
    assert people.offer().error == 904


def test_what_is_withdrawn_by_other_means_start_does_not_restore(people: PeopleHouse) -> None:
    people.consent(occurred_at=int(NOON) - 100)
    people.consent(kind=EventKind.REVOKED)
    people.reply("恢复订阅")
    assert people.offer().error == 904


def test_a_stop_without_a_message_before_it_is_for_the_whole_tenant(people: PeopleHouse) -> None:
    people.consent()
    people.reply("退订")
    assert [row.type for row in people.read(stored.suppressions_of, HANDSET)] == ["tenant_optout"]
    assert people.offer().error == 901


def test_an_offer_at_night_waits_for_the_morning(people: PeopleHouse) -> None:
    people.consent()
    people.wall = shanghai("2026-11-20 22:00")
    row = people.offer()
    assert State(row.state) is State.DEFERRED
    assert words(row) == [("quiet", "defer", "CN/promotional-hours")]
    assert 0 <= row.deadline / 1000 - shanghai("2026-11-21 08:00") <= 60
    people.wall = shanghai("2026-11-21 07:59")
    people.advance(5)
    assert State(people.rows()[-1].state) is State.DEFERRED
    people.advance(150, step=5.0)
    assert State(people.rows()[-1].state) is State.SENT


def test_a_stop_in_the_night_stops_what_waits_for_the_morning(people: PeopleHouse) -> None:
    people.consent()
    people.wall = shanghai("2026-11-20 22:00")
    people.offer()
    people.reply("退订")
    people.wall = shanghai("2026-11-21 08:02")
    people.advance(5)
    row = people.rows()[0]
    assert (State(row.state), row.error) == (State.REJECTED, 901)


def test_one_hour_of_validity_at_20_59_is_refused_at_21_00(people: PeopleHouse) -> None:
    """In the United States, whose hours are sure."""
    people.consent(AMERICAN, basis="express_written")
    nine = datetime(2026, 11, 20, 21, tzinfo=ZoneInfo("America/New_York")).timestamp()
    people.wall = nine - 60
    assert State(people.offer(AMERICAN, validity_period="000000010000000R").state) is State.SENT
    people.wall = nine
    row = people.offer(AMERICAN, "another", validity_period="000000010000000R")
    assert (State(row.state), row.error) == (State.REJECTED, 921)
    assert words(row) == [("quiet", "refuse", "US/federal-hours")]


def test_an_unsure_window_warns_where_it_would_have_to_refuse(people: PeopleHouse) -> None:
    people.consent()
    people.wall = shanghai("2026-11-20 21:00")
    row = people.offer(validity_period="000000010000000R")
    assert State(row.state) is State.SENT
    assert words(row) == [("quiet", "warn", "CN/promotional-hours")]


def test_a_stop_stops_what_waits_for_a_carrier(people: PeopleHouse) -> None:
    people.consent()
    people.offer()
    people.answer = lambda name, pdu: None
    people.relay.dispatch.carriers["alpha"].pause(30)
    people.offer(text="【商店】held up")
    assert people.states()[-1] is State.WAITING
    people.reply("退订")
    people.answer = people.accept
    people.advance(40)
    row = next(row for row in people.rows() if row.error)
    assert (State(row.state), row.error) == (State.REJECTED, 901)


def test_limits_count_in_order_within_a_batch(people: PeopleHouse) -> None:
    for _ in range(3):
        people.bank.send(offer_pdu(text="【银行】code"))
    people.settle()
    assert [row.error for row in people.rows()] == [0, 922, 922]
    assert words(people.rows()[1])[0][:2] == ("capped", "refuse")


def code_status(people: PeopleHouse, text: str) -> str:
    """What the bank is answered that asks for no receipt."""
    fields = text_fields(text)
    answer = people.bank.submit(source_addr=BANK, destination_addr=HANDSET, registered_delivery=0, **fields)
    return name_of(answer.command_status)


def test_a_burst_is_told_as_what_clients_try_again_and_what_lasts_longer_is_not(people: PeopleHouse) -> None:
    assert code_status(people, "【银行】1") == "ESME_ROK"
    assert code_status(people, "【银行】2") == "ESME_RTHROTTLED"
    assert people.code(text="【银行】3").error == 922
    for number in range(4):
        people.advance(61, step=61)
        assert code_status(people, f"【银行】4{number}") == "ESME_ROK"
    assert code_status(people, "【银行】5") == "ESME_RSUBMITFAIL"
    people.advance(61, step=61)
    assert code_status(people, "【银行】6") == "ESME_RSUBMITFAIL"
    assert json.loads(people.rows()[-1].decision)["words"][0]["detail"].startswith("5 in 3600 s")


def test_a_burst_under_one_rule_is_none_where_another_forbids_it_for_longer(people: PeopleHouse) -> None:
    for number in range(40):
        assert code_status(people, f"【银行{number}】1") == "ESME_ROK"
    assert code_status(people, "【银行0】2") == "ESME_RSUBMITFAIL"
    assert words(people.rows()[-1]) == [("capped", "refuse", "CN/one-time-codes-of-all")]


def test_limits_hold_over_a_restart(people: PeopleHouse) -> None:
    people.code()
    people.restart()
    assert people.code(text="【银行】654321").error == 922
    people.advance(60)
    assert people.code(text="【银行】654321").error == 0


def test_what_the_store_refused_is_not_counted(people: PeopleHouse) -> None:
    people.driver.broken = True
    people.bank.submit(source_addr="10690001", short_message=b"1", registered_delivery=1)
    people.driver.broken = False
    people.advance(10)
    assert people.rows() == []
    assert State(people.code().state) is State.SENT


def test_what_is_cancelled_before_it_left_is_not_counted(people: PeopleHouse) -> None:
    from gateway.smpp.pdus import CancelSm

    people.relay.dispatch.carriers["alpha"].pause(30)
    row = people.code()
    answer = people.bank.ask(CancelSm(message_id=row.client_id, source_addr="10690001"))
    assert name_of(answer.command_status) == "ESME_ROK"
    assert people.code(text="【银行】654321").error == 0


def test_the_reply_itself_is_passed_on(people: PeopleHouse) -> None:
    people.reply("退订")
    (pdu,) = people.shop.delivered
    assert (pdu.source_addr, pdu.destination_addr) == (HANDSET, SHOP)


def test_a_complaint_opens_a_case(make_people: object) -> None:
    people = make_people(captures=[{"name": "complaint", "words": ["投诉"], "answer": "我们会联系您"}])  # type: ignore[operator]
    people.reply("我要投 诉你们")
    (case,) = people.read(stored.cases, True, 10)
    assert (case.rule, case.number, case.tenant) == ("complaint", HANDSET, "Shop")
    assert case.deadline - case.opened_at == 1_800_000
    assert people.said() == ["我们会联系您"]
    assert len(people.shop.delivered) == 1


def test_a_carriers_codes_put_numbers_on_lists(make_people: object) -> None:
    from relay_house import carrier

    from gateway.settings.models import Generation

    people = make_people()  # type: ignore[operator]
    codes = {"statuses": {"ESME_RINVDSTADR": "do_not_disturb"}, "errors": {"MK:1004": "complaint"}}
    settings = people.settings
    fields = {name: getattr(settings, name) for name in settings.__slots__}
    people.reload(Generation(**{**fields, "number": 2, "carriers": {"alpha": carrier(people=codes)}}))
    people.consent()
    people.consent(OTHER)
    row = people.offer()
    people.receipt(row.carrier_message_id, stat="MK:1004", source=HANDSET)
    assert words(people.offer(text="【商店】again"))[0][2] == "regulator_complaint (carrier:alpha)"
    people.answer = lambda name, pdu: (0x0B, "")
    people.offer(OTHER)
    people.answer = people.accept
    row = people.offer(OTHER, text="【商店】again")
    assert (row.error, words(row)[0][2]) == (903, "carrier_dnd (carrier:alpha)")
    people.restart()
    assert people.offer(text="【商店】and again").error == 902


LEDGER = {
    "tenant",
    "program",
    "channel",
    "category",
    "number",
    "kind",
    "basis",
    "method",
    "actor",
    "occurred_at",
    "recorded_at",
    "locale",
    "policy_version",
    "evidence",
    "expires_at",
    "pack_version",
}
"""What a line of the ledger says, beside its position, salt, commitment and hash. Its scope is that of
program and category, which may be empty.
"""


def test_a_line_of_the_ledger_says_all_that_proves_it(people: PeopleHouse) -> None:
    usual = {"basis": "express", "locale": "zh", "policy_version": "3", "program": "offers", "method": "web"}
    rows = [{"number": HANDSET, "evidence": "form 7", "category": "promotional"}, {"number": AMERICAN}]
    found: list[object] = []
    importing = people.protection.importing
    Deferred.fromCoroutine(importing.record("Shop", usual, rows)).addBoth(found.append)
    for _ in range(5):
        people.advance(0.01)
    assert found == [(2, [])]
    people.offer()
    people.reply("退订")
    lines = [json.loads(row.event or "") for row in people.read(stored.consents, ("", 0), 10)]
    assert all(set(line) == LEDGER for line in lines)
    first, second, third = lines
    assert (first["pack_version"], first["locale"], first["policy_version"]) == ("CN 2026-10-01", "zh", "3")
    assert (first["kind"], first["evidence"], first["channel"]) == ("imported", "form 7", "sms")
    assert second["pack_version"] == "US 2026-10-01"
    assert (third["kind"], third["method"], third["actor"]) == ("revoked", "keyword", "person")
    assert (third["pack_version"], third["evidence"]) == ("CN 2026-10-01", f"reply to {SHOP} by alpha: 退订")
    assert third["occurred_at"] == third["recorded_at"] == int(people.wall)
