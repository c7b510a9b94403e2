"""What is known of people, kept in step with the store: lists, consents, and the chains of their ledgers.

Memory changes at once, so that the next message in the same batch sees it; the row goes into the batch that
brought the change, which must be committed: it is durable before whoever brought it is answered.
"""

from __future__ import annotations

import heapq
import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection
from twisted.logger import Logger

from gateway.filters.consent import NEVER, ConsentEvent, EventKind
from gateway.filters.consentchain import SALT, Form, Kept, Link, extend, extend_all, genesis, text_of
from gateway.filters.consents import mark_of
from gateway.filters.known import CONSENTS, Known
from gateway.filters.numbersets import ALWAYS, Span
from gateway.filters.persons import Persons
from gateway.filters.suppression import REVERSIBLE_BY, ListKey, ListType, Scope
from gateway.relay.batch import Batch
from gateway.relay.clocks import Clocks
from gateway.relay.patience import read
from gateway.store import people as rows
from gateway.store.ledger import Ledger
from gateway.store.people import ConsentRow, SuppressionKey, SuppressionRow

log = Logger(__name__)

BIG_PAGE = 10_000
PAGE = 500  # rows taken in at once when starting: a few milliseconds


Line = tuple[Form, str, int, int | None, str]
"""An event of a form: its number, when it occurred and until when it holds (unix seconds), its evidence."""


class Waiting(NamedTuple):
    """A request for consent that is answered, or has expired, at unix second `until`."""

    until: int
    tenant: str
    program: str
    category: str
    number: str


class Said(NamedTuple):
    """What a stored line of a ledger says, as the consents take it in; `kind` is None once it is erased."""

    tenant: str
    position: int
    kind: EventKind | None = None
    program: str = ""
    category: str = ""
    number: str = ""
    moment: int = 0
    until: int = 0
    mark: int = 0


KINDS: dict[str, EventKind] = {str(kind): kind for kind in EventKind}


class NotYours(Exception):
    """Who asks may not take this entry off its list."""


class People:
    """The lists and consents of all tenants. `persons` and `known` are those of the filters in force."""

    def __init__(self, ledger: Ledger, clocks: Clocks, persons: Persons, known: Known) -> None:
        self.ledger = ledger
        self.clocks = clocks
        self.persons = persons
        self.known = known
        self.heads: dict[str, Link] = {}
        self.stopped = False
        self.waiting: list[Waiting] = []
        self.counts: Counter[str] = Counter()

    # lists

    def suppress(
        self,
        key: ListKey,
        digits: str,
        batch: Batch,
        *,
        by: str,
        evidence: str = "",
        span: Span = ALWAYS,
    ) -> None:
        """Put a number (or `prefix*`) on a list."""
        self.known.suppressions.add(key, digits, span)
        self.known.changes += 1
        self.counts[f"suppressed:{key.type}"] += 1
        now = self.clocks.now_ms()
        row = SuppressionRow(str(key.type), *key.scope, key.name, digits, *span, now, by, evidence)
        batch.changes.add("replace", (now, by, *row.key, *span))
        batch.changes.add("suppress", tuple(row))

    def lift(self, key: ListKey, digits: str, batch: Batch, *, by: str) -> None:
        """Take a number off a list. Raises NotYours if `by` (operator, tenant, carrier, person) may not."""
        if by not in REVERSIBLE_BY[key.type]:
            may = ", ".join(sorted(REVERSIBLE_BY[key.type]))
            raise NotYours(f"{key.type} is taken back by {may} only")
        self.known.suppressions.discard(key, digits)
        self.counts[f"lifted:{key.type}"] += 1
        entry = SuppressionKey(str(key.type), *key.scope, key.name, digits)
        batch.changes.add("lift", (self.clocks.now_ms(), by, *entry))
        batch.changes.add("unsuppress", tuple(entry))

    def is_on(self, key: ListKey, digits: str) -> bool:
        """Whether a number itself is on a list now."""
        numbers = self.known.suppressions.lists.get(key)
        return numbers is not None and numbers.find(digits, int(digits), self.clocks.wall()) is not None

    # consents

    def record(self, event: ConsentEvent, batch: Batch) -> Link:
        """Append an event to its tenant's ledger."""
        salt, text = os.urandom(SALT), text_of(event)
        link = extend(self.heads.get(event.tenant) or genesis(event.tenant), event, salt, text)
        self.heads[event.tenant] = link
        self._learn(event)
        self.known.changes += 1
        self.counts[f"consent:{event.kind}"] += 1
        batch.changes.add(
            "consent",
            (
                event.tenant,
                link.position,
                link.recorded_at,
                link.commitment,
                link.hash,
                salt,
                event.number,
                text,
            ),
        )
        return link

    def record_all(self, tenant: str, recorded_at: int, lines: Sequence[Line], batch: Batch) -> list[Link]:
        """Append many grants and ends at once."""
        consents = self.known.consents
        texts = [
            form.text(number, occurred_at, expires_at, evidence, recorded_at)
            for form, number, occurred_at, expires_at, evidence in lines
        ]
        drawn = os.urandom(SALT * len(lines))
        salts = [drawn[at : at + SALT] for at in range(0, len(drawn), SALT)]
        links = extend_all(self.heads.get(tenant) or genesis(tenant), recorded_at, texts, salts)
        known: dict[Form, tuple[int, EventKind, tuple[int, int]]] = {}
        for line, text, salt, link in zip(lines, texts, salts, links, strict=True):
            form, number, occurred_at, expires_at, evidence = line
            if form not in known:
                known[form] = self._known_of(form)
            scope, kind, marks = known[form]
            until = NEVER if expires_at is None else expires_at
            consents.take(scope, number, kind, occurred_at, until, marks[bool(evidence)])
            self.counts[f"consent:{kind}"] += 1
            position, _, commitment, hash = link
            row = tenant, position, recorded_at, commitment, hash, salt, number, text
            batch.changes.add("consent", row)
        if links:
            self.heads[tenant] = links[-1]
            self.known.changes += 1
        return links

    def _known_of(self, form: Form) -> tuple[int, EventKind, tuple[int, int]]:
        """What the consents know events of a form by: scope, kind, and the mark without and with evidence."""
        like = form.like
        scope = self.known.consents.scope(like.tenant, like.program, like.category)
        marks = [mark_of(like.kind, like.basis, evidence, like.method) for evidence in ("", "some")]
        return scope, like.kind, (marks[0], marks[1])

    def _learn(self, event: ConsentEvent) -> None:
        self.known.consents.apply(event)
        if event.kind is EventKind.REQUESTED and event.expires_at is not None:
            wait = Waiting(event.expires_at, event.tenant, event.program, event.category, event.number)
            heapq.heappush(self.waiting, wait)

    def _understand(self, said: Said) -> None:
        learn_consent(self.known, said)
        if said.kind is EventKind.REQUESTED:
            wait = Waiting(said.until, said.tenant, said.program, said.category, said.number)
            heapq.heappush(self.waiting, wait)

    # starting

    async def load(self) -> None:
        """Read the lists and the heads of the ledgers, some of it at a time, so that the reactor is never
        held for long. What consents say is to be read by `load_consents`; until then no filter goes by them.
        """
        self.known.loading.add(CONSENTS)
        await self._load_suppressions()
        for row in await self.ledger.read(rows.consent_heads):
            self.heads[row.tenant] = Link(row.position, row.recorded_at, row.commitment, row.hash)
        log.info("{lists} lists of numbers are known", lists=len(self.known.suppressions.lists))

    async def _load_suppressions(self) -> None:
        after = SuppressionKey("", "", "", "", "", "")
        while (page := await self.ledger.read(rows.suppressions, after, PAGE))[0]:
            found, after = page
            learn_suppressions(self.known, found)

    async def load_consents(self) -> None:
        """Read the ledgers as they were at the start, beside the traffic, until it is done or `stopped`."""
        ends = {tenant: link.position for tenant, link in self.heads.items()}
        after = "", 0
        while found := await read(self.ledger, self.clocks, said_after, after, PAGE):
            if self.stopped:
                return
            for said in found:
                if said.kind is not None and said.position <= ends.get(said.tenant, 0):
                    self._understand(said)
            after = found[-1][:2]
        self.known.loading.discard(CONSENTS)
        self.known.changes += 1
        log.info("{consents} consents are known", consents=len(self.known.consents))


