"""How many messages the journal stores: one insert and two progress updates each, in batches, many at a time.

    python benchmarks/bench_store.py [--url URL] [--messages N] [--batch N] [--chains N] [--runs N] [--sealed]

A chain is a connection's window: it commits a batch of inserts, when that is on disk the progress to SENT,
when that is on disk the progress to DELIVERED, and begins anew. Then one message at a time, for the latency
of a commit. With --sealed the rows are encrypted. Without --url a SQLite in a temporary directory; an URL
names an empty database.
"""

import argparse
import os
import platform
import resource
import sqlite3
import statistics
import tempfile
import time
from typing import Any

from timing import figure
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import react

from gateway.settings.keys import new_keyring
from gateway.store.engine import Store, open_store
from gateway.store.rows import Changes, MessageRow, Progress, State
from gateway.store.vault import Vault

NOW = 1_800_000_000_000
DAY = 86_400_000
PDU = bytes(range(170))


def row(id: int) -> MessageRow:
    accepted = NOW + id // 25
    return MessageRow(
        id=id,
        account="bank",
        client_id=str(id),
        accepted_at=accepted,
        source="10690001",
        destination=f"86199{id % 10**8:08d}",
        category="transactional",
        generation=1,
        segment_of=None,
        pdu=PDU,
        decision='{"filters":[],"route":"mainland","place":"routing.yaml:4"}',
        state=State.WAITING,
        deadline=accepted + 2 * DAY,
        expires_at=accepted + 2 * DAY,
    )


def sent(id: int) -> Progress:
    now = NOW + id // 25 + 20
    return Progress(State.SENT, now + 3 * DAY, now + 2 * DAY, "alpha", f"{id:016x}", 1, now)


def delivered(id: int) -> Progress:
    now = NOW + id // 25 + 20
    return Progress(State.DELIVERED, None, now + 2 * DAY, "alpha", f"{id:016x}", 1, now, now + 3000)


async def chain(store: Store, first: int, end: int, batch: int) -> None:
    for start in range(first, end, batch):
        ids = range(start, min(start + batch, end))
        changes = Changes()
        for id in ids:
            changes.insert(row(id))
        await store.journal.commit(changes)
        for step in (sent, delivered):
            changes = Changes()
            for id in ids:
                changes.progress(id, step(id))
            await store.journal.commit(changes, must=True)


async def throughput(store: Store, messages: int, batch: int, chains: int) -> tuple[float, float]:
    """Messages a second, and microseconds of CPU of each in all threads."""
    first = await store.ledger.reserve_ids("message", messages)
    share = messages // chains
    began, cpu = time.perf_counter(), time.process_time()
    starts = [first + n * share for n in range(chains)]
    await gatherResults(
        [Deferred.fromCoroutine(chain(store, start, start + share, batch)) for start in starts]
    )
    rate = share * chains / (time.perf_counter() - began)
    return rate, (time.process_time() - cpu) / (share * chains) * 1e6


async def latency(store: Store, commits: int = 300) -> float:
    """Median milliseconds from a commit of one message to its acknowledgement, one at a time."""
    first = await store.ledger.reserve_ids("message", commits)
    took = []
    for id in range(first, first + commits):
        changes = Changes()
        changes.insert(row(id))
        began = time.perf_counter()
        await store.journal.commit(changes)
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def machine() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    model = models[0] if models else platform.processor()
    return f"{os.cpu_count()} x {model}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"


async def measure(reactor: Any, options: argparse.Namespace, url: str) -> None:
    store = open_store(url, reactor, vault=Vault(new_keyring()) if options.sealed else None)
    print(f"{machine()}; {url.partition(':')[0]}")
    print(f"{options.messages} messages, batches of {options.batch}, {options.chains} chains")
    rates, costs = [], []
    for _ in range(options.runs):
        rate, cost = await throughput(store, options.messages, options.batch, options.chains)
        rates.append(rate)
        costs.append(cost)
        stats = store.journal.stats
        rows, milliseconds = stats.operations / stats.commits, stats.seconds / stats.commits * 1000
        print(f"  {rate:8,.0f}/s  {cost:5.1f} us CPU each  {rows:.0f} rows in {milliseconds:.1f} ms a commit")
    figure(rates, "/s", "messages through the journal")
    figure(costs, "us", "CPU a message")
    figure([await latency(store)], "ms", "a commit of one message, one at a time")
    print(
        f"files {store.sizes()}, peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB"
    )
    await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--url")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=25)
    parser.add_argument("--chains", type=int, default=32)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sealed", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench_store") as directory:
        url = options.url or f"sqlite:///{directory}/gateway.db"
        react(lambda reactor: Deferred.fromCoroutine(measure(reactor, options, url)))


if __name__ == "__main__":
    main()
