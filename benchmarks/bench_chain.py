"""What the filters of the text cost: the whole chain, each filter in it, texts that repeat, and hostile ones.

`python benchmarks/bench_chain.py [words]`, by default with 100,000 words; about a minute. The shipped
configuration and everything that it has on for its account `shop`, without the filters of people; its lists
are filled up with made-up words as in bench_words.py. The texts are the ordinary ones of the tests, joined
until they have 70 to 140 characters, with the signature of the shop. **No text comes twice**: digits and a
reference are other ones in each. In the second figure one text goes to everybody, as campaigns do, in the
third fifty texts do in turn. Messages are made and their texts decoded beforehand: that is the message's
cost, and printed beside it. All figures are of processor time a message, medians of runs with their range.
Texts that differ cost twice what a loop over one text does: the processor cannot foretell its way.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, process_time_ns

from bench_words import loaded, made_up, texts
from timing import machine

from gateway.filters.catalogue import make_filters
from gateway.filters.chain import Chain, Mode
from gateway.filters.matching import parse_pattern
from gateway.filters.sensitive import SensitiveWords
from gateway.filters.verdict import Filter, Verdict
from gateway.interpreter import settle_garbage_collector
from gateway.message import Message
from gateway.settings.load import load
from gateway.settings.models import Generation
from gateway.smpp.pdus import SubmitSm
from gateway.smpp.text import choose_encoding

ROOT = Path(__file__).parents[1]
NOW = 1_800_000_000.0
PEOPLE = ("suppressed", "consented", "quiet", "capped")
WORDS = 100_000
MESSAGES = 4_000
MIXED = 50
RUNS = 7
TARGET = 25.0
KINDS = {
    "Chinese, promotional": ("zh_hans", "promotional", "861991234", "【示例商城】{}，单号{}，拒收请回复R"),
    "Chinese, transactional": ("zh_hans", "transactional", "861991234", "【示例商城】{}，单号{}"),
    "English, promotional": (
        "en",
        "promotional",
        "447700900",
        "Example Shop: {} Ref {}. Reply STOP to opt out",
    ),
    "English, transactional": ("en", "transactional", "447700900", "Example Shop: {} Ref {}"),
}
SOURCES = {"promotional": "10690001", "transactional": "10690002"}
SIGNS = "BCDFGHKMNPRSTVZ23456789"
HOSTILE = ("a.", "微信", "1 ", "http://", "点com", "【", "赌 博 ", "f r e e ", "ﷺ", "哈")
OCTETS = 65_536


def message(text: str, category: str, number: str) -> Message:
    """A message of the shipped account shop, its text decoded."""
    data_coding, octets = choose_encoding(text)
    pdu = SubmitSm(
        source_addr=SOURCES[category],
        destination_addr=number,
        data_coding=data_coding,
        short_message=octets,
    )
    made = Message(1, "shop", "Example Shop", "1", 0, pdu, category, 1, 2**50)
    assert made.text is not None
    return made


def different(language: str, pattern: str, count: int, seed: int) -> list[str]:
    """So many ordinary texts, none of them twice."""
    random = Random(seed)
    found: dict[str, None] = {}
    ordinary = texts(language)
    while len(found) < count:
        digits = str.maketrans("0123456789", "".join(random.choices("0123456789", k=10)))
        text = random.choice(ordinary).translate(digits)
        text = pattern.format(text, "".join(random.choices(SIGNS, k=8)))
        if 70 <= len(text) <= 140:
            found[text] = None
    return list(found)


class Timed:
    """A filter that counts the time it takes."""

    def __init__(self, filter: Filter) -> None:
        self.filter = filter
        self.name = filter.name
        self.spent = 0

    def judge(self, message: Message, now: float) -> Verdict | None:
        begin = process_time_ns()
        said = self.filter.judge(message, now)
        self.spent += process_time_ns() - begin
        return said


def microseconds(work: Callable[[], object], count: int) -> float:
    """Of processor time, for each of so many."""
    begin = process_time()
    work()
    return (process_time() - begin) / count * 1e6


def judged(chain: Chain, messages: Sequence[Message]) -> None:
    """All of them, one after the other."""
    judge = chain.judge
    for each in messages:
        judge(each, NOW)


def decoded(messages: Sequence[Message]) -> list[str | None]:
    """What they say."""
    return [each.text for each in messages]


def chain_of(generation: Generation, filters: dict[str, Filter], category: str) -> Chain:
    """The filters of the shop, in their modes."""
    shop = generation.accounts["shop"]
    modes = {name: shop.filter_mode(name, category, generation.filters) for name in filters}
    return Chain(tuple((filters[name], Mode(mode)) for name, mode in modes.items() if mode != "off"))


def bench(title: str, generation: Generation, filters: dict[str, Filter]) -> float:
    """Prints and gives the microseconds of the whole chain for texts that are all different."""
    language, category, number, pattern = KINDS[title]
    chain = chain_of(generation, filters, category)
    timed = Chain(tuple((Timed(filter), mode) for filter, mode in chain.filters))
    wholes, repeats, mixed, makes = [], [], [], []
    refused = length = 0
    for run in range(RUNS):
        said = different(language, pattern, MESSAGES, run)
        numbers = [f"{number}{person:04}" for person in range(MESSAGES)]
        pairs = list(zip(said, numbers, strict=True))
        messages = [message(text, category, to) for text, to in pairs]
        wholes.append(microseconds(partial(judged, chain, messages), MESSAGES))
        again = [message(said[0], category, to) for to in numbers]
        repeats.append(microseconds(partial(judged, chain, again), MESSAGES))
        turns = [message(said[person % MIXED], category, to) for person, to in enumerate(numbers)]
        mixed.append(microseconds(partial(judged, chain, turns), MESSAGES))
        anew = [Message(1, "shop", "Example Shop", "1", 0, each.pdu, category, 1, 2**50) for each in messages]
        makes.append(microseconds(partial(decoded, anew), MESSAGES))
        others = [message(text + ".", category, to) for text, to in pairs]
        judged(timed, others)
        refused = sum(chain.judge(each, NOW).verdict.reason is not None for each in messages[:500])
        length = round(median(map(len, said)))
    print(f"{title}: {MESSAGES:,} texts of {length} characters, {refused / 5:.0f} % refused")
    tell(f"{title}, all different", wholes)
    tell(f"{title}, one text to all", repeats)
    tell(f"{title}, {MIXED} texts in turn", mixed)
    tell(f"{title}, decoding the text", makes)
    empty = Timed(Nothing())
    spare = microseconds(lambda: [empty.judge(messages[0], NOW) for _ in range(MESSAGES)], MESSAGES)
    each = [
        (one.name, one.spent / RUNS / MESSAGES / 1e3) for one, _ in timed.filters if isinstance(one, Timed)
    ]
    figures = ", ".join(f"{name} {max(spent - spare / 2, 0):.1f}" for name, spent in each)
    print(f"  of that, about: {figures}", flush=True)
    return median(wholes)


class Nothing:
    """A filter that says nothing."""

    name = "nothing"

    def judge(self, message: Message, now: float) -> Verdict | None:
        return None


def tell(name: str, figures: list[float]) -> None:
    print(f"{median(figures):9.1f} us ({min(figures):.1f}-{max(figures):.1f}) {name}", flush=True)


def hostile(generation: Generation, filters: dict[str, Filter]) -> None:
    """What 64 KiB of one thing cost the whole chain."""
    chain = chain_of(generation, filters, "promotional")
    for unit in HOSTILE:
        text = unit * (OCTETS // len(choose_encoding(unit)[1]))
        one = message(text, "promotional", "8619912340001")
        begin = process_time()
        chain.judge(one, NOW)
        print(f"{(process_time() - begin) * 1000:9.1f} ms 64 KiB of {unit!r}")
    pattern = parse_pattern("".join(f"{{v{n}:text(1000)}}a" for n in range(20)))
    begin = process_time()
    pattern.matches("a" * pattern.longest)
    print(f"{(process_time() - begin) * 1000:9.1f} ms a template of twenty free texts")


def main() -> None:
    print(machine())
    size = int(sys.argv[1].replace(",", "")) if sys.argv[1:] else WORDS
    generation = load(ROOT / "config", {})
    filters = {name: each for name, each in make_filters(generation).items() if name not in PEOPLE}
    with TemporaryDirectory() as name:
        (Path(name) / "large.txt").write_text("\n".join(made_up(size, 99)), "utf-8")
        begin = perf_counter()
        words = filters["words"]
        assert isinstance(words, SensitiveWords)
        words.words = loaded(Path(name), None)
        print(f"{size:,} words more than the shipped ones, made in {perf_counter() - begin:.1f} s")
    print(f"filters: {', '.join(filters)}\n")
    settle_garbage_collector()
    wholes = [bench(title, generation, filters) for title in KINDS]
    print(f"\nthe most: {max(wholes):.1f} us, where {TARGET:.0f} are wanted\n\nhostile texts")
    hostile(generation, filters)


if __name__ == "__main__":
    main()
