"""The states of all consents in memory, so that a decision asks no database: some 70 octets a person and
scope.

The ledger is the truth; this is rebuilt from it at start, in any order, and kept up with each event as it is
committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.filters.compact import Table
from gateway.filters.consent import (
    NOBODY,
    ConsentEvent,
    ConsentState,
    End,
    Grant,
    Request,
    scopes,
    state_of,
)
from gateway.filters.frequency import key_of

COLUMNS = 8
STEP = 500
"""Events applied in one step of a rebuild: some milliseconds."""


class Consents:
    """States by tenant, program, category and number. Not shared between threads.

    Rows are found by a 64-bit hash: among a million, the chance that any two share one is three in a hundred
    million.
    """

    __slots__ = ("_scopes", "_table")

    def __init__(self) -> None:
        self._table = Table(COLUMNS)
        self._scopes: set[tuple[str, str, str]] = set()

    def __len__(self) -> int:
        """Persons and scopes."""
        return len(self._table)

    @property
    def octets(self) -> int:
        """Memory held."""
        return self._table.octets

    def apply(self, event: ConsentEvent) -> None:
        """Take an event in; a second time changes nothing."""
        scope = event.tenant, event.program, event.category
        self._scopes.add(scope)
        cells, at = self._table.place(key_of((*scope, event.number)))
        said = state_of(event)
        cells[at : at + COLUMNS] = type(cells)("I", _pack(_unpack(cells[at : at + COLUMNS]).join(said)))

    def rebuild(self, events: Iterable[ConsentEvent]) -> Iterator[int]:
        """Take the events of a ledger in, STEP of them a step; yields how many are in."""
        count = 0
        for count, event in enumerate(events, start=1):
            self.apply(event)
            if count % STEP == 0:
                yield count
        yield count

    def state(self, tenant: str, program: str, category: str, number: str) -> ConsentState:
        """Where the person stands towards a program and category, wider scopes included."""
        state = NOBODY
        for scope in scopes(program, category):
            if (tenant, *scope) in self._scopes:
                found = self._table.find(key_of((tenant, *scope, number)))
                if found is not None:
                    cells, at = found
                    state = state.join(_unpack(cells[at : at + COLUMNS]))
        return state


def _pack(state: ConsentState) -> tuple[int, ...]:
    grant, end = state.grant, state.end
    return (
        grant.at,
        grant.expires_at,
        grant.basis << 1 | grant.proof,
        end.at,
        end.kind << 1 | end.by_keyword,
        state.request.at,
        state.request.until,
        state.silent_at,
    )


def _unpack(row: Iterable[int]) -> ConsentState:
    granted, expires, granted_by, ended, ended_by, asked, until, silent = row
    return ConsentState(
        Grant(granted, expires, bool(granted_by & 1), granted_by >> 1),
        End(ended, ended_by >> 1, bool(ended_by & 1)),
        Request(asked, until),
        silent,
    )
