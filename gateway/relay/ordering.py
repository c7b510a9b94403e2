"""Order for each recipient, where a route asks for it: one message of an account to a number is under way,
and the next leaves when that one has been taken by a carrier or has ended.
"""

from __future__ import annotations

from collections import deque

from gateway.relay.book import Entry
from gateway.store.rows import State

Key = tuple[str, str]


class Ordering:
    """Whose turn it is for each account and number."""

    def __init__(self) -> None:
        self.under_way: dict[Key, int] = {}
        """For each account and number the message that others wait for."""
        self._behind: dict[Key, deque[Entry]] = {}
        self.count = 0
        """Messages that wait for one before them."""

    def may_leave(self, entry: Entry) -> bool:
        """Whether no other message to the same number is under way."""
        return self.under_way.get(_key(entry), entry.message.id) == entry.message.id

    def leaves(self, entry: Entry) -> None:
        """A message is given to a carrier: those behind it wait."""
        self.under_way[_key(entry)] = entry.message.id

    def put_behind(self, entry: Entry) -> None:
        """Let a message wait for the one under way."""
        self._behind.setdefault(_key(entry), deque()).append(entry)
        self.count += 1

    def done(self, entry: Entry) -> Entry | None:
        """A message was taken, has ended or will leave later only: the next one that may leave, if any."""
        key = _key(entry)
        if self.under_way.get(key) != entry.message.id:
            return None
        del self.under_way[key]
        behind = self._behind.get(key)
        while behind:
            following = behind.popleft()
            self.count -= 1
            if not behind:
                del self._behind[key]
            if following.state is State.WAITING:
                return following
        return None


def _key(entry: Entry) -> Key:
    return entry.message.account, entry.message.destination
