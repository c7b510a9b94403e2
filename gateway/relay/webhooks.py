"""Webhooks: events told to systems of the admin's, once each is on disk, signed, until they are taken.

The call is stored with the change that it tells of. It may be made twice (the node dies after the answer, or
the answer is lost): `X-Event-Id` is the same then.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool, readBody
from twisted.web.http_headers import Headers

from gateway.relay.batch import Batch, Committer
from gateway.relay.clocks import Clocks
from gateway.relay.ids import Ids, OutOfIds
from gateway.settings.models import Webhook
from gateway.store import people as rows
from gateway.store.ledger import Ledger
from gateway.store.people import CallRow
from gateway.store.rows import StoreUnavailable

log = Logger()

INTERVAL = 1.0
PAGE = 50
PATIENCE = 10.0  # seconds that an answer may take
LONGEST_PAUSE_MS = 3_600_000


class Webhooks:
    """Makes the calls, those that are due once a second."""

    def __init__(self, ledger: Ledger, committer: Committer, ids: Ids, reactor: Any, clocks: Clocks) -> None:
        self.ledger = ledger
        self.committer = committer
        self.ids = ids
        self.clocks = clocks
        self.counts: Counter[str] = Counter()
        self._webhooks: Mapping[str, Webhook] = {}
        self._pool = HTTPConnectionPool(reactor)
        self._agent = Agent(reactor, connectTimeout=PATIENCE, pool=self._pool)
        self._loop = LoopingCall(self._turn)
        self._loop.clock = clocks.timer  # type: ignore[assignment]
        self._calling: Deferred[None] | None = None
        self._waiting = True

    def configure(self, webhooks: Mapping[str, Webhook]) -> None:
        """The webhooks of a new generation."""
        self._webhooks = webhooks

    def start(self) -> None:
        """Begin to call."""
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> Deferred[Any]:
        """Call no more; what is left is called after the next start."""
        if self._loop.running:
            self._loop.stop()
        closed: Deferred[Any] = self._pool.closeCachedConnections()
        return closed

    def tell(self, event: str, document: Mapping[str, Any], batch: Batch) -> None:
        """Store a call of every webhook that wants this event; it is made when the batch is on disk."""
        now = self.clocks.now_ms()
        for name, webhook in self._webhooks.items():
            if event not in webhook.events:
                continue
            try:
                seq = self.ids.take()
            except OutOfIds:
                log.error("webhook {name} is not told of {event}: no ids yet", name=name, event=event)
                continue
            body = json.dumps({"event": event, "id": seq, "at": now, **document}, ensure_ascii=False)
            batch.changes.add("call", tuple(CallRow(seq, name, now, 0, now, body)))
            self._waiting = True

    def _turn(self) -> None:
        if self._calling is None and self._waiting:
            self._calling = Deferred.fromCoroutine(self.call_due())
            self._calling.addErrback(lambda failure: log.failure("webhooks could not be called", failure))
            self._calling.addBoth(self._called)

    def _called(self, _: object) -> None:
        self._calling = None

    async def call_due(self) -> None:
        """Call what is due, one after the other."""
        try:
            due = await self.ledger.read(rows.calls, self.clocks.now_ms(), PAGE)
            self._waiting = bool(await self.ledger.read(rows.calls, 1 << 62, 1))
        except StoreUnavailable:
            return
        for row in due:
            webhook = self._webhooks.get(row.webhook)
            batch = Batch()
            if webhook is None:
                log.warn("webhook {name} is configured no more; a call is dropped", name=row.webhook)
                batch.changes.add("called", (row.seq,))
            else:
                self._settle(row, webhook, await self._call(row, webhook), batch)
            await self.committer.commit(batch, must=True)

    def _settle(self, row: CallRow, webhook: Webhook, failure: str, batch: Batch) -> None:
        """Done, again later, or given up."""
        if not failure:
            self.counts["taken"] += 1
            batch.changes.add("called", (row.seq,))
        elif row.attempts + 1 >= webhook.tries:
            self.counts["given_up"] += 1
            log.error("webhook {name} is given up: {why}", name=row.webhook, why=failure)
            batch.changes.add("called", (row.seq,))
        else:
            self.counts["again"] += 1
            pause = min(int(webhook.first * 1000) << min(row.attempts, 20), LONGEST_PAUSE_MS)
            again = row._replace(attempts=row.attempts + 1, due=self.clocks.now_ms() + pause)
            batch.changes.add("call", tuple(again))

    async def _call(self, row: CallRow, webhook: Webhook) -> str:
        """One attempt: what went wrong, or nothing."""
        body = row.body.encode()
        signature = hmac.new(webhook.secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()
        headers = Headers(
            {
                "content-type": ["application/json; charset=utf-8"],
                "x-event-id": [str(row.seq)],
                "x-signature": [f"sha256={signature}"],
            }
        )
        producer: Any = FileBodyProducer(BytesIO(body))
        request: Deferred[Any] = self._agent.request(b"POST", webhook.url.encode(), headers, producer)
        request.addTimeout(PATIENCE, self.clocks.timer)  # type: ignore[arg-type]
        try:
            response = await request
            await readBody(response).addTimeout(PATIENCE, self.clocks.timer)  # type: ignore[arg-type]
        except Exception as error:  # whatever the network does, the call is made again
            return f"{type(error).__name__}: {error}"
        return "" if 200 <= response.code < 300 else f"it answers {response.code}"
