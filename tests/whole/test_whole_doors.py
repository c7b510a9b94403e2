"""The doors: TLS, the PROXY protocol, who may bind, and what a bad peer gets for an answer."""

from __future__ import annotations

import socket
import ssl
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from whole_clients import Esme, bound, handset, stat, submit
from whole_house import PATIENCE, Build, House, Upstream, wait_until

from gateway.smpp.codec import encode
from gateway.smpp.constants import CommandId, CommandStatus
from gateway.smpp.pdus import BindReceiver, BindTransceiver, DeliverSm, EnquireLink, GenericNack, QuerySm

BINDFAIL = CommandStatus.ESME_RBINDFAIL


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key of its own and a certificate for localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(scope="module")
def house(build: Build, certificate: Path) -> House:
    tls = f"ssl:{{port}}:interface=127.0.0.1:privateKey={certificate}:certKey={certificate}"
    house = build(
        accounts={
            "bank": {},
            "inside": {"networks": ["10.1.0.0/16"]},
            "writer": {"bind_types": ["transmitter"]},
            "single": {"sessions": 1},
            "own": {"sources": ["1069*", "BANK"]},
            "slow": {"rate": {"per_second": 20, "burst": 10}},
        },
        carriers={
            "alpha": Upstream(),
            "tls": Upstream(listen=tls, endpoint=f"tls:localhost:{{port}}:trustRoots={certificate.parent}"),
            "impostor": Upstream(listen=tls, endpoint="tls:localhost:{port}"),
        },
        routes=[
            {"name": "tls", "match": {"destination": ["8615"]}, "carriers": ["tls"]},
            {"name": "default", "carriers": ["alpha"]},
        ],
        node={
            "timers": {
                "session_init": "1s",
                "partial_pdu": "1s",
                "enquire_link": "1s",
                "response": "1s",
            },
            "limits": {"bind_failures": 1000},
        },
        extra_doors=[tls, "haproxy:tcp:{port}:interface=127.0.0.1"],
    )
    house.start_carriers()
    house.start_gateway()
    wait_until(lambda: house.bound("alpha") and house.bound("tls"), "the honest carriers are bound")
    return house


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


