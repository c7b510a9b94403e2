"""What the store keeps of people: the statements that write it, and what is asked of it.

Times are unix milliseconds, but for `recorded_at`, `since` and `until`, which are the ledger's own seconds.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, tuple_, update

from gateway.store.schema import consent_event, message, reply_case, suppression
from gateway.store.statements import Statement, columns, insertion, register, revision, upsertion


class ConsentRow(NamedTuple):
    """A line of a tenant's consent ledger; salt, number and event are None once erased."""

    tenant: str
    position: int
    recorded_at: int
    commitment: bytes
    hash: bytes
    salt: bytes | None
    number: str | None
    event: str | None


class SuppressionRow(NamedTuple):
    """An entry of a list that is kept in the store; `number` may be a prefix with `*` at its end."""

    type: str
    tenant: str
    program: str
    category: str
    name: str
    number: str
    since: int | None
    until: int | None
    added_at: int
    added_by: str
    evidence: str

    @property
    def key(self) -> "SuppressionKey":
        return SuppressionKey._make(self[:6])


class SuppressionKey(NamedTuple):
    """What an entry is known by."""

    type: str
    tenant: str
    program: str
    category: str
    name: str
    number: str


class CaseRow(NamedTuple):
    """A reply that somebody has to see to."""

    id: int
    rule: str
    tenant: str
    account: str
    number: str
    reply: str
    complaint: int
    opened_at: int
    deadline: int
    closed_at: int | None
    closed_by: str
    note: str
    overdue_at: int | None = None  # when it was told that nobody has seen to it in time


class CountedRow(NamedTuple):
    """What of a message is needed to count it."""

    id: int
    account: str
    client_id: str
    accepted_at: int
    source: str
    destination: str
    category: str
    segment_of: int | None
    pdu: bytes
    state: int
    carrier_message_id: str | None
    sent_at: int | None


_KEY = SuppressionKey._fields

for _statement in (
    Statement("consent", insertion(consent_event), columns(consent_event)),
    Statement("suppress", upsertion(suppression), columns(suppression), slot="suppression", key=slice(0, 6)),
    Statement(
        "unsuppress",
        delete(suppression).where(*(suppression.c[name] == bindparam(f"of_{name}") for name in _KEY)),
        tuple(f"of_{name}" for name in _KEY),
        slot="suppression",
        key=slice(0, 6),
    ),
    Statement("open_case", insertion(reply_case), columns(reply_case)),
    Statement(
        "close_case",
        update(reply_case)
        .values({name: bindparam(name) for name in ("closed_at", "closed_by", "note")})
        .where(reply_case.c.id == bindparam("of")),
        ("closed_at", "closed_by", "note", "of"),
        slot="case",
        key=3,
    ),
    Statement(
        "overdue_case",
        revision(reply_case, ["overdue_at"], "id"),
        ("overdue_at", "of"),
    ),
):
    register(_statement)


def consents(connection: Connection, after: tuple[str, int], limit: int) -> list[ConsentRow]:
    """Lines of all ledgers in order of tenant and position."""
    place = tuple_(consent_event.c.tenant, consent_event.c.position)
    query = select(consent_event).where(place > after).order_by(*place.clauses).limit(limit)
    return list(map(ConsentRow._make, connection.execute(query)))


def consents_of(connection: Connection, number: str, tenant: str | None) -> list[ConsentRow]:
    """All lines about a number that are not erased, in order."""
    query = select(consent_event).where(consent_event.c.number == number)
    if tenant is not None:
        query = query.where(consent_event.c.tenant == tenant)
    query = query.order_by(consent_event.c.tenant, consent_event.c.position)
    return list(map(ConsentRow._make, connection.execute(query)))


def suppressions(connection: Connection, after: SuppressionKey, limit: int) -> list[SuppressionRow]:
    """Entries of all lists in order of their keys."""
    place = tuple_(*(suppression.c[name] for name in _KEY))
    query = select(suppression).where(place > after).order_by(*place.clauses).limit(limit)
    return list(map(SuppressionRow._make, connection.execute(query)))


def suppressions_of(connection: Connection, number: str) -> list[SuppressionRow]:
    """The entries of exactly this number or prefix."""
    query = select(suppression).where(suppression.c.number == number)
    return list(map(SuppressionRow._make, connection.execute(query)))


def cases(connection: Connection, open_only: bool, limit: int) -> list[CaseRow]:
    """Cases, the most urgent first."""
    query = select(reply_case).order_by(reply_case.c.deadline, reply_case.c.id).limit(limit)
    if open_only:
        query = query.where(reply_case.c.closed_at.is_(None))
    return list(map(CaseRow._make, connection.execute(query)))


def case(connection: Connection, id: int) -> CaseRow | None:
    """One case."""
    row = connection.execute(select(reply_case).where(reply_case.c.id == id)).one_or_none()
    return None if row is None else CaseRow._make(row)


def open_cases(connection: Connection, after: int, limit: int) -> list[CaseRow]:
    """Cases that nobody has closed, with an id above `after`, in order."""
    query = select(reply_case).where(reply_case.c.closed_at.is_(None), reply_case.c.id > after)
    return list(map(CaseRow._make, connection.execute(query.order_by(reply_case.c.id).limit(limit))))


def counted(connection: Connection, after: int, since: int, limit: int) -> list[CountedRow]:
    """Messages with an id above `after`, in order of id, accepted or sent at `since` or later."""
    fields: Sequence[str] = CountedRow._fields
    query = (
        select(*(message.c[name] for name in fields))
        .where(message.c.id > after, (message.c.accepted_at >= since) | (message.c.sent_at >= since))
        .order_by(message.c.id)
        .limit(limit)
    )
    return list(map(CountedRow._make, connection.execute(query)))
