"""Consent: the events of the ledger, and the state that follows from them.

The ledger only grows. The state of a person towards a program and a category is a join of what its events
say: the latest grant, the latest end, the latest request, the latest silence. A join does not depend on the
order in which events arrive, nor on their arriving twice, so an import that brings old events late cannot
undo an opt-out that came between, and the state built up event by event is always the one rebuilt from the
ledger. Where an end and a grant are of the same second, the end counts.

All moments are whole unix seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple, get_args

from gateway.filters.packs import Basis

NEVER = 0xFFFF_FFFF
"""The end of what has none."""

BASES: tuple[Basis, ...] = get_args(Basis)


class EventKind(StrEnum):
    """What happened."""

    REQUESTED = "requested"
    GRANTED = "granted"
    CONFIRMED = "confirmed"
    IMPORTED = "imported"
    REVOKED = "revoked"
    EXPIRED = "expired"
    REASSIGNED = "reassigned"
    ERASED = "erased"
    EVIDENCE_SENT = "evidence_sent"


GRANTS = frozenset((EventKind.GRANTED, EventKind.CONFIRMED, EventKind.IMPORTED))
"""A confirmation is a grant: it is recorded only where it answers a request that waits."""

ENDS = (EventKind.REVOKED, EventKind.REASSIGNED, EventKind.ERASED)


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """One line of the ledger.

    `program` and `category` may be "", for all of the tenant's: that is the event's scope. `number` is E.164
    digits. `basis` is one of BASES where the event grants or requests. `method` is web, keyword, paper, api
    or carrier, `actor` who brought it, `evidence` the proof (an MO id, a URL, the hash of a file).
    `occurred_at` is when the person acted and `recorded_at` when the ledger learned of it. `expires_at` ends
    a grant, or the wait for an answer to a request; None is never. Raises ValueError for what cannot be.
    """

    tenant: str
    program: str
    category: str
    number: str
    kind: EventKind
    occurred_at: int
    recorded_at: int
    basis: str = ""
    method: str = ""
    actor: str = ""
    channel: str = "sms"
    locale: str = ""
    policy_version: str = ""
    evidence: str = ""
    expires_at: int | None = None
    pack_version: str = ""

    def __post_init__(self) -> None:
        if not (self.number.isascii() and self.number.isdigit()):
            raise ValueError("the number is not E.164 digits")
        if self.basis not in BASES and (self.basis or self.kind in GRANTS):
            raise ValueError(f"'{self.basis}' is no basis of a consent")
        if self.kind is EventKind.REQUESTED and self.expires_at is None:
            raise ValueError("a request says until when an answer is awaited")
        check_moments(self.occurred_at, self.recorded_at, self.expires_at)


def check_moments(occurred_at: int, recorded_at: int, expires_at: int | None) -> None:
    """Raises ValueError for moments that an event cannot have."""
    if not 0 < occurred_at <= recorded_at < NEVER:
        raise ValueError("an event cannot have occurred after it was recorded")
    if expires_at is not None and not occurred_at < expires_at <= NEVER:
        raise ValueError("it expires before it begins")


class Status(StrEnum):
    """Where a person stands."""

    NONE = "none"
    PENDING = "pending"
    SILENT = "silent"
    GRANTED = "granted"
    EXPIRED = "expired"
    ENDED = "ended"


class ConsentState(NamedTuple):
    """What all events of a person towards a program and category come to, as numbers that fit a table's row.

    The latest grant: when, until when, and on what (an index of BASES, twice, and one more when there is
    proof). The latest end: when, and what (an index of ENDS, twice, and one more when a reply set it, which a
    reply may lift). The latest request: when, and until when an answer is awaited. The latest silence. A
    moment of 0: there was none.
    """

    granted_at: int = 0
    expires_at: int = 0
    granted_on: int = 0
    ended_at: int = 0
    ended_by: int = 0
    asked_at: int = 0
    asked_until: int = 0
    silent_at: int = 0

    def join(self, other: ConsentState) -> ConsentState:
        """What both know together."""
        return ConsentState(
            *max(self[0:3], other[0:3]),
            *max(self[3:5], other[3:5]),
            *max(self[5:7], other[5:7]),
            max(self.silent_at, other.silent_at),
        )

    def status(self, now: float) -> Status:
        """Where the person stands at a unix second."""
        ended = self.ended_at >= self.granted_at
        if self.granted_at and not ended and now < self.expires_at:
            return Status.GRANTED
        if self.asked_at > max(self.granted_at, self.ended_at):
            waits = now < self.asked_until and self.silent_at < self.asked_at
            return Status.PENDING if waits else Status.SILENT
        if self.ended_at and ended:
            return Status.ENDED
        return Status.EXPIRED if self.granted_at else Status.NONE

    @property
    def basis(self) -> Basis | None:
        """The basis of the latest grant."""
        return BASES[self.granted_on >> 1] if self.granted_at else None

    @property
    def has_proof(self) -> bool:
        """Whether the latest grant names its evidence."""
        return bool(self.granted_on & 1)


NOBODY = ConsentState()


def state_of(event: ConsentEvent) -> ConsentState:
    """What one event says by itself."""
    at, until = event.occurred_at, NEVER if event.expires_at is None else event.expires_at
    if event.kind in GRANTS:
        on = BASES.index(event.basis) << 1 | bool(event.evidence)
        return ConsentState(granted_at=at, expires_at=until, granted_on=on)
    if event.kind in ENDS:
        by = ENDS.index(event.kind) << 1 | (event.method == "keyword")
        return ConsentState(ended_at=at, ended_by=by)
    if event.kind is EventKind.REQUESTED:
        return ConsentState(asked_at=at, asked_until=until)
    if event.kind is EventKind.EXPIRED:
        return ConsentState(silent_at=at)
    return NOBODY


def scopes(program: str, category: str) -> tuple[tuple[str, str], ...]:
    """The programs and categories whose events concern a message."""
    return (program, category), (program, ""), ("", category), ("", "")


def as_of(
    events: Iterable[ConsentEvent], tenant: str, program: str, category: str, number: str, moment: float
) -> ConsentState:
    """The state as the ledger knew it at a past `moment`; later records, of earlier events too, were not
    known yet.
    """
    concerned = {(tenant, number, *scope) for scope in scopes(program, category)}
    state = NOBODY
    for event in events:
        whom = event.tenant, event.number, event.program, event.category
        if whom in concerned and event.recorded_at <= moment:
            state = state.join(state_of(event))
    return state


class Answer(NamedTuple):
    """Whether a consent suffices; if not, why: none, pending, silent, expired, ended, basis or proof."""

    suffices: bool
    reason: str


SUFFICES = Answer(True, "")


def suffices(state: ConsentState, now: float, bases: Mapping[Basis, int | None], proof: bool) -> Answer:
    """Whether a consent is one that a pack asks for: in force, on one of `bases`, within its months, with
    proof.

    `bases` gives the months that a consent on each basis holds, None for no end; a grant may end earlier by
    itself.
    """
    status = state.status(now)
    if status is not Status.GRANTED:
        return Answer(False, str(status))
    basis = state.basis
    if basis is None or basis not in bases:
        return Answer(False, "basis")
    months = bases[basis]
    if months is not None and now >= months_after(state.granted_at, months):
        return Answer(False, "expired")
    if proof and not state.has_proof:
        return Answer(False, "proof")
    return SUFFICES


def months_after(moment: int, months: int) -> int:
    """The same day and time so many months on in UTC; the last day of a shorter month."""
    when = datetime.fromtimestamp(moment, UTC)
    year, month = divmod(when.year * 12 + when.month - 1 + months, 12)
    for day in (when.day, 30, 29, 28):
        try:
            return int(when.replace(year=year, month=month + 1, day=day).timestamp())
        except ValueError:
            continue
    raise ValueError(f"{months} months after {when} is no date")


def may_ask(state: ConsentState, now: float, may_ask_again: bool) -> bool:
    """Whether a request for consent may be sent: not while one waits or a consent holds, never after an
    opt-out.

    After silence only where the pack lets one ask again.
    """
    status = state.status(now)
    if status is Status.SILENT:
        return may_ask_again and state.ended_at <= state.granted_at
    return status in (Status.NONE, Status.EXPIRED)


def silence(state: ConsentState, now: float) -> bool:
    """Whether a request has gone unanswered, which is to be recorded, once, as EXPIRED."""
    return state.status(now) is Status.SILENT and state.silent_at < state.asked_at


def lifted_basis(state: ConsentState, now: float) -> Basis | None:
    """The basis on which an opt-in word restores the consent: that of before an opt-out word. None: it may
    not.
    """
    by_word = ENDS.index(EventKind.REVOKED) << 1 | 1
    return state.basis if state.status(now) is Status.ENDED and state.ended_by == by_word else None
