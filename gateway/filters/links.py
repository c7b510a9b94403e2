"""The filter of links and contacts: those that are not the tenant's, that are shortened, or in disguise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from gateway.filters.contacts import NONE, Host, looked_for, may_have
from gateway.filters.fold import view_d
from gateway.filters.remembered import Remembered
from gateway.filters.treating import gravest, treat
from gateway.filters.verdict import REASONS, Verdict
from gateway.message import Message
from gateway.settings.content import Known
from gateway.settings.content import Links as Settings

_REASON = REASONS["content_blocked"]
_NOTHING = Known()


class Hosts:
    """A set of hosts, exact or with all below them (`*.example.com`, which is not example.com itself)."""

    __slots__ = ("_below", "_exact", "_foreign")

    def __init__(self, names: Iterable[str]) -> None:
        names = tuple(names)
        self._exact = frozenset(name for name in names if not name.startswith("*."))
        self._below = frozenset(name[2:] for name in names if name.startswith("*."))
        self._foreign = {view_d(name): name for name in self._exact if not name.isascii()}

    def __contains__(self, name: str) -> bool:
        return name in self._exact or (bool(self._below) and self._is_below(name))

    def _is_below(self, name: str) -> bool:
        at = name.find(".", 1)
        while at >= 0:
            if name[at + 1 :] in self._below:
                return True
            at = name.find(".", at + 1)
        return False

    def foreign(self, name: str) -> str | None:
        """The host in letters of its own that view D shows as `name`."""
        return self._foreign.get(name)


class Links:
    """Judges a text by the contacts in it."""

    name: ClassVar[str] = "links"
    alike: ClassVar[bool] = True

    def __init__(self, settings: Settings, place: str = "") -> None:
        self._settings = settings
        self._place = place
        self._shorteners = Hosts((*settings.shorteners, *(f"*.{name}" for name in settings.shorteners)))
        self._hosts = {tenant: Hosts(known.hosts) for tenant, known in settings.tenants.items()}
        self._none = Hosts(())
        self._verdict = Remembered(self._judged)
        self._numbers = settings.numbers != "allow"
        self._may_have = may_have(self._numbers)  # takes a tenth of a second to make: not with the first text

    def judge(self, message: Message, now: float) -> Verdict | None:
        """The gravest verdict on anything that is in the text, however it is read; binary messages have
        none.
        """
        text = message.text
        if text is None:
            return None
        others = message.others
        if not others:
            return self._verdict.of(text, message.tenant) if self._may_have(text) else None
        seen = filter(self._may_have, (text, *others))
        return gravest([self._verdict.of(each, message.tenant) for each in seen])

    def _judged(self, text: str, tenant: str) -> Verdict | None:
        """The verdict on a text that may have some."""
        found = looked_for(text, numbers=self._numbers)
        if found is NONE:
            return None
        known = self._settings.tenants.get(tenant, _NOTHING)
        own = self._hosts.get(tenant, self._none)
        verdicts = [verdict for host in found.hosts for verdict in self._on_host(host, own, text)]
        for number in found.numbers:
            if number not in known.numbers:
                verdicts.append(self._treated("numbers", f"telephone number {number}"))
        for handle in found.handles:
            if handle not in known.handles:
                verdicts.append(self._treated("handles", f"handle {handle}"))
        return gravest(verdicts)

    def _on_host(self, host: Host, own: Hosts, text: str) -> Iterator[Verdict | None]:
        foreign = own.foreign(host.name)
        if foreign is not None and foreign in text.lower():
            return
        if host.disguised:
            yield self._treated("disguised", f"{host.name} in disguise")
        if host.name in self._shorteners:
            yield self._treated("shortened", f"{host.name} shortens links")
        elif host.name not in own:
            yield self._treated("hosts", f"{host.name} is not a host of the tenant")

    def _treated(self, rule: str, detail: str) -> Verdict | None:
        return treat(getattr(self._settings, rule), self.name, rule, self._place, _REASON, detail)
