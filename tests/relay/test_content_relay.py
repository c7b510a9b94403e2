"""What the filters of the text do to messages on their way."""

from __future__ import annotations

from typing import Any

import pytest
from content_house import OUT, account, carrier, content_generation, content_house, decision
from relay_house import House, MakeHouse, name_of
from twisted.logger import LogEvent, globalLogPublisher

from gateway.filters.chain import Mode
from gateway.filters.verdict import Action, Verdict
from gateway.message import Message
from gateway.smpp.concat import make_sar
from gateway.smpp.constants import ESM_UDHI, Tag
from gateway.smpp.fields import SmeAddress, Tlv
from gateway.smpp.pdus import DataSm, ReplaceSm, SubmitMulti, SubmitSm
from gateway.smpp.text import decode_text, segment_text
from gateway.store.rows import State

CATEGORY = 0x1414
APPEND: dict[str, Any] = {
    "mandatory": {
        "missing": "append",
        "append": {"CN/opt-out-way": OUT},
        "tenants": {"Bank": {"signatures": ["示例商城"]}},
    }
}


def ucs2(text: str) -> dict[str, Any]:
    return {"data_coding": 8, "short_message": text.encode("utf-16-be")}


def sent(house: House) -> list[SubmitSm | DataSm]:
    return [pdu for _, pdu in house.submits]


# category


def declaring(**declares: Any) -> Any:
    return {"bank": account(category="promotional", declares={"tag": CATEGORY, **declares})}


@pytest.mark.parametrize(
    ("tlvs", "status"),
    [
        ((), "ESME_RMISSINGOPTPARAM"),
        ((Tlv(CATEGORY, b"XXX"),), "ESME_RINVOPTPARAMVAL"),
        ((Tlv(CATEGORY, b""),), "ESME_RINVOPTPARAMVAL"),
        ((Tlv(CATEGORY, b"OTP"),), "ESME_ROK"),
        ((Tlv(CATEGORY, b"otp\0"),), "ESME_ROK"),
    ],
)
def test_a_required_category(make_house: MakeHouse, tlvs: tuple[Tlv, ...], status: str) -> None:
    house = content_house(make_house, content_generation({}, declaring(required=True)))
    response = house.client().submit(tlvs=tlvs)
    assert name_of(response.command_status) == status
    assert len(house.rows()) == (status == "ESME_ROK")


def test_a_required_category_of_many_destinations(make_house: MakeHouse) -> None:
    house = content_house(make_house, content_generation({}, declaring(required=True)))
    addresses = tuple(SmeAddress(1, 1, f"861991234000{n}") for n in range(3))
    response = house.client().ask(SubmitMulti(dest_addresses=addresses, short_message=b"hi"))
    assert name_of(response.command_status) == "ESME_RMISSINGOPTPARAM"


@pytest.mark.parametrize(
    ("fields", "category"),
    [
        ({"tlvs": (Tlv(CATEGORY, b"OTP"),)}, "otp"),
        ({"tlvs": (Tlv(CATEGORY, b"?"),)}, "promotional"),
        ({"service_type": "BILL"}, "service"),
        ({"service_type": "BILL", "tlvs": (Tlv(CATEGORY, b"ARN"),)}, "transactional"),
        ({"source_addr": "10695"}, "government"),
        ({"source_addr": "106951"}, "transactional"),
        ({"source_addr": "106952"}, "otp"),
        ({}, "promotional"),
    ],
)
def test_a_declared_category(make_house: MakeHouse, fields: dict[str, Any], category: str) -> None:
    declared = declaring(
        service_types={"BILL": "service"},
        sources={"10695": "government", "10695*": "transactional", "106952*": "otp"},
    )
    house = content_house(make_house, content_generation({}, declared))
    house.client().submit(**fields)
    assert house.row().category == category


