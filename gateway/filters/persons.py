"""The person a message is for: the number as all lists have it, the rules that hold there, the program.

Made once for each generation; several filters ask for the same message one after the other, so the last
answer is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.filters.numbers import NOWHERE, Numbering, normalise
from gateway.filters.packs import CapRule, ConsentRule
from gateway.filters.rulebook import RuleBook, Ruled, Rules
from gateway.filters.rulepacks import load_packs
from gateway.filters.tiers import NONE, Tiers
from gateway.filters.windows import Window, window
from gateway.message import Message
from gateway.settings.models import Generation, Program, Tenant

DAY = 86_400
LONGEST_SIGNATURE = 40

Prefixes = tuple[tuple[str, tuple[str, ...]], ...]


class Person(NamedTuple):
    """Who gets a message, and what holds for it. `zones` are all in which the person may be."""

    digits: str
    program: str
    tier: int
    rules: Rules
    zones: tuple[str, ...]


class Asked(NamedTuple):
    """The rules of consent and of frequency that hold on a day."""

    consents: tuple[tuple[ConsentRule, Ruled], ...]
    caps: tuple[tuple[CapRule, Ruled], ...]


class Persons:
    """Finds the person of a message by one generation's settings and packs.

    Raises ValueError with all that is wrong with the packs and the tenants' hours.
    """

    def __init__(self, generation: Generation) -> None:
        people = generation.people
        self.people = people
        self.book = RuleBook([])
        if people.rules is not None:
            try:
                book, problems = load_packs(people.rules)
            except OSError as error:
                raise ValueError(f"{people.rules}: cannot be read: {error.strerror}") from None
            if book is None:
                raise ValueError("\n".join(map(str, problems)))
            self.book = book
        self.tiers = Tiers(generation)
        self.numbering = Numbering(self.book.regions())
        self._books = dict(self._own_books(generation))
        self._zones: dict[str, Prefixes] = {
            name: tuple(sorted(tenant.zones.items(), key=lambda item: -len(item[0])))
            for name, tenant in people.tenants.items()
        }
        self._zoned = {name for name, zones in self._zones.items() if zones}
        self._asked: dict[int, tuple[Rules, Asked]] = {}
        self._asked_on = 0.0
        self._last: tuple[Message | None, str, Person | None] = None, "", None

    def person(self, message: Message) -> Person | None:
        """The person, or None where the destination is no subscriber's number (a short code)."""
        last, category, person = self._last
        if last is not message or category != message.category:
            person = self._find(message)
            self._last = message, message.category, person
        return person

    def asked(self, rules: Rules, now: float) -> Asked:
        """What is asked on the UTC date of `now` (unix seconds), remembered."""
        if not 0 <= now - self._asked_on < DAY:
            self._asked.clear()
            self._asked_on = now // DAY * DAY
        found = self._asked.get(id(rules))
        if found is None:
            asked = Asked(tuple(rules.of(ConsentRule, now)), tuple(rules.of(CapRule, now)))
            found = self._asked[id(rules)] = rules, asked
        return found[1]

    def digits(self, tenant: str, address: str, ton: int = 1) -> str | None:
        """A number as lists and consents have it: E.164 digits; None for what is none."""
        return normalise(address, ton, self.people.tenant(tenant).calling_code)

    def rules(self, tenant: str, digits: str, category: str) -> Rules:
        """What holds for a tenant's messages of a category to a number."""
        place = self.numbering.place(digits)
        return self._book(tenant).rules(place.country, place.region, category)

    def program(self, message: Message) -> str:
        """The program a message is of."""
        return self._program(message, self.people.tenant(message.tenant))[0]

    def tier(self, message: Message) -> int:
        """How urgent a message is; 0 if nothing says so."""
        if not self.tiers.may_have(message.account):
            return NONE
        person = self.person(message)
        if person is not None:
            return person.tier
        return self.tiers.of(message, self._program(message, self.people.tenant(message.tenant))[1])

    def _find(self, message: Message) -> Person | None:
        pdu = message.pdu
        name = message.tenant
        tenant = self.people.tenant(name)
        digits = normalise(pdu.destination_addr, pdu.dest_addr_ton, tenant.calling_code)
        if digits is None:
            return None
        place = self.numbering.place(digits) or NOWHERE
        book = self._books.get(name, self.book)
        program, settings = self._program(message, tenant)
        own = self._own_zones(name, digits) if name in self._zoned else ()
        return Person(
            digits,
            program,
            self.tiers.of(message, settings) if self.tiers.any else NONE,
            book.rules(place.country, place.region, message.category),
            own or place.zones or book.zones(place.country, ()),
        )

    def _book(self, tenant: str) -> RuleBook:
        return self._books.get(tenant, self.book)

    def _own_zones(self, tenant: str, digits: str) -> tuple[str, ...]:
        for prefix, zones in self._zones.get(tenant, ()):
            if digits.startswith(prefix):
                return zones
        return ()

    @staticmethod
    def _program(message: Message, tenant: Tenant) -> tuple[str, Program | None]:
        for name, program in tenant.programs.items():
            if program.sources and _is_from(message.source, program.sources):
                return name, program
            if program.signatures and signature_of(message) in program.signatures:
                return name, program
        return tenant.program, tenant.programs.get(tenant.program)

    def _own_books(self, generation: Generation) -> Mapping[str, RuleBook]:
        books, problems = {}, []
        for name, tenant in generation.people.tenants.items():
            if not tenant.hours:
                continue
            place = generation.place(f"people.tenants.{name}.hours")
            try:
                windows: dict[str, tuple[Window, ...]] = {
                    rule: tuple(window(each.days, each.start, each.end) for each in hours)
                    for rule, hours in tenant.hours.items()
                }
            except ValueError as error:
                problems.append(f"{place}: {error}")
                continue
            problems += [f"{place}: {why}" for why in self.book.refused_windows(windows).values()]
            books[name] = self.book.for_tenant(windows)
        if problems:
            raise ValueError("\n".join(problems))
        return books


def signature_of(message: Message) -> str:
    """What stands in 【】 at the beginning or the end of the text; "" if nothing does."""
    text = (message.text or "").strip()
    if text.startswith("【"):
        name = text[1 : text.find("】")]
    elif text.endswith("】"):
        name = text[text.rfind("【") + 1 : -1]
    else:
        return ""
    return name if len(name) <= LONGEST_SIGNATURE and "【" not in name and "】" not in name else ""


def _is_from(source: str, sources: tuple[str, ...]) -> bool:
    return any(source.startswith(known[:-1]) if known.endswith("*") else source == known for known in sources)
