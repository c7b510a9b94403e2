"""Each shipped preset of a carrier, against the simulated carrier that it is for: on real sockets every
message has one end, and the right one."""

from __future__ import annotations

from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from whole_clients import Esme, bound, err, receipted, stat, submit
from whole_house import Build, House, Upstream

from gateway.settings.preset import preset_names
from gateway.smpp.concat import CONCAT_8, body_of, make_udh, part_of, udh_of
from gateway.smpp.constants import Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.text import decode_parts

PROFILES = Path(__file__).parents[2] / "config" / "simulator" / "presets"
PRESETS = preset_names()
PREFIX = {
    name: f"{'91' if name.startswith('india') else '86'}{index:03d}"
    for index, name in enumerate(PRESETS, 100)
}
THROTTLED, REFUSED, LOST = "4", "3", "6"
MANY = 12
LONG = "".join(f"{number:03d} " for number in range(80))  # 320 characters
DLT = (Tlv(0x1400, b"1101234567890123456"), Tlv(0x1401, b"1107654321098765432"))
UNTOLD = {"own-statuses": (0x0401, 0x0404)}
"""Carriers that throttle and refuse by statuses of their own."""
_numbers = count(1)


def played(name: str) -> dict[str, Any]:
    """The simulated carrier of a preset, which throttles, refuses and loses what goes to some numbers."""
    (profile,) = yaml.safe_load((PROFILES / f"{name}.yaml").read_text("utf-8"))["carriers"].values()
    throttle, refuse = UNTOLD.get(name, ("ESME_RTHROTTLED", "ESME_RINVDSTADR"))

    def to(digit: str, times: int | None = None) -> dict[str, Any]:
        prefix = PREFIX[name] + digit
        return {"destination": [prefix, f"+{prefix}"]} | ({} if times is None else {"times": times})

    rules = [
        {"match": to(THROTTLED, 3), "do": {"status": throttle}},
        {"match": to(REFUSED), "do": {"status": refuse}},
        {
            "match": to(LOST),
            "do": {"outcome": "UNDELIVERABLE", "receipts": {"errors": {"UNDELIVERABLE": "069"}}},
        },
    ]
    del profile["listen"], profile["accounts"]
    profile["rules"] = rules + profile.get("rules", [])
    return dict(profile)


def settings(name: str) -> dict[str, Any]:
    """What an admin would write: the preset, and here less patience."""
    quick = {"tries": 50, "delay": "100ms", "pause": "100ms"}
    statuses = dict.fromkeys(("ESME_RTHROTTLED", "ESME_RSYSERR"), quick)
    return {"preset": name, "retry": {"statuses": statuses}}


def number(name: str, digit: str = "1") -> str:
    prefix = PREFIX[name] + digit
    return f"{prefix}{next(_numbers):0{12 - len(prefix)}d}"


def tlvs(name: str) -> tuple[Tlv, ...]:
    return DLT if name == "india-dlt" else ()


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    return build(
        accounts={"bank": {"window": 1000}},
        carriers={name: Upstream(played(name), settings(name)) for name in PRESETS},
        routes=[
            {"name": name, "match": {"destination": [PREFIX[name]]}, "carriers": [name]} for name in PRESETS
        ],
    ).start()


def ends(esme: Esme, numbers: list[str], **fields: Any) -> Counter[Any]:
    """Send a short text to each number; how they ended. Each has one receipt, with its own number."""
    sequences = esme.send(*[submit(to, f"to {to}".encode(), **fields) for to in numbers])
    told: Counter[Any] = Counter()
    for one, to in zip(sequences, numbers, strict=True):
        receipt = esme.receipt(esme.response(one).message_id)
        assert receipt.source_addr == to
        told[stat(receipt), err(receipt)] += 1
    return told


def sent(house: House, name: str, to: str) -> list[Any]:
    """The submit_sm that a carrier has got for a number, however it was written."""
    pdus = [seen.pdu for seen in house.captured("submit_sm", "in", name)]
    return [pdu for pdu in pdus if pdu.destination_addr.removeprefix("+") == to]


