"""Directives: what an admin has ordered for a part of the traffic, now and until taken back.

They stand above the filters of an account, whose settings cannot switch them off. Whoever has a store keeps
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import Enum
from typing import ClassVar, NamedTuple

from gateway.filters.paused import AGAIN, GOLDEN, SPREAD
from gateway.filters.verdict import REASONS, Action, Verdict
from gateway.message import Message

ProgramOf = Callable[[Message], str]


class Verb(Enum):
    """What is to be done with it."""

    PAUSE = "pause"
    """It waits within its validity; what comes from now on may be refused instead."""
    DRAIN = "drain"
    """What comes from now on is refused, what was accepted goes out."""
    REROUTE = "reroute"
    """It goes by other carriers."""
    PURGE = "purge"
    """What was accepted before and has not left ends as refused."""


class Part(NamedTuple):
    """A part of the traffic: all that is given must hold; what is empty does not matter. `prefix` is what
    destinations begin with.
    """

    account: str = ""
    tenant: str = ""
    program: str = ""
    carrier: str = ""
    category: str = ""
    prefix: str = ""

    def covers(self, message: Message, program_of: ProgramOf) -> bool:
        """Whether a message is of it, whichever carrier it may come to."""
        return (
            self.account in ("", message.account)
            and self.tenant in ("", message.tenant)
            and self.category in ("", message.category)
            and message.destination.startswith(self.prefix)
            and (not self.program or self.program == program_of(message))
        )

    def __str__(self) -> str:
        named = zip(self._fields, self, strict=True)
        return ", ".join(f"{name} {value}" for name, value in named if value)


class Directive(NamedTuple):
    """One order. `at` is unix milliseconds; `refuse` is "", "temporary" or "permanent": how what is not
    taken is refused; `to` are the carriers that take what is rerouted; `drained_at` is when nothing waited
    any more.
    """

    id: int
    verb: Verb
    part: Part
    at: int
    by: str
    note: str = ""
    refuse: str = ""
    to: tuple[str, ...] = ()
    drained_at: int | None = None

    @property
    def said(self) -> str:
        """Who ordered what, and since when."""
        verb = f"{self.verb.value}d" if self.verb.value.endswith("e") else f"{self.verb.value}ed"
        since = datetime.fromtimestamp(self.at / 1000, UTC)
        return f"{verb} by {self.by} since {since:%Y-%m-%dT%H:%M:%SZ}" + (
            f": {self.note}" if self.note else ""
        )


class Directives:
    """Those in force, in the order in which they were given."""

    def __init__(self) -> None:
        self.all: dict[int, Directive] = {}
        self._put_in_order()

    def put(self, directives: Iterable[Directive]) -> None:
        """These are in force."""
        self.all.update((directive.id, directive) for directive in directives)
        self._put_in_order()

    def take_back(self, id: int) -> Directive | None:
        """One is in force no more; None if it was not."""
        directive = self.all.pop(id, None)
        self._put_in_order()
        return directive

    def _put_in_order(self) -> None:
        mine = self.all.values()
        rerouting = [each for each in mine if each.verb is Verb.REROUTE]
        stopping = [each for each in mine if each.verb is not Verb.REROUTE]
        self.stopping = [each for each in stopping if not each.part.carrier]
        """Those that a message is judged by."""
        self.at_carriers = [each for each in stopping if each.part.carrier and each.verb is Verb.PAUSE]
        """Those that keep a part of the traffic from one carrier."""
        self.rerouting = rerouting[::-1]
        """Those that lead elsewhere; the youngest counts."""

    @property
    def carriers(self) -> dict[str, Directive]:
        """The carriers that are to get nothing at all, and by which directive."""
        whole = [each for each in self.all.values() if each.part == Part(carrier=each.part.carrier)]
        return {each.part.carrier: each for each in whole if each.verb in (Verb.PAUSE, Verb.DRAIN)}


class Directed:
    """The filter of directives."""

    name: ClassVar[str] = "traffic"

    def __init__(self, directives: Directives, program_of: ProgramOf) -> None:
        self.directives = directives
        self.program_of = program_of

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A word where a directive stops the message; refusals before what only waits."""
        waits = None
        for directive in self.directives.stopping:
            if directive.part.covers(message, self.program_of):
                verdict = word(directive, message, now)
                if verdict is not None and verdict.action is Action.REFUSE:
                    return verdict
                waits = waits or verdict
        return waits


def word(directive: Directive, message: Message, now: float) -> Verdict | None:
    """What a directive says of a message that it covers; None if it lets it pass."""
    verb, new = directive.verb, message.accepted_at >= directive.at
    if verb is Verb.PURGE:
        return None if new else _refusal(directive, "purged")
    if new and (verb is Verb.DRAIN or directive.refuse):
        return _refusal(directive, "paused" if directive.refuse == "permanent" else "paused_for_now")
    if verb is not Verb.PAUSE:
        return None
    last = message.expires_at / 1000 - 1
    if last <= now:
        return _refusal(directive, "paused")
    until = min(now + AGAIN + message.id * GOLDEN % 1 * SPREAD, last)
    reason = REASONS["paused"]
    return Verdict(Action.DEFER, Directed.name, directive.verb.value, "", reason, _detail(directive), until)


def _refusal(directive: Directive, reason: str) -> Verdict:
    return Verdict(
        Action.REFUSE, Directed.name, directive.verb.value, "", REASONS[reason], _detail(directive)
    )


def _detail(directive: Directive) -> str:
    return f"{directive.part}: {directive.said}"
