"""Lists of numbers in files, as people.yaml names them: read beside the traffic, put in force at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.filters.listfiles import ListFile
from gateway.filters.numbersets import NumberSet, compare
from gateway.filters.suppression import ListKey, ListType, Scope, Suppressions
from gateway.settings.models import Generation

FILE = "file:"


@dataclass(frozen=True, slots=True)
class Listed:
    """One file as it was read. `stamp` is its time of change and its size; `refused` how many lines were not
    understood, and `first` what was wrong with the first of them.
    """

    path: Path
    stamp: tuple[int, int]
    numbers: NumberSet
    refused: int
    first: str


Lists = Mapping[ListKey, Listed]


def read_lists(generation: Generation, before: Lists) -> dict[ListKey, Listed]:
    """All files; one that has not changed is not read again. Raises ValueError for what cannot be read."""
    found: dict[ListKey, Listed] = {}
    problems = []
    for index, entry in enumerate(generation.people.lists):
        key = ListKey(
            ListType(entry.type), Scope(entry.tenant, entry.program, entry.category), FILE + entry.name
        )
        place = generation.place(f"people.lists[{index}]")
        if key in found:
            problems.append(f"{place}: a list '{entry.name}' of this type and scope is already given above")
        elif key.scope != Scope() and not entry.tenant:
            problems.append(f"{place}: a program or a category is a tenant's")
        else:
            try:
                found[key] = _read(entry.file, before.get(key))
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"{place}: {entry.file} cannot be read: {error}")
    if problems:
        raise ValueError("\n".join(problems))
    return found


def _read(path: Path, before: Listed | None) -> Listed:
    status = path.stat()
    stamp = status.st_mtime_ns, status.st_size
    if before is not None and (before.path, before.stamp) == (path, stamp):
        return before
    reading = ListFile()
    with path.open(encoding="utf-8-sig") as lines:
        for _ in reading.read(lines):
            pass
    first = f"line {reading.refused[0].line}: {reading.refused[0].message}" if reading.refused else ""
    return Listed(path, stamp, reading.numbers, reading.refused_count, first)


def put_in_force(lists: Lists, suppressions: Suppressions) -> Iterator[str]:
    """Put lists in the place of those from files before; yields what an administrator should know.

    A list that shrank suspiciously is not taken: the last good one stays.
    """
    for key in [key for key in suppressions.lists() if key.name.startswith(FILE) and key not in lists]:
        suppressions.drop(key)
    for key, listed in lists.items():
        held = suppressions.lists().get(key)
        if held is listed.numbers:
            continue
        if listed.refused:
            yield f"{listed.path}: {listed.refused} lines are not understood; {listed.first}"
        suspicion = compare(held, listed.numbers).suspicion if held is not None else ""
        if suspicion:
            yield f"{listed.path} is not taken, the list as it was stays in force: {suspicion}"
        else:
            suppressions.put(key, listed.numbers)
