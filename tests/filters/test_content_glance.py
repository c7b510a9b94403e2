"""A glance says no only to texts in which the slow way finds nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.filters.contacts import NONE, contacts, looked_for, may_have
from gateway.filters.fold import addresses
from gateway.filters.glance import LETTER, SIGNS, glance, like, quick, space
from gateway.filters.marks import PLAIN

TEXTS = sorted((Path(__file__).parents[1] / "data" / "ordinary").glob("*.txt"))
PIECES = [
    *"qvwx微威薇信芯扣鹅加私+:：.。．·点号我是群码一二壹❶①ⓠＱѕо0l1 5\t\n,，、_-—~@/／*\u200b\ufe0f\ud800",
    "丶㎡é🎲", "qq", "wei", "xin", "we", "chat", "dot", "d0t", "com", "中国", "公司", "http:", "//",
    "13800138000", "12345", "id", "abcde", "绿泡泡", "微亻言", "卫星", "扣扣", "企鹅", "t.cn/",
    "1.2.3.4", "example.com", "xn--", "www", "ｅｘ", "🇶", "加q", "ＷＸ", "ⓦⓧ", "4o0123456l", "+86",
    "电话", "a b c d e ", "c o m", " . ",
]  # fmt: skip


def sound(text: str, numbers: bool) -> None:
    """If anything is found, the glance has said yes."""
    found = looked_for(text, numbers=numbers)
    assert found is NONE or may_have(numbers)(text), text
    assert contacts(text, numbers=numbers) == found


@settings(deadline=None, max_examples=600)
@given(st.lists(st.sampled_from(PIECES) | st.characters(exclude_categories=()), max_size=14), st.booleans())
def test_what_is_found_was_never_passed_over(pieces: list[str], numbers: bool) -> None:
    sound("".join(pieces), numbers)


LEADS = [
    "", "qq", "q q", "q.q", "扣扣", "扣-扣", "企鹅", "叩叩", "抠抠", "蔻蔻", "球球", "秋秋", "加扣",
    "q群", "q号:", "加q", "+q", "q:", "q :", "+q:", "微信", "威.信", "薇 芯", "维x", "微:", "薇 :",
    "微亻言", "绿泡泡", "加v", "私 微", "+v", "加卫星", "v信", "v 信", "vx", "w_x", "weixin", "wei xin",
    "wei信", "w信", "wechat", "we chat", "v号", "v我", "v:", "v :", "tel ", "http://", "http:/",
    " dot ", "点", "点_", " . ", ".", "。 ", "www.", "拨打", "客服号码是", "call: ", "+", "x.", "店。",
]  # fmt: skip
NAMES = [
    "1234567", "1 2 3 4 5", "一二三四五六七", "12-34-56-78", "1_3_8_0_0_1_3_8_0_0_0", "l38oo138ooo",
    "abcde1", "a bcd 12", "号是: id abcdef", "1 3 8 0 0 1 3 8 0 0 0", "com", "c o m ", "c0m/",
    "example.com", "e x a m p l e . c o m", "中国", "4008001234", "030 1234 5678", "12.34.56.78:80",
    "12.34.56.78/", "deals/x", "c〇m", "com。", "xn--p1ai", "+49 30 1234", "2125550123",
]  # fmt: skip


@pytest.mark.parametrize("lead", LEADS)
def test_no_lead_is_passed_over(lead: str) -> None:
    """Each lead before each name, in other widths and letters, with what is not seen or separates between."""
    wide = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
    for name in NAMES:
        for plain in (f"shop{lead}{name}", f"{lead}{name}", f"看{lead}：{name}，", f"{lead}\n{name}"):
            for text in (plain, plain.upper(), plain.translate(wide), "\u200b".join(plain), plain + "\ufe0f"):
                sound(text, True)
                sound(text, False)


def test_classes_have_all_that_is_read_as_their_characters() -> None:
    """Of every character: it is strange, or in the class of what it is read as."""
    classes = {seen: glance(like(seen)) for seen in SIGNS}
    letter, separator, nothing = glance(f"[{LETTER}]"), glance(space()), glance("(?:q){9}")
    for code in range(0x20000):
        target, text = addresses().table[code], chr(code)
        seen = target if isinstance(target, str) else chr(target)
        if nothing(text):  # strange
            continue
        assert len(seen) == 1
        look = letter if "a" <= seen <= "z" else separator if seen == " " else classes.get(seen)
        assert look is None or look(text), hex(code)


def test_ordinary_texts_hardly_ever_get_the_closer_look() -> None:
    lines = [
        line
        for path in TEXTS
        if path.stem != "ja"  # the sign that makes vowels long is one that vanishes
        for line in path.read_text("utf-8").splitlines()
        if not line.startswith("#")
    ]
    assert sum(map(may_have(True), lines)) < len(lines) / 10


@given(
    st.sampled_from(
        ["STOP", "stop", "unstop", "opt out", "Opt-Out", "optout", "unsubscribe", "_stop", "-stop."]
    ),
    st.text(st.sampled_from(" a_Z9.-\n\t\x1c")),
    st.text(st.sampled_from(" a_Z9.-\n\t\x1c")),
    st.sampled_from([r"(?i)\bSTOP\b|\bopt[ -]?out\b|\bunsub", r"\bSTOP\b", r"opt[ -]?out|stop"]),
)
def test_a_plain_pattern_means_the_same_to_both_engines(
    word: str, before: str, after: str, pattern: str
) -> None:
    text = before + word + after
    assert quick(pattern)(text.strip()) is (re.search(pattern, text.strip()) is not None)


def test_only_plain_patterns_go_to_the_other_engine() -> None:
    assert PLAIN.fullmatch(r"(?i)\bSTOP\b|\bopt[ -]?out\b|\bunsub")
    for pattern in (
        r"^a",
        "a$",
        r"\d",
        "(?=a)",
        "a{2}",
        "[^a]",
        "[[a]",
        r"\Z",
        "STOP.",
        "退订",
        "a&&b",
        "(a)",
    ):
        assert not PLAIN.fullmatch(pattern), pattern
