"""Disguise by alphabet by transport, through a whole relay whose carrier is in the test's hands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from disguises import EXCEPTIONS, HAN, LATIN, UNREADABLE, Disguise, chosen, shipped
from relay_house import BANK, Client, House, account, generation
from transports import ALPHABETS, LONGEST, REPLACED, SHAPES, Said, Submit, carries, whole

from gateway.filters.entries import Entry
from gateway.filters.sensitive import SensitiveWords
from gateway.smpp.constants import ESM_UDHI
from gateway.smpp.pdus import ReplaceSm, SubmitSm
from gateway.store.rows import MessageRow, State

BEFORE, AFTER = "ok, ", " 12"
TRANSPORTS = (*SHAPES, REPLACED)
BATCH = 400
LONGEST_PART = 220
"""Octets of a segment without its header."""

STOPPED = {State.REJECTED, State.HELD}
LATER = "000001000000000R"
"""A day from now."""

ACCOUNTS = {
    "bank": account(window=1_000_000),
    "packed": account(window=1_000_000, default_alphabet="gsm7-packed"),
    "latin1": account(window=1_000_000, default_alphabet="latin1"),
}


class Case(NamedTuple):
    """A word in a disguise, or in several, said in an alphabet and carried by a transport; `number` tells the
    cases apart.
    """

    number: int
    ways: tuple[str, ...]
    alphabet: str
    transport: str
    entry: Entry
    text: str
    said: Said

    @property
    def to(self) -> str:
        """Its destination."""
        return f"86199{self.number:08d}"

    def pdus(self) -> list[Submit]:
        """Its PDUs in some order, cut within the word."""
        found = SHAPES[self.transport](self.said, self.cuts(), self.number, self.to)
        Random(self.number).shuffle(found)
        return found

    def cuts(self) -> list[int]:
        """Where the text is cut: between characters of the word or, in UTF-16, also within them."""
        unit = self.said.unit
        inside = range((len(BEFORE) + 1) * unit, len(self.said.octets) - len(AFTER) * unit, unit)
        count = min(len(inside), 1 + self.number % 4 + len(self.said.octets) // 120)
        edges = sorted((*Random(self.number).sample(inside, count), len(self.said.octets)))
        cuts: list[int] = []
        for edge in edges:
            begun = cuts[-1] if cuts else 0
            cuts += [*range(begun + LONGEST_PART, edge, LONGEST_PART), edge]
        return cuts[:-1]


def clean(case: Case) -> SubmitSm:
    """A message that waits until it is replaced: in the coding, and with the header, of what comes then."""
    esm_class, header = (ESM_UDHI, whole(case.said)[1]) if case.said.elements else (0, b"")
    return SubmitSm(
        source_addr=BANK,
        destination_addr=case.to,
        schedule_delivery_time=LATER,
        registered_delivery=1,
        data_coding=case.said.data_coding,
        esm_class=esm_class,
        short_message=header[: header[0] + 1] + b"\0\0" if header else b"\0\0",
    )


def replacement(case: Case, told: str) -> ReplaceSm:
    """What replaces it, by the id that was told."""
    text = whole(case.said)[1]
    assert len(text) <= LONGEST
    return ReplaceSm(message_id=told, source_addr=BANK, registered_delivery=1, short_message=text)


def ways_of(*, latin: bool) -> dict[str, Disguise]:
    """The disguises of a script that are to be caught."""
    ways = LATIN if latin else HAN
    return {name: way for name, way in ways.items() if name not in EXCEPTIONS}


def pairs(*, latin: bool) -> Iterator[tuple[str, str]]:
    """All ordered pairs of them, but for those that nobody can read."""
    ways = ways_of(latin=latin)
    for first in ways:
        for second in ways:
            if first != second and (first, second) not in UNREADABLE:
                yield first, second


def disguised(entry: Entry, ways: Iterable[str], *, latin: bool) -> str:
    """The word in a text, in these disguises one after the other."""
    word, known = entry.word, LATIN if latin else HAN
    for name in ways:
        word = known[name](word)
    return f"{BEFORE}{word}{AFTER}"


class Sayable(NamedTuple):
    """A word in some disguises, and how an alphabet says the text."""

    entry: Entry
    text: str
    said: Said


def sayable(ways: tuple[str, ...], *, latin: bool, words: slice = slice(None)) -> dict[str, list[Sayable]]:
    """For each alphabet the words (of those chosen) that it can say in these disguises."""
    found: dict[str, list[Sayable]] = {name: [] for name in ALPHABETS}
    for index, entry in enumerate(chosen(latin=latin)[words]):
        text = disguised(entry, ways, latin=latin)
        for name, alphabet in ALPHABETS.items():
            if (said := alphabet.say(text, index)) is not None:
                found[name].append(Sayable(entry, text, said))
    return found


class Cases:
    """Makes cases, taking words in turn so that each way and each transport meets as many as it can."""

    def __init__(self) -> None:
        self._count = 0

    def single(self, name: str, *, latin: bool, words: int) -> list[Case]:
        """The disguise by every alphabet and transport, each with so many words; 0 means all."""
        made = []
        for alphabet, found in sayable((name,), latin=latin).items():
            for transport in TRANSPORTS:
                carried = [each for each in found if not carries(transport, each.said)]
                first = self._count % max(len(carried), 1)
                turned = carried[first:] + carried[:first]
                for each in turned[: words or None]:
                    made.append(self._case((name,), alphabet, transport, each))
        return made

    def pair(self, ways: tuple[str, str], *, latin: bool) -> Case:
        """A pair with one word by one transport, in one of the alphabets that can say it, in turn."""
        turn = self._count
        entries = chosen(latin=latin)
        entry = entries[turn % len(entries)]
        text = disguised(entry, ways, latin=latin)
        said = {name: each.say(text, turn) for name, each in ALPHABETS.items()}
        for index in range(len(TRANSPORTS)):
            transport = TRANSPORTS[(turn + index) % len(TRANSPORTS)]
            able = [name for name, each in said.items() if each and not carries(transport, each)]
            if able:
                name = able[turn // len(TRANSPORTS) % len(able)]
                found = said[name]
                assert found is not None
                return self._case(ways, name, transport, Sayable(entry, text, found))
        raise AssertionError(f"no transport for {text!r}")

    def _case(self, ways: tuple[str, ...], alphabet: str, transport: str, each: Sayable) -> Case:
        self._count += 1
        return Case(self._count, ways, alphabet, transport, *each)


class Way:
    """A relay with the shipped lists in force, two sessions of each account, and a carrier that listens."""

    def __init__(self, directory: Path) -> None:
        settings = generation(ACCOUNTS)
        self.house = House(directory, settings, words=SensitiveWords(shipped()))
        self.sessions = {
            name: [self.house.client(name, window=1_000_000) for _ in range(2)] for name in ACCOUNTS
        }

    def escaped(self, cases: list[Case]) -> list[Case]:
        """Send all of them; returns those of which anything left, or could leave yet."""
        for first in range(0, len(cases), BATCH):
            batch = cases[first : first + BATCH]
            self._submit([case for case in batch if case.transport != REPLACED])
            self._replace([case for case in batch if case.transport == REPLACED])
        rows: dict[str, list[MessageRow]] = {}
        for row in self.house.rows():
            rows.setdefault(row.destination, []).append(row)
        return [case for case in cases if case.to in self.left or not self._stopped(case, rows)]

    @property
    def left(self) -> set[str]:
        """The destinations of what the carrier has got; of several at once the first."""
        return {pdu.destination_addr[:13] for _, pdu in self.house.submits}

    @staticmethod
    def _stopped(case: Case, rows: dict[str, list[MessageRow]]) -> bool:
        mine = rows.get(case.to, []) + rows.get(f"{case.to}9", [])
        if not mine:
            return False
        if case.transport == REPLACED and mine[0].state == State.DEFERRED:
            return case.said.octets not in bytes(mine[0].pdu)
        return all(row.state in STOPPED for row in mine)

    def _submit(self, cases: list[Case]) -> None:
        for case in cases:
            for index, pdu in enumerate(case.pdus()):
                self._session(case, index).send(pdu)
        self.house.settle()

    def _replace(self, cases: list[Case]) -> None:
        asked = []
        for case in cases:
            session = self._session(case, 0)
            asked.append((case, session, session.send(clean(case))))
        self.house.settle()
        for case, session, number in asked:
            told = session.answers[number].message_id  # type: ignore[attr-defined]
            session.send(replacement(case, told))
        self.house.settle()

    def _session(self, case: Case, index: int) -> Client:
        return self.sessions[ALPHABETS[case.alphabet].account][index % 2]
