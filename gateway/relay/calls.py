"""One call of a webhook: POST, signed as the Standard Webhooks specification says, and what came of it.

The signature is the base64 of an HMAC-SHA256 over `ID.TIMESTAMP.BODY`; with two keys there are two, apart by
a space.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool
from twisted.web.http_headers import Headers

from gateway.relay.clocks import Clocks
from gateway.settings.models import Webhook
from gateway.settings.secrets import key_of
from gateway.store.calls import CallRow

BUSY = (408, 425, 429)
LONGEST_ANSWER = 65_536  # octets that are read of it; nobody looks at them


class Outcome(NamedTuple):
    """What came of a call: `why` is empty if it was taken. Who was not `reached` cannot take others either,
    for `wait` seconds if it said so.
    """

    why: str = ""
    reached: bool = True
    wait: float = 0.0


def signatures(keys: Sequence[bytes], call_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`."""
    signed = f"{call_id}.{timestamp}.".encode() + body
    return " ".join(
        "v1," + b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys
    )


class Http:
    """Makes calls on the reactor."""

    def __init__(self, reactor: Any, clocks: Clocks) -> None:
        self.clocks = clocks
        self._pool = HTTPConnectionPool(reactor)
        self._pool.maxPersistentPerHost = 64
        self._agent = Agent(reactor, pool=self._pool)

    def close(self) -> Deferred[Any]:
        """Close the connections that nobody uses."""
        closed: Deferred[Any] = self._pool.closeCachedConnections()
        return closed

    async def call(self, webhook: Webhook, row: CallRow) -> Outcome:
        """Make one call. Whatever the network does is an outcome."""
        body = row.body.encode()
        timestamp = int(self.clocks.wall())
        keys = [
            key_of(secret.get_secret_value()) for secret in (webhook.secret, webhook.old_secret) if secret
        ]
        headers = Headers(
            {
                "content-type": ["application/json"],
                "user-agent": ["gateway"],
                "webhook-id": [str(row.seq)],
                "webhook-timestamp": [str(timestamp)],
                "webhook-signature": [signatures(keys, str(row.seq), timestamp, body)],
            }
        )
        producer: Any = FileBodyProducer(BytesIO(body))
        request: Deferred[Any] = Deferred.fromCoroutine(self._ask(webhook.url.encode(), headers, producer))
        until = self.clocks.timer.seconds() + webhook.timeout
        request.addTimeout(webhook.timeout, self.clocks.timer)  # type: ignore[arg-type]
        try:
            code, wait = await request
        except Exception as error:
            late = self.clocks.timer.seconds() >= until
            why = f"no answer within {webhook.timeout:g} s" if late else brief(error)
            return Outcome(why, reached=False)
        if 200 <= code < 300:
            return Outcome()
        return Outcome(f"it answers {code}", reached=code < 500 and code not in BUSY, wait=wait)

    async def _ask(self, url: bytes, headers: Headers, producer: Any) -> tuple[int, float]:
        response: Any = await self._agent.request(b"POST", url, headers, producer)
        drained = _Drain()
        response.deliverBody(drained)
        await drained.done
        wait = (response.headers.getRawHeaders("retry-after") or [""])[0]
        return response.code, float(wait) if wait.isdecimal() and len(wait) < 8 else 0.0


def brief(error: Exception) -> str:
    """What went wrong, in a line."""
    inner: Any = getattr(error, "reasons", None)
    if inner:
        return brief(inner[0].value)
    return f"{type(error).__name__}: {error}".rstrip(": ")


class _Drain(Protocol):
    """Reads an answer to its end, or as much as is decent."""

    def __init__(self) -> None:
        self.done: Deferred[None] = Deferred(self._give_up)
        self.count = 0

    def dataReceived(self, data: bytes) -> None:
        self.count += len(data)
        if self.count > LONGEST_ANSWER:
            self._give_up(self.done)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.done.called:
            self.done.callback(None)

    def _give_up(self, _: Deferred[None]) -> None:
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection()
