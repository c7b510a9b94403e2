"""Who must not be written to: typed lists of numbers, global, of a tenant, of a program, of a category.

Most numbers are on no list. The small lists together are therefore kept once more as one set, which is asked
first, and after it each of the large ones; only a number that is in one of these is looked for list by list,
the gravest type first. The set may hold numbers that have left their list: that costs time for those numbers,
never a wrong answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from gateway.filters.numbersets import ALWAYS, Entry, NumberSet, Span

_ESSENTIAL = frozenset(("otp", "transactional", "government"))
_SERVICE = _ESSENTIAL | {"service"}
_NONE: frozenset[str] = frozenset()


class ListType(StrEnum):
    """Why a number is on a list, gravest first."""

    LEGAL_ORDER = "legal_order"
    REGULATOR_COMPLAINT = "regulator_complaint"
    CARRIER_DND = "carrier_dnd"
    INVALID = "invalid"
    REASSIGNED = "reassigned"
    TENANT_OPTOUT = "tenant_optout"
    PROGRAM_OPTOUT = "program_optout"
    CATEGORY_OPTOUT = "category_optout"


RANK: Mapping[ListType, int] = {kind: rank for rank, kind in enumerate(ListType)}

PASSES: Mapping[ListType, frozenset[str]] = {
    ListType.LEGAL_ORDER: _NONE,
    ListType.REGULATOR_COMPLAINT: _ESSENTIAL,
    ListType.CARRIER_DND: _SERVICE,
    ListType.INVALID: _NONE,
    ListType.REASSIGNED: _NONE,
    ListType.TENANT_OPTOUT: _ESSENTIAL,
    ListType.PROGRAM_OPTOUT: _ESSENTIAL,
    ListType.CATEGORY_OPTOUT: _NONE,
}
"""The categories that each type lets pass. A reassigned number is another person's: not even a one-time code.
"""

REVERSIBLE_BY: Mapping[ListType, frozenset[str]] = {
    ListType.LEGAL_ORDER: frozenset(("operator",)),
    ListType.REGULATOR_COMPLAINT: frozenset(("operator",)),
    ListType.CARRIER_DND: frozenset(("operator", "carrier")),
    ListType.INVALID: frozenset(("operator", "tenant")),
    ListType.REASSIGNED: frozenset(("operator", "tenant")),
    ListType.TENANT_OPTOUT: frozenset(("operator", "person")),
    ListType.PROGRAM_OPTOUT: frozenset(("operator", "person")),
    ListType.CATEGORY_OPTOUT: frozenset(("operator", "person")),
}
"""Who may take a number off. A person does so by an opt-in reply, and then only what an opt-out reply put on.
"""

REASON: Mapping[ListType, str] = {
    ListType.LEGAL_ORDER: "suppressed",
    ListType.REGULATOR_COMPLAINT: "suppressed",
    ListType.CARRIER_DND: "carrier_do_not_disturb",
    ListType.INVALID: "suppressed",
    ListType.REASSIGNED: "reassigned",
    ListType.TENANT_OPTOUT: "opted_out",
    ListType.PROGRAM_OPTOUT: "opted_out",
    ListType.CATEGORY_OPTOUT: "opted_out",
}
"""The name of the verdict's reason."""


LARGE = 100_000
"""Entries above which a list is asked by itself, so that putting it in place copies nothing."""


class Scope(NamedTuple):
    """To whom a list applies; "" is everyone. A category opt-out without a program holds for all the
    tenant's.
    """

    tenant: str = ""
    program: str = ""
    category: str = ""


class ListKey(NamedTuple):
    """One list: its type, its scope, and the name of its source ("replies", "dnd.csv"), which alone changes
    it.
    """

    type: ListType
    scope: Scope
    name: str


class Hit(NamedTuple):
    """The list that forbids a message, and the entry on it."""

    key: ListKey
    entry: Entry


