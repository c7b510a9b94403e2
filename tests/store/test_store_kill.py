"""A process that writes is killed with SIGKILL; every row that it was told is stored is there."""

import os
import random
import signal
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
import pytest_twisted
from sqlalchemy import make_url
from store_samples import changes, inserts, sent
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList, gatherResults
from twisted.internet.task import deferLater

from gateway.settings.keys import new_keyring
from gateway.store.rows import State, StoreLocked, StoreUnavailable
from gateway.store.vault import Vault
from gateway.store.writer_process import lock_writer

# Eight chains insert, and then mark as sent and finish; each says what it has on disk, ids growing over runs.
WRITE = """
import sys
sys.path.insert(0, sys.argv[2])
from store_samples import changes, delivered, inserts, sent
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import react
from gateway.store.engine import open_store

def say(word, id):
    sys.stdout.write(f"{word} {id}\\n")
    sys.stdout.flush()

async def chain(store, ids):
    for id in ids:
        await store.journal.commit(inserts(id))
        say("inserted", id)
        await store.journal.commit(changes(lambda batch: batch.progress(id, sent(id))), must=True)
        say("sent", id)
        await store.journal.commit(changes(lambda batch: batch.progress(id, delivered(id))), must=True)
        say("delivered", id)

async def main(reactor):
    store = open_store(sys.argv[1], reactor)
    first = await store.ledger.reserve_ids("message", 80_000)
    chains = [range(first + n, first + 80_000, 8) for n in range(8)]
    await gatherResults([Deferred.fromCoroutine(chain(store, ids)) for ids in chains])

react(lambda reactor: Deferred.fromCoroutine(main(reactor)))
"""

RANK = {State.WAITING: 1, State.SENT: 2, State.DELIVERED: 3}
SAID = {"inserted": 1, "sent": 2, "delivered": 3}


def write_until_killed(url: str, lines: int) -> dict[int, int]:
    """How far each message is known to have come; the writer is killed after it has said so many lines."""
    command = [sys.executable, "-c", WRITE, url, __file__.rpartition("/")[0]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(lines)]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.read().splitlines(keepends=True)
        assert child.wait() == -signal.SIGKILL
    reached: dict[int, int] = {}
    for line in said:
        if line.endswith("\n"):
            word, id = line.split()
            reached[int(id)] = SAID[word]
    return reached


@pytest_twisted.ensureDeferred
async def test_no_acknowledged_row_is_lost(place, open_here):
    known: dict[int, int] = {}
    for lines in (1, 40, 333, 1000):
        reached = write_until_killed(place.url, lines)
        assert reached
        assert not reached.keys() & known.keys()
        known.update(reached)
        store = open_here()
        rows = {row.id: row for row in await store.ledger.messages(list(known))}
        assert rows.keys() == known.keys()
        assert all(RANK[State(row.state)] >= known[id] for id, row in rows.items())
        await store.close()


@pytest_twisted.ensureDeferred
async def test_the_writer_is_killed_again_and_again(open_here):
    """What was told to be stored is there, what was told not to be is not; `must` is stored in the end."""
    store, chance = open_here(), random.Random(3)
    told: dict[int, bool] = {}
    waiting: list[Deferred[None]] = []

    async def write(id: int) -> None:
        try:
            await store.journal.commit(inserts(id), must=id % 3 == 0)
        except StoreUnavailable:
            told[id] = False
            return
        told[id] = True
        await store.journal.commit(changes(lambda batch: batch.progress(id, sent(id))), must=True)

    for id in range(1, 400):
        waiting.append(Deferred.fromCoroutine(write(id)))
        await deferLater(reactor, chance.choice([0, 0, 0.001, 0.003]))
        if id % 40 == 0 and store.writer.pid:
            os.kill(store.writer.pid, signal.SIGKILL)
    await gatherResults(waiting)
    rows = {row.id: row for row in await store.ledger.messages(range(400))}
    assert rows.keys() == {id for id, stored in told.items() if stored}
    assert all(row.state == State.SENT for row in rows.values())
    assert all(told[id] for id in range(3, 400, 3))
    assert store.writer.starts > 3


@pytest_twisted.ensureDeferred
async def test_ids_that_a_dying_writer_owed_are_not_given(open_here):
    store = open_here()
    asked = [store.ledger.reserve_ids("message", 10) for _ in range(50)]
    os.kill(store.writer.pid, signal.SIGKILL)
    given = [first for fine, first in await DeferredList(asked, consumeErrors=True) if fine]
    given += [await store.ledger.reserve_ids("message", 10) for _ in range(3)]
    assert len(set(given)) == len(given)


@pytest_twisted.ensureDeferred
async def test_the_writer_ends_with_its_gateway_and_nobody_writes_before(sqlite_place, open_at):
    store = open_at(sqlite_place.url)
    path = Path(str(make_url(sqlite_place.url).database))
    with pytest.raises(StoreLocked, match="has not ended"):
        lock_writer(path, patience=0.05)
    await store.close()
    os.close(lock_writer(path, patience=0.0))


@pytest_twisted.ensureDeferred
async def test_the_writer_hears_no_signal_but_sigkill(open_here):
    store = open_here()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(store.writer.pid, number)
    await store.journal.commit(inserts(1))
    assert store.writer.starts == 1


@pytest_twisted.ensureDeferred
async def test_keys_reach_the_writer_over_its_line_alone(open_here):
    keyring = new_keyring()
    store = open_here(vault=Vault(keyring))
    seen = b"".join(Path(f"/proc/{store.writer.pid}/{name}").read_bytes() for name in ("cmdline", "environ"))
    for key in (keyring.search, *keyring.versions.values()):
        assert key not in seen
        assert b64encode(key) not in seen
