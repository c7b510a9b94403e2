"""What sensitive words cost: a text, a start, an edit, a reload; their stalls and their memory.

`python benchmarks/bench_words.py [words ...]`, by default with 1,000, 100,000 and 500,000 words; some two
minutes. The lists are the shipped ones, filled up with made-up words: seven in ten of 3 to 8 common Han
characters, the others of 6 to 14 Latin letters in syllables. The texts are the ordinary ones of the tests, of
which neighbours are joined until they have 70 characters; those up to 140 count. Each figure of a text is its
median of rounds, of processor time; each figure printed is the median over all texts and, in brackets, their
mean, in which those count in which much is found. A stall is the longest that another thread waited for the
interpreter: compare bench_words_edits.py, which tells it apart from waiting for a processor.
"""

import multiprocessing
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from statistics import mean, median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, sleep
from typing import TypeVar

from timing import figure, machine

from gateway.filters import fold
from gateway.filters.entries import Entry
from gateway.filters.wordlists import load_wordlists
from gateway.filters.words import WordList

ROOT = Path(__file__).parents[1]
T = TypeVar("T")
SIZES = (1_000, 100_000, 500_000)
SHORTEST, LONGEST = 70, 140
ROUNDS = 7
MOST = 3_000_000
CALLS = 40
HAN = [chr(code) for code in range(0x4E00, 0x9FA5) if fold.view_s(chr(code)) == chr(code)]
CONSONANTS, VOWELS = "bcdfghklmnprstvz", "aeiou"


def made_up(count: int, seed: int) -> Iterator[str]:
    """Different words in the mixture told above."""
    random = Random(seed)
    common = random.sample(HAN, 3000)
    seen: set[str] = set()
    while len(seen) < count:
        if random.random() < 0.7:
            word = "".join(random.choices(common, k=random.choice((3, 3, 4, 4, 4, 5, 6, 8))))
        else:
            pairs = random.randint(3, 7)
            word = "".join(random.choice(CONSONANTS) + random.choice(VOWELS) for _ in range(pairs))
        if word not in seen:
            seen.add(word)
            yield word


def texts(language: str) -> list[str]:
    """Ordinary texts of this language, joined until they are long enough to be typical."""
    joined, text = [], ""
    path = ROOT / "tests" / "data" / "ordinary" / f"{language}.txt"
    for line in path.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            text += line
        if len(text) >= SHORTEST:
            if len(text) <= LONGEST:
                joined.append(text)
            text = ""
    return joined


def cost(call: Callable[[str], object], samples: list[str]) -> tuple[float, float]:
    """Microseconds a call: the median over the texts of the medians of rounds, and their mean."""
    costs = []
    for text in samples:
        rounds = []
        for _ in range(ROUNDS):
            begin = process_time()
            for _ in range(CALLS):
                call(text)
            rounds.append((process_time() - begin) / CALLS * 1e6)
        costs.append(median(rounds))
    return median(costs), mean(costs)


def scanned(words: WordList, text: str) -> object:
    """The hits in a text as if it had never been seen."""
    fold.folded.cache_clear()
    return words.scan(text)


def watched(work: Callable[[], T], name: str) -> T:
    """The result of work; prints how long it took and stalled another thread."""
    stall, done = 0.0, threading.Event()

    def watch() -> None:
        nonlocal stall
        last = perf_counter()
        while not done.is_set():
            sleep(0.0002)
            now = perf_counter()
            stall, last = max(stall, now - last), now

    watcher = threading.Thread(target=watch)
    watcher.start()
    sleep(0.02)
    begin = perf_counter()
    result = work()
    took = perf_counter() - begin
    done.set()
    watcher.join()
    figure([took * 1e3], "ms", name)
    figure([stall * 1e3], "ms", f"{name}, longest stall")
    return result


def mebibytes() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) / 256


def loaded(folder: Path, previous: WordList | None) -> WordList:
    """All lists of the folder and the shipped ones."""
    shipped = sorted((ROOT / "config" / "words").glob("*.csv"))
    words, problems = load_wordlists([*shipped, folder], previous, MOST)
    assert not problems
    return words


def per_text(words: WordList, title: str) -> None:
    """Prints what a text costs."""
    for language in ("zh_hans", "zh_hant", "en"):
        samples = texts(language)
        hit = sum(bool(words.scan(text)) for text in samples)
        length = round(median(map(len, samples)))
        print(f"  {language}: {len(samples)} texts of {length} characters, {hit} with hits")
        for repeats in (False, True):
            words.repeats = repeats
            middle, average = cost(partial(scanned, words), samples)
            name = f"{title}, a text in {language}, {'with' if repeats else 'without'} the repeat view"
            figure([middle], "us", name)
            figure([average], "us", f"{name}, mean")


def bench(size: int) -> None:
    """Everything at one size, in this process."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "large.txt").write_text("\n".join(made_up(size, 1)), "utf-8")
        before = mebibytes()
        title = f"{size:,} words"
        words = watched(lambda: loaded(folder, None), f"{title}, start")
        figure([mebibytes() - before], "MiB", f"{title}, memory")
        per_text(words, title)
        for count in (1, 1000):
            added = [words.kinds.row(Entry(word)) for word in made_up(count, 2)]
            watched(partial(words.changed, added, []), f"{title}, {count:,} more")
        large = (folder / "large.txt").read_text("utf-8")
        (folder / "large.txt").write_text("another word\n" + large, "utf-8")
        words = watched(lambda: loaded(folder, words), f"{title}, reload, a line more at the top")
        (folder / "more.txt").write_text("\n".join(made_up(100_000, 3)), "utf-8")
        words = watched(lambda: loaded(folder, words), f"{title}, reload, a file of 100,000 more")
        per_text(words, f"{title} and 100,000 in {len(words.automaton.shards)} shards")
        (folder / "large.txt").unlink()
        words = watched(lambda: loaded(folder, words), f"{title}, reload, the large file gone")
        before_it = words
        base = watched(words.gathered, f"{title}, gathered")
        words = watched(lambda: before_it.upon(base, before_it), f"{title}, put upon that")
        figure([mebibytes()], "MiB", f"{title}, memory in all")


def hostile() -> None:
    """Texts of 64 KiB against the shipped lists."""
    words = WordList.of(loaded(ROOT / "config" / "words", None).entries())
    for name, unit in (
        ("ordinary Chinese", "".join(texts("zh_hans"))),
        ("ordinary English", "".join(texts("en"))),
        ("one word again and again", "赌博"),
        ("an evasion again and again", "f r e e p o r n "),
        ("one letter", "a"),
        ("marks", "a\u0301\u0302"),
        ("signs of 18 letters", "ﷺ"),
    ):
        text = (unit * 65536)[:65536]
        figures = []
        for _ in range(5):
            begin = process_time()
            scanned(words, text)
            figures.append((process_time() - begin) * 1e3)
        figure(figures, "ms", f"64 KiB of {name}")


def main() -> None:
    print(machine())
    samples = texts("zh_hans") + texts("en")
    folds = [cost(view, samples)[0] for view in (fold.view_s, fold.view_d)]
    figure([folds[0]], "us", "fold to view S")
    figure([folds[1]], "us", "fold to view D")
    for size in [int(argument.replace(",", "")) for argument in sys.argv[1:]] or SIZES:
        process = multiprocessing.get_context("spawn").Process(target=bench, args=(size,))
        process.start()
        process.join()
    hostile()


if __name__ == "__main__":
    main()
