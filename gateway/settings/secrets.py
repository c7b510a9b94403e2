"""Secrets from outside the configuration, and the hashes that may stand inside it.

A password of a client stands as `scrypt$n$r$p$salt$hash` (salt and hash in base64). SMPP passwords have at
most eight characters and a legacy system binds often, so n is 2**12, about 16 ms; generate the passwords and
name the networks. `python -m gateway.settings.secrets` asks for a password and prints its hash.
"""

from __future__ import annotations

import getpass
import hashlib
import hmac
import os
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, SecretStr, ValidationInfo, WithJsonSchema

from gateway.settings.keys import parse_keys
from gateway.settings.scalars import Revealed, nearest

REFERENCE = re.compile(r"\$\{([^}]*)\}")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LONGEST_PASSWORD = 8
SHORTEST_KEY = 16
KEY_PREFIX = "whsec_"
COST, BLOCKS, LANES = 2**12, 8, 1
MOST_MEMORY = 256 * 2**20


class Hash(NamedTuple):
    """The parts of a `scrypt$...` text."""

    n: int
    r: int
    p: int
    salt: bytes
    digest: bytes


def reveal(text: str, environ: Mapping[str, str], directory: Path, home: Path | None = None) -> str:
    """Put the environment's `${NAME}` and the secret file's `${file:PATH}` in their places.

    Paths are relative to `directory`, those that lead out of it to `home`; one line end at the end of a
    secret file does not belong to the secret.
    Raises ValueError, with a sentence for the administrator, when one is not there.
    """
    if "${" not in text:
        return text

    def value(reference: re.Match[str]) -> str:
        name = reference[1]
        if name.startswith("file:"):
            path = Path(name[len("file:") :].strip())
            return _secret_file((home if home and path.parts[:1] == ("..",) else directory) / path)
        if not NAME.fullmatch(name):
            raise ValueError(f"${{{name}}} is neither ${{NAME}} nor ${{file:PATH}}")
        if name not in environ:
            raise ValueError(f"the environment has no {name}{nearest(name, environ)}")
        return environ[name]

    return Revealed(REFERENCE.sub(value, text))


def _secret_file(path: Path) -> str:
    try:
        return path.read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise ValueError(f"secret file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"secret file {path} is not UTF-8 text") from None


def outside_secret(value: object, info: ValidationInfo) -> object:
    """In a file a secret comes from the environment or a secret file."""
    if info.context and not isinstance(value, Revealed):
        raise ValueError("a secret must not stand here in plain text: use ${NAME} or ${file:PATH}")
    return value


def outside_password(value: object, info: ValidationInfo) -> object:
    """A secret that fits a bind."""
    outside_secret(value, info)
    if isinstance(value, str) and not 0 < len(value) <= LONGEST_PASSWORD:
        raise ValueError(f"has {len(value)} characters; an SMPP password has 1 to {LONGEST_PASSWORD}")
    return value


def signing_key(value: object, info: ValidationInfo) -> object:
    """As `outside_secret`; long enough that nobody guesses it."""
    if isinstance(value, str) and (not info.context or isinstance(value, Revealed)):
        key_of(value)
    return outside_secret(value, info)


def key_of(secret: str) -> bytes:
    """The octets of a signing key. Raises ValueError for one that is too short, or no base64."""
    if secret.startswith(KEY_PREFIX):
        try:
            key = b64decode(secret[len(KEY_PREFIX) :], validate=True)
        except ValueError:
            raise ValueError(f"a key that begins with {KEY_PREFIX} goes on in base64") from None
    else:
        key = secret.encode()
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"a key of {len(key)} octets is guessed: it needs {SHORTEST_KEY} or more")
    return key


def outside_keys(value: object, info: ValidationInfo) -> object:
    """The keys of the store come from the environment or a secret file."""
    if info.context and not isinstance(value, Revealed):
        raise ValueError("keys must not stand here in plain text: use ${NAME} or ${file:PATH}")
    parse_keys(str(value))
    return value


def hashed_password(value: object, info: ValidationInfo) -> object:
    """As `outside_password`; a hash may stand in the file itself."""
    if isinstance(value, str) and is_hash(value):
        parse_hash(value)
        return value
    if info.context and not isinstance(value, Revealed):
        raise ValueError("a password must not stand here in plain text: use a hash, ${NAME} or ${file:PATH}")
    return outside_password(value, info)


