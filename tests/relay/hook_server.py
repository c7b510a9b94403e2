"""A web server on the loopback that takes calls of webhooks, and answers as a test says."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet import reactor as real_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

reactor: Any = real_reactor


class Call(NamedTuple):
    """One call as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.body)["events"]
        return found


class Hook(Resource):
    """Takes POSTs. `answers` are the next status codes, 200 when there are none; None is no answer at all."""

    isLeaf = True

    def __init__(self) -> None:
        Resource.__init__(self)
        self.calls: list[Call] = []
        self.answers: deque[int | None] = deque()
        self.headers: dict[str, str] = {}
        self.hanging: list[Any] = []
        site: Any = Site(self)  # type: ignore[no-untyped-call]
        site.noisy = False
        self.port = reactor.listenTCP(0, site, interface="127.0.0.1")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port.getHost().port}/events"

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events of all calls, in order."""
        return [event for call in self.calls for event in call.events]

    def render_POST(self, request: Any) -> Any:
        headers = {
            name.decode().lower(): values[0].decode()
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        self.calls.append(Call(headers, request.content.read()))
        answer = self.answers.popleft() if self.answers else 200
        if answer is None:
            self.hanging.append(request)
            request.notifyFinish().addErrback(lambda _: None)
            return NOT_DONE_YET
        request.setResponseCode(answer)
        for name, value in self.headers.items():
            request.setHeader(name, value)
        return b"so be it"

    def release(self) -> None:
        """Answer what hangs."""
        hanging, self.hanging = self.hanging, []
        for request in hanging:
            if not request._disconnected:
                request.finish()

    def stop(self) -> Deferred[None]:
        """Listen no more."""
        self.release()
        stopped: Deferred[None] = self.port.stopListening()
        return stopped


async def until(condition: Callable[[], Any], what: str = "it comes to be") -> None:
    """Let the reactor turn until something holds."""
    for _ in range(2000):
        if condition():
            return
        await deferLater(reactor, 0.005)
    raise AssertionError(f"not in time: {what}")
