"""Long messages: segments gathered until the text is whole, so that it is judged as it will be read. Pure.

Segments come in any order and on any session of the account. References are used again, and segments are
sent again: one that is there already begins another group of the same key. A group that never completes, but
whose every segment is, octet for octet, one of a text that was judged lately, takes that verdict: it was a
retransmission.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

from gateway.message import Message
from gateway.relay.book import Entry
from gateway.settings.node import Multipart
from gateway.smpp.concat import user_data_of
from gateway.smpp.pdus import SubmitSm

MOST_JUDGED = 20_000
"""Texts whose verdict is remembered for segments that come again."""

USUAL = Multipart()

Key = tuple[str, str, str, str, int, int]


@dataclass(slots=True, eq=False)
class Group:
    """The segments of one long text that have come, by number; `deadline` in unix milliseconds."""

    key: Key
    total: int
    deadline: int
    parts: dict[int, Entry] = field(default_factory=dict)
    octets: int = 0

    @property
    def full(self) -> bool:
        """Whether all have come."""
        return len(self.parts) == self.total

    @property
    def complete(self) -> bool:
        """Whether all have come and are on disk."""
        return self.full and all(entry.stored for entry in self.parts.values())

    @property
    def first_id(self) -> int:
        """The id of the segment that came first."""
        return next(iter(self.parts.values())).message.id

    def in_order(self) -> list[Entry]:
        """The segments by their numbers."""
        return [self.parts[number] for number in sorted(self.parts)]


def key_of(message: Message) -> Key:
    """What the segments of one text have in common: account, addresses, kind of reference, reference and
    total.
    """
    part = message.part
    assert part is not None
    return (message.account, message.source, message.destination, part.kind, part.reference, part.total)


class Groups:
    """All unfinished long texts. `most` bounds those of one account, and `most_octets` what their segments
    hold; `segments` and `octets` bound those of all accounts together. The oldest give way to a new one.
    """

    def __init__(
        self,
        timeout_ms: int = int(USUAL.timeout * 1000),
        most: int = USUAL.groups_per_account,
        most_octets: int = USUAL.octets_per_account,
        segments: int = USUAL.segments,
        octets: int = USUAL.octets,
    ) -> None:
        self.timeout_ms = timeout_ms
        self.most = most
        self.most_octets = most_octets
        self.segments = segments
        self.octets = octets
        self._groups: dict[Key, list[Group]] = {}
        self._waiting: OrderedDict[Group, None] = OrderedDict()
        self._accounts: dict[str, OrderedDict[Group, None]] = {}
        self._octets: Counter[str] = Counter()
        self._held = 0
        self._of: dict[int, Group] = {}
        self._judged: OrderedDict[Key, tuple[int, frozenset[bytes], object]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def configure(self, settings: Multipart) -> None:
        """From now on by these settings."""
        self.timeout_ms = int(settings.timeout * 1000)
        self.most, self.most_octets = settings.groups_per_account, settings.octets_per_account
        self.segments, self.octets = settings.segments, settings.octets

    def add(self, entry: Entry, now: int) -> list[Group]:
        """Put a segment into its group; returns the oldest groups that lack segments, where they have to give
        way to this one.
        """
        message = entry.message
        assert message.part is not None
        number = message.part.number
        key = key_of(message)
        group = next((g for g in self._groups.get(key, ()) if number not in g.parts), None)
        if group is None:
            group = Group(key, message.part.total, now + self.timeout_ms)
            self._groups.setdefault(key, []).append(group)
            self._waiting[group] = None
            self._accounts.setdefault(message.account, OrderedDict())[group] = None
        group.parts[number] = entry
        self._of[message.id] = group
        octets = size_of(message)
        group.octets += octets
        self._octets[message.account] += octets
        self._held += octets
        return self._give_way(message.account, group)

    def _give_way(self, account: str, new: Group) -> list[Group]:
        """The oldest groups out, until the account has no more than it may, and all accounts together."""
        own = self._accounts[account]
        evicted = self._out(
            own, new, lambda: len(own) > self.most or self._octets[account] > self.most_octets
        )
        return evicted + self._out(
            self._waiting, new, lambda: len(self._of) > self.segments or self._held > self.octets
        )

    def _out(self, waiting: OrderedDict[Group, None], new: Group, over: Callable[[], bool]) -> list[Group]:
        """The oldest of these out while it is too much; those that are whole are about to be judged and
        stay.
        """
        evicted: list[Group] = []
        while over():
            oldest = next((group for group in waiting if not group.full and group is not new), None)
            if oldest is None:
                break
            self.remove(oldest)
            evicted.append(oldest)
        return evicted

    def group_of(self, entry: Entry) -> Group:
        """The group that a segment was put into."""
        return self._of[entry.message.id]

    def held(self, entry: Entry) -> Group | None:
        """The group that a segment is in, if it is in one."""
        return self._of.get(entry.message.id)

    def holds(self, group: Group) -> bool:
        """Whether a group still waits: it is judged once, with all that came in one batch on disk."""
        return group in self._waiting

    def judged(self, group: Group, verdict: object, now: int) -> None:
        """Remember what was decided of a whole text, for the segments of it that come again."""
        digests = frozenset(_digest(entry) for entry in group.parts.values())
        self._judged[group.key] = (now + 2 * self.timeout_ms, digests, verdict)
        self._judged.move_to_end(group.key)
        while next(iter(self._judged.values()))[0] <= now or len(self._judged) > MOST_JUDGED:
            self._judged.popitem(last=False)

    def verdict_for(self, group: Group) -> object | None:
        """The verdict of the text whose segments these were, if all of them were part of one judged
        lately.
        """
        known = self._judged.get(group.key)
        if known is not None and all(_digest(entry) in known[1] for entry in group.parts.values()):
            return known[2]
        return None

    def discard(self, entry: Entry) -> None:
        """A segment was cancelled, or not stored after all: the others wait for another one in its place."""
        group = self._of.pop(entry.message.id, None)
        if group is None:
            return
        group.parts = {number: other for number, other in group.parts.items() if other is not entry}
        octets = size_of(entry.message)
        group.octets -= octets
        self._octets[group.key[0]] -= octets
        self._held -= octets
        if not group.parts:
            self.remove(group)

    def overdue(self, now: int) -> list[Group]:
        """Take out the groups whose time is over."""
        late: list[Group] = []
        for group in self._waiting:  # the oldest first, so that the first in time ends the search
            if group.deadline > now:
                break
            late.append(group)
        for group in late:
            self.remove(group)
        return late

    def remove(self, group: Group) -> None:
        """Take out a group: it is judged now, or never will be."""
        for entry in group.parts.values():
            self._of.pop(entry.message.id, None)
        groups = self._groups[group.key]
        groups.remove(group)
        if not groups:
            del self._groups[group.key]
        self._waiting.pop(group, None)
        waiting = self._accounts[group.key[0]]
        waiting.pop(group, None)
        self._octets[group.key[0]] -= group.octets
        self._held -= group.octets
        if not waiting:
            del self._accounts[group.key[0]], self._octets[group.key[0]]


def size_of(message: Message) -> int:
    """Octets of what its client filled: the text and all TLVs."""
    octets = sum(len(value) for _, value in message.pdu.tlvs)
    return octets + len(message.pdu.short_message) if isinstance(message.pdu, SubmitSm) else octets


def _digest(entry: Entry) -> bytes:
    part = entry.message.part
    assert part is not None
    pdu = entry.message.pdu
    said = bytes((part.number, pdu.data_coding & 0xFF, pdu.esm_class & 0xFF)) + user_data_of(pdu)
    return blake2b(said, digest_size=16).digest()
