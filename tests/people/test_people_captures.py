"""Captures, cases and webhooks end to end: a handset complains, on real processes and sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hook_process import HookServer
from people_node import PeopleNode, make_node
from test_people_whole import HANDSET, china, command, write
from whole_clients import bound
from whole_house import wait_until

pytestmark = pytest.mark.whole_way

CAPTURES = [
    {
        "name": "complaint",
        "words": ["投诉"],
        "deadline": "30m",
        "complaint": True,
        "answer": "【商店】已收到",
    },
    {"name": "return of goods", "words": ["退货"], "deadline": "2h"},
]


@pytest.fixture(scope="module")
def hook() -> Iterator[HookServer]:
    found = HookServer()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, hook: HookServer) -> Iterator[PeopleNode]:
    directory = tmp_path_factory.mktemp("captures")
    secret = directory / "hook.key"
    secret.write_text("a key of the tests\n")
    webhook = {
        "url": hook.url,
        "secret": f"${{file:{secret}}}",
        "events": ["case", "opt_out", "receipt", "alarm"],
        "numbers": "full",
        "first": "200ms",
        "longest": "1s",
    }
    found = make_node(directory, captures=CAPTURES, webhooks={"crm": webhook})
    found.at(china("2026-11-18 12:00"))
    yield found
    found.stop()


def cases(node: PeopleNode) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(command(node, "case", "list", "--json"))
    return found


def test_a_complaint_is_a_case_told_answered_relayed_overdue_and_closed(
    node: PeopleNode, hook: HookServer
) -> None:
    with bound(node.house.port, system_id="shop") as shop:
        write(node, "我要投诉！")
        write(node, "怎么退货？")
        wait_until(lambda: hook.types().count("case.opened") == 2, "the webhook is told")
        relayed = [pdu.short_message.decode("utf-16-be") for pdu in shop.exactly(2)]
    assert relayed == ["我要投诉！", "怎么退货？"]
    opened = [event["data"] for event in hook.events if event["type"] == "case.opened"]
    assert [(each["rule"], each["number"], each["complaint"]) for each in opened] == [
        ("complaint", HANDSET, True),
        ("return of goods", HANDSET, False),
    ]
    assert opened[0]["reply"] == "我要投诉！"
    wait_until(
        lambda: any(
            "已收到".encode("utf-16-be") in seen.pdu.short_message for seen in node.house.sent_to(HANDSET)
        ),
        "the handset is answered",
    )

    node.at(china("2026-11-18 12:31"))
    wait_until(lambda: "case.overdue" in hook.types(), "the case is overdue")
    wait_until(lambda: "alarm.raised" in hook.types(), "an alarm is told")
    assert "ALARM case_overdue, complaint (Shop)" in command(node, "status")
    (late, _) = sorted(cases(node), key=lambda case: case["id"])
    command(node, "case", "close", str(late["id"]), "--by", "desk", "--note", "called back")
    wait_until(lambda: "case.closed" in hook.types(), "the end is told")
    closed = next(event["data"] for event in hook.events if event["type"] == "case.closed")
    assert (closed["id"], closed["closed_by"], closed["note"]) == (late["id"], "desk", "called back")
    wait_until(lambda: not json.loads(node.house.page("status")[1])["alarms"], "the alarm is over")


def test_a_kill_loses_no_call(node: PeopleNode, hook: HookServer) -> None:
    hook.status = 503
    before = len(hook.events)
    write(node, "退货 again")
    gateway = node.house._gateway
    assert gateway is not None
    gateway.kill()
    gateway.wait()
    node.start_gateway()
    hook.status = 200
    wait_until(lambda: hook.types()[before:].count("case.opened") >= 1, "told after the kill")
    assert hook.events[-1]["data"]["reply"] == "退货 again"
    listed = json.loads(command(node, "webhook", "list", "--json"))
    assert [(each["name"], each["given_up"]) for each in listed["webhooks"]] == [("crm", 0)]
