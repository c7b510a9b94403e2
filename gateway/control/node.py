"""What the control endpoint needs of a node."""

from __future__ import annotations

from typing import Any, Protocol

from gateway.relay.node import Relay
from gateway.settings.models import Generation
from gateway.store.engine import Store


class Node(Protocol):
    """A running gateway. `problems` are those of a configuration that was not taken."""

    relay: Relay
    store: Store
    ready: bool
    problems: tuple[str, ...]

    @property
    def generation(self) -> Generation:
        """The generation in force."""

    async def reload(self, by: str) -> tuple[str, ...]:
        """Read the configuration anew, as `by` wants; the problems if it was not taken."""

    async def purge(self, *, dry: bool = False, by: str = ...) -> dict[str, Any]:
        """Do away with what is past its retention; what and how much."""

    async def turn_keys(self, by: str) -> int:
        """Read the keys of the store anew, and seal everything by the newest; its version."""

    async def rollback(self, number: int, by: str) -> tuple[str, ...] | None:
        """Put the texts of an earlier generation in force; the problems if they were not taken, None if
        there is no such generation.
        """
