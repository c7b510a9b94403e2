"""The folding of texts: one table, four views, and the way back to the original."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters import fold
from gateway.filters.generate_fold import Fold, address_form

ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""All code points: lone surrogates, unassigned and private ones too."""


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Ｆｒｅｅ　Ｍｏｎｅｙ", "free money"),
        ("ⓕⓡⓔⓔ ⒡⒭⒠⒠ 🄵🅁🄴🄴 🅵🆁🅴🅴 🅕🅡🅔🅔 🇫🇷🇪🇪", "free free free free free free"),
        ("𝐟𝓻𝔢𝖾 ᶠʳᵉᵉ ꜰʀᴇᴇ", "free free free"),
        ("fr\u0435\u0435 \u0192ree", "free free"),
        ("f\u200br\u00ade\u2060e f\u0336r\u0336e\u0336e\u0336 f\U000e0041ree", "free free free"),
        ("f\u3164r\u2800e\uffa0e f\ue000r\U000f0000e\ud800e", "free free"),
        ("arrêt ARRÊT arre\u0302t", "arret arret arret"),
        ("Straße œuvre łódź", "strasse oeuvre lodz"),
        ("①②❸➃⓹ ٣४５ ²", "12345 345 2"),
        ("free\r\nmoney\tnow", "free money now"),
        ("brand™ now", "brand now"),
        ("賭博 發財 裡面", "赌博 发财 里面"),
        ("赌丶博 赌|博 赌🎲博", "赌博 赌 博 赌 博"),
        ("⼯商银行 加ロ贝", "工商银行 加口贝"),
        ("한글 ｶﾞｽ", "한글 力ス"),
        ("", ""),
        ("!?。", ""),
    ],
)
def test_view_w_is_the_text_as_read(written: str, read: str) -> None:
    assert fold.view_w(written) == read
    assert fold.view_s(written) == read.replace(" ", "")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ｗｗｗ．ｂａｉｄｕ．ｃｏｍ／ａ", "www.baidu.com/a"),
        ("加Q:一二三④伍Ⅵ7", "加q:1234567"),
        ("example。com•cn", "example.com.cn"),
        ("138—0000–1111", "138-0000-1111"),
        ("ｊｏｈｎ＠example.com", "john@example.com"),
    ],
)
def test_view_d_keeps_what_addresses_are_made_of(written: str, read: str) -> None:
    assert fold.view_d(written) == read


def test_view_r_collapses_letters_and_leaves_digits() -> None:
    assert fold.view_r("赌赌赌博 88800 freee".replace(" ", "")) == "赌博88800fre"


@pytest.mark.parametrize("table", [fold.WORDS, fold.addresses().table], ids=["words", "addresses"])
def test_every_target_stands_for_itself(table: fold.Table) -> None:
    targets = {one if isinstance(one, str) else chr(one) for one in table}
    assert table[-1] != ""
    for character in set("".join(targets)):
        assert table[ord(character)] == ord(character), character


def test_words_table_gives_letters_digits_and_spaces_only() -> None:
    for target in fold.WORDS:
        text = target if isinstance(target, str) else chr(target)
        assert text in ("", " ") or text.isalnum()


@given(ANY_TEXT)
def test_folding_is_idempotent(text: str) -> None:
    for view in (fold.view_w, fold.view_s, fold.view_d):
        assert view(view(text)) == view(text)
    collapsed = fold.view_r(fold.view_s(text))
    assert fold.view_r(collapsed) == collapsed


@given(ANY_TEXT, ANY_TEXT)
def test_characters_are_folded_alone(one: str, other: str) -> None:
    assert fold.view_s(one + other) == fold.view_s(one) + fold.view_s(other)


@given(ANY_TEXT)
def test_origins_lead_back_to_the_text(text: str) -> None:
    squashed, origins = fold.view_s(text), fold.origins(text)
    assert len(origins) == len(squashed)
    assert origins == sorted(origins)
    for character, origin in zip(squashed, origins, strict=True):
        assert character in fold.view_s(text[origin])


@given(st.text("aab赌赌1"))
def test_runs_are_those_of_view_r(squashed: str) -> None:
    starts = fold.run_starts(squashed)
    collapsed = fold.view_r(squashed)
    assert len(starts) == len(collapsed) + 1
    assert starts[-1] == len(squashed)
    assert "".join(squashed[start] for start in starts[:-1]) == collapsed


def test_generator_rules_by_themselves() -> None:
    rules = Fold({"賭": "赌"}, {"\u0430": {"a", "\u237a"}, "ロ": {"口", "囗"}, "\u0627": {"l"}})
    folded = {one: rules(one) for one in "AＡⓐá賭\u0430ロ\u0627,\n\u200b\ue000丶ー½"}
    assert folded == {
        **dict.fromkeys("AＡⓐá\u0430", "a"),
        "賭": "赌",
        "ロ": "口",
        "\u0627": "\u0627",
        **dict.fromkeys(",\n", " "),
        **dict.fromkeys("\u200b\ue000丶ー", ""),
        "½": "12",
    }
    assert [address_form(one, rules(one)) for one in "一．/Aロ"] == ["1", ".", "/", "a", "ロ"]


def test_table_follows_the_generator_where_no_public_data_is_needed() -> None:
    rules = Fold({}, {})
    for code in (*range(0x180), *range(0x2460, 0x2500), *range(0xFF01, 0xFF5F), *range(0x1F130, 0x1F18A)):
        target = fold.WORDS[code]
        assert rules(chr(code)) == (target if isinstance(target, str) else chr(target)), hex(code)


FOLDINGS = fold.words(), fold.addresses()


def by_table(folding: fold.Folding, text: str) -> list[str]:
    """The tokens, character by character; beyond the table nothing is seen."""
    end = len(folding.table)
    return "".join(c.translate(folding.table) for c in text if ord(c) < end).split()


@pytest.mark.parametrize("folding", FOLDINGS, ids=["words", "addresses"])
def test_the_quick_way_reads_every_character_as_the_table_does(folding: fold.Folding) -> None:
    for code in range(fold.CODE_POINTS):
        text = f"爱{chr(code)}A"
        assert folding.tokens(text) == by_table(folding, text), hex(code)


@given(ANY_TEXT | st.text("爱一。，,.:A zＺвÀ賭\u200b🎲Ꭳ"))
def test_the_quick_way_reads_texts_as_the_table_does(text: str) -> None:
    for folding in FOLDINGS:
        assert folding.tokens(text) == by_table(folding, text)


@given(st.text("ab1赌") | ANY_TEXT)
def test_repeats_and_runs(text: str) -> None:
    squashed = fold.view_s(text)
    starts = [
        at
        for at, (before, after) in enumerate(zip("\0" + squashed, squashed, strict=False))
        if before != after or after in "0123456789"
    ]
    assert fold.run_starts(squashed) == [*starts, len(squashed)]
    assert fold.view_r(squashed) == "".join(squashed[at] for at in starts)
    assert [at for at in range(len(squashed)) if at not in starts] == [
        at + 1 for at in fold.repeats(squashed)
    ]


@given(ANY_TEXT | st.text("爱赌，。、；！《》—%* Ab1À賭\u200b🎲"))
def test_view_s_is_the_tokens_in_one_and_knows_where_each_letter_came_from(text: str) -> None:
    """Also of texts with more kinds of separators than are taken out one after the other."""
    assert fold.view_s(text) == "".join(fold.fold(text))
    places = fold.Origins(text)
    assert [places.of(offset) for offset in range(len(fold.view_s(text)))] == fold.origins(text)
