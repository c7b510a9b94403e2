"""What counts as a hit, and where in the original it lies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.filters.entries import Entry, Flags, Severity
from gateway.filters.search import MOST_HITS
from gateway.filters.words import WordList

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)


def found(words: WordList, text: str, **who: str) -> list[tuple[str, str, str]]:
    """Word, characters and view of each hit."""
    return [(hit.entry.word, hit.characters, hit.view) for hit in words.scan(text, **who)]


PLAIN = WordList.of(
    map(
        Entry,
        [
            "赌博",
            "ass",
            "viagra",
            "free money",
            "free eggs",
            "谢谢你",
            "казино",
            "加qq",
            "โป๊",
            "카지노",
            "100%",
        ],
    )
)


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("来赌博吧", [("赌博", "赌博", "S")]),
        ("赌 \u200b.博", [("赌博", "赌 \u200b.博", "S")]),
        ("賭。博", [("赌博", "賭。博", "S")]),
        ("赌赌博博", [("赌博", "赌博", "S")]),
        ("ass", [("ass", "ass", "W")]),
        ("Pass it on: your class", []),
        ("bras sold", []),
        ("an ass, A.S.S", [("ass", "ass", "W"), ("ass", "A.S.S", "W")]),
        ("aaassss!", [("ass", "aaassss", "R")]),
        ("as soon as", []),
        ("加微信ＶＩＡＧＲＡ购买", [("viagra", "ＶＩＡＧＲＡ", "W")]),
        ("v i a g r a", [("viagra", "v i a g r a", "W")]),
        ("via gra", []),
        ("viagra100", []),
        ("vvi aggra", []),
        ("Free  Money", [("free money", "Free  Money", "W")]),
        ("#FreeMoney", [("free money", "FreeMoney", "W")]),
        ("fre emoney", []),
        ("freeee    moneyyy", [("free money", "freeee    moneyyy", "R")]),
        ("f r e e m o n e y", [("free money", "f r e e m o n e y", "W")]),
        (
            "f r e e money, free m-o-n-e-y",
            [("free money", text, "W") for text in ("f r e e money", "free m-o-n-e-y")],
        ),
        ("f ree money", []),
        ("free mon e y", []),
        ("fr e e money", []),
        ("ff rr ee ee mm oo nn ee yy", []),
        ("free eggs", [("free eggs", "free eggs", "W")]),
        ("freeee eeggs", [("free eggs", "freeee eeggs", "R")]),
        ("fre ggs fre eggs", []),
        ("谢谢谢谢你", [("谢谢你", "谢谢你", "S")]),
        ("谢你", []),
        ("КАЗИНО Казино казино", [("казино", word, "W") for word in ("КАЗИНО", "Казино", "казино")]),
        ("请加 Q Q", [("加qq", "加 Q Q", "S")]),
        ("온라인카지노", [("카지노", "카지노", "S")]),
        ("หนังโป๊ฟรี", [("โป๊", "โป", "S")]),
        ("全场 100 元", [("100%", "100", "W")]),
        ("\ud800赌\udfff博\U000e0041", [("赌博", "赌\udfff博", "S")]),
    ],
)
def test_hits(text: str, hits: list[tuple[str, str, str]]) -> None:
    assert found(PLAIN, text) == hits


def test_evade_finds_latin_words_squashed() -> None:
    words = WordList.of([Entry("online casino", flags=Flags.EVADE)])
    assert found(words, "on-line ca si no!") == [("online casino", "on-line ca si no", "S")]
    assert found(words, "myonlinecasinos") == [("online casino", "onlinecasino", "S")]
    assert found(words, "onnlline cassino") == [("online casino", "onnlline cassino", "R")]


def test_pinyin_whole_and_mixed() -> None:
    words = WordList.of([Entry("赌博", flags=Flags.PINYIN)])
    assert found(words, "来 Du Bo 吧") == [("赌博", "Du Bo", "pinyin")]
    assert found(words, "网上dubo平台") == [("赌博", "dubo", "pinyin")]
    assert found(words, "赌bo, du博") == [("赌博", "赌bo", "pinyin"), ("赌博", "du博", "pinyin")]
    assert found(words, "dub out, dubois, du-bois") == []


def test_split_characters() -> None:
    words = WordList.of([Entry("赌博", flags=Flags.SPLIT)])
    assert found(words, "贝者博 赌十尃") == [("赌博", "贝者博", "split"), ("赌博", "赌十尃", "split")]
    assert found(words, "貝者 十尃") == [("赌博", "貝者 十尃", "split")]


def test_words_of_two_entries_are_both_found_by_their_common_form() -> None:
    words = WordList.of([Entry("冰毒", flags=Flags.PINYIN), Entry("病毒", flags=Flags.PINYIN)])
    assert {word for word, _, _ in found(words, "bingdu")} == {"冰毒", "病毒"}
    assert found(words.changed([], [words.kinds.row(Entry("病毒", flags=Flags.PINYIN))]), "bingdu") == [
        ("冰毒", "bingdu", "pinyin")
    ]


def test_allowed_phrases_cover_what_lies_within() -> None:
    words = WordList.of([Entry("赌博"), Entry("反赌博宣传", Severity.ALLOW), Entry("宣传单")])
    assert found(words, "反赌博宣传") == []
    assert found(words, "反 賭博 宣传单") == [("宣传单", "宣传单", "S")]
    assert found(words, "反赌博宣传,去赌博") == [("赌博", "赌博", "S")]


def test_context_words() -> None:
    words = WordList.of(
        [
            Entry("安全账户", unless=("诈骗", "police")),
            Entry("奖金", near=("领取", "claim")),
        ]
    )
    assert found(words, "请转到安全账户") == [("安全账户", "安全账户", "S")]
    assert found(words, "转到安全账户的都是詐-騙") == []
    assert found(words, "POLICE: 安全账户") == []
    assert found(words, "奖金") == []
    assert found(words, "領取奖金") == [("奖金", "奖金", "S")]
    assert found(words, "领取" + "很" * 41 + "奖金") == []


def test_scope_and_expiry() -> None:
    words = WordList.of(
        [
            Entry("甲乙", scope="tenant:acme"),
            Entry("丙丁", scope="category:promotional"),
            Entry("戊己", expires=100.0),
            Entry("戊己", Severity.ALLOW, scope="tenant:acme"),
        ]
    )
    text = "甲乙丙丁戊己"
    assert [hit.entry.word for hit in words.scan(text)] == ["戊己"]
    assert [hit.entry.word for hit in words.scan(text, "acme", "promotional")] == ["甲乙", "丙丁"]
    assert [hit.entry.word for hit in words.scan(text, "other", "service", now=100.0)] == []


def test_entry_tells_its_place() -> None:
    words = WordList.of(
        [Entry("赌博", Severity.REJECT, file="words/a.txt", line=7, source="own", tags=("g",))]
    )
    (hit,) = words.scan("赌博")
    assert hit.entry == Entry("赌博", Severity.REJECT, file="words/a.txt", line=7, source="own", tags=("g",))
    assert hit.entry.place == "words/a.txt:7"


def test_of_one_entry_so_many_hits() -> None:
    assert len(PLAIN.scan("赌博" * 50)) == MOST_HITS


def test_without_the_repeat_view() -> None:
    words = WordList.of([Entry("viagra")])
    words.repeats = False
    assert found(words, "viaagra") == []


def test_words_that_fold_to_nothing_are_left_out() -> None:
    words = WordList.of([Entry("!!"), Entry(""), Entry("\u200b")])
    assert len(words.automaton) == 0
    assert words.scan("!!\u200b") == ()


ALPHABET = "ab赌博 .\u200bＡé丶à🅰\ud800\U000e0041"
WORDS = st.text("ab赌博é ", min_size=1, max_size=4)
ENTRIES = st.builds(
    Entry,
    WORDS,
    st.sampled_from(Severity),
    flags=st.sampled_from([Flags.NONE, Flags.EVADE, Flags.PINYIN | Flags.SPLIT]),
    near=st.sampled_from([(), ("a",), ("博",)]),
    unless=st.sampled_from([(), ("b",)]),
)


@given(st.lists(ENTRIES, max_size=8), st.text(ALPHABET, max_size=30) | ANY_TEXT)
@settings(deadline=None)
def test_spans_lie_in_the_text_and_nothing_raises(entries: list[Entry], text: str) -> None:
    for hit in WordList.of(entries).scan(text):
        assert 0 <= hit.start < hit.end <= len(text)
        assert hit.characters == text[hit.start : hit.end]
        assert hit.entry in entries
        assert hit.entry.severity is not Severity.ALLOW


@given(st.lists(ENTRIES, max_size=8), st.lists(ENTRIES, max_size=8), st.text(ALPHABET, max_size=30))
@settings(deadline=None)
def test_edits_give_what_a_new_list_gives(first: list[Entry], second: list[Entry], text: str) -> None:
    words = WordList.of(first)
    edited = words.changed(map(words.kinds.row, second), map(words.kinds.row, first))
    assert set(edited.scan(text)) == set(WordList.of(second).scan(text))
    for before in (words, edited):
        assert set(edited.upon(before.gathered(), before).scan(text)) == set(edited.scan(text))
    assert set(edited.entries()) == set(WordList.of(second).entries())


@given(st.sampled_from(["赌博", "免费彩金", "casino bonus", "казино"]), st.data())
@settings(deadline=None)
def test_unseen_characters_hide_nothing(word: str, data: st.DataObject) -> None:
    unseen = st.text("\u200b\u2060\ufe0f\u0336\u00ad\u3164\ue000\U000e0061\ud800", max_size=3)
    disguised = "".join(data.draw(unseen) + character for character in word)
    (hit,) = WordList.of([Entry(word)]).scan(f"看 {disguised}, ok")
    assert hit.characters.endswith(word[-1])
