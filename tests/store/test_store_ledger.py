"""What is written through the journal is read again by the ledger, on both databases."""

import pytest
import pytest_twisted
from sqlalchemy import text
from store_samples import DAY, NOW, changes, delivered, inserts, lost, message, sent, waiting

from gateway.store.queries import OpenCount, SentRow, Sought, sent_after
from gateway.store.rows import Kind, State, StoreUnavailable


@pytest_twisted.ensureDeferred
async def test_a_message_comes_back_as_it_was(open_here):
    store = open_here()
    row = message(7, segment_of=6, carrier="alpha", carrier_message_id="A1", error=8, trail='["beta: down"]')
    await store.journal.commit(changes(lambda batch: batch.insert(row)))
    assert await store.ledger.message(7) == row
    assert await store.ledger.message(8) is None


@pytest_twisted.ensureDeferred
async def test_progress_and_rewrite_change_their_columns_alone(open_here):
    store = open_here()
    await store.journal.commit(inserts(1, 2))
    await store.journal.commit(
        changes(lambda batch: batch.progress(1, sent(1)), lambda batch: batch.revise(message(2, pdu=b"new")))
    )
    assert await store.ledger.messages([2, 1, 9]) == [
        message(1).with_progress(sent(1)),
        message(2, pdu=b"new"),
    ]


@pytest_twisted.ensureDeferred
async def test_many_messages_by_id(open_here):
    store = open_here()
    await store.journal.commit(inserts(*range(1, 1201)))
    assert await store.ledger.messages(range(1, 1201)) == [message(id) for id in range(1, 1201)]
    assert await store.ledger.messages([]) == []


@pytest_twisted.ensureDeferred
async def test_open_messages_in_pages_by_state(open_here):
    store = open_here()
    batch = inserts(*range(1, 11))
    for id in (2, 4, 6):
        batch.progress(id, delivered(id))
    for id in (1, 3):
        batch.progress(id, sent(id))
    await store.journal.commit(batch)
    found = await store.ledger.open_after(0, (State.WAITING,), 3)
    assert [row.id for row in found] == [5, 7, 8]
    found = await store.ledger.open_after(8, (State.WAITING, State.SENT), 3)
    assert [row.id for row in found] == [9, 10]
    found = await store.ledger.open_after(0, (State.WAITING, State.SENT), 3)
    assert [row.id for row in found] == [1, 3, 5]


@pytest_twisted.ensureDeferred
async def test_what_was_sent_can_be_matched_again(open_here):
    store = open_here()
    batch = inserts(1, 2, 3, 4)
    batch.progress(1, sent(1))
    batch.progress(2, sent(2)._replace(carrier_message_id=None))
    batch.progress(3, delivered(3))
    batch.progress(4, sent(4, "beta"))
    await store.journal.commit(batch)
    assert await store.ledger.read(sent_after, 0, 10) == [
        SentRow(1, "alpha", "c1"),
        SentRow(4, "beta", "c4"),
    ]
    assert [row.id for row in await store.ledger.read(sent_after, 1, 10)] == [4]


@pytest_twisted.ensureDeferred
async def test_due_in_order_of_deadline(open_here):
    store = open_here()
    batch = changes()
    for id, deadline in ((1, 300), (2, 100), (3, 200), (4, 100), (5, None)):
        batch.insert(message(id, deadline=deadline))
    await store.journal.commit(batch)
    assert [row.id for row in await store.ledger.due(200, 10)] == [2, 4, 3]
    assert [row.id for row in await store.ledger.due(300, 2)] == [2, 4]


@pytest_twisted.ensureDeferred
async def test_counts_and_the_oldest(open_here):
    store = open_here()
    assert await store.ledger.open_counts() == {}
    assert await store.ledger.oldest_open() is None
    batch = inserts(1, 2, 3)
    batch.progress(1, delivered(1))
    await store.journal.commit(batch)
    assert await store.ledger.open_counts() == {State.WAITING: OpenCount(2, 2)}
    assert await store.ledger.oldest_open() == NOW + 2


@pytest_twisted.ensureDeferred
async def test_outbox_by_account(open_here):
    store = open_here()
    batch = changes()
    for seq in range(1, 6):
        batch.enqueue(waiting(seq))
    batch.enqueue(waiting(6, "shop", message_id=4))
    batch.enqueue(waiting(2, attempts=3))
    batch.dequeue(4)
    await store.journal.commit(batch)
    assert await store.ledger.outbox("bank", 1, 2) == [waiting(2, attempts=3), waiting(3)]
    assert await store.ledger.outbox("shop", 0, 9) == [waiting(6, "shop", message_id=4)]
    assert await store.ledger.outbox_counts() == {"bank": 4, "shop": 1}
    batch = changes()
    batch.enqueue(waiting(6, "shop", message_id=4)._replace(kind=Kind.DEAD))
    await store.journal.commit(batch)
    assert await store.ledger.outbox_counts() == {"bank": 4}


@pytest_twisted.ensureDeferred
async def test_strays(open_here):
    store = open_here()
    batch = changes()
    for seq in (1, 2, 3):
        batch.stray(lost(seq))
    batch.unstray(2)
    await store.journal.commit(batch)
    assert await store.ledger.strays(0, 10) == [lost(1), lost(3)]
    assert await store.ledger.strays(1, 10) == [lost(3)]


@pytest_twisted.ensureDeferred
async def test_search(open_here):
    store = open_here()
    batch = changes()
    for id in range(1, 21):
        batch.insert(message(id, accepted_at=NOW + id * DAY, account="bank" if id % 2 else "shop"))
    batch.progress(5, sent(5))
    await store.journal.commit(batch)

    async def ids(before=None, limit=100, **sought):
        return [row.id for row in await store.ledger.search(Sought(**sought), before, limit)]

    assert await ids(account="bank", limit=3) == [19, 17, 15]
    assert await ids(account="bank", before=15, limit=3) == [13, 11, 9]
    assert await ids(since=NOW + 5 * DAY, until=NOW + 8 * DAY) == [7, 6, 5]
    assert await ids(since=NOW + 99 * DAY) == []
    assert await ids(until=NOW + 2 * DAY) == [1]
    assert await ids(destination=message(9).destination) == [9]
    assert await ids(carrier="alpha", states=(State.SENT,)) == [5]
    assert await ids(source="nobody") == []


@pytest_twisted.ensureDeferred
async def test_search_of_nothing(open_here):
    store = open_here()
    assert await store.ledger.search(Sought(since=1, until=2)) == []


@pytest_twisted.ensureDeferred
async def test_ids_are_never_given_twice(open_here):
    store = open_here()
    assert await store.ledger.reserve_ids("message", 100) == 1
    assert await store.ledger.reserve_ids("message", 10) == 101
    assert await store.ledger.reserve_ids("outbox", 5) == 1
    await store.close()
    store = open_here()
    assert await store.ledger.reserve_ids("message", 1) == 111


@pytest_twisted.ensureDeferred
async def test_a_read_that_fails_names_no_parameters(open_here):
    store = open_here()

    def missing(connection, number):
        connection.execute(text("SELECT * FROM nowhere WHERE number = :number"), {"number": number})

    with pytest.raises(StoreUnavailable, match="nowhere") as caught:
        await store.ledger.read(missing, "8619912300001")
    assert "8619912300001" not in str(caught.value)
