"""Two blocking clients: smpplib, which we did not write, and bare PDUs on a socket for what it cannot do."""

from __future__ import annotations

import itertools
import re
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import smpplib.client
import smpplib.exceptions
from whole_house import PASSWORD, PATIENCE

from gateway.smpp.codec import decode, encode, find_tlv
from gateway.smpp.constants import RESPONSE, Tag
from gateway.smpp.framing import Framer
from gateway.smpp.pdus import (
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    SubmitSm,
    SubmitSmResp,
)

SOURCE = "10690001"
QUIET = 0.25
BINDS: dict[str, Any] = {
    "transceiver": BindTransceiver,
    "receiver": BindReceiver,
    "transmitter": BindTransmitter,
}
Answer = Callable[[DeliverSm], int | None]
P = TypeVar("P")

_numbers = itertools.count(1)


def handset(prefix: str = "86199") -> str:
    """A made-up number that no test has used yet."""
    return f"{prefix}{next(_numbers):0{13 - len(prefix)}d}"


def submit(destination: str, text: bytes = b"hello", **fields: Any) -> SubmitSm:
    """A submit_sm that asks for a receipt."""
    given: dict[str, Any] = {
        "source_addr_npi": 1,
        "source_addr": SOURCE,
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": destination,
        "registered_delivery": 1,
        "short_message": text,
    }
    return SubmitSm(**(given | fields))


class Esme:
    """One connection. deliver_sm are answered as `answer` says (None: not at all) when they are read."""

    def __init__(self, port: int, connection: socket.socket | None = None) -> None:
        self.socket = connection or socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.answer: Answer = lambda pdu: 0
        self.frames: dict[int, bytes] = {}
        self._framer = Framer(1 << 20)
        self._sequence = itertools.count(1)
        self._responses: dict[int, Pdu] = {}
        self._deliveries: deque[DeliverSm] = deque()
        self._others: deque[Pdu] = deque()

    def __enter__(self) -> Esme:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Go without a word."""
        self.socket.close()

    def bind(self, mode: str = "transceiver", **fields: Any) -> Any:
        """Bind; returns the response."""
        given = {"system_id": "bank", "password": PASSWORD} | fields
        return self.ask(BINDS[mode](**given))

    def send(self, *pdus: Pdu) -> list[int]:
        """Send requests in one write; returns their sequence numbers."""
        numbered = [pdu._replace(sequence_number=next(self._sequence)) for pdu in pdus]
        frames = {pdu.sequence_number: encode(pdu) for pdu in numbered}
        self.frames |= frames
        self.socket.sendall(b"".join(frames.values()))
        return list(frames)

    def ask(self, pdu: Pdu) -> Any:
        """Send a request; returns its response."""
        (sequence_number,) = self.send(pdu)
        return self.response(sequence_number)

    def response(self, sequence_number: int) -> Any:
        """The response to a request."""
        return self._wait(lambda: self._responses.pop(sequence_number, None), f"response {sequence_number}")

    def submit(self, destination: str, text: bytes = b"hello", **fields: Any) -> str:
        """Submit a message, which has to be accepted; returns its id."""
        response = self.ask(submit(destination, text, **fields))
        assert isinstance(response, SubmitSmResp)
        assert response.command_status == 0, hex(response.command_status)
        return response.message_id

    def delivery(self, wanted: Callable[[DeliverSm], bool] = lambda pdu: True) -> DeliverSm:
        """The next deliver_sm that is wanted; the others are kept."""

        def find() -> DeliverSm | None:
            for pdu in self._deliveries:
                if wanted(pdu):
                    self._deliveries.remove(pdu)
                    return pdu
            return None

        return self._wait(find, "deliver_sm")

    def receipt(self, message_id: str) -> DeliverSm:
        """The receipt of a message."""
        return self.delivery(lambda pdu: receipted(pdu) == message_id)

    def other(self) -> Any:
        """The next request that is neither deliver_sm nor enquire_link."""
        return self._wait(lambda: self._others.popleft() if self._others else None, "another PDU")

    def rest(self, seconds: float = QUIET) -> list[DeliverSm]:
        """All deliver_sm that are there or come until nothing came for a while."""
        while self._read(seconds):
            pass
        found = list(self._deliveries)
        self._deliveries.clear()
        return found

    def exactly(self, count: int) -> list[DeliverSm]:
        """So many deliver_sm, and no more for a while."""
        self._wait(lambda: True if len(self._deliveries) >= count else None, f"{count} deliver_sm")
        found = self.rest()
        assert len(found) == count
        return found

    def ended(self) -> bool:
        """Read until the gateway closes the line."""
        self.socket.settimeout(PATIENCE)
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def ping(self) -> None:
        """An enquire_link and its answer: the session lives."""
        assert isinstance(self.ask(EnquireLink()), EnquireLinkResp)

    def _wait(self, find: Callable[[], P | None], what: str) -> P:
        deadline = time.monotonic() + PATIENCE
        while (found := find()) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                there = [receipted(pdu) or pdu.short_message for pdu in self._deliveries]
                raise AssertionError(f"no {what}; there are {there}")
        return found

    def _read(self, seconds: float) -> bool:
        """Read once and sort what came; False if nothing came in time. Raises EOFError."""
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(1 << 18)
        except TimeoutError:
            return False
        if not data:
            raise EOFError
        for frame in self._framer.feed(data):
            self._sort(decode(frame))
        return True

    def _sort(self, pdu: Pdu) -> None:
        if pdu.command_id & RESPONSE:
            self._responses[pdu.sequence_number] = pdu
        elif isinstance(pdu, DeliverSm):
            self._deliveries.append(pdu)
            status = self.answer(pdu)
            if status is not None:
                self.socket.sendall(encode(DeliverSmResp(pdu.sequence_number, status)))
        elif isinstance(pdu, EnquireLink):
            self.socket.sendall(encode(EnquireLinkResp(pdu.sequence_number)))
        elif not isinstance(pdu, GenericNack):
            self._others.append(pdu)


def bound(port: int, mode: str = "transceiver", **fields: Any) -> Esme:
    """A connection that is bound."""
    esme = Esme(port)
    response = esme.bind(mode, **fields)
    assert response.command_status == 0, hex(response.command_status)
    return esme


def receipted(pdu: DeliverSm) -> str | None:
    """The message id of a receipt, by its TLV or else by its text."""
    tlv = find_tlv(pdu.tlvs, Tag.receipted_message_id)
    if tlv is not None:
        return tlv.rstrip(b"\0").decode()
    found = re.match(rb"id:(\S+)", pdu.short_message)
    return found[1].decode() if found and pdu.esm_class & 0x3C else None


def stat(pdu: DeliverSm) -> str:
    """The `stat` of a receipt's text."""
    found = re.search(rb"stat:(\w+)", pdu.short_message)
    assert found is not None, pdu
    return found[1].decode()


