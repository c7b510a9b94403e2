"""Legal holds: what must not be purged or erased while it lasts."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from gateway.store.rows import Row
from gateway.store.schema import hold
from gateway.store.sealing import SEALS, is_sealed_text, vault_of
from gateway.store.statements import Statement, columns, insertion, register
from gateway.store.vault import Vault


class Hold(NamedTuple):
    """What is held: of a number, an account, a tenant ("": of all), accepted from `since` to before `until`
    (unix ms).
    """

    id: int
    number: str
    account: str
    tenant: str
    since: int | None
    until: int | None
    reason: str
    by: str
    placed_at: int
    lifted_at: int | None = None

    def covers(self, number: str, account: str, tenant: str, at: int) -> bool:
        """Whether something of a person, accepted by an account of a tenant at a time, is held."""
        return (
            self.number in ("", number)
            and self.account in ("", account)
            and self.tenant in ("", tenant)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
        )

    def row(self) -> Row:
        """As it is stored."""
        words = json.dumps({"number": self.number, "reason": self.reason, "by": self.by}, ensure_ascii=False)
        return (
            self.id,
            self.account,
            self.tenant,
            self.since,
            self.until,
            self.placed_at,
            self.lifted_at,
            words,
        )


for _statement in (
    Statement("hold", insertion(hold), columns(hold)),
    Statement(
        "lift_hold",
        update(hold).values(lifted_at=bindparam("lifted_at")).where(hold.c.id == bindparam("of")),
        ("lifted_at", "of"),
        slot="hold",
        key=1,
    ),
    Statement(
        "amend_hold",
        update(hold).values(words=bindparam("words")).where(hold.c.id == bindparam("of")),
        ("words", "of"),
        slot="hold words",
        key=1,
    ),
):
    register(_statement)


def holds(connection: Connection, *, everything: bool = False) -> list[Hold]:
    """Those in force, or all that ever were, in order."""
    query = select(hold).order_by(hold.c.id)
    if not everything:
        query = query.where(hold.c.lifted_at.is_(None))
    return [_hold(row, words_of(connection, row)) for row in connection.execute(query)]


def words_of(connection: Connection, row: Any) -> str:
    """The words of a stored hold as they were before they were sealed. Raises Damaged."""
    vault = vault_of(connection)
    if vault is None or not is_sealed_text(row.words):
        return str(row.words)
    return vault.open_text(row.words, b"hold %d" % row.id)


def _hold(row: Any, words: str) -> Hold:
    told = json.loads(words)
    return Hold(
        row.id,
        told["number"],
        row.account,
        row.tenant,
        row.since,
        row.until,
        told["reason"],
        told["by"],
        row.placed_at,
        row.lifted_at,
    )


def _seal(vault: Vault, row: Any) -> list[tuple[str, Row]]:
    return [("hold", (*row[:7], vault.seal_text(row[7], b"hold %d" % row[0])))]


def _amend(vault: Vault, row: Any) -> list[tuple[str, Row]]:
    return [("amend_hold", (vault.seal_text(row[0], b"hold %d" % row[1]), row[1]))]


SEALS.update(hold=_seal, amend_hold=_amend)
