"""What protecting the person with the phone costs: look-ups, memory, time to load.

`python benchmarks/bench_people.py [numbers ...]`, by default at one and at ten million numbers; some two
minutes. Every look-up is of another number, in random order, so that nothing is warm in the processor's
caches. Each part runs in a process of its own; its memory is what that process grew by.
"""

import gc
import multiprocessing
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, thread_time
from typing import Any, cast

from timing import machine, microseconds

from gateway.filters.capped import Capped
from gateway.filters.catalogue import make_filters
from gateway.filters.chain import Chain
from gateway.filters.chained import chained
from gateway.filters.consent import ConsentEvent, EventKind
from gateway.filters.consents import Consents
from gateway.filters.frequency import key_of, parse_limit
from gateway.filters.known import Known
from gateway.filters.listed import Listed, put_in_force
from gateway.filters.listfiles import ListFile
from gateway.filters.numbers import Numbering, ask, normalise
from gateway.filters.numbersets import NumberSet, compare
from gateway.filters.packs import ReplyRule
from gateway.filters.recents import Recents
from gateway.filters.replywords import ReplyWords, word_rules
from gateway.filters.rulebook import RuleBook
from gateway.filters.rulepacks import load_packs
from gateway.filters.suppressed import Suppressed
from gateway.filters.suppression import ListKey, ListType, Scope, Suppressions
from gateway.filters.verdict import Action
from gateway.message import Message
from gateway.relay.batch import Batch
from gateway.relay.counting import Counting
from gateway.settings.load import load
from gateway.settings.models import NumberList
from gateway.smpp.pdus import SubmitSm

NOW = NOON_IN_CHINA = datetime(2026, 9, 22, 4, tzinfo=UTC).timestamp()
AFTERNOON = NOW + 14 * 3600
"""In New York."""
NIGHT = NOW + 22 * 3600
DEADLINE = NOW + 96 * 3600
SAMPLE = 200_000
CONSENTS = 1_000_000
PEOPLE = ("suppressed", "paused", "consented", "quiet", "lookup", "capped")
LIMITS = ("1/30s", "3/7d", "4/30d")
DND = ListKey(ListType.CARRIER_DND, Scope(), "dnd.csv")


def numbers(count: int, listed: bool = True) -> Iterator[int]:
    """Made-up mobile numbers as a carrier has them: one in ten of some blocks of half a million, or others of
    these.
    """
    for index in range(count):
        block, place = divmod(index, 50_000)
        digit = (place * 7919 + block * 104_729) % 9 if listed else 9
        yield 8_613_000_000_000 + block * 30_000_000 + 10 * place + digit


def spread(count: int) -> Iterator[int]:
    """As many numbers anywhere in the plan of Chinese mobile numbers, in no order."""
    random = Random(count)
    return (random.randrange(8_613_000_000_000, 8_620_000_000_000) for _ in range(count))


def sample(count: int, listed: bool = True) -> Callable[[], str]:
    """Gives one after the other of SAMPLE of these numbers, in random order."""
    random = Random(1)
    step = max(1, count // SAMPLE)
    chosen = [str(number) for index, number in enumerate(numbers(count, listed)) if index % step == 0]
    random.shuffle(chosen)
    return cycle(chosen).__next__


def mebibytes() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) / 256


def line(name: str, figure: float, unit: str) -> None:
    print(f"{figure:12,.3f} {unit:6} {name}", flush=True)


def timed(name: str, call: Callable[[], object]) -> None:
    line(name, microseconds(call), "us")


def rule_book() -> RuleBook:
    book, problems = load_packs(Path(__file__).parents[1] / "config" / "rules")
    if book is None:
        raise SystemExit("\n".join(map(str, problems)))
    return book


def places() -> None:
    print("\nnumbers, hours and replies")
    start = perf_counter()
    book = rule_book()
    line("load the rule packs", (perf_counter() - start) * 1000, "ms")
    numbering = Numbering(book.regions())
    timed("normalise", lambda: normalise("8619912340001", 1))
    timed("place, not cached", lambda: ask("12025550123"))
    for name, digits in (("CN", "8619912340001"), ("US", "12025550123"), ("GB", "447700900001")):
        numbering.place(digits)
        timed(f"place, cached, {name}", partial(numbering.place, digits))
    florida = book.rules("US", "FL", "promotional")
    china = book.rules("CN", "", "promotional")
    everywhere = numbering.place("18005550123").zones
    timed("hours, open", lambda: florida.when(("America/New_York",), AFTERNOON, DEADLINE))
    timed("hours, closed", lambda: florida.when(("America/New_York",), NIGHT, DEADLINE))
    timed(
        "hours, open in two zones",
        lambda: china.when(("Asia/Shanghai", "Asia/Urumqi"), NOON_IN_CHINA, DEADLINE),
    )
    timed("hours, never in 42 zones", lambda: florida.when(everywhere, AFTERNOON, DEADLINE))
    words = ReplyWords(word_rules(book.rules("US", "", "promotional").of(ReplyRule, NOW)))
    timed("reply, a word", lambda: words.read("Stop."))
    timed(
        "reply, a sentence that means nothing",
        lambda: words.read("Thank you, see you tomorrow at noon then!"),
    )


