"""The lookout: once a second, whether something has gone on for too long that a person should hear of."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from gateway.filters.rulebook import RuleBook
from gateway.relay.batch import Batch
from gateway.relay.deadlines import Deadlines
from gateway.relay.notices import Notices
from gateway.settings.models import Alarms as Settings
from gateway.settings.models import Node

if TYPE_CHECKING:
    from gateway.relay.node import Relay

log = Logger(__name__)

INTERVAL = 1.0
QUIET = 300.0  # seconds without a failure until a filter is believed to work again
STORE = "store"
CALENDAR = "calendar", "working days"


class Lookout:
    """Looks at a relay's store, carriers, filters and cases, and has its alarms told."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.alarms = relay.alarms
        self.clocks = relay.clocks
        self.settings = Settings()
        self.notices = Notices(relay.alarms, relay.protection.webhooks, relay.committer, relay.clocks)
        self.deadlines = Deadlines(
            relay.store.ledger,
            relay.alarms,
            lambda: relay.protection.people.persons,
            relay.book.restore,
            relay.clocks,
        )
        self._looks = (
            self._store,
            self._carriers,
            self._filters,
            self._cases,
            self._calendars,
            self.deadlines.tick,
            relay.protection.ends.tick,
            self.notices.tick,
            relay.steering.tick,
            relay.spending.tick,
        )
        self._calendars_of: tuple[date, RuleBook] | None = None
        self._since: dict[tuple[str, str], float] = {}
        self._failed: dict[str, tuple[int, float]] = {}
        self._loop = LoopingCall(self.look)
        self._loop.clock = relay.clocks.timer  # type: ignore[assignment]

    def adopt(self, node: Node) -> None:
        """Go by the settings of a new generation."""
        self.settings = node.alarms
        self.notices.configure(node.alarms, node.name)

    def start(self) -> None:
        """Begin to look."""
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._loop.stop()

    def look(self) -> None:
        """One look at everything; what goes wrong with one look keeps nobody from the others."""
        for look in self._looks:
            try:
                look()
            except Exception:
                log.failure("a look at what goes on failed")

    def _store(self) -> None:
        journal = self.relay.store.journal
        text = f"cannot be written, nothing is accepted: {journal.failure}"
        self._lasting(
            "store_failing", STORE, journal.failing, self.settings.store_failing, text, "works again"
        )

    def _carriers(self) -> None:
        configured = self.relay.generation.carriers
        for name in configured:
            uplinks = self.relay.uplinks.of(name)
            error = next((uplink.last_error for uplink in uplinks if uplink.last_error), "no connection")
            down = not self.relay.dispatch.carriers[name].links
            text = f"no bind is up: {error}"
            self._lasting("carrier_down", name, down, self.settings.carrier_down, text, "bound again")
        for kind, name in list(self._since):
            if kind == "carrier_down" and name not in configured:
                del self._since[kind, name]
                self.alarms.recovered(kind, name, "it is configured no more")

    def _lasting(self, kind: str, subject: str, wrong: bool, patience: float, text: str, over: str) -> None:
        """An alarm for what is wrong for longer than `patience`."""
        now = self.clocks.timer.seconds()
        if not wrong:
            if self._since.pop((kind, subject), None) is not None:
                self.alarms.recovered(kind, subject, over)
            return
        lasts = now - self._since.setdefault((kind, subject), now)
        if lasts >= patience and (kind, subject) not in self.alarms.open:
            self.alarms.alarm(kind, subject, text)

    def _filters(self) -> None:
        now = self.clocks.timer.seconds()
        for name, count in self.relay.judging.failures.items():
            before, at = self._failed.get(name, (0, now))
            if count > before:
                self._failed[name] = count, now
                text = f"failed {count} times since the start and gave its stated verdict: the log says why"
                self.alarms.alarm("filter_failed", name, text)
            elif now - at >= QUIET:
                self.alarms.recovered("filter_failed", name, "no failure for five minutes")

    def _calendars(self) -> None:
        """Once a day, and with a new generation: is it known which days are worked next month?"""
        today, book = datetime.fromtimestamp(self.clocks.wall(), UTC).date(), self._book()
        if (today, book) == self._calendars_of:
            return
        self._calendars_of = today, book
        if told := book.gaps(today):
            self.alarms.alarm(*CALENDAR, "; ".join(told))
        else:
            self.alarms.recovered(*CALENDAR, "all of them are known")

    def _book(self) -> RuleBook:
        return self.relay.protection.people.persons.book

    def _cases(self) -> None:
        batch = Batch()
        self.relay.protection.cases.overdue(batch)
        self.relay.committer.commit(batch, must=True)
