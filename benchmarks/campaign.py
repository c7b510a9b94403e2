"""The configuration of a national campaign, of a stated size, and its parts as processes of this machine.

Everything that is promised is on: SQLite at synchronous=FULL, sensitive words, lists of numbers, consents,
quiet hours, caps, templates, decision records, metrics. The load maker and the carrier are `load/peer.c`,
built with the machine's C compiler, which cost a few microseconds a message. All numbers are made up.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = Path(__file__).parent
ROOT = HERE.parent
TICKS = os.sysconf("SC_CLK_TCK")
PASSWORD = "shoppass"
CHINA, AUSTRALIA = 8_619_900_000_000, 61_491_570_000
GSM = (
    "Example Shop: 20% off all shoes this week at shop.example.com. Reply STOP to opt out",
    "Example Shop: new coats have come in, members pay half on Friday. Reply STOP to opt out",
)
OWN_GSM = (
    "Example Shop: ######## gets 20% off all shoes at shop.example.com. Reply STOP to opt out",
    "Example Shop: ######## has first choice of the new coats on Friday. Reply STOP to opt out",
)
OWN_CHINESE = (
    "【示例商店】########您好，周末全场八折，满二百元再减三十元，新会员进店即送精美礼品一份，详情请见店内海报，欢迎光临选购，拒收请回复R",
    "【示例商店】########您好，秋季新款大衣已经到店，凭本条短信可享七五折，每位限购两件，数量有限先到先得，期待您的光临，拒收请回复R",
)
"""Texts in which each # becomes a letter or a name of the message's own: no two are the same."""
CHINESE = (
    "【示例商店】周末全场八折，满二百元再减三十元，新会员进店即送精美礼品一份，详情请见店内海报或致电咨询，欢迎光临本店选购，拒收请回复R",
    "【示例商店】秋季新款大衣已经到店，老顾客凭本条短信可享七五折，每位限购两件，数量有限先到先得，期待您与家人光临，拒收请回复R",
)


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the campaign's tables are."""

    words: int = 100_000
    suppressed: int = 1_000_000
    consents: int = 1_000_000
    templates: int = 20
    accounts: int = 2
    carriers: int = 2
    rules: int = 2
    store: str = ""
    """A URL; empty: SQLite in the campaign's directory."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def built_peer(directory: Path) -> Path:
    """The load maker and carrier, built from source. Raises SystemExit where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise SystemExit("the load maker is written in C: install a compiler (Debian: gcc libc6-dev)")
    peer = directory / "peer"
    command = [compiler, "-O2", "-o", str(peer), str(HERE / "load" / "peer.c")]
    if subprocess.run([*command, "-DTLS", "-lssl", "-lcrypto"], capture_output=True, check=False).returncode:
        subprocess.run(command, check=True)  # without OpenSSL's headers (Debian: libssl-dev) no TLS
    return peer


