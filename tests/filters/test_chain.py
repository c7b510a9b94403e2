"""The chain: one judgement of many filters, and the record that explains it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from content_messages import CHINA, persons
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.chain import ALLOWED, Chain, Judgement, Mode, record
from gateway.filters.remembered import Remembered
from gateway.filters.review import Approval, Rule
from gateway.filters.verdict import REASONS, Action, Rewrite, Verdict
from gateway.message import Message
from gateway.smpp.pdus import SubmitSm
from gateway.smpp.stencils import Said

ORDER = [Action.ALLOW, Action.WARN, Action.DEFER, Action.HOLD, Action.REFUSE]


@dataclass
class Says:
    """A filter that always says the same, or raises it."""

    name: str
    verdict: Verdict | Exception | None
    asked: int = 0

    def judge(self, message: Message, now: float) -> Verdict | None:
        self.asked += 1
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict


def says(action: Action | None, until: float | None = None) -> Says:
    return Says("f", None if action is None else Verdict(action, "f", "rule", "file:1", until=until))


def message(category: str = "transactional") -> Message:
    return Message(
        id=1,
        account="bank",
        tenant="Bank",
        client_id="1",
        accepted_at=0,
        pdu=SubmitSm(),
        category=category,
        generation=1,
        expires_at=1,
    )


def judged(*filters: Says, mode: Mode = Mode.ENFORCE, category: str = "transactional") -> Judgement:
    return Chain(tuple((each, mode) for each in filters)).judge(message(category), 0.0)


def test_nothing_said_is_allowed() -> None:
    assert judged() is ALLOWED
    assert judged(says(None), says(None)) is ALLOWED


def test_a_refusal_ends_the_judgement() -> None:
    last = says(Action.ALLOW)
    found = judged(says(Action.WARN), says(Action.REFUSE), last)
    assert found.verdict.action is Action.REFUSE
    assert len(found.words) == 2
    assert last.asked == 0


def test_of_several_deferrals_the_latest_counts() -> None:
    filters = [says(Action.DEFER, until) for until in (10.0, 30.0, 20.0)]
    assert judged(*filters).verdict.until == 30.0


@given(st.lists(st.sampled_from([None, *ORDER]), max_size=6))
def test_the_gravest_word_acts(actions: list[Action | None]) -> None:
    found = judged(*(says(action, 1.0) for action in actions))
    said = [action for action in actions if action is not None]
    assert found.verdict.action is max(said, key=ORDER.index, default=Action.ALLOW)
    heard = said[: said.index(Action.REFUSE) + 1] if Action.REFUSE in said else said
    assert [verdict.action for verdict, _ in found.words] == heard


@given(mode=st.sampled_from([Mode.WARN, Mode.SHADOW]), actions=st.lists(st.sampled_from(ORDER), max_size=4))
def test_other_modes_never_act(mode: Mode, actions: list[Action]) -> None:
    found = judged(*(says(action) for action in actions), mode=mode)
    assert found.verdict.action is Action.ALLOW
    assert [(verdict.action, how) for verdict, how in found.words] == [(action, mode) for action in actions]


@pytest.mark.parametrize(
    ("category", "action"), [("promotional", Action.REFUSE), ("transactional", Action.WARN)]
)
def test_a_filter_that_fails_has_its_stated_verdict(category: str, action: Action) -> None:
    found = judged(Says("words", RuntimeError("no list")), category=category)
    assert found.verdict.action is action
    assert found.verdict.filter == "words"
    assert "no list" in found.verdict.detail


def test_the_record_explains_the_verdict() -> None:
    words = Verdict(Action.REFUSE, "words", "赌", "w.txt:3", REASONS["content_blocked"], "at 3")
    later = Verdict(Action.DEFER, "quiet", "night", "f.yaml:9", until=99.0)
    judgement = Judgement(words, ((later, Mode.SHADOW), (words, Mode.ENFORCE)))
    document: Any = json.loads(record(judgement, 7))
    assert document == {
        "generation": 7,
        "verdict": "refuse",
        "words": [
            {
                "filter": "quiet",
                "mode": "shadow",
                "action": "defer",
                "rule": "night",
                "place": "f.yaml:9",
                "until": 99.0,
            },
            {
                "filter": "words",
                "mode": "enforce",
                "action": "refuse",
                "rule": "赌",
                "place": "w.txt:3",
                "reason": "content_blocked",
                "detail": "at 3",
            },
        ],
    }
    assert json.loads(record(ALLOWED, 1)) == {"generation": 1, "verdict": "allow"}


@pytest.mark.parametrize("reason", REASONS.values(), ids=lambda reason: reason.name)
def test_reasons_are_ones_that_clients_understand(reason: Any) -> None:
    assert 900 <= reason.err <= 999
    assert REASONS[reason.name] is reason
    assert len({each.err for each in REASONS.values()}) == len(REASONS)


class Alike(Says):
    """A filter that says the same of all that is said alike."""

    alike = True


def of_stencil(said: Said) -> Message:
    made = message()
    made.pdu = made.pdu._replace(destination_addr=CHINA)
    made.says(said, "Hi", ())
    return made


def alike(*filters: Says) -> Chain:
    return Chain(tuple((each, Mode.ENFORCE) for each in filters), None, persons())


SAID = Said(SubmitSm())


def test_what_is_said_alike_is_judged_once_a_second() -> None:
    text, person = Alike("text", Verdict(Action.WARN, "text", "rule")), says(None)
    chain = alike(text, person)
    assert len({chain.judge(of_stencil(SAID), 10.0 + at / 10) for at in range(10)}) == 1
    assert (text.asked, person.asked) == (1, 10)
    chain.judge(of_stencil(Said(SubmitSm())), 10.9)
    chain.judge(message(), 10.9)
    chain.judge(of_stencil(SAID), 11.0)
    assert (text.asked, person.asked) == (4, 13)


def test_the_order_of_words_stays_with_what_is_remembered() -> None:
    filters = (Alike("a", Verdict(Action.WARN, "a", "1")), says(Action.WARN), Alike("c", None))
    chain = alike(*filters, Alike("d", Verdict(Action.WARN, "d", "4")))
    first, second = (chain.judge(of_stencil(SAID), 10.0) for _ in range(2))
    assert first == second
    assert [verdict.filter for verdict, _ in second.words] == ["a", "f", "d"]


@pytest.mark.parametrize("action", [Action.REFUSE, Action.RAISE, Action.HOLD])
def test_an_end_that_the_text_makes_is_remembered(action: Action) -> None:
    text, last = Alike("text", Verdict(action, "text", "rule", category="promotional")), says(Action.WARN)
    chain = alike(says(Action.WARN), text, last)
    assert chain.judge(of_stencil(SAID), 10.0) == chain.judge(of_stencil(SAID), 10.0)
    assert (text.asked, last.asked) == (1, 2 if action is Action.HOLD else 0)


def test_an_end_that_is_the_persons_says_nothing_of_others() -> None:
    person, text = says(Action.REFUSE), Alike("text", Verdict(Action.WARN, "text", "rule"))
    chain = alike(person, text)
    assert chain.judge(of_stencil(SAID), 10.0).verdict.action is Action.REFUSE
    person.verdict = None
    for _ in range(2):
        assert chain.judge(of_stencil(SAID), 10.0).verdict.action is Action.WARN
    assert text.asked == 1


def test_what_failed_or_was_rewritten_is_asked_anew() -> None:
    text = Alike("text", ValueError("broken"))
    rewriting = Alike("more", Verdict(Action.REWRITE, "more", "rule", rewrite=Rewrite("Ho")))
    for chain in (alike(text), alike(rewriting, text)):
        before = text.asked
        assert chain.judge(of_stencil(SAID), 10.0) == chain.judge(of_stencil(SAID), 10.0)
        assert text.asked == before + 2


def test_an_edit_of_words_or_templates_begins_anew() -> None:
    text = Alike("text", None)
    chain = alike(text)
    for _ in range(2):
        chain.judge(of_stencil(SAID), 10.0)
    assert text.asked == 1
    Remembered(len).forget()
    chain.judge(of_stencil(SAID), 10.0)
    assert text.asked == 2


def test_a_person_approved_a_remembered_hold() -> None:
    chain = alike(Alike("text", Verdict(Action.HOLD, "text", "rule")))
    approval = Approval("me", "2026-11-28T12:00:00Z", "", frozenset({Rule("text", "rule")}))
    for _ in range(2):
        assert chain.judge(of_stencil(SAID), 10.0, approval).verdict.action is Action.ALLOW
        assert chain.judge(of_stencil(SAID), 10.0).verdict.action is Action.HOLD


def test_another_text_of_a_message_has_no_stencil() -> None:
    made = of_stencil(SAID)
    assert made.saying("Ho").said is None
    made.rewrite(made.pdu._replace(short_message=b"Ho"))
    assert made.said is None
