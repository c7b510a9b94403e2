"""Waiting messages in lanes: one for each urgency, rule and account, served in turn.

A lane whose carriers are all taken holds up no other, and one account's million does not hold up another's
code.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.message import Message
from gateway.relay.book import Entry
from gateway.routing.router import Rule
from gateway.store.rows import State

Key = tuple[int, str, str]

RANKS = (2, 0, 1, 3)
"""The order of tiers 0 (none) to 3: what was promised for tomorrow waits for what was not promised at all."""


HIGHEST = 3
"""Of priority_flag."""


def urgency(message: Message, highest: int = HIGHEST) -> int:
    """The tier, and within it priority_flag as far as it counts; the least is the most urgent."""
    return 4 * RANKS[message.tier] - min(message.priority, highest)


@dataclass(slots=True)
class Lane:
    """Messages of one account for one rule, first come, first served."""

    key: Key
    rule: Rule
    queue: deque[Entry] = field(default_factory=deque)


@dataclass(slots=True)
class Lanes:
    """All lanes. Keys are (urgency, rule, account), so that they sort by urgency."""

    _lanes: dict[Key, Lane] = field(default_factory=dict)
    _served: dict[int, Key] = field(default_factory=dict)  # by urgency, the lane that was served last
    count: int = 0
    highest: Mapping[str, int] = field(default_factory=dict)
    """The highest priority_flag that counts, by account, where not every one does."""

    def _key(self, message: Message, rule: Rule) -> Key:
        account = message.account
        return urgency(message, self.highest.get(account, HIGHEST)), rule.lane, account

    def put(self, entry: Entry, rule: Rule, *, front: bool = False) -> None:
        """Let a message wait; `front` for one that was taken and came back."""
        key = self._key(entry.message, rule)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key, rule)
        if front:
            lane.queue.appendleft(entry)
        else:
            lane.queue.append(entry)
        self.count += 1

    @property
    def none(self) -> bool:
        """Whether there is no lane at all."""
        return not self._lanes

    def is_empty(self, entry: Entry, rule: Rule) -> bool:
        """Whether nothing waits before this message."""
        return not self._lanes or self._key(entry.message, rule) not in self._lanes

    def head(self, lane: Lane) -> Entry | None:
        """The next message of a lane that still waits; those that ended meanwhile are dropped on the way."""
        while lane.queue:
            entry = lane.queue[0]
            if entry.state is State.WAITING:
                return entry
            lane.queue.popleft()
            self.count -= 1
        return None

    def pop(self, lane: Lane) -> Entry:
        """Take the head of a lane; the others have their turn before it is served again."""
        self._served[lane.key[0]] = lane.key
        self.count -= 1
        return lane.queue.popleft()

    def levels(self) -> Iterator[list[Lane]]:
        """The lanes of each urgency, most urgent first, beginning behind the one that was served last."""
        keys = sorted(self._lanes)
        while keys:
            urgency = keys[0][0]
            level = [key for key in keys if key[0] == urgency]
            keys = keys[len(level) :]
            served = self._served.get(urgency)
            start = 0 if served is None else bisect_right(level, served) % len(level)
            yield [self._lanes[key] for key in level[start:] + level[:start]]

    def oldest(self) -> int | None:
        """When the oldest message at the head of a lane was accepted, in unix milliseconds."""
        heads = (self.head(lane) for lane in self._lanes.values())
        return min((entry.message.accepted_at for entry in heads if entry is not None), default=None)

    def sweep(self) -> None:
        """Forget the lanes in which nothing waits."""
        for key in [key for key, lane in self._lanes.items() if not lane.queue]:
            del self._lanes[key]

    def drain(self) -> list[Entry]:
        """Take all waiting messages, in the order of their ids, so that they can be placed anew."""
        entries = [e for lane in self._lanes.values() for e in lane.queue if e.state is State.WAITING]
        self._lanes.clear()
        self.count = 0
        return sorted(entries, key=lambda entry: entry.message.id)
