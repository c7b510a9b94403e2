"""Mandatory text by pack and tenant: refused, appended, or only warned of."""

from __future__ import annotations

from typing import Any

import pytest
from content_messages import AMERICA, CHINA, FRANCE, NOW, configuration, message, persons
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.catalogue import make_filters
from gateway.filters.mandatory import Mandatory
from gateway.filters.verdict import Action, Verdict
from gateway.settings.content import Mandatory as Settings

TENANTS = {"Shop": {"signatures": ["示例商城", "示例"]}, "Maison": {"brands": ["Maison Verte", "MV"]}}
APPEND = {"CN/opt-out-way": "，拒收请回复R", "FR/stop-number": " STOP 36180", "brand": " Maison Verte"}


def judge(text: str | None, settings: dict[str, Any] | None = None, **fields: Any) -> Verdict | None:
    made = Mandatory(Settings.model_validate({"tenants": TENANTS, **(settings or {})}), persons(), "f.yaml:9")
    return made.judge(message(text, **fields), NOW)


@pytest.mark.parametrize(
    "text",
    [
        "【示例商城】周末八折，拒收请回复R",
        "周末八折，回T退订【示例】",
        "  【示例】周末八折，退订回N",
        "【示例】周末八折，拒收请回复 Ｒ",
        "【示例】周末八折，退 訂 回T",
        "【示例】内容【其他】，退订回T",
    ],
)
def test_what_china_asks_for(text: str) -> None:
    assert judge(text) is None


@pytest.mark.parametrize(
    ("text", "rule", "detail"),
    [
        ("周末八折，拒收请回复R", "CN/signature", "is missing"),
        ("周末【示例】八折，拒收请回复R", "CN/signature", "is missing"),
        ("【某某】周末八折，拒收请回复R", "CN/signature", "the signature 【某某】 is not registered"),
        ("【某某】周末八折，拒收请回复R【示例】", "CN/signature", "the signature 【某某】 is not registered"),
        (
            "\u200b.【某某】八折，拒收请回复R【示例】",
            "CN/signature",
            "the signature 【某某】 is not registered",
        ),
        ("【【某某】八折，拒收请回复R【示例】", "CN/signature", "the signature 【某某】 is not registered"),
        ("【示】周末八折，拒收请回复R", "CN/signature", "is missing"),
        ("【示例商城】周末八折", "CN/opt-out-way", "how to opt out is missing"),
        ("[示例商城]周末八折，拒收请回复R", "CN/signature", "is missing"),
    ],
)
def test_what_china_refuses(text: str, rule: str, detail: str) -> None:
    verdict = judge(text)
    assert verdict is not None
    assert (verdict.action, verdict.rule) == (Action.REFUSE, rule)
    assert verdict.reason is not None
    assert verdict.reason.err == 914
    assert detail in verdict.detail
    assert verdict.place.startswith("rules/CN.yaml:")


def test_a_code_needs_no_opt_out_way_and_a_signature() -> None:
    assert judge("【示例】验证码123456", category="otp") is None
    assert judge("验证码123456", category="otp") is not None


def test_of_an_unsure_rule_it_only_warns() -> None:
    verdict = judge("20% off this weekend", to=AMERICA)
    assert verdict is not None
    assert (verdict.action, verdict.rule) == (Action.WARN, "US/opt-out-way")
    assert judge("20% off. Reply STOP to end", to=AMERICA) is None


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("Soldes MV! STOP 36180", True),
        ("Soldes MV! stop au 36180", True),
        ("Soldes MV! STOP", False),
        ("Soldes! STOP 36180", False),
        ("Soldes m v! STOP 36180", True),
    ],
)
def test_stop_number_and_brand(text: str, fine: bool) -> None:
    verdict = judge(text, to=FRANCE, tenant="Maison")
    assert (verdict is None) == fine
    assert verdict is None or verdict.action is Action.REFUSE


def test_the_brand_is_for_promotional_texts() -> None:
    assert judge("Votre colis arrive", to=FRANCE, tenant="Maison", category="transactional") is None


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("周末八折", "【示例商城】周末八折，拒收请回复R"),
        ("【示例】周末八折", "【示例】周末八折，拒收请回复R"),
        ("周末八折【示例】", "周末八折，拒收请回复R【示例】"),
        ("周末八折，退订回T", "【示例商城】周末八折，退订回T"),
    ],
)
def test_appended(text: str, whole: str) -> None:
    verdict = judge(text, {"missing": "append", "append": APPEND, "overflow": "payload"})
    assert verdict is not None
    assert verdict.rewrite is not None
    assert (verdict.action, verdict.rewrite.text, verdict.rewrite.payload) == (Action.REWRITE, whole, True)
    assert judge(whole) is None


def test_appended_in_france() -> None:
    verdict = judge("Soldes!", {"missing": "append", "append": APPEND}, to=FRANCE, tenant="Maison")
    assert verdict is not None
    assert verdict.rewrite is not None
    assert verdict.rewrite.text == "Soldes! STOP 36180 Maison Verte"
    assert "put after it" in verdict.detail


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("周末八折", {"missing": "append"}),
        ("【某某】周末八折", {"missing": "append", "append": APPEND}),
        ("周末八折", {"missing": "append", "append": {"CN/opt-out-way": "没有"}}),
    ],
)
def test_what_cannot_be_appended_is_refused(text: str, settings: dict[str, Any]) -> None:
    verdict = judge(text, settings)
    assert verdict is not None
    assert verdict.action is Action.REFUSE


def test_a_tenant_appends_its_own() -> None:
    own = {"Shop": {"signatures": ["示例"], "append": {"CN/opt-out-way": "。退订回T"}}}
    verdict = judge("八折", {"missing": "append", "append": APPEND, "tenants": own})
    assert verdict is not None
    assert verdict.rewrite is not None
    assert verdict.rewrite.text == "【示例】八折。退订回T"


@pytest.mark.parametrize("text", [None, ""])
def test_what_says_nothing_lacks_nothing(text: str | None) -> None:
    assert judge(text) is None


def test_a_short_code_is_in_no_country() -> None:
    assert judge("八折", to="12345") is None


def test_what_is_long_is_bounded() -> None:
    for text in ("【" * 60_000, "【示例】" * 15_000, "】" * 60_000, " " * 60_000):
        judge(text, {"missing": "append", "append": APPEND})


def test_what_is_made_for_the_patterns_of_the_packs_is_bounded() -> None:
    """By a pattern that begins anew at each hyphen and goes on to the end the first would take minutes."""
    for text in ("416-555-" * 16_000, "au-" * 40_000, "unsub" * 25_000, "opt " * 30_000, "a." * 60_000):
        for to in ("14165550123", "447700900123", "61400000001", "4915112345678", AMERICA, FRANCE):
            judge(text, to=to)


@given(st.text(), st.sampled_from([CHINA, FRANCE, AMERICA]), st.sampled_from(["otp", "promotional"]))
def test_it_never_raises_and_cures_what_it_rewrites(text: str, to: str, category: str) -> None:
    verdict = judge(text, {"missing": "append", "append": APPEND}, to=to, category=category)
    if verdict is not None and verdict.rewrite is not None:
        after = judge(verdict.rewrite.text, to=to, category=category)
        assert after is None or after.action is Action.WARN


def test_what_is_appended_for_no_rule_is_told() -> None:
    append = {"CN/opt-out-way": "x", "brand": "x", "CN/opt-out": "x"}
    with pytest.raises(ValueError, match=r"no pack has a rule 'CN/opt-out' on texts \(did you mean"):
        make_filters(configuration({"mandatory": {"append": append}}))
