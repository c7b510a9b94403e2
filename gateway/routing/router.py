"""The routes of one generation, compiled: the first rule that matches says how a message's carrier is chosen.

Each rule has a bit. For each key of a message (account, category, place of its destination, …) a table holds
the bits of the rules that may take it; their AND leaves few, and of those the lowest whose other conditions
hold is the first. Which of its carriers takes the message is decided when a slot is free (late binding); see
`choosing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from gateway.message import Message
from gateway.routing.choosing import Choice, Chooser
from gateway.routing.conditions import Condition, conditions_of
from gateway.routing.numbering import kind_of
from gateway.routing.places import Place, Places, places_of
from gateway.routing.scripts import script_of
from gateway.settings.models import Account, Generation
from gateway.settings.patterns import LONGEST
from gateway.settings.routing import Match, Route, Routing
from gateway.settings.tables import Tables

NONE: Tables = Tables()
HIGHEST = 3  # of priority_flag
LISTED = 10_000  # sets of rules of which it is remembered which they are


@dataclass(frozen=True, slots=True)
class Rule:
    """One route: what it still asks of a message that the tables let through, and how it chooses."""

    name: str
    choice: Choice
    conditions: tuple[Condition, ...] = ()
    words: tuple[str, ...] = ()
    """Folded: one of them must be in the text; none for any text."""
    ordered: bool = False
    by: str = ""
    """The one carrier by which it goes while that is usable; always, if `strict`."""
    strict: bool = False
    aside: str = ""
    """Of which generation, where that is not the one in force: its messages wait apart."""

    @property
    def lane(self) -> str:
        """In which lane its messages wait."""
        how = "by alone" if self.strict else "by"
        lane = f"{self.name} {how} {self.by}" if self.by else self.name
        return f"{lane} of {self.aside}" if self.aside else lane

    def for_one(self, carrier: str, strict: bool) -> Rule:
        """The same rule for messages that are tied to a carrier."""
        return replace(self, by=carrier, strict=strict)

    @property
    def carriers(self) -> tuple[str, ...]:
        """Every carrier that it can come to."""
        return self.choice.reached

    def fits(self, message: Message, now: float) -> bool:
        """Whether all but its words takes a message that the tables let through."""
        return all(condition(message, now) for condition in self.conditions)


Stretch = tuple[tuple[tuple[str, Rule], ...], Rule | None]
"""Rules that follow one another: some that want words, each word with its rule, then one that wants none
(None: nothing follows).
"""


def stretches(rules: Iterable[Rule]) -> Iterator[Stretch]:
    """Rules in their order, such that the words of several are looked for in one loop."""
    worded: list[tuple[str, Rule]] = []
    for rule in rules:
        if rule.words:
            worded += [(word, rule) for word in rule.words]
        else:
            yield tuple(worded), rule
            worded = []
    if worded:
        yield tuple(worded), None


def folded(message: Message) -> str:
    """The text as words are looked for in it."""
    return (message.text or "").casefold()


class Index(NamedTuple):
    """The bits of the rules by one key of a message and the place of its destination; `other` are those of
    the rules that take any, `asking` those of the rest: without one of them nothing has to be looked up.
    """

    key: Callable[[Message, Place], object]
    bits: Mapping[Any, int]
    other: int
    asking: int

    @classmethod
    def of(cls, key: Callable[[Message, Place], object], names: Sequence[Iterable[Any] | None]) -> Index:
        """The index of rules by what each names."""
        bits, other = _bits(names)
        return cls(key, bits, other, (1 << len(names)) - 1 & ~other)


class Router:
    """All rules of one generation."""

    def __init__(
        self,
        routes: Sequence[Route],
        routing: Routing | None = None,
        tables: Tables = NONE,
        accounts: Mapping[str, Account] | None = None,
        places: Places | None = None,
    ) -> None:
        routing = routing or Routing.model_construct(routes=tuple(routes))
        every = routing.in_order
        routes = [route for route in every if route.mode == "enforce"]
        shadows = [route for route in every if route.mode == "shadow"]
        self._places = {route.name: place for place, route in enumerate(every)}
        self.chooser = Chooser(routing, places or _places(routing, tables))
        self.has_shadows = bool(shadows)
        """Whether any rule is in shadow."""
        self._shadow: Router | None = None
        """The rules in shadow, by themselves."""
        if shadows:
            acting = tuple(route.model_copy(update={"mode": "enforce"}) for route in shadows)
            alone = routing.model_copy(update={"routes": acting})
            self._shadow = Router((), alone, tables, accounts, self.chooser.places)
        self.rules = tuple(
            Rule(
                route.name,
                self.chooser.choice(route.name, route),
                conditions_of(route.match),
                tuple(word.casefold() for word in route.match.words),
                route.ordered == "recipient",
            )
            for route in routes
        )
        matches = [route.match for route in routes]
        accounts = accounts or {}
        self.priorities = {name: each.priority for name, each in accounts.items() if each.priority < HIGHEST}
        """The highest priority_flag that counts, of accounts of which not every one does."""
        names = [_accounts(match, accounts) for match in matches]
        self._accounts, self._any_account = _bits(names)
        self._categories, self._any_category = _bits([match.category or None for match in matches])
        self._place_of = self.chooser.places.at
        self._prefixes: dict[str, int] | None = None
        self._regions: dict[str, int] | None = None
        if any(match.destination for match in matches):
            self._prefixes = _prefix_bits(matches, self.chooser.places.of_rules)
        if any(match.region for match in matches):
            self._regions, self._any_region = _bits(_given(matches, "region"))
        self._others = tuple(_indexes(matches, tables))
        self._placed = bool(self._prefixes or self._regions or self._others)
        self._listed: dict[int, tuple[Stretch, ...]] = {}  # the rules of bits that were left

    @classmethod
    def of(cls, generation: Generation) -> Router:
        """The rules of a generation."""
        return cls(generation.routes, generation.routing, generation.tables, generation.accounts)

    def put_aside(self, word: str) -> None:
        """Make these the rules of a generation that is not in force."""
        self.rules = tuple(replace(rule, aside=word) for rule in self.rules)
        self._listed.clear()

    def choose(self, message: Message, now: float = 0.0) -> Rule | None:
        """The first rule that matches at a moment (unix seconds), or None: then no carrier may take the
        message.

        What one carrier alone may take goes there, whatever the rules say.
        """
        if message.by:
            return only(message.by)
        for worded, last in self._remaining(message):
            if worded:
                text = folded(message)
                for word, rule in worded:
                    if word in text and rule.fits(message, now):
                        return rule
            if last is not None:
                for condition in last.conditions:  # as `fits`: a call would cost more than most conditions
                    if not condition(message, now):
                        break
                else:
                    return last
        return None

    def _remaining(self, message: Message) -> tuple[Stretch, ...]:
        """The rules that are left when all has been looked up, in their order."""
        left = self._accounts.get(message.account, self._any_account)
        left &= self._categories.get(message.category, self._any_category)
        if left and self._placed:
            place = self._place_of(message.destination)
            if self._prefixes is not None:
                left &= self._prefixes[place.prefix]
            if self._regions is not None:
                left &= self._regions.get(place.region, self._any_region)
            for key, bits, other, asking in self._others:
                if left & asking:
                    left &= bits.get(key(message, place), other)
        listed = self._listed.get(left)
        return self._list(left) if listed is None else listed

    def _list(self, left: int) -> tuple[Stretch, ...]:
        if len(self._listed) >= LISTED:
            self._listed.clear()
        rules = (rule for at, rule in enumerate(self.rules) if left >> at & 1)
        listed = self._listed[left] = tuple(stretches(rules))
        return listed

    def shadowed(self, message: Message, now: float, rule: Rule | None) -> list[Rule]:
        """The rules in shadow each of which, were it not, would have been the first to match in the place of
        `rule`.
        """
        place = len(self._places) if rule is None else self._places.get(rule.name, 0)
        if self._shadow is None or message.by:
            return []
        return [each for each in self._shadow._all_of(message, now) if self._places[each.name] < place]

    def _all_of(self, message: Message, now: float) -> Iterator[Rule]:
        """Every rule that matches, in their order."""
        text = folded(message)
        for worded, last in self._remaining(message):
            found = {rule.name: rule for word, rule in worded if word in text}
            for rule in (*found.values(), *([last] if last else [])):
                if rule.fits(message, now):
                    yield rule


@cache
def only(carrier: str) -> Rule:
    """The rule of messages that one carrier alone may take."""
    return Rule(f"back by {carrier}", Choice(f"back by {carrier}", "order", (carrier,), (1,)))


def _accounts(match: Match, accounts: Mapping[str, Account]) -> Iterable[str] | None:
    """The accounts that a match takes, tenants and tags resolved; None for any."""
    if not (match.account or match.tenant or match.tag):
        return None
    named = match.account or accounts
    return [
        name
        for name in named
        if (not match.tenant or (name in accounts and accounts[name].tenant in match.tenant))
        and (not match.tag or (name in accounts and set(match.tag) & set(accounts[name].tags)))
    ]


def _bits(keys: Sequence[Iterable[Any] | None]) -> tuple[dict[Any, int], int]:
    """The bits of rules by what they name, and those of the rules that name nothing."""
    other = sum(1 << at for at, names in enumerate(keys) if names is None)
    bits: dict[Any, int] = {}
    for at, names in enumerate(keys):
        for name in names or ():
            bits[name] = bits.get(name, other) | 1 << at
    return bits, other


def _places(routing: Routing, tables: Tables) -> Places:
    """What lies where, as far as some rule asks for it."""
    matches = [route.match for route in routing.routes]
    asked = Tables(
        regions=tables.regions if any(match.region for match in matches) else None,
        networks=tables.networks if any(match.network for match in matches) else None,
        prices=tables.prices,
    )
    exchange = {**routing.exchange, routing.currency: 1.0}
    return places_of(asked, chain.from_iterable(match.destination for match in matches), exchange)


def _prefix_bits(matches: Sequence[Match], of_rules: Iterable[str]) -> dict[str, int]:
    """The bits by prefix: each has those of the shorter ones that it begins with."""
    own, other = _bits([match.destination or None for match in matches])
    whole = {"": other}
    same: dict[int, int] = {}
    for prefix in sorted(of_rules, key=len):
        bits = next(
            whole[prefix[:width]] for width in range(len(prefix) - 1, -1, -1) if prefix[:width] in whole
        )
        bits |= own.get(prefix, 0)
        whole[prefix] = same.setdefault(bits, bits)
    return whole


def _indexes(matches: Sequence[Match], tables: Tables) -> Iterable[Index]:
    """What else is looked up: only that which some rule asks for."""
    if any(match.country for match in matches):
        yield Index.of(
            lambda message, place: kind_of(message.destination).country, _given(matches, "country")
        )
    if any(match.number_type for match in matches):
        yield Index.of(
            lambda message, place: kind_of(message.destination).type, _given(matches, "number_type")
        )
    if any(match.tier for match in matches):
        yield Index.of(lambda message, place: message.tier, _given(matches, "tier"))
    if any(match.network for match in matches):
        yield _networks(matches, tables)
    if any(match.preference for match in matches):
        yield _preferences(matches, tables)
    if any(match.script for match in matches):  # behind the others: it costs the most
        yield Index.of(lambda message, place: _script(message.text), _given(matches, "script"))


def _script(text: str | None) -> str | None:
    return None if text is None else script_of(text[:LONGEST])


def _given(matches: Sequence[Match], name: str) -> list[Iterable[Any] | None]:
    return [getattr(match, name) or None for match in matches]


def _networks(matches: Sequence[Match], tables: Tables) -> Index:
    """Rules by network, that to which a number was ported first: one that names an MCC takes all below it."""
    wanted = [tuple(name.replace("-", "") for name in match.network) for match in matches]
    known = {code for _, code in tables.networks.items()} if tables.networks is not None else set[str]()
    known |= {*(tables.ported.values if tables.ported is not None else ())}
    taken = [
        [code for code in known if code in names or code[:3] in names] if names else None for names in wanted
    ]
    if tables.ported is None:
        return Index.of(lambda message, place: place.network, taken)
    ported = tables.ported.find
    return Index.of(lambda message, place: ported(message.destination) or place.network, taken)


def _preferences(matches: Sequence[Match], tables: Tables) -> Index:
    """Rules by the set of tags of a number, written as the table has it."""
    preferences = tables.preferences
    if preferences is None:
        nobody: list[Iterable[str] | None] = [() if match.preference else None for match in matches]
        return Index.of(lambda message, place: "", nobody)
    keys = [
        [told for told, tags in preferences.tags.items() if tags & {*match.preference}]
        if match.preference
        else None
        for match in matches
    ]
    found = preferences.told
    return Index.of(lambda message, place: found(message.destination), keys)