def test_the_declaring_tlv_is_taken_off_and_nothing_else(make_house: MakeHouse) -> None:
    house = content_house(make_house, content_generation({}, declaring()))
    others = (Tlv(0x1500, b"a"), Tlv(0x1500, b"b"), Tlv(Tag.user_message_reference, b"\0\1"))
    house.client().submit(tlvs=(others[0], Tlv(CATEGORY, b"OTP"), *others[1:]))
    assert sent(house)[0].tlvs == others


def test_a_tlv_that_no_account_setting_names_stays(make_house: MakeHouse) -> None:
    house = content_house(make_house, content_generation({}))
    house.client().submit(tlvs=(Tlv(CATEGORY, b"OTP"),))
    assert sent(house)[0].tlvs == (Tlv(CATEGORY, b"OTP"),)


def test_the_tlv_is_taken_off_after_a_restart_too(make_house: MakeHouse) -> None:
    house = content_house(make_house, content_generation({}, declaring()))
    house.answer = lambda name, pdu: None
    schedule = "000000000100000R"
    house.client().submit(tlvs=(Tlv(CATEGORY, b"OTP"),), schedule_delivery_time=schedule)
    house.restart()
    house.advance(61)
    assert sent(house)[0].tlvs == ()
    assert house.row().category == "otp"


def test_an_opt_out_way_makes_a_code_promotional(make_house: MakeHouse) -> None:
    settings = content_generation(
        {"category": {}, "words": {"mode": {"promotional": "enforce"}}}, {"bank": account(category="otp")}
    )
    house = content_house(make_house, settings)
    house.client().submit(**ucs2("您的验证码123456，拒收请回复R"))
    row = house.row()
    assert row.category == "promotional"
    assert decision(row)["category"] == "promotional"
    assert decision(row)["words"][0]["action"] == "raise"


def test_a_raised_long_text_is_stored_as_such(make_house: MakeHouse) -> None:
    settings = content_generation({"category": {"phrases": ["big sale"]}}, {"bank": account(category="otp")})
    house = content_house(make_house, settings)
    client = house.client()
    for part in segment_text("x" * 150 + " big sale " + "y" * 100, 3):
        client.submit(esm_class=ESM_UDHI, short_message=part.short_message)
    assert [row.category for row in house.rows()] == ["promotional", "promotional"]


@pytest.mark.parametrize("mode", ["warn", "shadow"])
def test_where_it_is_not_enforced_nothing_is_raised(make_house: MakeHouse, mode: str) -> None:
    settings = content_generation(
        {"category": {"mode": mode, "phrases": ["big sale"]}}, {"bank": account(category="otp")}
    )
    house = content_house(make_house, settings)
    house.client().submit(short_message=b"big sale")
    assert house.row().category == "otp"
    assert decision(house.row())["words"][0]["mode"] == mode


# mandatory text, appended


def test_what_is_missing_is_appended(make_house: MakeHouse) -> None:
    house = content_house(make_house, content_generation(APPEND))
    house.client().submit(**ucs2("周末全场八折"), tlvs=(Tlv(0x1500, b"x"),))
    (pdu,) = sent(house)
    assert isinstance(pdu, SubmitSm)
    assert decode_text(pdu.short_message, pdu.data_coding) == "【示例商城】周末全场八折" + OUT
    assert pdu.tlvs == (Tlv(0x1500, b"x"),)
    said = decision(house.row())
    assert said["verdict"] == "rewrite"
    assert said["rewritten"] == "text encoded anew with data_coding 8, one message"
    assert "CN/signature, CN/opt-out-way" in said["words"][0]["rule"]


def test_a_text_that_has_it_all_is_untouched(make_house: MakeHouse) -> None:
    house = content_house(make_house, content_generation(APPEND))
    octets = "【示例商城】周末全场八折，拒收请回复R".encode("utf-16-be")
    house.client().submit(data_coding=8, short_message=octets)
    assert [pdu.short_message for pdu in sent(house) if isinstance(pdu, SubmitSm)] == [octets]
    assert decision(house.row()) == {"generation": 1, "verdict": "allow"}