def list_key(key: SuppressionKey) -> ListKey:
    """The list of a stored entry."""
    return ListKey(ListType(key.type), Scope(key.tenant, key.program, key.category), key.name)


def kept(row: ConsentRow) -> Kept:
    """A stored line of a ledger. Raises ValueError for an event that is none."""
    link = Link(row.position, row.recorded_at, row.commitment, row.hash)
    return Kept(link, None if row.event is None else event_of(json.loads(row.event)), row.salt)


def event_of(document: dict[str, object]) -> ConsentEvent:
    """An event of its JSON. Raises ValueError for one that cannot be."""
    try:
        return ConsentEvent(**{**document, "kind": EventKind(str(document["kind"]))})  # type: ignore[arg-type]
    except (TypeError, KeyError) as error:
        raise ValueError(f"not an event: {error}") from None


def learn_suppressions(known: Known, found: Iterable[SuppressionRow]) -> None:
    """Take stored entries in."""
    for row in found:
        known.suppressions.add(list_key(row.key), row.number, Span(row.since, row.until))


def events_after(connection: Connection, after: tuple[str, int], limit: int) -> list[tuple[str, Kept]]:
    """A page of all ledgers, by tenant, understood where it is read: in the reader's thread."""
    return [(row.tenant, kept(row)) for row in rows.consents(connection, after, limit)]


def read_all(connection: Connection, known: Known) -> None:
    """Learn all that the store knows of people, for who looks at it beside the node."""
    after = SuppressionKey("", "", "", "", "", "")
    while (page := rows.suppressions(connection, after, BIG_PAGE))[0]:
        found, after = page
        learn_suppressions(known, found)
    place = "", 0
    while found_said := said_after(connection, place, BIG_PAGE):
        for said in found_said:
            if said.kind is not None:
                learn_consent(known, said)
        place = found_said[-1][:2]


def said_after(connection: Connection, after: tuple[str, int], limit: int) -> list[Said]:
    """A page of all ledgers, by tenant, as far as the consents need it: much less work than
    `events_after`, which a start does for every line. Raises ValueError for an event that is none.
    """
    return [_said(*line) for line in rows.consent_texts(connection, after, limit)]


def _said(tenant: str, position: int, text: str | None) -> Said:
    if text is None:
        return Said(tenant, position)
    try:
        event = json.loads(text)
        kind = KINDS[event["kind"]]
        until = NEVER if event["expires_at"] is None else event["expires_at"]
        mark = mark_of(kind, event["basis"], event["evidence"], event["method"])
        return Said(
            tenant,
            position,
            kind,
            event["program"],
            event["category"],
            event["number"],
            event["occurred_at"],
            until,
            mark,
        )
    except (TypeError, KeyError) as error:
        raise ValueError(f"not an event: {error}") from None


def learn_consent(known: Known, said: Said) -> None:
    """Take a stored line in."""
    assert said.kind is not None
    scope = known.consents.scope(said.tenant, said.program, said.category)
    known.consents.take(scope, said.number, said.kind, said.moment, said.until, said.mark)
