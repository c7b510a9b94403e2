"""Who wrote to each handset last from each number, and of what: for the replies from there to that number."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gateway.message import Message
from gateway.relay.remembered import Remembered

_new = tuple.__new__

REMEMBERED = 100_000  # pairs of handset and number of which it is known
CONCERNED = ("promotional", "service")


class Last(NamedTuple):
    """What a handset got last from a number: whose it was, and of which program and when (unix seconds; 0
    where only the account is known). `program` and `category` are those of the last message that an opt-out
    can be about: "" if there was none, since nobody opts out of codes.
    """

    account: str
    latest: str = ""
    at: int = 0
    program: str = ""
    category: str = ""


class Writers:
    """Remembers what went to whom last. `program_of` tells the program of a message, `rules` whether any rule
    asks what a reply is about.
    """

    def __init__(self, program_of: Callable[[Message], str] = lambda message: "") -> None:
        self.program_of = program_of
        self.rules = False
        self._last: Remembered[Last] = Remembered(REMEMBERED)

    def wrote(self, message: Message) -> None:
        """A message went to a handset: a reply from there may be for its account, and is to its program, in
        its category.
        """
        if message.by:
            self.answered(message.destination, message.source, message.account)
            return
        destination, source = message.destination, message.source.lstrip("+")
        program, at, category = self.program_of(message), message.accepted_at // 1000, message.category
        concerned = program
        if category not in CONCERNED:
            before = self._last.get(destination, source)
            concerned, category = ("", "") if before is None else before[3:]
        self._last.put(destination, source, _new(Last, (message.account, program, at, concerned, category)))

    def answered(self, destination: str, source: str, account: str) -> None:
        """What an account's message says is about nothing, as the gateway's own answers, or not known."""
        source = source.lstrip("+")
        before = self._last.get(destination, source)
        last = Last(account) if before is None else before._replace(account=account)
        self._last.put(destination, source, last)

    def account(self, handset: str, number: str) -> str:
        """The account that wrote last; "" if none is known."""
        last = self._last.get(handset, number)
        return "" if last is None else last.account

    def last(self, handset: str, number: str) -> Last | None:
        """The last message, if more is known of it than whose it was."""
        last = self._last.get(handset, number)
        return last if last is not None and last.at else None

    def had_written(self, earlier: Writers) -> None:
        """What went to whom before all that is remembered here."""
        self._last.beneath(earlier._last, _of_both)


def _of_both(before: Last, last: Last) -> Last:
    if not last.at:
        return before._replace(account=last.account)
    return last if last.category else last._replace(program=before.program, category=before.category)
