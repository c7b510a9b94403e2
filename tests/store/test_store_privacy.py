"""What is found by its number, held, and sealed anew."""

import pytest
import pytest_twisted
from store_samples import DAY, NOW, changes, delivered, lost, message, waiting
from test_store_vault import CALL, CASE, PERSON, WRITTEN, everything, read_back, said
from twisted.internet import reactor

from gateway.relay import numbering
from gateway.relay.batch import Committer, Outgoing
from gateway.relay.clocks import Clocks
from gateway.relay.numbering import Numbering
from gateway.settings.keys import new_keyring
from gateway.settings.node import Retention
from gateway.store import calls, holds, numbers, people, queries, rotation
from gateway.store.behind import number_key
from gateway.store.holds import Hold
from gateway.store.retention import Purge
from gateway.store.vault import Vault

OTHER = "447700900123"


async def seal_anew(store, version):
    """All tables but the messages, to their end; how many rows that were."""
    done = 0
    for kind in rotation.OTHERS:
        after = None
        while True:
            frame, after = await store.ledger.read(rotation.others_left, kind, version, after, 2)
            if after is None:
                break
            done += len(frame)
            await store.journal.commit(changes(*(lambda batch, op=op: batch.add(*op) for op in frame)))
    while ids := await store.ledger.read(rotation.messages_left, version, 0, 2):
        rows = await store.ledger.messages(ids)
        await store.journal.commit(changes(*(lambda batch, row=row: batch.revise(row) for row in rows)))
        done += len(rows)
    return done


HELD = Hold(3, PERSON, "", "Shop", None, NOW, "order 5", "ann", NOW)


def more(batch):
    everything(batch)
    batch.insert(said(3, pdu=b""))
    batch.add("hold", HELD.row())


@pytest_twisted.ensureDeferred
async def test_everything_is_sealed_plain_and_sealed_anew(open_at, place):
    vault = Vault(new_keyring())
    store = open_at(place.url)
    await store.journal.commit(changes(more))
    await store.close()
    store = open_at(place.url, vault=vault)
    for version in (1, 2):
        if version == 2:
            vault.turn(vault.keyring.rotated())
        assert await seal_anew(store, version) == 11
        assert await seal_anew(store, version) == 0
        counts = await store.ledger.read(rotation.versions)
        assert {v for each in counts.values() for v in each} == {version}
        assert await read_back(store) == WRITTEN
        assert await store.ledger.message(3) == said(3, pdu=b"")
        assert await store.ledger.read(holds.holds) == [HELD]
        assert await store.ledger.read(rotation.in_use) == {version}
    vault.sealing = False
    vault.turn(vault.keyring)
    assert rotation.target(vault) == 0
    assert await seal_anew(store, 0) == 11
    await store.close()
    store = open_at(place.url)
    assert await read_back(store) == WRITTEN


@pytest_twisted.ensureDeferred
async def test_what_has_gone_meanwhile_stays_gone(open_here):
    vault = Vault(new_keyring())
    store = open_here(vault=vault)
    await store.journal.commit(changes(everything))
    vault.turn(vault.keyring.rotated())
    frames = [
        (await store.ledger.read(rotation.others_left, kind, 2, None, 9))[0] for kind in rotation.OTHERS
    ]
    gone = changes(
        lambda batch: batch.dequeue(6),
        lambda batch: batch.unstray(7),
        lambda batch: batch.add("called", (5,)),
        lambda batch: batch.add("unsuppress", tuple(WRITTEN[4][0].key)),
    )
    await store.journal.commit(gone)
    for frame in frames:
        await store.journal.commit(changes(*(lambda batch, op=op: batch.add(*op) for op in frame)))
    after = await read_back(store)
    assert after[1:3] == [[], []]
    assert (after[4], after[6]) == ([], [])
    assert after[3] == WRITTEN[3]


