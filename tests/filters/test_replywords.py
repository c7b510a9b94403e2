"""What replies mean, with the shipped packs and by property."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.packs import ReplyRule
from gateway.filters.replywords import ReplyClass, ReplyWords, Tier, WordRule, word_rules
from gateway.filters.rulepacks import load_packs

NOW = 1_790_000_000.0
OUT, IN, HELP, CONFIRM, _ = ReplyClass


def words_of(country: str) -> ReplyWords:
    book, problems = load_packs(Path(__file__).parents[2] / "config" / "rules")
    assert book is not None, problems
    return ReplyWords(word_rules(book.rules(country, "", "promotional").of(ReplyRule, NOW)))


US, CN, FR = words_of("US"), words_of("CN"), words_of("FR")


@pytest.mark.parametrize(
    ("words", "text", "kind", "tier"),
    [
        (US, "STOP", OUT, Tier.EXACT),
        (US, "stop.", OUT, Tier.EXACT),
        (US, "ＳＴＯＰ", OUT, Tier.EXACT),
        (US, "S T O P", OUT, Tier.EXACT),
        (US, "Opt-Out", OUT, Tier.EXACT),
        (US, "s\u200bt\u200bop", OUT, Tier.EXACT),
        (US, "Stop please thanks", OUT, Tier.FIRST),
        (US, "Hey, please stop texting me at night!", OUT, Tier.PHRASE),
        (US, "Take me off your list", OUT, Tier.PHRASE),
        (US, "start", IN, Tier.EXACT),
        (US, "Help", HELP, Tier.EXACT),
        (US, "yes", CONFIRM, Tier.EXACT),
        (CN, "退 订。", OUT, Tier.EXACT),
        (CN, "R", OUT, Tier.EXACT),
        (CN, "ｔｄ", OUT, Tier.EXACT),
        (CN, "退订谢谢", OUT, Tier.FIRST),
        (CN, "请你们以后不要再发短信给我了", OUT, Tier.PHRASE),
        (CN, "请不要再發", OUT, Tier.PHRASE),
        (CN, "恢复订阅", IN, Tier.EXACT),
        (CN, "Y", CONFIRM, Tier.EXACT),
        (FR, "Arrêt", OUT, Tier.EXACT),
        (FR, "stop svp", OUT, Tier.FIRST),
    ],
)
def test_replies(words: ReplyWords, text: str, kind: ReplyClass, tier: Tier) -> None:
    reading = words.read(text)
    assert reading is not None
    assert (reading.kind, reading.tier) == (kind, tier)
    assert reading.rule.place.startswith("rules/")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (US, ""),
        (US, "🛑"),
        (US, "R"),
        (US, "Don't stop texting me"),
        (US, "The bus stop is closed"),
        (US, "Stop by the shop tomorrow at noon"),
        (US, "End of day works for me"),
        (US, "cancel my appointment"),
        (US, "nonstop"),
        (CN, "退订金什么时候到账"),
        (CN, "退订单"),
        (CN, "RRRR"),
        (CN, "您好"),
    ],
)
def test_what_means_nothing(words: ReplyWords, text: str) -> None:
    assert words.read(text) is None


def test_an_opt_out_goes_before_all_else() -> None:
    rules = [WordRule("in", IN, words=("ok",)), WordRule("out", OUT, words=("OK",))]
    reading = ReplyWords(rules).read("ok")
    assert reading is not None
    assert reading.rule.name == "out"


def test_doubtful_tiers_go_to_review_where_the_rule_says_so() -> None:
    words = ReplyWords(
        [WordRule("out", OUT, words=("stop",), first=("stop",), phrases=("no more",), review=True)]
    )
    readings = [words.read(text) for text in ("stop", "stop it", "please no more of this")]
    assert [reading.review for reading in readings if reading] == [False, True, True]


def test_the_fold_is_the_callers() -> None:
    words = ReplyWords([WordRule("out", OUT, words=("stop",))], fold=str.split)
    assert words.read("stop") is not None
    assert words.read("STOP") is None


@pytest.mark.parametrize("word", ["!", "", "\u200b"])
def test_a_word_of_nothing_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="nothing is left"):
        ReplyWords([WordRule("out", OUT, words=(word,))])


@pytest.mark.parametrize("rule", [WordRule("a", OUT, first=("r",)), WordRule("a", OUT, phrases=("N",))])
def test_one_letter_is_only_ever_the_whole_reply(rule: WordRule) -> None:
    with pytest.raises(ValueError, match="too short"):
        ReplyWords([rule])


NOISE = st.text(" .,!-*_\u200b\u00ad。！…", max_size=4)


@given(
    st.sampled_from(["STOP", "unsubscribe", "Opt Out", "StopAll"]), st.lists(NOISE, min_size=30, max_size=30)
)
def test_noise_between_the_letters_does_not_hide_a_word(word: str, noise: list[str]) -> None:
    text = "".join(letter + sound for letter, sound in zip(word, noise, strict=False))
    reading = US.read(noise[-1] + text)
    assert reading is not None
    assert (reading.kind, reading.tier) == (OUT, Tier.EXACT)


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    US.read(text)
    CN.read(text)