def err(pdu: DeliverSm) -> str:
    """The `err` of a receipt's text."""
    found = re.search(rb"err:(\S+)", pdu.short_message)
    assert found is not None, pdu
    return found[1].decode()


class Legacy:
    """A legacy system: smpplib, bound."""

    def __init__(self, port: int, mode: str = "transceiver", system_id: str = "bank", **bind: Any) -> None:
        self.client = smpplib.client.Client(
            "127.0.0.1", port, timeout=PATIENCE, allow_unknown_opt_params=True
        )
        self.client.connect()
        self.sent: dict[int, bytes] = {}
        self.responses: dict[int, Any] = {}
        self.deliveries: list[Any] = []
        self.client.set_message_sent_handler(lambda pdu: self.responses.update({pdu.sequence: pdu}))
        self.client.set_error_pdu_handler(lambda pdu: self.responses.update({pdu.sequence: pdu}))
        self.client.set_message_received_handler(self._received)
        getattr(self.client, f"bind_{mode}")(system_id=system_id, password=PASSWORD, **bind)

    def __enter__(self) -> Legacy:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.client.unbind()
        finally:
            self.client.disconnect()

    def submit(self, destination: str, text: bytes = b"hello", **fields: Any) -> str:
        """Submit a message, which has to be accepted; returns its id."""
        response = self.try_submit(destination, text, **fields)
        assert response.status == 0, response.status
        return str(response.message_id.decode())

    def try_submit(self, destination: str, text: bytes = b"hello", **fields: Any) -> Any:
        """Submit a message; returns the response."""
        given = {
            "source_addr": SOURCE,
            "source_addr_npi": 1,
            "destination_addr": destination,
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "short_message": text,
            "registered_delivery": 1,
        }
        pdu = self.client.send_message(**(given | fields))
        self.sent[pdu.sequence] = pdu.generate()
        return self.until(lambda: self.responses.get(pdu.sequence), "submit_sm_resp")

    def receipt(self, message_id: str) -> Any:
        """The receipt of a message."""
        return self.until(
            lambda: next((pdu for pdu in self.deliveries if _legacy_id(pdu) == message_id), None),
            f"receipt of {message_id}",
        )

    def until(self, find: Callable[[], Any], what: str) -> Any:
        """Read until something is found."""
        deadline = time.monotonic() + PATIENCE
        while (found := find()) is None:
            left = deadline - time.monotonic()
            assert left > 0, f"no {what}"
            self.client.read_once(auto_send_enquire_link=False)
        return found

    def _received(self, pdu: Any) -> int:
        self.deliveries.append(pdu)
        return 0


def _legacy_id(pdu: Any) -> str:
    return (pdu.receipted_message_id or b"").rstrip(b"\0").decode()
