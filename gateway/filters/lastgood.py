"""The last good state of a list on disk, so that a restart does not need its source.

A file of pieces, each with its length before it: first what is known of the list as JSON, then the numbers.
With keys each piece is encrypted by itself, bound to its list and its place in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.filters.numbersets import DamagedSet, NumberSet
from gateway.filters.suppression import ListKey
from gateway.settings.keys import Keyring

LENGTH = 4
MARK = b"\xae"
"""How an encrypted piece begins: this, the version of its key, a nonce. A plain file begins with `{`."""

NONCE = 12
HEAD = 2 + NONCE


class Kept(NamedTuple):
    """What was kept of a list: facts about its reading, and its numbers."""

    about: dict[str, Any]
    numbers: NumberSet


def place(state: Path, key: ListKey) -> Path:
    """Where a list is kept below the state directory."""
    name = sha256("\0".join((key.type, *key.scope, key.name)).encode()).hexdigest()[:24]
    return state / "lists" / f"{name}.list"


def save(path: Path, kept: Kept, keyring: Keyring | None = None) -> None:
    """Write it whole or not at all, encrypted if there are keys. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        for index, piece in enumerate((json.dumps(kept.about).encode(), *kept.numbers.stored())):
            sealed = piece if keyring is None else _seal(keyring, piece, _bound(path, index))
            file.write(len(sealed).to_bytes(LENGTH, "big") + sealed)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def load(path: Path, keyring: Keyring | None = None) -> Kept | None:
    """What is kept, or None if nothing is. Raises DamagedSet, OSError."""
    try:
        with path.open("rb") as file:
            pieces = _opened(path, _pieces(file.read), keyring)
            about = json.loads(next(pieces, b""))
            numbers = NumberSet()
            for _ in numbers.load(pieces):
                pass
            return Kept(about, numbers)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise DamagedSet(f"{path}: {error}") from None


def version(path: Path) -> int | None:
    """By which version of the keys a list is encrypted, 0 if by none; None if nothing is kept. Raises
    OSError.
    """
    try:
        with path.open("rb") as file:
            head = file.read(LENGTH + 2)[LENGTH:]
    except FileNotFoundError:
        return None
    return head[1] if head[:1] == MARK and len(head) == 2 else 0


def _opened(path: Path, pieces: Iterator[bytes], keyring: Keyring | None) -> Iterator[bytes]:
    sealed = False
    for index, piece in enumerate(pieces):
        sealed = sealed or (index == 0 and piece[:1] == MARK)
        yield _open(keyring, piece, _bound(path, index)) if sealed else piece


def _bound(path: Path, index: int) -> bytes:
    return f"{path.name} {index}".encode()


def _seal(keyring: Keyring, piece: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(NONCE)
    cipher = AESGCM(keyring.versions[keyring.current])
    return MARK + bytes((keyring.current,)) + nonce + cipher.encrypt(nonce, piece, bound)


def _open(keyring: Keyring | None, piece: bytes, bound: bytes) -> bytes:
    """A piece as it was. Raises ValueError."""
    key = None if keyring is None or len(piece) <= HEAD else keyring.versions.get(piece[1])
    if key is None:
        raise ValueError("its key is not there")
    try:
        return AESGCM(key).decrypt(piece[2:HEAD], piece[HEAD:], bound)
    except InvalidTag:
        raise ValueError("it was changed or moved, or its key is another one") from None


def _pieces(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while length := read(LENGTH):
        yield read(int.from_bytes(length, "big"))
