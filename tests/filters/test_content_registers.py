"""India's registers, and binary messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from content_messages import CHINA, INDIA, NOW, message, persons
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.binary import Binary
from gateway.filters.dlt import Dlt, chain_hash
from gateway.filters.registry import read_registry
from gateway.filters.templates import Registries
from gateway.filters.verdict import Action, Verdict
from gateway.message import joined
from gateway.settings.content import Binary as BinarySettings
from gateway.settings.content import Dlt as Settings
from gateway.smpp.concat import concat_element, make_udh
from gateway.smpp.constants import ESM_UDHI, Tag
from gateway.smpp.fields import Tlv

ENTITY, AGENT, TEMPLATE = "1101172974420810001", "1101172974420830004", "1107161234567890123"
VECTORS = {
    "1101172974420810001,1101172974420830004": (
        "c0c951afca257c5b87c3da535c09112080483f35b7e6faf35e2428b3b526b694"
    ),
    "1101172974420810001,1101172974420820002,1101172974420830004": (
        "ba38bbe4ab3780a70aad6071c006e720eed8efc1ff70b00691d3b6844e6497e2"
    ),
}
SHOP = {
    "entity": ENTITY,
    "telemarketers": [AGENT],
    "headers": {"EXSHOP": ["promotional", "otp"], "EXBANK": []},
}
GIVEN = (Tlv(0x1400, ENTITY.encode()), Tlv(0x1401, TEMPLATE.encode()), Tlv(0x1402, b"0" * 64))


@pytest.fixture(scope="module")
def registries(tmp_path_factory: pytest.TempPathFactory) -> Registries:
    path: Path = tmp_path_factory.mktemp("templates") / "shop.yaml"
    template = {"name": "code", "text": "Your code is {c:digits(4-6)}", "id": TEMPLATE, "categories": ["otp"]}
    path.write_text(yaml.safe_dump({"tenant": "Shop", "templates": [template]}), "utf-8")
    _, registry, problems = read_registry(path)
    assert registry is not None, problems
    return Registries({"Shop": registry}, {})


def judge(registries: Registries, text: str = "Your code is 1234", **fields: Any) -> Verdict | None:
    tenants = fields.pop("tenants", {"Shop": SHOP})
    made = Dlt(
        Settings.model_validate({"tenants": tenants}), persons(), registries, {"Shop": "filters.yaml:3"}
    )
    usual = {"to": INDIA, "source": "EXSHOP", "category": "otp"}
    return made.judge(message(text, **{**usual, **fields}), NOW)


@pytest.mark.parametrize(("ids", "digest"), VECTORS.items())
def test_the_hash_of_a_chain(ids: str, digest: str) -> None:
    assert chain_hash(ids.split(",")) == digest


def test_all_is_added(registries: Registries) -> None:
    verdict = judge(registries)
    assert verdict is not None
    assert verdict.rewrite is not None
    chain = VECTORS[f"{ENTITY},{AGENT}"].encode()
    assert verdict.rewrite.tlvs == (*GIVEN[:2], Tlv(0x1402, chain))
    assert verdict.action is Action.REWRITE
    assert verdict.detail == "added: 0x1400, 0x1401, 0x1402"


def test_what_is_there_stays(registries: Registries) -> None:
    assert judge(registries, tlvs=GIVEN) is None
    verdict = judge(registries, tlvs=GIVEN[:2])
    assert verdict is not None
    assert verdict.rewrite is not None
    assert [tlv.tag for tlv in verdict.rewrite.tlvs] == [0x1402]


@pytest.mark.parametrize(
    ("fields", "rule", "reason"),
    [
        ({"text": "Something else"}, "IN/template", "tlv_missing"),
        ({"category": "promotional"}, "IN/template", "tlv_missing"),
        ({"tlvs": (Tlv(0x1401, b"12"),)}, "IN/template", "tlv_invalid"),
        ({"tlvs": (Tlv(0x1401, b"1" * 19),)}, "IN/template", "tlv_invalid"),
        ({"tlvs": (Tlv(0x1400, b"1" * 19),)}, "IN/principal-entity", "tlv_invalid"),
        ({"tlvs": (Tlv(0x1400, b"x" * 15),)}, "IN/principal-entity", "tlv_invalid"),
        ({"tenants": {}}, "IN/principal-entity", "tlv_missing"),
        ({"source": "OTHERS"}, "header", "sender_not_registered"),
        ({"source": "12345"}, "header", "sender_not_registered"),
        ({"source": "EXSHOP", "category": "transactional"}, "header", "sender_not_registered"),
        ({"source": "VM-EXSHOP-P"}, "suffix", "sender_not_registered"),
    ],
)
def test_refused(registries: Registries, fields: dict[str, Any], rule: str, reason: str) -> None:
    verdict = judge(registries, **fields)
    assert verdict is not None
    assert verdict.reason is not None
    assert (verdict.action, verdict.rule, verdict.reason.name) == (Action.REFUSE, rule, reason)


@pytest.mark.parametrize("source", ["exshop", "VM-EXSHOP", "VM-EXSHOP-T", "EXBANK-T"])
def test_headers(registries: Registries, source: str) -> None:
    verdict = judge(registries, source=source)
    assert verdict is not None
    assert verdict.action is Action.REWRITE


def test_an_unsure_rule_warns(registries: Registries) -> None:
    verdict = judge(registries, tenants={"Shop": {"entity": ENTITY}})
    assert verdict is not None
    assert verdict.action is Action.REWRITE
    verdict = judge(registries, tenants={"Shop": {"entity": ENTITY}}, tlvs=GIVEN[:2])
    assert verdict is not None
    assert (verdict.action, verdict.rule) == (Action.WARN, "IN/telemarketer-chain")


def test_other_countries_have_no_such_register(registries: Registries) -> None:
    assert judge(registries, to=CHINA, source="12345") is None


@given(st.text(), st.binary(max_size=30), st.integers(0x13FF, 0x1403))
def test_it_never_raises(text: str, value: bytes, tag: int) -> None:
    judge(Registries({}, {}), text, tlvs=(Tlv(tag, value),), source=text[:20])


# binary


def binary(message: Any, *ports: int) -> str | None:
    verdict = Binary(BinarySettings(ports=ports), "filters.yaml:1").judge(message, NOW)
    return verdict and verdict.rule


def test_binary_is_refused() -> None:
    assert binary(message(None)) == "data_coding"
    assert binary(message("hello")) is None


def port(number: int, *others: tuple[int, bytes]) -> bytes:
    return make_udh((0x05, number.to_bytes(2) + b"\0\0"), *others)


def test_ports() -> None:
    made = message("hello", esm_class=ESM_UDHI)
    made.rewrite(made.pdu._replace(short_message=port(2948) + b"hello"))
    assert binary(made) == "port"
    assert binary(made, 2948) is None
    assert binary(message("hello", tlvs=(Tlv(Tag.destination_port, b"\x0b\x84"),))) == "port"


def test_a_port_in_any_segment() -> None:
    parts = []
    for number in (1, 2):
        part = message("x", esm_class=ESM_UDHI)
        concat = concat_element(1, 2, number)
        header = make_udh(concat) if number == 1 else port(9200, concat)
        part.rewrite(part.pdu._replace(short_message=header + b"hello"))
        parts.append(part)
    assert binary(joined(parts)) == "port"
