"""What stands between rows and the disk: AES-256-GCM over the fields of a row that concern a person.

Each row has one blob: a mark, the version of its key, a nonce, the ciphertext. What the row is (its table and
its key) is authenticated with it, so that no ciphertext can be moved to another row. A nonce is six octets
drawn at the start of this process and a count of six: it comes twice only if two processes drew the same,
which after ten thousand starts has a chance of one in five million.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import blake2b
from itertools import count

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.settings.keys import Keyring
from gateway.store.rows import StoreUnavailable

WHOLE, BLANK = b"\xae", b"\xaf"
"""Marks of a blob: with a body, or with its body purged. A PDU begins with 0, the top of its length."""

MARKS = (WHOLE, BLANK)
TEXT = "sealed:"
FOUND = "#"
"""How a sealed text (`sealed:VERSION:BASE64`) and a number that is kept as its search key begin."""

NONCE = 12
HEAD = 2 + NONCE


class Damaged(StoreUnavailable):
    """A row cannot be opened: it was changed, or moved, or its key is not there."""


class Vault:
    """Seals and opens. Thread-safe: it only reads its keys, and a count is taken in one step."""

    def __init__(self, keyring: Keyring, *, sealing: bool = True) -> None:
        """Without `sealing` it only opens what was sealed: new rows are stored as they are."""
        self.sealing = sealing
        self.turned: Callable[[Keyring], None] = lambda keyring: None
        """Is told of other keys, before anything is sealed by them."""
        self.strict = False  # whether no row may be there as it is: all have been sealed
        self._prefix = os.urandom(6)
        self._count = count()
        self.turn(keyring)

    def turn(self, keyring: Keyring) -> None:
        """Go by these keys from now on."""
        self.keyring = keyring
        self.turned(keyring)
        self._ciphers = {number: AESGCM(key) for number, key in keyring.versions.items()}
        number = keyring.current
        self._encrypt = self._ciphers[number].encrypt
        self._marks = {mark: mark + bytes((number,)) for mark in MARKS}

    def seal(self, plain: bytes, place: bytes, mark: bytes = WHOLE) -> bytes:
        """The blob of the row at `place`: its table and key."""
        nonce = self._prefix + next(self._count).to_bytes(6, "big")
        return self._marks[mark] + nonce + self._encrypt(nonce, plain, place + mark)

    def open(self, blob: bytes, place: bytes) -> bytes:
        """What was sealed at this place. Raises Damaged."""
        cipher = self._ciphers.get(blob[1] if len(blob) > HEAD else 0)
        if cipher is None:
            version = f"key version {blob[1]}" if len(blob) > HEAD else "a part of it"
            raise Damaged(f"{_named(place)} cannot be read: {version} is not there")
        try:
            return cipher.decrypt(blob[2:HEAD], blob[HEAD:], place + blob[:1])
        except InvalidTag:
            raise Damaged(
                f"{_named(place)} cannot be read: it was changed or moved, or its key is another one"
            ) from None

    def refuse_plain(self, place: bytes) -> None:
        """Raises Damaged if a row that is not sealed must have been put there by somebody else."""
        if self.strict:
            raise Damaged(
                f"{_named(place)} cannot be read: it is not encrypted, as all rows are: not the gateway's"
            )

    def seal_text(self, plain: str, place: bytes) -> str:
        """As `seal`, for a column of text."""
        return f"{TEXT}{self.keyring.current}:{b64encode(self.seal(plain.encode(), place)).decode()}"

    def open_text(self, text: str, place: bytes) -> str:
        """As `open`, for what `seal_text` has made. Raises Damaged."""
        try:
            blob = b64decode(text.rpartition(":")[2], validate=True)
        except ValueError:
            blob = b""
        return self.open(blob, place).decode()

    def found_by(self, tenant: str, number: str) -> str:
        """By what the number of a tenant's is found: a keyed hash, another one for each tenant."""
        digest = blake2b(f"{tenant}\0{number}".encode(), digest_size=16, key=self.keyring.search).hexdigest()
        return FOUND + digest


def _named(place: bytes) -> str:
    """A place for people: what identifies rows of people is not told."""
    table, _, key = place.partition(b" ")
    return f"{table.decode()} {key.decode()}" if key.isdigit() else f"a row of {table.decode()}"
