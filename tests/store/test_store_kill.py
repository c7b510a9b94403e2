"""A process that writes is killed with SIGKILL; every row that it was told is stored is there."""

import signal
import subprocess
import sys

import pytest_twisted

from gateway.store.rows import State

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