def test_a_gsm_text_becomes_ucs2(make_house: MakeHouse) -> None:
    house = content_house(make_house, content_generation(APPEND))
    house.client().submit(short_message=b"20% off")
    assert sent(house)[0].data_coding == 8


@pytest.mark.parametrize(("overflow", "states"), [("refuse", [State.REJECTED]), ("payload", [State.SENT])])
def test_what_no_longer_fits(make_house: MakeHouse, overflow: str, states: list[State]) -> None:
    settings = content_generation({"mandatory": APPEND["mandatory"] | {"overflow": overflow}})
    house = content_house(make_house, settings)
    client = house.client()
    client.submit(**ucs2("折" * 66))
    assert house.states() == states
    if overflow == "payload":
        (pdu,) = sent(house)
        payload = next(tlv.value for tlv in pdu.tlvs if tlv.tag == Tag.message_payload)
        assert payload.decode("utf-16-be") == "【示例商城】" + "折" * 66 + OUT
    else:
        assert [found.err for found in client.receipts] == ["914"]
        assert decision(house.row())["words"][-1]["rule"] == "what is missing does not fit"


@pytest.mark.parametrize("kind", ["udh", "sar"])
def test_segments_are_cut_anew(make_house: MakeHouse, kind: str) -> None:
    house = content_house(make_house, content_generation(APPEND))
    client = house.client()
    text = "折" * 100
    parts = segment_text(text, 3)
    for number in (2, 1):
        if kind == "udh":
            client.submit(esm_class=ESM_UDHI, data_coding=8, short_message=parts[number - 1].short_message)
        else:
            body = text[:50] if number == 1 else text[50:]
            client.submit(**ucs2(body), tlvs=make_sar(5, 2, number))
    pdus = [pdu for pdu in sent(house) if isinstance(pdu, SubmitSm)]
    skip = 6 if kind == "udh" else 0
    bodies = {pdu.short_message[:6] if skip else pdu.tlvs[2].value: pdu.short_message[skip:] for pdu in pdus}
    whole = b"".join(body for _, body in sorted(bodies.items())).decode("utf-16-be")
    assert whole == "【示例商城】" + text + OUT
    assert all(len(pdu.short_message) <= 140 for pdu in pdus)
    assert {decision(row)["rewritten"] for row in house.rows()} == {
        "text encoded anew with data_coding 8, 2 segments"
    }


def test_a_rewritten_text_survives_a_restart(make_house: MakeHouse) -> None:
    house = content_house(make_house, content_generation(APPEND))
    house.down.add("alpha")
    for peer in list(house.peers):
        peer.cut()
    house.client().submit(**ucs2("周末八折"))
    house.restart()
    house.down.clear()
    house.advance(5)
    (pdu,) = sent(house)
    assert isinstance(pdu, SubmitSm)
    assert pdu.short_message.decode("utf-16-be") == "【示例商城】周末八折" + OUT


def test_a_scheduled_text_is_rewritten_when_it_leaves(make_house: MakeHouse) -> None:
    house = content_house(make_house, content_generation(APPEND))
    house.client().submit(**ucs2("周末八折"), schedule_delivery_time="000000000100000R")
    assert "rewritten" not in decision(house.row())
    house.advance(61)
    (pdu,) = sent(house)
    assert isinstance(pdu, SubmitSm)
    assert pdu.short_message.decode("utf-16-be") == "【示例商城】周末八折" + OUT


def test_a_replaced_text_is_rewritten(make_house: MakeHouse) -> None:
    house = content_house(make_house, content_generation(APPEND, carriers={"alpha": carrier(window=1)}))
    house.answer = lambda name, pdu: None
    client = house.client()
    client.submit(**ucs2("一"))
    second = client.submit(**ucs2("二"))
    answer = client.ask(
        ReplaceSm(
            message_id=second.message_id, source_addr="10690001", short_message="三".encode("utf-16-be")
        )
    )
    assert answer.command_status == 0
    upstream = house.upstreams()[0]
    upstream.respond(upstream.pending[0], 0, "1")
    house.answer = house.accept
    house.settle()
    texts = [pdu.short_message.decode("utf-16-be") for pdu in sent(house) if isinstance(pdu, SubmitSm)]
    assert texts == [f"【示例商城】{word}{OUT}" for word in ("一", "三")]


