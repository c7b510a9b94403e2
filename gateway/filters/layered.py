"""What stands under each of very many keys, where each version differs from the one before in few of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from gateway.filters.unhurried import looked_at, unhurried

V = TypeVar("V")

MERGED_AT = 8
"""Keys of the shared layer for each that is different, at which the two become one."""


class Layered(Generic[V]):
    """Values by key: a layer that is shared with other versions and never changes, and what is different in
    this one. To copy hundreds of thousands of keys for each edit would hold the interpreter for tens of
    milliseconds.
    """

    __slots__ = ("_own", "_shared")

    def __init__(
        self, shared: dict[str, tuple[V, ...]] | None = None, own: dict[str, tuple[V, ...]] | None = None
    ) -> None:
        self._shared = {} if shared is None else shared
        self._own = {} if own is None else own
        """`()` for what stands there no more."""

    def get(self, key: str) -> tuple[V, ...]:
        """What stands under a key, () for nothing."""
        own = self._own.get(key)
        return self._shared.get(key, ()) if own is None else own

    def put(self, key: str, values: tuple[V, ...]) -> None:
        """Let this stand under a key."""
        self._own[key] = values

    def __contains__(self, key: str) -> bool:
        return bool(self.get(key))

    def __iter__(self) -> Iterator[str]:
        own = self._own
        yield from (key for key, values in own.items() if values)
        yield from (key for key in self._shared if key not in own)

    def next(self) -> Layered[V]:
        """The next version, to be changed."""
        merged = self.merged()
        return Layered(merged._shared, merged._own.copy())

    def merged(self) -> Layered[V]:
        """The same in one layer, if much is different: key by key, so that nothing waits for it."""
        if len(self._own) * MERGED_AT <= len(self._shared):
            return self
        return Layered(looked_at({key: self.get(key) for key in unhurried(self)}))

    def pieces(self) -> Iterator[Iterable[object]]:
        """All the small things that it is made of."""
        for layer in (self._shared, self._own):
            yield layer
            yield layer.values()
