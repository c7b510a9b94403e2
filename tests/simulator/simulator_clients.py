"""Two blocking clients for the tests, each run in a thread: smpplib, and bare octets on a socket."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any, TypeVar

import smpplib.client
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from gateway.smpp.codec import decode, encode
from gateway.smpp.framing import Framer
from gateway.smpp.pdus import (
    BindTransceiver,
    DeliverSm,
    DeliverSmResp,
    Pdu,
    SubmitSm,
)
from simulator.smsc import Smsc

SOURCE, HANDSET = "10690001", "8619912340001"
PATIENCE = 60.0

T = TypeVar("T")


def port_of(smsc: Smsc, carrier: str = "main") -> int:
    return smsc.addresses(carrier)[0][1]


def with_smpplib(
    smsc: Smsc, script: Callable[[Any], T], mode: str = "transceiver", carrier: str = "main", **bind: Any
) -> Deferred[T]:
    """Run a script with a bound smpplib client, in a thread."""
    port = port_of(smsc, carrier)

    def talk() -> T:
        client = smpplib.client.Client("127.0.0.1", port, timeout=PATIENCE, allow_unknown_opt_params=True)
        client.connect()
        client.set_message_sent_handler(lambda pdu: None)
        client.set_message_received_handler(lambda pdu: None)
        try:
            getattr(client, f"bind_{mode}")(**({"system_id": "gateway", "password": "pw"} | bind))
            result = script(client)
            client.unbind()
        finally:
            client.disconnect()
        return result

    return deferToThread(talk)


def send_by_smpplib(client: Any, text: bytes = b"hello", **fields: Any) -> Any:
    """Send a message and return its response; what comes before it is answered and thrown away."""
    given = {
        "source_addr": SOURCE,
        "destination_addr": HANDSET,
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "short_message": text,
        "registered_delivery": 1,
    }
    client.send_message(**(given | fields))
    return next_of(client, "submit_sm_resp")


def next_of(client: Any, command: str) -> Any:
    """The next PDU of a kind; deliver_sm is answered."""
    while True:
        pdu = client.read_pdu()
        if pdu.command == "deliver_sm":
            client._message_received(pdu)
        elif pdu.command == "enquire_link":
            client._enquire_link_received(pdu)
        if pdu.command == command:
            return pdu


class Raw:
    """A socket that speaks PDUs, and can be made to speak anything."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._framer = Framer(1 << 31)
        self._frames: list[bytes] = []

    def write(self, *pdus: Pdu | bytes) -> None:
        self._socket.sendall(b"".join(pdu if isinstance(pdu, bytes) else encode(pdu) for pdu in pdus))

    def bind(self, bind: Pdu | None = None) -> Pdu:
        self.write(bind or BindTransceiver(1, system_id="gateway", password="pw"))
        return self.read()

    def frame(self) -> bytes:
        """The next frame. Raises EOFError when the line was closed, ConnectionResetError when reset."""
        while not self._frames:
            self._frames += self._framer.feed(self.octets())
        return self._frames.pop(0)

    def octets(self) -> bytes:
        """Whatever comes next."""
        data = self._socket.recv(65536)
        if not data:
            raise EOFError
        return data

    def read(self) -> Pdu:
        return decode(self.frame())

    def read_all(self, count: int) -> list[Pdu]:
        return [self.read() for _ in range(count)]

    def answer(self, pdu: Pdu, status: int = 0) -> None:
        assert isinstance(pdu, DeliverSm)
        self.write(DeliverSmResp(pdu.sequence_number, status))

    def read_to_the_end(self) -> None:
        """Read until the line is closed."""
        while self._socket.recv(65536):
            pass

    def close(self) -> None:
        self._socket.close()

    def reset(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


def with_socket(
    smsc: Smsc, script: Callable[[Raw], T], bound: bool = True, carrier: str = "main"
) -> Deferred[T]:
    """Run a script with a bare socket, bound as a transceiver unless told otherwise, in a thread."""
    port = port_of(smsc, carrier)

    def talk() -> T:
        raw = Raw(port)
        try:
            if bound:
                assert raw.bind().command_status == 0
            return script(raw)
        finally:
            raw.close()

    return deferToThread(talk)


async def all_gone(smsc: Smsc) -> None:
    """Until the simulator, too, knows that every line is closed."""
    while any(carrier.binds for carrier in smsc.carriers.values()):
        await deferLater(reactor, 0.01)


def submit(
    sequence_number: int, destination: str = HANDSET, text: bytes = b"hello", **fields: Any
) -> SubmitSm:
    """A submit_sm that asks for a receipt."""
    return SubmitSm(
        sequence_number=sequence_number,
        source_addr_npi=1,
        source_addr=fields.pop("source_addr", SOURCE),
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=destination,
        registered_delivery=fields.pop("registered_delivery", 1),
        short_message=text,
        **fields,
    )
