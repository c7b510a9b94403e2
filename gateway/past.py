"""Whether a person could be written to at a moment, and why: by the rules, lists and consents of then.

The same filters judge as on the way of a message. What the text says, how often the person was written to,
and lists of people.yaml, whose past nobody keeps, are not looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from sqlalchemy import Connection

from gateway.filters.consent import ConsentEvent
from gateway.filters.consented import Consented
from gateway.filters.known import Known
from gateway.filters.numbersets import Span
from gateway.filters.persons import Person, Persons, Standing
from gateway.filters.quiet import Quiet
from gateway.filters.suppressed import Suppressed
from gateway.filters.verdict import Action, Verdict
from gateway.message import Message
from gateway.relay.people import list_key
from gateway.settings.archive import lay_out, unpack
from gateway.settings.load import load
from gateway.settings.models import Generation
from gateway.settings.problems import SettingsError
from gateway.smpp.pdus import SubmitSm
from gateway.store.history import generation_at
from gateway.store.lifted import lifted_of
from gateway.store.people import SuppressionRow, suppressions_of

PROMOTIONAL = "promotional"

Document = dict[str, Any]


class Asked(NamedTuple):
    """For whom it is asked; "" is all of them, and the category `promotional`."""

    account: str = ""
    tenant: str = ""
    program: str = ""
    category: str = ""


class CannotTell(Exception):
    """No rules are known by which it could be told, or what is asked for does not exist."""


class Towards(NamedTuple):
    """A message that could have been sent: by which account, for which program, of which category."""

    account: str
    program: str
    category: str


class OfProgram(Persons):
    """The persons of messages that are all of one program."""

    only = ""

    def _find(self, message: Message) -> Person | None:
        person = super()._find(message)
        if person is None:
            return None
        standing = person.standing
        return Person(person.digits, Standing(self.only, standing.tier, standing.rules, standing.zones))


# lists


def entries_at(connection: Connection, number: str, moment: float) -> list[SuppressionRow]:
    """The entries that stood on lists for a number at a unix second, those of its prefixes among them."""
    at = int(moment * 1000)
    those = number, *(f"{number[:length]}*" for length in range(1, len(number) + 1))
    found = [row for row in suppressions_of(connection, *those) if row.added_at <= at]
    return found + [
        SuppressionRow(*row[1:6], row.number, *row[7:12])
        for row in lifted_of(connection, *those)
        if row.added_at <= at < row.lifted_at
    ]


# rules


def in_force_at(
    connection: Connection, directory: Path, moment: float, aside: Path
) -> tuple[str, Generation]:
    """The generation in force at a unix second, laid out in the directory `aside`, and how to call it: the
    files as they are now where none is kept. Raises SettingsError, OSError and ValueError.
    """
    row = generation_at(connection, int(moment * 1000))
    if row is None:
        return f"the files in {directory}: no generation of then is kept", load(directory, os.environ)
    lay_out(unpack(row.files), directory, aside)
    return f"generation {row.number}", load(aside, os.environ, home=directory)


@contextmanager
def rules_at(connection: Connection, directory: Path, moment: float) -> Iterator[tuple[str, Generation]]:
    """As `in_force_at`, for as long as its files are needed. Raises CannotTell."""
    try:
        with TemporaryDirectory() as aside:
            yield in_force_at(connection, directory, moment, Path(aside) / "then")
    except (SettingsError, OSError, ValueError) as error:
        raise CannotTell(f"the rules of then cannot be read: {error}") from None


# the answer


def could_send(
    connection: Connection,
    directory: Path,
    number: str,
    moment: float,
    asked: Asked,
    events: Iterable[ConsentEvent],
) -> list[Document]:
    """What would have become of a message of each tenant and program at a unix second. Raises CannotTell."""
    known = Known()
    for row in entries_at(connection, number, moment):
        known.suppressions.add(list_key(row.key), row.number, Span(row.since, row.until))
    for event in events:
        if event.recorded_at <= moment:
            known.consents.apply(event)
    with rules_at(connection, directory, moment) as (by, generation):
        return [
            {"by": by, **_judged(generation, known, number, moment, towards)}
            for towards in _towards(generation, asked)
        ]


def _towards(generation: Generation, asked: Asked) -> list[Towards]:
    accounts = {
        name: settings
        for name, settings in generation.accounts.items()
        if asked.account in ("", name) and asked.tenant in ("", settings.tenant)
    }
    if not accounts:
        of = f"account '{asked.account}'" if asked.account else f"account of tenant '{asked.tenant}'"
        raise CannotTell(f"there was no {of} then: there were {', '.join(generation.accounts)}")
    found: dict[tuple[str, str], Towards] = {}
    for name, settings in accounts.items():
        tenant = generation.people.tenant(settings.tenant)
        category = asked.category or (settings.category if asked.account else PROMOTIONAL)
        for program in (
            [asked.program] if asked.program else dict.fromkeys((tenant.program, *tenant.programs))
        ):
            found.setdefault((settings.tenant, program), Towards(name, program, category))
    return list(found.values())


def _judged(generation: Generation, known: Known, number: str, moment: float, towards: Towards) -> Document:
    account = generation.accounts[towards.account]
    persons = OfProgram(generation)
    persons.only = towards.program
    at = int(moment * 1000)
    message = Message(
        id=0,
        account=towards.account,
        tenant=account.tenant,
        client_id="",
        accepted_at=at,
        pdu=SubmitSm(destination_addr=number, dest_addr_ton=1, dest_addr_npi=1),
        category=towards.category,
        generation=generation.number,
        expires_at=at + int(account.validity * 1000),
    )
    words: list[Verdict] = []
    for judge in (
        Suppressed(persons, known),
        Consented(persons, known),
        Quiet(persons, generation.filters.quiet),
    ):
        word = judge.judge(message, moment)
        if word is not None:
            words.append(word)
            if word.action is Action.REFUSE:
                break
    decided = next((word for word in words if word.action is not Action.WARN), None)
    answer = "yes" if decided is None else "no" if decided.action is Action.REFUSE else "waits"
    return {
        "tenant": account.tenant,
        "program": towards.program,
        "category": towards.category,
        "answer": answer,
        "until": decided.until if decided is not None else None,
        "words": [_told(persons, word, generation.directory) for word in words],
        "asked": sorted(_asked(persons, message, moment)),
    }


def _told(persons: Persons, word: Verdict, directory: Path) -> Document:
    return {
        "filter": word.filter,
        "action": word.action.value,
        "rule": word.rule,
        "place": word.place.removeprefix(f"{directory}/"),
        "detail": word.detail,
        "source": _sources(persons, word.rule),
    }


def _asked(persons: Persons, message: Message, moment: float) -> set[str]:
    """The rules of the packs that had a say."""
    person = persons.person(message)
    if person is None:
        return set()
    consents = {ruled.name for _, ruled in persons.asked(person.rules, moment).consents}
    return consents | {ruled.name for ruled, _ in person.rules.alone}


def _sources(persons: Persons, name: str) -> list[str]:
    """Where it is written what a rule says."""
    placed = persons.book.packs.get(name.partition("/")[0])
    rules = [] if placed is None else [ruled.rule for ruled in placed.ruled() if ruled.name == name]
    return [placed.pack.sources.get(source, source) for rule in rules for source in rule.source if placed]
