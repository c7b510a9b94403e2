"""Steering: an admin pauses, drains, reroutes or purges a part of the traffic, at once and until taken back.

A directive is on disk before it is answered and in force with the next message. What waits already is asked
again before it leaves (`Judging.may_leave`), what is deferred when it is due; what a carrier has is not
touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from gateway.filters.chain import Judgement, Mode
from gateway.filters.directives import Directed, Directive, Directives, Part, Verb, word
from gateway.message import Message
from gateway.relay.auditing import Audit
from gateway.relay.batch import Batch
from gateway.relay.book import Book, Entry
from gateway.relay.gathering import Gathering
from gateway.relay.judging import Judging
from gateway.relay.protection import Protection
from gateway.routing.choosing import Choice, exchanged
from gateway.routing.router import Rule
from gateway.store.directives import DirectiveRow, Waiting, directives, waiting
from gateway.store.ledger import Ledger
from gateway.store.rows import MessageRow, State, StoreUnavailable

log = Logger(__name__)

PAGE = 500
WAITS = (State.WAITING, State.GATHERING, State.DEFERRED, State.HELD)
"""What has been accepted and is with no carrier."""
LOOK = 10.0  # seconds between looks at whether something is drained
COUNTED = 20.0  # seconds that counting may take
AGAIN = 30.0  # seconds until a purge that the store cut short goes on
MARKS = f'"{Directed.name}"'


class Found(NamedTuple):
    """What waits, in groups; not all was looked at if it is not `whole`."""

    groups: list[Waiting]
    whole: bool


class Steering:
    """The directives of one node. `hasten` judges deferred messages anew at once; `changed` is called when
    others are in force.
    """

    def __init__(
        self,
        ledger: Ledger,
        book: Book,
        judging: Judging,
        gathering: Gathering,
        protection: Protection,
        audit: Audit,
    ) -> None:
        self.ledger = ledger
        self.book = book
        self.judging = judging
        self.dispatch = judging.dispatch
        self.gathering = gathering
        self.protection = protection
        self.audit = audit
        self.clocks = judging.clocks
        self.directives = Directives()
        self.filter = Directed(self.directives, self._program)
        self.counts: Counter[str] = Counter()
        self.hasten: Callable[[Sequence[int]], Awaitable[None]]
        self.changed: Callable[[], None] = lambda: None
        self._rules: dict[tuple[int, str], Rule] = {}
        self._next = 1
        self._looked = 0.0
        self._looking = False
        self.stopped = False

    def _program(self, message: Message) -> str:
        return self.protection.people.persons.program(message)

    # giving and taking back

    async def start(self) -> None:
        """Learn which are in force."""
        rows = await self.ledger.read(directives)
        self.directives.put(map(_directive, rows))
        self._next = max((row.id for row in rows), default=0) + 1
        self.apply()

    def resume_purges(self) -> None:
        """Go on with what a restart cut short."""
        for directive in self.directives.all.values():
            if directive.verb is Verb.PURGE:
                self._begin_purge(directive)

    async def give(self, directive: Directive) -> Directive:
        """Put a directive in force; done when it is on disk."""
        given = directive._replace(id=self._next)
        self._next += 1
        batch = Batch()
        self.directives.put([given])
        self.apply()
        batch.changes.add("direct", tuple(_row(given)))
        self.audit.record(batch, given.by, f"traffic_{given.verb.value}", str(given.part), _told(given))
        await self.audit.committer.commit(batch, must=True)
        self.counts[given.verb.value] += 1
        log.info("traffic {part} {said}", part=str(given.part), said=given.said)
        if given.verb is Verb.PURGE:
            self._begin_purge(given)
        return given

    async def take_back(self, ids: Sequence[int], by: str, note: str) -> None:
        """These are in force no more; what waited for that goes on."""
        batch = Batch()
        for id in ids:
            directive = self.directives.take_back(id)
            if directive is not None:
                batch.changes.add("undirect", (id,))
                self.audit.record(batch, by, "traffic_resume", str(directive.part), note or directive.said)
        self.apply()
        self.counts["resume"] += 1
        await self.audit.committer.commit(batch, must=True)
        Deferred.fromCoroutine(self._release()).addErrback(
            lambda failure: log.failure("what was paused could not be released at once", failure)
        )

    def apply(self) -> None:
        """Have everybody go by the directives as they are: filters, carriers, routes."""
        carriers = self.directives.carriers
        for name, carrier in self.dispatch.carriers.items():
            carrier.held = carriers[name].said if name in carriers else ""
        self._rules.clear()
        self.dispatch.placing.detour = self._detour if self.directives.rerouting else None
        self.protection.people.known.changes += 1
        self.changed()
        self.dispatch.reroute(self.dispatch.router, self.dispatch.generation)

    async def _release(self) -> None:
        """Judge anew what a directive deferred. Raises StoreUnavailable; the rest is looked at when due."""
        after = 0
        while rows := await self.ledger.open_after(after, (State.DEFERRED,), PAGE):
            await self.hasten([row.id for row in rows if MARKS in row.decision])
            after = rows[-1].id

    # at the carriers

    def stops(self, entry: Entry, name: str) -> bool:
        """Whether a message is not to go by a carrier to which its route leads: it is settled then. Breakers
        are asked too.
        """
        for directive in self.directives.at_carriers:
            part = directive.part
            if part.carrier != name or part == Part(carrier=name) or entry.message.by:
                continue
            if part.covers(entry.message, self._program):
                verdict = word(directive, entry.message, self.clocks.wall())
                if verdict is not None and entry.stored:
                    batch = Batch()
                    self.judging.settle(entry, Judgement(verdict, ((verdict, Mode.ENFORCE),)), batch)
                    self.dispatch.committer.commit(batch, must=True)
                return True
        return self.protection.breaking.stops(entry, name)

    def _detour(self, entry: Entry, rule: Rule | None) -> Rule | None:
        """The rule by which a message goes while it is rerouted; its own if no directive concerns it. What
        one carrier alone may have stays with that.
        """
        if entry.only or entry.message.by:
            return rule
        for directive in self.directives.rerouting:
            part = directive.part
            if part.carrier and (rule is None or part.carrier not in rule.carriers):
                continue
            if part.covers(entry.message, self._program):
                return self._elsewhere(directive, rule)
        return rule

    def _elsewhere(self, directive: Directive, rule: Rule | None) -> Rule:
        key = directive.id, rule.name if rule is not None else ""
        found = self._rules.get(key)
        if found is None:
            to, carrier = directive.to, directive.part.carrier
            name = ", ".join(filter(None, (key[1], f"to {' or '.join(to)}, {directive.said}")))
            if rule is not None and carrier:
                choice = exchanged(rule.choice, carrier, to)
            else:
                choice = Choice(name, "order", to, (1,) * len(to))
            ordered = rule is not None and rule.ordered
            found = self._rules[key] = Rule(name, choice, ordered=ordered)
        return found

    # what waits

    async def count(self, part: Part) -> Found:
        """What of a part of the traffic waits. Raises StoreUnavailable."""
        if not (part.program or part.prefix or part.carrier):
            all_groups = await self.ledger.read(waiting, list(map(int, WAITS)))
            return Found([group for group in all_groups if self._is_of(part, group)], True)
        groups: dict[tuple[str, str, int], Waiting] = {}
        started = self.clocks.timer.seconds()
        async for rows in self._pages(part):
            for row in rows:
                key = row.account, row.category, row.state
                group = groups.get(key) or Waiting(*key, 0, row.accepted_at)
                oldest = min(group.oldest, row.accepted_at)
                groups[key] = group._replace(messages=group.messages + 1, oldest=oldest)
            if self.clocks.timer.seconds() - started > COUNTED:
                return Found(list(groups.values()), False)
        return Found(list(groups.values()), True)

    def _is_of(self, part: Part, row: Waiting) -> bool:
        return (
            part.account in ("", row.account)
            and part.category in ("", row.category)
            and part.tenant in ("", self._tenant(row.account))
        )

    def _tenant(self, account: str) -> str:
        found = self.protection.accounts.get(account)
        return found.settings.tenant if found is not None else ""

    async def _pages(self, part: Part) -> AsyncIterator[list[MessageRow]]:
        """The rows of what waits and is of a part, some of them at a time; others have their turn between."""
        after = 0
        while rows := await self.ledger.open_after(after, WAITS, PAGE):
            yield [row for row in rows if self._has(part, row)]
            after = rows[-1].id
            await deferLater(self.clocks.timer, 0)  # type: ignore[arg-type]

    def _has(self, part: Part, row: MessageRow) -> bool:
        if part.account not in ("", row.account) or part.category not in ("", row.category):
            return False
        if not row.destination.startswith(part.prefix) or part.tenant not in ("", self._tenant(row.account)):
            return False
        if not (part.program or part.carrier):
            return True
        entry = self.book.get(row.id) or self.book.restore(row)
        return part.covers(entry.message, self._program) and self._by_carrier(entry, part.carrier)

    def _by_carrier(self, entry: Entry, carrier: str) -> bool:
        """Whether a message that waits can go by this carrier alone."""
        if not carrier:
            return True
        rule = self.dispatch.placing.rule(entry)
        return entry.only == carrier or (rule is not None and rule.carriers == (carrier,))

    # purging

    def _begin_purge(self, directive: Directive) -> None:
        Deferred.fromCoroutine(self._purge(directive)).addErrback(partial(self._cut_short, directive))

    def _cut_short(self, directive: Directive, failure: Failure) -> None:
        log.failure("a purge was cut short and goes on later", failure)
        if not self.stopped:
            self.clocks.timer.callLater(AGAIN, self._begin_purge, directive)

    async def _purge(self, directive: Directive) -> None:
        """End what waits of a part of the traffic, and say how much that was."""
        purged = 0
        async for rows in self._pages(directive.part):
            if self.stopped or directive.id not in self.directives.all:
                return
            async with self.book.loaded([row.id for row in rows]) as entries:
                purged += await self._end(directive, entries)
        self.directives.take_back(directive.id)
        batch = Batch()
        batch.changes.add("undirect", (directive.id,))
        self.audit.record(
            batch, directive.by, "traffic_purged", str(directive.part), f"{purged} messages ended"
        )
        await self.audit.committer.commit(batch, must=True)
        self.apply()

    async def _end(self, directive: Directive, entries: Sequence[Entry]) -> int:
        batch = Batch()
        now, ended = self.clocks.wall(), 0
        for entry in entries:
            verdict = word(directive, entry.message, now)
            if entry.state not in WAITS or verdict is None:
                continue
            if entry.state is State.GATHERING:
                self.gathering.groups.discard(entry)
            self.judging.settle(entry, Judgement(verdict, ((verdict, Mode.ENFORCE),)), batch)
            ended += 1
        self.counts["purged"] += ended
        await self.dispatch.committer.commit(batch, must=True)
        return ended

    # draining

    def tick(self) -> None:
        """Look whether something is drained by now. To be called every second."""
        draining = [d for d in self.directives.all.values() if d.verb is Verb.DRAIN and d.drained_at is None]
        now = self.clocks.timer.seconds()
        if draining and not self._looking and now - self._looked >= LOOK:
            self._looked, self._looking = now, True
            Deferred.fromCoroutine(self._look(draining)).addErrback(
                lambda failure: log.failure("what is drained could not be seen", failure)
            ).addBoth(self._seen)

    def _seen(self, _: object) -> None:
        self._looking = False

    async def _look(self, draining: Sequence[Directive]) -> None:
        for directive in draining:
            try:
                empty = await self._is_empty(directive.part)
            except StoreUnavailable:
                return  # it is looked at again
            if empty and directive.id in self.directives.all:
                drained = directive._replace(drained_at=self.clocks.now_ms())
                self.directives.put([drained])
                batch = Batch()
                batch.changes.add("direct", tuple(_row(drained)))
                self.audit.record(batch, "the node", "traffic_drained", str(directive.part))
                await self.audit.committer.commit(batch, must=True)
                log.info("traffic {part} is drained", part=str(directive.part))

    async def _is_empty(self, part: Part) -> bool:
        carrier = self.dispatch.carriers.get(part.carrier)
        if part.carrier:
            return carrier is None or not any(
                link.reserved + link.protocol.session.outstanding for link in carrier.links
            )
        found = await self.count(part)
        return found.whole and not found.groups


def _told(directive: Directive) -> str:
    refused = f"{directive.refuse}ly refused" if directive.refuse else ""
    to = f"to {', '.join(directive.to)}" if directive.to else ""
    return "; ".join(filter(None, (refused, to, directive.note)))


def _directive(row: DirectiveRow) -> Directive:
    return Directive(
        row.id,
        Verb(row.verb),
        Part(row.account, row.tenant, row.program, row.carrier, row.category, row.prefix),
        row.at,
        row.by,
        row.note,
        row.refuse,
        tuple(filter(None, row.carriers.split(","))),
        row.drained_at,
    )


def _row(directive: Directive) -> DirectiveRow:
    return DirectiveRow(
        directive.id,
        directive.verb.value,
        *directive.part,
        directive.at,
        directive.by,
        directive.note,
        directive.refuse,
        ",".join(directive.to),
        directive.drained_at,
    )