def certificate(path: Path) -> None:
    """A key and a certificate of its own for localhost, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=2))
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(private + made.sign(key, hashes.SHA256()).public_bytes(encoding))


def texts(path: Path, gsm: Sequence[str] = GSM, chinese: Sequence[str] = CHINESE) -> None:
    """The texts of the campaign for the load maker, half short GSM and half 70-character Chinese."""
    lines = []
    for english, chinese_text in zip(gsm, chinese, strict=True):
        lines.append(f"0 {AUSTRALIA} {english.encode('ascii').hex()}")
        lines.append(f"8 {CHINA} {chinese_text[:70].encode('utf-16-be').hex()}")
    path.write_text("\n".join(lines) + "\n")


def word_list(path: Path, count: int) -> None:
    """Words of two to six characters that no text has, from the rarer end of the Han characters."""
    random = Random(1)
    words: set[str] = set()
    while len(words) < count:
        words.add("".join(chr(random.randrange(0x7000, 0x9000)) for _ in range(random.randint(2, 6))))
    path.write_text("# made up\n" + "\n".join(sorted(words)) + "\n", encoding="utf-8")


def consent_file(path: Path, count: int) -> None:
    """A consent with proof for each of the first recipients of both countries."""
    with path.open("w") as file:
        file.write("number,occurred_at,evidence\n")
        for index in range(count // 2):
            file.write(
                f"{CHINA + index},2026-03-01T12:00:00Z,form\n{AUSTRALIA + index},2026-03-01T12:00:00Z,form\n"
            )


def suppressed_file(path: Path, count: int) -> None:
    """Numbers beside those of the recipients: one in ten of their blocks and of others."""
    with path.open("w") as file:
        file.writelines(f"{CHINA + 10_000_000 + 10 * index + index * 7919 % 9}\n" for index in range(count))


def _document(path: Path, change: Any) -> None:
    document = yaml.safe_load(path.read_text())
    change(document)
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))


def noon() -> list[str]:
    """A zone in which it is about noon now, so that quiet hours are asked and let pass."""
    offset = 12 - time.gmtime().tm_hour
    return ["Etc/GMT" if offset == 0 else f"Etc/GMT{-offset:+d}"]


def configure(directory: Path, scale: Scale) -> dict[str, int]:
    """The configuration of a campaign under `directory`/config; returns its ports by name."""
    config = directory / "config"
    shutil.copytree(ROOT / "config", config)
    ports = dict(zip(("listen", "control", "carrier", "tls"), free_ports(4), strict=True))
    certificate(directory / "certificate.pem")
    word_list(config / "words" / "many.txt", scale.words)
    suppressed_file(config / "suppressed.txt", scale.suppressed)
    consent_file(directory / "consents.csv", scale.consents)

    def accounts(document: Any) -> None:
        shop = document["accounts"]["shop"] | {"sessions": 2000, "window": 1000}
        document["accounts"] = {"shop": shop}
        for index in range(1, scale.accounts):
            document["accounts"][f"shop{index}"] = shop

    def carriers(document: Any) -> None:
        alpha = document["carriers"]["alpha"] | {"window": 1000}
        alpha["binds"] = [{"mode": "transceiver", "endpoint": f"tcp:127.0.0.1:{ports['carrier']}"}]
        document["carriers"] = {f"carrier{index}": alpha for index in range(max(2, scale.carriers))}

    def routing(document: Any) -> None:
        last = {"name": "default", "carriers": ["carrier0", "carrier1"]}
        rules = [
            {
                "name": f"rule{index}",
                "match": {"destination": [f"999{index}"]},
                "carriers": [f"carrier{index % 2}"],
            }
            for index in range(scale.rules - 1)
        ]
        document["routes"] = [*rules, last]

    def people(document: Any) -> None:
        shop = document["tenants"]["Example Shop"]
        shop["zones"] = {"86": noon(), "61": noon()}
        document["tenants"] = {"Example Shop": shop}
        document["lists"] = [{"name": "many", "file": "suppressed.txt", "type": "regulator_complaint"}]

    def filters(document: Any) -> None:
        document["words"]["files"].append("words/many.txt")
        names = ["shop", *(f"shop{index}" for index in range(1, scale.accounts))]
        document["senders"]["registered"] = [
            {"address": "10690001", "accounts": names, "categories": ["promotional"]}
        ]

    def node(document: Any) -> None:
        document["state"] = "../state"
        pem = directory / "certificate.pem"
        document["listeners"] = [
            {"endpoint": f"tcp:{ports['listen']}:interface=127.0.0.1"},
            {"endpoint": f"ssl:{ports['tls']}:interface=127.0.0.1:privateKey={pem}:certKey={pem}"},
        ]
        document["control"] = f"tcp:{ports['control']}:interface=127.0.0.1"
        document["limits"]["connections"] = 5000
        if scale.store:
            document["store"] = scale.store

    def templates(document: Any) -> None:
        document["templates"] += [
            {"name": f"campaign{index}", "text": text, "categories": ["promotional"]}
            for index, text in enumerate(
                (
                    "Example Shop: {what:text(60)} Reply STOP to opt out",
                    "【示例商店】{what:text(60)}，拒收请回复R",
                    *(
                        f"【示例商店】第{number}号活动{{what:text(30)}}，拒收请回复R"
                        for number in range(scale.templates)
                    ),
                )
            )
        ]

    changes = {
        "accounts": accounts,
        "carriers": carriers,
        "routing": routing,
        "people": people,
        "filters": filters,
        "gateway": node,
        "templates/example-shop": templates,
    }
    for name, change in changes.items():
        _document(config / f"{name}.yaml", change)
    return ports


def wait_for(port: int, seconds: float = 180) -> float:
    """Until something listens; the seconds it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return time.monotonic() - began
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port}")


def family(pid: int) -> Iterator[int]:
    """A process and all it has started."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from family(int(child))


def cpu(pid: int) -> float:
    """Seconds of CPU that a process and its children have used, all their threads."""
    return sum(_used(Path(f"/proc/{each}")) for each in family(pid))


def cpu_by_part(pid: int) -> dict[str, float]:
    """Seconds of CPU by part: the reactor's thread, the other threads of its process, the other processes."""
    own = _used(Path(f"/proc/{pid}"))
    reactor = _used(Path(f"/proc/{pid}/task/{pid}"))
    return {"reactor": reactor, "threads": own - reactor, "processes": cpu(pid) - own}


