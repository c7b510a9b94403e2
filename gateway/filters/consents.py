"""The states of all consents in memory, so that a decision asks no database: some 70 octets a person and
scope.

The ledger is the truth; this is rebuilt from it at start, in any order, and kept up with each event as it is
committed.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from gateway.filters.compact import Table
from gateway.filters.consent import (
    NOBODY,
    ConsentEvent,
    ConsentState,
    scopes,
    state_of,
)
from gateway.filters.frequency import ALL_BITS, key_of

Scope = tuple[str, str, str]
"""Tenant, program and category; the last two "" for all of the tenant's."""

COLUMNS = len(ConsentState._fields)
STEP = 500
"""Events applied in one step of a rebuild: some milliseconds."""


class Consents:
    """States by tenant, program, category and number. Not shared between threads.

    Rows are found by a 64-bit hash: among a million, the chance that any two share one is three in a hundred
    million.
    """

    __slots__ = ("_concerning", "_scopes", "_table")

    def __init__(self) -> None:
        self._table = Table(COLUMNS)
        self._scopes: set[Scope] = set()
        self._concerning: dict[Scope, tuple[Scope, ...]] = {}

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
        if scope not in self._scopes:
            self._scopes.add(scope)
            self._concerning.clear()
        cells, at = self._table.place(key_of((*scope, event.number)))
        said = state_of(event)
        known = ConsentState._make(cells[at : at + COLUMNS])
        cells[at : at + COLUMNS] = array("I", known.join(said))

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
        message = (tenant, program, category)
        concerning = self._concerning.get(message)
        if concerning is None:
            wanted = ((tenant, *scope) for scope in scopes(program, category))
            concerning = self._concerning[message] = tuple(
                dict.fromkeys(s for s in wanted if s in self._scopes)
            )
        state = NOBODY
        for scope in concerning:
            found = self._table.find(hash((*scope, number)) & ALL_BITS or 1)  # key_of without a call
            if found is not None:
                cells, at = found
                said = ConsentState._make(cells[at : at + COLUMNS])
                state = said if state is NOBODY else state.join(said)
        return state
