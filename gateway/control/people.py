"""What may be asked of a running node about people: POST with JSON, below /people.

    consents        {"tenant", "usual": {"program", "category", …}, "events": [{"number", "basis", …}]}
    request         {"tenant", "program", "numbers", "method", "evidence", "language"}
    suppress, lift  {"type", "tenant", "program", "category", "numbers", "since", "until", "evidence"}
    close           {"id", "by", "note"}
    lists           {}
    refresh         {"name", "accept_shrink"}

Only application/json is taken, which no page of the web can send here unasked. Much is done some of it at a
time, so that traffic flows on; what is answered is on disk.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from gateway.control.node import Node
from gateway.control.operator import OPERATOR, operator_of
from gateway.filters.listed import FILE
from gateway.filters.numbersets import Span
from gateway.filters.suppression import ListKey, ListType, Scope
from gateway.relay.batch import Batch
from gateway.relay.consenting import Origin
from gateway.relay.feeds import Unknown
from gateway.relay.people import NotYours
from gateway.store import people as rows

log = Logger(__name__)

COMMANDS = "commands"
STEP = 100  # rows done before others have their turn
LONGEST = 16_000_000
METHODS = ("web", "keyword", "paper", "api")

Document = dict[str, Any]
Handler = Callable[[Document], Coroutine[Any, Any, Document]]


class Unfit(ValueError):
    """What was asked cannot be done, and why."""


class Command(Resource):
    """One thing that may be asked."""

    isLeaf = True

    def __init__(self, handler: Handler) -> None:
        Resource.__init__(self)
        self._handler = handler

    def render_POST(self, request: Request) -> int:
        """Answer when it is done."""
        Deferred.fromCoroutine(self._finish(request))
        return NOT_DONE_YET

    async def _finish(self, request: Any) -> None:
        code, document = await self._answer(request)
        if not request._disconnected:
            request.setResponseCode(code)
            request.setHeader(b"content-type", b"application/json; charset=utf-8")
            request.write(json.dumps(document, ensure_ascii=False).encode() + b"\n")
            request.finish()

    async def _answer(self, request: Any) -> tuple[int, Document]:
        kind = request.getHeader("content-type") or ""
        if kind.split(";")[0].strip() != "application/json":
            return 415, {"problem": "application/json is wanted"}
        try:
            asked = json.loads(request.content.read(LONGEST))
            if not isinstance(asked, dict):
                raise Unfit("an object is wanted")
            return 200, await self._handler({**asked, OPERATOR: operator_of(request)})
        except (Unfit, NotYours, json.JSONDecodeError) as error:
            return 422, {"problem": str(error)}
        except Exception:
            log.failure("a request of the control endpoint failed")
            return 500, {"problem": "it failed; the log says why"}


class PeopleCommands:
    """Does what is asked, on the node's own memory and store."""

    def __init__(self, gateway: Node) -> None:
        self.gateway = gateway

    def site(self) -> Resource:
        """Everything below /people."""
        root = Resource()
        for name, handler in (
            (b"consents", self.consents),
            (b"request", self.request),
            (b"suppress", self.suppress),
            (b"lift", self.lift),
            (b"close", self.close),
            (b"lists", self.lists),
            (b"refresh", self.refresh),
        ):
            command: Any = Command(handler)
            root.putChild(name, command)
        return root

    async def consents(self, asked: Document) -> Document:
        """Record events; those that cannot be are told by their index."""
        tenant = self._tenant(asked, required=True)
        events, usual = asked.get("events"), asked.get("usual") or {}
        if not isinstance(events, list) or not isinstance(usual, dict):
            raise Unfit("events must be a list, and what is usual in them an object")
        only = str(events[0].get("number", "")) if len(events) == 1 and isinstance(events[0], dict) else None
        importing = self.gateway.relay.protection.importing
        recorded, refused = await importing.record(tenant, usual, events)
        number = only if recorded else None
        await self._record(asked, "consent", tenant, f"{recorded} events recorded", number)
        return {"recorded": recorded, "refused": refused}

    async def request(self, asked: Document) -> Document:
        """Ask people by text for their consent to a program."""
        tenant = self._tenant(asked, required=True)
        program = str(asked.get("program") or "")
        method, evidence, language = (str(asked.get(n) or "") for n in ("method", "evidence", "language"))
        if method and method not in METHODS:
            raise Unfit(f"method must be one of {', '.join(METHODS)}")
        origin = Origin(method or "api", str(asked.get(OPERATOR, "unknown")), evidence, language)
        requesting = self.gateway.relay.protection.requesting
        return await self._each(
            asked,
            "ask for consent",
            f"{tenant} {program}",
            tenant,
            lambda number, batch: requesting.ask(tenant, program, number, origin, batch),
            prefixes=False,
        )

    async def suppress(self, asked: Document) -> Document:
        """Put numbers on a list."""
        key = self._key(asked)
        span = Span(asked.get("since"), asked.get("until"))
        evidence = str(asked.get("evidence") or "")
        people = self.gateway.relay.protection.people

        def one(number: str, batch: Batch) -> None:
            people.suppress(key, number, batch, by="operator", evidence=evidence, span=span)

        return await self._each(asked, "suppress", _named(key), key.scope.tenant, one)

    async def lift(self, asked: Document) -> Document:
        """Take numbers off a list."""
        key = self._key(asked)
        people = self.gateway.relay.protection.people
        return await self._each(
            asked,
            "lift",
            _named(key),
            key.scope.tenant,
            lambda number, batch: people.lift(key, number, batch, by="operator"),
        )

    async def close(self, asked: Document) -> Document:
        """Close a case."""
        case_id = asked.get("id")
        case = await self.gateway.store.ledger.read(rows.case, case_id) if isinstance(case_id, int) else None
        if case is None:
            raise Unfit(f"there is no case {case_id}")
        if case.closed_at is not None:
            raise Unfit(f"case {case_id} was closed by {case.closed_by}")
        batch = Batch()
        by, note = str(asked.get("by") or asked.get(OPERATOR, "unknown")), str(asked.get("note") or "")
        self.gateway.relay.protection.cases.close(case, by, note, batch)
        self.gateway.relay.audit.record(batch, by, "close", f"case {case.id}", note, number=case.number)
        await self._commit(batch)
        return {"closed": case.id}

    async def lists(self, asked: Document) -> Document:
        """The lists of people.yaml as they are in force."""
        feeds = self.gateway.relay.protection.feeds
        return {"lists": [feeds.shown(feed) for feed in feeds.feeds.values()]}

    async def refresh(self, asked: Document) -> Document:
        """Look at the source of a list now."""
        feeds = self.gateway.relay.protection.feeds
        try:
            named = feeds.named(str(asked.get("name") or ""))
        except Unknown as error:
            raise Unfit(str(error)) from None
        accept = asked.get("accept_shrink") is True
        told = [await feeds.refresh(feed, accept_shrink=accept) for feed in named]
        outcome = ", ".join(each["outcome"] for each in told)
        act = f"list {asked['name']}: {outcome}" + (", a shrink accepted" if accept else "")
        await self._record(asked, "refresh", "", act, None)
        return {"lists": told}

    async def _each(
        self,
        asked: Document,
        act: str,
        subject: str,
        tenant: str,
        change: Callable[[str, Batch], None],
        *,
        prefixes: bool = True,
    ) -> Document:
        numbers = asked.get("numbers")
        if not isinstance(numbers, list):
            raise Unfit("numbers must be a list")
        refused: list[list[Any]] = []
        for start in range(0, len(numbers), STEP):
            batch = Batch()
            for index, number in enumerate(numbers[start : start + STEP], start=start):
                try:
                    change(self._number(tenant, str(number), prefix=prefixes), batch)
                except ValueError as error:
                    refused.append([index, str(error)])
            await self._commit(batch)
        done = len(numbers) - len(refused)
        only = str(numbers[0]).removeprefix("+") if len(numbers) == 1 and done else None
        await self._record(asked, act, subject, f"{done} numbers", only)
        return {"done": done, "refused": refused}

    async def _record(self, asked: Document, act: str, subject: str, detail: str, number: str | None) -> None:
        await self.gateway.relay.audit.at_once(
            asked.get(OPERATOR, "unknown"), act, subject, detail, number=number
        )

    async def _commit(self, batch: Batch) -> None:
        await self._begin(batch)
        await self._rest()

    def _begin(self, batch: Batch) -> Deferred[None]:
        """Fires when a batch is on disk; fails if the store will not have it."""
        refused: list[bool] = []
        batch.failed.append(lambda: refused.append(True))
        committed = self.gateway.relay.committer.commit(batch, must=True)
        return committed.addCallback(lambda _: _must_be_empty(refused))

    async def _rest(self) -> None:
        await deferLater(self.gateway.relay.clocks.timer, 0)  # type: ignore[arg-type]

    def _key(self, asked: Document) -> ListKey:
        try:
            kind = ListType(str(asked.get("type") or ""))
        except ValueError:
            raise Unfit(f"type must be one of {', '.join(ListType)}") from None
        tenant = self._tenant(asked)
        scope = Scope(tenant, str(asked.get("program") or ""), str(asked.get("category") or ""))
        if scope != Scope() and not tenant:
            raise Unfit("a program or a category is a tenant's")
        name = str(asked.get("name") or COMMANDS)
        if name.startswith(FILE):
            raise Unfit(f"{name.removeprefix(FILE)} is a list of people.yaml: change its source")
        return ListKey(kind, scope, name)

    def _tenant(self, asked: Document, *, required: bool = False) -> str:
        tenant = str(asked.get("tenant") or "")
        known = {account.tenant for account in self.gateway.generation.accounts.values()}
        if tenant not in known and (tenant or required):
            raise Unfit(f"no account is of a tenant '{tenant}': there are {', '.join(sorted(known))}")
        return tenant

    def _number(self, tenant: str, number: str, *, prefix: bool = False) -> str:
        if prefix and number.endswith("*"):
            digits = number[:-1].removeprefix("+")
            if not (digits.isascii() and digits.isdigit()) or digits[0] == "0":
                raise ValueError("a prefix is digits with the calling code, and a * at the end")
            return f"{digits}*"
        found = self.gateway.relay.protection.people.persons.digits(tenant, number)
        if found is None:
            raise ValueError("not a number with its calling code")
        return found


def _must_be_empty(refused: list[bool]) -> None:
    if refused:
        raise RuntimeError("the store did not take the rows: its message is in the log")


def _named(key: ListKey) -> str:
    """A list, as the record of what was done calls it."""
    return " ".join(filter(None, (str(key.type), *key.scope, key.name)))
