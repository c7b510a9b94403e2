"""The filter of India's registers (DLT): entity, template and chain as TLVs, and a registered header.

Which TLVs there are, their tags and how sure that is stands in the rule pack of the country; any country
whose pack asks for TLVs of these names is served alike. What the client leaves out is added where it is
known.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import ClassVar

from gateway.filters.marks import InForce
from gateway.filters.packs import TlvRule
from gateway.filters.persons import Persons
from gateway.filters.registry import Registered
from gateway.filters.rulebook import Ruled
from gateway.filters.templates import Registries
from gateway.filters.treating import gravest
from gateway.filters.verdict import REASONS, Action, Reason, Rewrite, Verdict, beside
from gateway.message import Message
from gateway.settings.content import Dlt as Settings
from gateway.settings.content import Entity
from gateway.smpp.codec import find_tlv
from gateway.smpp.fields import Tlv

ENTITY, TEMPLATE, CHAIN = "principal-entity", "template", "telemarketer-chain"
"""The names of these rules in the packs."""

SUFFIXES = {
    "P": ("promotional",),
    "S": ("service", "service_explicit"),
    "T": ("transactional", "otp"),
    "G": ("government",),
}
"""What the suffix of a header says of its category."""

_HEADER = re.compile(r"(?:[A-Za-z]{2}-)?([A-Za-z0-9]{3,11})(?:-([PSTG]))?")


def chain_hash(ids: Sequence[str]) -> str:
    """The hash of a chain, in hex: SHA-256 over the entity's id and those of its telemarketers in their
    order, with commas and no spaces between. Only the last of the chain makes it.
    """
    return hashlib.sha256(",".join(ids).encode("ascii")).hexdigest()


class Dlt:
    """Judges messages to countries whose packs ask for the TLVs of a register."""

    name: ClassVar[str] = "dlt"
    alike: ClassVar[bool] = True

    def __init__(
        self,
        settings: Settings,
        persons: Persons,
        registries: Registries,
        places: dict[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._persons = persons
        self._registries = registries
        self._places = places or {}
        self._rules = InForce(TlvRule, tuple[tuple[TlvRule, Ruled], ...])
        self._chains = {
            tenant: chain_hash((entity.entity, *entity.telemarketers))
            for tenant, entity in settings.tenants.items()
            if entity.telemarketers
        }

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A refusal or warning for what is missing or wrong; a rewriting where it can be added."""
        person = self._persons.person(message)
        rules = self._rules.of(person.standing.rules, now) if person is not None else ()
        if not rules:
            return None
        entity = self._settings.tenants.get(message.tenant)
        added: list[Tlv] = []
        verdicts = [self._header(message, entity)] if entity is not None else []
        for rule, ruled in rules:
            given = find_tlv(message.pdu.tlvs, rule.tag)
            if given is not None:
                verdicts.append(self._given(message, rule, ruled, given, entity))
            elif value := self._known(message, rule.rule, entity):
                added.append(Tlv(rule.tag, value.encode("ascii")))
            else:
                verdicts.append(self._wrong(rule, ruled, "tlv_missing", f"{rule.what} is missing"))
        verdict = gravest(verdicts)
        if not added or (verdict is not None and verdict.action is Action.REFUSE):
            return verdict
        names = ", ".join(f"0x{tlv.tag:04X}" for tlv in added)
        first = rules[0][1]
        rewrite = Rewrite(tlvs=tuple(added))
        done = Verdict(
            Action.REWRITE, self.name, first.name, first.place, detail=f"added: {names}", rewrite=rewrite
        )
        return beside(self.name, done, verdict.beside if verdict is not None else ())

    def _known(self, message: Message, name: str, entity: Entity | None) -> str | None:
        """What a TLV that the client left out is to say."""
        if name == ENTITY:
            return entity.entity if entity is not None else None
        if name == CHAIN:
            return self._chains.get(message.tenant)
        found = self._registries.approved(message) if name == TEMPLATE else ()
        return next((one.template.id for one in found if one.template.id and _is_for(one, message)), None)

    def _given(
        self, message: Message, rule: TlvRule, ruled: Ruled, given: bytes, entity: Entity | None
    ) -> Verdict | None:
        """What is wrong with a TLV of the client's."""
        value = given.rstrip(b"\0").decode("latin-1")
        if rule.digits is not None and not _digits(value, *rule.digits):
            least, most = rule.digits
            return self._wrong(rule, ruled, "tlv_invalid", f"{rule.what} has not {least} to {most} digits")
        if rule.rule == ENTITY and entity is not None and value != entity.entity:
            return self._wrong(rule, ruled, "tlv_invalid", f"{rule.what} {value} is not the tenant's")
        if rule.rule == TEMPLATE:
            return self._template(message, rule, ruled, value)
        return None

    def _template(self, message: Message, rule: TlvRule, ruled: Ruled, value: str) -> Verdict | None:
        """What is wrong with a template's id, as far as the tenant's registry tells."""
        registry = self._registries.of(message.tenant)
        if registry is None or not registry.by_id:
            return None
        entry = registry.by_id.get(value)
        if entry is None:
            return self._wrong(rule, ruled, "tlv_invalid", f"{rule.what} {value} is not registered")
        name = f"{rule.what} {value} ('{entry.template.name}')"
        if entry.template.state != "approved":
            return self._wrong(rule, ruled, "template_mismatch", f"{name} is {entry.template.state}")
        if not _is_for(entry, message):
            detail = f"{name} is not for the header {message.source}"
            return self._wrong(rule, ruled, "sender_not_registered", detail)
        for text in message.readings:
            if text is not None and entry not in self._registries.matching(message.tenant, text.strip()):
                return self._wrong(rule, ruled, "template_mismatch", f"the text is not that of {name}")
        return None

    def _wrong(self, rule: TlvRule, ruled: Ruled, reason: str, detail: str) -> Verdict | None:
        action = Action.REFUSE if rule.enforced else Action.WARN
        why: Reason | None = REASONS[reason] if rule.enforced else None
        verdict = Verdict(action, self.name, ruled.name, ruled.place, why, detail)
        return beside(self.name, None, (verdict,)) if rule.shadow else verdict

    def _header(self, message: Message, entity: Entity | None) -> Verdict | None:
        """What is wrong with the header (the source address), if the tenant has registered any."""
        if entity is None or not entity.headers:
            return None
        place = self._places.get(message.tenant, "")
        reason = REASONS["sender_not_registered"]
        match = _HEADER.fullmatch(message.source)
        registered = {name.upper(): categories for name, categories in entity.headers.items()}
        if match is None or match[1].upper() not in registered:
            detail = f"{message.source} is no registered header of {message.tenant}"
            return Verdict(Action.REFUSE, self.name, "header", place, reason, detail)
        categories = registered[match[1].upper()]
        if categories and message.category not in categories:
            detail = f"{match[1]} is registered for {', '.join(categories)}, not for {message.category}"
            return Verdict(Action.REFUSE, self.name, "header", place, reason, detail)
        if match[2] and message.category not in SUFFIXES[match[2]]:
            detail = f"suffix -{match[2]} on a message that is {message.category}"
            return Verdict(Action.REFUSE, self.name, "suffix", place, reason, detail)
        return None


def _is_for(entry: Registered, message: Message) -> bool:
    """Whether a template may go out under the message's header."""
    match = _HEADER.fullmatch(message.source)
    headers = {header.upper() for header in entry.template.headers}
    return not headers or (match is not None and match[1].upper() in headers)


def _digits(value: str, least: int, most: int) -> bool:
    return value.isascii() and value.isdigit() and least <= len(value) <= most
