"""The records beside a running gateway: searched, shown whole on record, and held against a carrier's file
that is made of what the simulated carrier has captured.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from whole_clients import Esme, handset
from whole_house import PASSWORD, Build, House, Upstream, wait_until

from gateway.cli import app
from gateway.smpp.receipts import parse_receipt

STATEMENT = {"id": "ID", "time": "AT", "state": "STAT", "states": {}}


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    return build(
        accounts={"bank": {}},
        carriers={"alpha": Upstream(settings={"statement": STATEMENT})},
        routes=[{"name": "default", "carriers": ["alpha"]}],
    ).start()


def run(house: House, *arguments: str, code: int = 0) -> str:
    environ = {"WHOLE_PASSWORD": PASSWORD, "LOGNAME": "ann"}
    done = CliRunner(env=environ).invoke(app, [*arguments, "--config", str(house.config)])
    assert done.exit_code == code, done.stderr
    return str(done.stdout)


def statement(house: House) -> list[str]:
    """What the carrier counts: its answers and its receipts, as it captured them."""
    ended: dict[str, str] = {}
    for seen in house.captured("deliver_sm", "out"):
        receipt = parse_receipt(seen.pdu)
        assert receipt is not None
        assert receipt.message_id is not None
        ended[receipt.message_id] = str(receipt.stat)
    at = datetime.now(UTC).isoformat()
    taken = [seen.pdu.message_id for seen in house.captured("submit_sm_resp", "out")]
    return [f"{message_id},{at},{ended[message_id]}" for message_id in taken]


def test_the_carriers_own_captures_agree_with_the_records(house: House, tmp_path: Path) -> None:
    number = handset()
    with Esme(house.port) as esme:
        assert esme.bind().command_status == 0
        for message_id in [esme.submit(number) for _ in range(5)]:
            esme.receipt(message_id)

    def found(*asked: str) -> list[dict[str, Any]]:
        said = CliRunner().invoke(
            app, ["messages", "--number", number, "--json", *asked, "--config", str(house.config)]
        )
        return [json.loads(line) for line in said.stdout.splitlines()]

    assert len(wait_until(lambda: found("--state", "delivered")[4:] and found(), "all are delivered")) == 5
    whole = run(house, "messages", "--number", number, "--json", "--unmask", "--purpose", "complaint 17")
    assert [json.loads(line)["to"] for line in whole.splitlines()] == [number] * 5
    (record,) = json.loads(run(house, "audit", "list", "--act", "unmask", "--json"))
    assert (record["actor"], record["subject"]) == ("ann", "records of messages")

    file = tmp_path / "alpha.csv"
    until = datetime.fromtimestamp(time.time() + 60, UTC).isoformat()
    asked = ("cdr", "reconcile", str(file), "--carrier", "alpha", "--since", "1h", "--until", until, "--json")
    lines = statement(house)
    file.write_text("\n".join(["ID,AT,STAT", *lines]) + "\n")
    agreed = json.loads(run(house, *asked))
    assert (agreed["theirs"], agreed["ours"], agreed["agreed"]) == (5, 5, 5)

    lines[0] = lines[0].replace("DELIVRD", "UNDELIV")
    lines[1] = lines[1].replace(",", "x,", 1)
    file.write_text("\n".join(["ID,AT,STAT", *lines]) + "\n")
    differences = json.loads(run(house, *asked, code=1))["differences"]
    assert differences == {"other state": 1, "only ours": 1, "only theirs": 1}
