"""The load against simulated carriers: what is clean is found clean, and every kind of fault is found."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from simulator.load import Journal, Load, LoadOptions, Report
from simulator.smsc import Smsc

MIX = {"gsm": 60.0, "ucs2": 20.0, "long": 5.0, "long-ucs2": 5.0, "sar": 5.0, "payload": 5.0}


def load_of(smsc: Smsc, journal: Journal | None = None, **options: Any) -> Load:
    host, port = smsc.addresses("main")[0]
    given: dict[str, Any] = {
        "to": f"tcp:{host}:{port}",
        "system_id": "gateway",
        "password": "pw",
        "sessions": 2,
        "window": 20,
        "count": 200,
        "patience": 10.0,
        "linger": 0.05,
        "pause": 0.01,
        "reconnect": (0.01, 0.1),
    }
    return Load(LoadOptions(**(given | options)), reactor, journal=journal)


async def run(smsc: Smsc, **options: Any) -> Report:
    return await load_of(smsc, **options).run()


@pytest_twisted.ensureDeferred
async def test_a_clean_run_of_every_kind(begin: Any) -> None:
    smsc = await begin()
    report = await run(smsc, count=1000, shapes=MIX, sessions=4, window=100)
    assert report.ok, report.faults
    assert report.accepted == report.submits > 1000
    assert report.receipts == {"DELIVRD": report.accepted}
    assert set(report.response) == {"p50", "p90", "p99", "max"}
    assert not smsc.faults
    assert smsc.counters()["main"]["submit_sm"] == report.submits


@pytest_twisted.ensureDeferred
async def test_transmitters_and_receivers(begin: Any) -> None:
    smsc = await begin()
    report = await run(smsc, mode="split", sessions=4)
    assert report.ok, report.faults
    counters = smsc.counters()["main"]
    assert (counters["bind_transmitter"], counters["bind_receiver"]) == (2, 2)


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    "receipts",
    [
        {"style": "text", "dates": 12},
        {"style": "both", "dates": 14, "before_response": True},
        {"style": "both", "bind": "other"},
        {"style": "both", "bind": "any", "network_type": 3, "delay": {"uniform": ["1ms", "30ms"]}},
    ],
    ids=str,
)
async def test_receipts_of_every_tidy_style(begin: Any, receipts: dict[str, Any]) -> None:
    smsc = await begin(receipts={"delay": 0} | receipts)
    assert (await run(smsc)).ok


@pytest_twisted.ensureDeferred
async def test_lost_receipts_are_found(begin: Any) -> None:
    smsc = await begin(outcomes={"DELIVERED": 8, "UNDELIVERABLE": 1, "NEVER": 1})
    report = await run(smsc, patience=0.3)
    lost = smsc.counters()["main"]["open_messages"]
    assert report.lost == lost > 0
    assert report.lost_ids
    assert not report.ok
    assert set(report.receipts) == {"DELIVRD", "UNDELIV"}


@pytest_twisted.ensureDeferred
async def test_doubled_receipts_are_found(begin: Any) -> None:
    rules = [{"match": {"every": 10}, "do": {"receipts": {"copies": 2}}}]
    smsc = await begin(rules=rules)
    report = await run(smsc)
    assert report.doubled == 20
    assert report.faults == ["20 receipts doubled"]


@pytest_twisted.ensureDeferred
async def test_ids_that_were_never_given_are_found(begin: Any) -> None:
    smsc = await begin(ids={"text": "hex", "tlv": "hex"})
    report = await run(smsc, patience=0.3)
    assert report.strays == report.lost == 200


@pytest_twisted.ensureDeferred
async def test_an_id_given_twice_is_found(begin: Any) -> None:
    smsc = await begin(ids={"first": 7}, accounts={"gateway": "pw"})
    load = load_of(smsc, patience=0.3)
    load.judge.sent(0, 0.0)
    load.traffic.take(1)
    load.judge.accept(0, "8", 0.0)
    report = await load.run()
    assert report.crossed
    assert "the same message_id was given twice" in report.violations


@pytest_twisted.ensureDeferred
async def test_text_and_tlvs_that_disagree_are_found(begin: Any) -> None:
    smsc = await begin(ids={"tlv": "hex"}, receipts={"delay": 0, "stat": {"DELIVERED": "EXPIRED"}})
    report = await run(smsc, patience=0.3)
    assert report.violations == {
        "receipted_message_id is not the id of the text": 200,
        "message_state is not the stat of the text": 200,
        "dlvrd does not agree with stat": 200,
    }


@pytest_twisted.ensureDeferred
async def test_a_text_that_is_not_appendix_b_is_found(begin: Any) -> None:
    smsc = await begin(receipts={"delay": 0, "layout": "id:{id} stat:{stat}"})
    report = await run(smsc)
    assert report.violations == {"a receipt's text is not that of Appendix B": 200}


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("cut", ["fin", "reset"])
@pytest.mark.parametrize("accepted", [False, True])
async def test_lines_that_are_cut(begin: Any, cut: str, accepted: bool) -> None:
    do = {"cut": cut, "accepted": accepted}
    smsc = await begin(rules=[{"match": {"every": 40, "times": 4}, "do": do}])
    report = await run(smsc)
    assert report.ok, report.faults
    assert report.accepted == 200
    assert report.connections_lost == 4
    assert report.unanswered >= 4
    assert report.explained >= 4 * accepted


@pytest_twisted.ensureDeferred
async def test_without_resending_what_is_cut_off_is_left(begin: Any) -> None:
    smsc = await begin(rules=[{"match": {"nth": 50}, "do": {"cut": "reset"}}])
    report = await run(smsc, resend=False)
    assert report.ok, report.faults
    assert report.accepted + report.unanswered == 200


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("status", ["ESME_RTHROTTLED", "ESME_RMSGQFUL", "ESME_RSYSERR"])
async def test_what_is_put_off_is_sent_again(begin: Any, status: str) -> None:
    smsc = await begin(rules=[{"match": {"every": 10, "times": 9}, "do": {"status": status}}])
    report = await run(smsc)
    assert report.ok, report.faults
    assert (report.put_off, report.accepted) == (9, 200)


@pytest_twisted.ensureDeferred
async def test_refusals_are_counted(begin: Any) -> None:
    smsc = await begin(rules=[{"match": {"every": 2}, "do": {"status": "ESME_RINVDSTADR"}}])
    report = await run(smsc)
    assert report.ok
    assert report.refused == {"ESME_RINVDSTADR": 100}
    assert report.accepted == 100


@pytest_twisted.ensureDeferred
async def test_when_all_is_refused_the_run_is_not_good(begin: Any) -> None:
    smsc = await begin(rules=[{"do": {"status": "ESME_RINVDSTADR"}}])
    (fault,) = (await run(smsc)).faults
    assert fault.startswith("nothing was accepted: ")


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    ("do", "violation"),
    [
        ({"sequence": "wrong"}, "submit_sm_resp answers nothing"),
        ({"copies": 2}, "submit_sm_resp answers nothing"),
        ({"status": "ESME_RINVDSTADR", "body": True}, "submit_sm_resp with an error and a body"),
        ({"nack": True, "status": "ESME_RINVCMDID"}, "generic_nack to a good submit_sm"),
        ({"garbage": "00000000"}, "framing lost: command_length 0"),
    ],
    ids=str,
)
async def test_breaches_of_the_peer_are_found(begin: Any, do: dict[str, Any], violation: str) -> None:
    smsc = await begin(rules=[{"match": {"nth": 20}, "do": do}])
    report = await run(smsc, patience=0.3)
    assert report.violations[violation] == 1
    assert not report.ok


@pytest_twisted.ensureDeferred
async def test_a_peer_that_does_not_answer_enquire_link(begin: Any) -> None:
    rules = [
        {"match": {"command": "enquire_link"}, "do": {"silence": True}},
        {"match": {"nth": 100}, "do": {"silence": True}},
    ]
    smsc = await begin(rules=rules)
    report = await run(smsc, sessions=1, enquire_link=0.1)
    assert report.violations["enquire_link was not answered"] == 1
    assert report.accepted == 200


@pytest_twisted.ensureDeferred
async def test_a_peer_that_takes_leave_again_and_again(begin: Any) -> None:
    smsc = await begin(timers={"unbind": "50ms"})
    report = await run(smsc, rate=1000, count=300)
    assert report.connections_lost > 0
    assert not smsc.faults
    assert report.accepted == 300
    assert not report.violations
    assert not report.lost


@pytest_twisted.ensureDeferred
async def test_binds_refused_are_tried_again(begin: Any) -> None:
    rules = [{"match": {"command": "bind_transceiver", "times": 3}, "do": {"status": "ESME_RBINDFAIL"}}]
    smsc = await begin(rules=rules)
    report = await run(smsc)
    assert report.binds_refused == 3
    assert report.ok, report.faults


@pytest_twisted.ensureDeferred
async def test_intermediate_notifications_are_not_final(begin: Any) -> None:
    smsc = await begin(receipts={"delay": "20ms", "intermediate": 0, "when": "always"})
    report = await run(smsc)
    assert report.ok, report.faults
    assert report.intermediates == 200


@pytest_twisted.ensureDeferred
async def test_no_receipts_when_none_are_asked_for(begin: Any) -> None:
    smsc = await begin()
    report = await run(smsc, receipts="none")
    assert report.ok
    assert report.receipts == {}


@pytest_twisted.ensureDeferred
async def test_a_run_that_is_stopped_waits_for_what_is_owed(begin: Any) -> None:
    smsc = await begin(receipts={"delay": "30ms"})
    load = load_of(smsc, count=1_000_000)
    running: Deferred[Report] = Deferred.fromCoroutine(load.run())
    while load.progress.accepted < 100:
        await deferLater(reactor, 0.005)
    load.stop()
    report = await running
    assert report.ok, report.faults
    assert 100 <= report.accepted < 1_000_000


@pytest_twisted.ensureDeferred
async def test_the_journal_tells_the_whole_run(begin: Any, tmp_path: Path) -> None:
    path = tmp_path / "journals" / "bank.jsonl"
    smsc = await begin(rules=[{"match": {"nth": 100}, "do": {"cut": "reset"}}])
    load = load_of(smsc, Journal(path, lambda: 17.0))
    report = await load.run()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    receipts = 200 + report.redelivered + report.explained
    assert Counter(line["event"] for line in lines) == {"accepted": 200, "receipt": receipts, "lost": 1}
    to = {line["id"]: line["to"] for line in lines if line["event"] == "accepted"}
    assert to.items() <= {(line["id"], line["to"]) for line in lines if line["event"] == "receipt"}
    assert len(set(to.values())) == report.accepted
    assert {line["t"] for line in lines} == {17.0}


@pytest_twisted.ensureDeferred
async def test_the_seed_makes_runs_repeat(begin: Any, tmp_path: Path) -> None:
    async def ends(name: str, seed: int) -> list[tuple[str, str, str]]:
        path = tmp_path / name
        outcomes = {"DELIVERED": 5, "EXPIRED": 3, "UNDELIVERABLE": 2}
        rules = [{"match": {"chance": 0.2}, "do": {"outcome": "REJECTED"}}]
        smsc = await begin(outcomes=outcomes, rules=rules, seed=seed)
        load = load_of(smsc, Journal(path, lambda: 0.0), sessions=1, shapes=MIX)
        assert (await load.run()).ok
        lines = map(json.loads, path.read_text().splitlines())
        return sorted((line["to"], line["id"], line["stat"]) for line in lines if line["event"] == "receipt")

    first = await ends("first", 5)
    assert first == await ends("again", 5)
    assert first != await ends("other", 6)
