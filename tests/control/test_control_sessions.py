"""Who is bound is listed, and unbound when somebody wants it."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest_twisted
from control_node import ControlNode
from twisted.internet.threads import deferToThread

from gateway.asking import ask
from gateway.settings.node import Node
from gateway.smpp.codec import encode
from gateway.smpp.constants import CommandId
from gateway.smpp.pdus import BindReceiver, BindTransmitter, UnbindResp
from gateway.store.audit import latest


def request(node: ControlNode, path: str, **asked: Any) -> Any:
    """What the command line asks, in a thread."""
    settings = Node(control=f"tcp:{node.port}:interface=127.0.0.1")
    return deferToThread(ask, settings, "POST", f"sessions/{path}", asked)


def bound(node: ControlNode, kind: Any) -> socket.socket:
    """A client of the account, bound."""
    port = node.gateway.ports[0].getHost().port
    line = socket.create_connection(("127.0.0.1", port), timeout=60)
    line.sendall(encode(kind(1, 0, "bank", "secret", interface_version=0x34)))
    assert line.recv(999)[8:12] == bytes(4)
    return line


def unbound(line: socket.socket) -> bool:
    """Whether the gateway unbinds, and closes once it is answered."""
    asked = line.recv(16)
    line.sendall(encode(UnbindResp(int.from_bytes(asked[12:], "big"), 0)))
    return asked[4:8] == CommandId.unbind.to_bytes(4) and line.recv(1) == b""


@pytest_twisted.ensureDeferred
async def test_sessions_are_listed_and_ended(node: ControlNode) -> None:
    sender = await deferToThread(bound, node, BindTransmitter)
    receiver = await deferToThread(bound, node, BindReceiver)
    _, listed = await request(node, "list")
    assert [
        (each["account"], each["type"], each["address"], each["version"]) for each in listed["sessions"]
    ] == [("bank", "transmitter", "127.0.0.1", "3.4"), ("bank", "receiver", "127.0.0.1", "3.4")]
    assert (await request(node, "end", account="bank", address="192.0.2.1"))[1] == {"sessions": []}
    code, ended = await request(node, "end", account="bank", note="moves house")
    assert (code, len(ended["sessions"])) == (200, 2)
    for line in (sender, receiver):
        assert await deferToThread(unbound, line)
        line.close()
    assert (await request(node, "list", account="bank"))[1] == {"sessions": []}
    (record,) = await node.gateway.store.ledger.read(latest, 1, None)
    entry = json.loads(record.entry)
    assert (record.act, entry["subject"], entry["detail"]) == (
        "sessions_end",
        "bank",
        "2 unbound: moves house",
    )
    again = await deferToThread(bound, node, BindTransmitter)
    again.close()


@pytest_twisted.ensureDeferred
async def test_an_account_that_is_not_known(node: ControlNode) -> None:
    for path in ("list", "end"):
        code, answer = await request(node, path, account="nobody")
        assert (code, answer["problem"]) == (422, "no account 'nobody' is configured")
    assert (await request(node, "end"))[0] == 422
