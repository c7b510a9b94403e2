"""Lists of numbers as files: one entry a line, `number` or `prefix*`, then perhaps since and until.

    # complaints of March
    8619912340001
    8619912340002,2026-03-01
    86170*,2026-03-01,2026-09-01T12:00:00Z

A first line whose first field is `number` is a heading. Dates are ISO 8601, UTC where they name no zone.
"""

from __future__ import annotations

import csv as csvs
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from gateway.filters.numbers import LONGEST, SHORTEST, normalise
from gateway.filters.numbersets import ALWAYS, NumberSet, Span

STEP = 2000
"""Lines read in one step: a millisecond or two."""

REFUSED_KEPT = 1000
"""Refused lines that are told one by one; the others are counted."""


class Refused(NamedTuple):
    """A line that was not taken, and why. The line's text is left out: it may hold a person's number."""

    line: int
    message: str


class ListFile:
    """A list being read: `numbers` grows, `refused` says what was not understood."""

    __slots__ = ("calling_code", "csv", "lines", "numbers", "refused", "refused_count")

    def __init__(self, calling_code: str = "", *, csv: bool = False) -> None:
        """`calling_code` is for numbers written nationally, with a leading zero. With `csv` the first line
        names the columns.
        """
        self.calling_code = calling_code
        self.csv = csv
        self.numbers = NumberSet()
        self.refused: list[Refused] = []
        self.refused_count = 0
        self.lines = 0

    def read(self, lines: Iterable[str]) -> Iterator[int]:
        """Read all lines, STEP of them a step; yields how many lines are read so far. Raises csv.Error."""
        if self.csv:
            lines = _columns(lines)
        batch: list[int] = []
        for line in lines:
            self.lines += 1
            entry = line.strip()
            if entry.isdigit() and entry.isascii() and entry[0] != "0" and SHORTEST <= len(entry) <= LONGEST:
                batch.append(int(entry))
            elif entry and entry[0] != "#":
                self._take(entry)
            if self.lines % STEP == 0:
                self.numbers.add_all(batch)
                batch.clear()
                yield self.lines
        self.numbers.add_all(batch)
        yield self.lines

    def _take(self, entry: str) -> None:
        address, *dates = [field.strip() for field in entry.split(",")]
        if self.lines == 1 and address.lower() == "number":
            return
        try:
            span = Span(*(instant(date) for date in dates[:2])) if any(dates) else ALWAYS
            self._add(address, span)
        except ValueError as error:
            self.refused_count += 1
            if len(self.refused) < REFUSED_KEPT:
                self.refused.append(Refused(self.lines, str(error)))

    def _add(self, address: str, span: Span) -> None:
        if span.since is not None and span.until is not None and span.until <= span.since:
            raise ValueError("it ends before it begins")
        if address.endswith("*"):
            prefix = address[:-1].removeprefix("+")
            if not (prefix.isascii() and prefix.isdigit()) or prefix[0] == "0":
                raise ValueError("a prefix is digits with the calling code, and a * at the end")
            self.numbers.add_prefix(prefix, span)
            return
        digits = normalise(address, 0, self.calling_code)
        if digits is None:
            raise ValueError("not a number with its calling code")
        self.numbers.add(int(digits), span)


def _columns(lines: Iterable[str]) -> Iterator[str]:
    """The columns number, since and until of a CSV file, as lines of a list."""
    rows = csvs.DictReader(lines)
    names = {(name or "").strip().lower(): name for name in rows.fieldnames or ()}
    if "number" not in names:
        raise csvs.Error("the first line names no column `number`")
    wanted = [names[name] for name in ("number", "since", "until") if name in names]
    dates = [name in names for name in ("since", "until")]
    yield "number"
    for row in rows:
        fields = [(row[name] or "").strip() for name in wanted]
        if dates == [False, True]:
            fields.insert(1, "")
        yield ",".join(fields) if any(fields[1:]) else fields[0]


def instant(text: str) -> int | None:
    """The unix second of an ISO 8601 date or time, None for "". Raises ValueError."""
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("a date is written as 2026-03-01 or 2026-03-01T12:00:00Z") from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
