"""What stands in quotation marks: held for a person where it would be refused, and never let pass."""

from __future__ import annotations

import pytest
from content_messages import NOW, message

from gateway.filters.entries import Entry, Flags, Severity
from gateway.filters.sensitive import SensitiveWords
from gateway.filters.verdict import Action
from gateway.filters.words import WordList

WORDS = SensitiveWords(
    WordList.of(
        (
            Entry("刷单返利", Severity.REJECT),
            Entry("free money", Severity.REJECT, flags=Flags.EVADE),
            Entry("赌场", Severity.HOLD),
            Entry("中奖", Severity.WARN),
        )
    )
)


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("银行提醒：凡是“刷单返利”都是假的", Action.HOLD),
        ("提醒：“网上刷单返利，日结”是假的", Action.HOLD),
        ("提醒：「刷单返利」", Action.HOLD),
        ("提醒：『刷单返利』", Action.HOLD),
        ('a text that says "get f-r-e-e money now"', Action.HOLD),
        ("ＳＡＹＳ ＂ｆｒｅｅ　ｍｏｎｅｙ＂", Action.HOLD),
        ("刷单返利", Action.REFUSE),
        ("“提醒”刷单返利", Action.REFUSE),
        ("“刷单”返利", Action.REFUSE),
        ("刷“单返”利", Action.REFUSE),
        ("“刷单返利", Action.REFUSE),
        ("”刷单返利“", Action.REFUSE),
        ("提醒：“刷单返利”。加微信刷单返利", Action.REFUSE),
        ('5" pipe, free money, 6" pipe', Action.HOLD),
        (f"“刷单返利{'，日结' * 40}”", Action.REFUSE),
        ("“赌场”", Action.HOLD),
        ("“中奖”", Action.WARN),
    ],
)
def test_a_quotation_is_held_where_the_words_alone_are_refused(text: str, action: Action) -> None:
    verdict = WORDS.judge(message(text), NOW)
    assert verdict is not None
    assert verdict.action is action
    assert (verdict.reason is not None) == (action is Action.REFUSE)


def test_the_record_says_why_it_is_held() -> None:
    verdict = WORDS.judge(message("凡是“刷单返利”都是假的"), NOW)
    assert verdict is not None
    assert verdict.rule == "刷单返利"
    assert verdict.detail.endswith("; quoted, hence held")


def test_quotation_marks_without_end_cost_little() -> None:
    """A second look at the rest of the text for each of them would take minutes."""
    for text in ("“" * 30_000 + "刷单返利", '"' * 30_000 + "刷单返利", "“刷单返利”" * 6_000):
        assert WORDS.judge(message(text), NOW) is not None
