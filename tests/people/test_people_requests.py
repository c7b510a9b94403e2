"""Double opt-in on the way of a message: asked once by text, confirmed, refused, or met with silence."""

from __future__ import annotations

import json

import pytest
from people_house import NOON, SHOP, PeopleHouse, words
from relay_house import HANDSET

from gateway.filters.consent import EventKind
from gateway.filters.suppression import ListKey, ListType, Scope
from gateway.relay.batch import Batch
from gateway.relay.consenting import Origin
from gateway.relay.requesting import NotAsked
from gateway.store import people as stored
from gateway.store.rows import State

AMERICAN, BRITISH = "12025550123", "447700900123"
QUESTION = "【商店】您将每周收到一条优惠信息，同意请回复Y"
REQUEST = {"source": SHOP, "texts": {"zh": QUESTION, "en": "Shop: weekly offers. Reply Y to agree."}}
WEB = Origin("web", "operator", "form 9")


@pytest.fixture
def house(make_people: object) -> PeopleHouse:
    tenant = {
        "program": "offers",
        "brand": "商店",
        "programs": {"offers": {"request": {**REQUEST, "wait": "2h", "words": ["JOIN", "加入"]}}},
    }
    made: PeopleHouse = make_people(tenants={"Shop": tenant})  # type: ignore[operator]
    return made


def ask(house: PeopleHouse, number: str = HANDSET, origin: Origin = WEB) -> None:
    batch = Batch()
    try:
        house.protection.requesting.ask("Shop", "offers", number, origin, batch)
    finally:
        house.relay.committer.commit(batch, must=True)
        house.settle()


def kinds(house: PeopleHouse, number: str = HANDSET) -> list[str]:
    rows = house.read(stored.consents_of, number, None)
    return [json.loads(row.event)["kind"] for row in rows]


def test_asked_and_confirmed(house: PeopleHouse) -> None:
    ask(house)
    assert house.said() == [QUESTION]
    row = house.rows()[0]
    assert (row.category, State(row.state)) == ("service", State.SENT)
    assert words(row)[-1] == ("gateway", "allow", "request for consent to offers")
    assert house.shop.delivered == []
    assert house.offer().error == 904
    house.advance(1)
    house.reply("Y")
    assert house.said()[1:] == ["【商店】您已订阅，回复TD退订。"]
    assert State(house.offer(text="【商店】thanks").state) is State.SENT
    assert kinds(house) == ["requested", "confirmed"]
    house.reply("y")
    assert kinds(house) == ["requested", "confirmed"]


@pytest.mark.parametrize("crash", [False, True])
def test_silence_expires_and_is_not_asked_again(house: PeopleHouse, crash: bool) -> None:
    ask(house)
    if crash:
        house.restart()
    house.advance(7198, step=1799.5)
    assert kinds(house) == ["requested"]
    house.advance(4)
    assert kinds(house) == ["requested", "expired"]
    event = json.loads(house.read(stored.consents_of, HANDSET, None)[1].event)
    assert event["occurred_at"] == int(NOON) + 7200
    house.advance(3)
    assert kinds(house) == ["requested", "expired"]
    house.reply("Y")
    assert house.offer().error == 904
    with pytest.raises(NotAsked, match="did not answer"):
        ask(house)
    assert len(house.said()) == 1


def test_where_the_pack_lets_one_ask_again_one_may(house: PeopleHouse) -> None:
    ask(house, BRITISH)
    house.advance(7201, step=100)
    ask(house, BRITISH)
    assert kinds(house, BRITISH) == ["requested", "expired", "requested"]


@pytest.mark.parametrize("word", ["不同意", "N", "退订"])
def test_a_refusal_is_recorded(house: PeopleHouse, word: str) -> None:
    ask(house)
    house.advance(1)
    house.reply(word)
    assert kinds(house) == ["requested", "revoked"]
    house.reply("Y")
    assert kinds(house) == ["requested", "revoked"]
    with pytest.raises(NotAsked, match=r"opted out|on a list"):
        ask(house)


def test_a_request_survives_a_restart(house: PeopleHouse) -> None:
    house.consent("8619912340009")
    house.offer("8619912340009")
    house.code()
    ask(house)
    house.restart()
    house.advance(1)
    house.reply("同意")
    assert kinds(house) == ["requested", "confirmed"]
    house.restart()
    assert State(house.offer().state) is State.SENT


