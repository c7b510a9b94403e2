"""The writer on real databases: one transaction when all is well, one for each batch when one is refused."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, MetaData, Table, Text, bindparam, create_engine, insert, make_url, update
from store_samples import NOW, changes, delivered, inserts, message, sent, waiting, write_all, writer_on

from gateway.store import queries
from gateway.store.engine import reading_engine
from gateway.store.rows import Progress, State
from gateway.store.schema import Whole, counter
from gateway.store.statements import (
    Statement,
    deletion,
    dialect_of,
    insertion,
    register,
    registered,
    upsertion,
)
from gateway.store.writer import REFUSED, STORED, fold, slots

OK = (STORED, "")


class Bench:
    def __init__(self, place):
        place.migrate()
        self.driver = place.driver()
        self.writer = writer_on(self.driver)
        self.engine = reading_engine(make_url(place.url), 1)

    def write(self, *batches):
        return write_all(self.writer, [batch.frame() for batch in batches])

    def read(self, query, *args):
        with self.engine.connect() as connection:
            return query(connection, *args)

    def ids(self):
        return [row.id for row in self.read(queries.messages, range(100))]


@pytest.fixture
def bench(place) -> Iterator[Bench]:
    bench = Bench(place)
    yield bench
    bench.writer.close()
    bench.engine.dispose()


def test_the_last_progress_wins_also_over_frames_and_with_the_insert(bench):
    first, second = inserts(1, 2), changes(lambda batch: batch.progress(1, delivered(1)))
    first.progress(1, sent(1))
    first.progress(2, delivered(2))
    first.progress(2, sent(2))
    assert bench.write(first, second) == [OK, OK]
    assert bench.read(queries.messages, [1, 2]) == [
        message(1).with_progress(delivered(1)),
        message(2).with_progress(sent(2)),
    ]


@pytest.mark.parametrize("together", [True, False])
def test_the_two_steps_of_nearly_every_message_change_nothing_else(bench, together):
    marked = Progress(State.SENDING, NOW + 3, NOW + 2, "alpha", None, 2, NOW + 1, None, 7, '["beta"]')
    bench.write(changes(lambda batch: batch.insert(message(1).with_progress(marked))))
    steps = [
        changes(lambda batch: batch.sent(1, "c1")),
        changes(lambda batch: batch.delivered(1, "c1", NOW + 9, 0)),
    ]
    if together:
        bench.write(*steps)
    else:
        bench.write(steps[0])
        expected = marked._replace(state=State.SENT, carrier_message_id="c1")
        assert bench.read(queries.get_message, 1).progress == expected
        bench.write(steps[1])
    expected = marked._replace(
        state=State.DELIVERED, deadline=None, carrier_message_id="c1", done_at=NOW + 9, error=0
    )
    assert bench.read(queries.get_message, 1) == message(1).with_progress(expected)


def test_what_comes_before_the_insert_changes_nothing(bench):
    early = changes(lambda batch: batch.progress(1, sent(1)), lambda batch: batch.classify(1, "otp"))
    assert bench.write(early, inserts(1)) == [OK, OK]
    assert bench.read(queries.messages, [1]) == [message(1)]


def test_many_rows_are_as_one_by_one(bench):
    many = range(1, 40)
    bench.write(inserts(*many))
    assert bench.ids() == list(many)
    steps = changes(
        *(lambda batch, id=id: batch.sent(id, f"c{id}") for id in many),
        *(lambda batch, id=id: batch.enqueue(waiting(id)) for id in many),
    )
    assert bench.write(steps) == [OK]
    ends = changes(
        *(lambda batch, id=id: batch.delivered(id, f"c{id}", NOW, 3) for id in range(1, 20)),
        *(lambda batch, id=id: batch.progress(id, delivered(id)) for id in range(20, 40)),
        *(lambda batch, id=id: batch.dequeue(id) for id in many if id % 2),
        *(lambda batch, id=id: batch.enqueue(waiting(id, attempts=4)) for id in many if not id % 2),
    )
    assert bench.write(ends) == [OK]
    rows = {row.id: row for row in bench.read(queries.messages, many)}
    assert {row.carrier_message_id for row in rows.values()} == {f"c{id}" for id in many}
    assert {(row.state, row.deadline) for row in rows.values()} == {(State.DELIVERED, None)}
    assert (rows[3].error, rows[3].done_at, rows[30].progress) == (3, NOW, delivered(30))
    left = bench.read(queries.get_outbox, "bank", 0, 99)
    assert [(row.seq, row.attempts) for row in left] == [(id, 4) for id in many if not id % 2]
    outcomes = bench.write(inserts(*range(50, 70)), inserts(*range(30, 49)), inserts(80))
    assert [fate for fate, _ in outcomes] == [STORED, REFUSED, STORED]
    assert bench.ids() == [*many, *range(50, 70), 80]


def test_changes_of_what_is_not_there_do_nothing(bench):
    batch = changes(lambda batch: batch.progress(9, sent(9)), lambda batch: batch.dequeue(9))
    assert bench.write(batch) == [OK]
    assert bench.ids() == []


def test_a_row_put_back_after_its_removal_is_there(bench):
    gone = changes(lambda batch: batch.dequeue(1))
    back = changes(lambda batch: batch.enqueue(waiting(1, attempts=2)))
    bench.write(changes(lambda batch: batch.enqueue(waiting(1))))
    assert bench.write(gone, back) == [OK, OK]
    assert bench.read(queries.get_outbox, "bank", 0, 9) == [waiting(1, attempts=2)]
    assert bench.write(back, gone) == [OK, OK]
    assert bench.read(queries.get_outbox, "bank", 0, 9) == []


def test_a_key_used_twice_harms_its_own_batch_only(bench):
    bench.write(inserts(2))
    outcomes = bench.write(inserts(1), inserts(3, 2), inserts(4))
    assert [fate for fate, _ in outcomes] == [STORED, REFUSED, STORED]
    assert "message" in outcomes[1][1]
    assert bench.ids() == [1, 2, 4]


def test_the_second_of_two_batches_with_one_key_is_refused(bench):
    outcomes = bench.write(inserts(1), inserts(1, 2))
    assert [fate for fate, _ in outcomes] == [STORED, REFUSED]
    assert bench.ids() == [1]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("no such statement", (1,)),
        ("progress", (1,)),
        ("dequeue", (1, 2, 3)),
        ("dequeue", (2**70,)),
        ("revise", ("", "", object(), "", 1)),
        ("insert", tuple(message(5)._replace(account=None))),
        ("insert", tuple(message(5)._replace(account="\ud800"))),
    ],
)
def test_what_cannot_be_written_is_refused_and_the_rest_stored(bench, name, row):
    outcomes = bench.write(inserts(1), changes(lambda batch: batch.add(name, row)), inserts(2))
    assert [fate for fate, _ in outcomes] == [STORED, REFUSED, STORED]
    assert bench.ids() == [1, 2]


def test_the_reason_quotes_no_row(bench):
    row = message(5)._replace(account=None)
    ((_, why),) = bench.write(changes(lambda batch: batch.insert(row)))
    assert "account" in why
    assert row.destination not in why


def test_another_room_brings_its_own_statements(place):
    tables = MetaData()
    consent = Table("consent", tables, Column("number", Text, primary_key=True), Column("given_at", Whole))
    mine = (
        Statement("consent", upsertion(consent), ("number", "given_at"), slot="consent"),
        Statement("unconsent", deletion(consent, "number"), ("of",), slot="consent"),
    )
    engine = create_engine(place.url)
    place.migrate()
    tables.create_all(engine)
    writer = writer_on(place.driver(), [*registered(), *mine])
    batch = inserts(1)
    batch.add("consent", ("8619912300001", 5))
    batch.add("consent", ("8619912300002", 6))
    batch.add("unconsent", ("8619912300001",))
    assert writer.write([batch.frame()]) == [OK]
    with engine.connect() as connection:
        assert connection.execute(consent.select()).all() == [("8619912300002", 6)]
    writer.close()
    engine.dispose()


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="insert is registered"):
        register(Statement("insert", insertion(counter), ("name", "value")))


def test_a_statement_must_take_its_row_in_order(place):
    clause = update(counter).values(value=bindparam("value")).where(counter.c.name == bindparam("of"))
    Statement("fine", clause, ("value", "of")).compile(dialect_of(place.kind))
    with pytest.raises(ValueError, match="statement turned"):
        Statement("turned", clause, ("of", "value")).compile(dialect_of(place.kind))


def test_rows_with_a_key_of_several_columns():
    pair = Statement("pair", insert(counter), ("name", "value"), slot="pair", key=slice(0, 2))
    prepared = pair.prepared(dialect_of("sqlite"))
    frames = [[("pair", ("a", "b", 1)), ("pair", ("a", "c", 2))], [("pair", ("a", "b", 3))]]
    assert fold(frames, slots([prepared])) == [("pair", [("a", "b", 3), ("a", "c", 2)])]


def test_numbers_are_reserved_in_blocks(bench):
    assert [bench.writer.reserve("message", 10), bench.writer.reserve("message", 1)] == [1, 11]
    assert bench.read(queries.get_counter, "message") == 12
    assert bench.read(queries.get_counter, "never") == 0
