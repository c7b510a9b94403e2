"""The control line, and the whole program as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from simulator_clients import HANDSET, SOURCE, Raw, next_of, submit, with_smpplib, with_socket
from testing_ports import free_ports
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol

from gateway.smpp.codec import decode, encode
from gateway.smpp.framing import Framer
from gateway.smpp.pdus import BindReceiver, Outbind, Unbind, UnbindResp
from simulator.endpoints import check_client, listen, stop_listening
from simulator.smsc import Smsc
from simulator.smsc.control import ControlError, ControlFactory, ask


async def control_of(smsc: Smsc) -> tuple[Any, str]:
    port = await listen(reactor, "tcp:0:interface=127.0.0.1", ControlFactory(smsc, reactor))
    return port, f"tcp:127.0.0.1:{port.getHost().port}"


@pytest_twisted.ensureDeferred
async def test_what_can_be_asked(begin: Any) -> None:
    smsc = await begin(others={"second": {}})
    port, line = await control_of(smsc)
    arguments = {"from": HANDSET, "to": SOURCE, "text": "退订", "carrier": "second"}
    assert await ask(reactor, line, "reply", **arguments) == {"segments": 1}
    pdu = await with_smpplib(smsc, lambda client: next_of(client, "deliver_sm"), carrier="second")
    assert pdu.short_message == "退订".encode("utf-16-be")
    await with_socket(
        smsc, lambda raw: raw.write(submit(2, registered_delivery=0), submit(2)) or raw.read_all(2)
    )
    counters = await ask(reactor, line, "counters")
    assert counters["carriers"]["second"]["replies_sent"] == 1
    assert counters["faults"] == 2
    faults = await ask(reactor, line, "faults")
    assert sum(faults["count"].values()) == len(faults["last"]) == 2
    assert await ask(reactor, line, "unbind") == {"unbound": 0}
    assert await ask(reactor, line, "alert", **{"from": HANDSET, "esme": SOURCE}) == {}
    await stop_listening(port)


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("how", ["fin", "reset"])
async def test_lines_are_cut_on_request(begin: Any, how: str) -> None:
    smsc = await begin()

    def script(raw: Raw) -> None:
        with pytest.raises((EOFError, ConnectionResetError)):
            raw.octets()

    waiting = with_socket(smsc, script)
    while smsc.counters()["main"]["bound"] == 0:
        await ask_counters(smsc)
    assert smsc.cut(how=how) == 1
    await waiting


async def ask_counters(smsc: Smsc) -> None:
    port, line = await control_of(smsc)
    await ask(reactor, line, "counters")
    await stop_listening(port)


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    ("do", "arguments", "words"),
    [
        ("dance", {}, "no command"),
        ("reply", {"from": "1", "to": "2", "text": "x", "carrier": "gamma"}, "no carrier"),
        ("reply", {"from": "1", "to": "2", "text": "x", "account": "nobody"}, "no account"),
        ("reply", {"from": "1"}, "KeyError"),
        ("cut", {"connection": 99}, "no connection"),
        ("outbind", {"to": "tcp:127.0.0.1:1"}, "Connection"),
    ],
)
async def test_what_cannot_be_done_is_said(
    begin: Any, do: str, arguments: dict[str, Any], words: str
) -> None:
    port, line = await control_of(await begin())
    with pytest.raises(ControlError, match=words):
        await ask(reactor, line, do, **arguments)
    await stop_listening(port)


class OutboundEsme(Protocol):
    """An ESME that waits to be called, and binds when it is."""

    heard: list[Any]

    def connectionMade(self) -> None:
        self.heard = []
        self.framer = Framer(1000)

    def dataReceived(self, data: bytes) -> None:
        for frame in self.framer.feed(data):
            pdu = decode(frame)
            self.heard.append(pdu)
            assert self.transport is not None
            if isinstance(pdu, Outbind):
                self.transport.write(encode(BindReceiver(1, system_id="gateway", password="pw")))
            elif isinstance(pdu, Unbind):
                self.transport.write(encode(UnbindResp(pdu.sequence_number)))


@pytest_twisted.ensureDeferred
async def test_outbind(begin: Any) -> None:
    smsc = await begin()
    links: list[OutboundEsme] = []

    class Esme(Factory):
        def buildProtocol(self, addr: Any) -> OutboundEsme:
            links.append(OutboundEsme())
            return links[-1]

    port = await listen(reactor, "tcp:0:interface=127.0.0.1", Esme())
    await smsc.outbind(reactor, f"tcp:127.0.0.1:{port.getHost().port}")
    while smsc.counters()["main"]["bound"] == 0:
        await ask_counters(smsc)
    assert links[0].heard[0] == Outbind(1, system_id="gateway", password="pw")
    await stop_listening(port)
    await smsc.stop()


# The program


def simulator(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simulator", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


@pytest.fixture
def carrier(tmp_path: Path) -> Iterator[tuple[str, str, Path]]:
    """`simulator smsc` as a process: its endpoint, its control line, its capture."""
    port, control = free_ports(2)
    profile = tmp_path / "carrier.yaml"
    profile.write_text(
        f"control: tcp:{control}:interface=127.0.0.1\n"
        f"carriers:\n  alpha:\n    listen: tcp:{port}:interface=127.0.0.1\n"
        "    accounts: {gateway: pw}\n    receipts: {delay: 10ms}\n"
    )
    capture = tmp_path / "capture.jsonl"
    command = [
        sys.executable,
        "-m",
        "simulator",
        "smsc",
        "--profile",
        str(profile),
        "--capture",
        str(capture),
    ]
    environ = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        assert f"listens on 127.0.0.1:{port}" in process.stdout.readline()
        assert "control line" in process.stdout.readline()
        yield f"tcp:127.0.0.1:{port}", f"tcp:127.0.0.1:{control}", capture
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 0
    assert "no breach of the protocol seen" in rest


def test_the_program(carrier: tuple[str, str, Path], tmp_path: Path) -> None:
    to, control, capture = carrier
    journal = tmp_path / "journal.jsonl"
    options = ["--to", to, "--as", "gateway", "--password", "pw", "--count", "500", "--sessions", "2"]
    ran = simulator("load", *options, "--mix", "gsm=9,long=1", "--json", "--capture", str(journal))
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert report["ok"]
    assert report["accepted"] == report["receipts"]["DELIVRD"] >= 500
    assert len(journal.read_text().splitlines()) == 2 * report["accepted"]
    replied = simulator("reply", "--control", control, "--from", HANDSET, "--to", SOURCE, "STOP")
    assert json.loads(replied.stdout) == {"segments": 1}
    counters = json.loads(simulator("counters", "--control", control, "--json").stdout)["carriers"]["alpha"]
    assert counters["accepted"] == report["accepted"]
    assert counters["waiting_deliveries"] == 1
    assert "submit sm" in simulator("counters", "--control", control).stdout
    assert json.loads(simulator("tell", "--control", control, "cut", "how=fin").stdout) == {"cut": 0}
    frames = [line for line in capture.read_text().splitlines() if '"hex"' in line]
    assert len(frames) >= 4 * report["accepted"]


def test_the_program_for_people(carrier: tuple[str, str, Path]) -> None:
    to = carrier[0]
    ran = simulator("load", "--to", to, "--as", "gateway", "--password", "pw", "--count", "50")
    assert ran.returncode == 0, ran.stderr
    assert "exactly one receipt" in ran.stdout
    assert "50/50" in ran.stderr


def test_a_load_that_finds_fault_fails(carrier: tuple[str, str, Path]) -> None:
    ran = simulator("load", "--to", carrier[0], "--as", "gateway", "--password", "bad", "--patience", "0.2")
    assert ran.returncode == 1
    assert "nothing was accepted" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["smsc", "--profile", "none.yaml"], 2, "none.yaml"),
        (["load", "--mix", "gms"], 2, "no kind of message"),
        (["load", "--mode", "half"], 2, "half"),
        (["counters", "--control", "tcp:127.0.0.1:1"], 1, "refused"),
    ],
    ids=str,
)
def test_what_people_can_mend_is_told_in_a_line(arguments: list[str], code: int, words: str) -> None:
    ran = simulator(*arguments)
    assert (ran.returncode, len(ran.stderr.splitlines())) == (code, 1)
    assert words in ran.stderr


@pytest_twisted.ensureDeferred
async def test_what_is_no_simulator_is_told_in_a_sentence() -> None:
    class Greeting(Protocol):
        def connectionMade(self) -> None:
            self.transport.write(b"220 mail ready\r\n")  # type: ignore[union-attr]

    port = await listen(reactor, "tcp:0:interface=127.0.0.1", Factory.forProtocol(Greeting))
    with pytest.raises(ControlError, match="no simulator"):
        await ask(reactor, f"tcp:127.0.0.1:{port.getHost().port}", "faults")
    await stop_listening(port)


@pytest.mark.parametrize("endpoint", ["nonsense", "tcp", "tcp:host:port", "tls:"])
def test_what_is_no_endpoint_is_refused_before_it_begins(endpoint: str) -> None:
    with pytest.raises(ValueError, match="no client endpoint"):
        check_client(endpoint)
