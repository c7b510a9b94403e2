"""What became of messages is attested: whatever is changed behind the gateway's back is named."""

from dataclasses import dataclass

import pytest
import pytest_twisted
from sqlalchemy import create_engine, delete, insert, make_url, select, update
from store_samples import DAY, NOW, changes, delivered, message
from test_store_vault import PERSON
from test_store_vault import said as said_plainly
from twisted.internet import reactor
from twisted.internet.defer import DeferredLock

from gateway.relay.attesting import Attesting, runs
from gateway.relay.auditing import Audit
from gateway.relay.batch import Batch, Committer, Outgoing
from gateway.relay.clocks import Clocks
from gateway.relay.privacy import without_person
from gateway.settings.keys import new_keyring
from gateway.settings.node import Retention
from gateway.store import audit, rotation
from gateway.store.attested import LATER, Verified
from gateway.store.retention import Purge
from gateway.store.rows import State
from gateway.store.schema import attestation
from gateway.store.schema import message as table
from gateway.store.vault import Vault

HOUR = 3_600_000
ENCRYPTED = "it is not encrypted, as all rows are: not the gateway's"


def said(id, **columns):
    return said_plainly(id, **{"decision": '{"verdict":"accept","place":"words 3"}', **columns})


@dataclass
class House:
    """A store with what attests it, at a moment that the test sets."""

    place: object
    store: object
    attesting: Attesting
    now: list

    async def wrong(self):
        found = await self.store.ledger.read(lambda connection: list(Verified(connection).flaws()))
        assert await self.store.ledger.read(lambda connection: list(audit.flaws(connection))) == []
        return [(int(each.key) if each.table == "message" else each.table, each.what) for each in found]

    async def compared(self):
        def count(connection):
            verified = Verified(connection)
            assert list(verified.flaws()) == []
            return verified.messages, verified.blocks

        return await self.store.ledger.read(count)

    def by_hand(self, *statements):
        """What somebody does who can write the database."""
        engine = create_engine(make_url(self.place.url))
        with engine.begin() as connection:
            found = [connection.execute(statement) for statement in statements]
            rows = [each.all() if each.returns_rows else None for each in found]
        engine.dispose()
        return rows

    async def purge(self, **days):
        keep = Retention(**{name: value * 86400.0 for name, value in days.items()})
        purge = Purge(self.store.journal, self.store.ledger, reactor, removing=self.attesting.removing)
        return await purge.run(keep, self.now[0])


async def moved_in(place, store, now=None):
    now = now or [NOW + 2 * HOUR]
    clocks = Clocks(reactor, lambda: now[0] / 1000)
    committer = Committer(store.journal, Outgoing())
    trail = Audit(store.ledger, committer, clocks)
    await trail.start()
    return House(place, store, Attesting(store.ledger, committer, trail, DeferredLock(), clocks), now)


@pytest.fixture
def vault():
    return Vault(new_keyring())


@pytest_twisted.async_yield_fixture
async def house(place, open_at, vault):
    """Seven messages: six have ended, the fifth has not."""
    vault.strict = True
    store = open_at(place.url, vault=vault)
    batch = changes(
        *(lambda batch, id=id: batch.insert(said(id, accepted_at=NOW + id)) for id in range(1, 8))
    )
    for id in (1, 2, 3, 4, 6, 7):
        batch.progress(id, delivered(id))
    await store.journal.commit(batch)
    yield await moved_in(place, store)


async def attest(house, hours=7):
    house.now[0] = NOW + hours * HOUR
    house.attesting._late_at = 0.0
    await house.attesting.catch_up()


async def end(house, id):
    batch = changes()
    batch.progress(id, delivered(id))
    await house.store.journal.commit(batch)


