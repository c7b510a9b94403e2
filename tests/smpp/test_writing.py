"""Octets that go to the socket at once: in order whatever it takes, and a broken line is noticed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Connection
from twisted.internet.testing import StringTransport

from gateway.smpp.writing import write_at_once, writes_at_once


class Readiness:
    """What a reactor is asked to watch."""

    def __init__(self) -> None:
        self.writers: set[Any] = set()

    def addReader(self, reader: Any) -> None: ...

    def removeReader(self, reader: Any) -> None: ...

    def addWriter(self, writer: Any) -> None:
        self.writers.add(writer)

    def removeWriter(self, writer: Any) -> None:
        self.writers.discard(writer)


class Ends:
    """A connection on a socket that holds little, and the other end of it."""

    def __init__(self) -> None:
        ours, self.theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        for each in (ours, self.theirs):
            each.setblocking(False)
        self.reactor = Readiness()
        self.connection = Connection(ours, Protocol(), self.reactor)
        self.connection.connected = 1
        self.heard = b""

    def hear(self) -> None:
        while True:
            try:
                octets = self.theirs.recv(1 << 16)
            except BlockingIOError:
                return
            if not octets:
                return
            self.heard += octets

    def turn(self) -> None:
        """The reactor comes round."""
        if self.reactor.writers:
            why = self.connection.doWrite()
            assert why is None, why

    def close(self) -> None:
        self.connection.socket.close()
        self.theirs.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


def test_what_the_socket_takes_needs_no_reactor(ends: Ends) -> None:
    write_at_once(ends.connection, b"submit_sm_resp")
    ends.hear()
    assert ends.heard == b"submit_sm_resp"
    assert not ends.reactor.writers


def test_the_rest_is_written_when_the_peer_reads(ends: Ends) -> None:
    octets = bytes(range(256)) * 2000
    write_at_once(ends.connection, octets)
    write_at_once(ends.connection, b"behind")
    assert ends.reactor.writers
    while ends.reactor.writers:
        ends.hear()
        ends.turn()
    ends.hear()
    assert ends.heard == octets + b"behind"
    write_at_once(ends.connection, b"at once again")
    assert not ends.reactor.writers
    ends.hear()
    assert ends.heard.endswith(b"at once again")


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=30_000), st.sampled_from(["hear", "turn"]))))
def test_octets_keep_their_order(steps: list[bytes | str]) -> None:
    ends = Ends()
    try:
        for step in steps:
            if isinstance(step, bytes):
                write_at_once(ends.connection, step)
            else:
                getattr(ends, step)()
        while ends.reactor.writers:
            ends.hear()
            ends.turn()
        ends.hear()
        assert ends.heard == b"".join(step for step in steps if isinstance(step, bytes))
    finally:
        ends.close()


def test_a_line_that_is_broken_is_noticed_by_the_reactor(ends: Ends) -> None:
    ends.theirs.close()
    write_at_once(ends.connection, b"nobody hears this")
    assert ends.reactor.writers
    assert ends.connection.doWrite() is not None


def test_what_was_closed_takes_nothing(ends: Ends) -> None:
    ends.connection.connected = 0
    write_at_once(ends.connection, b"too late")
    ends.hear()
    assert ends.heard == b""


def test_only_a_bare_socket_is_written_to_at_once(ends: Ends) -> None:
    assert writes_at_once(ends.connection)
    assert not writes_at_once(StringTransport())
    ends.connection.TLS = True
    assert not writes_at_once(ends.connection)
