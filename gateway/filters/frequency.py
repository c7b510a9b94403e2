"""How many messages in how long: sliding windows, several limits at once, for ten million recipients.

Whether "3 in 7 days" is spent is told by the third latest message alone. So each key keeps as many moments
as its largest limit counts, newest first, in unix seconds: the answer is exact to the second. The first
INLINE moments lie in a compact table; the few keys with more, under limits such as 50 a day, keep the rest
in a dict beside it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gateway.filters.compact import Table
from gateway.settings.scalars import parse_duration

INLINE = 4


class Limit(NamedTuple):
    """At most so many `times` in any `seconds`."""

    times: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.times} in {self.seconds} s"


def parse_limit(text: str) -> Limit:
    """The limit "3/7d". Raises ValueError."""
    count, slash, length = text.partition("/")
    if slash and count.isascii() and count.isdigit() and int(count) > 0:
        seconds = parse_duration(length)
        if seconds >= 1 and seconds == int(seconds):
            return Limit(int(count), int(seconds))
    raise ValueError(f"'{text}' is no limit: write 3/7d for three in seven days")


class Spent(NamedTuple):
    """A limit that is spent, and the unix second at which it no longer is."""

    limit: Limit
    until: int


class Counter:
    """The messages of each key under one rule. Keys are hashes (see `key_of`). Not shared between threads."""

    __slots__ = ("_busy", "_inline", "_longest", "_most", "_now", "_table", "limits")

    def __init__(self, limits: Sequence[Limit]) -> None:
        if not limits:
            raise ValueError("a rule needs a limit")
        self.limits = tuple(sorted(limits))
        self._most = max(limit.times for limit in limits)
        self._longest = max(limit.seconds for limit in limits)
        self._inline = min(self._most, INLINE)
        self._table = Table(self._inline, self._is_live)
        self._busy: dict[int, array[int]] = {}
        self._now = 0

    def __len__(self) -> int:
        """Keys with a message, or that had one not long ago."""
        return len(self._table)

    @property
    def octets(self) -> int:
        """Memory held, in octets, but for some 200 for each key that has more than INLINE moments."""
        return self._table.octets

    def spent(self, key: int, now: float) -> Spent | None:
        """Of the limits that forbid a message now the one that does so longest; None when it may be sent."""
        found = self._table.find(key)
        if found is None:
            return None
        cells, at = found
        worst: Spent | None = None
        for limit in self.limits:
            if limit.times <= self._inline:
                decisive = cells[at + limit.times - 1]
            else:
                beyond = self._busy.get(key, ())
                decisive = (
                    beyond[limit.times - self._inline - 1] if limit.times - self._inline <= len(beyond) else 0
                )
            until = decisive + limit.seconds
            if decisive and until > now and (worst is None or until > worst.until):
                worst = Spent(limit, until)
        return worst

    def record(self, key: int, at: float) -> None:
        """Count a message of the moment `at` (unix seconds, not 0), in any order, so also to restore."""
        moment = int(at)
        self._now = max(self._now, moment)
        cells, first = self._table.place(key)
        for place in range(first, first + self._inline):
            if cells[place] < moment:
                cells[place], moment = moment, cells[place]
        if self._most > self._inline and moment + self._longest > self._now:
            beyond = self._busy.setdefault(key, array("I"))
            beyond.insert(bisect_left(beyond, -moment, key=lambda held: -held), moment)
            del beyond[self._most - self._inline :]

    def give_back(self, key: int, at: float) -> None:
        """Take one message of the moment `at` back, if it is counted."""
        found = self._table.find(key)
        if found is None:
            return
        cells, first = found
        beyond = self._busy.get(key, array("I"))
        moments = [*cells[first : first + self._inline], *beyond]
        if int(at) in moments:
            moments.remove(int(at))
            moments.append(0)
            cells[first : first + self._inline] = array("I", moments[: self._inline])
            rest = array("I", filter(None, moments[self._inline :]))
            if rest:
                self._busy[key] = rest
            else:
                self._busy.pop(key, None)

    def sweep(self, now: float) -> Iterator[int]:
        """Forget what no limit looks at any more, some of it a step."""
        self._now = max(self._now, int(now))
        ended = [key for key, beyond in self._busy.items() if beyond[0] + self._longest <= self._now]
        for key in ended:
            del self._busy[key]
        return self._table.sweep()

    def _is_live(self, key: int, row: array[int]) -> bool:
        live = row[0] + self._longest > self._now
        if not live:
            self._busy.pop(key, None)
        return live


class Cap(NamedTuple):
    """One rule: its name, the categories it counts (none: all), what it counts by, its limits."""

    name: str
    categories: frozenset[str]
    key: tuple[str, ...]
    limits: tuple[Limit, ...]


class Facts(NamedTuple):
    """What messages can be counted by. `text` is the same for the same text (its folded form, or a hash of
    it).
    """

    account: str
    tenant: str
    signature: str
    program: str
    category: str
    template: str
    recipient: str
    text: str


class Reservation(NamedTuple):
    """Messages counted ahead of their acceptance: which counters, keys and moment; to be given back."""

    counted: tuple[tuple[str, int], ...]
    at: float


class Excess(NamedTuple):
    """The rule that forbids a message, and its spent limit."""

    rule: str
    spent: Spent


class Frequency:
    """All rules of frequency together: a message is counted by all or by none. Not shared between threads."""

    __slots__ = ("_counters", "_rules")

    def __init__(self, caps: Sequence[Cap]) -> None:
        self._rules = tuple((rule, tuple(Facts._fields.index(part) for part in rule.key)) for rule in caps)
        self._counters = {rule.name: Counter(rule.limits) for rule in caps}
        if len(self._counters) != len(self._rules):
            raise ValueError("two rules have one name")

    def counter(self, name: str) -> Counter:
        """The counter of a rule. Raises KeyError."""
        return self._counters[name]

    def check(self, facts: Facts, now: float) -> Excess | None:
        """The first rule that forbids the message now, without counting it."""
        for name, key in self._keys(facts):
            spent = self._counters[name].spent(key, now)
            if spent is not None:
                return Excess(name, spent)
        return None

    def reserve(self, facts: Facts, now: float) -> Reservation | Excess:
        """Count a message by every rule that is for it, or, when one forbids it, by none."""
        return self.check(facts, now) or self.record(facts, now)

    def record(self, facts: Facts, at: float) -> Reservation:
        """Count a message that was sent at `at` whatever the limits say; also to restore after a restart."""
        counted = tuple(self._keys(facts))
        for name, key in counted:
            self._counters[name].record(key, at)
        return Reservation(counted, at)

    def give_back(self, reservation: Reservation) -> None:
        """Uncount a message that was refused later, or whose commit failed."""
        for name, key in reservation.counted:
            self._counters[name].give_back(key, reservation.at)

    def _keys(self, facts: Facts) -> list[tuple[str, int]]:
        return [
            (rule.name, key_of([facts[part] for part in parts]))
            for rule, parts in self._rules
            if not rule.categories or facts.category in rule.categories
        ]


def key_of(parts: Sequence[str]) -> int:
    """The 64-bit key of what a rule counts by; the same within one process only."""
    return hash(tuple(parts)) & 0xFFFF_FFFF_FFFF_FFFF or 1