@pytest_twisted.ensureDeferred
async def test_what_has_ended_is_attested_and_what_had_not_comes_later(house):
    await attest(house, 2)
    assert await house.compared() == (0, 0)  # the fifth is still waited for
    await attest(house)
    assert await house.compared() == (6, 1)
    await attest(house)
    assert await house.compared() == (6, 1)
    await end(house, 5)
    assert await house.compared() == (6, 1)
    await attest(house, 8)
    assert await house.compared() == (7, 2)
    assert await house.wrong() == []


@pytest_twisted.ensureDeferred
async def test_whatever_is_changed_by_hand_is_named(house):
    await end(house, 5)
    await attest(house)
    ((stored,),) = house.by_hand(select(table).where(table.c.id == 3))
    plain = {"source": "1", "destination": PERSON, "pdu": b"\0\0other", "decision": "{}"}
    house.by_hand(
        update(table).values(state=int(State.UNDELIVERABLE)).where(table.c.id == 1),
        delete(table).where(table.c.id == 2),
        update(table).values(**plain).where(table.c.id == 4),
        update(table).values(carrier="other").where(table.c.id == 5),
        update(table).values(error=9).where(table.c.id == 6),
        update(table).values(pdu=stored.pdu).where(table.c.id == 7),
    )
    wrong = dict(await house.wrong())
    differs = "it is not what was attested"
    assert wrong.keys() == {1, 2, 4, 5, 6, 7}
    assert [wrong[id] for id in (1, 2, 5, 6)] == [differs, "it is missing", differs, differs]
    assert wrong[4].endswith(ENCRYPTED)
    assert "changed or moved" in wrong[7]


@pytest_twisted.ensureDeferred
async def test_a_row_put_back_to_what_it_was_is_named(house):
    ((older,),) = house.by_hand(select(table).where(table.c.id == 5))
    await end(house, 5)
    await attest(house)
    house.by_hand(delete(table).where(table.c.id == 5), insert(table).values(**older._mapping))
    assert await house.wrong() == [(5, "it is not what was attested")]


@pytest_twisted.ensureDeferred
async def test_a_decision_that_is_the_gateways_own_but_another_is_named(house):
    """Who has the keys too cannot write another decision into a message."""
    await end(house, 5)
    await attest(house)
    await house.store.journal.commit(
        changes(lambda batch: batch.revise(said(2, decision='{"verdict":"accept"}')))
    )
    assert await house.wrong() == [(2, "it is not what was attested")]


@pytest_twisted.ensureDeferred
async def test_what_was_put_between_and_a_block_that_is_gone_are_named(house):
    await end(house, 5)
    house.by_hand(delete(table).where(table.c.id == 4))
    await attest(house)
    await house.store.journal.commit(changes(lambda batch: batch.insert(said(4))))
    assert await house.wrong() == [(4, LATER)]
    house.by_hand(update(attestation).values(leaves=b"x" * 96))
    assert "was changed: messages 1 to 7" in (await house.wrong())[0][1]
    house.by_hand(delete(attestation))
    assert "is missing: messages 1 to 7" in (await house.wrong())[0][1]


@pytest_twisted.ensureDeferred
async def test_retention_and_purge_leave_it_whole(house):
    await end(house, 5)
    await attest(house)
    house.now[0] = NOW + 9 * DAY
    assert (await house.purge(bodies=7)).bodies == 7
    assert await house.compared() == (7, 1)
    batch = changes(lambda batch: batch.insert(said(9, accepted_at=NOW + 9 * DAY)))
    batch.progress(9, delivered(9))
    await house.store.journal.commit(batch)
    house.now[0] = NOW + 10 * DAY
    await house.attesting.catch_up()
    assert await house.compared() == (8, 2)
    assert (await house.purge(messages=5)).messages == 7
    assert await house.compared() == (1, 1)
    (record,) = await house.store.ledger.read(audit.latest, 9, "purge messages")
    assert '\\"count\\": 7' in record.entry
    house.by_hand(delete(table).where(table.c.id == 9))
    assert await house.wrong() == [(9, "it is missing")]


