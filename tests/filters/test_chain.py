"""The chain: one judgement of many filters, and the record that explains it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.chain import ALLOWED, Chain, Judgement, Mode, record
from gateway.filters.verdict import REASONS, Action, Verdict
from gateway.message import Message
from gateway.smpp.pdus import SubmitSm

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
