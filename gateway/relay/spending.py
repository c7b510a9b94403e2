"""Spending: what accounts use of their quotas and balances, reserved in order, and given back.

A reservation is in memory at once, so that the next message of a batch sees it, and on disk with the batch:
one row for each account, however many messages it has in a transaction. What a message has cost stands in its
row, so that it is given back as it was taken, also after a restart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gateway.filters.chain import Judgement
from gateway.filters.verdict import REASONS
from gateway.message import Message
from gateway.relay.accounts import Account, Accounts
from gateway.relay.alarms import Alarms
from gateway.relay.batch import Batch, Committer
from gateway.relay.book import Entry
from gateway.relay.clocks import Clocks
from gateway.relay.judging import refusal
from gateway.relay.placing import Placing
from gateway.relay.usage import BALANCE, WAITING, Usage
from gateway.settings.quotas import LIMITS, Balance, Quota
from gateway.settings.tables import MICRO
from gateway.smpp.concat import user_data_of
from gateway.smpp.text import alphabet_of
from gateway.store.ledger import Ledger
from gateway.store.rows import State
from gateway.store.usage import UsageRow, unsent, usages

NEAR, USED = "quota_near", "quota_used"
SHARE = 0.8
"""Of a quota, and of what was topped up last: at that the first alarm is raised."""
ONE, PART_OF_MANY = 160, 153
ONE_BINARY, PART_BINARY = 140, 134


class Over(NamedTuple):
    """What is said of a message for which something is used up, and whether that acts or is in shadow."""

    refusal: Judgement
    acts: bool


class Spending:
    """The usage of all accounts of one node."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        placing: Placing,
        committer: Committer,
        alarms: Alarms,
        clocks: Clocks,
    ) -> None:
        self.ledger = ledger
        self.accounts = accounts
        self.placing = placing
        self.committer = committer
        self.alarms = alarms
        self.clocks = clocks
        self.usages: dict[str, Usage] = {}
        self.refused: Counter[tuple[str, str, str]] = Counter()
        """By account, limit and mode: what one in shadow would have refused counts as `shadow`."""
        self._dirty: set[str] = set()

    async def start(self) -> None:
        """Learn what was used."""
        for row in await self.ledger.read(usages):
            self.usages[row.account] = Usage(*row[1:])
        quotas = [account.settings.quota for account in self.accounts]
        counted = any(quota is not None and quota.waiting is not None for quota in quotas)
        waiting = await self.ledger.read(unsent) if counted else {}
        for account in self.accounts:
            quota = account.settings.quota
            if quota is not None and quota.waiting is not None:
                self.of(account).waiting = waiting.get(account.name, 0)
            if quota is not None or account.settings.balance is not None:
                self._watch(account, self.of(account))

    def of(self, account: Account) -> Usage:
        """What an account has used, as of now."""
        usage = self.usages.get(account.name)
        if usage is None:
            usage = self.usages[account.name] = Usage()
        usage.at(self.clocks.wall(), zone_of(account.settings.quota))
        return usage

    # reserving

    def take(self, entry: Entry, account: Account, batch: Batch) -> Over | None:
        """Reserve what a message uses; what is to be said if that is not there."""
        if not account.is_limited:
            return None
        settings, message = account.settings, entry.message
        usage = self.of(account)
        messages, segments = size(message)
        price = None if settings.balance is None else segments * self._price(message, settings.balance)
        used_up = usage.take(settings.quota, messages, segments, price)
        shadow = bool(used_up) and _in_shadow(account, used_up)
        if used_up:
            self.refused[account.name, used_up, "shadow" if shadow else "enforce"] += 1
            self._watch(account, usage)
            if not shadow:
                return Over(_refusal(used_up), acts=True)
            usage.take(None, messages, segments, price)
        entry.spent = segments, price or 0
        batch.failed.append(lambda: self._not_stored(entry, account))
        self._write(account.name, usage, batch)
        self._watch(account, usage)
        return Over(_refusal(used_up), acts=False) if shadow else None

    def take_not(self, entry: Entry, account: Account, batch: Batch) -> None:
        """It was refused after all."""
        if entry.spent is not None:
            self._give_back(entry, account)
            usage = self.of(account)
            usage.left(entry.spent[0])
            entry.spent = None
            self._write(account.name, usage, batch)

    def _price(self, message: Message, balance: Balance) -> int:
        """What a segment costs."""
        if balance.by_route:
            rule = self.placing.router.choose(message, self.clocks.wall())
            chooser, digits = self.placing.router.chooser, message.destination
            if rule is not None:
                first = next(iter(chooser.order(rule.choice, digits, self.placing.view)), "")
                price = chooser.price(first, digits, self.clocks.wall())
                if price is not None:
                    return round(price.micro)
        return round(balance.price * MICRO)

    def _not_stored(self, entry: Entry, account: Account) -> None:
        """The store refused the message: nothing was used."""
        if entry.spent is not None:
            self._give_back(entry, account)
            self.of(account).left(entry.spent[0])
            entry.spent = None
            self._dirty.add(account.name)

    # giving back

    def counts_waiting(self) -> Callable[[Entry], None] | None:
        """Who is to hear of what waits no more; nobody, while no quota limits that."""
        limits = [account.settings.quota for account in self.accounts]
        return self.left if any(quota is not None and quota.waiting for quota in limits) else None

    def left(self, entry: Entry) -> None:
        """A carrier has taken a message, or it has ended without one."""
        usage = self.usages.get(entry.message.account)
        if usage is not None and entry.message.client_id:
            usage.left(1 if entry.spent is None else entry.spent[0])

    def ended(self, entry: Entry, batch: Batch) -> None:
        """A message has ended; what the account's settings say is given back."""
        account = self.accounts.get(entry.message.account)
        if entry.spent is None or account is None or entry.state is State.DELIVERED:
            return
        if entry.sent_at is None:
            how = "unsent"
        elif entry.carrier_message_id is None and entry.state is not State.UNKNOWN:
            how = "rejected"
        else:
            how = "failed"
        if self._give_back(entry, account, how):
            self._write(account.name, self.of(account), batch)

    def _give_back(self, entry: Entry, account: Account, how: str = "") -> bool:
        """Give back what a message has used; all of it unless `how` it ended says otherwise."""
        assert entry.spent is not None
        segments, price = entry.spent
        quota, balance = account.settings.quota, account.settings.balance
        usage, message = self.of(account), entry.message
        counted = not how or (quota is not None and how in quota.given_back)
        paid = not how or (balance is not None and how in balance.given_back)
        if counted:
            messages = size(message)[0]
            usage.give_back(message.accepted_at / 1000, zone_of(quota), messages, segments)
        if paid:
            usage.balance += price
        return counted or paid

    # the store

    def _write(self, name: str, usage: Usage, batch: Batch) -> None:
        batch.changes.add("use", tuple(_row(name, usage)))

    def tick(self) -> None:
        """Store what a failed commit has left behind, and see to the alarms. To be called every second."""
        for account in self.accounts:
            if account.name in self.usages and account.settings.quota is not None:
                self._watch(account, self.of(account))
        if self._dirty:
            batch = Batch()
            for name in self._dirty:
                self._write(name, self.usages[name], batch)
            self._dirty.clear()
            self.committer.commit(batch, must=True)

    # alarms

    def _watch(self, account: Account, usage: Usage) -> None:
        for name, used, most in shares(account, usage):
            subject = f"{account.name}: {name}"
            if used >= most:
                more = (
                    "would be refused, were it not in shadow" if _in_shadow(account, name) else "is refused"
                )
                self._alarm(USED, subject, f"{told(name, used, most)} used up; more {more}")
            elif (USED, subject) in self.alarms.open:
                self.alarms.recovered(USED, subject, told(name, used, most))
            if SHARE * most <= used < most:
                self._alarm(NEAR, subject, f"{told(name, used, most)} used")
            elif (NEAR, subject) in self.alarms.open:
                self.alarms.recovered(NEAR, subject, told(name, used, most))

    def _alarm(self, kind: str, subject: str, text: str) -> None:
        if (kind, subject) not in self.alarms.open:
            self.alarms.alarm(kind, subject, f"{text}: see `gateway quota show`")

    # an admin

    def top_up(self, account: Account, micro: int, batch: Batch) -> Usage:
        """Add to a balance, or take from it; never below zero."""
        usage = self.of(account)
        usage.balance = usage.level = max(0, usage.balance + micro)
        self._write(account.name, usage, batch)
        self._watch(account, usage)
        return usage

    def set(self, account: Account, name: str, value: int, batch: Batch) -> Usage:
        """Set a count or the balance."""
        usage = self.of(account)
        setattr(usage, name, value)
        if name == BALANCE:
            usage.level = value
        self._write(account.name, usage, batch)
        self._watch(account, usage)
        return usage


