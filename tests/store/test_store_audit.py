"""The record of acts: a chain that shows every change."""

import json

import pytest_twisted
from store_samples import NOW

from gateway.store import audit
from gateway.store.rows import Changes


async def keep(store, *acts):
    batch = Changes()
    head = await store.ledger.read(audit.head_of)
    for act in acts:
        row = audit.extend(head, NOW, act, "8619912340001", {"actor": "ann", "number": "8619912340001"})
        head = audit.Head(row.position, row.hash)
        batch.add("audit", tuple(row))
    await store.journal.commit(batch)
    return head


async def flaws(store, kept="", erased=()):
    return await store.ledger.read(lambda connection: list(audit.flaws(connection, kept, erased)))


@pytest_twisted.ensureDeferred
async def test_records_follow_each_other(open_here):
    store = open_here()
    assert await store.ledger.read(audit.head_of) == audit.GENESIS
    first = await keep(store, "unmask", "suppress")
    head = await keep(store, "reload")
    assert await store.ledger.read(audit.head_of) == head == (3, head.hash)
    assert await flaws(store) == []
    assert await flaws(store, first.hash.hex()) == []
    (row,) = await store.ledger.read(audit.latest, 9, "suppress")
    assert json.loads(row.entry)["actor"] == "ann"
    assert [row.act for row in await store.ledger.read(audit.latest, 2)] == ["reload", "suppress"]
    assert len(await store.ledger.read(audit.records_of, "8619912340001")) == 3


@pytest_twisted.ensureDeferred
async def test_an_erased_record_leaves_the_chain_whole(open_here):
    store = open_here()
    await keep(store, "unmask", "suppress", "reload")
    batch = Changes()
    batch.add("amend_audit", (None, None, None, 2))
    await store.journal.commit(batch)
    assert await flaws(store, erased={2}) == []
    assert await flaws(store) == [(2, "it was erased, and that is not on record")]
    assert (await store.ledger.read(audit.records, 1, 1))[0].entry is None


@pytest_twisted.ensureDeferred
async def test_what_is_changed_half_erased_or_cut_off_is_seen(open_here):
    store = open_here()
    head = await keep(store, "unmask", "suppress", "reload", "hold")
    (row,) = await store.ledger.read(audit.records, 1, 1)
    batch = Changes()
    batch.add("amend_audit", (row.person, row.entry.replace("ann", "bob"), row.salt, 2))
    batch.add("amend_audit", (None, None, row.salt, 3))
    await store.journal.commit(batch)
    assert await flaws(store, head.hash.hex()) == [
        (2, "it is not what was recorded"),
        (3, "it is half erased"),
    ]
    assert (await flaws(store, "00" * 32))[-1] == (
        4,
        "the head that was kept is not in it: records are missing at the end",
    )
