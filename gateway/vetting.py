"""`gateway vet`: what the filters would say of one text to each number of a list, beside the node.

The text is judged once by every filter, each number by those that go by people. What is known is what the
store holds at the beginning. Limits of frequency are not asked: they are the running node's to count.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from gateway.filters.catalogue import make_filters
from gateway.filters.chain import Chain, Judgement, Mode
from gateway.filters.listed import put_in_force
from gateway.filters.suppressed import Suppressed
from gateway.filters.verdict import Action
from gateway.logs import masked
from gateway.message import Message
from gateway.relay.people import read_all
from gateway.relay.templating import learn_edits
from gateway.settings.load import load
from gateway.settings.problems import SettingsError
from gateway.smpp.pdus import SubmitSm
from gateway.smpp.text import choose_encoding
from gateway.stored import reading

PEOPLE = ("suppressed", "consented", "quiet")
SAMPLE = "8613800000000"
SAID = {Action.REFUSE: "refused", Action.HOLD: "held", Action.DEFER: "waits"}


class CannotVet(Exception):
    """The configuration, the account or the text cannot be used."""


class Vetted(NamedTuple):
    """What would become of one number of the list."""

    line: int
    number: str
    verdict: str
    reason: str = ""
    rule: str = ""
    until: str = ""


class Vetting:
    """One text of one account, to be judged for many numbers. Raises CannotVet."""

    def __init__(
        self, directory: Path, environ: Mapping[str, str], account: str, source: str, text: str
    ) -> None:
        try:
            generation = load(directory, environ)
            filters = make_filters(generation)
        except (SettingsError, ValueError) as error:
            raise CannotVet(str(error)) from None
        settings = generation.accounts.get(account)
        if settings is None:
            raise CannotVet(f"there is no account '{account}'")
        suppressed = filters["suppressed"]
        assert isinstance(suppressed, Suppressed)
        list(put_in_force(suppressed.lists, suppressed.known))
        with reading(generation.node, directory) as connection:
            read_all(connection, suppressed.known)
            learn_edits(connection, filters)
        self.generation = generation
        self.settings = settings
        self.filters = filters
        self.account = account
        self.text = text
        self.now = time.time()
        data_coding, octets = choose_encoding(text)
        self.pdu = SubmitSm(source_addr=source, data_coding=data_coding, short_message=octets)
        self.category: str = settings.category
        self.of_text = self._chain(of_people=False).judge(self._message(SAMPLE), self.now)
        if self.of_text.category:
            self.category = self.of_text.category
            self.of_text = self._chain(of_people=False).judge(self._message(SAMPLE), self.now)
        self.people = self._chain(of_people=True)
        self._two = self._message(SAMPLE), self._message(SAMPLE)

    def judge_all(self, numbers: Iterable[tuple[int, tuple[str]]]) -> Iterator[Vetted]:
        """The verdict on each number with its line."""
        stopped = self.of_text.verdict.action in (Action.REFUSE, Action.HOLD)
        for line, (number,) in numbers:
            if not number.removeprefix("+").isdigit():
                yield Vetted(line, masked(number), "refused", "not a number")
            else:
                judgement = self.of_text if stopped else self._judge(number)
                yield _vetted(line, number, judgement)

    def _judge(self, number: str) -> Judgement:
        """The same message to another number. There are two of it, in turn: the filters know the last one
        again.
        """
        message, other = self._two
        self._two = other, message
        message.pdu = self.pdu._replace(destination_addr=number)
        message.destination = number.lstrip("+")
        return self.people.judge(message, self.now)

    def _message(self, number: str) -> Message:
        now_ms = int(self.now * 1000)
        message = Message(
            id=0,
            account=self.account,
            tenant=self.settings.tenant,
            client_id="",
            accepted_at=now_ms,
            pdu=self.pdu._replace(destination_addr=number),
            category=self.category,
            generation=self.generation.number,
            expires_at=now_ms + int(self.settings.validity * 1000),
        )
        return message.saying(self.text)

    def _chain(self, *, of_people: bool) -> Chain:
        """The account's filters of the text, or of people."""
        chosen = []
        for name, filter in self.filters.items():
            mode = self.settings.filter_mode(name, self.category, self.generation.filters)
            if mode != "off" and (name in PEOPLE) is of_people and name != "capped":
                chosen.append((filter, Mode(mode)))
        return Chain(tuple(chosen))


def _vetted(line: int, number: str, judgement: Judgement) -> Vetted:
    verdict = judgement.verdict
    said = SAID.get(verdict.action, "passes")
    if said == "passes":
        return Vetted(line, masked(number), said)
    until = ""
    if verdict.action is Action.DEFER and verdict.until is not None:
        until = datetime.fromtimestamp(verdict.until, UTC).isoformat(timespec="minutes")
    reason = verdict.reason.name if verdict.reason is not None else verdict.filter
    return Vetted(line, masked(number), said, reason, verdict.rule, until)