def shares(account: Account, usage: Usage) -> Iterator[tuple[str, int, int]]:
    """What is limited: its name, how much is used, and how much there is."""
    quota = account.settings.quota
    if quota is not None:
        for name in (*LIMITS, WAITING):
            most = getattr(quota, name)
            if most is not None:
                yield name, getattr(usage, name), most
    if account.settings.balance is not None and usage.level:
        yield BALANCE, usage.level - usage.balance, usage.level


def told(name: str, used: int, most: int) -> str:
    """A share for people."""
    if name == BALANCE:
        return f"{used / MICRO:.6g} of {most / MICRO:.6g}"
    return f"{used} of {most} {name.replace('_', ' ')}"


def size(message: Message) -> tuple[int, int]:
    """How many messages and segments one submit counts as: a later segment of a text is no message of its
    own, a message_payload as many segments as it needs.
    """
    part = message.part
    if part is not None and part.total > 1:
        return int(part.number == 1), 1
    octets = len(user_data_of(message.pdu))
    if octets <= ONE_BINARY:
        return 1, 1
    gsm = alphabet_of(message.pdu.data_coding, message.default_alphabet) == "gsm7"
    one, each = (ONE, PART_OF_MANY) if gsm else (ONE_BINARY, PART_BINARY)
    return 1, 1 if octets <= one else -(-octets // each)


def zone_of(quota: Quota | None) -> str:
    return "UTC" if quota is None else quota.zone


def _in_shadow(account: Account, name: str) -> bool:
    """Whether what is said of one of an account's limits is only recorded; of a balance it never is."""
    quota = account.settings.quota
    return name != BALANCE and quota is not None and quota.mode == "shadow"


def _refusal(used_up: str) -> Judgement:
    reason = {BALANCE: "balance_used", WAITING: "too_many_waiting"}.get(used_up, "quota_used")
    return refusal("gateway", f"quota: {used_up}", REASONS[reason])


def _row(name: str, usage: Usage) -> UsageRow:
    return UsageRow(
        name,
        usage.day,
        usage.month,
        usage.messages_per_day,
        usage.segments_per_day,
        usage.messages_per_month,
        usage.segments_per_month,
        usage.balance,
        usage.level,
    )
