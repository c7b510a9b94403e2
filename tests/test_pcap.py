"""Captures as other programs read them: by a strict reader of our own, and by tshark, which .ci/run
installs; elsewhere where there is one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from struct import unpack, unpack_from
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import pcap
from gateway.smpp.codec import encode
from gateway.smpp.pdus import DeliverSm, EnquireLink, EnquireLinkResp, SubmitSm, SubmitSmResp
from gateway.traces import Capture

CLIENT, SERVER = ["10.1.2.3", 40001], ["10.1.2.4", 2775]


class Packet(NamedTuple):
    """One packet of a capture."""

    at: float
    source: tuple[str, int]
    target: tuple[str, int]
    sequence: int
    acknowledged: int
    octets: bytes


def packets(path: Path) -> Iterator[Packet]:
    """All packets, whose checksums and lengths have to be right."""
    octets = path.read_bytes()
    magic, major, minor, _, _, longest, link = unpack_from("<IHHiIII", octets)
    assert (magic, major, minor, link) == (0xA1B2C3D4, 2, 4, 101)
    at = 24
    while at < len(octets):
        seconds, micros, kept, length = unpack_from("<IIII", octets, at)
        assert kept == length <= longest
        packet = octets[at + 16 : at + 16 + kept]
        at += 16 + kept
        assert packet[0] == 0x45
        assert unpack(">H", packet[2:4])[0] == length
        assert pcap.checksum(packet[:20]) == 0
        tcp = packet[20:]
        assert pcap.checksum(packet[12:20] + b"\0\x06" + len(tcp).to_bytes(2, "big") + tcp) == 0
        source_port, target_port, sequence, acknowledged = unpack(">HHII", tcp[:12])
        yield Packet(
            seconds + micros / 1e6,
            (str(IPv4Address(packet[12:16])), source_port),
            (str(IPv4Address(packet[16:20])), target_port),
            sequence,
            acknowledged,
            tcp[20:],
        )


def seen(
    octets: bytes, *, came: bool, at: float = 1_790_000_000.25, link: int = 1, server: bool = True
) -> dict:
    peer, here = (CLIENT, SERVER) if server else (SERVER, CLIENT)
    return {
        "at": at, "link": link, "peer": peer, "here": here, "server": server, "came": came,
        "octets": octets.hex(),
    }  # fmt: skip


SUBMIT = encode(SubmitSm(7, source_addr="10690001", destination_addr="861****0001", short_message=b"*" * 20))
ANSWER = encode(SubmitSmResp(7, 0, "0000000001"))


def test_sequence_numbers_add_up_on_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "trace.pcap"
    with Capture(path) as capture:
        for _ in range(2):
            capture.write(seen(SUBMIT, came=True))
            capture.write(seen(ANSWER, came=False))
        capture.write(seen(SUBMIT, came=False, link=2, server=False))  # to a carrier: we are the client
    found = list(packets(path))
    assert [packet.octets for packet in found] == [SUBMIT, ANSWER, SUBMIT, ANSWER, SUBMIT]
    there, back = len(SUBMIT), len(ANSWER)
    assert [(packet.sequence, packet.acknowledged) for packet in found] == [
        (1, 1), (1, 1 + there), (1 + there, 1 + back), (1 + back, 1 + 2 * there), (1, 1),
    ]  # fmt: skip
    assert [packet.source[0] for packet in found] == [CLIENT[0], SERVER[0]] * 2 + [CLIENT[0]]
    assert found[0].at == 1_790_000_000.25
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "trace.pcap"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        Capture(path)


def test_what_is_longer_than_a_packet_goes_in_several(tmp_path: Path) -> None:
    path = tmp_path / "long.pcap"
    octets = bytes(range(256)) * 400
    with Capture(path) as capture:
        capture.write(seen(octets, came=True))
    found = list(packets(path))
    assert len(found) == 2
    assert b"".join(packet.octets for packet in found) == octets


@pytest.mark.parametrize("host", ["::1", "local", "/run/gateway.sock", ""])
def test_hosts_without_an_ipv4_address_get_one(tmp_path: Path, host: str) -> None:
    path = tmp_path / "other.pcap"
    with Capture(path) as capture:
        capture.write(seen(SUBMIT, came=True) | {"peer": [host, 0], "here": [host, 0]})
    (packet,) = packets(path)
    assert packet.source[0] != packet.target[0]
    assert packet.source[1] > 0 < packet.target[1]


@given(st.binary(max_size=70))
def test_a_checksum_checks(octets: bytes) -> None:
    even = octets + b"\0" * (len(octets) % 2)
    assert pcap.checksum(even + pcap.checksum(even).to_bytes(2, "big")) == 0


@pytest.mark.skipif(
    shutil.which("tshark") is None and os.environ.get("CI") != "true", reason="no tshark here"
)
def test_tshark_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "trace.pcap"
    pdus = [
        (SUBMIT, True), (ANSWER, False), (encode(EnquireLink(8)), True), (encode(EnquireLinkResp(8)), False),
        (encode(DeliverSm(3, source_addr="861****0001", esm_class=4, short_message=b"id:1")), False),
    ]  # fmt: skip
    with Capture(path) as capture:
        for octets, came in pdus:
            capture.write(seen(octets, came=came))
    fields = ("smpp.command_id", "smpp.sequence_number", "smpp.destination_addr", "_ws.malformed")
    wanted = [argument for field in fields for argument in ("-e", field)]
    done = subprocess.run(
        ["tshark", "-r", str(path), "-T", "fields", "-o", "tcp.check_checksum:TRUE", *wanted],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [int(line[0], 0) for line in lines] == [0x4, 0x80000004, 0x15, 0x80000015, 0x5]
    assert [int(line[1], 0) for line in lines] == [7, 7, 8, 8, 3]
    assert lines[0][2] == "861****0001"
    assert not any(line[3] for line in lines)
