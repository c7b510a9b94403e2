"""A gateway in a process of its own, between simulated carriers and a client in this one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from killclient import SOURCE, Client
from killjudge import Captures
from testing_ports import free_port
from twisted.internet import reactor
from twisted.internet.defer import TimeoutError
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from simulator.clock import MonotonicClock
from simulator.smsc import Profile, Smsc

HERE = Path(__file__).parent
WINDOW = 30  # of each of the two carriers
PATIENCE = 60.0

ALPHA = {"outcomes": {"DELIVERED": 4, "UNDELIVERABLE": 1}, "response": {"uniform": [0, "20ms"]}}
BETA = {
    "outcomes": {"DELIVERED": 4, "EXPIRED": 1},
    "response": {"uniform": [0, "20ms"]},
    "replies": {"loopback": True, "delay": {"uniform": [0, "300ms"]}},
}
# The same ids at both, so that one carrier's word can be taken for the other's.
CARRIER = {"listen": "tcp:0:interface=127.0.0.1", "accounts": {"gateway": "pw"}, "ids": {"first": 5000}}
RECEIPTS = {"delay": {"uniform": [0, "300ms"]}, "retry": "200ms", "tries": 1000}

CARRIERS = """
carriers:
  alpha:
    binds: [{{endpoint: "tcp:127.0.0.1:{alpha}", count: 2}}]
    {common}
  beta:
    binds:
      - {{endpoint: "tcp:127.0.0.1:{beta}", mode: transmitter}}
      - {{endpoint: "tcp:127.0.0.1:{beta}", mode: receiver}}
    {common}
"""
COMMON = """system_id: gateway
    password: ${{file:secrets/carrier.txt}}
    window: {window}
    unanswered: {unanswered}
    reconnect: {{initial: 50ms, maximum: 200ms}}"""
ACCOUNTS = f"""
accounts:
  bank:
    tenant: Example Bank
    password: "${{file:secrets/bank.txt}}"
    filters: {{}}
    numbers: ["{SOURCE}"]
