"""What a route can match on besides addresses: people, numbers by table, texts, PDUs and hours. And the index
against the plainest reading of the rules.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import Message
from gateway.routing.router import Router
from gateway.routing.scripts import script_of
from gateway.settings.models import Account, Route
from gateway.settings.routing import Routing
from gateway.settings.tables import Tables, read_table
from gateway.smpp.concat import Part
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import SubmitSm

ACCOUNTS = {
    "bank": Account.model_validate({"tenant": "Bank", "password": "x", "tags": ["vip", "north"]}),
    "shop": Account.model_validate({"tenant": "Shop", "password": "x"}),
}
TEXTS = {
    "regions": b"prefix,region\n86199,mobile-north\n861,mobile\n4477009,drama\n",
    "networks": b"prefix,network\n86199,460-11\n86139,460-00\n4477,234-10\n",
    "ported": b"number,network\n8619912340002,460-00\n",
    "preferences": b"number,tags\n8619912340001,short|late\n4477*,short\n",
}


def tables() -> Tables:
    made = {kind: read_table(kind, text) for kind, text in TEXTS.items()}
    assert not any(faults for _, faults in made.values())
    return Tables(**{kind: table for kind, (table, _) in made.items()})


TABLES = tables()


def message(**fields: Any) -> Message:
    own = {name: fields.pop(name) for name in ("account", "category", "part") if name in fields}
    usual = {"source_addr": "10690001", "destination_addr": "8619912340001", "short_message": b"code 123"}
    return Message(
        id=1,
        tenant="Bank",
        client_id="1",
        accepted_at=0,
        pdu=SubmitSm(**{**usual, **fields}),
        generation=1,
        expires_at=1,
        **{"account": "bank", "category": "otp", **own},
    )


def router(*matches: dict[str, Any], **routing: Any) -> Router:
    routes = [
        Route.model_validate(
            {"name": str(at), "carriers": ["alpha"], "priority": match.pop("priority", 0), "match": match}
        )
        for at, match in enumerate(map(dict, matches))
    ]
    return Router(routes, Routing(routes=tuple(routes), **routing), TABLES, ACCOUNTS)


def chosen(found: Router, now: float = 0.0, **fields: Any) -> str | None:
    rule = found.choose(message(**fields), now)
    return None if rule is None else rule.name


def text(words: str) -> dict[str, Any]:
    return {"short_message": words.encode("utf-16-be"), "data_coding": 8}


UK, PORTED = {"destination_addr": "447700900123"}, {"destination_addr": "8619912340002"}


@pytest.mark.parametrize(
    ("match", "fields", "takes"),
    [
        ({"tenant": ["Bank"]}, {}, True),
        ({"tenant": ["Bank"]}, {"account": "shop"}, False),
        ({"tag": ["vip", "south"]}, {}, True),
        ({"tag": ["vip"]}, {"account": "shop"}, False),
        ({"account": ["shop"], "tag": ["vip"]}, {}, False),
        ({"country": ["cn"]}, {}, True),
        ({"country": ["CN"]}, UK, False),
        ({"country": ["GB", "CN"]}, UK, True),
        ({"country": ["CA"]}, {"destination_addr": "12045550123"}, True),
        ({"country": ["US"]}, {"destination_addr": "12045550123"}, False),
        ({"number_type": ["mobile"]}, {}, True),
        ({"number_type": ["mobile"]}, {"destination_addr": "861012345678"}, False),
        ({"number_type": ["fixed_line"]}, {"destination_addr": "861012345678"}, True),
        ({"number_type": ["short_code"]}, {"destination_addr": "12345"}, True),
        ({"region": ["mobile-north"]}, {}, True),
        ({"region": ["mobile"]}, {}, False),
        ({"region": ["mobile"]}, {"destination_addr": "8613912340001"}, True),
        ({"region": ["mobile"]}, {"destination_addr": "12025550123"}, False),
        ({"network": ["460-11"]}, {}, True),
        ({"network": ["46011"]}, PORTED, False),
        ({"network": ["460-00"]}, PORTED, True),
        ({"network": ["460"]}, {}, True),
        ({"network": ["234"]}, {}, False),
        ({"network": ["234"]}, {"destination_addr": "12025550123"}, False),
        ({"preference": ["late"]}, {}, True),
        ({"preference": ["late"]}, UK, False),
        ({"preference": ["short"]}, UK, True),
        ({"preference": ["short"]}, PORTED, False),
        ({"words": ["CODE 1"]}, {}, True),
        ({"words": ["pin", "token"]}, {}, False),
        ({"words": ["ΣΑΣ"]}, text("για σας"), True),
        ({"words": ["x"]}, {"short_message": b"x", "data_coding": 4}, False),
        ({"script": ["latin"]}, {}, True),
        ({"script": ["han"]}, text("您的验证码是 123456"), True),
        ({"script": ["kana"]}, text("認証コードは 1234"), True),
        ({"script": ["han", "cyrillic"]}, text("ваш код"), True),
        ({"script": ["latin"]}, text("ваш код"), False),
        ({"segments": {"least": 2}}, {}, False),
        ({"segments": {"least": 2}}, {"part": Part("udh8", 1, 3, 2)}, True),
        ({"segments": {"most": 2}}, {"part": Part("udh8", 1, 3, 2)}, False),
        ({"data_coding": [8, 4]}, text("x"), True),
        ({"data_coding": [8]}, {}, False),
        ({"tlvs": {"0x1400": None}}, {"tlvs": (Tlv(0x1400, b"x"),)}, True),
        ({"tlvs": {"0x1400": None}}, {}, False),
        ({"tlvs": {"0x1400": "abc"}}, {"tlvs": (Tlv(0x1400, b"abc\0"),)}, True),
        ({"tlvs": {"0x1400": "0x6162"}}, {"tlvs": (Tlv(0x1400, b"ab"),)}, True),
        ({"tlvs": {"0x1400": "abc"}}, {"tlvs": (Tlv(0x1400, b"abd"),)}, False),
    ],
)
def test_conditions(match: dict[str, Any], fields: dict[str, Any], takes: bool) -> None:
    assert (chosen(router(match), **fields) == "0") is takes


@pytest.mark.parametrize(
    ("hours", "when", "takes"),
    [
        ({"since": "08:00", "until": "20:00"}, "2026-03-02T08:00", True),
        ({"since": "08:00", "until": "20:00"}, "2026-03-02T20:00", False),
        ({"since": "21:30", "until": "06:00"}, "2026-03-02T05:59", True),
        ({"since": "21:30", "until": "06:00"}, "2026-03-02T21:29", False),
        ({"since": "21:30", "until": "06:00", "days": ["mon"]}, "2026-03-03T05:00", True),
        ({"since": "21:30", "until": "06:00", "days": ["mon"]}, "2026-03-02T05:00", False),
        ({"days": ["sat", "sun"]}, "2026-03-01T12:00", True),
        ({"days": ["sat", "sun"]}, "2026-03-02T12:00", False),
        ({"zone": "Asia/Shanghai", "since": "08:00"}, "2026-03-02T00:00", True),
        ({"zone": "Asia/Shanghai", "since": "08:00"}, "2026-03-01T23:59", False),
        ({"zone": "America/New_York", "since": "09:00", "until": "10:00"}, "2026-07-01T13:30", True),
        ({"zone": "America/New_York", "since": "09:00", "until": "10:00"}, "2026-01-05T13:30", False),
    ],
)
def test_hours(hours: dict[str, Any], when: str, takes: bool) -> None:
    now = datetime.fromisoformat(when).replace(tzinfo=UTC).timestamp()
    assert (chosen(router({"hours": [hours]}), now) == "0") is takes


def test_hours_are_asked_anew_in_each_minute() -> None:
    found = router({"hours": [{"since": "08:00", "until": "08:01"}, {"since": "08:02", "until": "08:03"}]})
    eight = datetime(2026, 3, 2, 8, tzinfo=UTC).timestamp()
    seconds = (-0.01, 0, 59.99, 60, 119.99, 120, 30, -30)
    taken = [chosen(found, eight + second) == "0" for second in seconds]
    assert taken == [False, True, True, False, False, True, True, False]


def test_of_several_words_that_are_found_the_first_rule_counts() -> None:
    found = router(
        {"words": ["pin"]}, {"words": ["token", "code"], "country": ["GB"]}, {"words": ["CODE"]}, {}
    )
    assert chosen(found) == "2"
    assert chosen(found, **UK) == "1"
    assert chosen(found, short_message=b"the code and the PIN") == "0"
    assert chosen(found, short_message=b"hello") == "3"


def test_by_priority() -> None:
    rules = ({}, {"priority": 5}, {"priority": 5, "country": ["CN"]}, {"priority": 7, "country": ["GB"]})
    assert chosen(router(*rules)) == "0"
    assert chosen(router(*rules, order="priority")) == "1"
    assert chosen(router(*rules, order="priority"), **UK) == "3"


names = st.lists(st.sampled_from(["bank", "shop"]), max_size=2, unique=True)
digits = st.text("12", min_size=1, max_size=4)
plain_matches = st.fixed_dictionaries(
    {
        "account": names,
        "category": st.lists(st.sampled_from(["otp", "service"]), max_size=2),
        "destination": st.lists(digits, max_size=3),
        "source": st.lists(digits | digits.map(lambda prefix: f"{prefix}*"), max_size=2),
    }
)


def fits(match: dict[str, Any], sent: Message) -> bool:
    return (
        (not match["account"] or sent.account in match["account"])
        and (not match["category"] or sent.category in match["category"])
        and (not match["destination"] or sent.destination.startswith(tuple(match["destination"])))
        and (
            not match["source"]
            or any(
                sent.source.startswith(one[:-1]) if one.endswith("*") else sent.source == one
                for one in match["source"]
            )
        )
    )


@given(
    st.lists(plain_matches, min_size=1, max_size=12),
    st.lists(
        st.tuples(
            st.sampled_from(["bank", "shop", "gone"]),
            st.sampled_from(["otp", "service", "promotional"]),
            st.text("12", min_size=1, max_size=5),
            st.text("12", max_size=5),
        ),
        max_size=20,
    ),
)
def test_the_index_finds_what_reading_the_rules_one_by_one_finds(
    matches: list[dict[str, Any]], sent: list[tuple[str, str, str, str]]
) -> None:
    found = router(*matches)
    for account, category, destination, source in sent:
        one = message(account=account, category=category, destination_addr=destination, source_addr=source)
        plain = next((str(at) for at, match in enumerate(matches) if fits(match, one)), None)
        rule = found.choose(one)
        assert (None if rule is None else rule.name) == plain


@pytest.mark.parametrize(
    ("words", "script"),
    [
        ("hello", "latin"),
        ("Ωmega для всех", "cyrillic"),
        ("123 !?", "other"),
        ("", "other"),
        ("สวัสดี", "thai"),
        ("안녕하세요", "hangul"),
        ("नमस्ते", "devanagari"),
        ("שלום", "hebrew"),
        ("مرحبا", "arabic"),
    ],
)
def test_scripts(words: str, script: str) -> None:
    assert script_of(words) == script


@pytest.mark.parametrize(
    ("dates", "when", "takes"),
    [
        ({"since": "2026-11-20"}, "2026-11-19T23:59:59", False),
        ({"since": "2026-11-20"}, "2026-11-20T00:00:00", True),
        ({"until": "2026-11-20"}, "2026-11-19T23:59:59", True),
        ({"until": "2026-11-20"}, "2026-11-20T00:00:00", False),
        ({"since": "2026-11-20", "zone": "Asia/Shanghai"}, "2026-11-19T15:59:59", False),
        ({"since": "2026-11-20", "zone": "Asia/Shanghai"}, "2026-11-19T16:00:00", True),
        ({"since": "2026-11-20", "until": "2026-11-21"}, "2026-11-20T12:00:00", True),
    ],
)
def test_dates(dates: dict[str, str], when: str, takes: bool) -> None:
    now = datetime.fromisoformat(when).replace(tzinfo=UTC).timestamp()
    assert (router({"dates": [dates]}).choose(message(), now) is not None) is takes


def test_of_several_stretches_of_days_one_is_enough() -> None:
    found = router({"dates": [{"until": "2026-01-01"}, {"since": "2026-06-01"}]})
    noon = [datetime(2026, month, 2, 12, tzinfo=UTC).timestamp() for month in (3, 6)]
    assert [found.choose(message(), now) is not None for now in noon] == [False, True]
