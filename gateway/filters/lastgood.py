"""The last good state of a list on disk, so that a restart does not need its source.

A file of pieces, each with its length before it: first what is known of the list as JSON, then the numbers.
`seal` and `unseal` are for whoever wants the pieces encrypted; they are as they come unless given.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from gateway.filters.numbersets import DamagedSet, NumberSet
from gateway.filters.suppression import ListKey

Seal = Callable[[bytes], bytes]
LENGTH = 4


class Kept(NamedTuple):
    """What was kept of a list: facts about its reading, and its numbers."""

    about: dict[str, Any]
    numbers: NumberSet


def place(state: Path, key: ListKey) -> Path:
    """Where a list is kept below the state directory."""
    name = sha256("\0".join((key.type, *key.scope, key.name)).encode()).hexdigest()[:24]
    return state / "lists" / f"{name}.list"


def save(path: Path, kept: Kept, seal: Seal = bytes) -> None:
    """Write it whole or not at all. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        for piece in (json.dumps(kept.about).encode(), *kept.numbers.stored()):
            sealed = seal(piece)
            file.write(len(sealed).to_bytes(LENGTH, "big") + sealed)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def load(path: Path, unseal: Seal = bytes) -> Kept | None:
    """What is kept, or None if nothing is. Raises DamagedSet, OSError."""
    try:
        with path.open("rb") as file:
            pieces = (unseal(piece) for piece in _pieces(file.read))
            about = json.loads(next(pieces, b""))
            numbers = NumberSet()
            for _ in numbers.load(pieces):
                pass
            return Kept(about, numbers)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise DamagedSet(f"{path}: {error}") from None


def _pieces(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while length := read(LENGTH):
        yield read(int.from_bytes(length, "big"))