def test_a_signature_of_others_is_refused(make_house: MakeHouse) -> None:
    house = content_house(make_house, content_generation(APPEND))
    client = house.client()
    client.submit(**ucs2("【某某银行】周末八折，拒收请回复R"))
    assert house.states() == [State.REJECTED]
    assert [found.err for found in client.receipts] == ["914"]


# the registers of India, and the tags of carriers

INDIA: dict[str, Any] = {
    "dlt": {
        "tenants": {
            "Bank": {
                "entity": "1101172974420810001",
                "telemarketers": ["1101172974420830004"],
                "headers": {"EXMBNK": ["otp"]},
            }
        }
    }
}
HASH = b"c0c951afca257c5b87c3da535c09112080483f35b7e6faf35e2428b3b526b694"
INDIAN = {"source_addr": "EXMBNK", "source_addr_ton": 5, "destination_addr": "919812345678"}


def test_what_the_client_left_out_is_added(make_house: MakeHouse) -> None:
    tags = {"0x1400": 0x1501, "0x1402": None}
    settings = content_generation(
        INDIA, {"bank": account(category="otp")}, carriers={"alpha": carrier(tags=tags)}
    )
    house = content_house(make_house, settings)
    house.client().submit(**INDIAN, tlvs=(Tlv(0x1401, b"1107161234567890123"),))
    assert sent(house)[0].tlvs == (Tlv(0x1401, b"1107161234567890123"), Tlv(0x1501, b"1101172974420810001"))
    assert decision(house.row())["rewritten"] == "TLVs added: 0x1400, 0x1402"


def test_the_chain_is_hashed(make_house: MakeHouse) -> None:
    house = content_house(make_house, content_generation(INDIA, {"bank": account(category="otp")}))
    house.client().submit(**INDIAN, tlvs=(Tlv(0x1401, b"1107161234567890123"),))
    assert Tlv(0x1402, HASH) in sent(house)[0].tlvs


@pytest.mark.parametrize(
    ("tlvs", "status"),
    [((), "ESME_RMISSINGOPTPARAM"), ((Tlv(0x1401, b"12x"),), "ESME_RINVOPTPARAMVAL")],
)
def test_a_template_id_is_wanted(make_house: MakeHouse, tlvs: tuple[Tlv, ...], status: str) -> None:
    house = content_house(make_house, content_generation(INDIA, {"bank": account(category="otp")}))
    response = house.client().submit(**INDIAN, tlvs=tlvs)
    assert name_of(response.command_status) == status


# the chain


class Broken:
    name = "words"

    def judge(self, message: Message, now: float) -> Verdict | None:
        raise ValueError("broken")


@pytest.mark.parametrize(
    ("category", "fails", "state"),
    [
        ("promotional", "open", State.REJECTED),
        ("otp", "open", State.SENT),
        ("otp", "closed", State.REJECTED),
    ],
)
def test_a_filter_that_fails(make_house: MakeHouse, category: str, fails: str, state: State) -> None:
    heard: list[LogEvent] = []
    globalLogPublisher.addObserver(heard.append)
    settings = content_generation({"words": {"fails": fails}}, {"bank": account(category=category)})
    house = make_house(settings, words=Broken())
    client = house.client()
    answers = [client.submit().command_status for _ in range(5)]
    globalLogPublisher.removeObserver(heard.append)
    told = "ESME_RSYSERR" if state is State.REJECTED else "ESME_ROK"
    assert {name_of(status) for status in answers} == {told}
    assert client.receipts == []
    assert set(house.states()) == {state}
    assert decision(house.rows()[0])["words"][0]["detail"] == "ValueError: broken"
    assert house.relay.judging.failures == {"words": 5}
    alarms = [event for event in heard if "filter {filter} failed" in (event.get("log_format") or "")]
    assert [event["count"] for event in alarms] == [1, 2, 4]
    assert house.relay.judging.counts["bank", "words", "enforce", "refuse"] == (
        5 if state is State.REJECTED else 0
    )


