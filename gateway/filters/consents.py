"""The states of all consents in memory, so that a decision asks no database: some 45 octets a person and
scope.

The ledger is the truth; this is rebuilt from it at start, in any order, and kept up with each event as it is
committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.filters.compact import Table
from gateway.filters.consent import (
    BASES,
    ENDS,
    GRANTS,
    NEVER,
    NOBODY,
    ConsentEvent,
    ConsentState,
    EventKind,
    scopes,
)

Scope = tuple[str, str, str]
"""Tenant, program and category; the last two "" for all of the tenant's."""

STEP = 500
"""Events applied in one step of a rebuild: some milliseconds."""

MARK = 16
"""Bits of the two marks of a row, `granted_on` and `ended_by`."""

LOW = (1 << MARK) - 1
KEYWORD = "keyword"
_GRANTED_ON: dict[str, int] = {basis: index << 1 for index, basis in enumerate(BASES)}
_ENDED_BY = {kind: index << 1 for index, kind in enumerate(ENDS)}


Grant = tuple[int, int]
"""A consent in force: `granted_at` and `granted_on`, as ConsentState has them."""


def mark_of(kind: EventKind, basis: str, evidence: str, method: str) -> int:
    """What a grant is on, or an end by, as a number; 0 for what is neither."""
    if kind in GRANTS:
        return _GRANTED_ON[basis] | bool(evidence)
    return _ENDED_BY[kind] | (method == KEYWORD) if kind in _ENDED_BY else 0


class Consents:
    """States by tenant, program, category and number. Not shared between threads.

    Rows are found by a 64-bit hash: among a million, the chance that any two share one is three in a hundred
    million. What was asked, and not answered, is known of few, and lies in a table of its own.
    """

    __slots__ = ("_asked", "_concerning", "_scopes", "_table")

    def __init__(self) -> None:
        self._table = Table(4)  # granted_at, expires_at, ended_at, both marks
        self._asked = Table(3)  # asked_at, asked_until, silent_at
        self._scopes: dict[Scope, int] = {}
        self._concerning: dict[Scope, tuple[int, ...]] = {}

    def __len__(self) -> int:
        """Persons and scopes."""
        return len(self._table)

    @property
    def octets(self) -> int:
        """Memory held."""
        return self._table.octets + self._asked.octets

    def apply(self, event: ConsentEvent) -> None:
        """Take an event in; a second time changes nothing."""
        scope = self.scope(event.tenant, event.program, event.category)
        until = NEVER if event.expires_at is None else event.expires_at
        mark = mark_of(event.kind, event.basis, event.evidence, event.method)
        self.take(scope, event.number, event.kind, event.occurred_at, until, mark)

    def scope(self, tenant: str, program: str, category: str) -> int:
        """By what `take` knows a scope."""
        scope = self._scopes.get((tenant, program, category))
        if scope is None:
            scope = self._scopes[tenant, program, category] = len(self._scopes)
            self._concerning.clear()
        return scope

    def take(self, scope: int, number: str, kind: EventKind, moment: int, until: int, mark: int) -> None:
        """Take in what an event says, its `mark` as `mark_of` gives it."""
        key = hash((scope, number)) or 1
        cells, at = self._table.place(key)
        if kind in GRANTS:
            marks = cells[at + 3]
            if (moment, until, mark) > (cells[at], cells[at + 1], marks & LOW):
                cells[at], cells[at + 1], cells[at + 3] = moment, until, marks & ~LOW | mark
        elif kind in _ENDED_BY:
            marks = cells[at + 3]
            if (moment, mark) > (cells[at + 2], marks >> MARK):
                cells[at + 2], cells[at + 3] = moment, mark << MARK | marks & LOW
        elif kind is EventKind.REQUESTED:
            cells, at = self._asked.place(key)
            if (moment, until) > (cells[at], cells[at + 1]):
                cells[at], cells[at + 1] = moment, until
        elif kind is EventKind.EXPIRED:
            cells, at = self._asked.place(key)
            cells[at + 2] = max(cells[at + 2], moment)

    def rebuild(self, events: Iterable[ConsentEvent]) -> Iterator[int]:
        """Take the events of a ledger in, STEP of them a step; yields how many are in."""
        count = 0
        for count, event in enumerate(events, start=1):
            self.apply(event)
            if count % STEP == 0:
                yield count
        yield count

    def grant(self, tenant: str, program: str, category: str, number: str, now: float) -> Grant | None:
        """The consent in force at `now` (unix seconds), wider scopes included; None if `state` knows why
        there is none.
        """
        concerning = self._concerning.get((tenant, program, category))
        if concerning is None:
            concerning = self._concern(tenant, program, category)
        granted_at = until = on = ended = 0
        for scope in concerning:
            found = self._table.find(hash((scope, number)) or 1)
            if found is None:
                continue
            cells, at = found
            if cells[at + 2] > ended:
                ended = cells[at + 2]
            if cells[at] >= granted_at:
                latest = cells[at], cells[at + 1], cells[at + 3] & LOW
                granted_at, until, on = max(latest, (granted_at, until, on)) if granted_at else latest
        return (granted_at, on) if ended < granted_at and now < until else None

    def state(self, tenant: str, program: str, category: str, number: str) -> ConsentState:
        """Where the person stands towards a program and category, wider scopes included."""
        concerning = self._concerning.get((tenant, program, category))
        if concerning is None:
            concerning = self._concern(tenant, program, category)
        state = NOBODY
        for scope in concerning:
            key = hash((scope, number)) or 1
            found, asked = self._table.find(key), self._asked.find(key)
            if found is not None:
                cells, at = found
                granted_at, until, ended_at, marks = cells[at : at + 4]
                known = ConsentState(granted_at, until, marks & LOW, ended_at, marks >> MARK)
                state = state.join(known)
            if asked is not None:
                cells, at = asked
                state = state.join(ConsentState(0, 0, 0, 0, 0, *cells[at : at + 3]))
        return state

    def _concern(self, tenant: str, program: str, category: str) -> tuple[int, ...]:
        """The scopes whose events concern a message and of which there are any."""
        wanted = dict.fromkeys((tenant, *scope) for scope in scopes(program, category))
        known = (self._scopes.get(scope) for scope in wanted)
        found = tuple(scope for scope in known if scope is not None)
        self._concerning[tenant, program, category] = found
        return found
