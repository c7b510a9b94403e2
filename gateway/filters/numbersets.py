"""A set of phone numbers and prefixes, small enough for ten million, that can be asked in a microsecond.

Numbers are E.164 digits read as an integer, which loses nothing since none begins with a zero. The undated
ones are in a compressed bitmap; those with a beginning or an end, few, are in a dict beside it. A set is
stored as chunks of a few milliseconds' work each, so that a load can be driven in the background and each
chunk be encrypted by itself.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pyroaring import BitMap64

CHUNK = 250_000
"""Numbers in a stored chunk: some 5 ms to write, 0.5 ms to read."""

MAGIC = b"numberset 1\n"


class Span(NamedTuple):
    """When an entry counts: unix seconds, `since` included, `until` not; None is open."""

    since: int | None = None
    until: int | None = None

    def holds(self, now: float) -> bool:
        """Whether `now` is in the span."""
        return (self.since is None or now >= self.since) and not self.ended(now)

    def ended(self, now: float) -> bool:
        """Whether the span is over at `now`."""
        return self.until is not None and now >= self.until


ALWAYS = Span()


class Entry(NamedTuple):
    """What of a set matched: the number, or the prefix with `*` at its end, and its span."""

    matched: str
    span: Span


class DamagedSet(Exception):
    """A stored set that cannot be read: truncated, changed, or not one."""


class NumberSet:
    """Numbers and prefixes, each since and until a moment. Changed in place; not shared between threads."""

    __slots__ = ("_dated", "_numbers", "_prefixes", "_widths")

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._numbers = BitMap64(numbers)
        self._dated: dict[int, Span] = {}
        self._prefixes: dict[str, Span] = {}
        self._widths: tuple[int, ...] = ()

    def __len__(self) -> int:
        """Numbers and prefixes."""
        return len(self._numbers) + len(self._dated) + len(self._prefixes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NumberSet):
            return NotImplemented
        mine = self._numbers, self._dated, self._prefixes
        return mine == (other._numbers, other._dated, other._prefixes)

    __hash__ = None  # type: ignore[assignment]

    @property
    def numbers(self) -> BitMap64:
        """The undated numbers; not to be changed."""
        return self._numbers

    @property
    def prefixes(self) -> dict[str, Span]:
        """The prefixes in digits; not to be changed."""
        return self._prefixes

    @property
    def dated(self) -> dict[int, Span]:
        """The numbers with a beginning or an end; not to be changed."""
        return self._dated

    def add(self, number: int, span: Span = ALWAYS) -> None:
        """Put a number in, or give it another span."""
        if span == ALWAYS:
            self._dated.pop(number, None)
            self._numbers.add(number)
        else:
            self._numbers.discard(number)
            self._dated[number] = span

    def add_all(self, numbers: Iterable[int]) -> None:
        """Put undated numbers in; sorted ones ten times as fast."""
        batch = numbers if isinstance(numbers, BitMap64) else BitMap64(numbers)
        for number in self._dated.keys() & batch if self._dated else ():
            del self._dated[number]
        self._numbers |= batch

    def discard(self, number: int) -> None:
        """Take a number out, if it is in; a prefix that covers it stays."""
        self._numbers.discard(number)
        self._dated.pop(number, None)

    def add_prefix(self, prefix: str, span: Span = ALWAYS) -> None:
        """Put all numbers that begin with these digits in. Raises ValueError for what is no digits."""
        if not (prefix.isascii() and prefix.isdigit()):
            raise ValueError(f"'{prefix}' is no prefix of a number")
        self._prefixes[prefix] = span
        self._widths = tuple(sorted({len(known) for known in self._prefixes}))

    def discard_prefix(self, prefix: str) -> None:
        """Take a prefix out, if it is in."""
        self._prefixes.pop(prefix, None)
        self._widths = tuple(sorted({len(known) for known in self._prefixes}))

    def find(self, digits: str, number: int, now: float) -> Entry | None:
        """The entry for a number (its digits, and they as an integer) at `now` (unix seconds), or None."""
        if number in self._numbers:
            return Entry(digits, ALWAYS)
        if self._dated:
            span = self._dated.get(number)
            if span is not None and span.holds(now):
                return Entry(digits, span)
        for width in self._widths:
            span = self._prefixes.get(digits[:width])
            if span is not None and span.holds(now):
                return Entry(digits[:width] + "*", span)
        return None

    def covers(self, digits: str, number: int) -> bool:
        """Whether there is an entry for a number, whenever it counts."""
        if number in self._numbers or number in self._dated:
            return True
        return any(digits[:width] in self._prefixes for width in self._widths) if self._widths else False

    def expire(self, now: float) -> int:
        """Forget the entries that have ended; returns how many."""
        ended = [
            number for number, span in self._dated.items() if span.until is not None and span.until <= now
        ]
        for number in ended:
            del self._dated[number]
        gone = [
            prefix for prefix, span in self._prefixes.items() if span.until is not None and span.until <= now
        ]
        for prefix in gone:
            self.discard_prefix(prefix)
        return len(ended) + len(gone)

    def stored(self) -> Iterator[bytes]:
        """The set as chunks; the first says what the others are."""
        chunks = range(0, len(self._numbers), CHUNK)
        dated = [[number, *span] for number, span in sorted(self._dated.items())]
        prefixes = [[prefix, *span] for prefix, span in sorted(self._prefixes.items())]
        head = {"chunks": len(chunks), "numbers": len(self._numbers), "dated": dated, "prefixes": prefixes}
        yield MAGIC + _sealed(json.dumps(head, separators=(",", ":")).encode())
        for first in chunks:
            yield _sealed(self._numbers[first : first + CHUNK].serialize())

    def load(self, chunks: Iterable[bytes]) -> Iterator[int]:
        """Read what `stored` gave into this empty set, one chunk a step; yields how many numbers are in.

        The set is complete when the iterator ends; until then nobody should be shown it. Raises DamagedSet.
        """
        source = iter(chunks)
        first = next(source, b"")
        if not first.startswith(MAGIC):
            raise DamagedSet("not a stored set of numbers")
        head = json.loads(_unsealed(first[len(MAGIC) :]))
        self._dated = {number: Span(since, until) for number, since, until in head["dated"]}
        for prefix, since, until in head["prefixes"]:
            self.add_prefix(prefix, Span(since, until))
        yield len(self._numbers)
        seen = 0
        for chunk in source:
            seen += 1
            self._numbers |= BitMap64.deserialize(_unsealed(chunk))
            yield len(self._numbers)
        if (seen, len(self._numbers)) != (head["chunks"], head["numbers"]):
            raise DamagedSet(
                f"{len(self._numbers)} of {head['numbers']} numbers in {seen} of {head['chunks']} chunks"
            )


def _sealed(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big") + data


def _unsealed(chunk: bytes) -> bytes:
    data = chunk[4:]
    if len(chunk) < 4 or zlib.crc32(data) != int.from_bytes(chunk[:4], "big"):
        raise DamagedSet("a chunk is truncated or was changed")
    return data


class Difference(NamedTuple):
    """What a refreshed list changes: counts, and why it should not be believed, or ""."""

    before: int
    after: int
    added: int
    removed: int
    suspicion: str


def compare(before: NumberSet, after: NumberSet, shrink: float = 0.2, spare: int = 100) -> Difference:
    """How a refreshed list differs from the last good one; a few milliseconds at ten million.

    A list that loses more than the part `shrink` of what it held, and more than `spare` entries, or all of
    it, is suspicious: more likely half a download than a change of heart of so many.
    """
    removed = (
        before.numbers.difference_cardinality(after.numbers)
        - sum(number in after.dated for number in before.numbers & BitMap64(after.dated))
        + sum(number not in after.dated and number not in after.numbers for number in before.dated)
        + len(before.prefixes.keys() - after.prefixes.keys())
    )
    added = len(after) - (len(before) - removed)
    suspicion = ""
    if len(before) and not len(after):
        suspicion = f"it is empty and held {len(before)}"
    elif removed > spare and removed > shrink * len(before):
        suspicion = f"it lost {removed} of {len(before)} entries, more than {shrink:.0%}"
    return Difference(len(before), len(after), added, removed, suspicion)
