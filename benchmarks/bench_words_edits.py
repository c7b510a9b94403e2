"""What edits and reloads of sensitive words cost a running gateway: how long they take, how long it stands.

`python benchmarks/bench_words_edits.py [words ...]`, by default with lists of 100,000 and 500,000 words;
some four minutes. A whole gateway in one process, without traffic, whose reactor beats every millisecond.
Each line: seconds of the wall clock, milliseconds of processor time of this process (a long list's
automaton is built in another), then of the longest gap between two beats the processor time that went by
("held", what the work withholds from the reactor), and how late the beat was ("late": on a busy machine
also the wait for a processor). The words are those of bench_words.py.
"""

import gc
import multiprocessing
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import yaml
from bench_words import MOST, cost, made_up, mebibytes, scanned, texts
from timing import machine
from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater

from gateway.app import Gateway
from gateway.relay.clocks import Clocks, monotonic
from gateway.relay.wording import Wish, Wording

reactor: Any = installed

SIZES = (100_000, 500_000)
BEAT = 0.001
MANY = 2_000
RUNS = 5


class Heart:
    """Beats on the reactor; how late the latest beat was, and how much processor time went by until it came,
    in milliseconds.
    """

    def __init__(self) -> None:
        self.late = self.held = 0.0
        self._last = self._spent = 0.0
        self._beating = LoopingCall(self._beat)

    def start(self) -> None:
        self._last, self._spent = perf_counter(), process_time()
        self._beating.start(BEAT)

    def _beat(self) -> None:
        now, spent = perf_counter(), process_time()
        self.late = max(self.late, (now - self._last - BEAT) * 1e3)
        self.held = max(self.held, (spent - self._spent) * 1e3)
        self._last, self._spent = now, spent


def configure(directory: Path, words: list[str]) -> None:
    """A gateway with one account and one list."""
    binds = [{"endpoint": "tcp:127.0.0.1:9"}]
    carrier = {"binds": binds, "system_id": "bench", "password": "${BENCH}"}
    files: dict[str, Any] = {
        "gateway.yaml": {"name": "bench", "state": "state", "listeners": [], "control": None},
        "accounts.yaml": {"accounts": {"bank": {"tenant": "Bank", "password": "${BENCH}", "filters": "all"}}},
        "carriers.yaml": {"carriers": {"alpha": carrier}},
        "routing.yaml": {"routes": [{"name": "default", "carriers": ["alpha"]}]},
        "filters.yaml": {"words": {"files": ["large.txt"], "most_entries": MOST}},
    }
    for name, document in files.items():
        (directory / name).write_text(yaml.safe_dump(document))
    write(directory, words)


def write(directory: Path, words: list[str]) -> None:
    (directory / "large.txt").write_text("#: severity=log\n" + "\n".join(words) + "\n", "utf-8")


async def watched(heart: Heart, told: str, work: Callable[[], Awaitable[object]], runs: int = 1) -> None:
    """Do some work a few times, and print what it cost."""
    took, cpu, late, held = [], [], [], []
    for _ in range(runs):
        gc.collect()
        await deferLater(reactor, 0.05)
        heart.late = heart.held = 0.0
        begin, spent = perf_counter(), process_time()
        await work()
        took.append(perf_counter() - begin)
        cpu.append((process_time() - spent) * 1e3)
        await deferLater(reactor, 0.05)
        late.append(heart.late)
        held.append(heart.held)
    print(
        f"  {told:38} {median(took):7.3f} s {median(cpu):7.0f} ms cpu,"
        f" held {max(held):4.0f} ms, late {max(late):4.0f} ms"
        + (f" (medians {median(held):.0f}, {median(late):.0f})" if runs > 1 else "")
    )


def per_text(wording: Wording) -> float:
    """Microseconds that the search of an ordinary Chinese text takes, as if it had never been seen."""
    filter = wording.filter
    assert filter is not None
    return cost(partial(scanned, filter.words), texts("zh_hans"))[0]


