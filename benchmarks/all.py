"""All benchmarks, their figures kept and compared: `make bench`, `make bench QUICK=1`.

    python benchmarks/all.py [--quick] [--only codec,load] [--keep NAME] [--against NAME]

Runs the scripts one after the other, shows what they print, and takes its lines `figure unit (least-most)
name`. Prints each figure beside that of the last results in benchmarks/results (of the same kind: quick or
whole) that were kept, and marks what differs by more than a tenth and more than both spreads. `--keep NAME`
writes results/NAME.json and the plots results/NAME-*.svg, to be committed with what caused them; what the
file has of scripts that did not run stays in it. The whole takes about an hour
on two cores, most of it bench_scale; the quick form eight minutes.

Machines differ, and one machine from hour to hour: while a script runs, a fixed piece of work is timed now
and then (its yardstick), and what costs time is compared by the yardsticks of both, too.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from threading import Event, Thread

import plots
from campaign import compiled
from timing import machine, yardstick

HERE = Path(__file__).parent
RESULTS = HERE / "results"
SCRIPTS: dict[str, tuple[list[str], list[str]]] = {
    "codec": ([], []),
    "session": ([], []),
    "text": ([], []),
    "chain": ([], []),
    "words": ([], ["--help"]),
    "words_edits": ([], ["--help"]),
    "people": ([], ["10000"]),
    "routing": ([], ["10000"]),
    "relay": ([], ["--runs", "3", "--count", "4000"]),
    "store": ([], ["--runs", "3", "--messages", "20000"]),
    "whole_way": (["--own"], ["--own", "--count", "8000", "--consents", "50000"]),
    "sessions": ([], ["--help"]),
    "start": ([], ["--quick"]),
    "reload": ([], ["--reloads", "2", "--prefixes", "10000"]),
    "load": ([], ["--quick"]),
    "scale": ([], ["--quick"]),
}
NUMBER = r"[\d,]+(?:\.\d+)?"
LINE = re.compile(rf"\s*({NUMBER}) (us|ms|s|/s|MB|MiB|KiB|x)\s+(?:\(({NUMBER})-({NUMBER})\)\s+)?(\S.*)")
DIFFERS = 0.1
YARDSTICK = "the yardstick"
SECONDS = 0.5
"""Between two looks at the yardstick."""
COSTS = ("us", "ms", "s")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a script: its median, and of how far apart its runs were."""

    value: float
    unit: str
    least: float
    most: float


def read(lines: Iterator[str], script: str) -> Iterator[tuple[str, Figure]]:
    """The figures of what a script has printed, by `script: name`."""
    for line in lines:
        print(line, end="", flush=True)
        if found := LINE.fullmatch(line.rstrip("\n")):
            value, unit, least, most, name = found.groups()
            numbers = [float(each.replace(",", "")) for each in (value, least or value, most or value)]
            yield f"{script}: {name}", Figure(numbers[0], unit, *numbers[1:])


def run(script: str, arguments: list[str]) -> dict[str, Figure]:
    """The figures of one script."""
    print(f"\n== {script} {' '.join(arguments)}", flush=True)
    command = [sys.executable, str(HERE / f"bench_{script}.py"), *arguments]
    ended, yards = Event(), [yardstick()]
    looking = Thread(target=look, args=(ended, yards))
    looking.start()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        figures = dict(read(iter(process.stdout), script))
    ended.set()
    looking.join()
    if process.returncode:
        print(f"   {script} ended with {process.returncode}")
    figures[f"{script}: {YARDSTICK}"] = Figure(median(yards), "us", min(yards), max(yards))
    return figures


def look(ended: Event, yards: list[float]) -> None:
    """Times the yardstick until the script has ended."""
    while not ended.wait(SECONDS):
        yards.append(yardstick())


def last(quick: bool, name: str) -> dict[str, object] | None:
    """The results to compare with: those of a name, or the newest of the kind."""
    if name:
        return dict(json.loads((RESULTS / f"{name}.json").read_text("utf-8")))
    every = [json.loads(path.read_text("utf-8")) for path in RESULTS.glob("*.json")]
    same = [each for each in every if each["quick"] == quick]
    return max(same, key=lambda each: str(each["at"]), default=None)


def compare(now: dict[str, Figure], before: dict[str, object]) -> None:
    """A line for each figure that both have: the old, the new, new to old, and that by the yardsticks."""
    print(f"\n== beside {before['at']}, on {before['machine']}")
    document = before["figures"]
    assert isinstance(document, dict)
    known = {name: Figure(**figure) for name, figure in document.items()}
    for name, figure in now.items():
        if name in known:
            old = known[name]
            ratio = figure.value / old.value if old.value else 1.0
            by_yard = ratio / slower(name, now, known) if figure.unit in COSTS else ratio
            apart = figure.least > old.most or figure.most < old.least
            mark = "  <--" if abs(by_yard - 1) > DIFFERS and apart else ""
            costs = f"{old.value:12,.2f} {figure.value:12,.2f} {figure.unit:5}"
            print(f"{costs} {ratio:6.2f} {by_yard:6.2f}  {name}{mark}")


def slower(name: str, now: dict[str, Figure], known: dict[str, Figure]) -> float:
    """How many times as long the yardstick took beside this figure's script as it did then."""
    yard = f"{name.split(':')[0]}: {YARDSTICK}"
    return now[yard].value / known[yard].value if name != yard and yard in now and yard in known else 1.0


def commit() -> str:
    """Of what was measured, `-dirty` if it had changes."""
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False).stdout.strip()


def main() -> None:
    """Run, compare, keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", default="")
    parser.add_argument("--against", default="")
    given = parser.parse_args()
    began = time.monotonic()
    figures: dict[str, Figure] = {}
    for script, arguments in SCRIPTS.items():
        chosen = arguments[given.quick]
        if (not given.only or script in given.only.split(",")) and chosen != ["--help"]:
            figures |= run(script, chosen)
    before = last(given.quick, given.against)
    if before is not None:
        compare(figures, before)
    print(f"\n{len(figures)} figures in {(time.monotonic() - began) / 60:.0f} minutes on {machine()}")
    if given.keep:
        keep(RESULTS / f"{given.keep}.json", figures, quick=given.quick)


def keep(path: Path, figures: dict[str, Figure], *, quick: bool) -> None:
    """Puts figures into a file of results, beside those of other scripts that it has, and draws its plots."""
    before = json.loads(path.read_text("utf-8")) if path.exists() else {"figures": {}, "commits": {}}
    scripts = {name.split(":")[0] for name in figures}
    others = {name: one for name, one in before["figures"].items() if name.split(":")[0] not in scripts}
    results = {
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}",
        "machine": machine(),
        "compiled": compiled(),
        "quick": quick,
        "commits": before["commits"] | dict.fromkeys(sorted(scripts), commit()),
        "figures": others | {name: asdict(figure) for name, figure in figures.items()},
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    plots.draw(path)


if __name__ == "__main__":
    main()
