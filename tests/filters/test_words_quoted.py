"""What stands in quotation marks or beside a word of warning: held for a person where it would be refused."""

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
            Entry("安全账户", Severity.REJECT, unless=("公安", "谨防")),
            Entry("safe account", Severity.REJECT, unless=("never",)),
            Entry("兼职日结", Severity.HOLD, unless=("公安", "谨防")),
            Entry("返现", Severity.WARN, unless=("谨防",)),
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


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("请转入安全账户", Action.REFUSE),
        ("公安局通知：请转入安全账户", Action.HOLD),
        ("公*安，请转入安 全 账 户", Action.HOLD),
        ("“安全账户”都是假的，谨防", Action.HOLD),
        ("We will NEVER ask you for a safe account", Action.HOLD),
        (f"谨防{'，一二三四五' * 10}，请转入安全账户", Action.REFUSE),
        ("谨防假冒。转入安全账户，刷单返利", Action.REFUSE),
        ("兼职日结", Action.HOLD),
        ("谨防“兼职日结”", Action.ALLOW),
        ("公安提醒：遇兼职日结请拨96110", Action.ALLOW),
        ("公安提醒：兼职日结，加微信 abc12345", Action.HOLD),
        ("公安提醒：兼职日结，ｗｗｗ．pay.example/x", Action.HOLD),
        ("谨防：兼职日结，致电 1 3 8 0 0 1 3 8 0 0 0", Action.HOLD),
        ("谨防返现", None),
    ],
)
def test_a_word_of_warning_lets_nothing_pass_that_is_refused_without_it(
    text: str, action: Action | None
) -> None:
    verdict = WORDS.judge(message(text), NOW)
    assert (verdict.action if verdict is not None else None) is action


def test_the_record_says_beside_what() -> None:
    held = WORDS.judge(message("公安局通知：请转入安全账户"), NOW)
    passed = WORDS.judge(message("谨防兼职日结"), NOW)
    assert held is not None
    assert passed is not None
    assert held.detail.endswith("; beside '公安', hence held")
    assert (passed.rule, passed.detail.partition("; ")[2]) == (
        "兼职日结",
        "beside '谨防' and without a way to reply, hence passed",
    )


def test_quotation_marks_without_end_cost_little() -> None:
    """A second look at the rest of the text for each of them would take minutes."""
    for text in ("“" * 30_000 + "刷单返利", '"' * 30_000 + "刷单返利", "“刷单返利”" * 6_000):
        assert WORDS.judge(message(text), NOW) is not None
