"""The routes of one generation, compiled: the first rule that matches says how a message's carrier is chosen.

Each rule has a bit. For each key of a message (account, category, destination, …) a table holds the bits of
the rules that may take it; their AND leaves few, and of those the lowest whose other conditions hold is the
first. Which of its carriers takes the message is decided when a slot is free (late binding); see `choosing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from gateway.message import Message
from gateway.routing.choosing import Choice, Chooser
from gateway.routing.conditions import Condition, conditions_of
from gateway.routing.numbering import kind_of
from gateway.settings.models import Account, Generation
from gateway.settings.prefixes import Prefixes
from gateway.settings.routing import Match, Route, Routing
from gateway.settings.tables import Tables

NONE: Tables = Tables()
HIGHEST = 3  # of priority_flag


@dataclass(frozen=True, slots=True)
class Rule:
    """One route: what it still asks of a message that the tables let through, and how it chooses."""

    name: str
    choice: Choice
    conditions: tuple[Condition, ...] = ()
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


@dataclass(frozen=True, slots=True)
class Index:
    """The bits of the rules by one key of a message; `other` are those of the rules that take any."""

    key: Callable[[Message], str]
    bits: Mapping[str, int]
    other: int


class Router:
    """All rules of one generation."""

    def __init__(
        self,
        routes: Sequence[Route],
        routing: Routing | None = None,
        tables: Tables = NONE,
        accounts: Mapping[str, Account] | None = None,
    ) -> None:
        routing = routing or Routing.model_construct(routes=tuple(routes))
        self.tables = tables
        self.chooser = Chooser(routing, tables)
        every = routing.in_order
        routes = [route for route in every if route.mode == "enforce"]
        shadows = [route for route in every if route.mode == "shadow"]
        self._places = {route.name: place for place, route in enumerate(every)}
        self._shadow: Router | None = None
        """The rules in shadow, by themselves."""
        if shadows:
            acting = tuple(route.model_copy(update={"mode": "enforce"}) for route in shadows)
            alone = routing.model_copy(update={"routes": acting})
            self._shadow = Router((), alone, tables, accounts)
        self.rules = tuple(
            Rule(
                route.name,
                self.chooser.choice(route.name, route),
                conditions_of(route.match),
                route.ordered == "recipient",
            )
            for route in routes
        )
        matches = [route.match for route in routes]
        self._all = (1 << len(routes)) - 1
        accounts = accounts or {}
        self.priorities = {name: each.priority for name, each in accounts.items() if each.priority < HIGHEST}
        """The highest priority_flag that counts, of accounts of which not every one does."""
        names = [_accounts(match, accounts) for match in matches]
        self._accounts, self._any_account = _bits(names)
        self._categories, self._any_category = _bits([match.category or None for match in matches])
        self._destinations, self._any_destination = _prefix_bits(matches)
        self._others = tuple(_indexes(matches, tables))

    @classmethod
    def of(cls, generation: Generation) -> Router:
        """The rules of a generation."""
        return cls(generation.routes, generation.routing, generation.tables, generation.accounts)

    def put_aside(self, word: str) -> None:
        """Make these the rules of a generation that is not in force."""
        self.rules = tuple(replace(rule, aside=word) for rule in self.rules)

    def choose(self, message: Message, now: float = 0.0) -> Rule | None:
        """The first rule that matches at a moment (unix seconds), or None: then no carrier may take the
        message.

        What one carrier alone may take goes there, whatever the rules say.
        """
        if message.by:
            return only(message.by)
        left = self._accounts.get(message.account, self._any_account)
        left &= self._categories.get(message.category, self._any_category)
        if left and self._destinations is not None:
            bits = self._destinations.find(message.destination)
            left &= self._any_destination if bits is None else bits
        for index in self._others:
            if not left:
                return None
            left &= index.bits.get(index.key(message), index.other)
        while left:
            lowest = left & -left
            rule = self.rules[lowest.bit_length() - 1]
            for condition in rule.conditions:
                if not condition(message, now):
                    break
            else:
                return rule
            left ^= lowest
        return None

    @property
    def has_shadows(self) -> bool:
        """Whether any rule is in shadow."""
        return self._shadow is not None

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
        left = self._accounts.get(message.account, self._any_account)
        left &= self._categories.get(message.category, self._any_category)
        if self._destinations is not None:
            bits = self._destinations.find(message.destination)
            left &= self._any_destination if bits is None else bits
        for index in self._others:
            left &= index.bits.get(index.key(message), index.other)
        for at, rule in enumerate(self.rules):
            if left >> at & 1 and all(condition(message, now) for condition in rule.conditions):
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


def _bits(keys: Sequence[Iterable[str] | None]) -> tuple[dict[str, int], int]:
    """The bits of rules by what they name, and those of the rules that name nothing."""
    other = sum(1 << at for at, names in enumerate(keys) if names is None)
    bits: dict[str, int] = {}
    for at, names in enumerate(keys):
        for name in names or ():
            bits[name] = bits.get(name, other) | 1 << at
    return bits, other


def _prefix_bits(matches: Sequence[Match]) -> tuple[Prefixes[int] | None, int]:
    """The bits by prefix: each has those of the shorter ones that it begins with."""
    if not any(match.destination for match in matches):
        return None, 0
    own, other = _bits([match.destination or None for match in matches])
    whole: dict[str, int] = {}
    same: dict[int, int] = {}
    for prefix in sorted(own, key=len):
        bits = own[prefix]
        for width in range(len(prefix) - 1, 0, -1):
            if prefix[:width] in whole:
                bits |= whole[prefix[:width]]
                break
        whole[prefix] = same.setdefault(bits, bits)
    return Prefixes(whole), other


def _indexes(matches: Sequence[Match], tables: Tables) -> Iterable[Index]:
    """What else is looked up: only that which some rule asks for."""
    if any(match.country for match in matches):
        yield Index(lambda message: kind_of(message.destination).country, *_bits(_given(matches, "country")))
    if any(match.number_type for match in matches):
        yield Index(lambda message: kind_of(message.destination).type, *_bits(_given(matches, "number_type")))
    if any(match.tier for match in matches):
        tiers = [[str(tier) for tier in match.tier] or None for match in matches]
        yield Index(lambda message: str(message.tier), *_bits(tiers))
    regions = tables.regions
    if any(match.region for match in matches):
        find = regions.find if regions is not None else _nothing
        yield Index(lambda message: find(message.destination) or "", *_bits(_given(matches, "region")))
    if any(match.network for match in matches):
        yield _networks(matches, tables)
    if any(match.preference for match in matches):
        yield _preferences(matches, tables)


def _given(matches: Sequence[Match], name: str) -> list[Iterable[str] | None]:
    return [getattr(match, name) or None for match in matches]


def _nothing(digits: str) -> None:
    return None


def network_of(tables: Tables, digits: str) -> str:
    """The network of a number, as MCC and MNC: the one it was ported to, else that of its range; or ""."""
    ported = tables.ported.find(digits) if tables.ported is not None else None
    if ported is None and tables.networks is not None:
        ported = tables.networks.find(digits)
    return ported or ""


def _networks(matches: Sequence[Match], tables: Tables) -> Index:
    """Rules by network: one that names an MCC takes all networks below it."""
    wanted = [tuple(name.replace("-", "") for name in match.network) for match in matches]
    known = {code for _, code in tables.networks.items()} if tables.networks is not None else set[str]()
    known |= {*(tables.ported.values if tables.ported is not None else ())}
    keys = [
        [code for code in known if code in names or code[:3] in names] if names else None for names in wanted
    ]
    return Index(lambda message: network_of(tables, message.destination), *_bits(keys))


def _preferences(matches: Sequence[Match], tables: Tables) -> Index:
    """Rules by the set of tags of a number, written as the table has it."""
    preferences = tables.preferences
    if preferences is None:
        keys: list[Iterable[str] | None] = [() if match.preference else None for match in matches]
        return Index(lambda message: "", *_bits(keys))
    keys = [
        [told for told, tags in preferences.tags.items() if tags & {*match.preference}]
        if match.preference
        else None
        for match in matches
    ]
    found = preferences.told
    return Index(lambda message: found(message.destination), *_bits(keys))
