"""docs/evasions.md: which disguises are caught by which alphabets and transports, and what is not.

`python tests/evasions/report.py docs` writes it; a test holds that it is up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[1] / "relay"))

from disguises import EXCEPTIONS, HAN, UNREADABLE
from product import TRANSPORTS, sayable, ways_of
from transports import ALPHABETS, carries

HEAD = """\
# Evasions

Made by `python tests/evasions/report.py docs`; a test holds it up to date. `tests/evasions` sends words of
the shipped lists through a whole relay, disguised in each of these ways, in each alphabet that can say the
disguised word, by each transport, the word cut anywhere, its segments in any order over two sessions; and
each pair of ways by a transport in turn, so that each way in a pair meets each transport. Nothing of them
may reach the carrier, but for the exceptions. `GATEWAY_TEST_EVASIONS=all` takes every word for each instead
of one.

`tests/evasions/exhaustive.py` makes the whole product without a relay: each word in each disguise, in each
alphabet and by each transport, and in each ordered pair of disguises by each transport; the PDUs are
written and read again, gathered and joined by the relay's own code, and judged. `--thorough` takes every
alphabet for the pairs too. Such a run went through all 2,389 disguises and pairs of them, 12,414,098 cases
of 147 Chinese and 168 English words: none escaped, but for the exceptions. When the search for words had been
changed once more, 8,235,316 of them were run again, and none escaped.
"""

OTHERS = """
* a Latin word without the flag `evade`, broken in one place only ("via gra"): it would be found in others;
* homophones and lookalikes among Han characters, unless the entry asks for `pinyin` or `split`;
* a word spread over messages that are no segments of one text: each is judged as it is read;
* what is no text (`data_coding` 2 and 4, compressed text, texts for a port): the filter `binary` refuses or
  allows it.
"""


def table(*, latin: bool) -> Iterator[str]:
    """A line for each way: in which alphabets any word can be said so."""
    yield f"| disguise | {' | '.join(ALPHABETS)} |"
    yield f"|---|{'---|' * len(ALPHABETS)}"
    for name in ways_of(latin=latin):
        said = sayable((name,), latin=latin)
        yield f"| {name} | {' | '.join('caught' if said[alphabet] else '–' for alphabet in ALPHABETS)} |"


def impossible() -> Iterator[str]:
    """Transports that do not take every text, and why."""
    said = sayable(("capitals",), latin=True)
    shifted = said["GSM, national tables"][0].said
    long = shifted._replace(octets=bytes(300), elements=())
    for each in (shifted, long):
        reasons: dict[str, list[str]] = {}
        for transport in TRANSPORTS:
            if reason := carries(transport, each):
                reasons.setdefault(reason, []).append(transport)
        for reason, transports in reasons.items():
            yield f"* {', '.join(transports)}: {reason}."


def written() -> str:
    """The whole document."""
    lines = [HEAD, "## Transports", "", f"{', '.join(TRANSPORTS)}.", "", *impossible(), ""]
    lines += ["## Chinese words", "", *table(latin=False), ""]
    lines += ["## English words", "", *table(latin=True), ""]
    lines += ["–: the alphabet has not the characters of the disguise, whatever the word.", ""]
    lines += ["## Not caught", ""]
    for name, reason in EXCEPTIONS.items():
        script = "Chinese" if name in HAN else "English"
        lines.append(f"* {name} ({script}): {reason};")
    lines += [f"* {first} + {second}: nobody can read it either;" for first, second in sorted(UNREADABLE)]
    return "\n".join(lines) + OTHERS


if __name__ == "__main__":
    (Path(sys.argv[1]) / "evasions.md").write_text(written(), "utf-8")
