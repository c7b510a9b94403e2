"""The filter of templates: a text must be one of those registered for its tenant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from gateway.filters.links import Hosts
from gateway.filters.registry import Registered, Registry, read_registry
from gateway.filters.remembered import Remembered
from gateway.filters.templateedits import TemplateEdit, TemplateEdits
from gateway.filters.treating import treat
from gateway.filters.verdict import REASONS, Action, Verdict, beside
from gateway.message import Message
from gateway.settings.content import Known
from gateway.settings.content import Templates as Settings

_REASON = REASONS["template_mismatch"]
_STATES = {"paused": "is paused", "shadow": "is in shadow"}


class Edited(NamedTuple):
    """Registries with some more edits, made beside the traffic and not yet in force."""

    edits: TemplateEdits
    by_tenant: dict[str, Registry]


class Registries:
    """All registries of a directory with what edits made of them, by tenant, and the hosts that their urls
    may lead to. What is edited is put in force by the node.
    """

    def __init__(
        self,
        registries: Mapping[str, Registry],
        known: Mapping[str, Known],
        edits: TemplateEdits | None = None,
    ) -> None:
        self._files = dict(registries)
        self.edits = edits or TemplateEdits()
        self.by_tenant = self._with(self._files, self.edits, self.edits.tenants)
        self._allowed = {tenant: Hosts(each.hosts).__contains__ for tenant, each in known.items()}
        self._nowhere = Hosts(()).__contains__
        self._lately = Remembered(self._matching)

    @classmethod
    def read(
        cls, directory: Path | None, known: Mapping[str, Known], edits: TemplateEdits | None = None
    ) -> Registries:
        """Raises ValueError with all that is wrong in the files."""
        registries: dict[str, Registry] = {}
        problems: list[str] = []
        for path in sorted(directory.glob("*.yaml")) if directory is not None else ():
            try:
                tenant, registry, found = read_registry(path)
            except OSError as error:
                problems.append(f"{path}: cannot be read: {error.strerror}")
                continue
            problems += map(str, found)
            if tenant in registries:
                problems.append(f"{path}:1:1: tenant: another file has the templates of '{tenant}'")
            if registry is not None:
                registries[tenant] = registry
        if problems:
            raise ValueError("\n".join(problems))
        return cls(registries, known, edits)

    def edited(self, edits: Iterable[TemplateEdit]) -> Edited:
        """What comes of some more edits; nothing changes yet. Raises ValueError for one that makes no
        sense.
        """
        edits = tuple(edits)
        after = self.edits.after(edits)
        return Edited(after, self._with(self.by_tenant, after, {edit.tenant for edit in edits}))

    def put_in_force(self, edited: Edited) -> None:
        """Judge by these from now on."""
        self.edits = edited.edits
        self.by_tenant = edited.by_tenant
        self._lately.forget()

    def _with(
        self, by_tenant: Mapping[str, Registry], edits: TemplateEdits, tenants: Iterable[str]
    ) -> dict[str, Registry]:
        """Registries, those of some tenants made anew; a tenant without templates has none."""
        made = dict(by_tenant)
        for tenant in tenants:
            before = made.pop(tenant, None)
            file = self._files.get(tenant)
            if entries := edits.over(tenant, file.entries if file is not None else ()):
                made[tenant] = Registry(entries, before)
        return made

    def of(self, tenant: str) -> Registry | None:
        """The registry of a tenant."""
        return self.by_tenant.get(tenant)

    def matching(self, tenant: str, text: str) -> tuple[Registered, ...]:
        """The tenant's templates that a text is one of."""
        registry = self.by_tenant.get(tenant)
        if registry is None or not registry.may_match(text):
            return ()
        return self._lately.of(text, registry, tenant)

    def _matching(self, text: str, registry: Registry, tenant: str) -> tuple[Registered, ...]:
        return tuple(registry.matching(text, self._allowed.get(tenant, self._nowhere)))

    def approved(self, message: Message) -> list[Registered]:
        """The approved templates for its category that a message's text is one of."""
        found = self.matching(message.tenant, (message.text or "").strip())
        return [entry for entry in found if fits(entry, message.category)]


def fits(entry: Registered, category: str) -> bool:
    """Whether a template may be used for messages of a category."""
    template = entry.template
    return template.state == "approved" and (not template.categories or category in template.categories)


def tried(registries: Registries, tenant: str, category: str, text: str) -> list[dict[str, str]]:
    """The templates that a text is one of, for people: `passes` says whether it would pass by each."""
    return [
        {
            "name": entry.template.name,
            "passes": "yes" if fits(entry, category) else "no",
            "state": entry.template.state,
            "categories": "|".join(entry.template.categories),
            "text": entry.template.text,
            "place": entry.place,
            "edit": entry.edit,
        }
        for entry in registries.matching(tenant, text.strip())
    ]


class Templates:
    """Judges a text by the registry of its tenant."""

    name: ClassVar[str] = "templates"
    alike: ClassVar[bool] = True

    def __init__(self, settings: Settings, registries: Registries, place: str = "") -> None:
        self._settings = settings
        self.registries = registries
        self._place = place
        self._none = self._verdict("unmatched", "no template", place, "the text is none of the templates")

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A verdict on a text that is none of the approved templates; a binary message has no text."""
        text = message.text
        if text is None:
            return None
        verdict = self._judged(message, text)
        for other in message.others:
            verdict = verdict or self._judged(message, other)
        return verdict

    def _judged(self, message: Message, text: str) -> Verdict | None:
        """What one reading of the text says."""
        found = self.registries.matching(message.tenant, text.strip())
        if not found:
            if self.registries.of(message.tenant) is not None:
                return self._none
            detail = f"{message.tenant} has no registry of templates"
            return self._verdict("unregistered", "no registry", self._place, detail)
        for entry in found:
            if fits(entry, message.category):
                return None
        shadows = [self._shadow(entry) for entry in found if entry.template.state == "shadow"]
        return beside(self.name, self._unfit(found, message.category), shadows)

    def _unfit(self, found: Sequence[Registered], category: str) -> Verdict | None:
        """What is said of a text that is none of the approved templates, but perhaps another."""
        for entry in found:
            state = entry.template.state
            why = f"is not for {category}" if state == "approved" else _STATES[state]
            why += f"; {entry.edit}" if entry.edit else ""
            return self._verdict("unmatched", entry.template.name, entry.place, f"the template {why}")
        return None

    def _shadow(self, entry: Registered) -> Verdict:
        detail = "the text is this template's, which lets nothing pass yet"
        return Verdict(Action.ALLOW, self.name, entry.template.name, entry.place, None, detail)

    def _verdict(self, setting: str, rule: str, place: str, detail: str) -> Verdict | None:
        return treat(getattr(self._settings, setting), self.name, rule, place, _REASON, detail)
