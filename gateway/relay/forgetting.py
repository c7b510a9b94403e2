"""Retention of consents and of the record of acts: lines lose what they say, and the chains hold.

A consent goes when it is over: so long after its end as its pack and the node's own retention ask for,
whichever is longer. What takes a consent back stays, and so do requests: they are what keeps the person from
being written to, and from being asked again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from twisted.internet.defer import Deferred

from gateway.filters.consent import (
    GRANTS,
    NEVER,
    ConsentEvent,
    ConsentState,
    EventKind,
    Status,
    months_after,
)
from gateway.filters.known import CONSENTS
from gateway.filters.packs import ConsentRule, RetentionRule
from gateway.filters.rulebook import Rules
from gateway.relay.auditing import Audit
from gateway.relay.batch import Batch, Committer
from gateway.relay.clocks import Clocks
from gateway.relay.people import People, kept
from gateway.settings.node import Retention
from gateway.store.forgotten import FORGET_LINES, detail, old_consents, old_records
from gateway.store.ledger import Ledger

BY = "the node"
DAY = 86_400
PAGE = 500
REST = 0.01  # seconds between pages
MAY_GO = GRANTS | {EventKind.EVIDENCE_SENT}


class Forgetting:
    """One node's. `held` says whether a legal hold covers a person's line of a tenant and a moment (unix ms),
    `any_hold` whether there is one at all.
    """

    def __init__(
        self,
        ledger: Ledger,
        committer: Committer,
        people: People,
        audit: Audit,
        held: Callable[[str, str, int], bool],
        any_hold: Callable[[], bool],
        clocks: Clocks,
    ) -> None:
        self.ledger = ledger
        self.committer = committer
        self.people = people
        self.audit = audit
        self.held = held
        self.any_hold = any_hold
        self.clocks = clocks
        self._day = -1

    async def run(self, keep: Retention, *, at_once: bool, dry: bool) -> Counter[str]:
        """Empty what is past its time, and count it. Unless it is to be done `at_once` the ledgers are looked
        through once a day. Raises StoreUnavailable; what was done stays done.
        """
        told = Counter(consents=0, records=0, held=0)
        day = int(self.clocks.wall() // DAY)
        if CONSENTS in self.people.known.loading or (not at_once and day == self._day):
            return told
        await self._consents(int(keep.consents), told, dry)
        if not self.any_hold():
            await self._records(int(keep.audit), told, dry)
        if not dry:
            self._day = day
        return told

    async def _consents(self, least: int, told: Counter[str], dry: bool) -> None:
        now = int(self.clocks.wall())
        after = "", 0
        while rows := await self.ledger.read(old_consents, after, now - least, PAGE):
            gone: dict[str, list[int]] = {}
            for row in rows:
                event = kept(row).event
                if event is None or not self._is_over(event, least, now):
                    continue
                if self.held(event.number, event.tenant, event.recorded_at * 1000):
                    told["held"] += 1
                    continue
                told["consents"] += 1
                gone.setdefault(row.tenant, []).append(row.position)
            if not dry:
                await self._forget(gone, ())
            after = rows[-1].tenant, rows[-1].position

    def _is_over(self, event: ConsentEvent, least: int, now: int) -> bool:
        """Whether a line is of a consent that has ended so long ago that it may go."""
        if event.kind not in MAY_GO:
            return False
        state = self.people.known.consents.state(event.tenant, event.program, event.category, event.number)
        rules = self.people.persons.rules(event.tenant, event.number, event.category or "promotional")
        ended = over_at(state, rules, now)
        if ended is None or now < ended + least:
            return False
        asked = [rule for rule, _ in rules.of(RetentionRule, now) if rule.what == "consent"]
        for rule in asked:
            start = ended if rule.after == "relationship" else event.recorded_at
            if rule.months is None or now < months_after(start, rule.months):
                return False
        return True

    async def _records(self, least: int, told: Counter[str], dry: bool) -> None:
        before = self.clocks.now_ms() - least * 1000
        after = 0
        while positions := await self.ledger.read(old_records, after, before, PAGE):
            told["records"] += len(positions)
            if not dry:
                await self._forget({}, positions)
            after = positions[-1]

    async def _forget(self, consents: Mapping[str, Iterable[int]], records: Iterable[int]) -> None:
        batch = Batch()
        forget(self.audit, BY, consents, records, batch)
        await self.committer.commit(batch, must=True)
        rested: Deferred[None] = Deferred()
        self.clocks.timer.callLater(REST, rested.callback, None)
        await rested


def forget(
    audit: Audit, by: str, consents: Mapping[str, Iterable[int]], records: Iterable[int], batch: Batch
) -> None:
    """Empty lines of the ledgers and records of acts, by their positions, and put on record which."""
    lines = {tenant: sorted(positions) for tenant, positions in consents.items()}
    positions = sorted(records)
    if not any(lines.values()) and not positions:
        return
    for tenant, places in lines.items():
        for place in places:
            batch.changes.add("amend_consent", (None, None, None, tenant, place))
    for position in positions:
        batch.changes.add("amend_audit", (None, None, None, position))
    count = sum(map(len, lines.values())) + len(positions)
    audit.record(batch, by, FORGET_LINES, f"{count} lines", detail(lines, positions))


def over_at(state: ConsentState, rules: Rules, now: int) -> int | None:
    """The unix second at which a consent was over, by whatever means; None while it holds or may be given."""
    status = state.status(now)
    if status is Status.PENDING:
        return None
    ends = [end for end in (state.ended_at, state.silent_at) if end >= max(state.granted_at, 1)]
    if state.granted_at and state.expires_at != NEVER:
        ends.append(state.expires_at)
    if state.granted_at and (basis := state.basis) is not None:
        asked = [rule.bases.get(basis) for rule, _ in rules.of(ConsentRule, now) if not rule.shadow]
        ends += [months_after(state.granted_at, months) for months in asked if months is not None]
    past = [end for end in ends if end <= now]
    return min(past) if past else None
