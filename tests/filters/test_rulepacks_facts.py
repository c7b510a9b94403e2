"""What the shipped packs hold, rule by rule: how sure, by whose authority, and what follows from that."""

from __future__ import annotations

import pytest
from content_messages import AMERICA, AUSTRALIA, CHINA, FRANCE, NOW, message, persons

from gateway.filters.category import Raising
from gateway.filters.mandatory import Mandatory
from gateway.filters.packs import TextRule
from gateway.filters.rulebook import RuleBook
from gateway.filters.verdict import Action
from gateway.settings.content import Mandatory as Settings
from gateway.settings.content import Raising as RaisingSettings

BRITAIN, CANADA, GERMANY = "447700900123", "14165550123", "4915112345678"

HELD = {
    "CN": """windows promotional-hours C custom; consents express-with-proof S law;
        caps one-time-codes S vendor; caps one-time-codes-of-all S vendor;
        caps same-template S vendor; caps same-text S vendor;
        caps promotional-week C custom; texts signature S carrier; texts opt-out-way S law;
        separations service-and-marketing-apart S law;
        replies opt-out C carrier; retention keep-traffic C law; retention keep-consent C law""",
    "US": """windows federal-hours S law; windows eight-in-the-evening S law;
        windows eight-in-the-evening-to-check C law; windows mississippi C law; windows connecticut C law;
        windows texas S law; windows rhode-island C law; windows kentucky C law;
        windows pennsylvania-sundays C law; consents express-written S law; consents express S law;
        caps three-a-day S law; caps three-a-day-to-check C law; replies opt-out S law;
        replies opt-out-of-all S law; replies any-reasonable-wording S law; texts opt-out-way C carrier;
        senders registered-number S carrier; retention keep-consent C law; retention keep-opt-out C law""",
    "IN": """windows promotional-hours C carrier; consents consent-or-preference C carrier;
        tlvs principal-entity S carrier; tlvs template S carrier; tlvs telemarketer-chain C carrier;
        senders registered-header S law""",
    "GB": """windows decent-hours C custom; consents express-or-customer S law; replies opt-out S law;
        texts opt-out-way S law""",
    "EU": "windows decent-hours C custom; consents express-or-customer S law; texts opt-out-way C law",
    "FR": """windows decent-hours C vendor; windows carriers-block S carrier; texts stop-number S carrier;
        senders name-or-short-code S carrier""",
    "CA": """windows decent-hours C custom; consents express-or-implied S law; replies opt-out S law;
        replies opt-out-fr S law; texts opt-out-way S law; texts contact S law; senders no-names S carrier""",
    "AU": """consents express-or-inferred S law; replies opt-out S law; texts opt-out-way S law;
        senders registered-names S law""",
    "SG": "senders registered-names S law",
}
LISTS = {
    "US": {"national_do_not_call", "internal_do_not_call", "reassigned_numbers"},
    "IN": {"operator_do_not_disturb"},
    "SG": {"sg_do_not_call"},
}


@pytest.mark.parametrize("name", HELD)
def test_each_rule_is_as_sure_as_its_sources(book: RuleBook, name: str) -> None:
    pack = book.packs[name].pack
    for said in HELD[name].split(";"):
        section, rule, sure, authority = said.split()
        (found,) = [one for one in getattr(pack, section) if one.rule == rule]
        assert (found.sure, found.authority) == (sure, authority), (name, rule)
        assert found.source
    assert LISTS.get(name, set()) <= set(pack.lists)


def lacking(text: str, to: str) -> tuple[Action, str] | None:
    """What the filter of mandatory text says of a promotional text."""
    settings = Settings.model_validate({"tenants": {"Shop": {"signatures": ["示例"]}}})
    verdict = Mandatory(settings, persons()).judge(message(text, to=to), NOW)
    return None if verdict is None else (verdict.action, verdict.rule)


@pytest.mark.parametrize(
    ("to", "without", "found", "whole"),
    [
        (CHINA, "【示例】八折", (Action.REFUSE, "CN/opt-out-way"), "【示例】八折，退订回T"),
        (FRANCE, "Soldes", (Action.REFUSE, "FR/stop-number"), "Soldes STOP 36180"),
        (BRITAIN, "20% off", (Action.REFUSE, "GB/opt-out-way"), "20% off. Text STOP to end"),
        (AUSTRALIA, "20% off", (Action.REFUSE, "AU/opt-out-way"), "20% off. Reply STOP to opt out"),
        (CANADA, "20% off 416-555-0100", (Action.REFUSE, "CA/opt-out-way"), "20% off 416-555-0100 STOP"),
        (CANADA, "20% off. ARRET", (Action.REFUSE, "CA/contact"), "20% off shop.example.com ARRET"),
        (AMERICA, "20% off", (Action.WARN, "US/opt-out-way"), "20% off. Reply STOP to end"),
        (GERMANY, "20% Rabatt", (Action.WARN, "EU/opt-out-way"), "20% Rabatt. STOPP zum Abmelden"),
    ],
)
def test_sure_rules_refuse_and_unsure_ones_warn(
    to: str, without: str, found: tuple[Action, str], whole: str
) -> None:
    assert lacking(without, to) == found
    assert lacking(whole, to) is None


@pytest.mark.parametrize("to", [BRITAIN, AUSTRALIA, CANADA, AMERICA, GERMANY])
def test_who_offers_a_way_out_of_codes_is_no_marketer_where_that_is_usual(to: str) -> None:
    raising = Raising(RaisingSettings(phrases=()), persons())
    text = "Your code is 1234. Reply STOP to end, help at 416-555-0100"
    assert raising.judge(message(text, to=to, category="otp"), NOW) is None


def test_only_marketing_says_it_in_china_and_france(book: RuleBook) -> None:
    raising = {
        f"{name}/{rule.rule}"
        for name, placed in book.packs.items()
        for rule in placed.pack.texts
        if isinstance(rule, TextRule) and rule.enforced and rule.raises and rule.categories
    }
    assert raising == {"CN/opt-out-way", "FR/stop-number"}
