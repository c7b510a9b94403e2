"""Rows for people: each column as wide as the widest that stands in it. No line is cut or wrapped, so what
goes to a file or to another program is whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from unicodedata import combining, east_asian_width

GAP = "  "
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def print_columns(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows below the names of their columns; None is nothing."""
    shown = [list(names), *([_text(value) for value in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = [text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True)]
        print(GAP.join(cells).rstrip())


def print_rows(found: Sequence[dict[str, object]], names: Sequence[str] = ()) -> None:
    """Print documents that have the same names, or those named; nothing where there are none."""
    if found:
        names = names or tuple(found[0])
        print_columns(names, ([row.get(name) for name in names] for row in found))


def _text(value: object) -> str:
    """A value on one line, without what would steer a terminal."""
    return "" if value is None else _CONTROL.sub(" ", str(value))


def _width(text: str) -> int:
    """Cells of a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
