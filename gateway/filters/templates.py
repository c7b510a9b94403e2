"""The filter of templates: a text must be one of those registered for its tenant."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from gateway.filters.links import Hosts
from gateway.filters.registry import Registered, Registry, read_registry
from gateway.filters.treating import treat
from gateway.filters.verdict import REASONS, Verdict
from gateway.message import Message
from gateway.settings.content import Known
from gateway.settings.content import Templates as Settings

_REASON = REASONS["template_mismatch"]


class Registries:
    """All registries of a directory, by tenant, and the hosts that their urls may lead to."""

    def __init__(self, registries: Mapping[str, Registry], known: Mapping[str, Known]) -> None:
        self.by_tenant = dict(registries)
        self._allowed = {tenant: Hosts(each.hosts).__contains__ for tenant, each in known.items()}
        self._nowhere = Hosts(()).__contains__
        self._lately = lru_cache(maxsize=1)(self._matching)

    @classmethod
    def read(cls, directory: Path | None, known: Mapping[str, Known]) -> Registries:
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
        return cls(registries, known)

    def of(self, tenant: str) -> Registry | None:
        """The registry of a tenant."""
        return self.by_tenant.get(tenant)

    def matching(self, tenant: str, text: str) -> list[Registered]:
        """The tenant's templates that a text is one of."""
        registry = self.by_tenant.get(tenant)
        return list(self._lately(registry, tenant, text)) if registry is not None else []

    def _matching(self, registry: Registry, tenant: str, text: str) -> tuple[Registered, ...]:
        return tuple(registry.matching(text, self._allowed.get(tenant, self._nowhere)))

    def approved(self, message: Message) -> Registered | None:
        """The approved template for its category that a message's text is one of."""
        found = self.matching(message.tenant, (message.text or "").strip())
        return next((entry for entry in found if fits(entry, message.category)), None)


def fits(entry: Registered, category: str) -> bool:
    """Whether a template may be used for messages of a category."""
    template = entry.template
    return template.state == "approved" and (not template.categories or category in template.categories)


class Templates:
    """Judges a text by the registry of its tenant."""

    name = "templates"

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
        if self.registries.of(message.tenant) is None:
            detail = f"{message.tenant} has no registry of templates"
            return self._verdict("unregistered", "no registry", self._place, detail)
        found = self.registries.matching(message.tenant, text.strip())
        for entry in found:
            if fits(entry, message.category):
                return None
        for entry in found:
            paused = entry.template.state == "paused"
            why = "is paused" if paused else f"is not for {message.category}"
            return self._verdict("unmatched", entry.template.name, entry.place, f"the template {why}")
        return self._none

    def _verdict(self, setting: str, rule: str, place: str, detail: str) -> Verdict | None:
        return treat(getattr(self._settings, setting), self.name, rule, place, _REASON, detail)