def test_a_yes_to_something_else_agrees_to_nothing(house: PeopleHouse) -> None:
    house.reply("Y")
    ask(house)
    house.reply("Y", to="10690001")
    assert kinds(house) == ["requested"]


def test_nobody_on_a_list_is_asked(house: PeopleHouse) -> None:
    batch = Batch()
    key = ListKey(ListType.CARRIER_DND, Scope(), "commands")
    house.protection.people.suppress(key, HANDSET, batch, by="operator")
    with pytest.raises(NotAsked, match=r"on a list: carrier_dnd \(commands\)"):
        ask(house)
    house.reply("JOIN")
    assert (house.said(), kinds(house)) == ([], [])


def test_nobody_is_asked_twice_or_after_agreeing(house: PeopleHouse) -> None:
    ask(house)
    with pytest.raises(NotAsked, match="may still answer"):
        ask(house)
    house.consent("8619912340002")
    with pytest.raises(NotAsked, match="has agreed"):
        ask(house, "8619912340002")
    house.consent("8619912340003", kind=EventKind.REVOKED)
    with pytest.raises(NotAsked, match="has opted out"):
        ask(house, "8619912340003")
    assert len(house.said()) == 1


def test_a_keyword_asks_the_way_it_came(house: PeopleHouse) -> None:
    house.reply("加 入")
    assert house.said() == [QUESTION]
    house.reply("加入")
    assert house.said() == [QUESTION]
    house.advance(1)
    house.reply("Y")
    assert kinds(house) == ["requested", "confirmed"]
    assert State(house.offer().state) is State.SENT


def test_what_the_filters_refuse_is_not_asked(house: PeopleHouse) -> None:
    """In the United States even a service text needs a consent: the form that wished for it is one."""
    with pytest.raises(NotAsked, match="no_consent by consented US/express"):
        ask(house, AMERICAN, Origin("api", "operator"))
    assert kinds(house, AMERICAN) == []
    ask(house, AMERICAN)
    assert kinds(house, AMERICAN) == ["granted", "requested"]
    house.advance(1)
    house.reply("yes", AMERICAN)
    event = json.loads(house.read(stored.consents_of, AMERICAN, None)[2].event)
    assert (event["kind"], event["basis"]) == ("confirmed", "express_written")
    house.wall += 3 * 3600  # morning in Washington
    house.wall += 8 * 3600
    assert State(house.offer(AMERICAN).state) is State.SENT


def test_a_long_request_leaves_whole(house: PeopleHouse) -> None:
    house.settings.people.tenants["Shop"].programs["offers"].request.texts["zh"] = QUESTION * 4  # type: ignore[union-attr]
    ask(house)
    assert [State(row.state) for row in house.rows()] == [State.SENT] * 2
    assert {row.segment_of for row in house.rows()} == {house.rows()[0].id}


def test_a_program_without_words_asks_nobody(people: PeopleHouse) -> None:
    with pytest.raises(NotAsked, match="has no request for program 'offers' of Shop"):
        ask(people)


def test_start_gives_a_consent_back_as_it_was(people: PeopleHouse) -> None:
    """It ends when it would have ended, whatever STOP and START came between."""
    people.consent(expires_at=int(NOON) + 3600)
    people.offer()
    people.reply("退订")
    people.advance(2)
    people.reply("恢复订阅")
    assert State(people.offer(text="【商店】again").state) is State.SENT
    people.wall = NOON + 3600
    assert people.offer(text="【商店】too late").error == 904
    people.reply("退订")
    people.advance(2)
    people.reply("恢复订阅")
    assert people.offer(text="【商店】much too late").error == 904


def test_a_keyword_says_which_program_is_meant(make_people: object) -> None:
    programs = {"news": {"keywords": ["NEWS", "新闻"]}, "offers": {"keywords": ["OFFERS"]}}
    house: PeopleHouse = make_people(tenants={"Shop": {"program": "offers", "programs": programs}})  # type: ignore[operator]
    house.consent()
    house.consent(program="news")
    house.offer()
    house.reply("退订 新闻")
    (row,) = house.read(stored.suppressions_of, HANDSET)
    assert (row.type, row.program) == ("category_optout", "news")
    assert State(house.offer(text="【商店】again").state) is State.SENT
