"""Sender ids: registered, of a possible kind, and like no one else's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from content_messages import AMERICA, AUSTRALIA, CHINA, FRANCE, NOW, RULES, configuration, message, persons
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.persons import Persons
from gateway.filters.senders import Senders, skeleton
from gateway.filters.verdict import Action, Verdict
from gateway.settings.content import Senders as Settings

GERMANY = "4915112345678"
REGISTERED = [
    {"address": "10690001", "accounts": ["shop"], "countries": ["CN"], "categories": ["promotional"]},
    {"address": "10690002", "accounts": ["shop"], "categories": ["otp", "transactional"]},
    {"address": "1070*", "accounts": ["shop"]},
    {"address": "Example Bank", "accounts": ["bank"]},
    {"address": "Shop", "accounts": ["shop"], "countries": ["AU", "FR"]},
    {"address": "INFO"},
]
PLACES = tuple(f"filters.yaml:{10 + n}" for n in range(len(REGISTERED)))


def judge(source: str, to: str = CHINA, **fields: Any) -> Verdict | None:
    settings = fields.pop("settings", {})
    made = Senders(Settings.model_validate({"registered": REGISTERED, **settings}), persons(), PLACES)
    return made.judge(message(source=source, to=to, **fields), NOW)


@pytest.mark.parametrize(
    ("source", "to", "category"),
    [
        ("10690001", CHINA, "promotional"),
        ("10690002", CHINA, "otp"),
        ("107012", AMERICA, "promotional"),
        ("Shop", AUSTRALIA, "promotional"),
        ("SHOP", FRANCE, "promotional"),
        ("INFO", GERMANY, "promotional"),
        ("INFO", CHINA, "otp"),
    ],
)
def test_registered(source: str, to: str, category: str) -> None:
    assert judge(source, to, category=category) is None


@pytest.mark.parametrize(
    ("source", "to", "rule", "detail", "place"),
    [
        ("10699", CHINA, "unregistered", "10699 is not registered", ""),
        ("10690001", AUSTRALIA, "country", "not registered for AU", "filters.yaml:10"),
        (
            "10690002",
            CHINA,
            "category",
            "registered for otp, transactional, not for promotional",
            "filters.yaml:11",
        ),
        ("Example Bank", CHINA, "unregistered", "registered for others", "filters.yaml:13"),
        ("Exampe Bank", CHINA, "unregistered", "not registered", ""),
        ("ExampleBank", CHINA, "lookalike", "reads like Example Bank", "filters.yaml:13"),
        ("Examp1e-8ank", CHINA, "unregistered", "not registered", ""),
        ("EXAMP1E BANK", CHINA, "lookalike", "which is another's", "filters.yaml:13"),
        ("Exarnple Bank", CHINA, "lookalike", "which is another's", "filters.yaml:13"),
        ("Exampie Bannk", CHINA, "lookalike", "which is another's", "filters.yaml:13"),
        ("Éxample Bank", CHINA, "lookalike", "which is another's", "filters.yaml:13"),
    ],
)
def test_refused(source: str, to: str, rule: str, detail: str, place: str) -> None:
    verdict = judge(source, to)
    assert verdict is not None
    assert (verdict.action, verdict.rule, verdict.place) == (Action.REFUSE, rule, place)
    assert detail in verdict.detail
    assert verdict.reason is not None
    assert verdict.reason.err == 915


def test_one_may_look_like_oneself() -> None:
    verdict = judge("ExampleBank", account="bank")
    assert verdict is not None
    assert verdict.rule == "unregistered"


@pytest.mark.parametrize(
    ("unregistered", "lookalikes", "action"),
    [
        ("warn", "refuse", Action.REFUSE),
        ("warn", "hold", Action.HOLD),
        ("allow", "allow", None),
        ("refuse", "warn", Action.REFUSE),
        ("allow", "warn", Action.WARN),
    ],
)
def test_treatments(unregistered: str, lookalikes: str, action: Action | None) -> None:
    settings = {"unregistered": unregistered, "lookalikes": lookalikes}
    verdict = judge("ExampleBank", GERMANY, settings=settings)
    assert (verdict.action if verdict is not None else None) is action


def test_a_service_number_carries_no_marketing_even_where_strangers_are_allowed() -> None:
    verdict = judge("10690002", settings={"unregistered": "allow"})
    assert verdict is not None
    assert (verdict.action, verdict.rule) == (Action.REFUSE, "category")


@pytest.mark.parametrize(
    ("source", "to", "rule"),
    [
        ("107012345", FRANCE, "FR/name-or-short-code"),
        ("INFO", AMERICA, "US/registered-number"),
        ("33612345678", FRANCE, "FR/name-or-short-code"),
    ],
)
def test_kinds_of_sender(source: str, to: str, rule: str) -> None:
    verdict = judge(source, to, settings={"unregistered": "allow"})
    assert verdict is not None
    assert (verdict.action, verdict.rule) == (Action.REFUSE, rule)
    assert verdict.place.startswith("rules/")


def test_an_unregistered_name_where_a_register_is_law() -> None:
    verdict = judge("Whoever", AUSTRALIA, settings={"unregistered": "allow"})
    assert verdict is not None
    assert verdict.rule == "AU/registered-names"


APART = [
    {"address": "1068*", "accounts": ["shop"], "categories": ["otp", "service"]},
    {"address": "1068123", "accounts": ["shop"], "categories": ["promotional"]},
    {"address": "1068123*", "accounts": ["shop"], "categories": ["promotional", "otp"]},
    {"address": "1069", "accounts": ["shop"], "categories": ["promotional"]},
    {"address": "1069", "accounts": ["bank"], "categories": ["government"]},
    {"address": "1070", "accounts": ["shop"]},
    {"address": "1071", "accounts": ["shop"], "countries": ["CN"], "categories": ["otp"]},
    {"address": "1071", "accounts": ["shop"], "countries": ["DE"], "categories": ["promotional"]},
]


def apart(source: str, category: str, to: str = CHINA, by: Persons | None = None) -> Verdict | None:
    settings = Settings.model_validate({"registered": APART, "unregistered": "allow"})
    made = Senders(settings, by or persons())
    return made.judge(message(source=source, to=to, category=category), NOW)


@pytest.mark.parametrize(
    ("source", "category", "detail"),
    [
        ("10681", "otp", ""),
        ("1068123", "promotional", ""),
        ("1068123", "otp", "1068123 is registered for marketing and may not carry service"),
        (
            "10681234",
            "promotional",
            "registered for marketing and service, which must have addresses of their",
        ),
        ("10681234", "otp", "registered for marketing and service, which must have addresses of their own"),
        (
            "1069",
            "promotional",
            "registered for marketing and service, which must have addresses of their own",
        ),
        ("1070", "otp", ""),
        (
            "1070",
            "promotional",
            "1070 is registered for neither, counts for service and may not carry market",
        ),
        ("1071", "otp", ""),
        ("9999", "service", ""),
        (
            "9999",
            "promotional",
            "9999 is registered for neither, counts for service and may not carry marketing",
        ),
    ],
)
def test_in_china_a_number_is_for_service_or_for_marketing(source: str, category: str, detail: str) -> None:
    verdict = apart(source, category)
    if not detail:
        assert verdict is None
        return
    assert verdict is not None
    assert (verdict.action, verdict.rule) == (Action.REFUSE, "CN/service-and-marketing-apart")
    assert verdict.place.startswith("rules/CN.yaml:")
    assert detail in verdict.detail
    assert verdict.reason is not None
    assert verdict.reason.err == 915


def test_a_number_registered_for_the_one_carries_not_the_other_by_the_registration_itself() -> None:
    verdict = apart("10681", "promotional")
    assert verdict is not None
    assert (verdict.action, verdict.rule) == (Action.REFUSE, "category")
    assert verdict.detail == "10681 is registered for otp, service, not for promotional"


def test_elsewhere_nobody_asks_for_that() -> None:
    assert apart("10681234", "promotional", GERMANY) is None
    assert apart("1070", "promotional", GERMANY) is None
    assert apart("1071", "promotional", GERMANY) is None


@pytest.mark.parametrize(("written", "action"), [("sure: C", Action.WARN), ("mode: shadow", None)])
def test_as_sure_as_the_rule_is(tmp_path: Path, written: str, action: Action | None) -> None:
    rule = "  - rule: service-and-marketing-apart\n    sure: S\n"
    pack = (RULES / "CN.yaml").read_text("utf-8")
    assert rule in pack
    sure = "sure: S\n    " if written != "sure: C" else ""
    changed = rule.replace("sure: S", f"{sure}{written}")
    (tmp_path / "CN.yaml").write_text(pack.replace(rule, changed), "utf-8")
    verdict = apart("1070", "promotional", by=Persons(configuration({}, rules=tmp_path)))
    assert verdict is not None
    assert verdict.reason is None
    if action is None:
        assert verdict.silent
        (verdict,) = verdict.beside
    else:
        assert verdict.action is action
    assert verdict.rule == "CN/service-and-marketing-apart"


@given(st.text(st.characters(max_codepoint=255), max_size=20))
def test_it_never_raises(source: str) -> None:
    judge(source)
    assert skeleton(skeleton(source)) == skeleton(skeleton(skeleton(source)))
