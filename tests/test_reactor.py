"""The reactor serves what is ready, and a fault of one descriptor is its own."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.logger import LogEvent, globalLogPublisher

from gateway.reactor import Reactor


class Reader:
    """One end of a socket pair; `reads` is what it does when there is something to be read."""

    def __init__(self, reactor: Reactor, reads: Callable[[Reader], object]) -> None:
        self.reactor = reactor
        self.socket, self.other = socket.socketpair()
        self.heard: list[bytes] = []
        self.lost: list[Any] = []
        self.reads = reads
        reactor.addReader(self)

    def fileno(self) -> int:
        return self.socket.fileno()

    def logPrefix(self) -> str:
        return "reader"

    def doRead(self) -> None:
        self.heard.append(self.socket.recv(100))
        self.reads(self)

    def connectionLost(self, reason: Any) -> None:
        self.lost.append(reason)

    def close(self) -> None:
        self.reactor.removeReader(self)
        self.socket.close()
        self.other.close()


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    made = Reactor()
    yield made
    made.removeAll()
    made._poller.close()


def test_what_is_ready_is_served(reactor: Reactor) -> None:
    readers = [Reader(reactor, lambda each: None) for _ in range(3)]
    readers[0].other.send(b"a")
    readers[2].other.send(b"c")
    reactor.doPoll(1.0)
    assert [each.heard for each in readers] == [[b"a"], [], [b"c"]]
    reactor.doPoll(0.0)
    assert [each.heard for each in readers] == [[b"a"], [], [b"c"]]
    for each in readers:
        each.close()


def test_a_fault_costs_its_own_descriptor(reactor: Reactor) -> None:
    def fail(reader: Reader) -> None:
        raise ZeroDivisionError("of this reader")

    seen: list[LogEvent] = []
    failing, other = Reader(reactor, fail), Reader(reactor, lambda each: None)
    globalLogPublisher.addObserver(seen.append)
    try:
        for each in (failing, other):
            each.other.send(b"x")
        reactor.doPoll(1.0)
    finally:
        globalLogPublisher.removeObserver(seen.append)
    assert len(failing.lost) == 1
    assert other.heard == [b"x"]
    assert other.lost == []
    assert [event["failure"].type for event in seen if event.get("isError")] == [ZeroDivisionError]
    for each in (failing, other):
        each.close()


def test_what_the_one_before_has_closed_is_not_served(reactor: Reactor) -> None:
    readers: list[Reader] = []

    def close_the_others(reader: Reader) -> None:
        for each in readers:
            if each is not reader:
                reactor.removeReader(each)

    readers += [Reader(reactor, close_the_others) for _ in range(2)]
    for each in readers:
        each.other.send(b"x")
    reactor.doPoll(1.0)
    assert sorted(len(each.heard) for each in readers) == [0, 1]
    for each in readers:
        each.close()
