"""The configuration of a national campaign, of a stated size.

Everything that is promised is on: SQLite at synchronous=FULL, sensitive words, lists of numbers, consents,
quiet hours, caps, templates, decision records, metrics. All numbers are made up.
"""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
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