@pytest_twisted.ensureDeferred
async def test_a_purge_that_is_cut_short_and_one_of_a_part(house):
    await end(house, 5)
    await attest(house)
    await house.attesting.removing([1, 2])  # and then the node died
    assert await house.compared() == (5, 1)
    await house.attesting.removing([1, 2])
    house.by_hand(delete(table).where(table.c.id.in_((1, 2, 3))))
    assert await house.wrong() == [(3, "it is missing")]


@pytest_twisted.ensureDeferred
async def test_erased_ones_hold_and_may_not_be_changed(house):
    await end(house, 5)
    await attest(house)
    batch = Batch()
    pairs = [(row, without_person(row)) for row in await house.store.ledger.messages([2, 6])]
    for _, after in pairs:
        batch.changes.revise(after)
    await house.attesting.erasing(pairs, batch)
    await house.store.journal.commit(batch.changes)
    assert await house.compared() == (7, 1)
    (record,) = await house.store.ledger.read(audit.latest, 1)
    assert PERSON not in record.entry
    other = without_person(said(2, decision='{"verdict":"other"}'))
    await house.store.journal.commit(changes(lambda batch: batch.revise(other)))
    house.by_hand(update(table).values(state=int(State.EXPIRED)).where(table.c.id == 6))
    assert await house.wrong() == [(2, "it is not what the erasure left"), (6, "it is not what was attested")]


@pytest_twisted.ensureDeferred
async def test_rotation_and_a_restart_in_the_middle(house, place, open_at, vault):
    await attest(house)
    vault.turn(vault.keyring.rotated())
    version = vault.keyring.current
    for kind in rotation.OTHERS:
        frame, _ = await house.store.ledger.read(rotation.others_left, kind, version, None, 99)
        await house.store.journal.commit(changes(*(lambda batch, op=op: batch.add(*op) for op in frame)))
    rows = await house.store.ledger.messages(range(9))
    await house.store.journal.commit(changes(*(lambda batch, row=row: batch.revise(row) for row in rows)))
    assert await house.store.ledger.read(rotation.in_use) == {version}
    assert await house.compared() == (6, 1)
    await house.store.close()
    again = await moved_in(place, open_at(place.url, vault=vault), house.now)
    await end(again, 5)
    await attest(again, 9)
    assert await again.compared() == (7, 2)


@pytest_twisted.ensureDeferred
async def test_without_encryption_it_is_the_same(place, open_here):
    store = open_here()
    batch = changes(lambda batch: batch.insert(message(1)), lambda batch: batch.insert(message(2)))
    for id in (1, 2):
        batch.progress(id, delivered(id))
    await store.journal.commit(batch)
    house = await moved_in(place, store)
    await attest(house)
    assert await house.compared() == (2, 1)
    house.by_hand(update(table).values(decision="{}").where(table.c.id == 1))
    assert await house.wrong() == [(1, "it is not what was attested")]


@pytest_twisted.ensureDeferred
async def test_rows_of_other_tables_that_are_not_encrypted_are_named(house):
    house.by_hand(
        insert(rotation.OTHERS[0].table).values(
            seq=4, account="bank", kind=1, created_at=1, expires_at=9, attempts=0, pdu=b"\0plain"
        )
    )
    assert await house.wrong() == [("outbox", ENCRYPTED)]


@pytest_twisted.ensureDeferred
async def test_a_message_that_cannot_be_read_is_put_on_record(house):
    await end(house, 5)
    house.by_hand(update(table).values(pdu=b"\xae\x01" + b"x" * 40).where(table.c.id == 2))
    await attest(house)
    assert await house.wrong() == [(2, "it could not be read any more when it was to be attested")]


def test_runs():
    assert runs([1, 3, 5, 7, 9], {1, 3, 7, 9}) == [[1, 3], [7, 9]]
    assert runs([], set()) == []
