"""A reader of the Parquet that the gateway writes, made from the description of the format alone."""

import gzip
from typing import Any


class Octets:
    """Thrift's compact protocol, read from a place on."""

    def __init__(self, octets: bytes, at: int) -> None:
        self.octets = octets
        self.at = at

    def byte(self) -> int:
        self.at += 1
        return self.octets[self.at - 1]

    def varint(self) -> int:
        number = shift = 0
        while True:
            octet = self.byte()
            number |= (octet & 0x7F) << shift
            shift += 7
            if octet < 0x80:
                return number

    def value(self, kind: int) -> Any:
        if kind in (3, 4, 5, 6):
            number = self.varint()
            return (number >> 1) ^ -(number & 1)
        if kind == 8:
            length = self.varint()
            self.at += length
            return self.octets[self.at - length : self.at]
        if kind == 9:
            head = self.byte()
            size = head >> 4 if head >> 4 < 15 else self.varint()
            return [self.value(head & 15) for _ in range(size)]
        assert kind == 12, kind
        return self.struct()

    def struct(self) -> dict[int, Any]:
        found: dict[int, Any] = {}
        last = 0
        while head := self.byte():
            assert head >> 4
            last += head >> 4
            found[last] = self.value(head & 15)
        return found


def read_parquet(octets: bytes) -> tuple[list[str], list[list[Any]]]:
    """The names of the columns, and all rows."""
    assert octets[:4] == octets[-4:] == b"PAR1"
    length = int.from_bytes(octets[-8:-4], "little")
    footer = Octets(octets, len(octets) - 8 - length).struct()
    root, *columns = footer[2]
    assert root[5] == len(columns)
    rows: list[list[Any]] = []
    for group in footer[4]:
        read = [_chunk(octets, column, chunk[3]) for column, chunk in zip(columns, group[1], strict=True)]
        assert {len(values) for values in read} == {group[3]}
        rows += map(list, zip(*read, strict=True))
    assert len(rows) == footer[3]
    return [column[4].decode() for column in columns], rows


def _chunk(octets: bytes, column: dict[int, Any], meta: dict[int, Any]) -> list[Any]:
    assert (meta[1], meta[3], meta[4]) == (column[1], [column[4]], 2)
    reader = Octets(octets, meta[9])
    header = reader.struct()
    packed = octets[reader.at : reader.at + header[3]]
    assert reader.at + header[3] - meta[9] == meta[7]
    page = gzip.decompress(packed)
    assert len(page) == header[2]
    end = 4 + int.from_bytes(page[:4], "little")
    levels, runs = Octets(page, 4), []
    while levels.at < end:
        run = levels.varint()
        assert not run & 1
        runs += [levels.byte()] * (run >> 1)
    assert len(runs) == header[5][1] == meta[5]
    at, values = end, []
    for there in runs:
        size = 8 if column[1] == 2 else 4
        head = page[at : at + size]
        if not there:
            values.append(None)
        elif column[1] == 2:
            values.append(int.from_bytes(head, "little", signed=True))
            at += 8
        else:
            at += 4 + int.from_bytes(head, "little")
            values.append(page[at - int.from_bytes(head, "little") : at].decode())
    assert at == len(page)
    return values
