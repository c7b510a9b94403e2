"""What a reply is about: the program that it names, or that of what the handset got last from that number."""

from __future__ import annotations

from typing import NamedTuple

from gateway.filters.fold import fold, view_s
from gateway.message import Message
from gateway.relay.accounts import Account
from gateway.relay.consenting import Consenting, Pending
from gateway.relay.people import People
from gateway.relay.remembered import Remembered
from gateway.smpp.pdus import DeliverSm

_new = tuple.__new__

REMEMBERED = 100_000  # messages whose program and category are known when somebody replies
CONCERNED = ("promotional", "service")


class Last(NamedTuple):
    """What a handset got last from a number, and when (unix seconds). `program` and `category` are those of
    the last message that an opt-out can be about: "" if there was none, since nobody opts out of codes.
    """

    latest: str
    at: int
    program: str
    category: str


class Heard(NamedTuple):
    """One reply, and whom it concerns. `program` and `category` are None where no message tells them."""

    reply: DeliverSm
    text: str
    carrier: str
    account: Account | None
    tenant: str
    digits: str
    program: str | None
    category: str

    @property
    def evidence(self) -> str:
        """What proves it: how the carrier brought it."""
        return f"reply to {self.reply.destination_addr} by {self.carrier}: {self.text[:40]}"


class Attribution:
    """Remembers what went to whom last."""

    def __init__(self, people: People, consenting: Consenting) -> None:
        self.people = people
        self.consenting = consenting
        self._last: Remembered[Last] = Remembered(REMEMBERED)
        self._latest = Last("", 0, "", "")

    def wrote(self, message: Message) -> None:
        """A message went to a handset: a reply from there is to its program, in its category."""
        if message.by:
            return
        pair = message.destination, message.source.lstrip("+")
        program, at = self.people.persons.program(message), message.accepted_at // 1000
        if message.category in CONCERNED:
            last = _new(Last, (program, at, program, message.category))
        elif (before := self._last.get(*pair)) is None:
            last = Last(program, at, "", "")
        else:
            last = Last(program, at, before.program, before.category)
        if last != self._latest:  # a campaign's many of one second share one
            self._latest = last
        self._last.put(*pair, self._latest)

    def another(self) -> Attribution | None:
        """One that remembers nothing yet; None where no rule asks what a reply is about."""
        return None if self.people.persons.people.rules is None else Attribution(self.people, self.consenting)

    def had_written(self, earlier: Attribution) -> None:
        """What went to whom before all that is remembered here."""
        self._last.beneath(earlier._last, _of_both)

    def of(self, heard: Heard) -> tuple[Heard, Pending | None]:
        """The reply with the program and category that it is about, and the request that it may answer.

        A program that it names by a keyword goes before all else, then what the handset got last from the
        number: a request for consent, or a message.
        """
        number = heard.reply.destination_addr.lstrip("+")
        written = heard.reply.source_addr.lstrip("+")
        last = self._last.get(written, number) or self._last.get(heard.digits, number)
        pending = self.consenting.pending(heard)
        if pending is not None and last is not None and last.at > pending.asked_at:
            pending = pending if last.latest == pending.program else None
        named = self._named(heard)
        if named is not None:
            return heard._replace(program=named, category=CONCERNED[0]), pending
        if pending is not None:
            return heard._replace(program=pending.program, category=CONCERNED[0]), pending
        if last is None or not last.category:
            return heard._replace(category=CONCERNED[0]), None
        return heard._replace(program=last.program, category=last.category), None

    def _named(self, heard: Heard) -> str | None:
        """The program of which a keyword stands in the reply, beside others."""
        programs = self.people.persons.people.tenant(heard.tenant).programs
        if not any(program.keywords for program in programs.values()):
            return None
        said, words = view_s(heard.text), fold(heard.text)
        for name, program in programs.items():
            for keyword in map(view_s, program.keywords):
                if keyword in words or (not keyword.isascii() and keyword in said):
                    return name
        return None


def _of_both(before: Last, last: Last) -> Last:
    return last if last.category else last._replace(program=before.program, category=before.category)
