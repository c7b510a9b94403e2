"""What a message is declared as, and what its text makes of that."""

from __future__ import annotations

from typing import Any

import pytest
from content_messages import AMERICA, CHINA, FRANCE, NOW, message, persons
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.category import Categories, Raising
from gateway.filters.verdict import Action, Reason
from gateway.settings.content import Raising as Settings
from gateway.settings.models import Account
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DataSm, SubmitSm

DECLARES = {
    "tag": 0x1414,
    "service_types": {"OTP": "otp"},
    "sources": {"1069*": "promotional", "10691*": "service", "10691234": "government"},
}


def account(**settings: Any) -> Account:
    return Account.model_validate({"tenant": "Shop", "password": "x", **settings})


def declared(pdu: SubmitSm | DataSm, **settings: Any) -> str:
    found = Categories(account(**settings)).of(pdu)
    return found.name if isinstance(found, Reason) else found


@pytest.mark.parametrize(
    ("pdu", "category"),
    [
        (SubmitSm(), "transactional"),
        (SubmitSm(tlvs=(Tlv(0x1414, b"OTP"),)), "otp"),
        (SubmitSm(tlvs=(Tlv(0x1414, b"mkt\0"),)), "promotional"),
        (DataSm(tlvs=(Tlv(0x1414, b"ARN"),)), "transactional"),
        (SubmitSm(tlvs=(Tlv(0x1414, b"nonsense"),), service_type="OTP"), "otp"),
        (SubmitSm(service_type="OTP", source_addr="1069"), "otp"),
        (SubmitSm(source_addr="10690"), "promotional"),
        (SubmitSm(source_addr="106912"), "service"),
        (SubmitSm(source_addr="10691234"), "government"),
        (SubmitSm(source_addr="1070"), "transactional"),
    ],
)
def test_declared(pdu: SubmitSm | DataSm, category: str) -> None:
    assert declared(pdu, category="transactional", declares=DECLARES) == category


@pytest.mark.parametrize(
    ("tlvs", "reason"),
    [((), "category_missing"), ((Tlv(0x1414, b""),), "category_invalid"), ((Tlv(0x1414, b"OTP"),), "otp")],
)
def test_required(tlvs: tuple[Tlv, ...], reason: str) -> None:
    assert declared(SubmitSm(tlvs=tlvs), declares={"tag": 0x1414, "required": True}) == reason


def test_undeclared_is_promotional() -> None:
    assert declared(SubmitSm()) == "promotional"


def test_values_of_its_own() -> None:
    declares = {"tag": 0x1500, "values": {"1": "otp", "2": "promotional"}}
    assert declared(SubmitSm(tlvs=(Tlv(0x1500, b"1"),)), declares=declares) == "otp"


def test_what_is_required_needs_a_tag() -> None:
    with pytest.raises(ValueError, match="needs a tag"):
        account(declares={"required": True})


PHRASES = ("限时抢购", "special offer", "sale")


@pytest.mark.parametrize(
    ("text", "to", "raised"),
    [
        ("【示例】验证码123456，拒收请回复R", CHINA, True),
        ("【示例】验证码123456", CHINA, False),
        ("Votre code 1234 STOP 36180", FRANCE, True),
        ("Votre code 1234 STOP 36180", CHINA, False),
        ("Your code is 1234. Reply STOP to end", AMERICA, False),
        ("限 时 抢 购", CHINA, True),
        ("限時搶購", CHINA, True),
        ("A ＳＰＥＣＩＡＬ offer", AMERICA, True),
        ("wholesale", AMERICA, False),
        ("A s-a-l-e", AMERICA, True),
        ("Sale!", "12345", True),
    ],
)
def test_raised(text: str, to: str, raised: bool) -> None:
    raising = Raising(Settings(phrases=PHRASES), persons())
    verdict = raising.judge(message(text, to=to, category="otp"), NOW)
    assert (verdict is not None) == raised
    if verdict is not None:
        assert (verdict.action, verdict.category) == (Action.RAISE, "promotional")
        assert raising.judge(message(text, to=to), NOW) is None


@given(st.text(), st.sampled_from(["otp", "transactional", "government", "service_explicit"]))
def test_it_never_raises_and_never_lowers(text: str, category: str) -> None:
    verdict = Raising(Settings(phrases=PHRASES), persons()).judge(message(text, category=category), NOW)
    assert verdict is None or verdict.category == "promotional"
