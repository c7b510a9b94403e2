"""Deadlines of tiers: an alarm where messages are not with their carrier in time, by account and program.

Once a minute those whose time is over now are read, as far as they still wait: each is looked at once, and
those that are late again until they have gone. Where nothing has a tier nothing is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush

from sqlalchemy import Connection, select
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from gateway.filters.persons import Persons
from gateway.filters.tiers import DEADLINES
from gateway.message import Message
from gateway.relay.alarms import Alarms
from gateway.relay.book import Entry
from gateway.relay.clocks import Clocks
from gateway.relay.recover import scheduled
from gateway.store.ledger import Ledger
from gateway.store.queries import first_accepted
from gateway.store.rows import MessageRow, State, StoreUnavailable
from gateway.store.schema import message

log = Logger(__name__)

KIND = "tier_deadline"
INTERVAL = 60.0
PAGE = 500
REMEMBERED = 1000  # late messages of one alarm that are looked at again
WAITS = (State.WAITING, State.DEFERRED, State.HELD, State.GATHERING)


class Deadlines:
    """Raises alarms for what is late. `persons` gives those of the generation in force."""

    def __init__(
        self,
        ledger: Ledger,
        alarms: Alarms,
        persons: Callable[[], Persons],
        restore: Callable[[MessageRow], Entry],
        clocks: Clocks,
    ) -> None:
        self.ledger = ledger
        self.alarms = alarms
        self.persons = persons
        self.restore = restore
        self.clocks = clocks
        self._next = 0.0
        self._looking = False
        self._after = dict.fromkeys(DEADLINES, 0)  # by tier, up to which id was looked
        self._later: list[tuple[int, int]] = []  # deadline and id of what the client scheduled
        self._late: dict[str, set[int]] = {}
        self._counts: dict[str, int] = {}

    def tick(self) -> None:
        """Look, once a minute. To be called every second."""
        now = self.clocks.timer.seconds()
        if self._looking or now < self._next or not (self.persons().tiers.any or self._late):
            return
        self._looking, self._next = True, now + INTERVAL
        Deferred.fromCoroutine(self.look()).addErrback(
            lambda failure: log.failure("deadlines of tiers could not be looked at", failure)
        ).addBoth(self._looked)

    def _looked(self, _: object) -> None:
        self._looking = False

    async def look(self) -> None:
        """One look at everything whose time is over."""
        now = self.clocks.now_ms()
        try:
            await self._forget_gone()
            for tier, seconds in DEADLINES.items():
                await self._accepted_before(tier, now - seconds * 1000, now)
            due = []
            while self._later and self._later[0][0] <= now:
                due.append(heappop(self._later)[1])
            self._take((row for row in await self.ledger.messages(due) if row.state in WAITS), now)
        except StoreUnavailable as error:
            log.warn("deadlines of tiers are looked at later: {error}", error=str(error))
        self._tell()

    async def _accepted_before(self, tier: int, before: int, now: int) -> None:
        more = True
        while more:
            rows, upto, more = await self.ledger.read(_waiting, self._after[tier], before, PAGE)
            self._take(rows, now, tier)
            self._after[tier] = max(upto, self._after[tier])

    def _take(self, rows: Iterable[MessageRow], now: int, tier: int | None = None) -> None:
        """Sort out which of these are late."""
        persons = self.persons()
        for row in rows:
            entry = self.restore(row)
            of = persons.tier(entry.message)
            if not of or (tier is not None and of != tier) or entry.message.by:
                continue
            deadline = _begins(entry.message) + DEADLINES[of] * 1000
            if deadline > now:
                heappush(self._later, (deadline, row.id))
                continue
            subject = f"tier {of}, account {row.account}"
            if program := persons.program(entry.message):
                subject += f", program {program}"
            late = self._late.setdefault(subject, set())
            self._counts[subject] = self._counts.get(subject, 0) + 1
            if len(late) < REMEMBERED:
                late.add(row.id)

    async def _forget_gone(self) -> None:
        """Those that have left or ended are late no more."""
        for late in self._late.values():
            rows = await self.ledger.messages(sorted(late))
            late.intersection_update(row.id for row in rows if row.state in WAITS)

    def _tell(self) -> None:
        for subject, late in list(self._late.items()):
            if not late:
                del self._late[subject], self._counts[subject]
                self.alarms.recovered(KIND, subject, "all that was late has gone or ended")
                continue
            text = (
                f"{self._counts[subject]} were not with their carrier in time, {len(late)} or more of them "
                f"still wait: `gateway message` tells why; the oldest is number {min(late)}"
            )
            self.alarms.alarm(KIND, subject, text)


def _begins(message: Message) -> int:
    """When a message could leave as far as its client is concerned, in unix milliseconds."""
    return max(message.accepted_at, scheduled(message.pdu, message.accepted_at) or 0)


def _waiting(
    connection: Connection, after: int, before: int, limit: int
) -> tuple[list[MessageRow], int, bool]:
    """Messages that wait, accepted before a time, with an id above `after`, in order; up to which id that
    is, and whether there may be more.
    """
    end = first_accepted(connection, before)
    query = select(message).where(
        message.c.deadline.is_not(None),
        message.c.id > after,
        message.c.id < end,
        message.c.state.in_([int(state) for state in WAITS]),
    )
    rows = list(map(MessageRow._make, connection.execute(query.order_by(message.c.id).limit(limit))))
    more = len(rows) == limit
    return rows, rows[-1].id if more else end - 1, more
