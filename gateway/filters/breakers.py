"""Breakers: too many opt-outs, complaints or failures in a window stop a program until a person resumes it.

Windows are counted in slices, so that one looks back between its length and a slice more. Times are unix
seconds. The counts begin anew with the process; what is tripped is kept by whoever has a store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.settings.models import Breaker

SLICES = 60
BY_HAND = "by hand"


class Subject(NamedTuple):
    """What is watched and stopped; what is empty does not matter."""

    account: str = ""
    program: str = ""
    carrier: str = ""

    def covers(self, account: str, program: str, carrier: str) -> bool:
        """Whether traffic is part of it."""
        return (
            self.account in ("", account) and self.program in ("", program) and self.carrier in ("", carrier)
        )

    def __str__(self) -> str:
        said = [f"{name} {value}" for name, value in zip(self._fields, self, strict=True) if value]
        return ", ".join(said)


class Trip(NamedTuple):
    """A breaker that is tripped: by which rule, what it stops, since when, and why."""

    rule: str
    subject: Subject
    at: int
    refuses: bool
    why: str
    by: str = ""


@dataclass(slots=True)
class Window:
    """How many messages ended, and how many of what is counted there were, lately."""

    seconds: float
    messages: int = 0
    counted: int = 0
    _slices: dict[int, list[int]] = field(default_factory=dict)  # in order of time

    def add(self, now: float, messages: int, counted: int) -> None:
        """So many more."""
        index = max(int(now * SLICES // self.seconds), next(reversed(self._slices), 0))
        slice = self._slices.get(index)
        if slice is None:
            self.forget(now)
            slice = self._slices[index] = [0, 0]
        slice[0] += messages
        slice[1] += counted
        self.messages += messages
        self.counted += counted

    def forget(self, now: float) -> None:
        """Leave out what is too long ago."""
        first = int(now * SLICES // self.seconds) - SLICES
        for index in [index for index in self._slices if index < first]:
            messages, counted = self._slices.pop(index)
            self.messages -= messages
            self.counted -= counted


class Breakers:
    """The breakers of one node, by the rules of the generation in force."""

    def __init__(self) -> None:
        self.rules: tuple[Breaker, ...] = ()
        self.trips: dict[tuple[str, Subject], Trip] = {}
        self.at_carriers = False  # whether some trip names a carrier
        self.shadows: frozenset[str] = frozenset()
        """Rules that only count."""
        self._windows: dict[tuple[str, Subject], Window] = {}

    def configure(self, rules: tuple[Breaker, ...]) -> None:
        """Other rules; windows of rules that have changed begin anew. What is tripped stays tripped."""
        same = {rule.name for rule in rules if rule in self.rules}
        self._windows = {key: window for key, window in self._windows.items() if key[0] in same}
        self.rules = rules
        self.shadows = frozenset(rule.name for rule in rules if rule.then == "shadow")

    # counting

    def ended(self, traffic: Subject, failed: bool, now: float) -> list[Trip]:
        """A promotional message has ended; the breakers that this trips."""
        return [
            trip
            for rule in self.rules
            for trip in self._count(rule, traffic, 1, int(failed and rule.counts == "failures"), now)
        ]

    def counted(self, what: str, traffic: Subject, now: float) -> list[Trip]:
        """An opt-out or a complaint has come; the breakers that this trips."""
        return [
            trip
            for rule in self.rules
            if rule.counts == what
            for trip in self._count(rule, traffic, 0, 1, now)
        ]

    def _count(
        self, rule: Breaker, traffic: Subject, messages: int, counted: int, now: float
    ) -> Iterator[Trip]:
        subject = Subject(**{name: getattr(traffic, name) for name in rule.by})
        if not all(getattr(subject, name) for name in rule.by):
            return  # it is not known of which program, or by which carrier
        key = rule.name, subject
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = Window(rule.window)
        window.add(now, messages, counted)
        if not counted or key in self.trips:
            return
        window.forget(now)
        few = window.messages < rule.messages or window.counted < rule.least
        if not few and window.counted > rule.above * window.messages:
            why = f"{window.counted} {rule.counts} of {window.messages} messages, above {rule.above:g}"
            trip = Trip(rule.name, subject, int(now), rule.then == "refuse", why)
            self.put([trip])
            yield trip

    # tripping and resuming

    def put(self, trips: Iterable[Trip]) -> None:
        """These are tripped: found in the store, or by a person."""
        self.trips.update(((trip.rule, trip.subject), trip) for trip in trips)
        self._look()

    def resume(self, rule: str, subject: Subject) -> Trip | None:
        """A person resumes: what was counted is forgotten, so that it does not trip at once. None if it was
        not tripped.
        """
        self._windows.pop((rule, subject), None)
        trip = self.trips.pop((rule, subject), None)
        self._look()
        return trip

    def _look(self) -> None:
        self.at_carriers = any(trip.subject.carrier for trip in self.trips.values())

    def stops(self, account: str, program: str, carrier: str = "", *, shadow: bool = False) -> Trip | None:
        """What stops this traffic, or would if its rule were not in shadow; without a carrier what stops it
        whoever would take it.
        """
        for trip in self.trips.values():
            if (
                (trip.rule in self.shadows) is shadow
                and bool(trip.subject.carrier) == bool(carrier)
                and trip.subject.covers(account, program, carrier)
            ):
                return trip
        return None
