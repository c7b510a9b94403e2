"""What is sealed before it is stored: nothing of a person on disk, everything as before when it is read."""

import os
import sqlite3

import pytest
import pytest_twisted
from sqlalchemy import create_engine, make_url, select
from store_samples import DAY, NOW, changes, delivered, lost, message, waiting
from twisted.internet import reactor

from gateway.settings.keys import Keyring, new_keyring
from gateway.settings.node import Retention
from gateway.store import audit, calls, people, queries, schema
from gateway.store.calls import CallRow
from gateway.store.people import CaseRow, ConsentRow, SuppressionKey, SuppressionRow
from gateway.store.queries import Sought
from gateway.store.retention import Purge
from gateway.store.rows import State
from gateway.store.vault import Damaged, Vault

PERSON = "8619912340001"
TEXT = "您的验证码 123456"
TABLES = (
    "message",
    "outbox",
    "stray",
    "consent_event",
    "suppression",
    "lifted_suppression",
    "reply_case",
    "event_call",
    "audit",
)
START = SuppressionKey("", "", "", "", "", "")


@pytest.fixture
def vault():
    return Vault(new_keyring())


def said(id, **columns):
    fields = {"destination": PERSON, "pdu": b"\0\0pdu " + TEXT.encode(), "decision": f'{{"words":"{TEXT}"}}'}
    return message(id, **{**fields, **columns})


CONSENT = ConsentRow("Shop", 1, 5, b"c", b"h", b"s" * 16, PERSON, f'{{"number":"{PERSON}"}}')
ENTRY = SuppressionRow(
    "tenant_optout", "Shop", "", "", "replies", PERSON, None, 9, NOW, "person", f"said {TEXT}"
)
CASE = CaseRow(4, "complaint", "Shop", "shop", PERSON, TEXT, 1, NOW, NOW + 9, None, "", "")
CALL = CallRow(5, "crm", NOW, 0, NOW, f'{{"number":"{PERSON}"}}')
OUT = waiting(6, pdu=b"\0\0deliver " + PERSON.encode())
STRAY = lost(7, destination=PERSON, pdu=b"\0\0stray " + TEXT.encode())
RECORD = audit.extend(audit.GENESIS, NOW, "unmask", PERSON, {"number": PERSON, "purpose": TEXT})


def everything(batch):
    batch.insert(said(1))
    batch.insert(said(2, pdu=b"old"))
    batch.revise(said(2))
    batch.enqueue(OUT)
    batch.stray(STRAY)
    rows = {"consent": CONSENT, "suppress": ENTRY, "open_case": CASE, "call": CALL, "audit": RECORD}
    for name, row in rows.items():
        batch.add(name, tuple(row))


async def read_back(store):
    read = store.ledger.read
    return [
        await store.ledger.messages([1, 2]),
        await store.ledger.outbox("bank", 0, 9),
        await store.ledger.strays(0, 9),
        await read(people.consents, ("", 0), 9),
        (await read(people.suppressions, START, 9))[0],
        await read(people.case, 4),
        await read(calls.calls, "", False, 0, 9),
        await read(audit.records, 0, 9),
    ]


WRITTEN = [[said(1), said(2)], [OUT], [STRAY], [CONSENT], [ENTRY], CASE, [CALL], [RECORD]]


def on_disk(place):
    """All that the tables hold, as octets."""
    engine = create_engine(make_url(place.url))
    with engine.connect() as connection:
        found = b"".join(
            value if isinstance(value, bytes) else str(value).encode()
            for name in TABLES
            for row in connection.execute(select(schema.metadata.tables[name]))
            for value in row
        )
    engine.dispose()
    return found


@pytest_twisted.ensureDeferred
async def test_nothing_of_a_person_stands_on_disk_and_all_is_read_back(place, open_here, vault):
    store = open_here(vault=vault)
    await store.journal.commit(changes(everything))
    disk = on_disk(place)
    assert b"10690001" not in disk
    assert PERSON.encode() not in disk
    assert TEXT.encode() not in disk
    assert await read_back(store) == WRITTEN


@pytest_twisted.ensureDeferred
async def test_people_are_found_by_their_number(open_here, vault):
    store = open_here(vault=vault)
    await store.journal.commit(changes(everything))
    read = store.ledger.read
    for tenant in ("Shop", None):
        assert await read(people.consents_of, PERSON, tenant) == [CONSENT]
    assert await read(people.suppressions_of, PERSON) == [ENTRY]
    assert await read(people.cases_of, PERSON) == [CASE]
    assert await read(audit.records_of, PERSON) == [RECORD]
    assert await read(people.consents_of, PERSON[:-1] + "2", None) == []
    assert [row.id for row in await store.ledger.search(Sought(destination=PERSON))] == [2, 1]
    assert await store.ledger.search(Sought(destination=PERSON, source="1")) == []
    assert vault.found_by("Shop", PERSON) != vault.found_by("Bank", PERSON)


