"""The filter of sender ids: registered addresses by account, country and category; no one else's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, NamedTuple

from gateway.filters.fold import view_r, view_s
from gateway.filters.marks import DAY, MOST
from gateway.filters.numbers import NOWHERE, SHORTEST
from gateway.filters.packs import Rule, SenderRule, SeparationRule
from gateway.filters.persons import Person, Persons
from gateway.filters.rulebook import Ruled, Rules
from gateway.filters.treating import gravest, treat
from gateway.filters.verdict import REASONS, Action, Verdict, beside
from gateway.message import Message
from gateway.settings.content import Registration
from gateway.settings.content import Senders as Settings

_REASON = REASONS["sender_not_registered"]
_ALIKE = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_LIKE_LETTERS = str.maketrans("013457", "oleast")
_LIKE_L = str.maketrans("i", "l")
_NO_RULES = Rules(None)
ANY = "*"


class Registered(NamedTuple):
    """A registration with its place as file:line."""

    entry: Registration
    place: str

    def is_for(self, account: str) -> bool:
        """Whether the account may use it at all."""
        return not self.entry.accounts or account in self.entry.accounts


def skeleton(name: str) -> str:
    """What a name looks like: names with the same one are taken for each other."""
    seen = view_s(name).translate(_LIKE_LETTERS)
    for pair, single in _ALIKE:
        seen = seen.replace(pair, single)
    return view_r(seen.translate(_LIKE_L))


def kinds_of(address: str, registered: bool) -> frozenset[str]:
    """What kinds of sender an address is, in the words of the packs."""
    if not address.lstrip("+").isdigit():
        return frozenset(("alphanumeric", "registered") if registered else ("alphanumeric",))
    return frozenset(("short_code",) if len(address.lstrip("+")) < SHORTEST else ("number",))


class Senders:
    """Judges the source address of a message."""

    name: ClassVar[str] = "senders"
    alike: ClassVar[bool] = True

    def __init__(self, settings: Settings, persons: Persons, places: tuple[str, ...] = ()) -> None:
        self._settings = settings
        self._persons = persons
        self._exact: dict[str, list[Registered]] = {}
        self._prefixes: list[tuple[str, Registered]] = []
        self._skeletons: dict[str, list[Registered]] = {}
        self._judged: dict[tuple[str, str, str, int, int], Verdict | None] = {}
        for index, entry in enumerate(settings.registered):
            one = Registered(entry, places[index] if index < len(places) else "")
            if entry.address.endswith(ANY):
                self._prefixes.append((entry.address[:-1].casefold(), one))
            else:
                self._exact.setdefault(entry.address.casefold(), []).append(one)
            if not entry.address.rstrip(ANY).lstrip("+").isdigit():
                self._skeletons.setdefault(skeleton(entry.address.rstrip(ANY)), []).append(one)

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A verdict if the address is not registered for this, is like another's, or is of a wrong kind.

        It is the same all day for one address, account, category and country, and is remembered.
        """
        person = self._persons.person(message)
        rules = person.standing.rules if person is not None else _NO_RULES
        key = (message.source, message.account, message.category, id(rules), int(now // DAY))
        if key not in self._judged:
            if len(self._judged) >= MOST:
                self._judged.clear()
            self._judged[key] = self._judge(message, person, now)
        return self._judged[key]

    def _judge(self, message: Message, person: Person | None, now: float) -> Verdict | None:
        place = self._persons.numbering.place(person.digits) if person is not None else NOWHERE
        known = self._known(message.source)
        mine = [one for one in known if one.is_for(message.account)]
        here = [one for one in mine if not one.entry.countries or place.country in one.entry.countries]
        fitting = any(not one.entry.categories or message.category in one.entry.categories for one in here)
        said: list[Verdict | None] = []
        if not fitting:
            said.append(self._stranger(message, place.country, known, mine, here))
        if person is not None:
            said.append(self._by_pack(_kinds(person, kinds_of(message.source, fitting), now)))
            said.append(self._by_pack(_apart(message, person, self._carried(known, place.country), now)))
        return gravest(said)

    def _known(self, source: str) -> list[Registered]:
        address = source.casefold()
        found = self._exact.get(address, [])
        return found + [one for prefix, one in self._prefixes if address.startswith(prefix)]

    def _carried(self, known: list[Registered], country: str) -> set[str]:
        """The categories that an address is registered for here, whoever it belongs to; an exact registration
        goes before those of prefixes, the longest of these before the others.
        """
        here = [one.entry for one in known if not one.entry.countries or country in one.entry.countries]
        longest = max((_exactness(entry) for entry in here), default=0)
        return {name for entry in here if _exactness(entry) == longest for name in entry.categories}

    def _stranger(
        self,
        message: Message,
        country: str,
        known: list[Registered],
        mine: list[Registered],
        here: list[Registered],
    ) -> Verdict | None:
        """Why an address may not be used here."""
        if here:
            allowed = ", ".join(sorted({name for one in here for name in one.entry.categories}))
            detail = f"{message.source} is registered for {allowed}, not for {message.category}"
            return Verdict(Action.REFUSE, self.name, "category", here[0].place, _REASON, detail)
        if mine:
            detail = f"{message.source} is not registered for {country or 'that destination'}"
            return self._treated("country", mine[0].place, detail)
        if not known and (like := self._like(message)) is not None:
            rule, place = "lookalike", like.place
            detail = f"{message.source} reads like {like.entry.address}, which is another's"
            verdict = treat(self._settings.lookalikes, self.name, rule, place, _REASON, detail)
            return gravest((verdict, self._treated("unregistered", "", "")))
        detail = "it is registered for others" if known else f"{message.source} is not registered"
        return self._treated("unregistered", known[0].place if known else "", detail)

    def _treated(self, rule: str, place: str, detail: str) -> Verdict | None:
        return treat(self._settings.unregistered, self.name, rule, place, _REASON, detail)

    def _like(self, message: Message) -> Registered | None:
        """Another's registered name that this one can be taken for."""
        if message.source.lstrip("+").isdigit():
            return None
        alike = self._skeletons.get(skeleton(message.source), ())
        return next((one for one in alike if not one.is_for(message.account)), None)

    def _by_pack(self, found: Iterable[tuple[Rule, Ruled, str]]) -> Verdict | None:
        """The verdict on what the pack of the destination does not allow: the first that is not in shadow."""
        shadows: list[Verdict] = []
        for rule, ruled, detail in found:
            action = Action.REFUSE if rule.enforced else Action.WARN
            reason = _REASON if rule.enforced else None
            verdict = Verdict(action, self.name, ruled.name, ruled.place, reason, detail)
            if not rule.shadow:
                return beside(self.name, verdict, shadows)
            shadows.append(verdict)
        return beside(self.name, None, shadows)


def _exactness(entry: Registration) -> int:
    return 2 * len(entry.address) - 3 * entry.address.endswith(ANY)


def _kinds(person: Person, kinds: frozenset[str], now: float) -> Iterator[tuple[Rule, Ruled, str]]:
    """The rules of a pack by which no address of these kinds may send."""
    for rule, ruled in person.rules.of(SenderRule, now):
        if kinds.isdisjoint(rule.allowed):
            yield rule, ruled, f"{', '.join(sorted(kinds))} where only {', '.join(rule.allowed)} may send"


def _apart(
    message: Message, person: Person, categories: set[str], now: float
) -> Iterator[tuple[Rule, Ruled, str]]:
    """The rules of a pack by which an address that is registered for these categories carries nothing of the
    message's kind.
    """
    for rule, ruled in person.rules.of(SeparationRule, now):
        kind = rule.kind_of(message.category)
        carried = sorted(filter(None, {rule.kind_of(name) for name in categories}))
        if not kind or carried == [kind] or (not carried and kind == rule.otherwise):
            continue
        if len(carried) > 1:
            why = f"is registered for {' and '.join(carried)}, which must have addresses of their own"
        elif carried:
            why = f"is registered for {carried[0]} and may not carry {kind}"
        else:
            why = f"is registered for neither, counts for {rule.otherwise} and may not carry {kind}"
        yield rule, ruled, f"{message.source} {why}"
