"""Breakers at work: fed with what ends and what people say, stored, told, and resumed by a person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from twisted.logger import Logger

from gateway.filters.breakers import BY_HAND, Subject, Trip
from gateway.filters.chain import Judgement, Mode
from gateway.filters.paused import PROMOTIONAL, Paused, verdict
from gateway.relay.alarms import Alarms
from gateway.relay.batch import Batch
from gateway.relay.book import Entry
from gateway.relay.clocks import Clocks
from gateway.relay.judging import Judging
from gateway.relay.people import People
from gateway.relay.webhooks import Webhooks
from gateway.store.breakers import TripRow, trips
from gateway.store.ledger import Ledger
from gateway.store.rows import State

log = Logger(__name__)

PAGE = 500
KIND = "breaker"


class Breaking:
    """Trips and resumes the breakers of what is known. `hasten` judges deferred messages anew at once."""

    def __init__(
        self, people: People, judging: Judging, webhooks: Webhooks, alarms: Alarms, clocks: Clocks
    ) -> None:
        self.people = people
        self.judging = judging
        self.webhooks = webhooks
        self.alarms = alarms
        self.clocks = clocks
        self.hasten: Callable[[Sequence[int]], Awaitable[None]]

    async def restore(self, ledger: Ledger) -> None:
        """Learn what is tripped."""
        found = [
            Trip(row.rule, Subject(*row[1:4]), row.tripped_at // 1000, bool(row.refuses), row.why, row.by)
            for row in await ledger.read(trips)
        ]
        self.people.known.breakers.put(found)
        for trip in found:
            self._alarm(trip)

    # what is counted

    def ended(self, entry: Entry, batch: Batch) -> None:
        """A message has ended: it counts if it is promotional and a carrier had it."""
        message = entry.message
        breakers = self.people.known.breakers
        if not breakers.rules or message.category != PROMOTIONAL or entry.sent_at is None or message.by:
            return
        if entry.state is State.DELETED:
            return
        traffic = Subject(message.account, self.people.persons.program(message), entry.carrier or "")
        failed = entry.state is not State.DELIVERED
        self._tripped(breakers.ended(traffic, failed, self.clocks.wall()), batch)

    def count(
        self, what: str, account: str, tenant: str, program: str | None, carrier: str, batch: Batch
    ) -> None:
        """Somebody has opted out (`opt_outs`) or complained (`complaints`)."""
        breakers = self.people.known.breakers
        if breakers.rules:
            program = program or self.people.persons.people.tenant(tenant).program
            traffic = Subject(account, program, carrier)
            self._tripped(breakers.counted(what, traffic, self.clocks.wall()), batch)

    # tripping

    def trip(self, subject: Subject, refuses: bool, why: str, by: str, batch: Batch) -> Trip:
        """A person stops something."""
        trip = Trip(BY_HAND, subject, int(self.clocks.wall()), refuses, why, by)
        self.people.known.breakers.put([trip])
        self._tripped([trip], batch)
        return trip

    def _tripped(self, tripped: Sequence[Trip], batch: Batch) -> None:
        for trip in tripped:
            self.people.known.changes += 1  # what waits for a carrier is asked again
            row = TripRow(trip.rule, *trip.subject, trip.at * 1000, int(trip.refuses), trip.why, trip.by)
            batch.changes.add("trip", tuple(row))
            self.webhooks.tell("breaker.tripped", _told(trip), batch)
            self._alarm(trip)

    def _alarm(self, trip: Trip) -> None:
        then = "are refused" if trip.refuses else "wait"
        if trip.rule in self.people.known.breakers.shadows:
            then = "go on, since it is in shadow, and are counted"
        text = f"{trip.why}; promotional messages {then} until `gateway breaker resume`"
        self.alarms.alarm(KIND, f"{trip.rule}: {trip.subject}", text)

    # at the carriers

    def stops(self, entry: Entry, carrier: str) -> bool:
        """Whether a breaker stops a message that would go by this carrier; it is settled then."""
        message = entry.message
        breakers = self.people.known.breakers
        if not breakers.at_carriers or message.category != PROMOTIONAL or message.by:
            return False
        trip = breakers.stops(message.account, self.people.persons.program(message), carrier)
        if trip is None:
            return False
        if entry.stored:
            said = verdict(trip, message, self.clocks.wall())
            batch = Batch()
            self.judging.settle(entry, Judgement(said, ((said, Mode.ENFORCE),)), batch)
            self.judging.dispatch.committer.commit(batch, must=True)
        return True

    # resuming

    def resume(self, rule: str, subject: Subject, by: str, note: str, batch: Batch) -> bool:
        """A person resumes what a breaker stopped; False if it was not tripped. `release` lets go what
        waits.
        """
        trip = self.people.known.breakers.resume(rule, subject)
        if trip is None:
            return False
        batch.changes.add("resume", (rule, *subject))
        self.webhooks.tell("breaker.resumed", {**_told(trip), "by": by, "note": note}, batch)
        self.alarms.recovered(KIND, f"{rule}: {subject}", f"resumed by {by}")
        return True

    async def release(self) -> None:
        """Judge anew what breakers deferred. Raises StoreUnavailable; what is left is looked at when it is
        due.
        """
        mark = f'"{Paused.name}"'
        after = 0
        ledger = self.people.ledger
        while rows := await ledger.open_after(after, (State.DEFERRED,), PAGE):
            await self.hasten([row.id for row in rows if mark in row.decision])
            after = rows[-1].id


def _told(trip: Trip) -> dict[str, object]:
    return {
        "rule": trip.rule,
        "subject": str(trip.subject),
        **{name: value for name, value in trip.subject._asdict().items() if value},
        "why": trip.why,
        "by": trip.by,
        "refuses": trip.refuses,
        "tripped_at": trip.at * 1000,
    }
