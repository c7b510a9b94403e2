"""Carriers that are absent, come later, go, are full or throttled; restarts and reloads of the gateway."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter

import pytest
from whole_clients import Esme, bound, handset, receipted, stat, submit
from whole_house import Build, House, Upstream, wait_until

from gateway.smpp.concat import make_sar
from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import QuerySm, Unbind

THROTTLED, SILENT, SLOW, REFUSED = "861961", "861962", "861963", "861964"
RULES = [
    {"match": {"destination": THROTTLED, "times": 5}, "do": {"status": "ESME_RTHROTTLED"}},
    {"match": {"destination": SILENT}, "do": {"delay": "1500ms"}},
    {"match": {"destination": SLOW}, "do": {"delay": "300ms", "receipts": {"delay": "300ms"}}},
    {"match": {"destination": REFUSED}, "do": {"status": "ESME_RINVDSTADR"}},
]
RETRY = {"statuses": {"ESME_RTHROTTLED": {"tries": 50, "delay": "1s", "pause": "1s"}}}


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    """Only the gateway runs at first; alpha and beta have a process each."""
    house = build(
        accounts={"bank": {"window": 1000}},
        carriers={
            "alpha": Upstream({"rules": RULES}, {"window": 10, "retry": RETRY}, "alpha"),
            "beta": Upstream({}, {"window": 500}, "beta"),
        },
        routes=[{"name": "default", "carriers": ["alpha", "beta"]}],
    )
    house.start_gateway()
    return house


def taken_by(house: House, number: str) -> list[str]:
    return [seen.carrier for seen in house.sent_to(number)]


def up(house: House, carrier: str) -> None:
    """Start a carrier and wait until it is bound."""
    house.start_carriers(carrier)
    wait_until(lambda: house.bound(carrier), f"{carrier} is bound")


def down(house: House, carrier: str) -> None:
    """Stop a carrier and wait until the gateway knows."""
    house.stop_carriers(carrier)
    wait_until(lambda: not house.bound(carrier), f"{carrier} is known to be down")


def deliver(house: House, esme: Esme, prefix: str = "86199") -> list[str]:
    """Send one message, which has to be delivered; the carriers that it was submitted to."""
    number = handset(prefix)
    assert stat(esme.receipt(esme.submit(number))) == "DELIVRD"
    return taken_by(house, number)


def test_with_no_carrier_at_the_start_messages_wait_for_the_first(house: House) -> None:
    numbers = [handset() for _ in range(20)]
    with bound(house.port) as esme:
        ids = [esme.submit(number) for number in numbers]
        assert house.status()["queue"] == 20
        assert house.status()["carriers"]["alpha"]["health"] == "down"
        up(house, "beta")
        assert {stat(esme.receipt(one)) for one in ids} == {"DELIVRD"}
    assert [taken_by(house, number) for number in numbers] == [["beta"]] * 20


def test_the_preferred_carrier_takes_over_when_it_comes(house: House) -> None:
    with bound(house.port) as esme:
        assert deliver(house, esme) == ["beta"]
        up(house, "alpha")
        assert deliver(house, esme) == ["alpha"]


def test_fail_over_and_back(house: House) -> None:
    with bound(house.port) as esme:
        for _ in range(2):
            down(house, "alpha")
            assert deliver(house, esme) == ["beta"]
            up(house, "alpha")
            assert deliver(house, esme) == ["alpha"]


def test_a_throttled_carrier_is_passed_over(house: House) -> None:
    with bound(house.port) as esme:
        assert deliver(house, esme, THROTTLED) == ["alpha", "beta"]
        assert deliver(house, esme) == ["beta"]
        wait_until(lambda: house.status()["carriers"]["alpha"]["health"] == "ready", "its pause is over")
        assert deliver(house, esme) == ["alpha"]


def test_a_full_carrier_is_passed_over(house: House) -> None:
    numbers = [handset(SILENT) for _ in range(10)]
    with bound(house.port) as esme:
        ids = [esme.response(one).message_id for one in esme.send(*map(submit, numbers))]
        wait_until(lambda: house.status()["carriers"]["alpha"]["health"] == "full", "alpha's window is full")
        assert deliver(house, esme) == ["beta"]
        assert {stat(esme.receipt(one)) for one in ids} == {"DELIVRD"}
        assert deliver(house, esme) == ["alpha"]


def test_a_permanent_refusal_is_no_reason_to_try_another(house: House) -> None:
    number = handset(REFUSED)
    with bound(house.port) as esme:
        assert stat(esme.receipt(esme.submit(number))) == "REJECTD"
    assert taken_by(house, number) == ["alpha"]


def test_a_carrier_that_goes_in_the_middle_of_traffic(house: House) -> None:
    """What it had not taken goes by the other; each message ends once."""
    numbers = [handset() for _ in range(400)]
    with bound(house.port) as esme:
        sequences = esme.send(*map(submit, numbers[:200]))
        down(house, "alpha")
        sequences += esme.send(*map(submit, numbers[200:]))
        up(house, "alpha")
        ids = [esme.response(one).message_id for one in sequences]
        ends = Counter(stat(esme.receipt(one)) for one in ids)
        assert esme.rest() == []
    assert sum(ends.values()) == 400
    assert set(ends) <= {"DELIVRD", "UNKNOWN"}
    assert all(len(house.sent_to(number)) == 1 for number in numbers[::20])


def test_sigterm_under_way_and_a_restart_that_goes_on(house: House) -> None:
    slow = [handset(SLOW) for _ in range(60)]
    waiting = [handset() for _ in range(5)]
    with bound(house.port) as esme:
        sequences = esme.send(*map(submit, slow))
        ids = [esme.response(one).message_id for one in sequences]
        ids += [esme.submit(number, schedule_delivery_time="000000000006000R") for number in waiting]
        early = _until_the_end(esme, house)
        assert isinstance(esme.other(), Unbind)  # the gateway took its leave
    with_carriers = house.captured()
    house.start_gateway()
    house.all_bound()
    with bound(house.port) as esme:
        late = [esme.receipt(one) for one in ids if one not in early]
        assert {stat(pdu) for pdu in late} == {"DELIVRD"}
        assert esme.rest() == []
        query = esme.ask(QuerySm(message_id=ids[0], source_addr_npi=1, source_addr="10690001"))
        assert (query.command_status, query.message_state) == (0, 2)
    assert {seen.pdu.destination_addr for seen in with_carriers}.isdisjoint(waiting)
    assert all(len(taken_by(house, number)) == 1 for number in slow + waiting)


def _until_the_end(esme: Esme, house: House) -> set[str]:
    """End the gateway by SIGTERM while this session reads; the ids whose receipts came before the end."""
    from threading import Thread

    stopping = Thread(target=house.stop_gateway)
    stopping.start()
    got: list[str] = []
    try:
        while True:
            got.append(receipted(esme.delivery()) or "")
    except (EOFError, ConnectionResetError, AssertionError):
        stopping.join()
    return set(got)


def test_a_restart_loses_no_outbox(house: House) -> None:
    with bound(house.port, "transmitter") as sender:
        ids = [sender.submit(handset()) for _ in range(10)]
    wait_until(lambda: house.status()["accounts"]["bank"]["outbox"] == 10, "10 receipts wait")
    house.stop_gateway()
    house.start_gateway()
    with bound(house.port) as esme:
        assert sorted(str(receipted(pdu)) for pdu in esme.exactly(10)) == sorted(ids)


def test_a_dead_letter_is_nothing_that_waits_after_a_restart(house: House) -> None:
    with bound(house.port) as esme:
        esme.answer = lambda pdu: CommandStatus.ESME_RX_P_APPN
        esme.receipt(esme.submit(handset()))
        wait_until(lambda: house.status()["accounts"]["bank"]["outbox"] == 0, "it is put aside")
        segment = submit(handset(), b"one half, ", tlvs=make_sar(11, 2, 1))
        first = esme.ask(segment).message_id
    house.stop_gateway()
    house.start_gateway()
    house.all_bound()
    assert house.status()["accounts"]["bank"]["outbox"] == 0
    with bound(house.port) as esme:  # and a long text is completed by what comes after the restart
        second = esme.ask(segment._replace(short_message=b"the other", tlvs=make_sar(11, 2, 2))).message_id
        assert {stat(esme.receipt(one)) for one in (first, second)} == {"DELIVRD"}
        assert esme.rest() == []


def test_a_second_gateway_on_the_same_state_does_not_start(house: House) -> None:
    other = subprocess.run(
        [sys.executable, "-m", "gateway", "run", "--config", str(house.config)],
        env={"WHOLE_PASSWORD": "secret12"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert other.returncode == 1, other.stderr
    assert b"Traceback" not in other.stderr


# reloads


def test_a_bad_file_keeps_what_was(house: House) -> None:
    routing = house.config / "routing.yaml"
    good = routing.read_text("utf-8")
    with bound(house.port) as esme:
        routing.write_text(good.replace("- alpha", "- alhpa"), "utf-8")
        house.signal(signal.SIGHUP)
        wait_until(lambda: "was not taken" in house.log(), "the reload is refused")
        assert "routing.yaml:4" in house.log()
        assert "alpha" in house.log().split("was not taken")[1]
        assert deliver(house, esme) == ["alpha"]
        assert house.status()["generation"] == 1
        ran = subprocess.run(
            [sys.executable, "-m", "gateway", "run", "--config", str(house.config)],
            env={"WHOLE_PASSWORD": "secret12"},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 78
        routing.write_text(good, "utf-8")
        house.signal(signal.SIGHUP)
        wait_until(lambda: house.page("readyz")[0] == 200, "the good file is in force")
        assert deliver(house, esme) == ["alpha"]


def test_a_good_file_is_in_force_for_sessions_that_are_bound(house: House) -> None:
    generation = house.status()["generation"]
    with bound(house.port) as esme:
        waits = esme.submit(handset(), schedule_delivery_time="000000000002000R")
        house.accounts["fresh"] = house.accounts["bank"] | {"numbers": ["1099"]}
        house.accounts["bank"]["filters"] = {"words": "enforce"}
        house.words = ["#: severity=reject", "casino"]
        house.routes = [{"name": "turned", "carriers": ["beta", "alpha"]}]
        house.write()
        house.signal(signal.SIGHUP)
        wait_until(lambda: house.status()["generation"] > generation, "a new generation")
        assert deliver(house, esme) == ["beta"]
        assert stat(esme.receipt(esme.submit(handset(), b"casino"))) == "REJECTD"
        assert stat(esme.receipt(waits)) == "DELIVRD"
    with bound(house.port, system_id="fresh") as fresh:
        house.tell("reply", "beta", **{"from": handset(), "to": "1099", "text": "hello"})
        assert fresh.delivery().short_message == b"hello"


def test_a_carrier_can_be_taken_out_and_put_in(house: House) -> None:
    beta = house.carriers.pop("beta")
    house.routes = [{"name": "default", "carriers": ["alpha"]}]
    generation = house.status()["generation"]
    with bound(house.port) as esme:
        house.dump("carriers.yaml", {"carriers": {"alpha": house.carriers["alpha"].configured()}})
        house.dump("routing.yaml", {"routes": house.routes})
        house.signal(signal.SIGHUP)
        wait_until(lambda: house.status()["generation"] > generation, "a new generation")
        wait_until(lambda: house.tell("counters", "beta")["carriers"]["beta"]["bound"] == 0, "it is unbound")
        assert deliver(house, esme) == ["alpha"]
        house.carriers["beta"] = beta
        house.routes = [{"name": "default", "carriers": ["beta"]}]
        house.write()
        house.signal(signal.SIGHUP)
        wait_until(lambda: house.status()["generation"] > generation + 1, "a new generation")
        house.all_bound()
        assert deliver(house, esme) == ["beta"]


def test_nobody_broke_the_protocol(house: House) -> None:
    for process in ("alpha", "beta"):
        assert house.tell("faults", process) == {"count": {}, "last": []}
