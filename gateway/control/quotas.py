"""What may be asked of a running node about quotas and balances: POST with JSON, below /quotas.

show    {"account"}
top-up  {"account", "amount", "note"}
set     {"account", "name", "value", "note"}
"""

from __future__ import annotations

from typing import Any

from twisted.web.resource import Resource

from gateway.control.operator import OPERATOR
from gateway.control.people import Command, Document, Unfit
from gateway.relay.accounts import Account
from gateway.relay.batch import Batch
from gateway.relay.node import Relay
from gateway.relay.spending import shares
from gateway.relay.usage import BALANCE
from gateway.settings.quotas import LIMITS
from gateway.settings.tables import MICRO

MOST = 1_000_000_000


class QuotaCommands:
    """Does what is asked about quotas and balances."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.spending = relay.spending

    def site(self) -> Resource:
        """Everything below /quotas."""
        root = Resource()
        for name, handler in ((b"show", self.show), (b"top-up", self.top_up), (b"set", self.set)):
            command: Any = Command(handler)
            root.putChild(name, command)
        return root

    async def show(self, asked: Document) -> Document:
        """What accounts have used and have left: one, or all that have a quota or a balance."""
        limited = [
            account
            for account in self.relay.accounts
            if account.settings.quota is not None or account.settings.balance is not None
        ]
        named = [self._account(asked)] if asked.get("account") else limited
        return {"accounts": [self._shown(account) for account in named]}

    async def top_up(self, asked: Document) -> Document:
        """Add to a balance."""
        account = self._account(asked)
        micro = self._money(account, asked.get("amount"))
        batch = Batch()
        self.spending.top_up(account, micro, batch)
        return await self._done(account, "quota_top_up", f"{micro / MICRO:.6g}", asked, batch)

    async def set(self, asked: Document) -> Document:
        """Set what is used of a quota in its current day or month, or the balance."""
        account, name = self._account(asked), str(asked.get("name") or "")
        if name not in (*LIMITS, BALANCE):
            raise Unfit(f"what can be set: {', '.join((*LIMITS, BALANCE))}")
        value = asked.get("value")
        if name == BALANCE:
            number = self._money(account, value)
        elif isinstance(value, int | float) and value == int(value):
            number = int(value)
        else:
            raise Unfit("a whole number is wanted")
        if not 0 <= number <= MOST * MICRO:
            raise Unfit("it cannot be below zero")
        batch = Batch()
        self.spending.set(account, name, number, batch)
        return await self._done(account, "quota_set", f"{name} {value}", asked, batch)

    async def _done(self, account: Account, act: str, detail: str, asked: Document, batch: Batch) -> Document:
        said = "; ".join(filter(None, (detail, str(asked.get("note") or ""))))
        self.relay.audit.record(batch, asked[OPERATOR], act, f"account {account.name}", said)
        await self.relay.committer.commit(batch, must=True)
        return {"accounts": [self._shown(account)]}

    def _account(self, asked: Document) -> Account:
        name = str(asked.get("account") or "")
        account = self.relay.accounts.get(name)
        if account is None:
            names = ", ".join(sorted(account.name for account in self.relay.accounts))
            raise Unfit(f"there is no account '{name}': there are {names}")
        return account

    @staticmethod
    def _money(account: Account, amount: object) -> int:
        if account.settings.balance is None:
            raise Unfit(f"account {account.name} is not prepaid: it has no balance in accounts.yaml")
        if not isinstance(amount, int | float) or isinstance(amount, bool) or not abs(amount) <= MOST:
            raise Unfit("an amount is a number such as 250 or 99.5")
        return round(amount * MICRO)

    def _refused(self, account: Account, mode: str) -> dict[str, int]:
        """How many were refused for each limit, or would have been."""
        counts = self.spending.refused.items()
        return {name: count for (of, name, how), count in counts if (of, how) == (account.name, mode)}

    def _shown(self, account: Account) -> dict[str, Any]:
        usage = self.spending.of(account)
        balance, quota = account.settings.balance, account.settings.quota
        counts = {name: [used, most] for name, used, most in shares(account, usage) if name != BALANCE}
        return {
            "account": account.name,
            "used": counts,
            "zone": quota.zone if quota is not None else "",
            **(
                {"balance": usage.balance / MICRO, "of": usage.level / MICRO, "currency": balance.currency}
                if balance is not None
                else {}
            ),
            "refused": self._refused(account, "enforce"),
            "shadow": self._refused(account, "shadow"),
        }
