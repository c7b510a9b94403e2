"""Lists of numbers from files and from the web, as people.yaml names them: read, and believed or not.

What is believed is kept on disk as the last good one. A file is read when the configuration is, and by
whoever refreshes the lists later; what is on the web is fetched by them alone.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.filters import lastgood
from gateway.filters.known import Known
from gateway.filters.lastgood import Kept
from gateway.filters.listfiles import ListFile, Refused
from gateway.filters.numbersets import DamagedSet, NumberSet, compare
from gateway.filters.suppression import ListKey, ListType, Scope, Suppressions
from gateway.settings.keys import BadKeys, Keyring, keys_of
from gateway.settings.models import Generation, Node, NumberList

FILE = "file:"
Stamp = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """One list as it is in force. `numbers` is None as long as it never could be read; `stamp` tells whether
    its source has changed, `read_at` (unix seconds) when it was read; `problem` why what the source says now
    is not in force, "" if it is.
    """

    settings: NumberList
    numbers: NumberSet | None = None
    stamp: Stamp = ()
    read_at: float = 0.0
    refused: tuple[Refused, ...] = ()
    refused_count: int = 0
    problem: str = ""

    @property
    def key(self) -> ListKey:
        """What the list is known by."""
        settings = self.settings
        scope = Scope(settings.tenant, settings.program, settings.category)
        return ListKey(ListType(settings.type), scope, FILE + settings.name)

    @property
    def remarks(self) -> Iterator[str]:
        """What an administrator should know."""
        if self.problem:
            yield f"list {self.settings.name}: {self.problem}"
        if self.refused_count:
            yield f"list {self.settings.name}: {self.refused_count} lines are not understood; {self.first}"

    @property
    def first(self) -> str:
        """The first line that was refused, and why."""
        return f"line {self.refused[0].line}: {self.refused[0].message}" if self.refused else ""


Lists = Mapping[ListKey, Listed]


def read_lists(generation: Generation, before: Lists) -> dict[ListKey, Listed]:
    """All lists; a file that has not changed is not read again. Raises ValueError for a file that cannot be
    read and of which nothing is kept.
    """
    found: dict[ListKey, Listed] = {}
    problems = []
    for index, entry in enumerate(generation.people.lists):
        fresh = Listed(entry)
        key = fresh.key
        place = generation.place(f"people.lists[{index}]")
        if key in found:
            problems.append(f"{place}: a list '{entry.name}' of this type and scope is already given above")
        elif key.scope != Scope() and not entry.tenant:
            problems.append(f"{place}: a program or a category is a tenant's")
        else:
            known = before.get(key)
            listed = replace(known, settings=entry) if known is not None else kept(fresh, generation.node)
            if entry.file is not None:
                listed = read_file(listed, entry.file, generation.loaded_at)
            if listed.numbers is None and entry.file is not None:
                problems.append(f"{place}: {listed.problem}")
            found[key] = listed
    if problems:
        raise ValueError("\n".join(problems))
    return found


def kept(listed: Listed, node: Node) -> Listed:
    """The list as it was kept on disk; nothing in it if nothing is kept."""
    try:
        path = lastgood.place(node.state, listed.key)
        found = lastgood.load(path, keys_of(node, Path())) if path.exists() else None
    except (OSError, DamagedSet, BadKeys) as error:
        return replace(listed, problem=f"the last good one cannot be read: {error}")
    if found is None:
        return listed
    about = found.about
    return replace(
        listed,
        numbers=found.numbers,
        stamp=tuple(about["stamp"]),
        read_at=about["read_at"],
        refused_count=about["refused"],
    )


def keep(listed: Listed, node: Node) -> None:
    """Keep a list on disk, encrypted as the store is. Raises OSError."""
    assert listed.numbers is not None
    about = {"stamp": listed.stamp, "read_at": listed.read_at, "refused": listed.refused_count}
    lastgood.save(lastgood.place(node.state, listed.key), Kept(about, listed.numbers), _sealing_keys(node))


def is_kept(listed: Listed, node: Node) -> bool:
    """Whether a list is on disk, encrypted by the newest key if there is any. Raises OSError."""
    keys = _sealing_keys(node)
    return lastgood.version(lastgood.place(node.state, listed.key)) == (0 if keys is None else keys.current)


def _sealing_keys(node: Node) -> Keyring | None:
    try:
        return keys_of(node, Path()) if node.encryption.mode == "on" else None
    except BadKeys as error:
        raise OSError(f"the keys of the store: {error}") from None


def read_file(listed: Listed, path: Path, now: float, *, accept_shrink: bool = False) -> Listed:
    """The list as the file says, if that has changed and is believed."""
    try:
        status = path.stat()
        stamp = str(path), str(status.st_mtime_ns), str(status.st_size), listed.settings.format
        if listed.numbers is not None and stamp == listed.stamp:
            return replace(listed, problem="")
        if status.st_size > listed.settings.largest:
            return replace(listed, problem=f"{path} is longer than {listed.settings.largest} octets")
        return taken(listed, path, stamp, now, accept_shrink=accept_shrink)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return replace(listed, problem=f"{path} cannot be read: {error}")


def taken(listed: Listed, path: Path, stamp: Stamp, now: float, *, accept_shrink: bool = False) -> Listed:
    """What a file says, if it is to be believed; else the list as it was, and why. Raises OSError,
    UnicodeDecodeError, csv.Error.
    """
    reading = ListFile(csv=listed.settings.format == "csv")
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for _ in reading.read(lines):
            pass
    problem = _doubt(listed, reading, accept_shrink)
    if problem:
        return replace(listed, problem=problem)
    return Listed(listed.settings, reading.numbers, stamp, now, tuple(reading.refused), reading.refused_count)


def _doubt(listed: Listed, reading: ListFile, accept_shrink: bool) -> str:
    """Why what was read is not taken, the list as it was staying in force."""
    if reading.refused_count > len(reading.numbers):
        first = f"line {reading.refused[0].line}: {reading.refused[0].message}"
        return f"not taken: most lines are not understood, {first}"
    if listed.numbers is None or accept_shrink:
        return ""
    difference = compare(listed.numbers, reading.numbers, listed.settings.shrink)
    return (
        f"not taken, the last good one stays in force: {difference.suspicion}" if difference.suspicion else ""
    )


def put_in_force(lists: Lists, known: Known) -> Iterator[str]:
    """Put lists in the place of those before; yields what an administrator should know."""
    acting = {key: listed for key, listed in lists.items() if listed.settings.mode == "enforce"}
    shadows = {key: listed for key, listed in lists.items() if key not in acting}
    _put(acting, known.suppressions)
    _put(shadows, known.shadowed)
    known.suppressions.unread = frozenset(
        key for key, listed in acting.items() if listed.numbers is None and listed.settings.unread == "wait"
    )
    for listed in lists.values():
        yield from listed.remarks


def _put(lists: Lists, suppressions: Suppressions) -> None:
    gone = [key for key in suppressions.lists if key.name.startswith(FILE) and key not in lists]
    for key in gone:
        suppressions.drop(key)
    for key, listed in lists.items():
        if listed.numbers is not None and suppressions.lists.get(key) is not listed.numbers:
            suppressions.put(key, listed.numbers)
