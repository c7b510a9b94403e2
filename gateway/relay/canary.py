"""A canary: a candidate generation that decides for a share of the recipients, counted beside the other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from gateway.filters.chain import Chain
from gateway.filters.verdict import REASONS, Filter
from gateway.message import Message
from gateway.relay.book import Entry
from gateway.relay.judging import ChainOf
from gateway.routing.router import Router
from gateway.settings.models import Generation
from gateway.store.rows import State

WHOLE = 1 << 32
_OWN = {reason.err: reason.name for reason in REASONS.values()}


@dataclass(slots=True)
class Tally:
    """What became of the messages of one side, from the beginning of the canary on."""

    accepted: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    carriers: Counter[str] = field(default_factory=Counter)

    def end(self, entry: Entry) -> None:
        """A message has reached its end."""
        if entry.state is State.REJECTED and entry.carrier is None:
            self.refused[_OWN.get(entry.error, str(entry.error))] += 1
            return
        self.ended[entry.state.name] += 1
        if entry.carrier is not None:
            self.carriers[entry.carrier] += 1

    @property
    def settled(self) -> int:
        """Messages that have an end."""
        return self.ended.total() + self.refused.total()

    @property
    def lost(self) -> float:
        """The share of these that was not delivered."""
        return 1 - self.ended[State.DELIVERED.name] / self.settled if self.settled else 0.0

    def counts(self) -> dict[str, int]:
        """All of it, for metrics."""
        kinds = {"refused": self.refused, "ended": self.ended, "carrier": self.carriers}
        said = {f"{kind}:{name}": count for kind, found in kinds.items() for name, count in found.items()}
        return {"accepted": self.accepted, **said}

    def document(self) -> dict[str, Any]:
        """For people and programs."""
        return {
            "accepted": self.accepted,
            "refused": dict(self.refused.most_common()),
            "ended": dict(self.ended.most_common()),
            "carriers": dict(self.carriers.most_common()),
            "not_delivered": round(self.lost, 4),
        }


@dataclass(slots=True)
class Canary:
    """A candidate and its share. Who is on which side follows from the recipient's number alone, so that a
    person stays on one, and so do the parts of a text.
    """

    generation: Generation
    filters: dict[str, Filter]
    router: Router
    share: float
    accounts: frozenset[str]
    since: int  # unix milliseconds
    by: str
    worse: float | None = None
    """By so much more of the whole may be lost on its side before it is withdrawn; None: whatever is lost."""
    least: int = 100
    """Messages that must have ended on either side before that is looked at."""
    chain_of: ChainOf = field(default=lambda account, category: Chain())
    again_of: ChainOf = field(default=lambda account, category: Chain())
    own: Tally = field(default_factory=Tally)
    rest: Tally = field(default_factory=Tally)

    def takes(self, message: Message) -> bool:
        """Whether it decides for a message."""
        if self.accounts and message.account not in self.accounts:
            return False
        return crc32(f"{self.generation.number}:{message.destination}".encode()) < self.share * WHOLE

    def tally(self, message: Message) -> Tally | None:
        """Where a message counts; None for one from before, or of an account that it leaves alone."""
        if message.accepted_at < self.since or (self.accounts and message.account not in self.accounts):
            return None
        return self.own if self.takes(message) else self.rest

    @property
    def too_bad(self) -> bool:
        """Whether so much more is lost on its side that it is to be withdrawn."""
        if self.worse is None or min(self.own.settled, self.rest.settled) < self.least:
            return False
        return self.own.lost - self.rest.lost > self.worse

    def document(self) -> dict[str, Any]:
        """What it is and what has come of it so far."""
        return {
            "generation": self.generation.number,
            "share": self.share,
            "accounts": sorted(self.accounts),
            "since": self.since,
            "by": self.by,
            "withdraw_above": self.worse,
            "canary": self.own.document(),
            "in_force": self.rest.document(),
        }
