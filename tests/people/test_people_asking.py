"""Lists from the web and look-ups on real connections: services that are slow, dead, wrong, or talk without
end; and a gateway that is killed while it waits for an answer.
"""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from people_node import PeopleNode
from pytest_twisted import ensureDeferred
from testing_command import gateway
from twisted.internet import reactor
from twisted.internet.defer import TimeoutError
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.web.client import ResponseFailed
from web_lists import Asked, Web
from whole_clients import bound, err, stat, submit
from whole_house import wait_until

from gateway.relay.alarms import Alarms
from gateway.relay.clocks import Clocks, monotonic
from gateway.relay.lookups import Lookups
from gateway.settings.protection import LookupService

LISTED, CLEAR, SLOW = "8619912340001", "8619912340002", "8619912340003"
ON_FILE = "8619912340009"
BANK = "10690001"
WRONG = (ValueError, TimeoutError, ConnectError, ConnectionDone, ResponseFailed)


def registry(asked: Asked) -> None:
    """One number is another person's now, the others are on no list."""
    numbers = json.loads(asked.body)["numbers"]
    answers = {number: "reassigned" if number == LISTED else None for number in numbers}
    asked.say(200, json.dumps({"answers": answers}).encode())


def without_end(asked: Asked) -> None:
    asked.send_response(200)
    asked.end_headers()
    while True:
        asked.wfile.write(b" " * 65_536)


@pytest.fixture
def web() -> Iterator[Web]:
    server = Web(registry)
    yield server
    server.close()


@pytest.fixture
def silence() -> Iterator[threading.Event]:
    """Until it is set nobody is answered."""
    event = threading.Event()
    yield event
    event.set()


def asking(web: Web, **settings: Any) -> tuple[Lookups, LookupService]:
    clocks = Clocks(monotonic(reactor))
    service = LookupService.model_validate({"name": "registry", "url": web.url("/look"), **settings})
    return Lookups(reactor, Alarms(clocks), clocks), service


@ensureDeferred
async def test_a_question_and_its_answer(web: Web) -> None:
    lookups, service = asking(web, authorization="Bearer secret")
    body = await lookups.ask(service, b'{"numbers": ["8619912340001"]}', 5.0)
    assert json.loads(body) == {"answers": {LISTED: "reassigned"}}
    path, headers, _ = web.asked[0]
    assert (path, headers["Authorization"], headers["Content-Type"]) == (
        "/look",
        "Bearer secret",
        "application/json",
    )
    await lookups.stop()


@ensureDeferred
async def test_whatever_goes_wrong_is_an_error_in_time(web: Web, silence: threading.Event) -> None:
    lookups, service = asking(web)

    def silent(asked: Asked) -> None:
        silence.wait(20)

    def half(asked: Asked) -> None:
        asked.say(200, b'{"answers', length=100)

    for answer in (silent, half, without_end, lambda asked: asked.say(500), lambda asked: asked.say(204)):
        web.answer = answer
        with pytest.raises(WRONG):
            await lookups.ask(service, b'{"numbers": []}', 0.5)
    silence.set()
    web.close()
    with pytest.raises(WRONG):
        await lookups.ask(service, b'{"numbers": []}', 0.5)
    await lookups.stop()


@pytest.fixture(scope="module")
def sources() -> Iterator[Web]:
    """What the node asks."""
    server = Web(lambda asked: asked.say(200, f"{ON_FILE}\nnonsense\n8619912340010\n".encode()))
    yield server
    server.close()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, sources: Web) -> Iterator[PeopleNode]:
    lists = [{"name": "orders", "type": "legal_order", "url": sources.url()}]
    found = PeopleNode(tmp_path_factory.mktemp("asking"), lists=lists)
    service = {"name": "registry", "url": sources.url("/look"), "categories": [], "deadline": "3s"}
    lookup = {"mode": "enforce", "services": [{**service, "failed": "1s"}]}
    found.house.dump("filters.yaml", {"words": {"files": ["words.txt"]}, "lookup": lookup})
    try:
        yield found.start()
    finally:
        found.stop()


def command(node: PeopleNode, *arguments: str) -> subprocess.CompletedProcess[str]:
    return gateway(node.house.config, node.environ, *arguments)


def shown(node: PeopleNode) -> dict[str, Any]:
    (found,) = json.loads(command(node, "suppress", "lists", "--json").stdout)
    return dict(found)


@pytest.mark.whole_way
def test_a_list_from_the_web_is_in_force_shown_and_refreshed(node: PeopleNode, sources: Web) -> None:
    wait_until(lambda: shown(node)["entries"] == 2, "the list is fetched")
    assert (shown(node)["refused"], shown(node)["error"]) == (1, "")
    with bound(node.house.port, system_id="bank") as bank:
        message_id = bank.submit(ON_FILE, source_addr=BANK, registered_delivery=1)
        assert err(bank.receipt(message_id)) == "902"
    sources.answer = lambda asked: asked.say(200, b"")
    refused = command(node, "suppress", "refresh", "orders")
    assert (refused.returncode, "it is empty" in refused.stderr) == (1, True)
    sources.answer = lambda asked: asked.say(200, b"8619912340011\n")
    done = command(node, "suppress", "refresh", "orders", "--accept-shrink")
    assert (done.returncode, "taken, 1 added, 2 removed; 1 entries" in done.stderr) == (0, True)


@pytest.mark.whole_way
def test_messages_are_judged_by_what_the_service_answers(node: PeopleNode, sources: Web) -> None:
    sources.answer = registry
    asked = ("explain", "code", "--as", "bank", "--from", BANK, "--to", CLEAR)
    assert "registry: not known: it would be asked" in command(node, *asked).stdout
    assert "registry: clear, remembered" in command(node, *asked, "--ask").stdout
    with bound(node.house.port, system_id="bank") as bank:
        ids = [
            bank.submit(to, source_addr=BANK, registered_delivery=1)
            for to in (LISTED, CLEAR, "8619912340004")
        ]
        assert [stat(bank.receipt(message_id)) for message_id in ids] == ["REJECTD", "DELIVRD", "DELIVRD"]


@pytest.mark.whole_way
def test_a_kill_while_the_service_is_silent_loses_nothing_and_doubles_nothing(
    node: PeopleNode, sources: Web, silence: threading.Event
) -> None:
    heard = threading.Event()

    def silent(asked: Asked) -> None:
        heard.set()
        silence.wait(20)

    sources.answer = silent
    house = node.house
    with bound(house.port, system_id="bank") as bank:
        (sequence,) = bank.send(submit(SLOW, source_addr=BANK, registered_delivery=1))
        message_id = str(bank.response(sequence).message_id)
        assert heard.wait(10)
        house.stop_gateway(signal.SIGKILL)
    sources.answer = registry
    house._gateway = None
    house.stop_carriers()
    node.start()
    with bound(house.port, system_id="bank") as bank:
        assert stat(bank.receipt(message_id)) == "DELIVRD"
    assert len(house.sent_to(SLOW)) == 1
