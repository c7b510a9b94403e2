"""Lists as they stood in the past: entries that were lifted or changed, sealed and plain."""

import pytest
import pytest_twisted
from store_samples import NOW, changes
from test_store_privacy import seal_anew
from test_store_vault import ENTRY, PERSON, on_disk
from twisted.internet import reactor

from gateway.settings.keys import new_keyring
from gateway.settings.node import Retention
from gateway.store import lifted, people, rotation
from gateway.store.lifted import PLACE, lifted_of
from gateway.store.retention import Purge
from gateway.store.vault import Vault

KEY = tuple(ENTRY.key)


@pytest.fixture(params=["plain", "sealed"])
def store(request, open_here):
    return open_here(vault=Vault(new_keyring()) if request.param == "sealed" else None)


def put(at, entry=ENTRY, **fields):
    row = entry._replace(added_at=at, **fields)
    span = row.since, row.until

    def step(batch):
        batch.add("replace", (at, row.added_by, *KEY, *span))
        batch.add("suppress", tuple(row))

    return changes(step)


def lift(at, by="person"):
    def step(batch):
        batch.add("lift", (at, by, *KEY))
        batch.add("unsuppress", KEY)

    return changes(step)


@pytest_twisted.ensureDeferred
async def test_what_is_lifted_is_kept_as_it_was(store):
    await store.journal.commit(put(NOW))
    await store.journal.commit(lift(NOW + 5))
    (row,) = await store.ledger.read(lifted_of, PERSON)
    assert (row.number, row.added_at, row.lifted_at, row.lifted_by) == (PERSON, NOW, NOW + 5, "person")
    assert (row.until, row.evidence, row.added_by) == (ENTRY.until, ENTRY.evidence, "person")
    assert await store.ledger.read(people.suppressions_of, PERSON) == []
    assert await store.ledger.read(lifted_of, PERSON[:-1] + "2") == []
    await store.journal.commit(lift(NOW + 6))  # it is on no list any more
    assert await store.ledger.read(lifted_of, PERSON) == [row]


@pytest_twisted.ensureDeferred
async def test_an_entry_that_is_put_again_stands_since_it_first_did_unless_its_span_is_another(store):
    await store.journal.commit(put(NOW))
    await store.journal.commit(put(NOW + 5, evidence="again"))
    (entry,) = await store.ledger.read(people.suppressions_of, PERSON)
    assert (entry.added_at, entry.evidence) == (NOW, "again")
    assert await store.ledger.read(lifted_of, PERSON) == []
    await store.journal.commit(put(NOW + 9, since=7, until=None))
    (entry,) = await store.ledger.read(people.suppressions_of, PERSON)
    assert (entry.added_at, entry.since, entry.until) == (NOW + 9, 7, None)
    (row,) = await store.ledger.read(lifted_of, PERSON)
    assert (row.added_at, row.lifted_at, row.until, row.evidence) == (NOW, NOW + 9, ENTRY.until, "again")


@pytest_twisted.ensureDeferred
async def test_old_ones_are_purged_by_their_retention(store):
    for at in (NOW, NOW + 1000):
        await store.journal.commit(put(at))
        await store.journal.commit(lift(at + 5))
    keep = Retention(lifted="10s")

    def purge(now, held=None, *, dry=False):
        return Purge(store.journal, store.ledger, reactor, held, dry=dry).run(keep, now)

    now = NOW + 10_500
    assert (await purge(now, lambda row: True)).lifted == 0  # a hold may be about them
    assert (await purge(now, dry=True)).lifted == 1
    assert len(await store.ledger.read(lifted_of, PERSON)) == 2
    assert (await purge(now)).lifted == 1
    assert [row.lifted_at for row in await store.ledger.read(lifted_of, PERSON)] == [NOW + 1005]


@pytest_twisted.ensureDeferred
async def test_one_person_is_forgotten(store):
    await store.journal.commit(put(NOW))
    await store.journal.commit(lift(NOW + 5))
    (row,) = await store.ledger.read(lifted_of, PERSON)
    await store.journal.commit(changes(lambda batch: batch.add("forget_lifted", row[: len(PLACE)])))
    assert await store.ledger.read(lifted_of, PERSON) == []


@pytest_twisted.ensureDeferred
async def test_the_past_is_sealed_with_all_else_and_anew(open_at, place):
    vault = Vault(new_keyring())
    store = open_at(place.url)
    await store.journal.commit(put(NOW))
    await store.journal.commit(lift(NOW + 5))
    before = await store.ledger.read(lifted_of, PERSON)
    await store.close()
    store = open_at(place.url, vault=vault)
    assert await store.ledger.read(lifted_of, PERSON) == before
    for version in (1, 2):
        if version == 2:
            vault.turn(vault.keyring.rotated())
        assert await seal_anew(store, version) == 1
        assert (await store.ledger.read(rotation.versions))["lifted_suppression"] == {version: 1}
        assert await store.ledger.read(lifted_of, PERSON) == before
        assert PERSON.encode() not in on_disk(place)
    assert people.SuppressionKey._fields == lifted.KEY
