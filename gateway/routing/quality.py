"""How well a carrier delivers to a country lately: the share delivered and the time taken, damped. Pure."""

from __future__ import annotations

from collections import OrderedDict

MOST = 10_000
"""Pairs of carrier and country that are remembered; the one longest unseen goes first."""

WEIGHT = 0.02
"""Of the newest message: some fifty of them decide."""

PRIOR = 0.9
"""What is thought of a carrier of which nothing is known: good enough to be tried."""

SLOW = 120.0
"""Seconds after which half of a delivery's worth is lost."""


class Quality:
    """Scores by carrier and country."""

    __slots__ = ("_scores",)

    def __init__(self) -> None:
        self._scores: OrderedDict[tuple[str, str], float] = OrderedDict()

    def ended(self, carrier: str, country: str, delivered: bool, seconds: float) -> None:
        """What became of one message, and how long after its submit."""
        key = carrier, country
        score = self._scores.pop(key, PRIOR)
        worth = SLOW / (SLOW + max(0.0, seconds)) if delivered else 0.0
        self._scores[key] = score + WEIGHT * (worth - score)
        if len(self._scores) > MOST:
            self._scores.popitem(last=False)

    def score(self, carrier: str, country: str) -> float:
        """0 to 1."""
        return self._scores.get((carrier, country), PRIOR)

    def items(self) -> list[tuple[str, str, float]]:
        """All that is known: carrier, country, score."""
        return [(carrier, country, score) for (carrier, country), score in self._scores.items()]
