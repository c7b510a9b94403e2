"""The HTTP face of a node: GET /metrics, /healthz, /readyz, /status; POST /reload and what is below
/people, /review, /words, /templates and /audit.

It asks nobody who they are: bind it to the loopback only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from gateway.compiled import IN_USE
from gateway.control.audit import AuditCommands
from gateway.control.breakers import BreakerCommands
from gateway.control.calls import CallCommands
from gateway.control.metrics import exposition
from gateway.control.node import Node
from gateway.control.operator import operator_of
from gateway.control.people import PeopleCommands
from gateway.control.privacy import PrivacyCommands
from gateway.control.quotas import QuotaCommands
from gateway.control.review import ReviewCommands
from gateway.control.sessions import SessionCommands
from gateway.control.steering import SteeringCommands, in_force
from gateway.control.templates import TemplateCommands
from gateway.control.tracing import Watch
from gateway.control.words import WordCommands

log = Logger(__name__)

Answer = tuple[int, str, bytes]


def control_site(gateway: Node) -> Site:
    """The site of one node."""
    root: Any = Resource()
    root.putChild(b"metrics", Page(get=lambda: (200, "text/plain; version=0.0.4", exposition(gateway))))
    root.putChild(b"healthz", Page(get=lambda: (200, "text/plain", b"alive\n")))
    root.putChild(b"readyz", Page(get=lambda: readiness(gateway)))
    root.putChild(b"status", Page(get=lambda: as_json(200, status(gateway))))
    root.putChild(b"reload", Page(post=lambda by: reload(gateway, by)))
    root.putChild(b"people", PeopleCommands(gateway).site())
    root.putChild(b"review", ReviewCommands(gateway.relay.reviewing, gateway.relay.audit).site())
    root.putChild(b"breakers", BreakerCommands(gateway.relay).site())
    root.putChild(b"traffic", SteeringCommands(gateway.relay).site())
    root.putChild(b"sessions", SessionCommands(gateway.relay).site())
    root.putChild(b"quotas", QuotaCommands(gateway.relay).site())
    root.putChild(b"webhooks", CallCommands(gateway.relay.protection.webhooks, gateway.relay.audit).site())
    root.putChild(b"audit", AuditCommands(gateway.relay.audit).site())
    root.putChild(b"privacy", PrivacyCommands(gateway).site())
    root.putChild(b"words", WordCommands(gateway).site())
    watch: Any = Watch(gateway)
    root.putChild(b"trace", watch)
    root.putChild(b"templates", TemplateCommands(gateway).site())
    return QuietSite(root)  # type: ignore[no-untyped-call]


class QuietSite(Site):
    """A site that writes no line for each request."""

    noisy = False

    def log(self, request: Any) -> None:
        """Nothing: whoever polls /metrics would fill the log."""


class Page(Resource):
    """A page that is made when it is asked for; `post` is told who asks."""

    isLeaf = True

    def __init__(
        self,
        get: Callable[[], Answer] | None = None,
        post: Callable[[str], Coroutine[Any, Any, Answer]] | None = None,
    ) -> None:
        Resource.__init__(self)
        self._get = get
        self._post = post

    def render_GET(self, request: Request) -> bytes:
        """Answer at once."""
        if self._get is None:
            return _put(request, (405, "text/plain", b"POST is wanted here\n"))
        return _put(request, self._get())

    def render_POST(self, request: Request) -> bytes | int:
        """Answer when the work is done."""
        if self._post is None:
            return _put(request, (405, "text/plain", b"GET is wanted here\n"))
        Deferred.fromCoroutine(self._finish(request))
        return NOT_DONE_YET

    async def _finish(self, request: Request) -> None:
        assert self._post is not None
        try:
            answer = await self._post(operator_of(request))
        except Exception:
            log.failure("a request of the control endpoint failed")
            answer = (500, "text/plain", b"it failed; the log says why\n")
        if not request._disconnected:
            request.write(_put(request, answer))
            request.finish()


def _put(request: Request, answer: Answer) -> bytes:
    code, kind, body = answer
    request.setResponseCode(code)
    request.setHeader(b"content-type", f"{kind}; charset=utf-8".encode())
    return body


def as_json(code: int, document: object) -> Answer:
    """An answer in JSON."""
    return code, "application/json", json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def readiness(gateway: Node) -> Answer:
    """200 if the store can be written, the configuration is valid and the node not draining; else 503."""
    reasons = []
    if not gateway.ready:
        reasons.append("starting or stopping")
    elif gateway.store.journal.failing:
        reasons.append(f"the store fails: {gateway.store.journal.failure}")
    if gateway.problems:
        reasons.append("the configuration on disk is not valid: " + gateway.problems[0])
    text = "\n".join(reasons) or "ready"
    return 503 if reasons else 200, "text/plain", f"{text}\n".encode()


def status(gateway: Node) -> dict[str, Any]:
    """What is going on, for people and for `gateway status`."""
    relay = gateway.relay
    carriers = {}
    for name, carrier in relay.dispatch.carriers.items():
        uplinks = relay.uplinks.of(name)
        carriers[name] = {
            "health": carrier.why(carrier.health()),
            "binds": f"{len(carrier.links)} of {sum(bind.count for bind in carrier.settings.binds)}",
            "unfinished": len(relay.inbound.matchers[name]),
            "error": next((uplink.last_error for uplink in uplinks if uplink.last_error), ""),
        }
    return {
        "node": gateway.generation.node.name,
        "generation": gateway.generation.number,
        "compiled": IN_USE,
        "problems": gateway.problems,
        "store": "failing" if gateway.store.journal.failing else "works",
        "messages": {
            state.name.lower(): count for state, count in sorted(relay.book.states.items()) if count
        },
        "loading": relay.loading,
        "queue": relay.dispatch.lanes.count,
        "alarms": [asdict(alarm) for alarm in relay.alarms.open.values()],
        "traffic": in_force(relay),
        "carriers": carriers,
        "accounts": {
            account.name: {
                "sessions": len(account.sessions),
                "accepted": account.counts["accepted"],
                "outbox": account.outbox.backlog,
            }
            for account in relay.accounts
        },
    }


async def reload(gateway: Node, by: str) -> Answer:
    """Read the configuration anew: 200, or 422 with all that is wrong with it."""
    problems = await gateway.reload(by)
    if problems:
        return as_json(422, {"problems": problems})
    return as_json(200, {"generation": gateway.generation.number})
