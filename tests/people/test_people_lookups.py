"""Look-ups: a message whose number is not answered yet waits on disk, is asked about, and judged again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from people_house import HANDSET, SHOP, PeopleHouse, shanghai, words
from twisted.internet.defer import Deferred

from gateway.settings.protection import LookupService
from gateway.smpp.pdus import CancelSm
from gateway.store.rows import MessageRow, State

OTHER = "8619912340002"
SERVICE = {
    "name": "registry",
    "url": "http://127.0.0.1:9/look",
    "deadline": 2.0,
    "failed": 5.0,
    "failures": 3,
}


class Registry:
    """Stands where HTTP is: each question waits until the test answers it."""

    def __init__(self, people: PeopleHouse) -> None:
        self.people = people
        self.questions: list[tuple[list[str], Deferred[bytes]]] = []
        people.protection.lookups.ask = self.ask  # type: ignore[method-assign]

    async def ask(self, service: LookupService, body: bytes, seconds: float) -> bytes:
        answer: Deferred[bytes] = Deferred()
        self.questions.append((json.loads(body)["numbers"], answer))
        answer.addTimeout(seconds, self.people.reactor)
        return await answer

    def answer(self, **listed: str) -> None:
        """Answer the oldest question: what is not named is on no list."""
        numbers, answer = self.questions.pop(0)
        said = {number: listed.get(f"n{number}") for number in numbers}
        answer.callback(json.dumps({"answers": said}).encode())
        self.people.settle()

    def fail(self) -> None:
        self.questions.pop(0)[1].errback(ConnectionError("refused"))
        self.people.settle()


Make = Callable[..., tuple[PeopleHouse, Registry]]


@pytest.fixture
def make(make_people: Callable[..., PeopleHouse]) -> Make:
    def made(fails: str = "open", **service: Any) -> tuple[PeopleHouse, Registry]:
        lookup = {"mode": "enforce", "fails": fails, "services": [{**SERVICE, **service}]}
        people = make_people(lookup=lookup)
        for number in (HANDSET, OTHER):
            people.consent(number)
        return people, Registry(people)

    return made


def gathered(people: PeopleHouse) -> None:
    """The moment passes in which numbers are gathered."""
    people.advance(0.05)


def row(people: PeopleHouse, number: str = HANDSET) -> MessageRow:
    return next(row for row in reversed(people.rows()) if row.destination == number)


def test_a_message_waits_on_disk_and_leaves_when_it_is_answered(make: Make) -> None:
    people, registry = make()
    assert people.offer().state == State.DEFERRED
    assert not registry.questions
    gathered(people)
    assert row(people).state == State.DEFERRED
    registry.answer()
    assert row(people).state == State.SENT
    assert people.offer(OTHER).state == State.DEFERRED
    assert people.offer().state in (State.SENT, State.REJECTED)  # is known now; a cap may stop it


def test_what_is_listed_is_refused_with_the_reason_of_its_list(make: Make) -> None:
    people, registry = make()
    people.offer()
    gathered(people)
    registry.answer(**{f"n{HANDSET}": "reassigned"})
    found = row(people)
    assert (found.state, found.error) == (State.REJECTED, 905)
    assert ("lookup", "refuse", "reassigned (registry)") in words(found)
    assert people.offer().error == 905  # at once: the answer is remembered
    assert not registry.questions


def test_a_list_lets_its_categories_pass(make: Make) -> None:
    people, registry = make(categories=[])
    assert people.code().state == State.DEFERRED
    gathered(people)
    registry.answer(**{f"n{HANDSET}": "carrier_dnd"})
    assert row(people).state == State.SENT


def test_categories_and_prefixes_that_are_not_meant_are_not_asked_about(make: Make) -> None:
    people, registry = make()
    assert people.code().state == State.SENT
    people, registry = make(prefixes=["1"])
    assert people.offer().state == State.SENT
    assert not registry.questions


def test_many_numbers_are_one_question_and_each_is_asked_once(make: Make) -> None:
    people, registry = make()
    for number in (HANDSET, OTHER, HANDSET):
        people.offer(number, text=f"【商店】sale {len(people.rows())}")
    gathered(people)
    ((numbers, _),) = registry.questions
    assert numbers == [HANDSET, OTHER]
    people.offer(text="【商店】one more")
    gathered(people)
    assert len(registry.questions) == 1


def test_more_than_a_batch_are_several_questions_at_most_so_many_at_once(make: Make) -> None:
    people, registry = make(batch=1, at_once=2)
    numbers = [f"86199123400{n:02}" for n in range(5)]
    for number in numbers:
        people.consent(number)
        people.offer(number)
    gathered(people)
    assert len(registry.questions) == 2
    while registry.questions:
        registry.answer()
    assert [row(people, number).state for number in numbers] == [State.SENT] * 5


@pytest.mark.parametrize("how", ["late", "failed"])
def test_without_an_answer_what_is_promotional_is_refused(make: Make, how: str) -> None:
    people, registry = make()
    people.offer()
    gathered(people)
    if how == "failed":
        registry.fail()
    else:
        people.advance(2.1)
    found = row(people)
    assert (found.state, found.error) == (State.REJECTED, 931)
    assert ("lookup", "refuse", "registry") in words(found)


@pytest.mark.parametrize(("fails", "state"), [("open", State.SENT), ("closed", State.REJECTED)])
def test_other_categories_go_by_the_settings(make: Make, fails: str, state: State) -> None:
    people, registry = make(fails=fails, categories=["otp"])
    people.code()
    gathered(people)
    registry.fail()
    assert row(people).state == state
    assert words(row(people))[0][:2] == ("lookup", "warn" if fails == "open" else "refuse")


def test_a_number_without_an_answer_of_its_own_has_failed(make: Make) -> None:
    people, registry = make()
    people.offer()
    people.offer(OTHER)
    gathered(people)
    _, answer = registry.questions.pop()
    answer.callback(json.dumps({"answers": {OTHER: None}}).encode())
    people.settle()
    assert [row(people, number).state for number in (HANDSET, OTHER)] == [State.REJECTED, State.SENT]


def test_a_service_that_fails_is_left_alone_told_and_tried_again(make: Make) -> None:
    people, registry = make(failures=2, pause=30.0)
    numbers = [f"86199123400{n:02}" for n in range(10, 16)]
    for number in numbers:
        people.consent(number)
    for number in numbers[:2]:
        people.offer(number)
        gathered(people)
        registry.fail()
    (alarm,) = people.relay.alarms.open.values()
    assert (alarm.kind, alarm.subject) == ("look-up fails", "registry")
    assert people.offer(numbers[2]).error == 931  # at once
    gathered(people)
    assert not registry.questions
    people.advance(31)
    people.offer(numbers[3])
    gathered(people)
    people.offer(numbers[4])
    gathered(people)
    assert len(registry.questions) == 1  # the trial alone
    registry.answer()
    assert not people.relay.alarms.open
    assert row(people, numbers[3]).state == State.SENT
    registry.answer()
    assert row(people, numbers[4]).state == State.SENT


def test_what_no_room_is_left_for_is_looked_at_again(make: Make) -> None:
    people, registry = make(waiting=1)
    people.offer()
    people.offer(OTHER)
    gathered(people)
    registry.answer()
    assert [row(people, number).state for number in (HANDSET, OTHER)] == [State.SENT, State.DEFERRED]
    people.advance(4)
    gathered(people)
    registry.answer()
    assert row(people, OTHER).state == State.SENT


def test_a_crash_before_the_answer_loses_nothing_and_doubles_nothing(make: Make) -> None:
    people, registry = make()
    people.offer()
    gathered(people)
    people.restart(committed=True)
    registry = Registry(people)
    assert row(people).state == State.DEFERRED
    people.advance(4)
    gathered(people)
    registry.answer()
    assert row(people).state == State.SENT
    people.advance(10)
    assert len([pdu for _, pdu in people.submits if pdu.destination_addr == HANDSET]) == 1


def test_an_answer_that_comes_after_the_message_was_cancelled_changes_nothing(make: Make) -> None:
    people, registry = make()
    people.offer()
    gathered(people)
    people.shop.ask(CancelSm(message_id=row(people).client_id, source_addr=SHOP))
    assert row(people).state == State.DELETED
    registry.answer()
    assert row(people).state == State.DELETED


def test_at_night_nobody_is_asked_before_the_morning(make: Make) -> None:
    people, registry = make()
    people.wall = shanghai("2026-11-20 22:00")
    assert people.offer().state == State.DEFERRED
    gathered(people)
    assert not registry.questions
    people.wall = shanghai("2026-11-21 08:30")
    people.advance(2)
    gathered(people)
    registry.answer()
    assert row(people).state == State.SENT


def test_a_long_text_waits_whole(make: Make) -> None:
    people, registry = make()
    for pdu in segments("【商店】" + "sale " * 40):
        people.shop.send(pdu)
    people.settle()
    assert {row.state for row in people.rows()} == {State.DEFERRED}
    gathered(people)
    registry.answer()
    assert [row.state for row in people.rows()] == [State.SENT] * len(people.rows())
    assert len(people.rows()) > 1


def segments(text: str) -> list[Any]:
    from relay_house import submit

    from gateway.smpp.text import segment_text

    return [
        submit(
            source_addr=SHOP,
            destination_addr=HANDSET,
            esm_class=0x40 if segment.udhi else 0,
            data_coding=segment.data_coding,
            short_message=segment.short_message,
        )
        for segment in segment_text(text, 7)
    ]


def test_the_cache_outlives_a_reload_and_answers_expire(make: Make) -> None:
    people, registry = make(clear=60.0)
    people.offer()
    gathered(people)
    registry.answer()
    people.advance(61)
    people.offer(text="【商店】again")
    gathered(people)
    assert len(registry.questions) == 1
