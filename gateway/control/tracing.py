"""POST /trace {"account" | "carrier" | "number", "seconds", "count", "whole", "purpose"}: PDUs as they
come and go, a JSON object a line, the last of them {"end": why, "dropped": n}.

Whole ones are shown only when that is on record. A reader that is too slow misses some, and is told how many.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from gateway.control.node import Node
from gateway.control.operator import operator_of
from gateway.control.people import Document, Unfit
from gateway.relay.tracing import Trace, Tracing, Wanted

log = Logger(__name__)

LONGEST = 600.0  # seconds
MOST = 10_000  # PDUs
AT_ONCE = 4  # traces
SHORTEST = 5  # characters of a purpose
LARGEST = 10_000  # octets of a question


class Watch(Resource):
    """What may be watched at a node."""

    isLeaf = True

    def __init__(self, gateway: Node) -> None:
        Resource.__init__(self)
        self._gateway = gateway

    def render_POST(self, request: Request) -> int:
        """Answer while it lasts."""
        Deferred.fromCoroutine(self._watch(request))
        return NOT_DONE_YET

    async def _watch(self, request: Any) -> None:
        try:
            if (request.getHeader("content-type") or "").split(";")[0].strip() != "application/json":
                raise Unfit("application/json is wanted")
            asked = json.loads(request.content.read(LARGEST))
            if not isinstance(asked, dict):
                raise Unfit("an object is wanted")
            await self._begin(request, asked)
        except (Unfit, json.JSONDecodeError) as error:
            _refuse(request, 422, str(error))
        except Exception:
            log.failure("a request of the control endpoint failed")
            _refuse(request, 500, "it failed; the log says why")

    async def _begin(self, request: Any, asked: Document) -> None:
        relay = self._gateway.relay
        wanted = self._wanted(asked)
        seconds = _number(asked, "seconds", 60, LONGEST)
        count = int(_number(asked, "count", 1000, MOST))
        whole, by = asked.get("whole") is True, operator_of(request)
        _room(relay.tracing)
        if whole:
            purpose = str(asked.get("purpose") or "").strip()
            if len(purpose) < SHORTEST:
                raise Unfit("a purpose of five characters or more is wanted: it is kept in the record")
            subject, number = f"a trace of {wanted}", wanted.number or None
            limits = f"{seconds:g} s, {count} PDUs"
            await relay.audit.at_once(by, "unmask", subject, limits, number=number, purpose=purpose)
            _room(relay.tracing)
        if request._disconnected:
            return
        Stream(request, relay.tracing, wanted, whole, count, seconds)

    def _wanted(self, asked: Document) -> Wanted:
        given = {name: str(asked[name]) for name in Wanted._fields if asked.get(name)}
        if len(given) != 1:
            raise Unfit("one of account, carrier and number is wanted")
        wanted = Wanted(**given)
        generation = self._gateway.generation
        if wanted.account and wanted.account not in generation.accounts:
            raise Unfit(f"there is no account '{wanted.account}'")
        if wanted.carrier and wanted.carrier not in generation.carriers:
            raise Unfit(f"there is no carrier '{wanted.carrier}'")
        if wanted.number and not (wanted.number.isascii() and wanted.number.isdigit()):
            raise Unfit("a number is its digits, with the calling code")
        return wanted


def _room(tracing: Tracing) -> None:
    if len(tracing.traces) >= AT_ONCE:
        raise Unfit(f"{AT_ONCE} traces run already: wait until one of them ends")


def _number(asked: Document, key: str, usual: float, most: float) -> float:
    value = asked.get(key, usual)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise Unfit(f"{key} must be above 0 and at most {most:g}")
    return value


def _refuse(request: Any, code: int, problem: str) -> None:
    if not request._disconnected:
        request.setResponseCode(code)
        request.setHeader(b"content-type", b"application/json; charset=utf-8")
        request.write(json.dumps({"problem": problem}, ensure_ascii=False).encode() + b"\n")
        request.finish()


class Stream:
    """One trace on its way to who asked; a producer that drops what cannot go out."""

    def __init__(
        self, request: Any, tracing: Tracing, wanted: Wanted, whole: bool, count: int, seconds: float
    ) -> None:
        self._request = request
        self._choked = False
        self._dropped = 0
        self._trace = Trace(wanted, whole, count, self._put, self._ended)
        self._tracing = tracing
        request.notifyFinish().addErrback(self._gone)
        request.setHeader(b"content-type", b"application/x-ndjson; charset=utf-8")
        request.registerProducer(self, True)
        tracing.begin(self._trace, seconds)
        self._write({"begin": str(wanted), "seconds": seconds, "count": count, "whole": whole})

    def pauseProducing(self) -> None:
        """The reader does not keep up."""
        self._choked = True

    def resumeProducing(self) -> None:
        """It does again."""
        self._choked = False

    def stopProducing(self) -> None:
        """Of no interest: that the reader has gone is told by the request."""

    def _put(self, document: Document) -> None:
        if self._choked:
            self._dropped += 1
        else:
            self._write(document)

    def _write(self, document: Document) -> None:
        self._request.write(json.dumps(document, ensure_ascii=False).encode() + b"\n")

    def _ended(self, why: str) -> None:
        if not self._request._disconnected:
            self._write({"end": why, "dropped": self._dropped})
            self._request.unregisterProducer()
            self._request.finish()

    def _gone(self, _: object) -> None:
        self._tracing.end(self._trace, "nobody reads it")
