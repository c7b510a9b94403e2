"""The filter of mandatory text: signature, opt-out way, brand, as pack and tenant ask; or it is appended."""

from __future__ import annotations

import re
from typing import ClassVar, NamedTuple

from gateway.filters.category import PROMOTIONAL
from gateway.filters.fold import folded, view_s
from gateway.filters.marks import InForce, Mark, contains
from gateway.filters.packs import TextRule
from gateway.filters.persons import Persons
from gateway.filters.remembered import Remembered
from gateway.filters.verdict import REASONS, Action, Rewrite, Verdict, beside
from gateway.message import Message
from gateway.settings.content import Mandatory as Settings
from gateway.settings.content import Voice

SIGNATURE = "signature"
"""The name that packs give to the rule of the signature: what it finds must also be registered."""

BRAND = "brand"

_BRACKETS = re.compile(r"【([^【】]{1,40})】")
_TRAILING = re.compile(r"【([^【】]{1,40})】\s*\Z")
_SILENT = Voice()


class Lack(NamedTuple):
    """What a text lacks: the rule, its place, what it asks for, and whether it may refuse."""

    rule: str
    place: str
    what: str
    enforced: bool
    signature: bool = False
    curable: bool = True
    shadow: bool = False


class Mandatory:
    """Refuses a text without what it must contain, or puts that there; of what unsure rules ask it warns."""

    name: ClassVar[str] = "mandatory"
    alike: ClassVar[bool] = True

    def __init__(self, settings: Settings, persons: Persons, place: str = "") -> None:
        self._settings = settings
        self._persons = persons
        self._place = place
        self._brands = {
            tenant: tuple(filter(None, map(view_s, voice.brands)))
            for tenant, voice in settings.tenants.items()
        }
        self._first = {
            tenant: tuple(filter(_BRACKETS.fullmatch, (f"【{name}】" for name in voice.signatures)))
            for tenant, voice in settings.tenants.items()
        }
        self._verdict = Remembered(self._judged)
        self._marks = InForce(TextRule, lambda rules: tuple(Mark(rule, ruled) for rule, ruled in rules))

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A refusal, a rewriting or a warning if something is missing; a binary message says nothing."""
        text = message.text
        if not text:
            return None
        return self._verdict.of(text, message.tenant, message.category, self._marks_for(message, now))

    def _judged(self, text: str, tenant: str, category: str, marks: tuple[Mark, ...]) -> Verdict | None:
        lacks = self._lacks(text, tenant, category, marks)
        if not lacks:
            return None
        shadows = [self._said(lack) for lack in lacks if lack.shadow]
        acting = [lack for lack in lacks if not lack.shadow]
        refusing = [lack for lack in acting if lack.enforced]
        verdict = self._said(acting[0]) if acting else None
        if refusing:
            verdict = self._rewritten(text, tenant, refusing, marks, category) or self._refusal(refusing[0])
        return beside(self.name, verdict, shadows)

    def _said(self, lack: Lack) -> Verdict:
        if lack.enforced:
            return self._refusal(lack)
        return Verdict(Action.WARN, self.name, lack.rule, lack.place, None, f"{lack.what} is missing")

    def _refusal(self, lack: Lack) -> Verdict:
        reason = REASONS["mandatory_text_missing"]
        missing = "is missing" if lack.curable else "is not registered for the tenant"
        return Verdict(Action.REFUSE, self.name, lack.rule, lack.place, reason, f"{lack.what} {missing}")

    def _lacks(self, text: str, tenant: str, category: str, marks: tuple[Mark, ...]) -> list[Lack]:
        lacks = []
        for mark in marks:
            rule, ruled = mark.rule, mark.ruled
            signature = rule.rule == SIGNATURE
            if not mark.stands_in(text):
                lack = Lack(ruled.name, ruled.place, rule.what, rule.enforced, signature)
                lacks.append(lack._replace(shadow=rule.shadow))
            elif signature and (strange := self._strange_signature(tenant, text)):
                lack = Lack(ruled.name, ruled.place, strange, rule.enforced, True, False)
                lacks.append(lack._replace(shadow=rule.shadow))
        brands = self._brands.get(tenant, ())
        if brands and category == PROMOTIONAL and not contains(folded(text).squashed, brands):
            what = " or ".join(self._settings.tenants[tenant].brands)
            lacks.append(Lack(BRAND, self._place, f"the brand {what}", True))
        return lacks

    def _strange_signature(self, tenant: str, text: str) -> str:
        """A signature that is none of the tenant's; "" if it is one. Of two the reader takes the first, and
        nothing that he does not see, or takes for no word, stands before it.
        """
        if text.startswith(self._first.get(tenant, ())):
            return ""
        registered = self._settings.tenants.get(tenant, _SILENT).signatures
        found = _BRACKETS.search(text)
        if found is None or view_s(text[: found.start()]):
            found = _TRAILING.search(text)
        if found is not None and found[1] in registered:
            return ""
        return f"the signature 【{found[1]}】" if found is not None else "the signature"

    def _rewritten(
        self, text: str, tenant: str, lacks: list[Lack], marks: tuple[Mark, ...], category: str
    ) -> Verdict | None:
        """The text with everything that is missing, if the settings have it all."""
        if self._settings.missing != "append" or not all(lack.curable for lack in lacks):
            return None
        voice = self._settings.tenants.get(tenant, _SILENT)
        before, after = "", ""
        for lack in lacks:
            if lack.signature and voice.signatures:
                before = f"【{voice.signatures[0]}】"
            elif cure := voice.append.get(lack.rule) or self._settings.append.get(lack.rule):
                after += cure
            else:
                return None
        trailing = _TRAILING.search(text)
        end = trailing.start() if trailing is not None else len(text)
        whole = before + text[:end] + after + text[end:]
        lacking = self._lacks(whole, tenant, category, marks)
        if any(lack.enforced and not lack.shadow for lack in lacking):
            return None
        done = [f"put before it: {before!r}"] if before else []
        done += [f"put after it: {after!r}"] if after else []
        rewrite = Rewrite(whole, payload=self._settings.overflow == "payload")
        rules = ", ".join(lack.rule for lack in lacks)
        return Verdict(
            Action.REWRITE, self.name, rules, lacks[0].place, detail="; ".join(done), rewrite=rewrite
        )

    def _marks_for(self, message: Message, now: float) -> tuple[Mark, ...]:
        person = self._persons.person(message)
        if person is None:
            return ()
        return self._marks.of(person.standing.rules, now)
