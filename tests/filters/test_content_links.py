"""Links, telephone numbers and handles, plain and in disguise."""

from __future__ import annotations

import time
from typing import Any

import pytest
from content_messages import NOW, message
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.contacts import MOST, contacts
from gateway.filters.links import Links
from gateway.filters.verdict import Action, Verdict
from gateway.settings.content import Links as Settings

SETTINGS: dict[str, Any] = {
    "numbers": "warn",
    "shorteners": ["bit.ly", "t.cn"],
    "tenants": {
        "Shop": {
            "hosts": ["shop.example.com", "*.shop.example.com", "müller.de", "例子.中国"],
            "numbers": ["4001234567"],
            "handles": ["shopkeeper_1", "12345678"],
        }
    },
}


def judge(text: str | None, **settings: Any) -> Verdict | None:
    made = Links(Settings.model_validate(SETTINGS | settings), "filters.yaml:5")
    return made.judge(message(text), NOW)


PLAIN = {
    "Visit https://shop.example.com/a?b=1 now": "shop.example.com",
    "请访问example.com查看，谢谢。": "example.com",
    "see www.example.museum now": "www.example.museum",
    "go to example.com.": "example.com",
    "EXAMPLE.COM/A": "example.com",
    "http://203.0.113.9/x": "203.0.113.9",
    "http://good.com@evil.com/x": "evil.com",
    "hxxp://bad.xyz": "bad.xyz",
    "http://例子.公司/": "例子.公司",
    "查看例子.中国": "查看例子.中国",
    "t.cn/A6xyz": "t.cn",
    "bit.ly/abc": "bit.ly",
    "12306.cn": "12306.cn",
    "qq.com": "qq.com",
}


@pytest.mark.parametrize(("text", "host"), PLAIN.items())
def test_hosts(text: str, host: str) -> None:
    found = contacts(text).hosts
    assert [(one.name, one.disguised) for one in found] == [(host, False)]


DISGUISED = {
    "看 e x a m p l e 。 c o m": "example.com",
    "ｅｘａｍｐｌｅ．ｃｏｍ": "example.com",
    "ex\u200bample.com": "example.com",
    "еxample.com": "example.com",  # the first letter is Cyrillic
    "exämple.com": "example.com",
    "example[.]com": "example.com",
    "example点com": "example.com",
    "example dot com": "example.com",
    "example (dot) com": "example.com",
    "example . com": "example.com",
    "bit。ly/abc": "bit.ly",
    "http：//bad．xyz/a": "bad.xyz",
    "xn--80ak6aa92e.com": "xn--80ak6aa92e.com",
    "b i t . l y / a b c": "bit.ly",
    "ⓔⓧⓐⓜⓟⓛⓔ.com": "example.com",
    "shop.example.com and ѕhop.example.com": "shop.example.com",
}


@pytest.mark.parametrize(("text", "host"), DISGUISED.items())
def test_hosts_in_disguise(text: str, host: str) -> None:
    assert [(one.name, one.disguised) for one in contacts(text).hosts] == [(host, True)]
    verdict = judge(text)
    assert verdict is not None
    assert (verdict.action, verdict.rule) == (Action.REFUSE, "disguised")