class Refuses:
    name = "words"

    def judge(self, message: Message, now: float) -> Verdict | None:
        return Verdict(Action.REFUSE, self.name, "all")


@pytest.mark.parametrize(
    ("filters", "category", "mode"),
    [
        ({"words": {"mode": {"promotional": "enforce", "otp": "warn"}}}, "promotional", Mode.ENFORCE),
        ({"words": {"mode": {"promotional": "enforce", "otp": "warn"}}}, "otp", Mode.WARN),
        ({"words": {"mode": {"promotional": "enforce"}}}, "otp", None),
        ({"words": {"mode": "shadow"}}, "otp", Mode.SHADOW),
    ],
)
def test_modes_by_category(make_house: MakeHouse, filters: Any, category: str, mode: Mode | None) -> None:
    house = make_house(content_generation(filters, {"bank": account(category=category)}), words=Refuses())
    house.client().submit()
    assert house.states() == [State.REJECTED if mode is Mode.ENFORCE else State.SENT]
    words = decision(house.row()).get("words", [])
    assert [word["mode"] for word in words] == ([mode.value] if mode else [])


def test_modes_of_an_account(make_house: MakeHouse) -> None:
    modes = {"words": {"otp": "enforce"}}
    accounts = {
        "bank": account(category="otp", filters=modes),
        "shop": account(category="promotional", filters=modes),
    }
    house = make_house(content_generation({}, accounts), words=Refuses())
    for name in accounts:
        house.client(name).submit()
    assert house.states() == [State.REJECTED, State.SENT]


def test_an_unregistered_sender(make_house: MakeHouse) -> None:
    registered = [{"address": "1069*", "accounts": ["bank"], "categories": ["promotional"]}]
    settings = content_generation({"senders": {"registered": registered}})
    house = content_house(make_house, settings)
    client = house.client()
    client.submit()
    client.submit(source_addr="10700001")
    assert house.states() == [State.SENT, State.REJECTED]
    assert [found.err for found in client.receipts] == ["915"]


def test_numbers_for_service_and_for_marketing_are_apart(make_house: MakeHouse) -> None:
    registered = [
        {"address": "1069", "categories": ["otp", "service"]},
        {"address": "1068", "categories": ["promotional"]},
        {"address": "1067", "categories": ["promotional", "otp"]},
        {"address": "1066"},
    ]
    accounts = {"bank": account(category="otp"), "shop": account(category="promotional")}
    settings = content_generation({"senders": {"registered": registered}}, accounts)
    house = content_house(make_house, settings)
    sent = {}
    for name in accounts:
        for source in ("1069", "1068", "1067", "1066"):
            house.client(name).submit(source_addr=source)
            row = house.rows()[-1]
            words = decision(row).get("words", [{}])
            sent[name, source] = State(row.state).name, row.error, words[0].get("rule", "")
    apart = "CN/service-and-marketing-apart"
    assert sent == {
        ("bank", "1069"): ("SENT", 0, ""),
        ("bank", "1068"): ("REJECTED", 915, "category"),
        ("bank", "1067"): ("REJECTED", 915, apart),
        ("bank", "1066"): ("SENT", 0, ""),
        ("shop", "1069"): ("REJECTED", 915, "category"),
        ("shop", "1068"): ("SENT", 0, ""),
        ("shop", "1067"): ("REJECTED", 915, apart),
        ("shop", "1066"): ("REJECTED", 915, apart),
    }
