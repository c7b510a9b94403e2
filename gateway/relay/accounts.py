"""The accounts: what belongs to a client's system_id and not to one of its connections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.filters.category import Categories
from gateway.relay.bucket import Bucket
from gateway.relay.clocks import Clocks
from gateway.relay.counters import Counts, Latency
from gateway.relay.duplicates import Duplicates
from gateway.relay.outbox import Outbox
from gateway.settings.models import Account as AccountSettings
from gateway.smpp.concat import Part
from gateway.smpp.stencils import Said
from gateway.store.rows import State

if TYPE_CHECKING:
    from gateway.relay.client import Client


ENDED = {state: f"ended:{state.name}" for state in State}
"""How an account counts the ends of its messages."""


@dataclass(frozen=True, slots=True)
class Alike:
    """What those submits of an account mean that are of one stencil and name no time; they are `valid` for
    so many milliseconds.
    """

    said: Said
    category: str
    valid: int
    part: Part | None
    text: str | None
    others: tuple[str, ...]


class Account:
    """One account: its sessions, its rate, its outbox and its counts. It survives its connections."""

    def __init__(self, name: str, settings: AccountSettings, outbox: Outbox, clocks: Clocks) -> None:
        self.name = name
        self.outbox = outbox
        self.clocks = clocks
        self.sessions: list[Client] = []
        self.removed = False
        self.binding = 0  # sessions whose password is being verified
        self.counts: Counts[str] = Counts()
        self.latency = Latency()
        self.duplicates: Duplicates | None = None
        self.alike: dict[Said, Alike] = {}
        self.configure(settings)

    def configure(self, settings: AccountSettings) -> None:
        """Take the settings of a new generation."""
        self.settings = settings
        self.alike.clear()
        # What each message asks of them: the attributes of validated models are slow.
        self.tenant = settings.tenant
        self.window = settings.window
        self.message_id = settings.message_id
        self.dates = settings.receipts.time_zone, settings.receipts.dates
        self.is_limited = settings.quota is not None or settings.balance is not None
        self.validity_ms = int(settings.validity * 1000)
        self.longest_validity_ms = int(settings.longest_validity * 1000)
        self.default_alphabet = settings.default_alphabet
        wanted = settings.duplicates
        if wanted != (self.duplicates.settings if self.duplicates is not None else None):
            self.duplicates = None if wanted is None else Duplicates(wanted)
        self.categories = Categories(settings)
        self.taken_off = settings.taken_off
        rate = settings.rate
        now = self.clocks.timer.seconds()
        self.bucket = None if rate is None else Bucket(rate.per_second, rate.burst, now, debt=rate.burst)
        exact = frozenset(source for source in settings.sources if not source.endswith("*"))
        prefixes = tuple(source[:-1] for source in settings.sources if source.endswith("*"))
        self._sources = (exact, prefixes) if settings.sources else None

    def may_use(self, source: str) -> bool:
        """Whether the account may send from this address."""
        if self._sources is None:
            return True
        exact, prefixes = self._sources
        return source in exact or source.startswith(prefixes)


class Accounts:
    """All accounts by system_id, those removed from the configuration too while something of theirs is
    open.
    """

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}

    def __iter__(self) -> Iterator[Account]:
        return iter(self._accounts.values())

    def get(self, name: str) -> Account | None:
        """The account of this system_id."""
        return self._accounts.get(name)

    def tenant_of(self, name: str) -> str:
        """The tenant of an account; "" if it is not known any more."""
        account = self._accounts.get(name)
        return "" if account is None else account.settings.tenant

    def tenants(self) -> dict[str, str]:
        """The tenants of all accounts, by the accounts' names."""
        return {name: account.settings.tenant for name, account in self._accounts.items()}

    def put(self, account: Account) -> None:
        """Add an account."""
        self._accounts[account.name] = account
