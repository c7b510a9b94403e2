"""Consent that is asked for by text (double opt-in): what is asked, and what is answered, or not.

A request is an event of the ledger, so it waits across restarts, and what it waits for is found again in the
ledger's own state: a confirmation, a refusal, or silence, which is recorded when the time is over.
"""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from gateway.filters.consent import ConsentEvent, EventKind, Status, silence
from gateway.filters.fold import view_s
from gateway.filters.known import CONSENTS
from gateway.filters.packs import Basis, ConsentRule
from gateway.filters.rulebook import Rules
from gateway.relay.batch import Batch
from gateway.relay.clocks import Clocks
from gateway.relay.people import People
from gateway.relay.webhooks import Event, Webhooks
from gateway.settings.models import Request

if TYPE_CHECKING:
    from gateway.relay.attributing import Heard

ASKED_FOR = "promotional"
YES = "y"
PAGE = 500  # requests that may expire in one turn


class Pending(NamedTuple):
    """A request that waits for its answer; `asked_at` in unix seconds."""

    asked_at: int
    program: str


class Origin(NamedTuple):
    """How an event came about: its method (web, keyword, paper, api), who brought it, the proof, and the
    language in which a request is to be put ("": that of the recipient's pack).
    """

    method: str
    actor: str
    evidence: str = ""
    language: str = ""


class Consenting:
    """Records requests and their ends."""

    def __init__(self, people: People, webhooks: Webhooks, clocks: Clocks) -> None:
        self.people = people
        self.webhooks = webhooks
        self.clocks = clocks
        self.counts: Counter[str] = Counter()

    def requested(
        self, tenant: str, program: str, digits: str, request: Request, origin: Origin, batch: Batch
    ) -> None:
        """A request is on its way."""
        until = int(self.clocks.wall() + request.wait)
        self.counts["asked"] += 1
        self.record(tenant, program, ASKED_FOR, digits, EventKind.REQUESTED, origin, batch, expires_at=until)

    # answers

    def pending(self, heard: Heard) -> Pending | None:
        """The latest request that waits for an answer from this handset to this number."""
        found = []
        for program, settings in self.people.persons.people.tenant(heard.tenant).programs.items():
            request = settings.request
            if request is None or request.source.lstrip("+") != heard.reply.destination_addr.lstrip("+"):
                continue
            state = self.people.known.consents.state(heard.tenant, program, ASKED_FOR, heard.digits)
            if state.status(self.clocks.wall()) is Status.PENDING:
                found.append(Pending(state.asked_at, program))
        return max(found, default=None)

    def says_yes(self, heard: Heard) -> bool:
        """Whether a reply is the `Y` that confirms whatever the pack says."""
        return view_s(heard.text) == YES

    def confirm(self, heard: Heard, pending: Pending, batch: Batch) -> None:
        """The person agrees."""
        rules = self.people.persons.rules(heard.tenant, heard.digits, ASKED_FOR)
        origin = Origin("keyword", "person", heard.evidence)
        self.counts["confirmed"] += 1
        self.record(
            heard.tenant,
            pending.program,
            ASKED_FOR,
            heard.digits,
            EventKind.CONFIRMED,
            origin,
            batch,
            basis=basis_asked(rules, self.clocks.wall()),
        )

    def refuse(self, heard: Heard, pending: Pending, batch: Batch) -> None:
        """The person does not agree, and is not asked again."""
        origin = Origin("keyword", "person", heard.evidence)
        self.counts["declined"] += 1
        self.record(heard.tenant, pending.program, ASKED_FOR, heard.digits, EventKind.REVOKED, origin, batch)

    def expire(self, batch: Batch) -> None:
        """Requests whose time is over without an answer have expired; some of them at a time."""
        if CONSENTS in self.people.known.loading:
            return  # an answer may not have been read yet
        now = self.clocks.wall()
        waiting = self.people.waiting
        for _ in range(PAGE):
            if not waiting or waiting[0].until > now:
                return
            until, tenant, program, category, digits = heapq.heappop(waiting)
            state = self.people.known.consents.state(tenant, program, category, digits)
            if silence(state, now):
                self.counts["expired"] += 1
                origin = Origin("", "gateway")
                self.record(
                    tenant, program, category, digits, EventKind.EXPIRED, origin, batch, occurred_at=until
                )

    # what they have in common

    def tell(self, event: ConsentEvent, batch: Batch) -> None:
        """Put an event into its ledger, and tell the webhooks."""
        link = self.people.record(event, batch)
        self.webhooks.tell_all("consent", [told_of(event, event.number, link.position)], batch)

    def record(
        self,
        tenant: str,
        program: str,
        category: str,
        digits: str,
        kind: EventKind,
        origin: Origin,
        batch: Batch,
        *,
        basis: Basis | str = "",
        expires_at: int | None = None,
        occurred_at: int | None = None,
    ) -> None:
        """Record something that has come about now, unless said."""
        now = int(self.clocks.wall())
        event = ConsentEvent(
            tenant,
            program,
            category,
            digits,
            kind,
            now if occurred_at is None else occurred_at,
            now,
            basis=basis,
            method=origin.method,
            actor=origin.actor,
            evidence=origin.evidence,
            locale=origin.language,
            expires_at=expires_at,
            pack_version=self.people.persons.pack_version(digits),
        )
        self.tell(event, batch)


def told_of(like: ConsentEvent, number: str, position: int) -> Event:
    """As webhooks are told of an event like this one of a number, that is in its ledger."""
    told = {
        "tenant": like.tenant,
        "program": like.program,
        "category": like.category,
        "number": number,
        "kind": str(like.kind),
        "position": position,
    }
    return Event("consent", "", told)


def basis_asked(rules: Rules, now: float) -> Basis:
    """The basis of a consent that is given in answer to a text: written, where the pack asks for that."""
    asked = [rule.bases for rule, _ in rules.of(ConsentRule, now)]
    return "express" if all("express" in bases for bases in asked) else "express_written"