@pytest.mark.parametrize("name", PRESETS)
def test_short_texts(house: House, name: str) -> None:
    with bound(house.port) as esme:
        assert ends(esme, [number(name) for _ in range(MANY)], tlvs=tlvs(name)) == {("DELIVRD", "000"): MANY}
        throttled = [number(name, THROTTLED) for _ in range(4)]
        assert ends(esme, throttled, tlvs=tlvs(name)) == {("DELIVRD", "000"): 4}
        assert ends(esme, [number(name, REFUSED)], tlvs=tlvs(name)) == {("REJECTD", "011"): 1}
        ((what, error),) = ends(esme, [number(name, LOST)], tlvs=tlvs(name))
        assert what == "UNDELIV"
        assert error == ("000" if name == "data-sm-receipts" else "069")  # it tells no error at all
        assert esme.rest(0.1) == []
    assert house.status()["carriers"][name]["unfinished"] == 0


@pytest.mark.parametrize("name", PRESETS)
def test_a_long_text_in_one_submit(house: House, name: str) -> None:
    """Whatever becomes of it on its way: it is read as it was written, and its client has one receipt."""
    to, lost = number(name), number(name, LOST)
    payload = Tlv(Tag.message_payload, LONG.encode())
    with bound(house.port) as esme:
        ids = [esme.submit(each, b"", tlvs=(payload, *tlvs(name))) for each in (to, lost)]
        assert [stat(esme.receipt(one)) for one in ids] == ["DELIVRD", "UNDELIV"]
        assert esme.rest(0.2) == []
    seen = sent(house, name, to)
    parts = {part.number if (part := part_of(pdu)) else 0: pdu for pdu in seen}  # the last of each, if again
    assert [*parts] in ([0], [*range(1, len(parts) + 1)])
    alphabet = "latin1" if name == "latin1" else "gsm7"
    bodies = [(body_of(pdu), pdu.data_coding, udh_of(pdu)) for pdu in parts.values()]
    assert decode_parts(bodies, alphabet) == LONG


@pytest.mark.parametrize("name", PRESETS)
def test_a_clients_own_segments(house: House, name: str) -> None:
    """Each is a message of its own, in whatever form the carrier has it, and has its receipt."""
    to = number(name)
    texts = [b"one part ", b"and another"]
    headers = [make_udh((CONCAT_8, bytes((77, 2, part)))) for part in (1, 2)]
    with bound(house.port) as esme:
        ids = [
            esme.submit(to, header + text, esm_class=0x40, tlvs=tlvs(name))
            for header, text in zip(headers, texts, strict=True)
        ]
        assert [stat(esme.receipt(one)) for one in ids] == ["DELIVRD"] * 2
        assert [receipted(pdu) for pdu in esme.rest(0.1)] == []
    seen = sent(house, name, to)
    assert sorted(part.number for pdu in seen if (part := part_of(pdu))) == [1, 2]


def test_what_a_charset_does_not_have(house: House) -> None:
    """Latin-1 takes a French text as it is; Chinese goes by UCS-2, typographic quotes are made plain."""
    with bound(house.port) as esme:
        for text in ("Ça, déjà reçu", "“quoted” – …", "你好"):
            to = number("latin1")
            assert stat(esme.receipt(esme.submit(to, text.encode("utf-16-be"), data_coding=8))) == "DELIVRD"
        quoted = number("latin1")
        esme.receipt(esme.submit(quoted, b"\x1b\x65 5 @ home \x00"))  # GSM 03.38: the euro sign, and @ is 0
    (seen,) = sent(house, "latin1", quoted)
    assert (seen.data_coding, seen.short_message.decode("utf-16-be")) == (8, "€ 5 ¡ home @")


def test_a_registered_message_is_wanted(house: House) -> None:
    with bound(house.port) as esme:
        assert ends(esme, [number("india-dlt")]) == {("REJECTD", "195"): 1}


def test_every_preset_has_its_simulated_carrier() -> None:
    assert {path.stem for path in PROFILES.glob("*.yaml")} == {*PRESETS}