@pytest_twisted.ensureDeferred
async def test_rows_from_before_stay_readable_and_an_entry_of_them_can_be_lifted(open_at, place, vault):
    store = open_at(place.url)
    await store.journal.commit(changes(everything))
    await store.close()
    store = open_at(place.url, vault=vault)
    assert await read_back(store) == WRITTEN
    assert await store.ledger.read(people.consents_of, PERSON, "Shop") == [CONSENT]
    assert [row.id for row in await store.ledger.search(Sought(destination=PERSON))] == [2, 1]
    await store.journal.commit(changes(lambda batch: batch.add("suppress", tuple(ENTRY))))
    assert (await store.ledger.read(people.suppressions, START, 9))[0] == [ENTRY]
    await store.journal.commit(changes(lambda batch: batch.add("unsuppress", tuple(ENTRY.key))))
    assert (await store.ledger.read(people.suppressions, START, 9))[0] == []


@pytest_twisted.ensureDeferred
async def test_without_sealing_new_rows_are_plain_and_sealed_ones_still_read(open_at, place, vault):
    store = open_at(place.url, vault=vault)
    await store.journal.commit(changes(everything))
    await store.close()
    store = open_at(place.url, vault=Vault(vault.keyring, sealing=False))
    assert await read_back(store) == WRITTEN
    await store.journal.commit(changes(lambda batch: batch.add("suppress", tuple(ENTRY))))
    assert (await store.ledger.read(people.suppressions, START, 9))[0] == [ENTRY]
    await store.journal.commit(changes(lambda batch: batch.add("unsuppress", tuple(ENTRY.key))))
    assert (await store.ledger.read(people.suppressions, START, 9))[0] == []


@pytest_twisted.ensureDeferred
async def test_what_needs_only_parts_of_a_message_gets_them(open_here, vault):
    store = open_here(vault=vault)
    await store.journal.commit(changes(everything))
    counted = await store.ledger.read(people.counted, 0, 0, 9)
    assert [(row.id, row.destination, row.pdu) for row in counted] == [
        (1, PERSON, said(1).pdu),
        (2, PERSON, said(2).pdu),
    ]


@pytest_twisted.ensureDeferred
async def test_a_purged_text_goes_and_the_record_stays(open_here, vault):
    store = open_here(vault=vault)
    batch = changes(lambda batch: batch.insert(said(1, accepted_at=NOW - 9 * DAY)))
    batch.progress(1, delivered(1))
    await store.journal.commit(batch)
    purge = Purge(store.journal, store.ledger, reactor)
    assert (await purge.run(Retention(), NOW)).bodies == 1
    row = await store.ledger.message(1)
    assert (row.pdu, row.destination, row.decision) == (b"", PERSON, said(1).decision)
    assert row.state == State.DELIVERED
    assert (await purge.run(Retention(), NOW)).bodies == 0


@pytest_twisted.ensureDeferred
async def test_a_changed_octet_and_a_moved_blob_are_seen(sqlite_place, open_at, vault):
    store = open_at(sqlite_place.url, vault=vault)
    await store.journal.commit(changes(everything))
    path = make_url(sqlite_place.url).database
    with sqlite3.connect(path) as database:
        (blob,) = database.execute("SELECT pdu FROM message WHERE id = 1").fetchone()
        for at in (0, 1, 5, len(blob) // 2, len(blob) - 1):
            changed = blob[:at] + bytes((blob[at] ^ 1,)) + blob[at + 1 :]
            database.execute("UPDATE message SET pdu = ? WHERE id = 1", (changed,))
            database.commit()
            with pytest.raises(Damaged, match="message 1 cannot be read"):
                await store.ledger.message(1)
        database.execute("UPDATE message SET pdu = ? WHERE id = 1", (blob,))
        database.execute("UPDATE message SET pdu = ? WHERE id = 2", (blob,))
        database.execute("UPDATE suppression SET name = 'commands'")
        database.commit()
    assert await store.ledger.message(1) == said(1)
    with pytest.raises(Damaged, match="message 2 cannot be read: it was changed or moved"):
        await store.ledger.message(2)
    with pytest.raises(Damaged, match="a row of suppression") as refused:
        await store.ledger.read(people.suppressions, START, 9)
    assert PERSON not in str(refused.value)


@pytest_twisted.ensureDeferred
async def test_a_key_that_is_not_there_is_named(open_at, place, vault):
    store = open_at(place.url, vault=vault)
    await store.journal.commit(changes(everything))
    await store.close()
    other = Keyring(vault.keyring.search, {2: os.urandom(32)})
    store = open_at(place.url, vault=Vault(other))
    with pytest.raises(Damaged, match="key version 1 is not there"):
        await store.ledger.read(queries.get_message, 1)
