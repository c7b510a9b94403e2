"""The binds to carriers: kept up with capped, jittered back-off, and left politely."""

from __future__ import annotations

from typing import Any

import pytest
from relay_house import House, MakeHouse, Upstream, carrier, generation

from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import BindReceiver, BindTransceiver, BindTransmitter
from gateway.store.rows import State


def bind_of(upstream: Upstream) -> Any:
    return upstream.heard[0]


def test_what_the_bind_says(make_house: MakeHouse) -> None:
    settings = carrier(
        system_type="VMA",
        interface_version="5.0",
        address_range={"ton": 1, "npi": 2, "range": "1069"},
        binds=({"mode": "transmitter", "endpoint": "tcp:127.0.0.1:9001"},),
    )
    house = make_house(generation(carriers={"alpha": settings}))
    bind = bind_of(house.upstream())
    assert isinstance(bind, BindTransmitter)
    assert (bind.system_id, bind.password, bind.system_type) == ("gateway", "secret", "VMA")
    assert (bind.interface_version, bind.addr_ton, bind.addr_npi) == (0x50, 1, 2)
    assert bind.address_range == "1069"


def test_several_binds(make_house: MakeHouse) -> None:
    binds = (
        {"mode": "transceiver", "endpoint": "tcp:127.0.0.1:9001", "count": 2},
        {"mode": "receiver", "endpoint": "tcp:127.0.0.1:9001"},
    )
    house = make_house(generation(carriers={"alpha": carrier(binds=binds)}))
    kinds = [type(bind_of(upstream)) for upstream in house.upstreams()]
    assert sorted(kinds, key=str) == [BindReceiver, BindTransceiver, BindTransceiver]
    assert len(house.relay.dispatch.carriers["alpha"].links) == 3


def test_a_receiver_alone_takes_no_messages(make_house: MakeHouse) -> None:
    binds = (
        {"mode": "transmitter", "endpoint": "tcp:127.0.0.1:9001"},
        {"mode": "receiver", "endpoint": "tcp:127.0.0.1:9002"},
    )
    house = make_house(generation(carriers={"alpha": carrier(binds=binds)}))
    house.down.add("alpha")
    house.upstream("alpha").cut()
    house.client().submit()
    assert house.states() == [State.WAITING]


def attempts(house: House, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The moments at which the carrier is called, from now on."""
    moments: list[float] = []
    connect = house.connect

    def noted() -> bool:
        moments.extend(house.reactor.seconds() for _ in house.reactor.tcpClients)
        return connect()

    monkeypatch.setattr(house, "connect", noted)
    return moments


def test_back_off_doubles_up_to_its_cap(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = carrier(reconnect={"initial": "1s", "maximum": "8s", "jitter": 0.0})
    house = make_house(generation(carriers={"alpha": settings}))
    moments = attempts(house, monkeypatch)
    house.down.add("alpha")
    house.upstream().cut()
    start = house.reactor.seconds()
    house.advance(40, 0.25)
    pauses = [b - a for a, b in zip([start, *moments], moments, strict=False)]
    assert pauses == [1, 2, 4, 8, 8, 8, 8]
    house.down.clear()
    house.advance(10)
    assert len(house.upstreams()) == 1
    house.upstream().cut()
    house.advance(1.25, 0.25)
    assert len(house.upstreams()) == 1


def test_back_off_is_jittered(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.relay.uplink.random.uniform", lambda low, high: high)
    settings = carrier(reconnect={"initial": "2s", "maximum": "8s", "jitter": 0.5})
    house = make_house(generation(carriers={"alpha": settings}))
    house.upstream().cut()
    house.advance(2.75, 0.25)
    assert house.upstreams() == []
    house.advance(0.5, 0.25)
    assert len(house.upstreams()) == 1


def test_a_refused_bind_is_tried_again(house: House) -> None:
    house.bind_status = CommandStatus.ESME_RBINDFAIL
    house.upstream().cut()
    house.advance(3)
    (found,) = house.relay.uplinks.of("alpha")
    assert "ESME_RBINDFAIL" in found.last_error
    assert house.relay.dispatch.carriers["alpha"].links == []
    house.bind_status = 0
    house.advance(20)
    assert len(house.relay.dispatch.carriers["alpha"].links) == 1
    assert found.last_error == ""


def test_a_carrier_that_unbinds_gets_nothing_more(house: House) -> None:
    upstream = house.upstream()
    upstream.session.unbind(house.reactor.seconds())
    house.settle()
    assert house.relay.dispatch.carriers["alpha"].links == []
    house.client().submit()
    assert house.submits == []
    house.advance(3)
    assert house.states() == [State.SENT]


def test_leaving_says_unbind(house: House) -> None:
    upstream = house.upstream()
    client = house.client()
    stopped = house.leave()
    house.settle()
    assert stopped.called
    assert upstream.gone
    assert client.gone
    house.advance(120, 5)
    assert house.upstreams() == []


def test_a_carrier_that_does_not_answer_the_unbind_is_cut(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = house.upstream()
    monkeypatch.setattr(upstream, "pump", lambda: False)
    stopped = house.leave()
    house.settle()
    assert not stopped.called
    assert upstream.transport.value().endswith(b"\0\0\0\x06\0\0\0\0\0\0\0\x02")
    house.advance(6)
    assert upstream.transport.disconnecting
    monkeypatch.undo()
    house.settle()
    assert stopped.called


def test_carriers_come_and_go_with_generations(make_house: MakeHouse) -> None:
    house = make_house()
    alpha = house.upstream("alpha")
    house.reload(generation(carriers={"beta": carrier("beta")}, number=2))
    assert alpha.gone
    assert len(house.upstreams("beta")) == 1
    house.client().submit()
    assert [name for name, _ in house.submits] == ["beta"]
    same = house.upstream("beta")
    house.reload(generation(carriers={"beta": carrier("beta", window=7)}, number=3))
    assert house.upstream("beta") is same
