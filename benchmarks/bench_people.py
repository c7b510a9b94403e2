"""What protecting the person with the phone costs: look-ups, memory, time to load.

`python benchmarks/bench_people.py [numbers ...]`, by default at one and at ten million numbers; some two
minutes. Every look-up is of another number, in random order, so that nothing is warm in the processor's
caches. Each part runs in a process of its own; its memory is what that process grew by.
"""

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random
from time import perf_counter

from timing import machine, microseconds

from gateway.filters.consent import ConsentEvent, EventKind, suffices
from gateway.filters.consents import Consents
from gateway.filters.frequency import Cap, Excess, Facts, Frequency, key_of, parse_limit
from gateway.filters.listfiles import ListFile
from gateway.filters.numbers import Numbering, ask, normalise
from gateway.filters.numbersets import NumberSet, compare
from gateway.filters.packs import ConsentRule, ReplyRule
from gateway.filters.replywords import ReplyWords, word_rules
from gateway.filters.rulebook import RuleBook
from gateway.filters.rulepacks import load_packs
from gateway.filters.suppression import ListKey, ListType, Scope, Suppressions

NOW = NOON_IN_CHINA = datetime(2026, 9, 22, 4, tzinfo=UTC).timestamp()
AFTERNOON = NOW + 14 * 3600
"""In New York."""
NIGHT = NOW + 22 * 3600
DEADLINE = NOW + 96 * 3600
SAMPLE = 200_000
CONSENTS = 1_000_000
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


def chain(count: int) -> None:
    title = f"{count:,} numbers suppressed, {CONSENTS:,} consents and recipients"
    print(f"\nthe whole chain for a promotional text, {title}")
    book = rule_book()
    numbering = Numbering(book.regions())
    lists, consents = Suppressions(), Consents()
    lists.put(DND, NumberSet(numbers(count, listed=False)))
    for number in numbers(CONSENTS):
        digits = str(number)
        given = ConsentEvent(
            "shop",
            "offers",
            "promotional",
            digits,
            EventKind.GRANTED,
            10**9,
            10**9,
            "express",
            evidence="mo:1",
        )
        consents.apply(given)
    caps = [Cap("week", frozenset(), ("tenant", "recipient"), tuple(map(parse_limit, LIMITS)))]
    frequency = Frequency(caps)
    for number in numbers(CONSENTS):
        frequency.counter("week").record(key_of(("shop", str(number))), NOW - 86400)
    known, noon = sample(CONSENTS), NOON_IN_CHINA
    asked = book.rules("CN", "", "promotional").of(ConsentRule, noon)[0][0]

    def judge() -> bool:
        digits = normalise(known(), 1)
        assert digits is not None
        place = numbering.place(digits)
        if lists.find(digits, "shop", "offers", "promotional", noon) is not None:
            return False
        state = consents.state("shop", "offers", "promotional", digits)
        if not suffices(state, noon, asked.bases, asked.proof).suffices:
            return False
        rules = book.rules(place.country, place.region, "promotional")
        if rules.when(book.zones(place.country, place.zones), noon, DEADLINE).opens != noon:
            return False
        facts = Facts("shop", "shop", "", "offers", "promotional", "", digits, "")
        return not isinstance(frequency.reserve(facts, noon), Excess)

    if not judge():
        raise SystemExit("the text should have passed")
    timed("place, lists, consent, hours, caps", judge)


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
