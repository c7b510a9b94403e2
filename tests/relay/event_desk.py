"""Webhooks and mail on a store of their own: time stands still, the network is real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hook_server import Hook, reactor, until
from sqlalchemy import make_url
from twisted.internet.task import Clock

from gateway.relay.alarms import Alarms
from gateway.relay.batch import Batch, Committer, Outgoing
from gateway.relay.clocks import Clocks
from gateway.relay.ids import Ids
from gateway.relay.webhooks import Webhooks
from gateway.settings.models import Webhook
from gateway.store import calls as rows
from gateway.store.engine import Store, open_store

KEY = "a key of the tests"
START = 1_790_000_000.0
NUMBER = "8619912340001"


class Desk:
    """Webhooks, one of them `crm`, and what they need."""

    def __init__(self, directory: Path, hook: Hook) -> None:
        self.directory = directory
        self.hook = hook
        self.wall = START
        self.settings: dict[str, Any] = {}

    async def open(self, **settings: Any) -> None:
        """Start; `settings` are those of the webhook `crm`."""
        self.clock = Clock()
        url = make_url(f"sqlite:///{self.directory / 'calls.db'}")
        self.store: Store = open_store(url, reactor, clock=reactor, node="test")
        clocks: Any = Clocks(self.clock, lambda: self.wall)  # type: ignore[arg-type]
        self.alarms = Alarms(clocks)
        self.committer = Committer(self.store.journal, Outgoing())
        ids = Ids(self.store.ledger, "call", 1000)
        await ids.start()
        self.webhooks = Webhooks(self.store.ledger, self.committer, ids, self.alarms, reactor, clocks)
        self.configure(**settings)
        await self.webhooks.start()

    def configure(self, **settings: Any) -> None:
        self.settings |= {"url": self.hook.url, "secret": KEY, **settings}
        self.webhooks.configure({"crm": Webhook.model_validate(self.settings)}, 900.0)

    async def close(self) -> None:
        await self.webhooks.stop()
        await self.store.close()

    async def tell(self, number: str = NUMBER, type: str = "opt_out", **data: Any) -> None:
        batch = Batch()
        self.webhooks.tell(type, {"tenant": "Shop", "account": "shop", "number": number, **data}, batch)
        await self.committer.commit(batch, must=True)

    async def advance(self, seconds: float, step: float = 1.0) -> None:
        """Time passes, and what is due is under way."""
        while seconds > 0:
            self.wall += step
            self.clock.advance(step)
            await until(lambda: self.idle or self.hook.hanging, "calls are answered")
            seconds -= step

    @property
    def caller(self) -> Any:
        return self.webhooks.callers["crm"]

    @property
    def idle(self) -> bool:
        callers = self.webhooks.callers.values()
        return not any(each._under_way or each._reading for each in callers)

    async def stored(self, dead: bool = False) -> list[rows.CallRow]:
        """What the store holds, when all is written."""
        await until(lambda: not self.store.journal.queued and self.idle, "all is written")
        found: list[rows.CallRow] = await self.store.ledger.read(rows.calls, "", dead, 0, 1000)
        return found
