"""What the law sees in a message: the category that it is declared as, and what its text makes of that.

A client declares by a TLV, by service_type or by source address; undeclared is what the account's default
says. The text may raise a message to promotional and never lowers it: nothing tells a code from an
advertisement well enough for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gateway.filters.entries import Entry, Severity
from gateway.filters.fold import folded, view_s
from gateway.filters.marks import InForce, Mark, contains
from gateway.filters.packs import TextRule
from gateway.filters.persons import Persons
from gateway.filters.remembered import Remembered
from gateway.filters.rulebook import Ruled, Rules
from gateway.filters.verdict import REASONS, Action, Reason, Verdict
from gateway.filters.words import WordList
from gateway.message import Message, MtPdu
from gateway.settings.accounts import Account
from gateway.settings.content import Raising as Settings
from gateway.smpp.codec import find_tlv

PROMOTIONAL = "promotional"


class Categories:
    """How the messages of one account declare their category."""

    __slots__ = ("_default", "_exact", "_plain", "_prefixes", "_required", "_service_types", "_values", "tag")

    def __init__(self, settings: Account) -> None:
        declares = settings.declares
        self._default: str = settings.category
        self.tag = declares.tag
        self._required = declares.required
        self._values = {name.upper().encode(): category for name, category in declares.values.items()}
        self._service_types: Mapping[str, str] = declares.service_types
        exact = {source: each for source, each in declares.sources.items() if not source.endswith("*")}
        prefixes = {source[:-1]: each for source, each in declares.sources.items() if source.endswith("*")}
        self._exact: Mapping[str, str] = exact
        self._prefixes = tuple(sorted(prefixes.items(), key=lambda item: -len(item[0])))
        self._plain = self.tag is None and not (self._service_types or declares.sources)

    def of(self, pdu: MtPdu) -> str | Reason:
        """The declared category, or why the message is refused in the response."""
        if self._plain:
            return self._default
        if self.tag is not None:
            value = find_tlv(pdu.tlvs, self.tag)
            category = self._values.get(value.rstrip(b"\0 ").upper()) if value is not None else None
            if category is not None:
                return category
            if self._required:
                return REASONS["category_missing" if value is None else "category_invalid"]
        return self._service_types.get(pdu.service_type) or self._by_source(pdu.source_addr) or self._default

    def _by_source(self, source: str) -> str | None:
        if source in self._exact:
            return self._exact[source]
        return next((category for prefix, category in self._prefixes if source.startswith(prefix)), None)


class Raising:
    """Raises what declares itself as something else and says what only marketing says."""

    name: ClassVar[str] = "category"
    alike: ClassVar[bool] = True

    def __init__(self, settings: Settings, persons: Persons, place: str = "") -> None:
        self._persons = persons
        self._place = place
        self._phrases = WordList.of(Entry(phrase, Severity.WARN) for phrase in settings.phrases)
        self._squashed = tuple(filter(None, map(view_s, settings.phrases)))
        self._marks = InForce(TextRule, _of_promotional_alone)
        self._verdict = Remembered(self._judged)
        self._promotional: dict[int, tuple[Rules, Rules]] = {}  # by the id of the rules of other categories

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A raise, if the message is not promotional and its text is."""
        if message.category == PROMOTIONAL:
            return None
        text = message.text
        if not text and not message.others:
            return None
        marks = self._marks_for(message, now)
        verdict = self._verdict.of(text, message.category, marks) if text else None
        for other in message.others:
            verdict = verdict or self._judged(other, message.category, marks)
        return verdict

    def _judged(self, text: str, category: str, marks: tuple[Mark, ...]) -> Verdict | None:
        for mark in marks:
            if mark.stands_in(text):
                return self._raise(category, mark.ruled.name, mark.ruled.place, "an opt-out way")
        if not self._squashed or not contains(folded(text).squashed, self._squashed):
            return None
        hits = self._phrases.scan(text)  # knows where words end
        if hits:
            return self._raise(category, hits[0].entry.word, self._place, f"{hits[0].characters!r}")
        return None

    def _raise(self, category: str, rule: str, place: str, what: str) -> Verdict:
        detail = f"{what} in a message declared as {category}"
        return Verdict(Action.RAISE, self.name, rule, place, detail=detail, category=PROMOTIONAL)

    def _marks_for(self, message: Message, now: float) -> tuple[Mark, ...]:
        """What the sure rules of the destination ask of promotional texts alone."""
        person = self._persons.person(message)
        if person is None:
            return ()
        own = person.standing.rules
        known = self._promotional.get(id(own))
        if known is None:
            rules = self._persons.rules(message.tenant, person.digits, PROMOTIONAL)
            known = self._promotional[id(own)] = own, rules
        return self._marks.of(known[1], now)


def _of_promotional_alone(rules: list[tuple[TextRule, Ruled]]) -> tuple[Mark, ...]:
    return tuple(
        Mark(rule, ruled)
        for rule, ruled in rules
        if rule.enforced and not rule.shadow and rule.raises and rule.categories == (PROMOTIONAL,)
    )
