"""What is past its time goes, what is open or young stays."""

import pytest
import pytest_twisted
from store_samples import DAY, NOW, changes, delivered, inserts, lost, message, waiting
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.settings.node import Retention
from gateway.store import queries, retention
from gateway.store.retention import Purge, Purged
from gateway.store.rows import Kind, StoreUnavailable

KEEP = Retention()


async def purge(store, now):
    return await Purge(store.journal, store.ledger, reactor).run(KEEP, now)


def aged(id, days, **columns):
    return message(id, accepted_at=NOW - days * DAY, **columns)


def finished(id, days):
    return aged(id, days, state=12, deadline=None)


@pytest_twisted.ensureDeferred
async def test_nothing_to_do(open_here):
    assert await purge(open_here(), NOW) == Purged()


@pytest_twisted.ensureDeferred
async def test_each_class_by_its_age(open_here):
    store = open_here()
    batch = changes()
    rows = [finished(1, 200), aged(2, 190), finished(3, 100), aged(4, 10), finished(5, 8), finished(6, 6)]
    for row in rows:
        batch.insert(row)
    batch.enqueue(waiting(1, expires_at=NOW))
    batch.enqueue(waiting(2, created_at=NOW - 8 * DAY, expires_at=NOW + DAY))
    batch.enqueue(waiting(3, "shop", expires_at=NOW - 1))
    batch.enqueue(waiting(4, expires_at=NOW + 1))
    batch.enqueue(waiting(5, expires_at=NOW - 1)._replace(kind=Kind.DEAD))
    batch.stray(lost(1, received_at=NOW - 8 * DAY))
    batch.stray(lost(2, received_at=NOW - 6 * DAY))
    await store.journal.commit(batch)
    purged = await purge(store, NOW)
    assert purged == Purged(bodies=3, messages=1, strays=1, outbox={"bank": 2, "shop": 1})
    blank = [rows[2]._replace(pdu=b""), rows[4]._replace(pdu=b"")]
    assert await store.ledger.messages(range(9)) == [rows[1], blank[0], rows[3], blank[1], rows[5]]
    assert await store.ledger.outbox_counts() == {"bank": 1}
    assert [row.seq for row in await store.ledger.strays(0, 9)] == [2]
    assert await purge(store, NOW) == Purged()


@pytest_twisted.ensureDeferred
async def test_a_body_goes_once_its_message_is_finished(open_here):
    store = open_here()
    batch = changes()
    for row in (finished(1, 9), aged(2, 9), finished(3, 9)):
        batch.insert(row)
    await store.journal.commit(batch)
    assert await purge(store, NOW) == Purged(bodies=2)
    assert await store.ledger.read(queries.get_counter, "bodies") == 1
    await store.journal.commit(changes(lambda batch: batch.progress(2, delivered(2))))
    assert await purge(store, NOW) == Purged(bodies=1)
    assert await store.ledger.read(queries.get_counter, "bodies") == 3
    assert [row.pdu for row in await store.ledger.messages([1, 2, 3])] == [b""] * 3


@pytest_twisted.ensureDeferred
async def test_many_rows_go_in_slices(open_here, monkeypatch):
    monkeypatch.setattr(retention, "WINDOW", 30)
    monkeypatch.setattr(retention, "SLICE", 10)
    monkeypatch.setattr(retention, "REST", 0.0)
    store = open_here()
    batch = changes()
    for id in [*range(1, 101), *range(5001, 5026)]:
        batch.insert(finished(id, 190))
    for seq in range(1, 71):
        batch.enqueue(waiting(seq, expires_at=NOW))
        batch.stray(lost(seq, received_at=NOW - 8 * DAY))
    await store.journal.commit(batch)
    before = store.journal.stats.commits
    purged = await purge(store, NOW)
    assert purged == Purged(bodies=125, messages=125, strays=70, outbox={"bank": 70})
    assert store.journal.stats.commits - before >= 125 / 10 * 2 + 14
    assert store.journal.stats.last_operations <= 10
    assert await store.ledger.messages(range(6000)) == []


@pytest_twisted.ensureDeferred
async def test_the_traffic_goes_on_during_a_purge(open_here, monkeypatch):
    monkeypatch.setattr(retention, "SLICE", 5)
    store = open_here()
    batch = changes()
    for id in range(1, 51):
        batch.insert(finished(id, 190))
    await store.journal.commit(batch)
    clock = Clock()
    done = Deferred.fromCoroutine(Purge(store.journal, store.ledger, clock).run(KEEP, NOW))
    for id in range(101, 110):
        await store.journal.commit(inserts(id))
    assert not done.called
    while not done.called:
        clock.advance(retention.REST)
        await store.ledger.message(1)
    assert (await done).messages == 50
    assert len(await store.ledger.messages(range(200))) == 9


@pytest_twisted.ensureDeferred
async def test_a_purge_that_the_store_refuses_says_so(open_here):
    store = open_here()
    await store.journal.commit(changes(lambda batch: batch.insert(finished(1, 9))))
    await store.journal.stop()
    with pytest.raises(StoreUnavailable):
        await purge(store, NOW)


@pytest_twisted.ensureDeferred
async def test_what_something_needs_stays_until_nothing_does(open_here):
    """Looked at once when past its time, and then when as old as anything is kept."""
    store = open_here()
    batch = changes()
    for row in (finished(1, 240), finished(2, 190), finished(3, 189), aged(4, 188), finished(5, 187)):
        batch.insert(row)
    await store.journal.commit(batch)
    asked = []

    def needed(row, now):
        asked.append(row.id)
        return row.id in (2, 3)

    keeping = retention.Keeping(needed, 220 * DAY)

    async def run(now, **more):
        purged = await Purge(store.journal, store.ledger, reactor, keeping=keeping, **more).run(KEEP, now)
        return purged.messages, purged.kept

    assert await run(NOW, dry=True) == (3, 2)
    asked.clear()
    assert await run(NOW) == (2, 2)
    assert asked == [2, 3, 5]
    assert [row.id for row in await store.ledger.messages(range(9))] == [2, 3, 4]
    assert await run(NOW) == (0, 0)
    await store.journal.commit(changes(lambda batch: batch.progress(4, delivered(4))))
    assert await run(NOW) == (1, 0)
    assert asked == [2, 3, 5, 4]
    assert await run(NOW + 32 * DAY) == (2, 0)
    assert await store.ledger.messages(range(9)) == []


@pytest_twisted.ensureDeferred
async def test_what_is_kept_without_end_stays(open_here):
    store = open_here()
    await store.journal.commit(changes(lambda batch: batch.insert(finished(1, 9000))))
    keeping = retention.Keeping(lambda row, now: True, float("inf"))
    purged = await Purge(store.journal, store.ledger, reactor, keeping=keeping).run(KEEP, NOW)
    assert (purged.messages, purged.kept) == (0, 1)
    assert len(await store.ledger.messages([1])) == 1
