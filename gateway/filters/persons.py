"""The person a message is for: the number as all lists have it, the rules that hold there, the program.

Made once for each generation; several filters ask for the same message one after the other, so the last
answer is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.filters.numbers import Numbering, Place, normalise
from gateway.filters.packs import CapRule, ConsentRule
from gateway.filters.rulebook import RuleBook, Ruled, Rules
from gateway.filters.rulepacks import load_packs
from gateway.filters.tiers import NONE, Tiers
from gateway.filters.windows import Window, window
from gateway.message import Message
from gateway.settings.models import Generation, Program, Tenant

DAY = 86_400
LONGEST_SIGNATURE = 40
REMEMBERED = 10_000
"""Standings for which a filter remembers something."""

Prefixes = tuple[tuple[str, tuple[str, ...]], ...]


class Standing:
    """What holds for messages of one kind to all the people of a place: one object for each, so that filters
    can remember what they have worked out for it. `zones` are all in which the people may be.
    """

    __slots__ = ("program", "rules", "tier", "zones")

    def __init__(self, program: str, tier: int, rules: Rules, zones: tuple[str, ...]) -> None:
        self.program = program
        self.tier = tier
        self.rules = rules
        self.zones = zones


class Person:
    """Who gets a message, by the digits of the number, and what holds for it."""

    __slots__ = ("digits", "standing")

    def __init__(self, digits: str, standing: Standing) -> None:
        self.digits = digits
        self.standing = standing

    @property
    def program(self) -> str:
        """The program that the message is of."""
        return self.standing.program

    @property
    def rules(self) -> Rules:
        """What the packs say."""
        return self.standing.rules

    @property
    def zones(self) -> tuple[str, ...]:
        """The time zones in which the person may be."""
        return self.standing.zones

    @property
    def tier(self) -> int:
        """How urgent the message is."""
        return self.standing.tier


class Asked(NamedTuple):
    """The rules of consent and of frequency that hold from one unix second to another: for a day."""

    since: float
    until: float
    consents: tuple[tuple[ConsentRule, Ruled], ...]
    caps: tuple[tuple[CapRule, Ruled], ...]


class _Sender:
    """What is known beforehand of an account's messages of a category: its `told` program and tier, if no
    message differs in them from another; `plain` if none does in zones either.
    """

    __slots__ = ("calling_code", "plain", "standings", "tenant", "told", "zones")

    def __init__(self, tenant: Tenant, told: tuple[str, int] | None, zones: Prefixes) -> None:
        self.tenant = tenant
        self.calling_code = tenant.calling_code
        self.told = told
        self.zones = zones
        self.plain = told is not None and not zones
        self.standings: dict[Place | tuple[Place, str, int, tuple[str, ...]], Standing] = {}


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
        self._versions: dict[str, str] = {}
        self._books = dict(self._own_books(generation))
        self._zones: dict[str, Prefixes] = {
            name: tuple(sorted(tenant.zones.items(), key=lambda item: -len(item[0])))
            for name, tenant in people.tenants.items()
        }
        self._senders: dict[tuple[str, str, str], _Sender] = {}
        self._asked: dict[int, tuple[Rules, Asked]] = {}
        self._message: Message | None = None  # who was asked for last
        self._category = ""
        self._person: Person | None = None

    def person(self, message: Message) -> Person | None:
        """The person, or None where the destination is no subscriber's number (a short code)."""
        if message is not self._message or message.category != self._category:
            self._person = self._find(message)
            self._message, self._category = message, message.category
        return self._person

    def asked(self, rules: Rules, now: float) -> Asked:
        """What is asked on the UTC date of `now` (unix seconds), remembered."""
        found = self._asked.get(id(rules))
        if found is None or not found[1].since <= now < found[1].until:
            since = now // DAY * DAY
            asked = Asked(
                since, since + DAY, tuple(rules.of(ConsentRule, now)), tuple(rules.of(CapRule, now))
            )
            found = self._asked[id(rules)] = rules, asked
        return found[1]

    def digits(self, tenant: str, address: str, ton: int = 1) -> str | None:
        """A number as lists and consents have it: E.164 digits; None for what is none."""
        return normalise(address, ton, self.people.tenant(tenant).calling_code)

    def rules(self, tenant: str, digits: str, category: str) -> Rules:
        """What holds for a tenant's messages of a category to a number."""
        place = self.numbering.place(digits)
        return self._book(tenant).rules(place.country, place.region, category)

    def pack_version(self, digits: str) -> str:
        """The pack of a number's country, and of which day it is (`CN 2026-10-01`); "" if there is none."""
        country = self.numbering.place(digits).country
        found = self._versions.get(country)
        if found is None:
            pack = self.book.pack(country)
            found = self._versions[country] = "" if pack is None else f"{pack.pack} {pack.version}"
        return found

    def program(self, message: Message) -> str:
        """The program a message is of."""
        sender = self._senders.get((message.tenant, message.account, message.category))
        if sender is not None and sender.told is not None:
            return sender.told[0]
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
        whose = message.tenant, message.account, message.category
        sender = self._senders.get(whose) or self._sender(message)
        pdu = message.pdu
        digits = normalise(pdu.destination_addr, pdu.dest_addr_ton, sender.calling_code)
        if digits is None:
            return None
        place = self.numbering.place(digits)
        if sender.plain:
            standing = sender.standings.get(place)
            if standing is not None:
                return Person(digits, standing)
        return Person(digits, self._standing(message, sender, digits, place))

    def _sender(self, message: Message) -> _Sender:
        tenant = self.people.tenant(message.tenant)
        told = None
        tells = any(program.sources or program.signatures for program in tenant.programs.values())
        if not tells and not self.tiers.by_message(message.account):
            told = self._told(message, tenant)
        sender = _Sender(tenant, told, self._zones.get(message.tenant, ()))
        self._senders[message.tenant, message.account, message.category] = sender
        return sender

    def _told(self, message: Message, tenant: Tenant) -> tuple[str, int]:
        """The program and the tier of a message."""
        program, settings = self._program(message, tenant)
        return program, self.tiers.of(message, settings) if self.tiers.any else NONE

    def _standing(self, message: Message, sender: _Sender, digits: str, place: Place) -> Standing:
        program, tier = sender.told or self._told(message, sender.tenant)
        own: tuple[str, ...] = ()
        for prefix, zones in sender.zones:
            if digits.startswith(prefix):
                own = zones
                break
        key = place if sender.plain else (place, program, tier, own)
        standing = sender.standings.get(key)
        if standing is None:
            book = self._book(message.tenant)
            rules = book.rules(place.country, place.region, message.category)
            zones = own or place.zones or book.zones(place.country, ())
            standing = sender.standings[key] = Standing(program, tier, rules, zones)
        return standing

    def _book(self, tenant: str) -> RuleBook:
        return self._books.get(tenant, self.book)

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
    text = message.text
    if not text or "】" not in text:
        return ""
    text = text.strip()
    if text[0] == "【":
        name = text[1 : text.index("】")]
    elif text[-1] == "】" and "【" in text:
        name = text[text.rindex("【") + 1 : -1]
    else:
        return ""
    return name if len(name) <= LONGEST_SIGNATURE and "【" not in name and "】" not in name else ""


def _is_from(source: str, sources: tuple[str, ...]) -> bool:
    return any(source.startswith(known[:-1]) if known.endswith("*") else source == known for known in sources)
