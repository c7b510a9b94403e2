"""The whole product: each word in each disguise in each alphabet that can say it by each transport; and in
each ordered pair of disguises by each transport, in an alphabet in turn.

To join and read is one step and to match another, so no relay is needed: the PDUs are written and read again,
become messages, are gathered and joined by the relay's own code, and whatever text comes out is judged.

`nice .venv/bin/python tests/evasions/exhaustive.py --jobs 2 --to result.json`, from the top of the project.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import permutations
from multiprocessing import Pool
from pathlib import Path
from random import Random
from typing import NamedTuple

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[1] / "relay"))

from disguises import EXCEPTIONS, HAN, LATIN, UNREADABLE, shipped
from product import ACCOUNTS, TRANSPORTS, Case, Sayable, clean, replacement, sayable
from relay_house import START, House, generation
from transports import ALPHABETS, REPLACED, carries

from gateway.filters.sensitive import SensitiveWords
from gateway.filters.verdict import Action
from gateway.message import Message, joined
from gateway.relay.accounts import Account
from gateway.relay.book import Entry
from gateway.relay.multipart import Groups
from gateway.relay.queries import replaced
from gateway.relay.submitted import message_of, single
from gateway.smpp.codec import decode, encode
from gateway.smpp.constants import V34
from gateway.smpp.pdus import DataSm, ReplaceSm, SubmitMulti, SubmitSm
from gateway.smpp.validate import check_request

NOW = int(START * 1000)
SCRIPTS = ("Chinese", "English")
FAR_APART, MOST_NUMBERS = 104_729, 90_000_000
STOPS = frozenset((Action.REFUSE, Action.HOLD))

Ways = tuple[str, ...]
Found = SubmitSm | DataSm | SubmitMulti | ReplaceSm


class Task(NamedTuple):
    """A disguise or pair to be judged: the number of its first case, and whether by every alphabet."""

    latin: bool
    ways: Ways
    first: int
    thorough: bool


@dataclass
class Counted:
    """Of one disguise or pair: the cases by (alphabet, transport), those that escaped, and the words met."""

    latin: bool
    ways: Ways
    cases: Counter[tuple[str, str]] = field(default_factory=Counter)
    escaped: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    words: set[str] = field(default_factory=set)


class Judge:
    """Reads PDUs as the relay would, and judges what they say by the shipped lists."""

    def __init__(self, accounts: dict[str, Account]) -> None:
        self.accounts = accounts
        self.words = SensitiveWords(shipped())
        self.verdicts: dict[tuple[str | None, ...], bool] = {}

    def stops(self, case: Case) -> bool:
        """Whether none of it could leave."""
        account = self.accounts[ALPHABETS[case.alphabet].account]
        return self._stops(
            self._replaced(case, account) if case.transport == REPLACED else self._whole(case, account)
        )

    def _whole(self, case: Case, account: Account) -> Message:
        """The message that the PDUs become."""
        groups = Groups(60_000, 10)
        for pdu in case.pdus():
            message = self._message(account, pdu)
            if message.part is None or message.part.total < 2:
                return message
            entry = Entry(message, stored=True)
            groups.add(entry, NOW)
            group = groups.group_of(entry)
        assert group.complete, case
        return joined([each.message for each in group.in_order()])

    def _replaced(self, case: Case, account: Account) -> Message:
        """What a message that waits becomes."""
        asked = wired(replacement(case, "1"))
        assert isinstance(asked, ReplaceSm)
        message = replaced(self._message(account, clean(case)), account, asked, NOW)
        assert isinstance(message, Message), message
        return message

    @staticmethod
    def _message(account: Account, pdu: Found) -> Message:
        """What one PDU becomes; of several destinations the first."""
        read = wired(pdu)
        if isinstance(read, SubmitMulti):
            read = single(read, read.dest_addresses[0])  # type: ignore[arg-type]
        assert isinstance(read, SubmitSm | DataSm)
        message = message_of(account, read, NOW, 1)
        assert isinstance(message, Message), message
        return message

    def _stops(self, message: Message) -> bool:
        readings = message.readings
        stopped = self.verdicts.get(readings)
        if stopped is None:
            verdict = self.words.judge(message, START)
            stopped = self.verdicts[readings] = verdict is not None and verdict.action in STOPS
        return stopped


def wired(pdu: Found) -> Found:
    """The PDU as it is read out of its octets; it must be one that is answered with yes."""
    read = decode(encode(pdu))
    assert not check_request(read, V34), read
    return read  # type: ignore[return-value]


@cache
def judge() -> Judge:
    """The judge of this process; its accounts are those of a relay that nobody speaks with."""
    house = House(Path(tempfile.mkdtemp(prefix="evasions")), generation(ACCOUNTS))
    accounts = {name: house.relay.accounts.get(name) for name in ACCOUNTS}
    house.stop()
    return Judge({name: account for name, account in accounts.items() if account is not None})


def cases_of(task: Task) -> Iterator[Case]:
    """The cases of a disguise or pair; their numbers turn what is cut where, and in which order it comes."""
    said = sayable(task.ways, latin=task.latin)
    if not task.thorough:
        yield from _in_turn(task, said)
        return
    number = task.first
    for alphabet, found in said.items():
        for transport in TRANSPORTS:
            for each in found:
                number += 1
                if not carries(transport, each.said):
                    yield Case(number, task.ways, alphabet, transport, *each)


def _in_turn(task: Task, said: dict[str, list[Sayable]]) -> Iterator[Case]:
    """Each word by each transport, in one of the alphabets that can say it, in turn."""
    by_word: dict[str, list[tuple[str, Sayable]]] = {}
    for alphabet, found in said.items():
        for each in found:
            by_word.setdefault(each.entry.word, []).append((alphabet, each))
    number = task.first
    for spoken in by_word.values():
        for transport in TRANSPORTS:
            number += 1
            able = [one for one in spoken if not carries(transport, one[1].said)]
            if able:
                alphabet, each = able[number % len(able)]
                yield Case(number, task.ways, alphabet, transport, *each)


def counted(task: Task) -> Counted:
    """The cases of a disguise or pair, judged."""
    one = Counted(task.latin, task.ways)
    for case in cases_of(task):
        cell = case.alphabet, case.transport
        one.cases[cell] += 1
        one.words.add(case.entry.word)
        if not judge().stops(case):
            one.escaped[cell] += 1
            one.examples.append(f"{case.entry.word} in {case.alphabet} by {case.transport}: {case.text!r}")
    judge().verdicts.clear()
    return one


def tasks(*, thorough: bool = False) -> list[Task]:
    """Each disguise by every alphabet, then each ordered pair of both scripts by alphabets in turn; the
    exceptions too. `thorough` takes every alphabet for the pairs.
    """
    found = []
    for latin, ways in ((False, HAN), (True, LATIN)):
        for names in [*((name,) for name in ways), *permutations(ways, 2)]:
            alone = len(names) == 1
            found.append(Task(latin, names, len(found) * FAR_APART % MOST_NUMBERS, alone or thorough))
    Random(1).shuffle(found)
    return sorted(found, key=lambda task: len(task.ways))


def exception(ways: Ways) -> str:
    """Which exception these disguises fall under; "" if they are to be caught."""
    if ways in UNREADABLE:
        return " + ".join(ways)
    return next((name for name in ways if name in EXCEPTIONS), "")


class Summary:
    """What became of all of them, as it is written down."""

    def __init__(self) -> None:
        self.words: dict[str, set[str]] = {script: set() for script in SCRIPTS}
        self.caught: dict[str, dict[str, Counter[str]]] = {script: {} for script in SCRIPTS}
        self.carried: Counter[str] = Counter()
        self.exceptions: dict[str, list[int]] = {}
        self.done = 0
        self.pairs = 0
        self.cases = 0
        self.escaped: list[str] = []

    def add(self, one: Counted) -> None:
        """A disguise or a pair."""
        self.done += 1
        script = SCRIPTS[one.latin]
        self.words[script] |= one.words
        if name := exception(one.ways):
            known = self.exceptions.setdefault(name, [0, 0])
            known[0] += one.cases.total()
            known[1] += one.escaped.total()
            return
        self.pairs += len(one.ways) == 2
        self.cases += one.cases.total()
        self.escaped += [f"{' + '.join(one.ways)}: {example}" for example in one.examples]
        for (alphabet, transport), count in one.cases.items():
            self.carried[transport] += count
            for way in one.ways:
                self.caught[script].setdefault(way, Counter())[alphabet] += (
                    count - one.escaped[alphabet, transport]
                )

    def written(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "disguises and pairs": f"{self.done} of {len(tasks())}",
            "words": {script: len(words) for script, words in self.words.items()},
            "pairs": self.pairs,
            "cases": self.cases,
            "escaped": len(self.escaped),
            "by transport": {name: self.carried[name] for name in TRANSPORTS},
            "caught": self.caught,
            "exceptions": {name: {"cases": a, "not caught": b} for name, (a, b) in self.exceptions.items()},
        }


def main() -> int:
    """Run it; the exit code is 1 if anything escaped. An interrupted run writes what it has."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--thorough", action="store_true", help="every alphabet for every pair")
    parser.add_argument("--tasks", type=int, help="only so many disguises and pairs")
    parser.add_argument("--to", type=Path, help="where the counts are written, as JSON")
    asked = parser.parse_args()
    summary, work = Summary(), tasks(thorough=asked.thorough)[: asked.tasks]
    with Pool(asked.jobs, initializer=gc.disable) as pool, suppress(KeyboardInterrupt):
        for one in pool.imap_unordered(counted, work):
            summary.add(one)
            if summary.done % 50 == 0:
                said = f"{summary.done}/{len(work)}: {summary.cases:,} cases, {len(summary.escaped)} escaped"
                print(said, flush=True)
    for example in summary.escaped[:100]:
        print(f"escaped: {example}")
    print(f"{summary.done} of {len(work)}, {summary.cases:,} cases, {len(summary.escaped)} escaped")
    if asked.to is not None:
        asked.to.write_text(json.dumps(summary.written(), ensure_ascii=False, indent=1) + "\n", "utf-8")
    return bool(summary.escaped)


if __name__ == "__main__":
    sys.exit(main())
