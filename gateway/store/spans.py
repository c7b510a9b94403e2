"""A long stretch of messages, read a span of ids at a time: no statement runs long, and who reads knows
how far it has come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, select

from gateway.store import sealing
from gateway.store.queries import DISORDER, first_accepted
from gateway.store.rows import MessageRow
from gateway.store.schema import message

STEP = 5000


class Stretch(NamedTuple):
    """Which messages: accepted at `since` or later and before `until` (unix ms), with an id above `after` and
    below `before`, of this account, by this carrier, in one of these states, ended by this error.
    """

    since: int | None = None
    until: int | None = None
    after: int = 0
    before: int | None = None
    account: str | None = None
    carrier: str | None = None
    category: str | None = None
    states: Collection[int] = ()
    error: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """What must hold of a row."""
        found: list[ColumnElement[bool]] = []
        for name in ("account", "carrier", "category", "error"):
            value = getattr(self, name)
            if value is not None:
                found.append(message.c[name] == value)
        if self.since is not None:
            found.append(message.c.accepted_at >= self.since)
        if self.until is not None:
            found.append(message.c.accepted_at < self.until)
        if self.states:
            found.append(message.c.state.in_(map(int, self.states)))
        return found

    def takes(self, row: MessageRow) -> bool:
        """Whether a message is one of them."""
        return (
            (self.since is None or row.accepted_at >= self.since)
            and (self.until is None or row.accepted_at < self.until)
            and row.id > self.after
            and (self.before is None or row.id < self.before)
            and self.account in (None, row.account)
            and self.carrier in (None, row.carrier)
            and self.category in (None, row.category)
            and (not self.states or row.state in self.states)
            and self.error in (None, row.error)
        )


class Span(NamedTuple):
    """A part of it: the messages that meet the conditions, how many were looked at, and the last of these."""

    rows: list[MessageRow]
    looked: int
    last_id: int
    last_at: int


def spans(
    connection: Connection, stretch: Stretch, *, youngest_first: bool = False, step: int = STEP
) -> Iterator[Span]:
    """All of a stretch in order of ids, or from its end."""
    low, high = _bounds(connection, stretch)
    order = message.c.id.desc() if youngest_first else message.c.id
    conditions = stretch.conditions()
    while True:
        looked = select(message.c.id, message.c.accepted_at).where(message.c.id > low)
        if high is not None:
            looked = looked.where(message.c.id < high)
        there = connection.execute(looked.order_by(order).limit(step)).all()
        if not there:
            return
        first, last = sorted((there[0].id, there[-1].id))
        query = select(message).where(message.c.id.between(first, last), *conditions).order_by(order)
        rows = sealing.messages(connection, connection.execute(query))
        yield Span(rows, len(there), there[-1].id, there[-1].accepted_at)
        low, high = (low, first) if youngest_first else (last, high)


def _bounds(connection: Connection, stretch: Stretch) -> tuple[int, int | None]:
    """Ids between which the stretch lies, themselves not in it."""
    low, high = stretch.after, stretch.before
    if stretch.since is not None:
        low = max(low, first_accepted(connection, stretch.since - DISORDER) - 1)
    if stretch.until is not None:
        end = first_accepted(connection, stretch.until + DISORDER) + 1
        high = end if high is None else min(high, end)
    return low, high