def hash_password(password: str, salt: bytes | None = None) -> str:
    """The text that may stand in a file instead of `password`; a fresh salt unless one is given."""
    salt = salt if salt is not None else secrets.token_bytes(16)
    digest = _scrypt(password, Hash(COST, BLOCKS, LANES, salt, bytes(32)))
    return f"scrypt${COST}${BLOCKS}${LANES}${b64encode(salt).decode()}${b64encode(digest).decode()}"


def is_hash(text: str) -> bool:
    """Whether `text` means a hash and not the secret itself."""
    return text.startswith("scrypt$")


def parse_hash(text: str) -> Hash:
    """The parts of a hash. Raises ValueError when it is none, or would cost too much to verify."""
    try:
        scheme, n, r, p, salt, digest = text.split("$")
        parts = Hash(int(n), int(r), int(p), b64decode(salt, validate=True), b64decode(digest, validate=True))
    except ValueError:
        raise ValueError("not a hash of the form scrypt$n$r$p$salt$hash") from None
    cheap = 128 * parts.n * parts.r <= MOST_MEMORY and 1 <= parts.p <= 16
    if scheme != "scrypt" or parts.n < 2 or parts.n & (parts.n - 1) or parts.r < 1 or not cheap:
        raise ValueError("a scrypt hash needs n a power of two, r and p of at least 1, and at most 256 MiB")
    if not parts.salt or not parts.digest:
        raise ValueError("not a hash of the form scrypt$n$r$p$salt$hash")
    return parts


def verify(password: str, stored: str) -> bool:
    """Whether `password` is the one that `stored` (a hash, or the secret itself) stands for.

    A hash takes 16 ms of one core or more: call it outside the reactor.
    """
    if is_hash(stored):
        parts = parse_hash(stored)
        return hmac.compare_digest(_scrypt(password, parts), parts.digest)
    return hmac.compare_digest(password.encode(), stored.encode())


def _scrypt(password: str, parts: Hash) -> bytes:
    return hashlib.scrypt(
        password.encode(),
        salt=parts.salt,
        n=parts.n,
        r=parts.r,
        p=parts.p,
        dklen=len(parts.digest),
        maxmem=2 * MOST_MEMORY,
    )


class Remembered:
    """Verified passwords, as HMACs under a key of this process, so that a reconnect costs 4 microseconds.

    What is remembered holds for one stored secret: with a new one it no longer fits.
    """

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._proofs: dict[str, bytes] = {}

    def knows(self, system_id: str, password: str, stored: str) -> bool:
        """Whether this very password was verified before; False means only that it must be verified."""
        proof = self._proofs.get(system_id)
        return proof is not None and hmac.compare_digest(proof, self._proof(password, stored))

    def remember(self, system_id: str, password: str, stored: str) -> None:
        """Note that `verify` said yes."""
        self._proofs[system_id] = self._proof(password, stored)

    def _proof(self, password: str, stored: str) -> bytes:
        return hmac.digest(self._key, f"{len(stored)}:{stored}{password}".encode(), "sha256")


Password = Annotated[
    SecretStr,
    BeforeValidator(outside_password),
    WithJsonSchema({"type": "string", "pattern": r"\$\{[^}]+\}"}),
]
"""The secret itself, from outside the configuration."""

Secret = Annotated[
    SecretStr,
    BeforeValidator(outside_secret),
    WithJsonSchema({"type": "string", "pattern": r"\$\{[^}]+\}"}),
]
"""A secret of any length that is no password of a bind."""

SigningKey = Annotated[
    SecretStr,
    BeforeValidator(signing_key),
    WithJsonSchema({"type": "string", "pattern": r"\$\{[^}]+\}"}),
]
"""The key of a signature, from outside the configuration; `key_of` makes octets of it."""

StoreKeys = Annotated[
    SecretStr,
    BeforeValidator(outside_keys),
    WithJsonSchema({"type": "string", "pattern": r"\$\{[^}]+\}"}),
]
"""The keys of the store, from outside the configuration."""

HashedPassword = Annotated[
    SecretStr,
    BeforeValidator(hashed_password),
    WithJsonSchema({"type": "string", "pattern": r"^scrypt\$|\$\{[^}]+\}"}),
]
"""A scrypt hash, or the secret itself from outside the configuration; `verify` takes either."""


if __name__ == "__main__":
    print(hash_password(getpass.getpass("password: ")))