def _used(place: Path) -> float:
    fields_of = (place / "stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields_of[11]) + int(fields_of[12])) / TICKS


def resident(pid: int) -> float:
    """Resident memory in MiB of a process and its children, what they share counted once each."""
    pages = [int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in family(pid)]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(slots=True)
class Campaign:
    """The running parts. `first` moves on, so that no person is written to twice."""

    directory: Path
    ports: dict[str, int]
    peer: Path
    gateway: subprocess.Popen[bytes]
    carrier: subprocess.Popen[bytes]
    ready: float
    first: int = 0
    reports: list[dict[str, Any]] = field(default_factory=list)

    def load(
        self,
        count: int,
        *,
        sessions: int = 8,
        window: int = 100,
        rate: float = 0,
        account: str = "shop",
        own: bool = False,
        tls: bool = False,
    ) -> dict[str, Any]:
        """Submit, wait for every receipt; the load maker's report and the gateway's CPU a message.

        With `own` no two texts are the same.
        """
        before = cpu_by_part(self.gateway.pid)
        port = self.ports["tls" if tls else "listen"]
        command = [self.peer, "esme", port, account, PASSWORD, sessions, window, count, rate]
        command += [self.directory / ("own-texts" if own else "texts"), "10690001", self.first]
        environ = os.environ | ({"PEER_TLS": "1"} if tls else {})
        done = subprocess.run(
            [*map(str, command)], capture_output=True, text=True, timeout=900, check=False, env=environ
        )
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        self.first += count // 2 + 1
        report: dict[str, Any] = json.loads(done.stdout)
        report["per_second"] = report["receipts"] / report["seconds"] if report["seconds"] else 0.0
        spent = {part: now - before[part] for part, now in cpu_by_part(self.gateway.pid).items()}
        report["parts"] = {part: used / max(1, report["accepted"]) * 1e6 for part, used in spent.items()}
        report["cpu_us"] = sum(report["parts"].values())
        report["resident"] = resident(self.gateway.pid)
        self.reports.append(report)
        return report

    def restart(self, meanwhile: Callable[[], None], profiled: bool = False, *, learn: bool = True) -> None:
        """End the gateway, do something to its state, start it and wait until it listens, or has learnt."""
        self.gateway.send_signal(signal.SIGTERM)
        self.gateway.wait(60)
        meanwhile()
        self.gateway = gateway_process(self.directory, profiled)
        self.ready = wait_for(self.ports["listen"])
        wait_for(self.ports["control"])
        if learn:
            self.learn()

    def status(self) -> dict[str, Any]:
        """What the gateway says of itself."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['control']}/status", timeout=10) as answer:
            return dict(json.load(answer))

    def learn(self) -> None:
        """Wait until the gateway has learnt all that a start leaves to be learnt beside the traffic."""
        while self.status()["loading"]:
            time.sleep(0.2)


def gateway_process(directory: Path, profiled: bool = False) -> subprocess.Popen[bytes]:
    """A gateway on the campaign's configuration; its log is in `directory`."""
    program = [str(HERE / "profiled.py"), str(directory / "profile")] if profiled else ["-m", "gateway"]
    command = [sys.executable, *program, "run", "--config", str(directory / "config")]
    with (directory / "gateway.log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


def import_consents(directory: Path) -> None:
    """By the command that an operator would use."""
    command = [sys.executable, "-m", "gateway", "consent", "import", str(directory / "consents.csv")]
    command += ["--tenant", "Example Shop", "--program", "offers", "--basis", "express"]
    subprocess.run(
        [*command, "--config", str(directory / "config")], cwd=ROOT, check=True, capture_output=True
    )


@contextmanager
def campaign(
    directory: Path, scale: Scale = Scale(), delay_ms: int = 0, profiled: bool = False
) -> Iterator[Campaign]:
    """A running campaign, its consents imported; everything it started is ended with it."""
    ports = configure(directory, scale)
    peer = built_peer(directory)
    texts(directory / "texts")
    texts(directory / "own-texts", OWN_GSM, OWN_CHINESE)
    command = [str(peer), "carrier", str(ports["carrier"]), str(delay_ms)]
    carrier = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    gateway = gateway_process(directory, profiled and not scale.consents)
    running = Campaign(directory, ports, peer, gateway, carrier, 0.0)
    try:
        running.ready = wait_for(ports["listen"])
        if scale.consents:
            import_consents(directory)
            running.restart(lambda: None, profiled)
        if profiled:
            running.gateway.send_signal(signal.SIGUSR2)
        yield running
    finally:
        for part in (running.carrier, running.gateway):
            part.send_signal(signal.SIGINT)
        for part in (running.carrier, running.gateway):
            part.wait(60)


def profile(directory: Path) -> dict[str, float]:
    """By room the share of the reactor's thread, once a profiled gateway has ended."""
    counts: dict[str, int] = json.loads((directory / "profile").read_text())
    whole = sum(counts.values())
    return {room: count / whole for room, count in sorted(counts.items(), key=lambda item: -item[1])}


def compiled() -> str:
    """What is in use of the compiled modules, in a process as the gateway's."""
    asked = "from gateway.compiled import IN_USE; print(IN_USE)"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