def suppression(count: int) -> None:
    print(f"\nsuppression, {count:,} numbers")
    before = mebibytes()
    built = NumberSet(numbers(count))
    chunks = list(built.stored())
    stored = sum(map(len, chunks)) / 2**20
    line("built, grown by", mebibytes() - before, "MiB")
    line("stored", stored, "MiB")
    lists, loaded, slowest = Suppressions(), NumberSet(), 0.0
    start = last = perf_counter()
    for _ in loaded.load(chunks):
        slowest, last = max(slowest, perf_counter() - last), perf_counter()
    line("load", (perf_counter() - start) * 1000, "ms")
    line("load, the longest step", slowest * 1000, "ms")
    start = perf_counter()
    lists.put(DND, loaded)
    line("put in place", (perf_counter() - start) * 1000, "ms")
    start = perf_counter()
    compare(built, loaded)
    line("compare two of them", (perf_counter() - start) * 1000, "ms")
    absent, listed = sample(count, listed=False), sample(count)
    timed("look up, not listed", lambda: lists.find(absent(), "shop", "offers", "promotional", NOW))
    timed("look up, listed", lambda: lists.find(listed(), "shop", "offers", "promotional", NOW))
    timed("add", lambda: lists.add(DND, absent()))
    file, lines = ListFile(), [listed() + "\n" for _ in range(SAMPLE)]
    start = perf_counter()
    for _ in file.read(lines):
        pass
    line("lines of a list file read", SAMPLE / (perf_counter() - start) / 1e6, "M/s")


def loading(count: int, scattered: bool) -> None:
    """A list's file read in a thread and put in force, as a node does it, while a loop looks numbers up as
    traffic would; how long the loop was ever held up, and what it takes of memory afterwards.
    """
    print(f"\na list of {count:,} numbers, {'scattered' if scattered else 'in clusters'}, in the background")
    with TemporaryDirectory() as directory:
        path = Path(directory) / "list.txt"
        with path.open("w") as file:
            file.writelines(f"{number}\n" for number in (spread if scattered else numbers)(count))
        settings = NumberList(name="list", file=path, type="carrier_dnd")
        known = Known()
        gc.collect()
        before = mebibytes()
        calm, _ = longest_gap(known, lambda: time.sleep(2))
        start = perf_counter()
        gap, (numbers_read, held) = longest_gap(known, lambda: read_in_steps(path))
        taken = perf_counter() - start
        start = perf_counter()
        read = Listed(settings, numbers_read)
        list(put_in_force({read.key: read}, known))
        put = perf_counter() - start
        line("the longest gap between two turns of the loop, nothing being loaded", calm * 1000, "ms")
        line("the longest gap while the file was read, with what other processes took", gap * 1000, "ms")
        line("the longest step of the reading, by its thread's own time", held * 1000, "ms")
        line("the loop held up while it was put in force", put * 1000, "ms")
        line("loaded in", taken, "s")
        gc.collect()
        line("memory of the list and the set of all", mebibytes() - before, "MiB")
        some = [str(number) for number in islice((spread if scattered else numbers)(count), SAMPLE)]
        if not all(known.suppressions.find(number, "T", "", "promotional", NOW) for number in some[:1000]):
            raise SystemExit("what was loaded is not found")
        asked = sample(count, listed=False)
        timed("look up, not listed", lambda: known.suppressions.find(asked(), "T", "", "promotional", NOW))
        asked = cycle(some).__next__
        timed("look up, listed", lambda: known.suppressions.find(asked(), "T", "", "promotional", NOW))


def longest_gap(known: Known, work: Callable[[], Any]) -> tuple[float, Any]:
    """The longest time between two turns of a loop that looks a number up while `work` is done in a thread,
    and what came of that.
    """
    with ThreadPoolExecutor(1) as pool:
        done, gap, last = pool.submit(work), 0.0, perf_counter()
        while not done.done():
            known.suppressions.find("8613000000019", "T", "", "promotional", NOW)
            time.sleep(0.0002)
            now = perf_counter()
            gap, last = max(gap, now - last), now
        return gap, done.result()


def read_in_steps(path: Path) -> tuple[NumberSet, float]:
    """The numbers of a file, and the longest step: nothing holds the interpreter for longer."""
    file, longest, last = ListFile(), 0.0, thread_time()
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for _ in file.read(lines):
            now = thread_time()
            longest, last = max(longest, now - last), now
    return file.numbers, longest


def frequency(count: int) -> None:
    """Each recipient has had one message under the three rules of promotional texts in China."""
    print(f"\nfrequency, {count:,} recipients, {' '.join(LIMITS)}")
    recents = Recents()
    rules = [recents.rule(limit, ("recipient",), (parse_limit(limit),)) for limit in LIMITS]
    tags = [rule.tag(()) for rule in rules]
    before, start = mebibytes(), perf_counter()
    for number in numbers(count):
        recents.record(key_of(str(number)), tags, int(NOW) - 100)
    line("restored in", perf_counter() - start, "s")
    line("memory", mebibytes() - before, "MiB")
    line("memory of a recipient", recents.octets / count, "B")
    known, new = sample(count), sample(count, listed=False)

    def check(number: str) -> None:
        row = recents.find(key := key_of(number))
        if row is not None:
            for rule, tag in zip(rules, tags, strict=True):
                recents.spent(key, row, rule, tag, NOW)

    def record_and_give_back() -> None:
        key = key_of(known())
        recents.record(key, tags, int(NOW))
        recents.give_back(key, tags, int(NOW))

    timed("check, known", lambda: check(known()))
    timed("check, new", lambda: check(new()))
    timed("record and give back, known", record_and_give_back)


