"""Every filter on content at work in a real gateway, and what its clients, carriers and people see of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from whole_clients import SOURCE, Legacy, bound, err, handset, stat, submit
from whole_house import PASSWORD, Build, House, Upstream, call, wait_until

from gateway.smpp import gsm
from gateway.smpp.concat import LOCKING_SHIFT, SINGLE_SHIFT, concat_element, make_udh
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DataSm

RULES = Path(__file__).parents[2] / "config" / "rules"
UDHI = 0x40
CATEGORY = 0x1414
PORTS_16 = 0x05
HINDI = 6
BRITAIN, FRANCE, GERMANY, INDIA, POLAND = "4477009", "336000", "491511", "91981", "48512"

BOOM = """
from gateway.filters.verdict import Action, Verdict

class Boom:
    name = "boom"

    def __init__(self, settings):
        pass

    def judge(self, message, now):
        if "boom" in (message.text or ""):
            raise RuntimeError("out of order")
        return Verdict(Action.HOLD, "boom", "odd") if "odd" in (message.text or "") else None
"""
"""A filter of a third party that holds some texts and fails of others."""

ACCOUNTS: dict[str, dict[str, Any]] = {
    "bank": {"filters": {"words": "enforce"}},
    "latin": {"filters": {"words": "enforce"}, "default_alphabet": "latin1"},
    "packed": {"filters": {"words": "enforce"}, "default_alphabet": "gsm7-packed"},
    "data": {"filters": {"binary": "enforce"}},
    "free": {"filters": {}},
    "told": {
        "category": "transactional",
        "declares": {"tag": CATEGORY, "required": True},
        "filters": {"category": "enforce", "senders": "enforce"},
    },
    "modes": {"filters": {"links": {"promotional": "enforce", "otp": "warn", "service": "shadow"}}},
    "shop": {"category": "promotional", "filters": {"links": "enforce", "mandatory": "enforce"}},
    "forms": {"category": "otp", "filters": {"templates": "enforce"}},
    "india": {"category": "otp", "filters": {"dlt": "enforce", "senders": "warn"}},
    "codes": {"category": "otp", "filters": {"capped": "enforce"}, "refusals": "response"},
    "open": {"category": "otp", "filters": {"boom": "enforce"}},
    "ads": {"category": "promotional", "filters": {"boom": "enforce"}},
}
ACCOUNTS["modes"]["declares"] = {"tag": CATEGORY}

FILTERS: dict[str, Any] = {
    "words": {"mode": "enforce", "files": ["words.txt"]},
    "category": {"phrases": ["limited time offer"]},
    "binary": {"ports": [2948]},
    "senders": {
        "registered": [
            {"address": SOURCE, "categories": ["promotional"]},
            {"address": "10690002", "categories": ["otp", "transactional"]},
            {"address": "EXBANK", "accounts": ["bank"]},
            {"address": "EXDE", "accounts": ["told"], "countries": ["DE", "FR"]},
            {"address": "EXSHOP", "accounts": ["told", "india"]},
        ]
    },
    "templates": {"directory": "templates"},
    "dlt": {
        "tenants": {
            "Example": {
                "entity": "1101172974420810001",
                "telemarketers": ["1101172974420830004"],
                "headers": {"EXSHOP": ["otp"]},
            }
        }
    },
    "links": {
        "shorteners": ["bit.ly"],
        "numbers": "hold",
        "tenants": {"Example": {"hosts": ["shop.example"]}},
    },
    "mandatory": {
        "missing": "append",
        "append": {"CN/opt-out-way": "，拒收请回复R", "FR/stop-number": " STOP 36180"},
        "tenants": {"Example": {"signatures": ["示例"]}},
    },
    "plugins": {"boom": {}},
}
TEMPLATES = {
    "tenant": "Example",
    "templates": [
        {
            "name": "code",
            "text": "Your code is {code:digits(4-6)}",
            "categories": ["otp"],
            "id": "1107172974420810009",
            "headers": ["EXSHOP"],
        },
        {"name": "wild", "text": "{a:text(60)}-{b:text(60)}-{c:text(60)}-{d:text(60)}-{e:text(60)}!"},
    ],
}
EVERYTHING_OF_PEOPLE = ("suppressed", "consented", "quiet", "capped")


@pytest.fixture(scope="module")
def house(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """With an installed filter of a third party, and the shipped rule packs."""
    site = tmp_path_factory.mktemp("site")
    (site / "boom.py").write_text(BOOM, "utf-8")
    metadata = site / "boom-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: boom\nVersion: 1.0\n", "utf-8")
    (metadata / "entry_points.txt").write_text("[gateway.filters]\nboom = boom:Boom\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(site))
        patch.setenv("WHOLE_PASSWORD", PASSWORD)
        house = build(
            accounts=ACCOUNTS,
            carriers={"alpha": Upstream()},
            routes=[{"name": "default", "carriers": ["alpha"]}],
            words=["#: severity=reject", "casino", "कसीनो", "gagné gros", "#: severity=hold", "jackpot"],
            node={"multipart": {"timeout": "2s", "groups_per_account": 100}},
        )
        off = {name: {"mode": "off"} for name in EVERYTHING_OF_PEOPLE}
        house.dump("filters.yaml", FILTERS | off)
        house.dump("people.yaml", {"rules": str(RULES)})
        (house.config / "templates").mkdir()
        house.dump("templates/example.yaml", TEMPLATES)
        yield house.start()


def said(text: str) -> dict[str, Any]:
    """A text in UCS-2."""
    return {"text": text.encode("utf-16-be"), "data_coding": 8}


def declared(category: bytes) -> tuple[Tlv, ...]:
    return (Tlv(CATEGORY, category),)


def end(house: House, system_id: str, number: str = "", **fields: Any) -> str:
    """What becomes of a message: the error of its REJECTD receipt, else `stat`."""
    with bound(house.port, system_id=system_id) as esme:
        receipt = esme.receipt(esme.submit(number or handset(), **fields))
    return err(receipt) if stat(receipt) == "REJECTD" else stat(receipt)


def status(house: House, system_id: str, number: str = "", **fields: Any) -> str:
    """The status of a response."""
    with bound(house.port, system_id=system_id) as esme:
        return CommandStatus(esme.ask(submit(number or handset(), **fields)).command_status).name


# what is judged


def nationally(text: str) -> tuple[bytes, bytes]:
    """A header that names the tables of Hindi, and the text by them."""
    escaped = {char: bytes((gsm.ESC, code)) for code, char in gsm.SINGLE[HINDI].items()}
    table = escaped | {char: bytes((code,)) for code, char in enumerate(gsm.LOCKING[HINDI])}
    header = make_udh((LOCKING_SHIFT, bytes((HINDI,))), (SINGLE_SHIFT, bytes((HINDI,))))
    return header, b"".join(table[char] for char in text)


def test_national_tables_are_read(house: House) -> None:
    header, octets = nationally("कसीनो")
    assert end(house, "bank", text=header + octets, esm_class=UDHI) == "911"
    header, octets = nationally("नमस्ते")
    assert end(house, "bank", text=header + octets, esm_class=UDHI) == "DELIVRD"


def test_data_coding_0_is_what_the_account_says(house: House) -> None:
    french = "vous avez gagné gros".encode("latin-1")
    assert end(house, "latin", text=french) == "911"
    assert end(house, "packed", text=gsm.pack(gsm.encode("casino") or b"", 0)) == "911"
    assert end(house, "bank", text=gsm.pack(gsm.encode("casino") or b"", 0)) == "DELIVRD"


PORTS = make_udh((PORTS_16, bytes((0x0B, 0x84, 0, 0))))
WAP = make_udh((PORTS_16, bytes((0x23, 0xF0, 0, 0))))


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"data_coding": 4}, "917"),
        ({"data_coding": 2}, "917"),
        ({"data_coding": 0xF5}, "917"),
        ({"text": WAP + b"x", "esm_class": UDHI}, "917"),
        ({"text": PORTS + b"x", "esm_class": UDHI}, "DELIVRD"),
        ({"tlvs": (Tlv(Tag.destination_port, b"\x23\xf0"),)}, "917"),
        ({}, "DELIVRD"),
    ],
)
def test_binary_and_ports_are_the_accounts_policy(house: House, fields: dict[str, Any], answer: str) -> None:
    assert end(house, "data", **fields) == answer
    assert end(house, "free", **fields) == "DELIVRD"


def test_a_port_in_one_segment_refuses_all_of_them(house: House) -> None:
    number = handset()
    with bound(house.port, system_id="data") as data:
        for part, extra in ((1, ()), (2, ((PORTS_16, bytes((0x23, 0xF0, 0, 0))),))):
            octets = make_udh(concat_element(5, 2, part), *extra) + b"x"
            data.submit(number, octets, esm_class=UDHI)
        assert [err(receipt) for receipt in data.exactly(2)] == ["917", "917"]
    assert house.sent_to(number) == []


def test_a_group_that_never_completes_is_refused_and_none_of_it_left(house: House) -> None:
    number = handset()
    with bound(house.port) as bank, bound(house.port, "transmitter") as other:
        ids = [
            esme.submit(number, make_udh(concat_element(9, 3, part)) + b"part", esm_class=UDHI)
            for esme, part in ((bank, 1), (other, 3))
        ]
        assert [(stat(one), err(one)) for one in map(bank.receipt, ids)] == [("REJECTD", "916")] * 2
    assert house.sent_to(number) == []


# category and sender


def test_a_category_that_is_asked_for(house: House) -> None:
    assert status(house, "told") == "ESME_RMISSINGOPTPARAM"
    assert status(house, "told", tlvs=declared(b"LOUD")) == "ESME_RINVOPTPARAMVAL"
    with bound(house.port, system_id="told") as told:
        number = handset()
        text = {"source_addr": "10690002", "tlvs": declared(b"otp\0")}
        assert stat(told.receipt(told.submit(number, **text))) == "DELIVRD"
    (seen,) = house.sent_to(number)
    assert seen.pdu.tlvs == ()


def test_a_text_raises_its_category_and_then_its_number_is_the_wrong_one(house: House) -> None:
    service = {"source_addr": "10690002", "tlvs": declared(b"OTP")}
    assert end(house, "told", text=b"Your code is 1", **service) == "DELIVRD"
    assert end(house, "told", **service, **said("Your code is 1. ＬIMITED-time-ОFFER")) == "915"
    assert end(house, "told", tlvs=declared(b"MKT")) == "DELIVRD"
    assert end(house, "told", tlvs=declared(b"OTP")) == "915"
    assert end(house, "told", handset(BRITAIN), source_addr="EXBANK", tlvs=declared(b"OTP")) == "915"
    assert end(house, "told", handset(BRITAIN), source_addr="EX8ANK", tlvs=declared(b"OTP")) == "915"


def ends(house: House, system_id: str, numbers: list[str], **fields: Any) -> list[str]:
    """What becomes of one text to many, all in one write."""
    with bound(house.port, system_id=system_id) as esme:
        sent = esme.send(*(submit(number, **fields) for number in numbers))
        receipts = [esme.receipt(esme.response(number).message_id) for number in sent]
    return [err(receipt) if stat(receipt) == "REJECTD" else stat(receipt) for receipt in receipts]


def test_one_text_to_many_is_judged_for_each_place(house: House) -> None:
    numbers = [handset(prefix) for prefix in (GERMANY, FRANCE, POLAND, BRITAIN) * 5]
    found = ends(house, "told", numbers, source_addr="EXDE", tlvs=declared(b"MKT"))
    assert found == ["DELIVRD", "DELIVRD", "915", "915"] * 5


def test_an_edit_counts_in_the_midst_of_one_text_to_many(house: House) -> None:
    text = {"text": b"the same to everybody"}

    def many() -> set[str]:
        return set(ends(house, "bank", [handset() for _ in range(5)], **text))

    assert many() == {"DELIVRD"}
    for _ in range(2):
        call(house, "words", "add", "same to everybody", "--severity", "reject", "--by", "Ann")
        assert many() == {"911"}
        call(house, "words", "remove", "same to everybody", "--by", "Ann")
        assert many() == {"DELIVRD"}


def test_a_burst_of_codes_is_told_as_what_clients_try_again(house: House) -> None:
    number = handset()
    with Legacy(house.port, system_id="codes") as codes:
        answers = [codes.try_submit(number, b"code 1").status, codes.try_submit(number, b"code 2").status]
        assert answers == [CommandStatus.ESME_ROK, CommandStatus.ESME_RTHROTTLED]
        assert codes.try_submit(handset(), b"code 3").status == CommandStatus.ESME_ROK


# links, mandatory text, templates, registers


def test_modes_by_category(house: House) -> None:
    link = {"text": b"see evil.example/x"}
    assert end(house, "modes", tlvs=declared(b"MKT"), **link) == "911"
    assert end(house, "modes", tlvs=declared(b"OTP"), **link) == "DELIVRD"
    with bound(house.port, system_id="modes") as modes:
        message_id = modes.submit(handset(), tlvs=declared(b"SRV"), **link)
        assert stat(modes.receipt(message_id)) == "DELIVRD"
    told, _ = call(house, "message", message_id)
    assert re.search(r"links: refuse \(shadow: recorded only\), content_blocked by rule 'hosts'", told)


def test_links_in_disguise(house: House) -> None:
    for text in (
        "【示例】ｓhор。com，退订回T",
        "【示例】bit.ly/a1，退订回T",
        "【示例】加薇信 a b c 1 2 3 4，退订回T",
    ):
        assert end(house, "shop", **said(text)) == "911"
    assert end(house, "shop", **said("【示例】shop.example/a，退订回T")) == "DELIVRD"


def test_what_is_missing_is_appended_and_encoded_anew(house: House) -> None:
    number = handset()
    assert end(house, "shop", number, **said("秋季新品")) == "DELIVRD"
    (seen,) = house.sent_to(number)
    assert seen.pdu.short_message.decode("utf-16-be") == "【示例】秋季新品，拒收请回复R"
    number = handset(FRANCE)
    assert end(house, "shop", number, source_addr="EXSHOP", text=b"Soldes") == "DELIVRD"
    (seen,) = house.sent_to(number)
    assert seen.pdu.short_message == b"Soldes STOP 36180"


def test_templates(house: House) -> None:
    assert end(house, "forms", text=b"Your code is 12345") == "DELIVRD"
    assert end(house, "forms", text=b"Your code is 12345, call me") == "913"


def test_the_registers_of_india(house: House) -> None:
    number = handset(INDIA)
    assert end(house, "india", number, source_addr="EXSHOP", text=b"Your code is 12345") == "DELIVRD"
    (seen,) = house.sent_to(number)
    tlvs = {tlv.tag: tlv.value for tlv in seen.pdu.tlvs}
    assert tlvs[0x1400].rstrip(b"\0") == b"1101172974420810001"
    assert tlvs[0x1401].rstrip(b"\0") == b"1107172974420810009"
    assert tlvs[0x1402].startswith(b"c0c951af")
    assert end(house, "india", number, source_addr="OTHERS", text=b"Your code is 12345") == "915"
    assert status(house, "india", number, source_addr="EXSHOP", text=b"else") == "ESME_RMISSINGOPTPARAM"
    wrong = (Tlv(0x1400, b"letters"),)
    answer = status(house, "india", number, source_addr="EXSHOP", text=b"Your code is 12345", tlvs=wrong)
    assert answer == "ESME_RINVOPTPARAMVAL"


# a filter that fails


def test_a_filter_that_fails_has_its_verdict_and_its_alarm(house: House) -> None:
    assert status(house, "ads", text=b"boom") == "ESME_RSYSERR"
    assert end(house, "ads", text=b"bang") == "DELIVRD"
    with bound(house.port, system_id="open") as esme:
        message_id = esme.submit(handset(), b"boom")
        assert stat(esme.receipt(message_id)) == "DELIVRD"
    assert "RuntimeError: out of order" in call(house, "message", message_id)[0]
    wait_until(lambda: any(one["kind"] == "filter_failed" for one in house.status()["alarms"]), "an alarm")


def test_a_third_partys_filter_acts_and_is_explained(house: House) -> None:
    told, _ = call(house, "explain", "an odd text", "--as", "open", "--to", handset())
    assert re.search(r"boom +hold, by rule 'odd' \(.*filters.yaml:\d+\)", told)
    with bound(house.port, system_id="open") as esme:
        message_id = esme.submit(handset(), b"an odd text")
        (one,) = json.loads(call(house, "review", "list", "--json")[0])
        call(house, "review", "approve", str(one["number"]), "--by", "Ann")
        assert stat(esme.receipt(message_id)) == "DELIVRD"
    assert re.search(
        r"boom: hold by rule 'odd' \(.*filters.yaml:\d+\)", call(house, "message", message_id)[0]
    )


# review


def test_a_held_text_expires_with_its_validity_and_is_not_approved_after(house: House) -> None:
    with Legacy(house.port) as bank:
        message_id = bank.submit(handset(), b"you hit the JACKPOT", validity_period="000000000002000R")
        (one,) = json.loads(call(house, "review", "list", "--json")[0])
        assert bank.receipt(message_id).message_state == 3
    assert "is held" in "".join(call(house, "review", "approve", str(one["number"]), "--by", "Ann", code=1))
    assert json.loads(call(house, "review", "list", "--json")[0]) == []


def test_a_refused_text_keeps_on_record_why_it_was_held(house: House) -> None:
    with Legacy(house.port) as bank:
        message_id = bank.submit(handset(), b"you hit the JACKPOT")
        (one,) = json.loads(call(house, "review", "list", "--json")[0])
        call(house, "review", "refuse", str(one["number"]), "--by", "Ann")
        assert bank.receipt(message_id).network_error_code == b"\x08\x03\x90"
    told, _ = call(house, "message", message_id)
    assert re.search(r"words: hold by rule 'jackpot' \(.*words.txt:6\)", told)
    assert re.search(r"review: refuse, review_refused", told)


# what is hostile


def test_sixty_four_kib_of_payload(house: House) -> None:
    number = handset()
    fields: dict[str, Any] = {"source_addr": SOURCE, "destination_addr": number, "registered_delivery": 1}
    with bound(house.port) as bank:
        for octets, data_coding, answer in (
            (b"ab " * 21_000 + b"casino", 0, "911"),
            ("ﷺ".encode("utf-16-be") * 32_000, 8, "DELIVRD"),
            (b"cas" * 21_000, 0, "DELIVRD"),
        ):
            pdu = DataSm(**fields, data_coding=data_coding, tlvs=(Tlv(Tag.message_payload, octets),))
            receipt = bank.receipt(bank.ask(pdu).message_id)
            assert answer in (stat(receipt), err(receipt))


def test_thousands_of_unfinished_texts_end_by_policy_and_harm_nobody(house: House) -> None:
    number = handset()
    with bound(house.port) as bank, bound(house.port, system_id="free") as free:
        for block in range(40):
            bank.send(
                *(
                    submit(number, make_udh((8, bytes((block, each, 2, 1)))) + b"x", esm_class=UDHI)
                    for each in range(75)
                )
            )
            assert stat(free.receipt(free.submit(handset()))) == "DELIVRD"
        receipts = bank.exactly(3000)
    assert {(stat(receipt), err(receipt)) for receipt in receipts} == {("REJECTD", "916")}
    assert house.sent_to(number) == []


def test_a_template_of_many_wild_variables_and_a_text_made_for_it(house: House) -> None:
    with bound(house.port, system_id="forms") as forms, bound(house.port, system_id="free") as free:
        ids = [
            forms.submit(handset(), b"", tlvs=(Tlv(Tag.message_payload, b"-" * size),))
            for size in (200, 305, 9000)
        ]
        assert stat(free.receipt(free.submit(handset()))) == "DELIVRD"
        assert {err(forms.receipt(message_id)) for message_id in ids} == {"913"}
