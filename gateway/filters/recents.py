"""What each person has had lately, for the rules that count messages by person: one row a person.

A row holds, newest first, an entry for each message and each rule that counts it: the moment, in unix
seconds, and a tag of the rule and of what else it counts by (the tenant, the text). So one look-up answers
for all rules, and for a person who had nothing lately it answers at once. The first INLINE entries lie in a
compact table; the few people with more, under limits such as 50 a day, have the rest in a dict beside it.

Of a tag 27 bits are a hash: that two texts to one person are taken for one has a chance of one in a hundred
million.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence

from gateway.filters.compact import Held, Table
from gateway.filters.frequency import Limit, Spent, spent_of

INLINE = 4
WIDTH = 2 * INLINE
LENGTHS = 32
"""Lengths of windows told apart; rules with others keep their entries as long as the longest."""

MANY = 64
"""Entries of a person above which those are left out that no limit can need."""

_HASH = 0xFFFF_FFFF & ~(LENGTHS - 1)
_LENGTH = LENGTHS - 1
_BLANK = [0] * WIDTH

Row = tuple["array[int]", int]
Pair = tuple[int, int]


class Rule:
    """One rule: its limits, and what its tags are made of."""

    __slots__ = ("_length", "_salt", "least", "limits", "longest", "most", "places")

    def __init__(self, identity: object, limits: Sequence[Limit], length: int) -> None:
        self.limits = tuple(sorted(limits))
        self.places = tuple((limit.times - 1, limit.seconds, limit) for limit in self.limits)
        self.longest = max(limit.seconds for limit in limits)
        self.least = min(limit.times for limit in limits)
        self.most = max(limit.times for limit in limits)
        self._salt = hash(identity)
        self._length = length

    def tag(self, parts: object) -> int:
        """The tag of its entries for what it counts by, the person left out."""
        return hash((self._salt, parts)) & _HASH | self._length


class Recents:
    """The rows of all people. Keys are hashes of numbers and not 0. Not shared between threads."""

    __slots__ = ("_kept", "_lengths", "_longest", "_more", "_most", "_now", "_rules", "_table")

    def __init__(self) -> None:
        self._table = Table(WIDTH, self._live)
        self._more: dict[int, array[int]] = {}
        self._rules: dict[tuple[str, tuple[str, ...], tuple[Limit, ...]], Rule] = {}
        self._lengths: list[int] = []
        self._kept = [0] * LENGTHS  # for how many seconds entries of each length are kept
        self._longest = self._most = self._now = 0

    def __len__(self) -> int:
        """People with a message, or who had one not long ago."""
        return len(self._table)

    @property
    def octets(self) -> int:
        """Memory held, in octets, but for some 200 for each person who has more than INLINE entries."""
        return self._table.octets

    def rule(self, name: str, key: tuple[str, ...], limits: Sequence[Limit]) -> Rule:
        """A rule by its name; one that has changed its key or limits begins anew."""
        identity = name, key, tuple(limits)
        rule = self._rules.get(identity)
        if rule is None:
            rule = self._rules[identity] = Rule(identity, limits, self._length_of(limits))
            self._most = max(self._most, rule.most)
        return rule

    def _length_of(self, limits: Sequence[Limit]) -> int:
        """The number of the length of time for which entries under these limits are kept."""
        longest = max(limit.seconds for limit in limits)
        if longest not in self._lengths:
            self._longest = max(self._longest, longest)
            self._lengths.append(longest)
            told_apart = self._lengths[:_LENGTH]
            self._kept = told_apart + [self._longest] * (LENGTHS - len(told_apart))
        return min(self._lengths.index(longest), _LENGTH)

    # looking

    def find(self, key: int) -> Row | None:
        """The row of a person, good until the next `record`; its first cell is the latest moment."""
        return self._table.find(key)

    def spent(self, key: int, row: Row, rule: Rule, tag: int, now: float, but: int = 0) -> Spent | None:
        """Of the limits of a rule that forbid a message now the one that does so longest; None when it may be
        sent. One message of the moment `but` does not count.
        """
        cells, at = row
        beyond = self._more and key in self._more
        if not beyond and cells[at + 1 : at + WIDTH : 2].count(tag) < rule.least:
            return None
        moments = [cells[place] for place in range(at, at + WIDTH, 2) if cells[place + 1] == tag]
        if beyond:
            more = self._more[key]
            moments += [more[place] for place in range(0, len(more), 2) if more[place + 1] == tag]
        if but in moments:
            moments.remove(but)
        return spent_of(rule.places, moments, now) if moments else None

    def entries(self, key: int) -> int:
        """How many entries a person has."""
        row = self._table.find(key)
        return 0 if row is None else len(self._held(key, *row))

    # counting

    def record(self, key: int, tags: Sequence[int], at: int) -> None:
        """Count a message of the moment `at` (unix seconds, not 0) by rules with these tags, in any order, so
        also to restore.
        """
        if at > self._now:
            self._now = at
        cells, first = self._table.place(key)
        if not cells[first] and len(tags) <= INLINE:
            for tag in tags:
                cells[first], cells[first + 1] = at, tag
                first += 2
            return
        if cells[first] > at or (self._more and key in self._more):
            held = self._held(key, cells, first)
            self._put(key, cells, first, [(at, tag) for tag in tags] + held)
            return
        kept, now = self._kept, self._now
        flat = [number for tag in tags for number in (at, tag)]
        for place in range(first, first + WIDTH, 2):
            moment, tag = cells[place], cells[place + 1]
            if not moment:
                break
            if moment + kept[tag & _LENGTH] > now:
                flat += (moment, tag)
        self._write(key, cells, first, flat)

    def give_back(self, key: int, tags: Sequence[int], at: int) -> None:
        """Take one message of the moment `at` back, as far as it is counted by these tags."""
        found = self._table.find(key)
        if found is None:
            return
        held = self._held(key, *found)
        for tag in tags:
            if (at, tag) in held:
                held.remove((at, tag))
        self._put(key, *found, held)

    def _held(self, key: int, cells: array[int], first: int) -> list[Pair]:
        """The entries of a row that still count."""
        kept, now = self._kept, self._now
        flat = cells[first : first + WIDTH]
        if self._more and key in self._more:
            flat += self._more[key]
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return [(moment, tag) for moment, tag in pairs if moment and moment + kept[tag & _LENGTH] > now]

    def _put(self, key: int, cells: array[int], first: int, pairs: list[Pair]) -> None:
        pairs.sort(key=_moment, reverse=True)
        if len(pairs) > MANY:
            pairs = self._needed(pairs)
        self._write(key, cells, first, [number for pair in pairs for number in pair])

    def _write(self, key: int, cells: array[int], first: int, flat: list[int]) -> None:
        """Replace a row by these moments and tags, newest first."""
        if len(flat) > WIDTH:
            self._more[key] = array("I", flat[WIDTH:])
            del flat[WIDTH:]
        else:
            flat += _BLANK[len(flat) :]
            if self._more:
                self._more.pop(key, None)
        cells[first : first + WIDTH] = array("I", flat)

    def _needed(self, pairs: list[Pair]) -> list[Pair]:
        """Of each tag as many of the newest as any limit counts."""
        seen: Counter[int] = Counter()
        needed = []
        for pair in pairs:
            seen[pair[1]] += 1
            if seen[pair[1]] <= self._most:
                needed.append(pair)
        return needed

    # forgetting

    def sweep(self, now: float) -> Iterator[int]:
        """Forget the people of whom no limit looks at anything any more, some of them a step."""
        self._now = max(self._now, int(now))
        return self._table.sweep()

    def _live(self, cells: array[int], held: Held) -> Held:
        kept, now = self._kept, self._now
        return [
            (key, at)
            for key, at in held
            if cells[at] + kept[cells[at + 1] & _LENGTH] > now or self._is_live(key, cells, at)
        ]  # the latest entry of nearly all still counts

    def _is_live(self, key: int, cells: array[int], first: int) -> bool:
        live = cells[first] + self._longest > self._now and bool(self._held(key, cells, first))
        if not live:
            self._more.pop(key, None)
        return live


def _moment(pair: Pair) -> int:
    return pair[0]
