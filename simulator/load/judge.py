"""Judges a run of load: each accepted message has exactly one final receipt, with its own id."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

ACCEPTED, REFUSED = 1, 2
_KEPT = 20


class ReceiptSeen(NamedTuple):
    """A final receipt as it came: `link` is the number of the connection."""

    message_id: str
    about: str
    stat: str
    link: int
    at: float


class Judge:
    """Keeps what became of each piece. Times are seconds of the monotonic clock.

    A second receipt on a connection after the one that brought the first was lost is what at-least-once
    delivery promises, if the loss came within `grace` of the first: our answer may not have arrived. It
    is counted as redelivered; any other second receipt is doubled. Which it is can only be told at the
    end, since a loss may be learnt of late.
    """

    def __init__(self, destination: Callable[[int], str], grace: float = 5.0) -> None:
        self._destination = destination
        self._grace = grace
        self._pieces_by_id: dict[str, int] = {}
        self._state = bytearray()
        self._sent_at = array("d")
        self._first: dict[int, ReceiptSeen] = {}
        self._repeats: list[tuple[ReceiptSeen, ReceiptSeen]] = []
        self._early: dict[str, list[ReceiptSeen]] = {}
        self._unanswered: Counter[str] = Counter()
        self._lost_links: dict[int, float] = {}
        self.response_times = array("d")
        self.receipt_times = array("d")
        self.refused: Counter[int] = Counter()
        self.stats: Counter[str] = Counter()
        self.violations: Counter[str] = Counter()
        self.crossed: list[str] = []
        self.unanswered = 0
        self.accepted = 0
        self.receipted = 0

    @property
    def settled(self) -> int:
        """Pieces that got a yes or a no for good."""
        return self.accepted + sum(self.refused.values())

    def sent(self, piece: int, now: float) -> None:
        """A piece was written, for the first time or again."""
        if piece == len(self._sent_at):
            self._sent_at.append(now)
            self._state.append(0)
        else:
            self._sent_at[piece] = now

    def accept(self, piece: int, message_id: str, now: float) -> None:
        """A piece got ESME_ROK with this id."""
        self.response_times.append(now - self._sent_at[piece])
        self.accepted += 1
        if self._state[piece] == ACCEPTED:
            self.violate("a submit_sm was answered twice")
        self._state[piece] = ACCEPTED
        if not message_id:
            self.violate("submit_sm_resp without message_id")
        if message_id in self._pieces_by_id:
            self.crossed.append(message_id)
            self.violate("the same message_id was given twice")
        self._pieces_by_id[message_id] = piece
        for early in self._early.pop(message_id, ()):
            self._match(piece, early)

    def refuse(self, piece: int, status: int) -> None:
        """A piece was refused for good."""
        self._state[piece] = REFUSED
        self.refused[status] += 1

    def leave_unanswered(self, piece: int) -> None:
        """The line was lost before the answer: the gateway may have taken it."""
        self.unanswered += 1
        self._unanswered[self._destination(piece)] += 1

    def receive(self, receipt: ReceiptSeen) -> None:
        """A final receipt came."""
        self.stats[receipt.stat] += 1
        piece = self._pieces_by_id.get(receipt.message_id)
        if piece is None:
            self._early.setdefault(receipt.message_id, []).append(receipt)
        else:
            self._match(piece, receipt)

    def lose_link(self, link: int, now: float) -> None:
        """A connection ended without an unbind of ours."""
        self._lost_links[link] = now

    def violate(self, detail: str) -> None:
        self.violations[detail] += 1

    def lost(self) -> list[str]:
        """Ids of accepted pieces without a final receipt."""
        return [known for known, piece in self._pieces_by_id.items() if piece not in self._first]

    def repeats(self) -> tuple[int, list[str]]:
        """Second receipts: how many are redelivered, and the ids of those that are doubled."""
        doubled = [second.message_id for first, second in self._repeats if not self._excused(first, second)]
        return len(self._repeats) - len(doubled), doubled

    def strays(self) -> tuple[int, list[str]]:
        """Receipts for ids never given: how many are explained by unanswered submits, and the rest."""
        explained, rest = 0, []
        left = Counter(self._unanswered)
        for message_id, receipts in self._early.items():
            about = receipts[0].about
            if left[about] > 0:
                left[about] -= 1
                explained += 1
            else:
                rest.append(message_id)
        return explained, rest

    def _match(self, piece: int, receipt: ReceiptSeen) -> None:
        if receipt.about != self._destination(piece):
            self.crossed.append(receipt.message_id)
            return
        first = self._first.get(piece)
        if first is None:
            self._first[piece] = receipt
            self.receipted += 1
            self.receipt_times.append(receipt.at - self._sent_at[piece])
        else:
            self._repeats.append((first, receipt))

    def _excused(self, first: ReceiptSeen, second: ReceiptSeen) -> bool:
        lost_at = self._lost_links.get(first.link)
        return second.link != first.link and lost_at is not None and lost_at - first.at <= self._grace


def percentiles(times: array[float]) -> dict[str, float]:
    """Median, 90th, 99th percentile and maximum in milliseconds; nothing of nothing."""
    if not times:
        return {}
    ordered = sorted(times)
    last = len(ordered) - 1
    marks = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: round(ordered[round(last * mark)] * 1000, 3) for name, mark in marks.items()}


def some(ids: list[str]) -> list[str]:
    """The first few, for a summary."""
    return ids[:_KEPT]
