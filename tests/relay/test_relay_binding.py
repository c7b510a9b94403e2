"""Who may bind: every refusal for who is asking is ESME_RBINDFAIL, and the reason is known to us alone."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted
from relay_house import Client, House, MakeHouse, account, generation, name_of
from twisted.internet import reactor
from twisted.internet.task import deferLater

from gateway.relay.binding import Lockout
from gateway.relay.clocks import Clocks
from gateway.relay.server import range_takes
from gateway.settings.models import Limits
from gateway.settings.secrets import hash_password
from gateway.smpp.constants import Tag
from gateway.smpp.pdus import BindReceiver, BindTransceiver, BindTransmitter

REACTOR: Any = reactor


def one(**settings: Any) -> Any:
    return generation(
        accounts={"bank": account(**settings)}, limits={"bind_failures": 3, "bind_lockout": "30s"}
    )


def said(client: Client) -> str:
    return name_of(client.bound.command_status)  # type: ignore[attr-defined]


def refused(house: House) -> dict[str, int]:
    return dict(house.relay.binding.refused)


@pytest.mark.parametrize("kind", [BindTransmitter, BindReceiver, BindTransceiver])
@pytest.mark.parametrize("version", [0x00, 0x33, 0x34, 0x50])
def test_granted(house: House, kind: type[Any], version: int) -> None:
    client = house.client(kind=kind, version=version)
    assert said(client) == "ESME_ROK"
    bound = client.bound  # type: ignore[attr-defined]
    assert bound.system_id == "node"
    assert [tlv.tag for tlv in bound.tlvs] == ([Tag.sc_interface_version] if version >= 0x34 else [])


@pytest.mark.parametrize(
    ("settings", "attempt", "reason"),
    [
        ({}, {"system_id": "nobody"}, "unknown system_id"),
        ({}, {"password": "wrong"}, "wrong password"),
        ({}, {"password": ""}, "wrong password"),
        ({"networks": ["10.0.0.0/8"]}, {"address": "192.168.1.1"}, "address not allowed"),
        ({"networks": ["10.0.0.0/8"]}, {"address": "local"}, "address not allowed"),
        ({"bind_types": ["receiver"]}, {}, "may not bind as transceiver"),
        ({"bind_types": ["transceiver"]}, {"kind": BindTransmitter}, "may not bind as transmitter"),
    ],
)
def test_refused(make_house: MakeHouse, settings: Any, attempt: Any, reason: str) -> None:
    house = make_house(one(**settings))
    client = house.client(**attempt)
    assert said(client) == "ESME_RBINDFAIL"
    assert client.gone
    assert refused(house) == {reason: 1}
    assert house.relay.accounts.get("bank").sessions == []  # type: ignore[union-attr]


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"])
def test_allowed_networks(make_house: MakeHouse, address: str) -> None:
    house = make_house(one(networks=["10.0.0.0/8", "2001:db8::/32"]))
    assert said(house.client(address=address)) == "ESME_ROK"


def test_the_most_sessions(make_house: MakeHouse) -> None:
    house = make_house(one(sessions=2))
    clients = [house.client() for _ in range(3)]
    assert [said(client) for client in clients] == ["ESME_ROK", "ESME_ROK", "ESME_RBINDFAIL"]
    assert refused(house) == {"too many sessions": 1}
    clients[0].cut()
    assert said(house.client()) == "ESME_ROK"


def test_too_many_sessions_are_no_guesses(make_house: MakeHouse) -> None:
    """A pool of one connection too many must not shut out the others of its address."""
    house = make_house(one(sessions=1))
    first = house.client()
    for _ in range(10):
        house.client()
    assert refused(house) == {"too many sessions": 10}
    first.cut()
    assert said(house.client()) == "ESME_ROK"


def test_draining(house: House) -> None:
    house.relay.binding.draining = True
    assert said(house.client()) == "ESME_RBINDFAIL"
    assert refused(house) == {"draining": 1}


def test_an_account_that_was_removed(make_house: MakeHouse) -> None:
    house = make_house(generation(accounts={"bank": account(), "shop": account()}))
    client = house.client("bank")
    house.reload(generation(accounts={"shop": account()}, number=2))
    assert client.gone
    assert said(house.client("bank")) == "ESME_RBINDFAIL"
    assert said(house.client("shop")) == "ESME_ROK"
    house.reload(generation(accounts={"bank": account(), "shop": account()}, number=3))
    assert said(house.client("bank")) == "ESME_ROK"


def test_repeated_failures_are_shut_out_ever_longer(make_house: MakeHouse) -> None:
    house = make_house(one())
    for _ in range(3):
        house.client(password="wrong", address="10.0.0.1")
    assert said(house.client(address="10.0.0.1")) == "ESME_RBINDFAIL"
    assert refused(house) == {"wrong password": 3, "locked out after repeated failures": 1}
    assert said(house.client(address="10.0.0.2")) == "ESME_ROK"
    house.advance(31)
    house.client(password="wrong", address="10.0.0.1")
    house.advance(31)
    assert said(house.client(address="10.0.0.1")) == "ESME_RBINDFAIL"
    house.advance(31)
    assert said(house.client(address="10.0.0.1")) == "ESME_ROK"
    house.client(password="wrong", address="10.0.0.1")
    assert said(house.client(address="10.0.0.1")) == "ESME_ROK"


def test_what_is_remembered_of_failures_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.relay.binding.WATCHED", 2)
    lockout = Lockout(Clocks(house.reactor))
    limits = Limits.model_validate({"bind_failures": 1, "bind_lockout": "10s"})
    for address in ("a", "b", "c"):
        lockout.failed(address, limits)
    assert [lockout.locked(address) for address in ("a", "b", "c")] == [False, True, True]


@pytest.mark.parametrize(
    ("address_range", "address", "takes"),
    [
        ("1069", "10690001", True),
        ("^1069", "10690001", True),
        ("1069", "210690001", False),
        ("1069|222", "2220", True),
        ("106[0-5]", "10690001", False),
        ("106[0-9]{5}$", "10690001", True),
        ("[", "[1", True),
        ("[", "1", False),
    ],
)
def test_address_ranges(address_range: str, address: str, takes: bool) -> None:
    assert range_takes(address_range, address) is takes


def test_no_more_connections_than_the_node_may_have(make_house: MakeHouse) -> None:
    house = make_house(generation(limits={"connections": 2}))
    house.client()
    house.client()
    assert house.relay.server.buildProtocol(None) is None
    assert house.relay.server.counts["turned_away"] == 1


@pytest_twisted.inlineCallbacks  # type: ignore[untyped-decorator]
def test_hashes_are_verified_off_the_reactor_and_remembered(make_house: MakeHouse) -> Any:
    """With real threads: the second bind is answered at once."""
    house = make_house(one(password=hash_password("secret")))
    binding = house.relay.binding
    binding.reactor = REACTOR

    for password, status in (("wrong", "ESME_RBINDFAIL"), ("secret", "ESME_ROK")):
        client = Client(house)
        number = client.send(BindTransceiver(system_id="bank", password=password))
        house.settle()
        assert number not in client.answers
        while number not in client.answers:
            yield deferLater(REACTOR, 0.01)
            house.settle()
        assert name_of(client.answers[number].command_status) == status
    assert said(house.client()) == "ESME_ROK"
    bank = house.relay.accounts.get("bank")
    assert bank is not None
    assert (len(bank.sessions), bank.binding) == (2, 0)


@pytest_twisted.inlineCallbacks  # type: ignore[untyped-decorator]
def test_a_client_that_leaves_while_its_password_is_verified(make_house: MakeHouse) -> Any:
    house = make_house(one(password=hash_password("secret")))
    house.relay.binding.reactor = REACTOR
    client = Client(house)
    client.send(BindTransceiver(system_id="bank", password="secret"))
    house.settle()
    bank = house.relay.accounts.get("bank")
    assert bank is not None
    assert bank.binding == 1
    client.cut()
    while bank.binding:
        yield deferLater(REACTOR, 0.01)
    house.settle()
    assert bank.sessions == []
    assert bank.outbox.receivers == []
