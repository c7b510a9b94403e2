"""The keys of a store as its configuration names them, and whether they are those that it was sealed with."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from gateway.settings.keys import BadKeys, Keyring, keys_of, keys_path, new_keyring, write_keys
from gateway.settings.node import Node
from gateway.store.queries import get_counter
from gateway.store.rows import StoreUnavailable
from gateway.store.vault import Vault

SEALED = "sealed"
"""The counter of the key version that all rows have, and one more; 1: they are stored as they are."""

KEYS = "keys"
"""The counter that holds the fingerprint of the keys by which anything in the store is sealed."""


class Keys(NamedTuple):
    """What a node opens its store with: no vault where nothing is or was sealed. `file` is where the keys
    are; None if they come from outside. `fresh` keys are on no disk yet.
    """

    vault: Vault | None
    file: Path | None
    fresh: bool = False


def where(node: Node, directory: Path) -> Path:
    """The file of the keys of the configuration in `directory`."""
    return keys_path((directory / node.state).resolve(), node.encryption.file)


def keyring_of(node: Node, directory: Path) -> Keyring | None:
    """The keys as they are now; None if there are none. Raises StoreUnavailable."""
    try:
        return keys_of(node, directory)
    except BadKeys as error:
        raise StoreUnavailable(f"the keys of the store: {error}") from None


def keys_for(node: Node, directory: Path) -> Keys:
    """For a node that starts; new keys where there are none. Raises StoreUnavailable."""
    keyring = keyring_of(node, directory)
    sealing = node.encryption.mode == "on"
    file = where(node, directory) if node.encryption.keys is None else None
    if keyring is not None:
        return Keys(Vault(keyring, sealing=sealing), file)
    return Keys(Vault(new_keyring()), file, fresh=True) if sealing else Keys(None, file)


def check(connection: Connection, keys: Keys) -> bool:
    """Whether the store says yet by which keys it is sealed. Raises StoreUnavailable if by others."""
    kept = get_counter(connection, KEYS)
    if kept and (keys.vault is None or keys.fresh):
        raise StoreUnavailable(
            f"this store is encrypted, and its keys are not there: put {keys.file or 'them'} back"
        )
    if kept and keys.vault is not None and kept != keys.vault.keyring.fingerprint:
        raise StoreUnavailable(
            f"this store is encrypted by other keys than {keys.file or 'those given'} holds"
        )
    return bool(kept)


def keep_fresh(keys: Keys) -> None:
    """Put fresh keys where they belong, before anything is sealed. Raises StoreUnavailable."""
    assert keys.vault is not None
    assert keys.file is not None
    try:
        write_keys(keys.file, keys.vault.keyring)
    except BadKeys as error:
        raise StoreUnavailable(
            f"the keys of the store: {error}; encryption.file of gateway.yaml names another place"
        ) from None


def reader_vault(node: Node, directory: Path) -> Vault | None:
    """What opens the store for who reads it beside the node. Raises StoreUnavailable."""
    keyring = keyring_of(node, directory)
    return None if keyring is None else Vault(keyring, sealing=False)


def wholly_sealed(connection: Connection) -> bool:
    """Whether no row may be there as it is."""
    return get_counter(connection, SEALED) > 1
