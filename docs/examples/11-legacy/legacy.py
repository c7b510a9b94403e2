"""A client of SMPP 3.3 on two bare sockets: sends one text, and waits for its receipt."""

import socket
import struct
import sys

PORT = 2775
BIND_RECEIVER, BIND_TRANSMITTER, SUBMIT_SM, DELIVER_SM_RESP = 1, 2, 4, 0x80000005
VERSION = b"\x33"


def c_octets(*values: str) -> bytes:
    return b"".join(value.encode() + b"\0" for value in values)


class Session:
    def __init__(self, bind: int) -> None:
        self.line = socket.create_connection(("127.0.0.1", PORT), timeout=20)
        self.send(bind, c_octets("bank", "bankpass", "LEGACY") + VERSION + b"\0\0" + c_octets(""))
        _, status, _, _ = self.receive()
        assert status == 0, hex(status)

    def send(self, command: int, body: bytes, sequence: int = 1) -> None:
        self.line.sendall(struct.pack(">4I", 16 + len(body), command, 0, sequence) + body)

    def receive(self) -> tuple[int, int, int, bytes]:
        length, command, status, sequence = struct.unpack(">4I", self.read(16))
        return command, status, sequence, self.read(length - 16)

    def read(self, octets: int) -> bytes:
        got = b""
        while len(got) < octets:
            got += self.line.recv(octets - len(got))
        return got


def main(to: str, text: str) -> None:
    transmitter = Session(BIND_TRANSMITTER)
    print("bound as transmitter")
    receiver = Session(BIND_RECEIVER)
    print("bound as receiver")
    addresses = b"\0\0" + c_octets("10690001") + b"\1\1" + c_octets(to)
    asking_for_a_receipt = b"\0\0\0" + c_octets("", "") + b"\1\0\0\0"
    said = bytes([len(text)]) + text.encode("ascii")
    transmitter.send(SUBMIT_SM, c_octets("") + addresses + asking_for_a_receipt + said, 2)
    _, status, _, body = transmitter.receive()
    print(f"accepted as {body.rstrip(bytes(1)).decode()}" if status == 0 else f"refused, {status:#x}")
    _, _, sequence, body = receiver.receive()
    receiver.send(DELIVER_SM_RESP, b"\0", sequence)
    at = body.index(b"id:")
    end = at + body[at - 1]
    print(f"receipt {body[at:end].decode()}")
    print(f"{len(body[end:])} octets of TLVs")


if __name__ == "__main__":
    main(*sys.argv[1:])