@pytest_twisted.ensureDeferred
async def test_messages_are_found_by_their_number(open_here):
    vault = Vault(new_keyring())
    store = open_here(vault=vault)
    batch, keys = changes(), {}
    for id in range(1, 9):
        batch.insert(said(id, destination=PERSON if id % 2 else OTHER))
    for id in range(1, 6):
        number = PERSON if id % 2 else OTHER
        keys[id] = number_key(vault, "Bank", number)
    block = numbers.NumberBlock.of(keys)
    for _ in range(2):  # the second time changes nothing
        batch.add("number", tuple(block))
    batch.add("count", (numbers.NUMBERED, 5))
    batch.add("count", (numbers.TENANT + "Bank", 1))
    await store.journal.commit(batch)
    read = store.ledger.read
    assert await read(numbers.messages_to, PERSON) == [1, 3, 5, 7]
    assert block.found([number_key(vault, "Bank", PERSON)]) == [1, 3, 5]
    assert block.found([number_key(vault, "Shop", PERSON), number_key(None, "Bank", PERSON)]) == []
    ((name, row),) = await read(numbers.forgotten, [3, 7])
    await store.journal.commit(changes(lambda batch: batch.add(name, row)))
    assert await read(numbers.messages_to, PERSON) == [1, 5, 7]
    assert await read(numbers.messages_to, OTHER) == [2, 4, 6, 8]


@pytest_twisted.ensureDeferred
async def test_what_is_held_is_not_purged(open_here):
    store = open_here()
    batch = changes()
    for id, days in ((1, 200), (2, 200), (3, 9), (4, 9)):
        batch.insert(message(id, accepted_at=NOW - days * DAY, account="bank" if id % 2 else "shop"))
        batch.progress(id, delivered(id))
    block = numbers.NumberBlock.of(dict.fromkeys((1, 2, 3, 4), number_key(None, "", OTHER)))
    batch.add("number", tuple(block))
    await store.journal.commit(batch)

    def purge(held, dry=False):
        return Purge(store.journal, store.ledger, reactor, held, dry=dry).run(Retention(), NOW)

    def of_the_bank(row):
        return row.account == "bank"

    found = await purge(of_the_bank, dry=True)
    assert (found.bodies, found.messages, found.held) == (2, 1, 3)
    assert await purge(of_the_bank, dry=True) == found
    assert await purge(of_the_bank) == found
    rows = await store.ledger.messages(range(9))
    assert [(row.id, bool(row.pdu)) for row in rows] == [(1, True), (3, True), (4, False)]
    assert await store.ledger.read(numbers.messages_to, OTHER) == [1, 2, 3, 4]  # some of them are held
    await store.journal.commit(changes(lambda batch: batch.add("count", ("bodies", 0))))
    found = await purge(None)
    assert (found.bodies, found.messages, found.held) == (2, 1, 0)


@pytest_twisted.ensureDeferred
async def test_cases_go_some_time_after_they_were_closed(open_here):
    vault = Vault(new_keyring())
    store = open_here(vault=vault)
    old = CASE._replace(closed_at=NOW - 181 * DAY)
    young = CASE._replace(id=6, closed_at=NOW - 179 * DAY)
    held = old._replace(id=7, number=OTHER)
    rows = [old, CASE._replace(id=5), young, held]
    await store.journal.commit(
        changes(*(lambda batch, row=row: batch.add("open_case", tuple(row)) for row in rows))
    )

    def is_held(case):
        return case.number == OTHER

    purge = Purge(store.journal, store.ledger, reactor, None, is_held)
    found = await purge.run(Retention(), NOW)
    assert (found.cases, found.held) == (1, 1)
    assert {row.id for row in await store.ledger.read(people.cases, False, 9)} == {5, 6, 7}


@pytest_twisted.ensureDeferred
async def test_given_up_calls_go_with_time_and_those_of_a_person_are_found(open_here):
    store = open_here(vault=Vault(new_keyring()))
    old = CALL._replace(created_at=NOW - 31 * DAY, dead=1)
    rows = [
        old,
        old._replace(seq=6, dead=0),
        old._replace(seq=7, created_at=NOW - 29 * DAY),
        old._replace(seq=8, body=f'{{"number":"{OTHER}"}}'),
    ]
    await store.journal.commit(
        changes(*(lambda batch, row=row: batch.add("call", tuple(row)) for row in rows))
    )
    assert await store.ledger.read(calls.calls_with, PERSON) == rows[:3]
    gone = []

    async def drop(found):
        gone.extend(found)

    async def purge(held=None, dry=False):
        purge = Purge(store.journal, store.ledger, reactor, held, drop_calls=drop, dry=dry)
        return (await purge.run(Retention(), NOW)).calls

    assert await purge(held=lambda row: False) == 0
    assert await purge(dry=True) == 2
    assert gone == []
    assert await purge() == 2
    assert gone == [rows[0], rows[3]]