async def bench(directory: Path, size: int) -> None:
    """Everything at one size."""
    words = list(made_up(size, 1))
    configure(directory, ["one word"])
    before = mebibytes()
    begin = perf_counter()
    gateway = Gateway(directory, {**os.environ, "BENCH": "secret12"}, reactor, Clocks(monotonic(reactor)))
    await gateway.start()
    print(f"started with one word in {perf_counter() - begin:.1f} s, {mebibytes() - before:.0f} MiB more")
    heart = Heart()
    heart.start()
    wording = gateway.relay.wording
    more = made_up(size // 5 + 50 * MANY, 2)

    def adding(count: int) -> Callable[[], Awaitable[object]]:
        return lambda: wording.edit([Wish("add", {"word": next(more)}) for _ in range(count)], "bench", "")

    async def settled() -> None:
        while wording.renewing.locked:  # what is tidied up afterwards belongs to it
            await deferLater(reactor, 0.01)

    async def reloaded(new: list[str]) -> None:
        write(directory, new)
        problems = await gateway.reload()
        assert not problems, problems
        await settled()

    async def edited_meanwhile(new: list[str]) -> None:
        write(directory, new)
        reloading = Deferred.fromCoroutine(gateway.reload())
        took = []
        while not reloading.called:
            began = perf_counter()
            await adding(1)()
            took.append(perf_counter() - began)
            await deferLater(reactor, 0.3)
        await reloading
        print(f"    meanwhile {len(took)} entries, each in force after {max(took):.3f} s at the most")
        await settled()

    await watched(heart, "nothing", lambda: deferLater(reactor, 1.0))
    await watched(heart, f"a reload, {size:,} words come in", lambda: reloaded(words))
    print(f"  then {mebibytes():.0f} MiB in all")
    await watched(heart, "an entry added", adding(1), RUNS)
    await watched(heart, f"{MANY:,} entries added at once", adding(MANY), RUNS)
    await watched(heart, "an entry added after that", adding(1), RUNS)
    out = [Wish("remove", {"word": word}) for word in words[:MANY]]
    await watched(heart, f"{MANY:,} words of the file taken out", lambda: wording.edit(out, "bench", ""))
    await watched(heart, "a reload with nothing changed", lambda: reloaded(words), RUNS)
    words = [*words[: -MANY // 2], *(next(more) for _ in range(MANY))]
    await watched(heart, f"a reload, {MANY // 2:,} go, {MANY:,} come", lambda: reloaded(words))
    words = ["another word", *words]
    await watched(heart, "a reload, a line more at the top", lambda: reloaded(words))
    words = list(made_up(size, 3))
    await watched(heart, "a reload, every word another", lambda: edited_meanwhile(words))
    await watched(heart, "an entry added after that", adding(1), RUNS)
    print(f"  a text costs {per_text(wording):.1f} us")

    async def added_in_steps() -> None:
        for _ in range(size // 5 // MANY):
            await adding(MANY)()

    await watched(heart, f"{size // 5:,} entries added, {MANY:,} at a time", added_in_steps)
    print(f"  a text costs {per_text(wording):.1f} us")
    await watched(heart, "until all are gathered", settled)
    assert wording.filter is not None
    automaton = wording.filter.words.automaton
    print(
        f"  a text costs {per_text(wording):.1f} us; {len(automaton.shards)} automata; {mebibytes():.0f} MiB"
    )
    await gateway.stop()


def run(size: int) -> None:
    """One size, in a process of its own."""
    failed = []

    async def go(directory: Path) -> None:
        try:
            await bench(directory, size)
        except BaseException as error:
            failed.append(error)
            raise
        finally:
            reactor.stop()

    with TemporaryDirectory() as name:
        reactor.callWhenRunning(lambda: Deferred.fromCoroutine(go(Path(name))))
        reactor.run()
    if failed:
        sys.exit(repr(failed[0]))


def main() -> None:
    print(machine())
    for size in [int(argument.replace(",", "")) for argument in sys.argv[1:]] or SIZES:
        process = multiprocessing.get_context("spawn").Process(target=run, args=(size,))
        process.start()
        process.join()
        assert process.exitcode == 0


if __name__ == "__main__":
    main()
