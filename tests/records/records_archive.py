"""A store with records of messages, beside which no node runs, and the commands that read it."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from twisted.internet import reactor
from typer.testing import CliRunner

from gateway.cli import app
from gateway.settings.files import load_node
from gateway.smpp.codec import encode
from gateway.smpp.pdus import SubmitSm
from gateway.store.behind import number_key
from gateway.store.engine import open_store, store_url
from gateway.store.numbers import NUMBERED, TENANT, NumberBlock
from gateway.store.opening import KEYS, keep_fresh, keys_for
from gateway.store.people import ConsentRow
from gateway.store.rows import Changes, MessageRow, State

NOW = 1_700_000_000_000  # 2023-11-14T22:13:20Z
HOUR = 3_600_000
PERSON = "8619912340001"
BRITON = "447700900123"
ENVIRON = {"SECRET": "secret12"}

ACCOUNTS = {
    "bank": {"tenant": "Bank", "password": "${SECRET}", "category": "otp"},
    "shop": {"tenant": "Shop", "password": "${SECRET}", "category": "promotional"},
}


def carrier(**settings: Any) -> dict[str, Any]:
    return {
        "binds": [{"endpoint": "tcp:127.0.0.1:1"}],
        "system_id": "gw",
        "password": "${SECRET}",
        **settings,
    }


class Done(NamedTuple):
    """What a command has come to."""

    code: int
    out: str
    err: str


class Archive:
    """A configuration and the store of a node that has stopped."""

    def __init__(self, directory: Path, alpha: dict[str, Any] | None = None) -> None:
        self.config = directory / "config"
        self.config.mkdir()
        self._dump("gateway.yaml", {"state": "../state", "control": None})
        self._dump("accounts.yaml", {"accounts": ACCOUNTS})
        self._dump("carriers.yaml", {"carriers": {"alpha": carrier(**(alpha or {})), "beta": carrier()}})
        self._dump("routing.yaml", {"routes": [{"name": "default", "carriers": ["alpha", "beta"]}]})

    def _dump(self, name: str, document: object) -> None:
        (self.config / name).write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")

    async def keep(
        self, rows: Iterable[MessageRow], numbered: int = 0, consents: Iterable[ConsentRow] = ()
    ) -> None:
        """Store messages as a node would, those up to `numbered` found by their number."""
        node = load_node(self.config, os.environ | ENVIRON)
        keys = keys_for(node, self.config)
        assert keys.vault is not None
        url = store_url(node, self.config).render_as_string(hide_password=False)
        store = open_store(url, reactor, vault=keys.vault)
        try:
            batch, found = Changes(), dict[int, bytes]()
            if keys.fresh:
                keep_fresh(keys)
                batch.add("count", (KEYS, keys.vault.keyring.fingerprint))
            for row in rows:
                batch.insert(row)
                if row.id <= numbered:
                    tenant = ACCOUNTS[row.account]["tenant"]
                    found[row.id] = number_key(keys.vault, tenant, row.destination)
                    batch.add("count", (TENANT + tenant, 1))
            if found:
                batch.add("number", tuple(NumberBlock.of(found)))
            for line in consents:
                batch.add("consent", tuple(line))
            if numbered:
                batch.add("count", (NUMBERED, numbered))
            await store.journal.commit(batch)
        finally:
            await store.close()

    def run(self, *arguments: str) -> Done:
        """Run a command in this process."""
        done = CliRunner(env=ENVIRON).invoke(app, [*arguments, "--config", str(self.config)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        return Done(done.exit_code, done.stdout, done.stderr)

    def lines(self, *arguments: str) -> list[dict[str, Any]]:
        """What a command tells as JSON, one object a line."""
        done = self.run(*arguments, "--json")
        assert done.code in (0, 1), done.err
        return [json.loads(line) for line in done.out.splitlines()]


def submitted(destination: str, text: str = "hello", **fields: Any) -> bytes:
    """A submit_sm as it is stored."""
    pdu = SubmitSm(source_addr="10690001", destination_addr=destination, short_message=text.encode())
    return encode(pdu._replace(**fields))


def sms(id: int, destination: str = PERSON, **columns: Any) -> MessageRow:
    """A message that alpha has delivered; accepted `id` seconds after NOW."""
    at = NOW + id * 1000
    row = MessageRow(
        id=id,
        account="bank",
        client_id=f"{id:010}",
        accepted_at=at,
        source="10690001",
        destination=destination,
        category="otp",
        generation=1,
        segment_of=None,
        pdu=submitted(destination),
        decision='{"generation": 1, "verdict": "allow"}',
        state=State.DELIVERED,
        deadline=None,
        expires_at=at + HOUR,
        carrier="alpha",
        carrier_message_id=f"a{id}",
        attempts=1,
        sent_at=at + 20,
        done_at=at + 1500,
        trail='[{"generation": 1, "route": "default", "carrier": "alpha", "price": "0.031 CNY"}]',
    )
    return row._replace(**columns)


def refused(id: int, destination: str = PERSON, rule: str = "casino", **columns: Any) -> MessageRow:
    """A message of the shop that its words have refused."""
    word = {
        "filter": "words", "mode": "enforce", "action": "refuse", "rule": rule,
        "place": "words.txt:2", "reason": "content_blocked",
    }  # fmt: skip
    decision = {"generation": 1, "verdict": "refuse", "words": [word]}
    nothing: dict[str, Any] = {"carrier": None, "carrier_message_id": None, "sent_at": None, "trail": "[]"}
    row = sms(id, destination, account="shop", category="promotional", state=State.REJECTED, error=911)
    return row._replace(**nothing, decision=json.dumps(decision), attempts=0, **columns)
