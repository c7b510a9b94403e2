"""Any changes in any batches, grouped in any way, leave the rows that a dictionary would hold."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, make_url, select
from store_samples import message, waiting, write_all, writer_on

from gateway.store import schema
from gateway.store.rows import Changes, MessageRow, OutboxRow, Progress, State, StrayRow
from gateway.store.statements import REVISED
from gateway.store.writer import REFUSED, STORED

whole = st.integers(-(2**63), 2**63 - 1)
words = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=8)
progress = st.builds(
    Progress,
    state=st.sampled_from(State),
    deadline=st.none() | whole,
    expires_at=whole,
    carrier=st.none() | words,
    carrier_message_id=st.none() | words,
    attempts=whole,
    sent_at=st.none() | whole,
    done_at=st.none() | whole,
    error=whole,
    trail=words,
)
octets = st.binary(max_size=8)


@dataclass
class Model:
    """The tables as dictionaries; a frame changes all of what it says or nothing."""

    message: dict[int, MessageRow] = field(default_factory=dict)
    outbox: dict[int, OutboxRow] = field(default_factory=dict)
    stray: dict[int, StrayRow] = field(default_factory=dict)

    def apply(self, batch: list[tuple[str, Any]]) -> bool:
        new = [row.id for name, row in batch if name == "insert"]
        if len(set(new)) < len(new) or set(new) & self.message.keys():
            return False
        for name, value in batch:
            getattr(self, f"do_{name}")(value)
        return True

    def do_insert(self, row: MessageRow) -> None:
        self.message[row.id] = row

    def do_progress(self, value: tuple[int, Progress]) -> None:
        if value[0] in self.message:
            self.message[value[0]] = self.message[value[0]].with_progress(value[1])

    def do_revise(self, row: MessageRow) -> None:
        if row.id in self.message:
            said = {name: getattr(row, name) for name in REVISED}
            self.message[row.id] = self.message[row.id]._replace(**said)

    def do_enqueue(self, row: OutboxRow) -> None:
        self.outbox[row.seq] = row

    def do_dequeue(self, seq: int) -> None:
        self.outbox.pop(seq, None)

    def do_stray(self, row: StrayRow) -> None:
        self.stray[row.seq] = row

    def do_unstray(self, seq: int) -> None:
        self.stray.pop(seq, None)


def changes_of(batch: list[tuple[str, Any]]) -> Changes:
    made = Changes()
    for name, value in batch:
        if name == "progress":
            getattr(made, name)(*value)
        else:
            getattr(made, name)(value)
    return made


@st.composite
def histories(draw: st.DrawFn) -> list[list[list[tuple[str, Any]]]]:
    """Transactions of batches of changes. Ids of messages grow, but some are used twice."""
    used: list[int] = []

    def change() -> tuple[str, Any]:
        names = ["insert", "enqueue", "dequeue", "stray", "unstray"]
        name = draw(st.sampled_from([*names, *(["progress", "progress", "revise"] if used else [])]))
        seq = draw(st.integers(1, 4))
        if name == "insert":
            again = bool(used) and draw(st.integers(0, 9)) == 0
            id = draw(st.sampled_from(used)) if again else len(used) + 1
            if not again:
                used.append(id)
            return name, message(id, pdu=draw(octets), source=draw(words)).with_progress(draw(progress))
        if name == "progress":
            return name, (draw(st.sampled_from(used)), draw(progress))
        if name == "revise":
            return name, message(draw(st.sampled_from(used)), pdu=draw(octets), source=draw(words))
        if name == "enqueue":
            return name, waiting(seq, draw(words), attempts=draw(whole), pdu=draw(octets))
        if name == "stray":
            return name, StrayRow(seq, draw(words), draw(words), draw(words), draw(whole), draw(octets))
        return name, seq

    return [
        [
            [change() for _ in range(draw(st.integers(1, 5)))]
            for _ in range(draw(st.integers(1, 4)))
        ]
        for _ in range(draw(st.integers(1, 4)))
    ]  # fmt: skip


class Tables:
    def __init__(self, place: Any) -> None:
        place.migrate()
        self.writer = writer_on(place.driver())
        self.engine = create_engine(make_url(place.url))

    def clear(self) -> None:
        with self.engine.begin() as connection:
            for table in (schema.message, schema.outbox, schema.stray):
                connection.execute(delete(table))

    def rows(self, table: Any, kind: Any) -> dict[int, Any]:
        with self.engine.connect() as connection:
            return {row[0]: kind._make(row) for row in connection.execute(select(table))}


@pytest.fixture
def tables(place):
    tables = Tables(place)
    yield tables
    tables.writer.close()
    tables.engine.dispose()


def test_the_rows_are_those_of_a_dictionary(tables):
    @settings(max_examples=150, deadline=None)
    @given(history=histories())
    def check(history):
        tables.clear()
        model = Model()
        for transaction in history:
            expected = [STORED if model.apply(batch) else REFUSED for batch in transaction]
            outcomes = write_all(tables.writer, [changes_of(batch).frame() for batch in transaction])
            assert [fate for fate, _ in outcomes] == expected
        assert tables.rows(schema.message, MessageRow) == model.message
        assert tables.rows(schema.outbox, OutboxRow) == model.outbox
        assert tables.rows(schema.stray, StrayRow) == model.stray

    check()
