"""What may be asked of a running node about breakers: POST with JSON, below /breakers.

list    {}
trip    {"account", "program", "carrier", "refuse", "note"}
resume  {"rule", "account", "program", "carrier", "note"}
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.resource import Resource

from gateway.control.operator import OPERATOR
from gateway.control.people import Command, Document, Unfit
from gateway.filters.breakers import Subject
from gateway.relay.batch import Batch
from gateway.relay.node import Relay
from gateway.relay.webhooks import moment

log = Logger(__name__)


class BreakerCommands:
    """Does what is asked about breakers."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay

    def site(self) -> Resource:
        """Everything below /breakers."""
        root = Resource()
        for name, handler in ((b"list", self.list), (b"trip", self.trip), (b"resume", self.resume)):
            command: Any = Command(handler)
            root.putChild(name, command)
        return root

    async def list(self, asked: Document) -> Document:
        """What is tripped."""
        trips = self.relay.protection.people.known.breakers.trips.values()
        return {
            "tripped": [
                {
                    "rule": trip.rule,
                    **trip.subject._asdict(),
                    "since": moment(trip.at * 1000),
                    "then": "refuse" if trip.refuses else "wait",
                    "why": trip.why,
                    "by": trip.by,
                }
                for trip in trips
            ]
        }

    async def trip(self, asked: Document) -> Document:
        """Stop an account's, a program's or a carrier's promotional messages."""
        subject = self._subject(asked)
        by, note = asked[OPERATOR], str(asked.get("note") or "")
        batch = Batch()
        why = f"tripped by {by}" + (f": {note}" if note else "")
        self.relay.protection.breaking.trip(subject, bool(asked.get("refuse")), why, by, batch)
        self.relay.audit.record(batch, by, "breaker_trip", str(subject), note)
        await self.relay.committer.commit(batch, must=True)
        return {"tripped": str(subject)}

    async def resume(self, asked: Document) -> Document:
        """Let what a breaker stopped go on."""
        subject, rule = self._subject(asked), str(asked.get("rule") or "")
        breaking = self.relay.protection.breaking
        tripped = breaking.people.known.breakers.trips
        meant = [key for key in tripped if key[1] == subject and rule in ("", key[0])]
        if not meant:
            raise Unfit(f"no breaker is tripped for {subject}: see `gateway breaker list`")
        by, note = asked[OPERATOR], str(asked.get("note") or "")
        batch = Batch()
        for name, _ in meant:
            breaking.resume(name, subject, by, note, batch)
        self.relay.audit.record(batch, by, "breaker_resume", str(subject), note)
        await self.relay.committer.commit(batch, must=True)
        Deferred.fromCoroutine(breaking.release()).addErrback(
            lambda failure: log.failure("what was paused could not be released at once", failure)
        )
        return {"resumed": [name for name, _ in meant]}

    def _subject(self, asked: Document) -> Subject:
        subject = Subject(*(str(asked.get(name) or "") for name in Subject._fields))
        if subject == Subject():
            raise Unfit("an account, a program or a carrier must be named")
        generation = self.relay.generation
        for name, known in (("account", generation.accounts), ("carrier", generation.carriers)):
            value = getattr(subject, name)
            tripped = self.relay.protection.people.known.breakers.trips
            if value and value not in known and not any(key[1] == subject for key in tripped):
                raise Unfit(f"there is no {name} '{value}': there are {', '.join(sorted(known))}")
        return subject
