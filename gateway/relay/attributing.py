"""What a reply is about: the program that it names, or that of what the handset got last from that number."""

from __future__ import annotations

from typing import NamedTuple

from gateway.filters.fold import fold, view_s
from gateway.relay.accounts import Account
from gateway.relay.consenting import Consenting, Pending
from gateway.relay.people import People
from gateway.relay.writers import CONCERNED, Writers
from gateway.smpp.pdus import DeliverSm


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
    """Tells what a reply is about, by what went to whom last."""

    def __init__(self, people: People, consenting: Consenting, writers: Writers) -> None:
        self.people = people
        self.consenting = consenting
        self.writers = writers

    def of(self, heard: Heard) -> tuple[Heard, Pending | None]:
        """The reply with the program and category that it is about, and the request that it may answer.

        A program that it names by a keyword goes before all else, then what the handset got last from the
        number: a request for consent, or a message.
        """
        number = heard.reply.destination_addr.lstrip("+")
        written = heard.reply.source_addr.lstrip("+")
        last = self.writers.last(written, number) or self.writers.last(heard.digits, number)
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
