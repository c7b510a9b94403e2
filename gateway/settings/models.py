"""What the configuration says, as frozen values: all models in one place, and the generation of them.

Every key has its default and its meaning beside its model, and nowhere else: docs/configuration.md and
docs/schema/ are generated from there. Durations are floats of seconds. A secret is a SecretStr that holds a
scrypt hash or, when it came from the environment or a file, the secret itself (see secrets.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.settings.accounts import (
    Account,
    Accounts,
    Alphabet,
    BindType,
    Declaration,
    Rate,
    ReceiptStyle,
    Urgency,
)
from gateway.settings.carriers import (
    DEFAULT_RETRIES,
    AddressRange,
    Bind,
    Carrier,
    Carriers,
    IdRule,
    Ids,
    InterfaceVersion,
    Reconnect,
    Retry,
    RetryRule,
)
from gateway.settings.events import Breaker, Webhook
from gateway.settings.filters import Filters, Words
from gateway.settings.lists import NumberList
from gateway.settings.modes import FilterMode
from gateway.settings.node import (
    Alarms,
    Backlog,
    Limits,
    Listener,
    Logs,
    Mail,
    Multipart,
    Node,
    Retention,
    Section,
    Timers,
)
from gateway.settings.people import Capture, People, Program, Request, Tenant
from gateway.settings.routing import Match, Route, Routing
from gateway.settings.scalars import Category
from gateway.settings.tables import Tables

__all__ = [
    "DEFAULT_RETRIES",
    "FILES",
    "Account",
    "Accounts",
    "AddressRange",
    "Alarms",
    "Alphabet",
    "Backlog",
    "Bind",
    "BindType",
    "Breaker",
    "Capture",
    "Carrier",
    "Carriers",
    "Category",
    "Declaration",
    "FilterMode",
    "Filters",
    "Generation",
    "IdRule",
    "Ids",
    "InterfaceVersion",
    "Limits",
    "Listener",
    "Logs",
    "Mail",
    "Match",
    "Multipart",
    "Node",
    "NumberList",
    "People",
    "Place",
    "Program",
    "Rate",
    "ReceiptStyle",
    "Reconnect",
    "Request",
    "Retention",
    "Retry",
    "RetryRule",
    "Route",
    "Routing",
    "Section",
    "Tenant",
    "Timers",
    "Urgency",
    "Webhook",
    "Words",
]

FILES: Mapping[str, tuple[type[Section], bool]] = {
    "gateway.yaml": (Node, False),
    "accounts.yaml": (Accounts, True),
    "carriers.yaml": (Carriers, True),
    "routing.yaml": (Routing, True),
    "filters.yaml": (Filters, False),
    "people.yaml": (People, False),
}
"""The files of a configuration: the model of each, and whether it must be there."""

Place = tuple[str, int]
"""A file and a line in it."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One validated state of all configuration. Each decision uses one, and its record names the number."""

    number: int
    """Counts up with every change, from 1."""
    digest: str
    """SHA-256, in hex, of the files it was read from; equal digests mean the same text."""
    loaded_at: float
    """Unix seconds."""
    directory: Path
    node: Node
    accounts: Mapping[str, Account]
    """By system_id."""
    carriers: Mapping[str, Carrier]
    """By name."""
    routes: tuple[Route, ...]
    filters: Filters
    people: People = field(default_factory=People)
    routing: Routing | None = None
    """All of routing.yaml; None: nothing but `routes`."""
    tables: Tables = field(default_factory=Tables, repr=False)
    """What routing.yaml names in CSV."""
    places: Mapping[str, Place] = field(default_factory=dict, repr=False)
    """By dotted path: `routes[2].carriers`, `accounts.bank`, `gateway.timers`, `filters.words`."""
    warnings: tuple[str, ...] = ()
    texts: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)
    """Every file that was read, secrets left out; those beside gateway.yaml by their path from there."""

    def place(self, path: str) -> str:
        """`file:line` of a dotted path, or of the nearest thing around it; empty when there is none."""
        while path and path not in self.places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        if not path:
            return ""
        file, line = self.places[path]
        return f"{file}:{line}"
