"""Apache Parquet, as little of it as tables of whole numbers and texts want: optional columns, plain values,
one gzipped page for each column of a group of rows.

Written here since the library that is usual for it has forty megabytes, and this has a hundred lines. What is
what stands in parquet.thrift of the format; numbers are those of its enumerations.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from itertools import groupby
from typing import BinaryIO, NamedTuple

MAGIC = b"PAR1"
INT64, BYTE_ARRAY = 2, 6
OPTIONAL, UTF8, PLAIN, RLE, GZIP, DATA_PAGE = 1, 0, 0, 3, 2, 0
I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12  # types of thrift's compact protocol
GROUP = 20_000
"""Rows that are held in memory before they are written."""

Field = tuple[int, int, object]
"""Of a thrift struct: its id, its type, its value; of a list the value is (type, items)."""

Value = int | str | None


class Column(NamedTuple):
    """A column: whole numbers of 64 bits, or texts."""

    name: str
    whole: bool


class Table:
    """A file that grows by rows; it can be read when it is closed."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], *, group: int = GROUP) -> None:
        self._file = file
        self._columns = columns
        self._group = group
        self._rows: list[Sequence[Value]] = []
        self._groups: list[object] = []
        self._count = 0
        self._at = file.write(MAGIC)

    def add(self, row: Sequence[Value]) -> None:
        """Add a row."""
        self._rows.append(row)
        if len(self._rows) >= self._group:
            self._flush()

    def close(self) -> None:
        """Write what is left, and what is where."""
        self._flush()
        root: list[Field] = [(4, BINARY, b"record"), (5, I32, len(self._columns))]
        schema: list[object] = [root, *map(_element, self._columns)]
        footer = _struct(
            [
                (1, I32, 1),
                (2, LIST, (STRUCT, schema)),
                (3, I64, self._count),
                (4, LIST, (STRUCT, self._groups)),
                (6, BINARY, b"SMPP compliance gateway"),
            ]
        )
        self._file.write(footer + len(footer).to_bytes(4, "little") + MAGIC)

    def _flush(self) -> None:
        rows, self._rows = self._rows, []
        if not rows:
            return
        chunks: list[object] = []
        total = 0
        for column, values in zip(self._columns, zip(*rows, strict=True), strict=True):
            start = self._at
            page = _page(column, values)
            packed = gzip.compress(page, 6, mtime=0)
            header = _header(len(page), len(packed), len(values))
            self._at += self._file.write(header + packed)
            total += len(header) + len(page)
            meta: list[Field] = [
                (1, I32, INT64 if column.whole else BYTE_ARRAY),
                (2, LIST, (I32, [PLAIN, RLE])),
                (3, LIST, (BINARY, [column.name.encode()])),
                (4, I32, GZIP),
                (5, I64, len(values)),
                (6, I64, len(header) + len(page)),
                (7, I64, self._at - start),
                (9, I64, start),
            ]
            chunks.append([(2, I64, start), (3, STRUCT, meta)])
        self._groups.append([(1, LIST, (STRUCT, chunks)), (2, I64, total), (3, I64, len(rows))])
        self._count += len(rows)


def _element(column: Column) -> list[Field]:
    kind: list[Field] = [(1, I32, INT64 if column.whole else BYTE_ARRAY), (3, I32, OPTIONAL)]
    return [*kind, (4, BINARY, column.name.encode()), *([] if column.whole else [(6, I32, UTF8)])]


def _page(column: Column, values: Sequence[Value]) -> bytes:
    """Which values are there, as runs, and those that are."""
    levels = b"".join(
        _varint(sum(1 for _ in run) << 1) + bytes((there,))
        for there, run in groupby(values, lambda value: value is not None)
    )
    there = [value for value in values if value is not None]
    if column.whole:
        plain = b"".join(int(value).to_bytes(8, "little", signed=True) for value in there)
    else:
        octets = [str(value).encode() for value in there]
        plain = b"".join(len(each).to_bytes(4, "little") + each for each in octets)
    return len(levels).to_bytes(4, "little") + levels + plain


def _header(size: int, packed: int, values: int) -> bytes:
    page: list[Field] = [(1, I32, values), (2, I32, PLAIN), (3, I32, RLE), (4, I32, RLE)]
    return _struct([(1, I32, DATA_PAGE), (2, I32, size), (3, I32, packed), (5, STRUCT, page)])


# thrift's compact protocol


def _struct(fields: Sequence[Field]) -> bytes:
    written, last = b"", 0
    for number, kind, value in fields:
        written += bytes(((number - last) << 4 | kind,)) + _value(kind, value)
        last = number
    return written + b"\0"


def _value(kind: int, value: object) -> bytes:
    if isinstance(value, int):
        return _varint(value << 1)  # zigzag: none of them is negative
    if isinstance(value, bytes):
        return _varint(len(value)) + value
    if isinstance(value, tuple):
        of, items = value
        head = (
            bytes((len(items) << 4 | of,)) if len(items) < 15 else bytes((0xF0 | of,)) + _varint(len(items))
        )
        return head + b"".join(_value(of, item) for item in items)
    assert kind == STRUCT
    assert isinstance(value, list)
    return _struct(value)


def _varint(number: int) -> bytes:
    octets = bytearray()
    while number >= 0x80:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)
