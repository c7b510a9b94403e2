"""What protecting the person with the phone costs: look-ups, memory, time to load.

`python benchmarks/bench_people.py [numbers ...]`, by default at one and at ten million numbers; some two
minutes. Every look-up is of another number, in random order, so that nothing is warm in the processor's
caches. Each part runs in a process of its own; its memory is what that process grew by.
"""

import gc
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from typing import Any, cast

from timing import machine, microseconds

from gateway.filters.capped import Capped
from gateway.filters.catalogue import make_filters
from gateway.filters.chain import Chain
from gateway.filters.chained import chained
from gateway.filters.consent import ConsentEvent, EventKind
from gateway.filters.consents import Consents
from gateway.filters.frequency import Cap, Excess, Facts, Frequency, key_of, parse_limit
from gateway.filters.listfiles import ListFile
from gateway.filters.numbers import Numbering, ask, normalise
from gateway.filters.numbersets import NumberSet, compare
from gateway.filters.packs import ReplyRule
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


def suppression_memory(count: int) -> None:
    """A list and the set of all, as a node holds them, and nothing else."""
    chunks = list(NumberSet(numbers(count)).stored())
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=held, args=(chunks,))
    process.start()
    process.join()


def held(chunks: list[bytes]) -> None:
    before = mebibytes()
    lists, loaded = Suppressions(), NumberSet()
    for _ in loaded.load(chunks):
        pass
    lists.put(DND, loaded)
    line("memory of the list and the set of all", mebibytes() - before, "MiB")


def frequency(count: int) -> None:
    print(f"\nfrequency, {count:,} recipients, {' '.join(LIMITS)}")
    caps = [Cap("week", frozenset(), ("tenant", "recipient"), tuple(map(parse_limit, LIMITS)))]
    frequency = Frequency(caps)
    before, start = mebibytes(), perf_counter()
    counter = frequency.counter("week")
    for number in numbers(count):
        counter.record(key_of(("shop", str(number))), NOW - 100)
    line("restored in", perf_counter() - start, "s")
    line("memory", mebibytes() - before, "MiB")
    line("memory of a recipient", counter.octets / count, "B")
    known, new = sample(count), sample(count, listed=False)

    def facts(recipient: str) -> Facts:
        return Facts("shop", "shop", "", "offers", "promotional", "", recipient, "")

    def reserve_and_give_back() -> None:
        reserved = frequency.reserve(facts(known()), NOW)
        if not isinstance(reserved, Excess):
            frequency.give_back(reserved)

    timed("check, known", lambda: frequency.check(facts(known()), NOW))
    timed("check, new", lambda: frequency.check(facts(new()), NOW))
    timed("reserve and give back, known", reserve_and_give_back)


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
    message is another's, read before. Each recipient has had one message of each rule's window before. Least
    processor time of loops of 1,000.
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
    counting = Counting(cast(Any, None), cast(Any, Noon()), lambda message: True)
    counting.capped = capped
    batch = Batch()
    at = counting.clocks.now_ms()
    for number in numbers(CONSENTS):
        counting.count(message(tenant, str(number), at - 86_400_000), batch)
        batch.failed.clear()
    known = sample(CONSENTS)
    judged = counted = float("inf")
    gc.disable()
    for _ in range(SAMPLE // 1000):
        messages = [message(tenant, known(), at) for _ in range(1000)]
        start = process_time()
        verdicts = [judges.judge(each, NOON_IN_CHINA).verdict for each in messages]
        judged = min(judged, process_time() - start)
        if any(verdict.action is not Action.ALLOW for verdict in verdicts):
            raise SystemExit(f"the text should have passed: {verdicts[0]}")
    for _ in range(SAMPLE // 1000):
        messages = [message(tenant, known(), at) for _ in range(1000)]
        start = process_time()
        for each in messages:
            judges.judge(each, NOON_IN_CHINA)
            counting.count(each, batch)
        counted = min(counted, process_time() - start)
        for each in messages:
            counting.uncount(each)
        batch.failed.clear()
    line("judge", judged * 1000, "us")
    line("judge and count", counted * 1000, "us")


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
        parts += [(suppression, (size,)), (suppression_memory, (size,)), (frequency, (size,))]
    parts += [(consent, (CONSENTS,)), (chain, (max(sizes),))]
    context = multiprocessing.get_context("spawn")
    for part, arguments in parts:
        process = context.Process(target=part, args=arguments)
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"{part.__name__} failed")


if __name__ == "__main__":
    main()
