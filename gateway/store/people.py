"""What the store keeps of people: the statements that write it, and what is asked of it.

Times are unix milliseconds, but for `recorded_at`, `since` and `until`, which are the ledger's own seconds.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Select,
    Table,
    bindparam,
    delete,
    func,
    select,
    tuple_,
    update,
)

from gateway.store.lifted import KEY as _KEY
from gateway.store.lifted import entering
from gateway.store.lifted import entry_place as _entry_place
from gateway.store.lifted import with_key as _with_key
from gateway.store.rows import Row
from gateway.store.schema import consent_event, message, reply_case, suppression
from gateway.store.sealing import FINDS, SEALS, is_key, is_sealed_text, parts_of_messages, vault_of
from gateway.store.statements import Statement, columns, deletion, insertion, register, revision
from gateway.store.vault import Vault


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
    """An entry of a list that is kept in the store; `number` may be a prefix with `*` at its end. It has
    stood there for this span since `added_at`; who added it last is told, and why.
    """

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


PURGE_CASE = "purge_case"
"""The statement that does away with a case."""

for _statement in (
    Statement("consent", insertion(consent_event), columns(consent_event)),
    Statement("suppress", entering(), columns(suppression), slot="suppression", key=slice(0, 6)),
    Statement(
        "unsuppress",
        delete(suppression).where(*(suppression.c[name] == bindparam(f"of_{name}") for name in _KEY)),
        tuple(f"of_{name}" for name in _KEY),
        slot="suppression",
        key=slice(0, 6),
    ),
    Statement(
        "amend_consent",
        update(consent_event)
        .values({name: bindparam(name) for name in ("salt", "number", "event")})
        .where(
            consent_event.c.tenant == bindparam("of_tenant"),
            consent_event.c.position == bindparam("of_position"),
        ),
        ("salt", "number", "event", "of_tenant", "of_position"),
        slot="consent",
        key=slice(3, 5),
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
    Statement(
        "amend_case",
        update(reply_case)
        .values({name: bindparam(name) for name in ("tenant", "number", "reply")})
        .where(reply_case.c.id == bindparam("of")),
        ("tenant", "number", "reply", "of"),
        slot="case words",
        key=3,
    ),
    Statement(PURGE_CASE, deletion(reply_case, "id"), ("of",), slot="purge case"),
    Statement(
        "amend_entry",
        update(suppression)
        .values({name: bindparam(name) for name in ("number", "evidence")})
        .where(*(suppression.c[name] == bindparam(f"of_{name}") for name in _KEY)),
        ("number", "evidence", *(f"of_{name}" for name in _KEY)),
        slot="entry words",
        key=slice(2, 8),
    ),
):
    register(_statement)


def consents(connection: Connection, after: tuple[str, int], limit: int) -> list[ConsentRow]:
    """Lines of all ledgers in order of tenant and position."""
    place = tuple_(consent_event.c.tenant, consent_event.c.position)
    query = select(consent_event).where(place > after).order_by(*place.clauses).limit(limit)
    return _consents(connection, query)


def consent_texts(
    connection: Connection, after: tuple[str, int], limit: int
) -> list[tuple[str, int, str | None]]:
    """Tenant, position and event of lines of all ledgers in their order: no more than the consents need."""
    tenant, position = consent_event.c.tenant, consent_event.c.position
    query = select(tenant, position, consent_event.c.event).where(tuple_(tenant, position) > after)
    found = connection.execute(query.order_by(tenant, position).limit(limit))
    vault = vault_of(connection)
    return [(whose, at, _event_text(vault, whose, at, event)) for whose, at, event in found]


def _event_text(vault: Vault | None, tenant: str, position: int, event: str | None) -> str | None:
    if vault is None or event is None or not is_sealed_text(event):
        return event
    return vault.open_text(event, _consent_place(tenant, position)).split("\0", 2)[2]


def consent_heads(connection: Connection) -> list[ConsentRow]:
    """The last line of each ledger, as it is stored."""
    tenant, position = consent_event.c.tenant, consent_event.c.position
    last = select(tenant, func.max(position)).group_by(tenant)
    query = select(consent_event).where(tuple_(tenant, position).in_(last))
    return list(map(ConsentRow._make, connection.execute(query)))


def consents_of(connection: Connection, number: str, tenant: str | None) -> list[ConsentRow]:
    """All lines about a number that are not erased, in order."""
    tenants = _tenants(connection, consent_event) if tenant is None else [tenant]
    query = select(consent_event).where(consent_event.c.number.in_(_found_by(connection, tenants, number)))
    if tenant is not None:
        query = query.where(consent_event.c.tenant == tenant)
    return _consents(connection, query.order_by(consent_event.c.tenant, consent_event.c.position))


def suppressions(
    connection: Connection, after: SuppressionKey, limit: int
) -> tuple[list[SuppressionRow], SuppressionKey]:
    """Entries of all lists in the order of the store, and after which the next page begins."""
    place = tuple_(*(suppression.c[name] for name in _KEY))
    query = select(suppression).where(place > after).order_by(*place.clauses).limit(limit)
    rows = list(map(SuppressionRow._make, connection.execute(query)))
    return [opened_entry(connection, row) for row in rows], rows[-1].key if rows else after


def suppressions_of(connection: Connection, *numbers: str) -> list[SuppressionRow]:
    """The entries of exactly these numbers or prefixes."""
    tenants = _tenants(connection, suppression)
    sought = [each for number in numbers for each in _found_by(connection, tenants, number)]
    query = select(suppression).where(suppression.c.number.in_(sought))
    return [opened_entry(connection, SuppressionRow._make(row)) for row in connection.execute(query)]


def cases(connection: Connection, open_only: bool, limit: int) -> list[CaseRow]:
    """Cases, the most urgent first."""
    query = select(reply_case).order_by(reply_case.c.deadline, reply_case.c.id).limit(limit)
    if open_only:
        query = query.where(reply_case.c.closed_at.is_(None))
    return [opened_case(connection, CaseRow._make(row)) for row in connection.execute(query)]


def cases_of(connection: Connection, number: str) -> list[CaseRow]:
    """The cases of a number."""
    tenants = _tenants(connection, reply_case)
    query = select(reply_case).where(reply_case.c.number.in_(_found_by(connection, tenants, number)))
    query = query.order_by(reply_case.c.id)
    return [opened_case(connection, CaseRow._make(row)) for row in connection.execute(query)]


def closed_cases(connection: Connection, after: int, before: int, limit: int) -> list[CaseRow]:
    """Cases closed before a moment, with an id above `after`, in order."""
    query = select(reply_case).where(reply_case.c.id > after, reply_case.c.closed_at < before)
    found = connection.execute(query.order_by(reply_case.c.id).limit(limit))
    return [opened_case(connection, CaseRow._make(row)) for row in found]


def case(connection: Connection, id: int) -> CaseRow | None:
    """One case."""
    row = connection.execute(select(reply_case).where(reply_case.c.id == id)).one_or_none()
    return None if row is None else opened_case(connection, CaseRow._make(row))


def open_cases(connection: Connection, after: int, limit: int) -> list[CaseRow]:
    """Cases that nobody has closed, with an id above `after`, in order."""
    query = select(reply_case).where(reply_case.c.closed_at.is_(None), reply_case.c.id > after)
    found = connection.execute(query.order_by(reply_case.c.id).limit(limit))
    return [opened_case(connection, CaseRow._make(row)) for row in found]


def counted(connection: Connection, after: int, since: int, limit: int) -> list[CountedRow]:
    """Messages with an id above `after`, in order of id, accepted or sent at `since` or later."""
    fields: Sequence[str] = CountedRow._fields
    query = (
        select(*(message.c[name] for name in fields))
        .where(message.c.id > after, (message.c.accepted_at >= since) | (message.c.sent_at >= since))
        .order_by(message.c.id)
        .limit(limit)
    )
    return parts_of_messages(connection, CountedRow, connection.execute(query))


# sealing: what stands for a number is by what it is found, the number itself is in the blob


def _tenants(connection: Connection, table: Table) -> list[str]:
    return list(connection.scalars(select(table.c.tenant).distinct()))


def _found_by(connection: Connection, tenants: Iterable[str], number: str) -> list[str]:
    """All that may stand for a number in the store."""
    vault = vault_of(connection)
    keys = [] if vault is None else [vault.found_by(tenant, number) for tenant in tenants]
    return [number, *keys]


def _consents(connection: Connection, query: Select[Any]) -> list[ConsentRow]:
    return [opened_consent(connection, ConsentRow._make(row)) for row in connection.execute(query)]


def _consent_place(tenant: str, position: int) -> bytes:
    return f"consent {tenant} {position}".encode()


def opened_consent(connection: Connection, row: ConsentRow) -> ConsentRow:
    """A stored line as it was before it was sealed. Raises Damaged, as those below."""
    vault = vault_of(connection)
    if vault is None or row.event is None or not is_sealed_text(row.event):
        return row
    salt, number, event = vault.open_text(row.event, _consent_place(row.tenant, row.position)).split("\0", 2)
    return row._replace(salt=bytes.fromhex(salt), number=number, event=event)


def _seal_consent(vault: Vault, row: Any) -> list[tuple[str, Row]]:
    tenant, position, *links, salt, number, event = row
    what = _sealed_consent(vault, tenant, position, salt, number, event)
    return [("consent", (tenant, position, *links, *what))]


def _amend_consent(vault: Vault, row: Any) -> list[tuple[str, Row]]:
    salt, number, event, tenant, position = row
    if event is None:
        return [("amend_consent", row)]
    what = _sealed_consent(vault, tenant, position, salt, number, event)
    return [("amend_consent", (*what, tenant, position))]


def _sealed_consent(
    vault: Vault, tenant: str, position: int, salt: bytes, number: str, event: str
) -> tuple[bytes, str, str]:
    blob = vault.seal_text(f"{salt.hex()}\0{number}\0{event}", _consent_place(tenant, position))
    return b"", vault.found_by(tenant, number), blob


def opened_entry(connection: Connection, row: SuppressionRow) -> SuppressionRow:
    """A stored entry as it was."""
    vault = vault_of(connection)
    if vault is None or not is_key(row.number):
        return row
    number, evidence = vault.open_text(row.evidence, _entry_place(row.key)).split("\0", 1)
    return row._replace(number=number, evidence=evidence)


def _seal_entry(vault: Vault, row: Any) -> list[tuple[str, Row]]:
    """The entry; one that was stored as it is before gives way."""
    key = _with_key(vault, row[:6])
    blob = vault.seal_text(f"{row[5]}\0{row[10]}", _entry_place(key))
    return [("unsuppress", tuple(row[:6])), ("suppress", (*key, *row[6:10], blob))]


def _amend_entry(vault: Vault, row: Any) -> list[tuple[str, Row]]:
    """`row` ends with the key as it is stored."""
    number, evidence, *stored = row
    key = _with_key(vault, (*stored[:5], number))
    return [("amend_entry", (key[5], vault.seal_text(f"{number}\0{evidence}", _entry_place(key)), *stored))]


def _plain_entry(vault: Vault, row: Any) -> list[tuple[str, Row]]:
    return [("unsuppress", _with_key(vault, row[:6])), ("suppress", row)]


def _remove_entry(vault: Vault, key: Any) -> list[tuple[str, Row]]:
    return [("unsuppress", key), ("unsuppress", _with_key(vault, key))]


def opened_case(connection: Connection, row: CaseRow) -> CaseRow:
    """A stored case as it was."""
    vault = vault_of(connection)
    if vault is None or not is_key(row.number):
        return row
    number, reply = vault.open_text(row.reply, b"case %d" % row.id).split("\0", 1)
    return row._replace(number=number, reply=reply)


def _seal_case(vault: Vault, row: Any) -> list[tuple[str, Row]]:
    made = CaseRow._make(row)
    ((_, (_, number, reply, _)),) = _amend_case(vault, (made.tenant, made.number, made.reply, made.id))
    return [("open_case", tuple(made._replace(number=number, reply=reply)))]


def _amend_case(vault: Vault, row: Any) -> list[tuple[str, Any]]:
    tenant, number, reply, id = row
    if not number:
        return [("amend_case", row)]
    blob = vault.seal_text(f"{number}\0{reply}", b"case %d" % id)
    return [("amend_case", (tenant, vault.found_by(tenant, number), blob, id))]


SEALS.update(
    consent=_seal_consent,
    amend_consent=_amend_consent,
    amend_case=_amend_case,
    suppress=_seal_entry,
    unsuppress=_remove_entry,
    amend_entry=_amend_entry,
    open_case=_seal_case,
)
FINDS.update(suppress=_plain_entry, unsuppress=_remove_entry)