# TLS


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_text_over_tls(house: House, certificate: Path, version: ssl.TLSVersion) -> None:
    context = trusting(certificate)
    context.minimum_version = context.maximum_version = version
    plain = socket.create_connection(("127.0.0.1", house.doors[0]), timeout=PATIENCE)
    with Esme(0, context.wrap_socket(plain, server_hostname="localhost")) as esme:
        assert esme.bind().command_status == 0
        assert stat(esme.receipt(esme.submit(handset()))) == "DELIVRD"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_1_1_is_refused(house: House, certificate: Path) -> None:
    context = trusting(certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    plain = socket.create_connection(("127.0.0.1", house.doors[0]), timeout=PATIENCE)
    with plain, pytest.raises(ssl.SSLError, match=r"(?i)protocol|version"):
        context.wrap_socket(plain, server_hostname="localhost")


def test_plain_octets_at_the_tls_door_harm_nobody(house: House) -> None:
    with Esme(house.doors[0]) as esme:
        esme.send(BindTransceiver(system_id="bank", password="x"))
        assert esme.ended()
    bound(house.port).close()


# the PROXY protocol


def proxied(house: House, line: bytes) -> Esme:
    esme = Esme(house.doors[1])
    esme.socket.sendall(line)
    return esme


def test_the_proxys_word_on_the_address_counts(house: House) -> None:
    with proxied(house, b"PROXY TCP4 10.1.2.3 10.0.0.1 40000 2775\r\n") as esme:
        assert esme.bind(system_id="inside").command_status == 0
        assert stat(esme.receipt(esme.submit(handset()))) == "DELIVRD"
    with proxied(house, b"PROXY TCP4 192.0.2.1 10.0.0.1 40000 2775\r\n") as esme:
        assert esme.bind(system_id="inside").command_status == BINDFAIL
    assert "10.1.2.3" in house.log()


def test_version_2_of_the_proxy_protocol(house: House) -> None:
    addresses = bytes((10, 1, 9, 9, 10, 0, 0, 1)) + struct.pack(">HH", 40000, 2775)
    header = b"\r\n\r\n\0\r\nQUIT\n" + bytes((0x21, 0x11)) + struct.pack(">H", len(addresses)) + addresses
    with proxied(house, header) as esme:
        assert esme.bind(system_id="inside").command_status == 0


def test_without_its_line_nobody_passes(house: House) -> None:
    with proxied(house, b"") as esme:
        esme.send(BindTransceiver(system_id="bank", password="secret12"))
        assert esme.ended()


def test_the_plain_door_does_not_believe_it(house: House) -> None:
    with Esme(house.port) as esme:
        assert esme.bind(system_id="inside").command_status == BINDFAIL


# who may bind


@pytest.mark.parametrize(
    ("system_id", "password", "mode", "reason"),
    [
        ("nobody", "secret12", "transceiver", "unknown system_id"),
        ("bank", "wrong", "transceiver", "wrong password"),
        ("bank", "", "transceiver", "wrong password"),
        ("writer", "secret12", "receiver", "may not bind as receiver"),
    ],
)
def test_the_reason_is_in_the_log_and_never_in_the_answer(
    house: House, system_id: str, password: str, mode: str, reason: str
) -> None:
    with Esme(house.port) as esme:
        response = esme.bind(mode, system_id=system_id, password=password)
        assert response.command_status == BINDFAIL
        assert esme.ended()
    assert reason in house.log()
    assert "secret12" not in house.log()


def test_no_more_sessions_than_allowed(house: House) -> None:
    with bound(house.port, system_id="single"), Esme(house.port) as other:
        assert other.bind(system_id="single").command_status == BINDFAIL
    wait_until(lambda: house.status()["accounts"]["single"]["sessions"] == 0, "it is gone")
    bound(house.port, system_id="single").close()


def test_who_does_not_bind_has_to_go(house: House) -> None:
    with Esme(house.port) as esme:
        esme.ping()
        assert esme.ended()


def test_a_second_bind_is_refused_and_the_session_stays(house: House) -> None:
    with bound(house.port) as esme:
        response = esme.ask(BindReceiver(system_id="bank", password="secret12"))
        assert response.command_status == CommandStatus.ESME_RALYBND
        assert stat(esme.receipt(esme.submit(handset()))) == "DELIVRD"


def test_source_addresses_are_checked(house: House) -> None:
    with bound(house.port, system_id="own") as esme:
        for source in ("10690077", "BANK"):
            esme.receipt(esme.submit(handset(), source_addr=source))
        for source in ("1070", "BANKER", ""):
            response = esme.ask(submit(handset(), source_addr=source))
            assert response.command_status == CommandStatus.ESME_RINVSRCADR


def test_far_over_the_rate_is_throttled_and_a_little_over_slowed(house: House) -> None:
    with bound(house.port, system_id="slow") as esme:
        sequences = esme.send(*[submit(handset()) for _ in range(60)])
        answers = [esme.response(one).command_status for one in sequences]
        accepted = answers.count(0)
        assert set(answers) == {0, CommandStatus.ESME_RTHROTTLED}
        assert 10 <= accepted < 60
        esme.exactly(accepted)


def test_more_than_the_window_at_once_is_throttled(house: House) -> None:
    with bound(house.port) as esme:
        sequences = esme.send(*[submit(handset()) for _ in range(150)])
        answers = [esme.response(one).command_status for one in sequences]
        assert answers[:100] == [0] * 100
        assert CommandStatus.ESME_RTHROTTLED in answers[100:]
        esme.exactly(answers.count(0))


def test_a_client_that_answers_no_enquire_link_has_gone(house: House) -> None:
    with bound(house.port) as esme, bound(house.port) as silent:
        silent.socket.settimeout(3 * PATIENCE)
        for _ in range(5):
            assert esme.rest(0.5) == []  # reading, it answers
        assert silent.ended()
        esme.ping()


# carriers behind TLS


def test_a_carrier_by_tls(house: House) -> None:
    number = handset("8615")
    with bound(house.port) as esme:
        assert stat(esme.receipt(esme.submit(number))) == "DELIVRD"
    assert [seen.carrier for seen in house.sent_to(number)] == ["tls"]


def test_a_carrier_whose_certificate_is_not_trusted_gets_nothing(house: House) -> None:
    assert house.bound("impostor") == 0
    wait_until(lambda: "certificate" in house.status()["carriers"]["impostor"]["error"], "it says why")
    assert house.captured("bind_transceiver", carrier="impostor") == []


# bad peers


def test_the_wrong_state(house: House) -> None:
    with Esme(house.port) as esme:
        assert esme.ask(submit(handset())).command_status == CommandStatus.ESME_RINVBNDSTS
    with bound(house.port, "receiver") as esme:
        assert esme.ask(submit(handset())).command_status == CommandStatus.ESME_RINVBNDSTS
        assert esme.ask(QuerySm(message_id="1")).command_status == CommandStatus.ESME_RINVBNDSTS
        esme.ping()
    with bound(house.port) as esme:
        assert esme.ask(DeliverSm()).command_status == CommandStatus.ESME_RINVBNDSTS
        esme.ping()


def test_an_unknown_command_and_a_broken_body_leave_the_session_alive(house: House) -> None:
    with bound(house.port) as esme:
        esme.socket.sendall(struct.pack(">IIII", 16, 0x0000ABCD, 0, 0x80000001))
        nack = esme.response(0x80000001)
        assert isinstance(nack, GenericNack)
        assert nack.command_status == CommandStatus.ESME_RINVCMDID
        esme.socket.sendall(struct.pack(">IIII", 20, CommandId.submit_sm, 0, 77) + b"abcd")
        assert esme.response(77).command_status != 0
        assert stat(esme.receipt(esme.submit(handset()))) == "DELIVRD"


@pytest.mark.parametrize(
    "start", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0\0\0\x0f" + b"\0" * 12, b"\xff" * 16]
)
@pytest.mark.parametrize("first", [True, False])
def test_framing_that_is_lost_ends_the_session(house: House, start: bytes, first: bool) -> None:
    with Esme(house.port) if first else bound(house.port) as esme:
        esme.socket.sendall(start)
        assert esme.ended()
    bound(house.port).close()


def test_a_pdu_that_never_ends_ends_the_session(house: House) -> None:
    with bound(house.port) as esme:
        esme.socket.sendall(encode(submit(handset()))[:-3])
        assert esme.ended()


def test_a_hundred_connections_that_say_nothing_stop_nobody(house: House) -> None:
    idle = [socket.create_connection(("127.0.0.1", house.port)) for _ in range(100)]
    with bound(house.port) as esme:
        assert stat(esme.receipt(esme.submit(handset()))) == "DELIVRD"
    for one in idle:
        one.close()


def test_enquire_link_before_and_after_the_bind(house: House) -> None:
    with Esme(house.port) as esme:
        for number in (0, 1, 0xFFFFFFFF):
            esme.socket.sendall(encode(EnquireLink(number)))
            assert esme.response(number).command_status == 0
        assert esme.bind().command_status == 0
        esme.ping()
