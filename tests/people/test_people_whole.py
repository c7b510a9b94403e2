"""The people side end to end, on real processes: a handset's STOP and START, and a night."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from people_node import PeopleNode, make_node
from testing_command import gateway
from whole_clients import Esme, bound, err, stat, submit
from whole_house import wait_until

from gateway.smpp.concat import body_of

pytestmark = pytest.mark.whole_way

HANDSET = "8619912340001"
SHOP, BANK = "10690002", "10690001"
OFFER = "【商店】新品上架".encode("utf-16-be")
CODE = "【银行】验证码 ".encode("utf-16-be")
CHINA = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Any:
    found = make_node(tmp_path_factory.mktemp("people"))
    found.at(china("2026-11-18 12:00"))
    file = found.house.directory / "consents.csv"
    file.write_text(f"number,evidence\n{HANDSET},form 7\n")
    asked = ("--tenant", "Shop", "--program", "offers", "--basis", "express")
    command(found, "consent", "import", str(file), *asked)
    yield found
    found.stop()


def china(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()


def command(node: PeopleNode, *arguments: str) -> str:
    done = gateway(node.house.config, node.environ, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def offer(shop: Esme, text: bytes = OFFER, **fields: Any) -> str:
    """The shop submits an offer; its id."""
    pdu = submit(HANDSET, source_addr=SHOP, data_coding=8, short_message=text, **fields)
    (sequence,) = shop.send(pdu)
    response = shop.response(sequence)
    assert response.command_status == 0
    return str(response.message_id)


def why(node: PeopleNode, message_id: str) -> list[tuple[str, str, str]]:
    """What the decision record of a message says: filter, action, rule. It names its generation."""
    (found,) = json.loads(command(node, "message", message_id, "--json"))
    decision = found["decision"]
    assert decision["generation"] >= 1
    refused = any(word["action"] == "refuse" for word in decision.get("words", ()))
    assert decision["verdict"] == "refuse" if refused else decision["verdict"] in ("allow", "defer")
    return [(word["filter"], word["action"], word["rule"]) for word in found["decision"].get("words", ())]


def write(node: PeopleNode, text: str) -> None:
    """The handset writes to the shop, and the gateway has answered the carrier."""
    house = node.house
    before = house.tell("counters")["carriers"]["alpha"].get("replies_delivered", 0)
    house.tell("reply", **{"from": HANDSET, "to": SHOP, "text": text, "carrier": "alpha"})
    wait_until(
        lambda: house.tell("counters")["carriers"]["alpha"].get("replies_delivered", 0) > before,
        "the reply is answered",
    )


def answers(node: PeopleNode) -> list[str]:
    """What the gateway itself has told the handset, as the carrier saw it."""
    texts = [seen.pdu.short_message.decode("utf-16-be") for seen in node.house.sent_to(HANDSET)]
    return [text for text in texts if "退订" in text]


def test_stop_and_start_of_a_handset(node: PeopleNode) -> None:
    with bound(node.house.port, system_id="shop") as shop, bound(node.house.port, system_id="bank") as bank:
        first = offer(shop)
        assert stat(shop.receipt(first)) == "DELIVRD"
        assert why(node, first) == []

        write(node, "退订")
        refused = offer(shop, OFFER + "!".encode("utf-16-be"))
        receipt = shop.receipt(refused)
        assert (stat(receipt), err(receipt)) == ("REJECTD", "901")
        assert why(node, refused) == [("suppressed", "refuse", "category_optout (replies)")]
        wait_until(lambda: answers(node), "the opt-out is confirmed")

        (sequence,) = bank.send(submit(HANDSET, source_addr=BANK, data_coding=8, short_message=CODE))
        code = bank.response(sequence).message_id
        assert stat(bank.receipt(code)) == "DELIVRD"
        assert why(node, code) == []

        node.at(china("2026-11-18 12:10"))
        write(node, "恢复订阅")
        again = offer(shop, OFFER + "?".encode("utf-16-be"))
        assert stat(shop.receipt(again)) == "DELIVRD"
        assert why(node, again) == []
        replies = [pdu for pdu in shop.rest() if not pdu.esm_class & 0x3C]
        assert [pdu.short_message.decode("utf-16-be") for pdu in replies] == ["退订", "恢复订阅"]
        wait_until(lambda: len(answers(node)) == 2, "the opt-in is confirmed")

    shown = json.loads(command(node, "consent", "show", HANDSET, "--json"))
    assert [event["kind"] for event in shown["events"]] == ["imported", "revoked", "granted"]
    assert json.loads(command(node, "consent", "verify", "--json"))["Shop"]["flaws"] == []


def test_an_offer_of_ten_in_the_evening_leaves_at_eight(node: PeopleNode) -> None:
    node.at(china("2026-11-19 22:00"))
    with bound(node.house.port, system_id="shop") as shop:
        waiting = offer(shop, "【商店】晚上好".encode("utf-16-be"))
        assert why(node, waiting) == [("quiet", "defer", "CN/promotional-hours")]
        assert not _sent(node, "晚上好")
        node.at(china("2026-11-20 07:59:57"))
        time.sleep(2.0)
        assert not _sent(node, "晚上好")
        assert stat(shop.receipt(waiting)) == "DELIVRD"
        assert _sent(node, "晚上好")
    (found,) = json.loads(command(node, "message", waiting, "--json"))
    sent = datetime.fromisoformat(found["sent"]).astimezone(CHINA)
    assert (sent.hour, sent.minute, sent.day) == (8, 0, 20)
    assert found["decision"]["verdict"] == "allow"


def test_an_opt_out_over_two_segments_of_the_handset(node: PeopleNode) -> None:
    """The simulated handset writes more than a segment holds, and the boundary goes through the phrase."""
    node.at(china("2026-11-20 12:00"))
    with bound(node.house.port, system_id="shop") as shop:
        sent = offer(shop, "【商店】又一次".encode("utf-16-be"))
        assert stat(shop.receipt(sent)) == "DELIVRD"
        before = node.house.tell("counters")["carriers"]["alpha"].get("replies_delivered", 0)
        text = "你" * 65 + "不要再发谢谢"
        node.house.tell("reply", **{"from": HANDSET, "to": SHOP, "text": text, "carrier": "alpha"})
        parts = [shop.delivery() for _ in range(2)]
        assert "".join(body_of(pdu).decode("utf-16-be") for pdu in parts) == text
        assert node.house.tell("counters")["carriers"]["alpha"]["replies_delivered"] >= before + 1
        refused = offer(shop, "【商店】再一次".encode("utf-16-be"))
        receipt = shop.receipt(refused)
        assert (stat(receipt), err(receipt)) == ("REJECTD", "901")
        assert why(node, refused) == [("suppressed", "refuse", "category_optout (replies)")]


def _sent(node: PeopleNode, text: str) -> bool:
    return any(text.encode("utf-16-be") in seen.pdu.short_message for seen in node.house.sent_to(HANDSET))


def test_no_number_is_in_the_log(node: PeopleNode) -> None:
    assert HANDSET not in Path(node.house.directory / "gateway.log").read_text("utf-8")
