"""Tables that an admin keeps as CSV: the first line names the columns, `#` begins a comment, and what is
wrong is told with line and column. No field holds a comma, so none is quoted.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gateway.settings.scalars import nearest
from gateway.settings.yaml import Mark

STEP = 500
"""Lines read before other threads have their turn: a millisecond or less."""

MOST_FAULTS = 100
"""Faults told of one file; the others are left for the next time."""


class CsvFault(NamedTuple):
    """Something wrong at a position of a table."""

    mark: Mark
    message: str


class Refused(Exception):
    """A field that is not what its column holds."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(message)
        self.column = column


Take = Callable[[list[str], int], None]
"""Gets the fields of a line in the order of the columns, and the number of the line; raises Refused."""


def read_csv(octets: bytes, columns: Sequence[str], needed: int, take: Take) -> list[CsvFault]:
    """Read all lines; the first `needed` columns must be there, the others may be left out."""
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = octets[: error.start]
        mark = Mark(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        return [CsvFault(mark, "not UTF-8 text")]
    faults: list[CsvFault] = []
    order: list[int] | None = None
    plain = False
    for number, line in enumerate(io.StringIO(text), 1):
        if number % STEP == 0:
            time.sleep(0)  # lets go of the interpreter
        if line[0] == "#" or line.isspace():
            continue
        fields = [field.strip() for field in line.split(",")]
        if order is None:
            order = _heading(fields, columns, needed, number, faults)
            if faults:
                return faults
            plain = order == list(range(len(columns)))
            continue
        given = fields if plain else [fields[at] if 0 <= at < len(fields) else "" for at in order]
        given += [""] * (len(columns) - len(given))
        try:
            if len(fields) > len([at for at in order if at >= 0]):
                raise Refused(len(order), "there are more fields than columns")
            take(given, number)
        except Refused as refused:
            at = order[refused.column] if refused.column < len(order) else len(order)
            faults.append(CsvFault(Mark(number, _column(line, at)), str(refused)))
            if len(faults) >= MOST_FAULTS:
                break
    if order is None:
        faults.append(CsvFault(Mark(1, 1), f"the first line must name the columns: {','.join(columns)}"))
    return faults


def _heading(
    fields: list[str], columns: Sequence[str], needed: int, line: int, faults: list[CsvFault]
) -> list[int]:
    """Where each column stands in a line, -1 for one that is left out."""
    names = [field.lower() for field in fields]
    text = ",".join(fields)
    for at, name in enumerate(names):
        if name not in columns:
            hint = nearest(name, columns)
            known = ", ".join(columns)
            faults.append(
                CsvFault(
                    Mark(line, _column(text, at)), f"unknown column '{name}'{hint}: the columns are {known}"
                )
            )
        elif name in names[:at]:
            faults.append(CsvFault(Mark(line, _column(text, at)), f"column '{name}' is named twice"))
    if not faults:
        faults += [
            CsvFault(Mark(line, 1), f"column '{name}' is missing")
            for name in columns[:needed]
            if name not in names
        ]
    return [names.index(name) if name in names else -1 for name in columns]


def _column(line: str, at: int) -> int:
    """Where the field `at` of a line begins, counted from 1."""
    fields = line.rstrip("\n").split(",")
    before = sum(len(field) + 1 for field in fields[:at])
    field = fields[at] if 0 <= at < len(fields) else ""
    return max(1, before + 1 + len(field) - len(field.lstrip())) if at >= 0 else 1
