"""The record of the edits of sensitive words: one row for each, never changed and never deleted."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from gateway.store.schema import word_edit
from gateway.store.statements import Statement, columns, insertion, register


class WordEditRow(NamedTuple):
    """One edit: `fields` is JSON, `word_key` the word as it is looked for."""

    id: int
    made_at: int
    made_by: str
    reason: str
    action: str
    word_key: str
    fields: str


register(Statement("word_edit", insertion(word_edit), columns(word_edit)))


def edits_after(connection: Connection, after: int, limit: int) -> list[WordEditRow]:
    """Edits with an id above `after`, in order of id."""
    query = select(word_edit).where(word_edit.c.id > after).order_by(word_edit.c.id).limit(limit)
    return list(map(WordEditRow._make, connection.execute(query)))


def last_edits(connection: Connection, limit: int, word_key: str | None = None) -> list[WordEditRow]:
    """The edits made last, of one word or of all, the youngest first."""
    query = select(word_edit).order_by(word_edit.c.id.desc()).limit(limit)
    if word_key is not None:
        query = query.where(word_edit.c.word_key == word_key)
    return list(map(WordEditRow._make, connection.execute(query)))
