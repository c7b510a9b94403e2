"""Tiers: how urgent a message is. 1: everyone within 15 minutes, 2: within two hours, 3: a day before."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.message import Message
from gateway.settings.models import Account, Generation, Program
from gateway.smpp.codec import find_tlv

NONE = 0
DEADLINES: Mapping[int, int] = {1: 15 * 60, 2: 2 * 3600, 3: 24 * 3600}
"""Seconds from when a message may leave until it must be with its carrier, by tier."""

_SAID = {b"1": 1, b"2": 2, b"3": 3, b"\1": 1, b"\2": 2, b"\3": 3}


class _Said:
    """What an account says of the urgency of its messages."""

    __slots__ = ("by_category", "default", "tag")

    def __init__(self, account: Account) -> None:
        self.tag = account.urgency.tag
        self.by_category = {str(name): tier for name, tier in account.urgency.categories.items()}
        self.default = account.urgency.default or NONE


class Tiers:
    """Finds the tier of messages by one generation: what the message says itself, its program's, its
    category's, its account's; the first that says something counts.
    """

    def __init__(self, generation: Generation) -> None:
        tenants = generation.people.tenants
        in_programs = {
            name for name, tenant in tenants.items() if any(each.tier for each in tenant.programs.values())
        }
        self._accounts = {
            name: _Said(account)
            for name, account in generation.accounts.items()
            if account.tenant in in_programs or account.urgency.says_something
        }

    @property
    def any(self) -> bool:
        """Whether some message may have one."""
        return bool(self._accounts)

    def may_have(self, account: str) -> bool:
        """Whether a message of this account may have one."""
        return account in self._accounts

    def by_message(self, account: str) -> bool:
        """Whether messages of this account say their own."""
        said = self._accounts.get(account)
        return said is not None and said.tag is not None

    def of(self, message: Message, program: Program | None) -> int:
        """The tier of a message of a program; 0 for none."""
        account = self._accounts.get(message.account)
        if account is None:
            return NONE
        if account.tag is not None:
            value = find_tlv(message.pdu.tlvs, account.tag)
            said = _SAID.get(value.rstrip(b"\0 ") or value) if value is not None else None
            if said is not None:
                return said
        if program is not None and program.tier is not None:
            return program.tier
        return account.by_category.get(message.category) or account.default
