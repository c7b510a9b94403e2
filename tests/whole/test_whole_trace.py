"""A running gateway is watched by the command line: live, masked, on record where it is not, and as pcap."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from whole_clients import Esme, handset
from whole_house import PASSWORD, Build, House, Upstream, call, wait_until

from gateway.cli import app
from gateway.smpp.codec import decode
from gateway.smpp.pdus import SubmitSm

TEXT = b"the code is 482913"


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    return build(
        accounts={"bank": {}, "shop": {}},
        carriers={"alpha": Upstream()},
        routes=[{"name": "default", "carriers": ["alpha"]}],
    ).start()


class Watch:
    """`gateway trace` in a process of its own."""

    def __init__(self, house: House, *arguments: str) -> None:
        self._files = [house.directory / f"trace.{kind}" for kind in ("out", "err")]
        with self._files[0].open("wb") as out, self._files[1].open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "trace", *arguments, "--config", str(house.config)],
                env={**os.environ, "WHOLE_PASSWORD": PASSWORD, "LOGNAME": "ann"},
                stdout=out,
                stderr=err,
            )
        wait_until(lambda: "watching" in self.err or self._process.poll() is not None, "it watches")

    @property
    def out(self) -> str:
        return self._files[0].read_text("utf-8")

    @property
    def err(self) -> str:
        return self._files[1].read_text("utf-8")

    def ended(self, code: int = 0) -> str:
        """What it has told when it is over."""
        assert self._process.wait(60) == code, self.err
        return self.out


def submit(house: House, number: str, account: str = "bank") -> None:
    with Esme(house.port) as esme:
        assert esme.bind(system_id=account).command_status == 0
        esme.receipt(esme.submit(number, TEXT))


def test_an_account_is_watched_masked(house: House) -> None:
    number = handset()
    watch = Watch(house, "--account", "bank", "--count", "6", "--json")
    submit(house, number, "shop")
    submit(house, number)
    told: list[Any] = [json.loads(line) for line in watch.ended().splitlines()]
    assert [each["pdu"]["command"] for each in told] == [
        "bind_transceiver",
        "bind_transceiver_resp",
        "submit_sm",
        "submit_sm_resp",
        "deliver_sm",
        "deliver_sm_resp",
    ]
    assert "its count is reached" in watch.err
    for secret in (
        number,
        number.encode().hex(),
        "482913",
        b"482913".hex(),
        PASSWORD,
        PASSWORD.encode().hex(),
    ):
        assert secret not in watch.out
    assert told[2]["pdu"]["text"] == "*" * len(TEXT)
    assert "stat:DELIVRD" in told[4]["pdu"]["text"]


def test_whole_pdus_are_shown_only_when_that_is_on_record(house: House) -> None:
    number = handset()
    asked = ["trace", "--number", number, "--unmask", "--config", str(house.config)]
    refused = CliRunner().invoke(app, asked)
    assert refused.exit_code == 2
    assert "purpose" in refused.stderr
    watch = Watch(house, "--number", number, "--unmask", "--purpose", "complaint 17", "--count", "4")
    submit(house, number)
    told = watch.ended()
    assert f'destination_addr="{number}"' in told
    assert TEXT.decode() in told
    (record,) = json.loads(call(house, "audit", "list", "--act", "unmask", "--json")[0])
    assert (record["actor"], record["purpose"]) == ("ann", "complaint 17")
    assert record["subject"] == "a trace of a number"
    assert number not in json.dumps(record)


def test_a_carrier_is_watched_into_a_capture(house: House, tmp_path: Path) -> None:
    number, path = handset(), tmp_path / "alpha.pcap"
    watch = Watch(house, "--carrier", "alpha", "--count", "4", "--pcap", str(path))
    submit(house, number)
    assert watch.ended() == ""
    octets = path.read_bytes()
    assert number.encode() not in octets
    length = int.from_bytes(octets[32:36], "little")
    pdu = decode(octets[40 + 40 : 40 + length])
    assert isinstance(pdu, SubmitSm)
    assert pdu.destination_addr == f"{number[:3]}****{number[-4:]}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--account", "nobody"), "there is no account 'nobody'"),
        (("--carrier", "gamma"), "there is no carrier 'gamma'"),
        ((), "one of account, carrier and number"),
        (("--account", "bank", "--carrier", "alpha"), "one of account, carrier and number"),
        (("--account", "bank", "--for", "2h"), "seconds must be above 0 and at most 600"),
        (("--number", "shop"), "a number is its digits"),
    ],
)
def test_what_cannot_be_watched_is_said(house: House, arguments: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(app, ["trace", *arguments, "--config", str(house.config)])
    assert done.exit_code == 2
    assert said in done.stderr


def test_so_many_at_once_and_who_goes_away_makes_room(house: House) -> None:
    def ask() -> tuple[http.client.HTTPConnection, int]:
        connection = http.client.HTTPConnection("127.0.0.1", house.control, timeout=60)
        asked = json.dumps({"account": "bank"})
        connection.request("POST", "/trace", asked, {"content-type": "application/json"})
        answer = connection.getresponse()
        if answer.status == 200:
            assert json.loads(answer.readline())["begin"] == "account bank"
        return connection, answer.status

    watching = [ask() for _ in range(4)]
    assert [status for _, status in watching] == [200] * 4
    assert ask()[1] == 422
    for connection, _ in watching:
        assert connection.sock is not None
        connection.sock.close()
        connection.close()
    wait_until(lambda: ask()[1] == 200, "there is room again")
    quick = Watch(house, "--account", "bank", "--for", "100ms")
    quick.ended()
    assert "its time is over" in quick.err