def consent(count: int) -> None:
    print(f"\nconsent, {count:,} consents")
    events = (
        ConsentEvent("shop", "offers", "promotional", str(number), EventKind.GRANTED, 10**9, 10**9, "express")
        for number in numbers(count)
    )
    consents, before, start = Consents(), mebibytes(), perf_counter()
    for _ in consents.rebuild(events):
        pass
    line("rebuilt in", perf_counter() - start, "s")
    line("memory", mebibytes() - before, "MiB")
    known = sample(count)
    timed("state", lambda: consents.state("shop", "offers", "promotional", known()))


class Noon:
    """A clock that stands still."""

    def wall(self) -> float:
        return NOON_IN_CHINA

    def now_ms(self) -> int:
        return int(NOON_IN_CHINA * 1000)


def chain(count: int) -> None:
    """The filters of people as they judge for the shipped account shop, and the counting of what passed; each
    message is another's, read before, and each recipient has had one a day before. Processor time.
    """
    title = f"{count:,} numbers suppressed, {CONSENTS:,} consents and recipients"
    print(f"\nthe filters of people for a promotional text, {title}")
    generation = load(Path(__file__).parents[1] / "config", {})
    made = make_filters(generation)
    filters = {name: made[name] for name in PEOPLE}
    suppressed, capped = filters["suppressed"], filters["capped"]
    assert isinstance(suppressed, Suppressed)
    assert isinstance(capped, Capped)
    suppressed.known.suppressions.put(DND, NumberSet(numbers(count, listed=False)))
    tenant = generation.accounts["shop"].tenant
    for number in numbers(CONSENTS):
        given = (tenant, "", "promotional", str(number), EventKind.GRANTED, 10**9, 10**9, "express")
        suppressed.known.consents.apply(ConsentEvent(*given, evidence="mo:1"))
    judges = Chain(chained(generation, filters, "shop", "promotional"))
    counting = Counting(cast(Any, None), cast(Any, Noon()), defaultdict(lambda: True))
    counting.capped = capped
    batch = Batch()
    at = counting.clocks.now_ms()
    for number in numbers(CONSENTS):
        counting.count(message(tenant, str(number), at - 86_400_000), batch)
        batch.failed.clear()
    known = sample(CONSENTS)
    judged, counted = list[float](), list[float]()
    gc.disable()
    for _ in range(SAMPLE // 1000):
        messages = [message(tenant, known(), at) for _ in range(1000)]
        start = process_time()
        verdicts = [judges.judge(each, NOON_IN_CHINA).verdict for each in messages]
        judged.append(process_time() - start)
        if any(verdict.action is not Action.ALLOW for verdict in verdicts):
            raise SystemExit(f"the text should have passed: {verdicts[0]}")
        messages = [message(tenant, known(), at) for _ in range(1000)]
        start = process_time()
        for each in messages:
            judges.judge(each, NOON_IN_CHINA)
            counting.count(each, batch)
        counted.append(process_time() - start)
        for each in messages:
            counting.uncount(each)
        batch.failed.clear()
    for name, figures in (("judge", judged), ("judge and count", counted)):
        line(f"{name}, median of loops of 1,000", median(figures) * 1000, "us")
        line(f"{name}, the best of them", min(figures) * 1000, "us")


def message(tenant: str, number: str, at: int) -> Message:
    """An offer, whose text has been read."""
    octets = "【示例商城】周末全场八折，拒收请回复R".encode("utf-16-be")
    pdu = SubmitSm(
        source_addr="10690001",
        dest_addr_ton=1,
        destination_addr=number,
        data_coding=8,
        short_message=octets,
    )
    made = Message(1, "shop", tenant, "1", at, pdu, "promotional", 1, at + 86_400_000)
    assert made.text
    return made


def main() -> None:
    sizes = [int(word.replace("_", "")) for word in sys.argv[1:]] or [1_000_000, 10_000_000]
    print(f"{machine()}\ntimes are the median of 3 runs, each the best of 5 loops")
    parts: list[tuple[Callable[..., None], tuple[int, ...]]] = [(places, ())]
    for size in sizes:
        parts += [(suppression, (size,)), (loading, (size, False)), (loading, (size, True))]
        parts += [(frequency, (size,))]
    parts += [(consent, (CONSENTS,)), *((chain, (size,)) for size in sizes)]
    context = multiprocessing.get_context("spawn")
    for part, arguments in parts:
        process = context.Process(target=part, args=arguments)
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"{part.__name__} failed")


if __name__ == "__main__":
    main()