class Suppressions:
    """All lists. Changed in place and seen by the next look-up; not shared between threads.

    `lists` are for others to look at alone. `passes` overrides the categories that types let pass.
    """

    __slots__ = ("_any", "_asked", "_by_scope", "_large", "_next", "_passes", "lists", "unread")

    def __init__(self, passes: Mapping[ListType, frozenset[str]] | None = None) -> None:
        self._passes = {**PASSES, **(passes or {})}
        self.lists: dict[ListKey, NumberSet] = {}
        self._by_scope: dict[str, dict[tuple[str, str], dict[ListKey, NumberSet]]] = {}
        self._asked: dict[tuple[str, str, str], tuple[tuple[ListKey, NumberSet], ...]] = {}
        self._any = NumberSet()
        self._next: NumberSet | None = None  # the set that is being made by tidy
        self._large: dict[ListKey, NumberSet] = {}  # what was too large to be in `_any` when it was put
        self.unread: frozenset[ListKey] = frozenset()

    def find(self, digits: str, tenant: str, program: str, category: str, now: float) -> Hit | None:
        """The gravest entry that forbids a message to E.164 `digits` at `now` (unix seconds), or None."""
        number = int(digits)
        if not self._any.covers(digits, number):
            for large in self._large.values():
                if large.covers(digits, number):
                    break
            else:
                return None
        message = tenant, program, category
        asked = self._asked.get(message)
        if asked is None:
            asked = self._asked[message] = self._gravest_first(tenant, program, category)
        for key, numbers in asked:
            entry = numbers.find(digits, number, now)
            if entry is not None:
                return Hit(key, entry)
        return None

    def awaited(self, tenant: str, program: str, category: str) -> ListKey | None:
        """A list that could never be read yet and might forbid such a message, or None."""
        for key in self.unread:
            whose, of, only = key.scope
            if (
                whose in ("", tenant)
                and of in ("", program)
                and only in ("", category)
                and category not in self._passes[key.type]
            ):
                return key
        return None

    def find_all(self, digits: str, now: float) -> list[Hit]:
        """Every entry on any list for a number, whatever it forbids: for people who ask."""
        number = int(digits)
        found = ((key, numbers.find(digits, number, now)) for key, numbers in self.lists.items())
        return [Hit(key, entry) for key, entry in found if entry is not None]

    def add(self, key: ListKey, digits: str, span: Span = ALWAYS) -> None:
        """Put a number, or with a `*` at its end a prefix, on a list."""
        numbers = self._list(key)
        if digits.endswith("*"):
            numbers.add_prefix(digits[:-1], span)
        else:
            numbers.add(int(digits), span)
        for cover in (self._any, self._next):
            if cover is None:
                continue
            if digits.endswith("*"):
                cover.add_prefix(digits[:-1])
            else:
                cover.add(int(digits))

    def discard(self, key: ListKey, digits: str) -> None:
        """Take a number or a prefix off a list, if it is on it."""
        numbers = self.lists.get(key)
        if numbers is None:
            return
        if digits.endswith("*"):
            numbers.discard_prefix(digits[:-1])
        else:
            numbers.discard(int(digits))

    def put(self, key: ListKey, numbers: NumberSet) -> None:
        """Put a whole list in place of the one it had; a millisecond, however large it is.

        The set is this object's from then on. Raises ValueError for a program or category of no tenant.
        """
        if key.scope != Scope() and not key.scope.tenant:
            raise ValueError("a program or a category is a tenant's")
        self.lists[key] = numbers
        self._asked.clear()
        tenant, program, category = key.scope
        self._by_scope.setdefault(tenant, {}).setdefault((program, category), {})[key] = numbers
        if len(numbers) > LARGE:
            self._large[key] = numbers
            return
        self._large.pop(key, None)
        for cover in (self._any, self._next):
            if cover is not None:
                self._cover(numbers, cover)

    def drop(self, key: ListKey) -> None:
        """Forget a list."""
        if self.lists.pop(key, None) is not None:
            self._asked.clear()
            tenant, program, category = key.scope
            del self._by_scope[tenant][program, category][key]
            self._large.pop(key, None)

    def tidy(self, now: float, but: str = "") -> Iterator[int]:
        """Forget entries that have ended, and numbers in the set of all that are on no list any more; one
        list a step. Lists whose name begins with `but` keep their entries: who reads them anew looks at them.
        """
        self._next = NumberSet()
        covered: dict[ListKey, NumberSet] = {}
        try:
            for key, numbers in list(self.lists.items()):
                ended = 0 if but and key.name.startswith(but) else numbers.expire(now)
                if key not in self._large or len(numbers) <= LARGE:
                    self._cover(numbers, self._next)
                    covered[key] = numbers
                yield ended
            self._any = self._next
            for key, numbers in covered.items():
                if self._large.get(key) is numbers:
                    del self._large[key]
        finally:
            self._next = None

    def _list(self, key: ListKey) -> NumberSet:
        if key not in self.lists:
            self.put(key, NumberSet())
        return self.lists[key]

    @staticmethod
    def _cover(numbers: NumberSet, by: NumberSet) -> None:
        by.add_all(numbers.numbers)
        by.add_all(numbers.dated)
        for prefix in numbers.prefixes:
            by.add_prefix(prefix)

    def _gravest_first(
        self, tenant: str, program: str, category: str
    ) -> tuple[tuple[ListKey, NumberSet], ...]:
        """The lists that forbid such a message."""
        found = [
            (key, numbers)
            for lists in self._concerning(tenant, program, category)
            for key, numbers in lists.items()
            if category not in self._passes[key.type]
        ]
        return tuple(sorted(found, key=lambda each: RANK[each[0].type]))

    def _concerning(self, tenant: str, program: str, category: str) -> Iterator[dict[ListKey, NumberSet]]:
        everyone = self._by_scope.get("")
        if everyone is not None:
            yield from everyone.values()
        of_tenant = self._by_scope.get(tenant) if tenant else None
        if of_tenant is not None:
            for narrower in dict.fromkeys((("", ""), (program, ""), ("", category), (program, category))):
                found = of_tenant.get(narrower)
                if found is not None:
                    yield found
