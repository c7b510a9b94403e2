"""PDUs as a capture that Wireshark and tshark read: IP and TCP are made up around them, with the addresses
and ports of the connection, and sequence numbers that add up.

The format is that of libpcap, LINKTYPE_RAW: packets begin with their IP header.
"""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address
from struct import pack
from typing import BinaryIO, NamedTuple

MAGIC = 0xA1B2C3D4
LINKTYPE_RAW = 101
SNAPLEN = 0x40000
IP_HEADER, TCP_HEADER = 20, 20
LONGEST = 65535 - IP_HEADER - TCP_HEADER
TTL, TCP = 64, 6
PSH_ACK = 0x18
NETWORK = int(IPv4Address("192.0.2.0"))  # for documentation: what has no IPv4 address gets one of these


class End(NamedTuple):
    """One end of a connection; a host that is no IPv4 address gets one that is made up."""

    host: str
    port: int


def begin(file: BinaryIO) -> None:
    """Write the header of a capture."""
    file.write(pack("<IHHiIII", MAGIC, 2, 4, 0, 0, SNAPLEN, LINKTYPE_RAW))


class Connection:
    """One connection; its streams begin with sequence number 1 at the first PDU that is written."""

    def __init__(self, number: int, client: End, server: End) -> None:
        self._ends = (_end(client, number, 1), _end(server, number, 2))
        self._next = [1, 1]
        self._packets = 0

    def write(self, file: BinaryIO, at: float, octets: bytes, *, from_client: bool) -> None:
        """Write octets that one end has sent at a unix second."""
        for start in range(0, len(octets), LONGEST):
            self._packet(file, at, octets[start : start + LONGEST], 0 if from_client else 1)

    def _packet(self, file: BinaryIO, at: float, octets: bytes, sender: int) -> None:
        (source, source_port), (target, target_port) = self._ends[sender], self._ends[1 - sender]
        sequence, acknowledged = self._next[sender], self._next[1 - sender]
        self._next[sender] = (sequence + len(octets)) & 0xFFFFFFFF
        self._packets += 1
        tcp = pack(
            ">HHIIBBHHH", source_port, target_port, sequence, acknowledged, 5 << 4, PSH_ACK, 0xFFFF, 0, 0
        )
        length = TCP_HEADER + len(octets)
        pseudo = source + target + pack(">BBH", 0, TCP, length)
        tcp = tcp[:16] + pack(">H", checksum(pseudo + tcp + octets)) + tcp[18:]
        ip = pack(
            ">BBHHHBBH4s4s",
            0x45,
            0,
            IP_HEADER + length,
            self._packets & 0xFFFF,
            0,
            TTL,
            TCP,
            0,
            source,
            target,
        )
        packet = ip[:10] + pack(">H", checksum(ip)) + ip[12:] + tcp + octets
        seconds = int(at)
        file.write(pack("<IIII", seconds, int((at - seconds) * 1_000_000), len(packet), len(packet)))
        file.write(packet)


def checksum(octets: bytes) -> int:
    """That of IP and TCP: the complement of the sum of 16 bits in ones' complement (RFC 1071)."""
    if len(octets) % 2:
        octets += b"\0"
    total = sum(int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _end(end: End, number: int, which: int) -> tuple[bytes, int]:
    try:
        address = ip_address(end.host)
    except ValueError:
        address = None
    if not isinstance(address, IPv4Address):
        address = IPv4Address(NETWORK + which)
    return address.packed, end.port or 1024 + number % 60_000 if which == 1 else end.port or 2775