ORDINARY = (
    "hello.World today. Next",
    "Done.In my view it.is",
    "3.5折 12.30元 9.9包邮",
    "version 1.2.3 of 10.11.2026",
    "您的验证码123456，5分钟内有效，请勿泄露给他人。如非本人操作请忽略。",
    "订单2026112200012345已发货，共3件，12.50元",
    "关注微信公众号查看",
    "微信支付成功12.50元",
    "wechat payment done",
    "Pay by 30.11.2026, 10.30 a.m. at St.Co",
    "Your net income. net profit of 3.5 m. me too",
    "mail to info@shop.test",
    "Room A 1 2 at 5 p m",
    "截止12点，cn站",
    "A. B. C. D. E.",
    "",
)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_texts_name_nobody(text: str) -> None:
    assert contacts(text) == ((), (), ())
    assert judge(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("电话 138-0013-8000", "13800138000"),
        ("壹叁捌零零壹叁捌零零零", "13800138000"),
        ("１３８００１３８０００", "13800138000"),
        ("1 3 8 0 0 1 3 8 0 0 0", "13800138000"),
        ("+86 138 0013 8000", "8613800138000"),
        ("call +1 (202) 555-0101", "12025550101"),
        ("客服400-123-4567", "4001234567"),
        ("致电95500123", "95500123"),
        ("010-12345678", "01012345678"),
    ],
)
def test_numbers(text: str, number: str) -> None:
    assert contacts(text).numbers == (number,)
    assert contacts(text, numbers=False).numbers == ()


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("加微信：abc_123", "abc_123"),
        ("加V信 abc一二三", "abc123"),
        ("薇❤信号 ab888", "ab888"),
        ("wei xin : foo123", "foo123"),
        ("微x13800138000", "13800138000"),
        ("vx号shopper", "shopper"),
        ("WeChat: shopper", "shopper"),
        ("QQ：①②③四五六", "123456"),
        ("扣扣 1 2 3 4 5 6 7", "1234567"),
        ("企鹅号12345678", "12345678"),
        ("q q 1 2 3 4 5 6", "123456"),
    ],
)
def test_handles(text: str, handle: str) -> None:
    assert contacts(text).handles == (handle,)


@pytest.mark.parametrize(
    ("text", "rule", "action"),
    [
        ("https://shop.example.com/a", None, None),
        ("https://a.b.shop.example.com/a", None, None),
        ("https://xshop.example.com/a", "hosts", Action.REFUSE),
        ("https://shop.example.com.evil.test/a", "hosts", Action.REFUSE),
        ("https://müller.de/", None, None),
        ("https://muller.de/", "hosts", Action.REFUSE),
        ("t.cn/x", "shortened", Action.REFUSE),
        ("www.bit.ly/x", "shortened", Action.REFUSE),
        ("电话 4001234567", None, None),
        ("电话 13800138000", "numbers", Action.WARN),
        ("微信: shopkeeper_1", None, None),
        ("微信: shopkeeper_2", "handles", Action.REFUSE),
        ("电话 13800138000 t.cn/x", "shortened", Action.REFUSE),
    ],
)
def test_verdicts(text: str, rule: str | None, action: Action | None) -> None:
    verdict = judge(text)
    assert (verdict and verdict.rule, verdict and verdict.action) == (rule, action)
    if verdict is not None:
        assert verdict.place == "filters.yaml:5"


def test_treatments() -> None:
    held = judge("t.cn/x", shortened="hold")
    assert held is not None
    assert (held.action, held.reason) == (Action.HOLD, None)
    assert judge("t.cn/x", shortened="allow") is None
    assert judge(None) is None


def test_a_text_of_many_hosts_is_no_ordinary_one() -> None:
    text = " ".join(f"a{n}.shop.example.com" for n in range(MOST + 1))
    verdict = judge(text)
    assert verdict is not None
    assert verdict.rule == "disguised"
    assert judge(" ".join(text.split()[:-1])) is None


HOSTILE = (
    "a", "a.", "1", "1 ", "a b ", ". ", " .", "微信", "微信:", "qq", "qq1", "http://", "@", "x.com ", "点com",
    "dot com ", "-", "中", "中.", "中.中国", "a.b.", "http://a@", "+1", "1-", "we ", "wechat ", "加v", "x@y.",
)  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_texts_are_bounded(unit: str) -> None:
    """A search that went over the text again for each place in it would take tens of seconds."""
    began = time.process_time()
    contacts(unit * (64_000 // len(unit)))
    assert time.process_time() - began < 2


def test_of_a_host_that_is_too_long_to_be_one_the_end_is_looked_at() -> None:
    ((name, _),) = contacts("www." * 10_000 + "evil.example").hosts
    assert len(name) == 253
    assert name.endswith(".www.evil.example")
    verdict = judge("shop.example." * 100 + "evil.com")
    assert verdict is not None
    assert (verdict.action, verdict.rule) == (Action.REFUSE, "hosts")
    assert len(verdict.detail) < 300


@given(st.text())
def test_it_never_raises(text: str) -> None:
    contacts(text)
    judge(text)


@given(st.text("ab.点: /1x微信q", max_size=60))
def test_it_never_raises_on_what_looks_like_contacts(text: str) -> None:
    contacts(text)
    judge(text)
