"""The keys of the store: versions of the one that encrypts, and the one by which numbers are found.

They live outside the database, in a file of their own or in the environment, as `NAME:BASE64` by lines or
spaces: `search` and the versions `1`, `2`, … The highest version encrypts; the others still open what they
have closed until everything is encrypted anew.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.settings.node import Node

OCTETS = 32
MOST = 255  # versions: one octet names them
SEARCH = "search"
HEADING = "# The keys of the gateway's store. Without this file nobody can read it: keep a copy elsewhere.\n"


class BadKeys(ValueError):
    """The text holds no keys, or not all that are needed."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """`search` never changes, so that what is stored under it stays found."""

    search: bytes
    versions: dict[int, bytes]

    @property
    def current(self) -> int:
        """The version that encrypts."""
        return max(self.versions)

    @property
    def fingerprint(self) -> int:
        """A number that tells these keys from others and nothing else; positive, of 62 bits."""
        digest = blake2b(key=self.search, digest_size=8, person=b"fingerprint").digest()
        return int.from_bytes(digest, "big") >> 2 or 1

    def rotated(self) -> Keyring:
        """With one version more."""
        if self.current == MOST:
            raise BadKeys(f"there are {MOST} versions: no more fit")
        return Keyring(self.search, {**self.versions, self.current + 1: os.urandom(OCTETS)})

    def text(self) -> str:
        """As it stands in a file."""
        named = {SEARCH: self.search, **{str(number): key for number, key in sorted(self.versions.items())}}
        return HEADING + "".join(f"{name}:{b64encode(key).decode()}\n" for name, key in named.items())


def new_keyring() -> Keyring:
    """Keys that nobody has had."""
    return Keyring(os.urandom(OCTETS), {1: os.urandom(OCTETS)})


def parse_keys(text: str) -> Keyring:
    """The keys of a text. Raises BadKeys, which never tells them."""
    named: dict[str, bytes] = {}
    lines = (line.partition("#")[0] for line in text.splitlines())
    for word in " ".join(lines).split():
        name, _, key = word.partition(":")
        try:
            octets = b64decode(key, validate=True)
        except ValueError:
            octets = b""
        known = name == SEARCH or (name.isascii() and name.isdigit() and 1 <= int(name) <= MOST)
        if not known or len(octets) != OCTETS:
            raise BadKeys(f"keys are {SEARCH}:BASE64 and 1:BASE64, 2:BASE64, … of {OCTETS} octets each")
        named[name] = octets
    search = named.pop(SEARCH, None)
    if search is None or not named:
        raise BadKeys(f"{SEARCH} and at least one version are wanted")
    return Keyring(search, {int(name): key for name, key in named.items()})


def keys_path(state: Path, file: Path | None) -> Path:
    """Where the file of the keys is, as gateway.yaml says: beside the state directory if it says nothing."""
    return file if file is not None else state.with_name(f"{state.name}.keys")


def read_keys(path: Path) -> Keyring | None:
    """The keys of a file; None if there is none. Raises BadKeys."""
    try:
        return parse_keys(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise BadKeys(f"{path} cannot be read: {error}") from None
    except BadKeys as error:
        raise BadKeys(f"{path}: {error}") from None


def write_keys(path: Path, keyring: Keyring) -> None:
    """Put keys into a file that only its owner reads, whole or not at all. Raises BadKeys."""
    beside = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(keyring.text())
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise BadKeys(f"{path} cannot be written: {error.strerror}") from None


def keys_of(node: Node, directory: Path) -> Keyring | None:
    """The keys of a node as they are now; None if there are none. Raises BadKeys."""
    given = node.encryption.keys
    if given is not None:
        return parse_keys(given.get_secret_value())
    return read_keys(keys_path((directory / node.state).resolve(), node.encryption.file))
