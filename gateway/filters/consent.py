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

BASES: tuple[str, ...] = get_args(Basis)


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
"""A confirmation is a grant: it is recorded only where `answer` says that it answers a request."""

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
        if not 0 < self.occurred_at <= self.recorded_at < NEVER:
            raise ValueError("an event cannot have occurred after it was recorded")
        if self.basis not in BASES and (self.basis or self.kind in GRANTS):
            raise ValueError(f"'{self.basis}' is no basis of a consent")
        if self.kind is EventKind.REQUESTED and self.expires_at is None:
            raise ValueError("a request says until when an answer is awaited")
        if self.expires_at is not None and not self.occurred_at < self.expires_at <= NEVER:
            raise ValueError("it expires before it begins")


class Grant(NamedTuple):
    """The latest grant. `basis` is an index of BASES. All zeros: there was none."""

    at: int = 0
    expires_at: int = 0
    proof: bool = False
    basis: int = 0


class End(NamedTuple):
    """The latest end. `kind` is an index of ENDS; `by_keyword` says that a reply set it, which a reply may
    lift.
    """

    at: int = 0
    kind: int = 0
    by_keyword: bool = False


class Request(NamedTuple):
    """The latest request for consent, and until when an answer is awaited."""

    at: int = 0
    until: int = 0


class Status(StrEnum):
    """Where a person stands."""

    NONE = "none"
    PENDING = "pending"
    SILENT = "silent"
    GRANTED = "granted"
    EXPIRED = "expired"
    ENDED = "ended"


class ConsentState(NamedTuple):
    """What all events of a person towards a program and category come to."""

    grant: Grant = Grant()
    end: End = End()
    request: Request = Request()
    silent_at: int = 0

    def join(self, other: ConsentState) -> ConsentState:
        """What both know together."""
        return ConsentState(
            max(self.grant, other.grant),
            max(self.end, other.end),
            max(self.request, other.request),
            max(self.silent_at, other.silent_at),
        )

    def status(self, now: float) -> Status:
        """Where the person stands at a unix second."""
        ended = self.end.at >= self.grant.at
        if self.grant.at and not ended and now < self.grant.expires_at:
            return Status.GRANTED
        if self.request.at > max(self.grant.at, self.end.at):
            waits = now < self.request.until and self.silent_at < self.request.at
            return Status.PENDING if waits else Status.SILENT
        if self.end.at and ended:
            return Status.ENDED
        return Status.EXPIRED if self.grant.at else Status.NONE

    @property
    def basis(self) -> str:
        """The basis of the latest grant, "" without one."""
        return BASES[self.grant.basis] if self.grant.at else ""


NOBODY = ConsentState()


def state_of(event: ConsentEvent) -> ConsentState:
    """What one event says by itself."""
    at, until = event.occurred_at, NEVER if event.expires_at is None else event.expires_at
    if event.kind in GRANTS:
        return ConsentState(grant=Grant(at, until, bool(event.evidence), BASES.index(event.basis)))
    if event.kind in ENDS:
        return ConsentState(end=End(at, ENDS.index(event.kind), event.method == "keyword"))
    if event.kind is EventKind.REQUESTED:
        return ConsentState(request=Request(at, until))
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


def suffices(state: ConsentState, now: float, bases: Mapping[Basis, int | None], proof: bool) -> Answer:
    """Whether a consent is one that a pack asks for: in force, on one of `bases`, within its months, with
    proof.

    `bases` gives the months that a consent on each basis holds, None for no end; a grant may end earlier by
    itself.
    """
    status = state.status(now)
    if status is not Status.GRANTED:
        return Answer(False, str(status))
    months = {str(basis): length for basis, length in bases.items()}
    if state.basis not in months:
        return Answer(False, "basis")
    length = months[state.basis]
    if length is not None and now >= months_after(state.grant.at, length):
        return Answer(False, "expired")
    if proof and not state.grant.proof:
        return Answer(False, "proof")
    return Answer(True, "")


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
        return may_ask_again and not state.end.at > state.grant.at
    return status in (Status.NONE, Status.EXPIRED)


def answer(state: ConsentState, now: float) -> EventKind | None:
    """What a word of confirmation is recorded as: CONFIRMED while a request waits, else nothing."""
    return EventKind.CONFIRMED if state.status(now) is Status.PENDING else None


def silence(state: ConsentState, now: float) -> bool:
    """Whether a request has gone unanswered, which is to be recorded, once, as EXPIRED."""
    return state.status(now) is Status.SILENT and state.silent_at < state.request.at


def lifted_basis(state: ConsentState, now: float) -> str:
    """The basis on which an opt-in word restores the consent: that of before an opt-out word. "" where it may
    not.
    """
    liftable = state.status(now) is Status.ENDED and state.end.by_keyword
    return state.basis if liftable and ENDS[state.end.kind] is EventKind.REVOKED else ""
