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

from gateway.filters.compact import Held, Table
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


Places = tuple[tuple[int, int, Limit], ...]
"""Limits made quick: which moment decides, counted from the newest, the seconds, and the limit itself."""


def spent_of(places: Places, moments: Sequence[int], now: float) -> Spent | None:
    """Of the limits that so many `moments`, newest first, use up now the one that does so longest."""
    worst: Spent | None = None
    for place, seconds, limit in places:
        if place < len(moments):
            until = moments[place] + seconds
            if until > now and (worst is None or until > worst.until):
                worst = Spent(limit, until)
    return worst


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
        self._table = Table(self._short, self._live)
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

    def _live(self, cells: array[int], held: Held) -> Held:
        live = [(key, at) for key, at in held if cells[at] + self._longest > self._now]
        if self._busy:
            for key in {key for key, _ in held} - {key for key, _ in live}:
                self._busy.pop(key, None)
        return live


PARTS = ("account", "tenant", "signature", "program", "category", "template", "recipient", "text")
"""The parts that a key can be made of."""

Facts = tuple[str, ...]
"""What a message can be counted by, in the order of PARTS."""


def picker(parts: Sequence[str]) -> Callable[[Facts], object]:
    """What takes these parts of a key out of facts: a tuple, or the part itself where it is one."""
    return itemgetter(*map(PARTS.index, parts)) if parts else lambda facts: ()


def key_of(parts: object) -> int:
    """The 64-bit key of what is counted by; the same within one process only."""
    return hash(parts) or 1
