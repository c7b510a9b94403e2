"""What was worked out of a text, remembered: one campaign says the same to a million people."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Generic, TypeVar

MOST = 512
"""Texts of which it is remembered, those asked for last."""

LONGEST = 1_000
"""Characters up to which a text is one of these: half a mebibyte of Latin letters in all, two at the most. Of
longer ones the last is remembered, since a submit_multi has the same for each of its destinations.
"""

T = TypeVar("T")


class Forgetting:
    """How often something was forgotten: who remembers by more than texts begins anew with it."""

    __slots__ = ("times",)

    def __init__(self) -> None:
        self.times = 0


FORGETTING = Forgetting()


class Remembered(Generic[T]):
    """A function of a text and of what else its answer hangs on, all of which are its arguments; what these
    arguments do not tell, such as a list that is edited, must call `forget` when it changes.
    """

    __slots__ = ("_long", "_short")

    def __init__(self, work: Callable[..., T]) -> None:
        self._short = lru_cache(MOST)(work)
        self._long = lru_cache(1)(work)

    def of(self, text: str, *rest: object) -> T:
        """The answer."""
        return self._short(text, *rest) if len(text) <= LONGEST else self._long(text, *rest)

    def forget(self) -> None:
        """Work everything out anew."""
        self._short.cache_clear()
        self._long.cache_clear()
        FORGETTING.times += 1