@pytest_twisted.ensureDeferred
async def test_what_waits_about_a_person_is_counted(open_here):
    store = open_here(vault=Vault(new_keyring()))
    batch = changes()
    for seq, about in ((1, 4), (2, 5), (3, None)):
        batch.enqueue(waiting(seq, message_id=about))
    batch.stray(lost(1, destination=PERSON))
    batch.stray(lost(2, destination=OTHER))
    await store.journal.commit(batch)
    assert await store.ledger.read(numbers.waiting_about, [4, 9]) == 1
    assert await store.ledger.read(numbers.waiting_about, []) == 0
    assert [row.seq for row in await store.ledger.read(numbers.strays_about, PERSON)] == [1]
    assert await store.ledger.read(numbers.strays_about, "1") == []


@pytest_twisted.ensureDeferred
async def test_holds_are_kept_and_lifted(open_here):
    vault = Vault(new_keyring())
    store = open_here(vault=vault)
    await store.journal.commit(changes(lambda batch: batch.add("hold", HELD.row())))
    assert await store.ledger.read(holds.holds) == [HELD]
    await store.journal.commit(changes(lambda batch: batch.add("lift_hold", (NOW + 5, 3))))
    assert await store.ledger.read(holds.holds) == []
    (lifted,) = await store.ledger.read(lambda connection: holds.holds(connection, everything=True))
    assert lifted == HELD._replace(lifted_at=NOW + 5)


def test_what_a_hold_covers():
    assert HELD.covers(PERSON, "any", "Shop", NOW - 1)
    assert not HELD.covers(PERSON, "any", "Shop", NOW)
    assert not HELD.covers(OTHER, "any", "Shop", NOW - 1)
    assert not HELD.covers(PERSON, "any", "Bank", NOW - 1)
    assert HELD._replace(number="", tenant="", until=None).covers(OTHER, "any", "Bank", NOW)
    assert not HELD._replace(account="bank").covers(PERSON, "any", "Shop", NOW - 1)


@pytest.mark.parametrize("apart", [True, False], ids=["process", "thread"])
@pytest_twisted.ensureDeferred
async def test_numbers_are_noted_in_blocks_behind_the_traffic(open_here, apart, monkeypatch):
    monkeypatch.setattr(numbering, "BLOCK", 150)
    vault = Vault(new_keyring())
    store = open_here(vault=vault, apart=apart)
    now = [NOW + 1_000_000]

    def followers():
        return Numbering(store.ledger, committer, lambda: {"bank": "Bank"}, clocks)

    clocks = Clocks(reactor, lambda: now[0] / 1000)
    committer = Committer(store.journal, Outgoing())
    follows = followers()
    await note(follows)
    batch = changes()
    for id in range(1, 401):
        batch.insert(said(id, destination=PERSON if id % 100 == 7 else OTHER, accepted_at=NOW))
    batch.insert(said(500, destination=PERSON, accepted_at=now[0]))  # too young
    await store.journal.commit(batch)
    await note(follows)
    read = store.ledger.read
    assert await read(queries.get_counter, numbers.NUMBERED) == 400
    assert await read(numbers.tenants) == ["Bank"]
    assert await read(numbers.messages_to, PERSON) == [7, 107, 207, 307, 500]
    now[0] += 1_000_000
    await note(follows)  # one alone waits for others
    assert await read(queries.get_counter, numbers.NUMBERED) == 400
    now[0] += numbering.RIPE_MS
    await note(follows)
    assert await read(queries.get_counter, numbers.NUMBERED) == 500
    assert await read(numbers.messages_to, PERSON) == [7, 107, 207, 307, 500]
    assert await read(numbers.unnumbered, PERSON) == []
    await store.journal.commit(changes(lambda batch: batch.insert(said(501, destination=PERSON))))
    await note(follows)
    follows.forget([501])
    now[0] += numbering.RIPE_MS
    await note(follows)
    assert await read(numbers.messages_to, PERSON) == [7, 107, 207, 307, 500]


async def note(follows):
    """Until nothing is left."""
    follows.start()
    await follows.catch_up()
    follows.stop()
