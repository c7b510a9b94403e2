"""The states of all consents in memory, so that a decision asks no database: some 30 octets a person and
scope, and 23 for a grant that ends by itself and for an end.

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
KNOWN = 1 << MARK - 1
"""In a mark: its moment (`expires_at`, `ended_at`) has a row of its own. Else a grant holds for ever, and
there is no end.
"""
SAID = KNOWN - 1
"""The bits of a mark that say by what it was."""
DATED, ENDED = KNOWN, KNOWN << MARK
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
    million. What most have not lies in tables of their own: until when a grant holds, when it was ended, what
    was asked and not answered.
    """

    __slots__ = ("_asked", "_concerning", "_ended", "_scopes", "_table", "_until")

    def __init__(self) -> None:
        self._table = Table(2)  # granted_at, both marks
        self._until = Table(1)  # expires_at
        self._ended = Table(1)  # ended_at
        self._asked = Table(3)  # asked_at, asked_until, silent_at
        self._scopes: dict[Scope, int] = {}
        self._concerning: dict[Scope, tuple[int, ...]] = {}

    def __len__(self) -> int:
        """Persons and scopes."""
        return len(self._table)

    @property
    def octets(self) -> int:
        """Memory held."""
        return sum(table.octets for table in (self._table, self._until, self._ended, self._asked))

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
        marks = cells[at + 1]
        if kind in GRANTS:
            if (moment, until, mark) > (cells[at], self._until_of(key, marks), marks & SAID):
                if until != NEVER:
                    _put(self._until, key, until)
                    mark |= DATED
                cells[at], cells[at + 1] = moment, marks & ~LOW | mark
        elif kind in _ENDED_BY:
            if (moment, mark) > (self._ended_of(key, marks), marks >> MARK & SAID):
                _put(self._ended, key, moment)
                cells[at + 1] = ENDED | mark << MARK | marks & LOW
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
        latest, ended = (0, 0, 0), 0
        for scope in concerning:
            key = hash((scope, number)) or 1
            found = self._table.find(key)
            if found is None:
                continue
            cells, at = found
            marks = cells[at + 1]
            if marks & ENDED:
                ended = max(ended, _known(self._ended, key))
            grant = cells[at], _known(self._until, key) if marks & DATED else NEVER, marks & SAID
            if grant > latest:
                latest = grant
        granted_at, until, on = latest
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
                granted_at, marks = cells[at : at + 2]
                state = state.join(
                    ConsentState(
                        granted_at,
                        self._until_of(key, marks) if granted_at else 0,
                        marks & SAID,
                        self._ended_of(key, marks),
                        marks >> MARK & SAID,
                    )
                )
            if asked is not None:
                cells, at = asked
                state = state.join(ConsentState(0, 0, 0, 0, 0, *cells[at : at + 3]))
        return state

    def _until_of(self, key: int, marks: int) -> int:
        """The unix second at which the grant of a row ends."""
        return _known(self._until, key) if marks & DATED else NEVER

    def _ended_of(self, key: int, marks: int) -> int:
        """The unix second of the end of a row; 0 for none."""
        return _known(self._ended, key) if marks & ENDED else 0

    def _concern(self, tenant: str, program: str, category: str) -> tuple[int, ...]:
        """The scopes whose events concern a message and of which there are any."""
        wanted = dict.fromkeys((tenant, *scope) for scope in scopes(program, category))
        known = (self._scopes.get(scope) for scope in wanted)
        found = tuple(scope for scope in known if scope is not None)
        self._concerning[tenant, program, category] = found
        return found


def _put(table: Table, key: int, moment: int) -> None:
    cells, at = table.place(key)
    cells[at] = moment


def _known(table: Table, key: int) -> int:
    found = table.find(key)
    assert found is not None
    cells, at = found
    return cells[at]
