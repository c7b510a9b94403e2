"""What was last said of each of very many pairs of numbers, in some twenty octets each."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from gateway.relay.slots import Slots

V = TypeVar("V", bound=Hashable)


class _Generation(Generic[V]):
    """The values of up to `most` pairs: in the slots is the place of each among those that are told apart."""

    __slots__ = ("places", "slots", "values")

    def __init__(self, most: int) -> None:
        self.slots = Slots("I", most)
        self.values: list[V] = []
        self.places: dict[V, int] = {}

    def put(self, key: int, value: V) -> None:
        """From now on this is the value."""
        place = self.places.get(value)
        self.slots.put(key, self.add(value) if place is None else place)

    def add(self, value: V) -> int:
        """The place of a value that there was not."""
        place = self.places[value] = len(self.values)
        self.values.append(value)
        return place

    def get(self, key: int) -> V | None:
        """The value of a key, if there is one."""
        place = self.slots.get(key)
        return None if place is None else self.values[place]

    def items(self) -> Iterator[tuple[int, V]]:
        """All keys and values."""
        return ((key, self.values[place]) for key, place in self.slots.items())


class Remembered(Generic[V]):
    """The values of the `most` pairs that were put last, and of up to as many before them.

    Pairs are known by 64 bits of a hash: among 200,000 the chance that any two share one is one in a billion.
    Who was put long ago goes with many others, so that no order has to be kept of them. Values that are
    equal are kept once.
    """

    __slots__ = ("_earlier", "_latest", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self._latest: _Generation[V] = _Generation(most)
        self._earlier: _Generation[V] = _Generation(0)

    def __len__(self) -> int:
        return len({key for half in (self._latest, self._earlier) for key, _ in half.items()})

    def put(self, one: str, other: str, value: V) -> None:
        """From now on this is the value."""
        latest = self._latest
        place = latest.places.get(value)
        latest.slots.put(hash((one, other)) or 1, latest.add(value) if place is None else place)
        if latest.slots.used >= self.most:
            self._earlier, self._latest = latest, _Generation(self.most)

    def get(self, one: str, other: str) -> V | None:
        """The value, if it is remembered."""
        key = hash((one, other)) or 1
        found = self._latest.get(key)
        return self._earlier.get(key) if found is None else found

    def beneath(self, before: Remembered[V], both: Callable[[V, V], V] = lambda was, now: now) -> None:
        """Take in what was known `before` all that is here; `both` makes one value of what was and is."""
        kept = (before._earlier, before._latest, self._earlier)
        merged: _Generation[V] = _Generation(sum(half.slots.used for half in kept))
        for half in (before._earlier, before._latest):
            for key, value in half.items():
                merged.put(key, value)
        for key, value in self._latest.items():
            if (was := merged.get(key)) is not None:
                self._latest.put(key, both(was, value))
        for key, value in self._earlier.items():
            was = merged.get(key)
            merged.put(key, value if was is None else both(was, value))
        self._earlier = merged