"""


class Nursery:
    """A process that has imported everything and brings forth gateways, one at a time."""

    def __init__(self, log: Path, watched: bool) -> None:
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "killable.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                cwd=HERE.parent.parent,
                env=os.environ | ({"GATEWAY_COMPILED": "off"} if watched else {}),
            )
        self.gateway = 0  # its process id while it runs

    async def ready(self) -> None:
        """Wait until all is imported."""
        assert await deferToThread(self._heard) == "ready"

    def start(self, **order: object) -> None:
        """A gateway begins."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        self.gateway = int(self._heard())

    async def ended(self) -> int:
        """Wait for the end of the gateway; its exit code."""
        code = int(await deferToThread(self._heard).addTimeout(PATIENCE, reactor))
        self.gateway = 0
        return code

    def signal(self, number: int) -> None:
        """Send a signal to the gateway."""
        assert self.gateway
        os.kill(self.gateway, number)

    def close(self) -> None:
        """Make sure that all are gone."""
        if self.gateway:
            self.signal(signal.SIGKILL)
        self.process.communicate()

    def _heard(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


class House:
    """The whole way. `store` is a URL of PostgreSQL, or None for SQLite in `state`. If the gateway is
    `watched` at the points of `killable`, nothing of it is compiled: methods of what is cannot be replaced.
    """

    def __init__(
        self,
        reactor: Any,
        directory: Path,
        *,
        store: str | None = None,
        state: Path | None = None,
        unanswered: str = "unknown",
        receipts: dict[str, Any] | None = None,
        watched: bool = False,
    ) -> None:
        self.reactor = reactor
        self.watched = watched
        self.unanswered = unanswered
        self.faithful = not receipts or receipts.get("tries") != 1
        self.config = directory / "config"
        self.capture = directory / "carriers.jsonl"
        self.log = directory / "gateway.log"
        self.page_limit = directory / "full"
        self.kills = 0
        self._store = store
        self._state = state or directory / "state"
        told = {"receipts": RECEIPTS | (receipts or {})}
        profile = {"alpha": CARRIER | ALPHA | told, "beta": CARRIER | BETA | told}
        self.smsc = Smsc(
            Profile.model_validate({"seed": 7, "carriers": profile}),
            MonotonicClock(reactor),
            capture=self.capture,
        )
        self.port = free_port()
        self.client = Client(reactor, self.port)
        if not self.faithful:
            self.client.most_owed = 1 << 30  # much will be owed for ever

    async def open(self) -> Self:
        """Start the carriers and the client."""
        self._nursery = Nursery(self.log, self.watched)
        await self.smsc.start(self.reactor)
        self._configure()
        await self._nursery.ready()
        self.client.start()
        return self

    async def close(self) -> None:
        """End everything."""
        self.client.stop()
        self._nursery.close()
        await self.smsc.stop()

    def start(self, point: str | None = None, passage: int = 0, victim: str = "both") -> None:
        """Run a gateway; it kills itself at the nth passage of a point, or at one of a commit the `victim`:
        the "writer", the "gateway", or "both".
        """
        self._nursery.start(
            config=str(self.config),
            point=point,
            passage=passage,
            victim=victim,
            page_limit=str(self.page_limit),
        )

    def kill_writer(self) -> None:
        """SIGKILL to the writer alone, now; nothing if one is just beginning."""
        children = Path(f"/proc/{self._nursery.gateway}/task/{self._nursery.gateway}/children")
        for child in children.read_text().split():
            os.kill(int(child), signal.SIGKILL)

    def kill(self) -> None:
        """SIGKILL, now."""
        self._nursery.signal(signal.SIGKILL)

    async def killed(self) -> None:
        """Wait until the gateway has been killed."""
        code = await self._nursery.ended()
        assert code == -signal.SIGKILL, f"ended with {code}\n{self.told()}"
        self.kills += 1
        self.client.life += 1
        await self.client.until(lambda: not self.client.bound)

    async def settle(self) -> None:
        """Send no more, and wait for all that is due to the client; what never comes is for the judge."""
        client = self.client
        client.sending = False
        await client.until(lambda: client.bound > 0)
        await client.until(lambda: not any(link.session.outstanding for link in client.links))
        until = self.reactor.seconds() + PATIENCE
        if self.faithful:
            with suppress(TimeoutError):
                await client.until(lambda: not client.owed, PATIENCE)
        while self._missing() and self.reactor.seconds() < until:
            await deferLater(self.reactor, 0.2)

    async def stop(self) -> None:
        """Stop the gateway by SIGTERM."""
        self._nursery.signal(signal.SIGTERM)
        assert await self._nursery.ended() == 0, self.told()

    def faults(self) -> str:
        """All that is amiss, the first few; what ends in doubt was in the windows at a kill."""
        found = self._captures().faults(doubtful=self.kills * 2 * WINDOW)
        return "\n".join(found[:10])

    def _missing(self) -> set[str]:
        captures = self._captures()
        return (captures.due() - self.client.receipted) | (captures.replies_due() - self.client.replied)

    def _captures(self) -> Captures:
        return Captures(self.client.lines, self.capture, self.unanswered, self.faithful)

    def told(self) -> str:
        """The end of what the gateways logged."""
        return self.log.read_text()[-3000:]

    def _configure(self) -> None:
        ports = {name: self.smsc.addresses(name)[0][1] for name in ("alpha", "beta")}
        common = COMMON.format(window=WINDOW, unanswered=self.unanswered)
        store = "" if self._store is None else f"store: {self._store}\n"
        files = {
            "gateway.yaml": f"state: {self._state}\n{store}control: null\n"
            f"listeners: [{{endpoint: 'tcp:{self.port}:interface=127.0.0.1'}}]\n",
            "accounts.yaml": ACCOUNTS,
            "carriers.yaml": CARRIERS.format(common=common, **ports),
            "routing.yaml": "routes: [{name: all, carriers: [alpha, beta]}]\n",
            "filters.yaml": "",
            "secrets/carrier.txt": "pw\n",
            "secrets/bank.txt": "bankpass\n",
        }
        for name, text in files.items():
            path = self.config / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o600)
