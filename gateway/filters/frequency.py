"""How many messages in how long: sliding windows, several limits at once, for ten million recipients.

Whether "3 in 7 days" is spent is told by the third latest message alone. So each key keeps as many moments
as its largest limit counts, newest first, in unix seconds: the answer is exact to the second. The first
INLINE moments lie in a compact table; the few keys with more, under limits such as 50 a day, keep the rest
in a dict beside it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from gateway.filters.compact import Table
from gateway.settings.scalars import parse_duration

INLINE = 4
ALL_BITS = 0xFFFF_FFFF_FFFF_FFFF


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

    __slots__ = ("_busy", "_fresh", "_longest", "_most", "_now", "_places", "_short", "_table", "limits")

    def __init__(self, limits: Sequence[Limit]) -> None:
        if not limits:
            raise ValueError("a rule needs a limit")
        self.limits = tuple(sorted(limits))
        self._places = tuple((limit.times - 1, limit.seconds, limit) for limit in self.limits)
        self._most = max(limit.times for limit in limits)
        self._longest = max(limit.seconds for limit in limits)
        self._short = min(self._most, INLINE)
        self._table = Table(self._short, self._is_live)
        self._fresh = array("I", bytes(4 * self._short))
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
        latest = cells[at]
        if latest + self._longest <= now:
            return None
        worst: Spent | None = None
        for place, seconds, limit in self._places:
            if latest + seconds <= now:  # and all the others are older
                continue
            decisive = cells[at + place] if place < self._short else self._beyond(key, place - self._short)
            until = decisive + seconds
            if decisive and until > now and (worst is None or until > worst.until):
                worst = Spent(limit, until)
        return worst

    def record(self, key: int, at: float) -> None:
        """Count a message of the moment `at` (unix seconds, not 0), in any order, so also to restore."""
        moment = int(at)
        if moment > self._now:
            self._now = moment
        cells, first = self._table.place(key)
        latest = cells[first]
        if not latest:
            cells[first] = moment
            return
        if latest + self._longest <= moment:  # nothing of the row counts any more
            cells[first : first + self._short] = self._fresh
            cells[first] = moment
            self._busy.pop(key, None)
            return
        for place in range(first, first + self._short):
            if cells[place] < moment:
                cells[place], moment = moment, cells[place]
        if self._most > self._short and moment + self._longest > self._now:
            beyond = self._busy.setdefault(key, array("I"))
            beyond.insert(bisect_left(beyond, -moment, key=lambda held: -held), moment)
            del beyond[self._most - self._short :]

    def give_back(self, key: int, at: float) -> None:
        """Take one message of the moment `at` back, if it is counted."""
        found = self._table.find(key)
        if found is None:
            return
        cells, first = found
        beyond = self._busy.get(key, array("I"))
        moments = [*cells[first : first + self._short], *beyond]
        if int(at) in moments:
            moments.remove(int(at))
            moments.append(0)
            cells[first : first + self._short] = array("I", moments[: self._short])
            rest = array("I", filter(None, moments[self._short :]))
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

    def _beyond(self, key: int, place: int) -> int:
        beyond = self._busy.get(key, ())
        return beyond[place] if place < len(beyond) else 0

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

    counted: tuple[tuple[Counter, int], ...]
    at: float


class Excess(NamedTuple):
    """The rule that forbids a message, and its spent limit."""

    rule: str
    spent: Spent


class Frequency:
    """All rules of frequency together: a message is counted by all or by none. Not shared between threads."""

    __slots__ = ("_caps", "_concerning", "_counters")

    def __init__(self, caps: Sequence[Cap]) -> None:
        self._caps = tuple(caps)
        self._counters = {cap.name: Counter(cap.limits) for cap in caps}
        if len(self._counters) != len(self._caps):
            raise ValueError("two rules have one name")
        self._concerning: dict[str, tuple[_Counted, ...]] = {}

    def counter(self, name: str) -> Counter:
        """The counter of a rule. Raises KeyError."""
        return self._counters[name]

    def check(self, facts: Facts, now: float) -> Excess | None:
        """The first rule that forbids the message now, without counting it."""
        return self._excess(facts, now, [])

    def reserve(self, facts: Facts, now: float) -> Reservation | Excess:
        """Count a message by every rule that is for it, or, when one forbids it, by none."""
        keys: list[tuple[Counter, int]] = []
        excess = self._excess(facts, now, keys)
        if excess is not None:
            return excess
        for counter, key in keys:
            counter.record(key, now)
        return Reservation(tuple(keys), now)

    def record(self, facts: Facts, at: float) -> Reservation:
        """Count a message that was sent at `at` whatever the limits say; also to restore after a restart."""
        keys = tuple((counter, key_of(pick(facts))) for _, counter, pick in self._for(facts.category))
        for counter, key in keys:
            counter.record(key, at)
        return Reservation(keys, at)

    def give_back(self, reservation: Reservation) -> None:
        """Uncount a message that was refused later, or whose commit failed."""
        for counter, key in reservation.counted:
            counter.give_back(key, reservation.at)

    def _excess(self, facts: Facts, now: float, keys: list[tuple[Counter, int]]) -> Excess | None:
        """The first rule that forbids; the keys of those that do not are put into `keys`."""
        for name, counter, pick in self._for(facts.category):
            key = key_of(pick(facts))
            spent = counter.spent(key, now)
            if spent is not None:
                return Excess(name, spent)
            keys.append((counter, key))
        return None

    def _for(self, category: str) -> tuple[_Counted, ...]:
        found = self._concerning.get(category)
        if found is None:
            found = self._concerning[category] = tuple(
                _Counted(cap.name, self._counters[cap.name], picker(cap.key))
                for cap in self._caps
                if not cap.categories or category in cap.categories
            )
        return found


class _Counted(NamedTuple):
    """A rule as it is applied: its counter, and what takes the parts of its key out of facts."""

    name: str
    counter: Counter
    pick: Callable[[Facts], tuple[str, ...]]


def picker(parts: tuple[str, ...]) -> Callable[[Facts], tuple[str, ...]]:
    places = [Facts._fields.index(part) for part in parts]
    if len(places) == 1:
        return lambda facts: (facts[places[0]],)
    return itemgetter(*places)


def key_of(parts: tuple[str, ...]) -> int:
    """The 64-bit key of what a rule counts by; the same within one process only."""
    return hash(parts) & ALL_BITS or 1
